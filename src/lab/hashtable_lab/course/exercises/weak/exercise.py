"""What does a weak reference do to a count? Predict before you run the check."""

import sys
import weakref


class Thing:
    """Something mortal."""


thing = Thing()
start = sys.getrefcount(thing)

look = weakref.ref(thing)
predict(sys.getrefcount(thing) - start, ...)

held = look()
predict(sys.getrefcount(thing) - start, ...)

cache = weakref.WeakValueDictionary(thing=thing)
predict(sys.getrefcount(thing) - start, ...)

del thing, held
predict(look() is None, ...)
