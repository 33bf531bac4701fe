"""The refcount ledger from Python's side: a script is run, and what its ledger found is reported.

`ledger` reads a ledger in this process, `child` runs a script against an extension that keeps one, `report` starts the child and
puts together what it found, `command` is what a reader types. (The folder is not called `ledger`: that name is the function's,
`hashtable_lab.ledger()`.)
"""
