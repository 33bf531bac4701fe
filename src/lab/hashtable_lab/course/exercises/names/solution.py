"""How many references does an object have? Predict each number, by replacing the dots, before you run the check.

`sys.getrefcount` holds the object itself while it looks, so the differences are asked for, not the counts.
"""

import sys


class Thing:
    """Something mortal."""


thing = Thing()
start = sys.getrefcount(thing)

other = thing
predict(sys.getrefcount(thing) - start, 1)

shelf = [thing, thing, [thing]]
predict(sys.getrefcount(thing) - start, 4)

copy = shelf[:]
predict(sys.getrefcount(thing) - start, 6)

del shelf
predict(sys.getrefcount(thing) - start, 4)
