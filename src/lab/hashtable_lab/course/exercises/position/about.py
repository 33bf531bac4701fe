"""A comparison may do anything."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="A comparison may do anything",
    task="Keep each item alive while it is compared.",
    minutes=8,
    chapter="reentrancy",
    fails="borrowed|crash|panic",
    hints=(
        "Whose code runs in PyObject_RichCompareBool?",
        "`__eq__` may empty the list while its item is being compared. Who owns the item then?",
        "Take a reference before the comparison, and give it back right after, whatever came of it.",
    ),
    explanation="What is borrowed from a list lives as long as nobody changes the list. Before any call that may "
    "run Python code, own it.",
    wrong=(
        Wrong(
            "taken, and never given back",
            "surplus",
            "A reference was taken to each item that was compared. Who gives it back?",
            rust=(("            Py_DECREF(item);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(item\)))",
        ),
        Wrong(
            "given back only when it is the one",
            "surplus",
            "Most items are not the one that is looked for. They have to be given back as well.",
            rust=(
                ("            Py_DECREF(item);\n", ""),
                ("            if equal > 0 {\n", "            if equal > 0 {\n                Py_DECREF(item);\n"),
            ),
            pattern=r"equal > 0 \{\s*Py_DECREF",
        ),
        Wrong(
            "-1 is not looked at",
            "test|exception|swallowed",
            "The comparison has three answers. -1 means that `__eq__` raised, and the caller has to hear of it.",
            rust=(("            if equal < 0 {\n                return null_mut();\n            }\n", ""),),
            pattern=r"^(?!(?s:.*equal < 0))",
        ),
        Wrong(
            "the list is held instead",
            "borrowed|crash",
            "The list does not go away: it is emptied. It is the item that has to be held.",
            rust=(("Py_INCREF(item);", "Py_INCREF(list);"), ("Py_DECREF(item);", "Py_DECREF(list);")),
            pattern=r"INCREF\(list\)",
        ),
    ),
    notes="CPython itself had this bug in list.index for years. Ask how a list can be emptied while it is searched.",
    functions=("position",),
)


def test_the_position(module):
    """position(list, x) is the index of the first item equal to x, or -1"""
    items = [10**20, 10**21, 10**22]
    assert module.position(items, 10**21) == 1, "it is another index"
    assert module.position(items, Thing()) == -1, "something was found that is not there"


def test_a_comparison_fails(module):
    """position(list, x) raises what __eq__ raises"""

    class Touchy:
        def __eq__(self, other):
            raise ZeroDivisionError

    try:
        module.position([Touchy(), Thing()], Thing())
    except ZeroDivisionError:
        return
    raise AssertionError("the exception of __eq__ was swallowed")


def test_a_comparison_empties_the_list(module):
    """position(list, x) stands it when __eq__ empties the list"""

    class Hostile:
        def __eq__(self, other):
            items.clear()
            return NotImplemented

    items = [Hostile(), Hostile(), Thing()]
    assert module.position(items, Thing()) == -1, "something was found in an empty list"
