"""A key that empties the table while the table is being searched, on the traced build."""

import hashtable_traced


class Meddler:
    def __init__(self, table):
        self.table = table

    def __hash__(self):
        return 1

    def __eq__(self, other):
        print("Python: am I equal to", other, "? Let me clear the table first")
        self.table.clear()
        return True

    def __del__(self):
        print("Python: a Meddler is gone")


hashtable_traced.announce(False)
h = hashtable_traced.HashTable()
h[Meddler(h)] = "first"
hashtable_traced.announce(True)

print("Python: h.get(1) is", h.get(1, "not there"))
hashtable_traced.announce(False)
