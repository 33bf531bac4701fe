"""A crash report."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises, without_faults

EXERCISE = Exercise(
    title="The night shift",
    task=(
        "A player died at night, in the garbage collector, with SIGSEGV. All that its log says: "
        "`deck.rotate` had been called a lot. "
        "Nobody has seen it in a test. Find it, and mend it."
    ),
    minutes=15,
    chapter="ledger",
    fails="crash|deficit|panic|borrowed",
    hints=(
        "In the test the items had other owners, too. Which function would be wrong if the list were the only owner?",
        "Go through `rotate` line by line, and write beside each line who owns the item there.",
        "Between the removal and the insertion the item has no owner. Give it one for that time, "
        "and only for that time.",
    ),
    explanation="Code that moves an object from place to place has to own it on the way. Tests with shared "
    "objects do not see that.",
    wrong=(
        Wrong(
            "PyList_Insert is taken for a thief",
            "surplus",
            "PyList_Insert takes a reference of its own: yours is still there afterwards.",
            rust=(
                (
                    "        Py_DECREF(item);\n        if status < 0 {\n            return null_mut();\n"
                    "        }\n        none()",
                    "        if status < 0 {\n            return null_mut();\n        }\n        none()",
                ),
            ),
            pattern=r"(?s)fn rotate(?!.*DECREF\(item\);\s*(if status|none|let)).*PyList_Insert",
        ),
        Wrong(
            "the removal may fail",
            "fault|surplus|swallowed",
            "When the removal fails, the function returns early. What does it own on that line?",
            rust=(
                (
                    "            Py_DECREF(item);\n            return null_mut();\n        }\n        let status",
                    "            return null_mut();\n        }\n        let status",
                ),
            ),
            pattern=r"(?s)fn rotate.*null_mut\(\)\) < 0 \{\s*return",
        ),
        Wrong(
            "another function is changed",
            "crash|deficit|panic|borrowed",
            "`top` was right. The crash came after calls of `rotate`.",
            rust=(
                ("        Py_INCREF(item);\n        if PyList_SetSlice", "        if PyList_SetSlice"),
                (
                    "            Py_DECREF(item);\n            return null_mut();\n        }\n        let status",
                    "            return null_mut();\n        }\n        let status",
                ),
                ("        Py_DECREF(item);\n        if status", "        if status"),
                (
                    "        Py_XNewRef(PyList_GetItem(list, PyList_Size(list) - 1))",
                    "        let item = Py_XNewRef(PyList_GetItem(list, PyList_Size(list) - 1));\n        item",
                ),
            ),
            pattern=r"(?s)fn rotate(?!.*(INCREF|NewRef))",
        ),
        Wrong(
            "it never dies again",
            "surplus",
            "A reference more for each round: nothing crashes, and nothing ever goes. Who owns that reference?",
            rust=(
                (
                    "        let status = PyList_Insert(list, 0, item);\n",
                    "        Py_INCREF(item);\n        let status = PyList_Insert(list, 0, item);\n",
                ),
            ),
            pattern=r"(?s)fn rotate.*INCREF\(item\).*INCREF\(item\)",
        ),
    ),
    notes="Let them first write a test that crashes: objects that nobody else owns. Then let the ledger name the line.",
    functions=("rotate", "top", "swap"),
)


def test_top(module):
    """top(list) is the last item"""
    items = [Thing(), Thing()]
    assert module.top(items) is items[1], "it is another object"
    with raises(IndexError):
        module.top([])


def test_swap(module):
    """swap(list) exchanges the first and the last item"""
    a, b, c = Thing(), Thing(), Thing()
    items = [a, b, c]
    module.swap(items)
    assert items == [c, b, a], "they are in another order"


def test_rotate(module):
    """rotate(list) moves the last item to the front"""
    items = [10**20, 10**21, 10**22]
    module.rotate(items)
    assert items == [10**22, 10**20, 10**21], "they are in another order"


@without_faults
def test_a_night(module):
    """rotate(list) a hundred times"""
    items = [Thing() for _ in range(7)]
    for number, item in enumerate(items):
        item.number = number
    del item
    for _ in range(105):
        module.rotate(items)
    assert [item.number for item in items] == list(range(7)), "they are in another order"
