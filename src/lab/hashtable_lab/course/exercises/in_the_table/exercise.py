"""Which references does a hash table own? Predict before you run the check."""

import sys

import hashtable


class Thing:
    """Something mortal."""


thing = Thing()
start = sys.getrefcount(thing)
table = hashtable.HashTable()

table.set("a", thing)
predict(sys.getrefcount(thing) - start, ...)

table.set("a", thing)
predict(sys.getrefcount(thing) - start, ...)

table.set("b", thing)
predict(sys.getrefcount(thing) - start, ...)

table.pop("a")
predict(sys.getrefcount(thing) - start, ...)

before = sys.getrefcount(table)
same = table.set("c", thing)
predict(sys.getrefcount(table) - before, ...)

table.clear()
predict(sys.getrefcount(thing) - start, ...)
