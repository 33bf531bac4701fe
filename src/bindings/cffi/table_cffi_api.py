"""libhashtable by cffi, API mode: the Python half. build_table.py makes the other."""

from _cffi_api import ffi, lib
from table import bind

HashTable = bind(ffi, lib)
