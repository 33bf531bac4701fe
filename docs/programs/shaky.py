"""Uses an extension with bugs, and notices nothing."""

import ledger_example


class Thing:
    pass


thing = Thing()
others = [thing] * 10  # so many references that nothing crashes, yet

for _ in range(3):
    assert ledger_example.leak_incref(thing) is None

assert ledger_example.return_item(thing) is thing
assert ledger_example.leak_none() is None

pair = ledger_example.Pair(thing, None)
assert ledger_example.overwrite(pair, "new") is None

print("all is well")
