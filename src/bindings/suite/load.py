"""The shortest of all tests, for whatever Python runs this, 2.7 included: `python load.py MODULE`. Ends with 0 if it works."""

import importlib
import sys

HashTable = importlib.import_module(sys.argv[1]).HashTable
table = HashTable(4, 0.5, lambda key: 1)
table.set(1, 2.5)
table.set("key", "value")
assert (table.get(1), table.get("key"), table.load) == (2.5, "value", 2), "wrong answers"
assert repr(table) == "[]\n[]**\n[]\n[]\n", "a wrong picture"
