"""The second of two fails."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="The second of two fails",
    task="Make `both` give back what it has when the second call fails.",
    minutes=8,
    chapter="faults",
    fails="surplus",
    hints=(
        "Go through the function as if the second call failed. What do you own on that line?",
        "Every way out has to give back everything that is owned there, not only the last one.",
        "Before the early return there is one thing to give back: the first result.",
    ),
    explanation="On each way out, ask what is owned there. An error path that is never walked is where leaks live.",
    wrong=(
        Wrong(
            "the second is given back",
            "panic|crash",
            "The second result is NULL there. What else do you hold?",
            rust=(("two.is_null() {\n            Py_DECREF(one);", "two.is_null() {\n            Py_DECREF(two);"),),
            c=(("(!two) {\n        Py_DECREF(one);", "(!two) {\n        Py_DECREF(two);"),),
            pattern=r"is_null\(\) \{\s*Py_DECREF\(two\)|!two\) \{\s*Py_DECREF\(two\)",
        ),
        Wrong(
            "given back on every way",
            "deficit|crash",
            "PyTuple_SET_ITEM steals: on the good way the first result belongs to the tuple. Only "
            "the error path owes it.",
            rust=(("        pair\n", "        Py_DECREF(one);\n        pair\n"),),
            c=(("    return pair;", "    Py_DECREF(one);\n    return pair;"),),
            pattern=r"(?s)SET_ITEM.*Py_DECREF\(one\)",
        ),
        Wrong(
            "nothing is given back when there is no memory for the tuple",
            "fault",
            "Making the tuple can fail as well, and by then you own both results.",
            rust=(("            Py_DECREF(one);\n            Py_DECREF(two);\n", ""),),
            c=(("        Py_DECREF(one);\n        Py_DECREF(two);\n", ""),),
            error="PyTuple_New",
        ),
        Wrong(
            "None in place of the exception",
            "test|swallowed|exception",
            "The exception of the second call is what the caller has to see. To return None is to hide it.",
            rust=(
                (
                    "            Py_DECREF(one);\n            return null_mut();\n        }\n        let pair",
                    "            Py_DECREF(one);\n            PyErr_Clear();\n            return none();\n        }\n"
                    "        let pair",
                ),
            ),
            c=(
                (
                    "        Py_DECREF(one);\n        return NULL;\n    }\n    PyObject *pair",
                    "        Py_DECREF(one);\n        PyErr_Clear();\n        return Py_NewRef(Py_None);\n    }\n"
                    "    PyObject *pair",
                ),
            ),
            pattern=r"PyErr_Clear",
        ),
    ),
    notes="Let people mark each `return` and write beside it what is owned there. The table is the exercise.",
    functions=("both",),
)


def test_both_results(module):
    """both(f, g) is (f(), g())"""
    one, two = Thing(), Thing()
    made = module.both(lambda: one, lambda: two)
    assert made == (one, two), "it is something else"


def test_the_second_fails(module):
    """both(f, g) raises what g raises"""
    with raises(ZeroDivisionError):
        module.both(Thing, lambda: 1 // 0)


def test_the_first_fails(module):
    """both(f, g) raises what f raises, and does not call g"""
    called = []
    with raises(ZeroDivisionError):
        module.both(lambda: 1 // 0, lambda: called.append(1))
    assert not called, "the second was called although the first had failed"
