"""What lives on because of an exception? Predict before you run the check."""

import sys


class Thing:
    """Something mortal."""


def fail(x):
    """Raises, with x in a variable."""
    raise ValueError


thing = Thing()
start = sys.getrefcount(thing)

try:
    fail(thing)
except ValueError as error:
    kept = error
predict(sys.getrefcount(thing) - start, 1)

names = list(globals())
predict("error" in names, False)

kept.__traceback__ = None
predict(sys.getrefcount(thing) - start, 0)
