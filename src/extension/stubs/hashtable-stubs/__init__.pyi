"""Types of the extension module `hashtable`, for type checkers and editors."""

from collections.abc import Callable, Iterator, MutableMapping
from types import GenericAlias
from typing import Any, Generic, TypedDict, TypeVar, final, overload

from typing_extensions import Self

_K = TypeVar("_K")
_V = TypeVar("_V")
_T = TypeVar("_T")

class _Stats(TypedDict):
    size: int
    load: int
    load_factor: float
    used_buckets: int
    longest_chain: int
    mean_probes: float
    resizes: int
    bytes: int
