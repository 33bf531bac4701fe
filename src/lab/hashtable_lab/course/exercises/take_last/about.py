"""Take first, let go after."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="Take before you let go",
    task="Bring the steps of `take_last` into an order in which the item is owned at every moment.",
    minutes=8,
    chapter="counts",
    fails="crash|deficit|panic",
    hints=(
        "Who owns the item before it leaves the list? And just after?",
        "A list that drops an item gives its reference back. If that was the last one, the item is gone at once.",
        "Take a reference of yours while the list still has its own; if the removal fails, give yours back.",
    ),
    explanation=(
        "Removing gives back the list's reference: it does not hand it to you. Take your own first, "
        "while the item is certainly alive."
    ),
    wrong=(
        Wrong(
            "the list's reference is taken over",
            "crash|deficit|panic|test",
            "The list gives its reference back when it lets go: it is not handed to you. Yours has to be taken.",
            both=(("Py_INCREF(item);\n", ""),),
            pattern=r"^(?!(?s:.*(INCREF|NewRef)))",
        ),
        Wrong(
            "the removal is not looked at",
            "swallowed|exception|fault|test",
            "The removal can fail, and then an exception is set. What is returned in that case?",
            rust=(
                (
                    "        if PyList_SetSlice(list, size - 1, size, null_mut()) < 0 {\n            Py_DECREF(item);\n"
                    "            return null_mut();\n        }\n",
                    "        PyList_SetSlice(list, size - 1, size, null_mut());\n",
                ),
            ),
            c=(
                (
                    "    if (PyList_SetSlice(list, size - 1, size, NULL) < 0) {\n        Py_DECREF(item);\n"
                    "        return NULL;\n    }\n",
                    "    PyList_SetSlice(list, size - 1, size, NULL);\n",
                ),
            ),
            pattern=r"\n\s*PyList_SetSlice",
        ),
        Wrong(
            "lost when the removal fails",
            "fault|surplus",
            "If the removal fails the item stays in the list, and NULL is returned. Who gives your "
            "reference back then?",
            both=(("Py_DECREF(item);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF))",
        ),
    ),
    notes="The same question as in `pop`: draw the two owners, and cross out the list's at the moment when it lets go.",
    functions=("take_last",),
)


def test_the_last_item_is_taken(module):
    """take_last(list) removes the last item and returns it"""
    things = [Thing(), Thing()]
    last = things[1]
    assert module.take_last(things) is last, "it is another object"
    assert len(things) == 1 and last not in things, "it is still in the list"


def test_nobody_else_owns_it(module):
    """take_last(list) works when only the list owns the item"""
    things = [Thing(), Thing()]
    things[1].name = "last"
    taken = module.take_last(things)
    assert type(taken) is Thing and taken.name == "last", "it is another object"


def test_an_empty_list(module):
    """take_last([]) raises IndexError"""
    with raises(IndexError):
        module.take_last([])
