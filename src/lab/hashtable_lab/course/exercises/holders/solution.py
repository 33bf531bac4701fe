"""Who owns a reference besides names and lists? Predict each number before you run the check."""

import sys


class Thing:
    """Something mortal."""

    def method(self):
        """Does nothing."""


thing = Thing()
start = sys.getrefcount(thing)


def with_default(x=thing):
    return x


predict(sys.getrefcount(thing) - start, 1)

mention = lambda: thing
predict(sys.getrefcount(thing) - start, 1)


def make(x):
    return lambda: x


closed = make(thing)
predict(sys.getrefcount(thing) - start, 2)

bound = thing.method
predict(sys.getrefcount(thing) - start, 3)

del closed, bound
predict(sys.getrefcount(thing) - start, 1)
