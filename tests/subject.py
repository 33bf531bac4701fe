"""The module under test. Every file here takes it from this one.

It is what `import hashtable` finds, wherever that is installed. With the environment variable HASHTABLE_MODULE
another build of the same source is put to the same tests: `HASHTABLE_MODULE=hashtable_traced pytest` runs them on the
traced build, which is told to announce nothing.
"""

from __future__ import annotations

import importlib
import os

NAME = os.environ.get("HASHTABLE_MODULE", "hashtable")
module = importlib.import_module(NAME)
if hasattr(module, "announce"):
    module.announce(False)

HashTable = module.HashTable
library_hash = module.library_hash
mixed_hash = module.mixed_hash


def look(table):
    """All that can be seen of a table, to be compared with what is seen later.

    Args:
        table: a HashTable.

    Returns:
        A dict of its attributes, its content in order, its buckets, and its figures.
    """
    return {
        "size": table.size,
        "load": table.load,
        "max_load": table.max_load,
        "hash_func": table.hash_func,
        "typed": table.typed,
        "items": list(table.items()),
        "buckets": table.buckets(),
        "stats": table.stats(),
    }


def same(key):
    """A hash function for keys that are ints: a key is its own hash."""
    return key


def seven(key):
    """A hash function that puts all keys into one chain."""
    return 7
