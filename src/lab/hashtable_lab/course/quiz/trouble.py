"""Questions about errors, about re-entrancy, and about the tools that look for mistakes."""

from __future__ import annotations

from hashtable_lab.course.quiz.question import Question

QUESTIONS = (
    Question(
        "length-as-guard",
        "reentrancy",
        "While a table is walked, is comparing its length enough to notice that it was changed?",
        """import hashtable
h = hashtable.HashTable().set("a", 1).set("b", 2)
try:
    for key in h:
        del h[key]; h["new" + key] = 1
    seen = False
except RuntimeError: seen = True
print("no" if len(h) == 2 else "yes")
""",
        {
            "no": "One pair out and another in: the length is what it was, and the table is not. A version "
            "number that only rises tells.",
            "yes": "A deletion and an insertion together leave the length as it was.",
        },
        "yes",
    ),
    Question(
        "popitem-tuple",
        "faults",
        "Why does `popitem` make its tuple before it takes the pair out of the table?",
        """import hashtable_traced
hashtable_traced.announce(False)
h = hashtable_traced.HashTable().set("a", 1)
hashtable_traced.ledger_fail(1, MemoryError())  # the tuple cannot be made
try: h.popitem()
except MemoryError: pass
hashtable_traced.ledger_fail(None)
print("what can fail has to come before what cannot be undone" if dict(h.items()) == {"a": 1} else "it is faster")
""",
        {
            "what can fail has to come before what cannot be undone": (
                "There may be no memory for the tuple. The pair would be out of the table then, and nowhere else."
            ),
            "an exception undoes what was done": "Nothing is undone by itself: an exception is a flag and a NULL.",
            "it is faster": "It is not; it costs a check more.",
        },
        "an exception undoes what was done",
    ),
    Question(
        "asan-leak",
        "ledger",
        "Does AddressSanitizer find a missing DECREF?",
        """print("yes" if caught("missing-decref", "asan") else "no")""",
        {
            "no": "The memory is still reachable: Python's own structures hold it. It looks for memory "
            "that is used wrongly or lost, not for counts.",
            "yes": "It finds memory that nobody can reach. A leaked Python object is reached by Python's own lists.",
        },
        "yes",
    ),
    Question(
        "asan-missing-incref",
        "ledger",
        "And a missing INCREF?",
        """print("yes" if caught("missing-incref", "asan") else "no")""",
        {
            "yes": "The object is freed too early, and then used: that is what AddressSanitizer is for, "
            "once Python's own allocator is out of its way.",
            "no": "Use after free is its trade; PYTHONMALLOC=malloc lets it see each object.",
        },
    ),
    Question(
        "immortal-ledger",
        "ledger",
        "The reference that is forgotten is one to None. Who notices, on any Python?",
        """print("the ledger" if caught("immortal-hides", "ledger") else "nobody")""",
        {
            "the ledger": "It does not look at the count. It balances what the code meant: taken, given back, "
            "handed on.",
            "sys.getrefcount": "From CPython 3.12 on the count of None never moves.",
            "nobody": "The count does not tell, but the code does: a reference was taken and not given back.",
        },
        "nobody",
    ),
    Question(
        "wrong-count-same-number",
        "ledger",
        "A function gives back one reference too many to x, and one too few to y. A test of the "
        "total of all references?",
        """x, y = Thing(), Thing(); before = count(x) + count(y)
held = [x] * 5
before = count(x) + count(y); give(x); take(y); after = count(x) + count(y); take(x); give(y)
print("sees nothing" if before == after else "sees it")
""",
        {
            "sees nothing": "The two cancel out in the total. Whose reference it was, a sum cannot tell.",
            "sees it": "One up and one down is a total of none.",
        },
        "sees it",
    ),
    Question(
        "null-without-exception",
        "faults",
        "A C function returns NULL and has set no exception. What does its Python caller see?",
        """class Definition(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("call", ctypes.c_void_p), ("flags", ctypes.c_int), ("doc", ctypes.c_char_p)]
null = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(lambda one, other: None)
definition = Definition(b"null", ctypes.cast(null, ctypes.c_void_p), 4, None)  # METH_NOARGS
make = api("PyCFunction_NewEx", py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
try: print(make(ctypes.byref(definition), None, None)())
except Exception as error: print(type(error).__name__)
""",
        {
            "SystemError": "CPython checks each result: NULL without an exception, or a result with one, is "
            "reported as a SystemError.",
            "None": "NULL is not None. None is an object.",
            "nothing: the call is skipped": "The interpreter notices at once that the two do not fit together.",
        },
        "None",
    ),
    Question(
        "minus-one",
        "faults",
        "`PyLong_AsLong(x)` returned -1. Did it fail?",
        """as_long = api("PyLong_AsLong", ctypes.c_long, py_object)
right = as_long(-1) == -1
try: as_long("x"); failed = False
except TypeError: failed = True
print("only if an exception is set" if right and failed else "yes")
""",
        {
            "only if an exception is set": "-1 is also the value of the int -1. PyErr_Occurred tells the two apart.",
            "yes": "Ask it for the value of the int -1.",
            "no": "It does return -1 when it fails.",
        },
        "yes",
    ),
    Question(
        "getitem-swallows",
        "faults",
        "`PyDict_GetItem(d, [])`: a list cannot be hashed. What does one see?",
        """get = api("PyDict_GetItem", ctypes.c_void_p, py_object, py_object)
hook, sys.unraisablehook = sys.unraisablehook, lambda what: None
try: seen = "NULL, and no exception" if get({}, []) is None else "the item"
except TypeError: seen = "TypeError"
print(seen)
""",
        {
            "NULL, and no exception": "It swallows whatever went wrong: an old mistake that is kept for old programs. "
            "PyDict_GetItemWithError passes it on.",
            "TypeError": "PyDict_GetItemWithError does that, and `{}[[]]` in Python.",
        },
        "TypeError",
    ),
    Question(
        "except-name",
        "faults",
        "`except E as error: pass`. What is `error` afterwards?",
        """try: 1 / 0
except ZeroDivisionError as error: pass
print("unbound" if "error" not in globals() else "the exception")
""",
        {
            "unbound": "The name is deleted when the block ends: the exception holds the traceback, that the "
            "frame, and that the name: a cycle.",
            "the exception": "It was in Python 2.",
            "None": "It is first set to None and then deleted.",
        },
        "the exception",
    ),
    Question(
        "eq-empties",
        "reentrancy",
        "During a lookup a key's `__eq__` clears the table. What does `h.get(key)` do?",
        """import hashtable
class Hostile:
    def __hash__(self): return 1
    def __eq__(self, other):
        h.clear(); return False
h = hashtable.HashTable().set(Hostile(), 1)
print("it finds nothing" if h.get(Hostile()) is None else "it finds the old value")
""",
        {
            "it finds nothing": "The key is held while it is compared, and afterwards the version of the table is "
            "looked "
            "at: it has moved, so the lookup starts over.",
            "it finds the old value": "The old value was given back by `clear`. To return it would be to return memory "
            "that is "
            "somebody else's.",
            "it crashes": "It would, with a borrowed key or a remembered bucket.",
        },
        "it crashes",
    ),
    Question(
        "decref-before-reassign",
        "reentrancy",
        "`Py_DECREF(self->x); self->x = y;`: when does it go wrong?",
        """seen = []
class Curious:
    def __del__(self): seen.append("dying" if self is box.x else "y")
class Box: pass
box = Box(); box.x = Curious(); box.x = "y"
print("when x has a __del__ that looks at self" if seen == ["y"] else "always")
""",
        {
            "when x has a __del__ that looks at self": (
                "During the DECREF the dying object is still in the field. Python's own assignment "
                "stores first and gives back after."
            ),
            "always": "It works as long as nobody looks. That is why it is found so late.",
            "never": "DECREF may run any code, in the middle of the line.",
        },
        "never",
    ),
    Question(
        "leak-by-calls",
        "leakcheck",
        "A call makes 3 objects more alive the first time, and none after that. Is it a leak?",
        """cache = {}
def call():
    cache.setdefault("a", [Thing(), Thing(), Thing()])
gc.collect(); call(); one = len(gc.get_objects())
for _ in range(50): call()
gc.collect()
print("no" if len(gc.get_objects()) - one < 50 else "yes")
""",
        {
            "no": "A leak grows with the number of calls. What happens once is a cache, or an import.",
            "yes": "Nothing more came with fifty calls more.",
        },
        "yes",
    ),
    Question(
        "gc-sees-leak",
        "leakcheck",
        "An extension leaks ints. Does `len(gc.get_objects())` show it?",
        """before = len(gc.get_objects())
leaked = 10**30
for n in range(100): take(leaked + n)
print("no" if len(gc.get_objects()) - before < 50 else "yes")
""",
        {
            "no": "The garbage collector tracks what can be in a cycle: containers. An int cannot, so it "
            "is not tracked.",
            "yes": "Ints are not tracked: they refer to nothing.",
        },
        "yes",
    ),
    Question(
        "tuple-untracked",
        "leakcheck",
        "Is a dict with only ints in it tracked by the garbage collector?",
        """d = {}
d["a"] = 1
print("yes" if gc.is_tracked(d) else "no")
""",
        {
            "no": "Up to CPython 3.13: dicts that hold only atoms are not tracked, to spare the collector work.",
            "yes": "From CPython 3.14 on every dict is tracked.",
        },
        differs=True,
    ),
    Question(
        "del-order",
        "counts",
        "`del x` is executed. Is the object gone?",
        """x = Thing(); y = x; gone = weakref.ref(x); del x
print("only if that was its last reference" if gone() is not None else "yes")
""",
        {
            "only if that was its last reference": "del takes away a name, and gives back the name's reference.",
            "yes": "Another name still owns it.",
            "at the next garbage collection": "The collector is for cycles.",
        },
        "yes",
    ),
)
