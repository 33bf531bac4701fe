"""Cleaning up while an exception is set."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises, without_faults

EXERCISE = Exercise(
    title="Cleaning up while an exception is set",
    task="Make `with_cleanup` call `done` with no exception set, and raise afterwards what `f` raised.",
    minutes=12,
    chapter="faults",
    fails="test|exception|crash",
    hints=(
        "When `f` has failed, an exception is set. May Python code run then?",
        "The exception has to be put aside while `done` runs, and be back in its place afterwards.",
        "PyErr_Fetch takes the three parts out and gives them to you; PyErr_Restore steals them, and puts them back.",
    ),
    explanation=(
        "No Python code may run while an exception is set. PyErr_Fetch gives it to you, "
        "PyErr_Restore takes it back; from CPython "
        "3.12 on PyErr_GetRaisedException and PyErr_SetRaisedException do the same with one object."
    ),
    wrong=(
        Wrong(
            "cleared before, lost after",
            "test|swallowed",
            "The exception of `f` is gone, and NULL is returned without one, or nothing is raised. "
            "It has to come back.",
            rust=(
                ("        PyErr_Fetch(&mut kind, &mut value, &mut trace);\n", "        PyErr_Clear();\n"),
                ("PyErr_Restore(kind, value, trace);\n", ""),
            ),
            c=(
                ("    PyErr_Fetch(&kind, &value, &trace);\n", "    PyErr_Clear();\n"),
                ("PyErr_Restore(kind, value, trace);\n", ""),
            ),
            pattern=r"PyErr_Clear",
        ),
        Wrong(
            "put back, and given back as well",
            "deficit|crash",
            "PyErr_Restore steals all three. After that they are not yours to give back.",
            rust=(
                (
                    "        PyErr_Restore(kind, value, trace);\n",
                    "        PyErr_Restore(kind, value, trace);\n        Py_XDECREF(kind);\n"
                    "        Py_XDECREF(value);\n",
                ),
            ),
            c=(
                (
                    "    PyErr_Restore(kind, value, trace);\n",
                    "    PyErr_Restore(kind, value, trace);\n    Py_XDECREF(kind);\n    Py_XDECREF(value);\n",
                ),
            ),
            pattern=r"(?s)PyErr_Restore.*DECREF\((kind|value|trace)\)",
        ),
        Wrong(
            "the result of done stays",
            "surplus",
            "`done` returns something, if only None: a new reference, which nobody gives back.",
            both=(("Py_DECREF(cleaned);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(cleaned\)))",
        ),
        Wrong(
            "done fails, and the old exception leaks",
            "fault|surplus",
            "If `done` raises, its exception wins. But the three parts that you put aside are still "
            "yours: give them back.",
            both=(("Py_XDECREF(value);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(value\)))",
        ),
    ),
    notes="This is `finally`. Ask what CPython's interpreter does with the exception while a finally block runs.",
    functions=("with_cleanup",),
)


def test_both_are_called(module):
    """with_cleanup(f, done) is f(), after done was called"""
    result, called = Thing(), []
    assert module.with_cleanup(lambda: result, lambda: called.append("done")) is result, "it is something else"
    assert called == ["done"], "done was not called once"


def test_f_fails(module):
    """with_cleanup(f, done) calls done, and raises what f raised"""
    called = []

    def done():
        try:
            return {}["nothing"]
        except KeyError:
            called.append("done")

    with raises(ZeroDivisionError, "the exception of f is lost"):
        module.with_cleanup(lambda: 1 // 0, done)
    assert called == ["done"], "done was not called once"


@without_faults
def test_done_fails(module):
    """with_cleanup(f, done) raises what done raises"""
    with raises(KeyError):
        module.with_cleanup(Thing, lambda: {}["nothing"])
    with raises(KeyError):
        module.with_cleanup(lambda: 1 // 0, lambda: {}["nothing"])
