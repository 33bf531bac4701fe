"""When does a ring of objects go? Predict before you run the check. The collector only runs when it is called."""

import gc
import weakref


class Thing:
    """Something mortal."""


gc.disable()
gc.collect()

a, b = Thing(), Thing()
a.other, b.other = b, a
gone = weakref.ref(a)
del a, b
predict(gone() is None, False)

gc.collect()
predict(gone() is None, True)

items = [Thing()]
items.append(items)
del items
predict(min(gc.collect(), 1), 1)

a, b = Thing(), Thing()
a.other, b.other = b, weakref.ref(a)
gone = weakref.ref(a)
del a, b
predict(gone() is None, True)
