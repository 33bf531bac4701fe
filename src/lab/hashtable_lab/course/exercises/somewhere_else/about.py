"""An error that appears somewhere else."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="Somewhere else",
    task=(
        "Users report `SystemError: … returned a result with an exception set`, from functions that are "
        "certainly right, and always "
        "after the options were read. Find where the exception came from, and mend it."
    ),
    minutes=12,
    chapter="faults",
    fails="test|exception",
    hints=(
        "Which calls in this file can fail? Which of them are looked at?",
        "PyDict_GetItemWithError returns NULL for two reasons, as PyIter_Next does.",
        "In `first_of`: if there is nothing under the key, ask whether an exception is set, and "
        "if so return NULL at once.",
    ),
    explanation="An exception that nobody looks at stays set, and is found by the code that looks next. The code that "
    "reports it is not the one who made it.",
    wrong=(
        Wrong(
            "cleared before it can do harm",
            "test|swallowed|exception",
            "Now an option with a broken name is silently left out. The caller has to be told what was wrong with it.",
            rust=(
                (
                    "            if !PyErr_Occurred().is_null() {\n                return null_mut();\n            }\n",
                    "            PyErr_Clear();\n",
                ),
            ),
            pattern=r"PyErr_Clear",
        ),
        Wrong(
            "every missing option is an error",
            "test",
            "NULL without an exception only says that the option is not there: go on with the next name.",
            rust=(
                (
                    "            if !PyErr_Occurred().is_null() {\n                return null_mut();\n            }\n",
                    "            return null_mut();\n",
                ),
            ),
            pattern=r"(?s)fn first_of.*?return value;\s*\}\s*return null_mut",
        ),
        Wrong(
            "looked at once, at the end",
            "test|exception|crash",
            "Between the failure and the end of the loop the next names are looked up with an "
            "exception set. Look right away.",
            rust=(
                (
                    "            if !PyErr_Occurred().is_null() {\n                return null_mut();\n            }\n",
                    "",
                ),
                (
                    "        none()\n    }\n}\n\n/// How many",
                    "        if !PyErr_Occurred().is_null() {\n            return null_mut();\n        }\n"
                    "        none()\n    }\n}\n\n/// How many",
                ),
            ),
            pattern=r"(?s)fn first_of.*\n        if !PyErr_Occurred",
        ),
    ),
    notes="A debug build of CPython stops at the next call with an exception set. Ask why a release build does not.",
    functions=("first_of", "how_many"),
)


class Broken:
    def __hash__(self):
        raise ZeroDivisionError


def test_the_first_that_is_there(module):
    """first_of(options, names) is the first option that is there, or None"""
    value = Thing()
    assert module.first_of({"b": value}, ["a", "b", "c"]) is value, "it is something else"
    assert module.first_of({"b": value}, ["a", "c"]) is None, "first_of found something that is not there"


def test_a_broken_name(module):
    """first_of(options, names) raises what the hash of a name raises"""
    with raises(ZeroDivisionError):
        module.first_of({"b": 1}, ["a", Broken(), "b"])
    with raises(ZeroDivisionError):
        module.first_of({"b": 1}, ["a", Broken()])


def test_how_many(module):
    """how_many(options, names) counts the names that are there"""
    assert module.how_many({"a": 1, "b": 2}, ["a", "b", "c"]) == 2, "it is another number"
    with raises(ZeroDivisionError):
        module.how_many({"b": 1}, [Broken()])
