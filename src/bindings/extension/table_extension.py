"""The extension itself, which needs no binding: its default hash is made the same as that of the other roads.

They wrap the C ABI. The extension goes past it, straight to the library's Rust: that is what it has over them.
"""

import hashtable


def HashTable(size=4, max_load=0.5, hash_func=hashtable.library_hash):
    """A hash table; without `hash_func` the library's default hash is used."""
    return hashtable.HashTable(size, max_load, hash_func)
