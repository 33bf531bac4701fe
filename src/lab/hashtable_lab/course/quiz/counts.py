"""Questions about counting, about new, borrowed and stolen references, and about the life of an object."""

from __future__ import annotations

from hashtable_lab.course.quiz.question import Question

QUESTIONS = (
    Question(
        "two-names",
        "counts",
        "`o = object(); p = o`. What does `sys.getrefcount(o)` say?",
        "o = object(); p = o; print(sys.getrefcount(o))",
        {
            "3": "Two names, and the argument of getrefcount itself while it looks.",
            "2": "Two names own it. But while getrefcount looks, its argument owns it, too.",
            "1": "There is one object, and more than one owner. The count is of owners.",
        },
        "2",
    ),
    Question(
        "inside-a-function",
        "counts",
        "The same object is passed to a function `def f(x): return sys.getrefcount(x)`. What "
        "does `f(o)` say, with the names `o` and `p` outside?",
        "o = object(); p = o\ndef f(x): return sys.getrefcount(x)\nprint(f(o))",
        {
            "3": "From CPython 3.14 on, the interpreter lends arguments where it can: the call adds nothing.",
            "4": "CPython 3.11 to 3.13: the names o and p, the argument x, and the argument of getrefcount.",
            "5": "CPython up to 3.10: the caller's evaluation stack owns it as well, while the call runs.",
        },
        differs=True,
    ),
    Question(
        "immortal-none",
        "counts",
        "A C function takes a reference to None and forgets it, a thousand times. By how much "
        "has `sys.getrefcount(None)` grown?",
        """before = count(None)
for _ in range(1000): take(None)
grown = count(None) - before
print("by a thousand" if grown > 900 else "not at all")
""",
        {
            "not at all": "From CPython 3.12 on None is immortal: its count does not move. The mistake is still "
            "one, and a test cannot see it.",
            "by a thousand": "Up to CPython 3.11 None is counted like anything else.",
            "by one": "Counting does not care who counts: each forgotten reference adds one.",
        },
        differs=True,
    ),
    Question(
        "getitem-borrows",
        "counts",
        "`PyList_GetItem(list, 0)` returned an item. By how much did its count grow?",
        """thing = Thing(); things = [thing]
get = api("PyList_GetItem", ctypes.c_void_p, py_object, c_ssize_t)
before = count(thing); get(things, 0); print(count(thing) - before)
""",
        {
            "0": "It lends: the list still owns the item, and nobody else was added.",
            "1": "PySequence_GetItem does that. PyList_GetItem lends, for it is old and was to be fast.",
            "2": "Nobody takes two.",
        },
        "1",
    ),
    Question(
        "sequence-getitem",
        "counts",
        "And `PySequence_GetItem(list, 0)`?",
        """thing = Thing(); things = [thing]
get = api("PySequence_GetItem", ctypes.c_void_p, py_object, c_ssize_t)
before = count(thing); get(things, 0); print(count(thing) - before)
""",
        {
            "1": "A new reference: a sequence of any kind may make its items as it goes, so it has to give them away.",
            "0": "PyList_GetItem lends. The names are alike, the contracts are not: that is why one looks them up.",
        },
        "0",
    ),
    Question(
        "dict-setitem",
        "counts",
        "`PyDict_SetItem(dict, key, value)`: by how much does the count of value grow?",
        """thing = Thing(); d = {}
put = api("PyDict_SetItem", ctypes.c_int, py_object, py_object, py_object)
before = count(thing); put(d, "k", thing); print(count(thing) - before)
""",
        {
            "1": "The dict takes a reference of its own. What you had is still yours, to be given back.",
            "0": "That would be stealing, as PyList_SetItem does. Believing it of dicts is one of the "
            "commonest leaks in real packages.",
        },
        "0",
    ),
    Question(
        "list-setitem",
        "counts",
        "`PyList_SetItem(list, 0, item)`: by how much does the count of item grow?",
        """thing = Thing(); things = [None]
put = api("PyList_SetItem", ctypes.c_int, py_object, c_ssize_t, py_object)
take(thing)
before = count(thing); put(things, 0, thing); print(count(thing) - before)
""",
        {
            "0": "It steals: the reference that you had is the list's now. Nothing was added.",
            "1": "PyList_Append and PyDict_SetItem do that. PyList_SetItem steals.",
        },
        "1",
    ),
    Question(
        "steals-on-failure",
        "counts",
        "`PyList_SetItem(list, 99, item)` fails: there is no such place. Who owns the reference to item now?",
        """thing = Thing(); things = [None]
put = api("PyList_SetItem", ctypes.c_int, py_object, c_ssize_t, py_object)
take(thing); before = count(thing)
try: put(things, 99, thing)
except IndexError: pass
print("nobody: it was given back" if count(thing) == before - 1 else "you still do")
""",
        {
            "nobody: it was given back": "It steals whether or not it succeeds: on failure the reference is given back for "
            "you.",
            "you still do": "So one would think, and would give it back once more. PyModule_AddObject is like that; "
            "PyList_SetItem is not.",
        },
        "you still do",
    ),
    Question(
        "pop-increfs",
        "counts",
        "Must a table's `pop` INCREF the value that it returns?",
        """import hashtable
thing = Thing(); h = hashtable.HashTable().set("a", thing)
before = count(thing)
kept = h.pop("a")
print("no" if count(thing) == before else "yes")
""",
        {
            "no": "The table's own reference goes to the caller, and the table keeps none. The count does not move.",
            "yes": "`get` must: the table keeps the value then. `pop` hands over what it had; one more "
            "would be a leak.",
        },
        "yes",
    ),
    Question(
        "get-increfs",
        "counts",
        "And `get`?",
        """import hashtable
thing = Thing(); h = hashtable.HashTable().set("a", thing)
before = count(thing)
kept = h.get("a")
print("yes" if count(thing) == before + 1 else "no")
""",
        {
            "yes": "The table keeps its reference, and the caller gets one of its own.",
            "no": "Then two would own one reference, and each would give it back.",
        },
    ),
    Question(
        "which-call-kills",
        "two-bugs",
        "A table has three names. `set` returns it without INCREF, and each result is thrown "
        "away. After which call is the table gone?",
        """thing = Thing(); names = [thing] * 3
gone = weakref.ref(thing); del thing
at = id(names[0]); give_at = api("Py_DecRef", None, ctypes.c_void_p)
for call in range(1, 9):
    give_at(at)
    if gone() is None: break
print({1: "the first", 2: "the second", 3: "the third"}.get(call, "never"), flush=True)
os._exit(0)
""",
        {
            "the third": "Each call gives back a reference that belonged to a name. The third takes the last: "
            "three names, and no object.",
            "the first": "The first only makes the count too low by one. Nothing is seen until somebody takes "
            "the last one.",
            "the second": "After two calls one reference is left: enough to live on.",
            "never": "Each call lowers the count by one, and nobody raises it again.",
        },
        "the first",
    ),
    Question(
        "missing-decref-crash",
        "two-bugs",
        "A DECREF is forgotten. What happens?",
        """print("a leak" if not caught("missing-decref", "plain") else "a crash")""",
        {
            "a leak": "The object lives for ever. Nothing crashes: the program was run in the matrix, and only "
            "the one who counts saw it.",
            "a crash": "A crash comes of one DECREF too many, or an INCREF too few.",
            "nothing": "Once, perhaps. In a server that runs for a year it is what kills it.",
        },
        "a crash",
    ),
    Question(
        "a-tuple-of-tuples",
        "counts",
        "`t = (x, x)` and then `u = (t, t, t)`. By how much has the count of x grown?",
        "x = Thing(); before = count(x); t = tuple([x, x]); u = (t, t, t); print(count(x) - before)",
        {
            "2": "t has two places with x in them. u has three places with t in them, and owns x only by way of t.",
            "6": "u owns t three times, and not what is in t.",
            "1": "Each place counts, also two places of one tuple.",
        },
        "6",
    ),
    Question(
        "weak-count",
        "life",
        "A weak reference to x is made. By how much does the count of x grow?",
        "x = Thing(); before = count(x); r = weakref.ref(x); print(count(x) - before)",
        {
            "0": "A weak reference is entered in a list of the object's, not in its count.",
            "1": "Then it would keep x alive, and not be weak.",
        },
    ),
    Question(
        "new-without-init",
        "life",
        "`HashTable.__new__(HashTable)`, and no `__init__`. Then `.get('a')`?",
        """import hashtable
h = hashtable.HashTable.__new__(hashtable.HashTable)
try: print("it works" if h.get("a") is None else "it is found")
except Exception as error: print("it raises")
""",
        {
            "it works": "__new__ makes a whole, empty table: nobody can forget a second step.",
            "it raises": "It might, and that would be honest. Here the object is whole after __new__.",
            "it crashes": "The talk's program did: its fields were NULL until __init__ had run.",
        },
        "it crashes",
    ),
    Question(
        "init-twice",
        "life",
        "`h.__init__(8)` is called on a table that holds a value. Where is the value?",
        """import hashtable
thing = Thing(); gone = weakref.ref(thing)
h = hashtable.HashTable().set("a", thing); del thing
h.__init__(8)
print("gone, and given back" if gone() is None else "still in the table" if "a" in h else "leaked")
""",
        {
            "gone, and given back": "__init__ may come again: it begins a new table, and gives back what the old one "
            "owned.",
            "still in the table": "__init__ makes the table anew, as list's and set's do.",
            "leaked": "So it was in the talk's program: the second __init__ overwrote pointers that owned something.",
        },
        "leaked",
    ),
    Question(
        "traverse-too-much",
        "life",
        "A `tp_traverse` visits an object that it does not own. Is that harmless?",
        """VISIT = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
SLOT = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
class Meddler:
    pass
place = ctypes.c_void_p.from_address(id(Meddler) + 23 * ctypes.sizeof(ctypes.c_void_p))
def too_much(op, visit, argument):
    return VISIT(visit)(address, argument)
mine = SLOT(too_much)
def owned_by_c():
    living = [1, 2, 3]; take(living)
    return id(living)
gc.disable(); gc.collect()
address = owned_by_c()
ring = [Meddler()]; ring.append(ring)
place.value = ctypes.cast(mine, ctypes.c_void_p).value
del ring
gc.collect()
living = ctypes.cast(address, py_object).value
print("no: what lives may be taken for dead" if living == [] else "yes: it is only looked at", flush=True)
os._exit(0)
""",
        {
            "no: what lives may be taken for dead": (
                "The collector subtracts a reference for each visit. One visit too many, and an "
                "object "
                "with an owner seems to have none."
            ),
            "yes: it is only looked at": "What is visited is subtracted from its count. Too many visits make the living look "
            "dead.",
            "yes, but it is slow": "It is not about time: the collector computes with the visits.",
        },
        "yes: it is only looked at",
    ),
    Question(
        "traverse-too-little",
        "life",
        "A `tp_traverse` leaves out an object that it owns. What comes of it?",
        """leak = caught("missing-traverse", "gc") and not caught("missing-traverse", "plain")
print("a leak, if there is a cycle" if leak else "a crash")
""",
        {
            "a leak, if there is a cycle": "The reference that was not visited looks like one from outside: the cycle is kept.",
            "a crash": "That comes of visiting too much. Too little only keeps things alive.",
            "nothing at all": "As long as there is no cycle. Then it is a leak that nobody's count shows.",
        },
    ),
    Question(
        "del-runs",
        "reentrancy",
        "`x.__del__` prints. In which line of C does the print happen?",
        """log = []
class Loud:
    def __del__(self): log.append("del")
x = Loud(); held = ctypes.py_object(x); del x; address = held
log.append("before"); del held, address; log.append("after")
print("in the Py_DECREF that takes the last one" if log == ["before", "del", "after"] else "later")
""",
        {
            "in the Py_DECREF that takes the last one": (
                "At once, in the middle of whatever was going on. That is why everything has to be "
                "in "
                "order before a DECREF."
            ),
            "later, in the garbage collector": "Only for what is in a cycle. Otherwise the last DECREF does it, on the spot.",
            "at the end of the function": "C has no such end. The line that gives back the last reference is where it happens.",
        },
        "later, in the garbage collector",
    ),
    Question(
        "cycle-goes",
        "life",
        "`a = []; a.append(a); del a`. When does the list go?",
        """gc.disable(); gc.collect()
class L(list): pass
a = L(); a.append(a); gone = weakref.ref(a); del a
at_once = gone() is None; gc.collect()
print("at the next garbage collection" if not at_once and gone() is None else "at once" if at_once else "never")
""",
        {
            "at the next garbage collection": "It owns itself: counting alone never frees it. The collector finds it.",
            "at once": "Its name is gone, but its own place still owns it: the count is 1.",
            "never": "It would, if list had no tp_traverse.",
        },
        "at once",
    ),
    Question(
        "xdecref",
        "counts",
        "What does `Py_XDECREF(NULL)` do?",
        """api("Py_DecRef", None, ctypes.c_void_p)(None)
print("nothing")
""",
        {
            "nothing": "The X is for exactly that: NULL is let be. Py_DECREF(NULL) crashes.",
            "it crashes": "Py_DECREF would.",
            "it sets an exception": "Neither of the two can fail in a way that is reported.",
        },
    ),
)
