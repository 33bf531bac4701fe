"""Types of `hashtable_traced`, the build of the same source in which every layer says what it does."""

from typing import NoReturn

from hashtable import HashTable as HashTable
from hashtable import library_hash as library_hash

def announce(on: object, /) -> None: ...
def _fail_allocation(nth: int, /) -> int: ...
def _panic() -> NoReturn: ...
