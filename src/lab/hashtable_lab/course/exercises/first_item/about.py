"""A list lends its items."""

import sys

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="A list lends its items",
    task="Make `first` return a reference that its caller may give back.",
    minutes=6,
    chapter="counts",
    fails="deficit",
    hints=(
        "What does PyList_GetItem return: a new reference, or a borrowed one? And what does the "
        "caller of `first` expect?",
        "The list still owns the item. The caller of `first` will give a reference back. Who took that one?",
        "Take a reference to the item before you return it. There may be no item: then there is nothing to take.",
    ),
    explanation=(
        "PyList_GetItem lends. A function that Python calls returns a new reference: the caller "
        "owns it and gives it back. "
        "Between the two somebody has to take one."
    ),
    wrong=(
        Wrong(
            "the list is held instead of the item",
            "deficit",
            "A reference was taken, but to another object than the one that is returned. Whose count "
            "has to be one higher?",
            both=(("Py_XINCREF(item);", "Py_INCREF(list);"),),
            pattern=r"INCREF\(list\)",
        ),
        Wrong(
            "taken without looking",
            "panic|crash",
            "An empty list has no first item: PyList_GetItem returns NULL then, and NULL has no count.",
            both=(("Py_XINCREF(item);", "Py_INCREF(item);"),),
            pattern=r"Py_INCREF\(item\)",
            error="null pointer|SIGSEGV",
        ),
        Wrong(
            "taken twice",
            "test",
            "The crash is gone because nothing ever dies now. One reference is for the caller; for whom is the other?",
            both=(("Py_XINCREF(item);", "Py_XINCREF(item);\n    Py_XINCREF(item);"),),
            pattern=r"(?s)INCREF\(item\).*INCREF\(item\)",
        ),
    ),
    notes=(
        "People add the INCREF after the crash without asking what was borrowed from whom. Ask: after `first(l)`, how "
        "many owners does the item have, and which of them is the list?"
    ),
    functions=("first",),
)


class Thing:
    """Something mortal."""


def test_the_first_item_is_returned(module):
    """first(list) is the list's first item"""
    things = [Thing(), Thing()]
    assert module.first(things) is things[0], "it is another object"


def test_the_count_stays(module):
    """After first(list) the item has as many references as before"""
    things = [Thing()]
    before = sys.getrefcount(things[0])
    for _ in range(10):
        module.first(things)
    assert sys.getrefcount(things[0]) == before, "ten calls changed the count of the item"


def test_an_empty_list(module):
    """first([]) raises IndexError"""
    try:
        module.first([])
    except IndexError:
        return
    raise AssertionError("nothing was raised")
