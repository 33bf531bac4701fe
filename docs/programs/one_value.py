"""What the traced build enters about one object while it is put into a table, looked up and taken out again."""

import os
from pathlib import Path

import hashtable_traced
from hashtable_lab import ledger

SOURCE = Path(os.environ["HASHTABLE_SOURCE"])


class Thing:
    pass


hashtable_traced.announce(False)
thing = Thing()
table = hashtable_traced.HashTable()

with ledger() as kept:
    table.set("key", thing)
    table.get("key")
    table.pop("key")

function = None
for event in kept.events:
    if event.address != id(thing):
        continue
    if event.function != function:
        function = event.function
        print(f"\nin {function}")
    line = (SOURCE / event.file).read_text(encoding="utf-8").splitlines()[event.line - 1].strip()
    print(f"  {event.what:<9} count {event.count}   {event.file[len('src/extension/') :]}:{event.line}")
    print(f"                      {line}")
