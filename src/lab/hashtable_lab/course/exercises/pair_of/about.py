"""A call that steals."""

import sys

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="A call that steals",
    task="Make the list own its two items.",
    minutes=8,
    chapter="counts",
    fails="deficit",
    hints=(
        "What does PyList_SetItem do with the reference that it is given? Look it up in CPython's documentation.",
        "It steals. What is stolen has to be owned first. Who owns `a` when it has just come out of the tuple?",
        "Give it a new reference of its own for each item: the tuple keeps its reference, and the list gets another.",
    ),
    explanation="A call that steals takes over a reference that you own. What you only borrowed is not "
    "yours to give away.",
    wrong=(
        Wrong(
            "one of the two",
            "deficit",
            "One item is right now. The other is still given away without being owned.",
            both=(("list, 1, Py_NewRef(b))", "list, 1, b)"),),
            pattern=r"SetItem\(list, 1, b\)",
        ),
        Wrong(
            "given back after it was stolen",
            "deficit",
            "A reference that was stolen is not yours any more: the list gives it back. You gave it back once more.",
            rust=(("        list\n    }", "        Py_DECREF(a);\n        list\n    }"),),
            c=(("    return list;", "    Py_DECREF(a);\n    return list;"),),
            pattern=r"DECREF",
        ),
        Wrong(
            "a leak instead of a crash",
            "test",
            "Now each item has a reference that nobody will ever give back. How many does the list need for one place?",
            both=(("list, 0, Py_NewRef(a))", "list, 0, Py_NewRef(Py_NewRef(a)))"),),
            pattern=r"NewRef\(Py_NewRef",
        ),
    ),
    notes="Ask which of the three words fits each of the two calls: PyTuple_GetItem lends, PyList_SetItem steals.",
    functions=("pair_of",),
)


class Thing:
    """Something mortal."""


def test_the_items_are_there(module):
    """pair_of(a, b) is [a, b]"""
    a, b = Thing(), Thing()
    made = module.pair_of(a, b)
    assert type(made) is list and made[0] is a and made[1] is b, "it is something else"


def test_the_counts_stay(module):
    """When the list is gone, its items have as many references as before"""
    a, b = Thing(), Thing()
    before = sys.getrefcount(a), sys.getrefcount(b)
    for _ in range(10):
        module.pair_of(a, b)
    assert (sys.getrefcount(a), sys.getrefcount(b)) == before, (
        "ten lists that are gone changed the counts of their items"
    )


def test_too_few(module):
    """pair_of(a) raises IndexError"""
    try:
        module.pair_of(Thing())
    except IndexError:
        return
    raise AssertionError("nothing was raised")
