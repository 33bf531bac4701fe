"""-1 means two things."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import raises

EXERCISE = Exercise(
    title="-1 means two things",
    task="Make `half` tell the number -1 from a failure.",
    minutes=6,
    chapter="faults",
    fails="test",
    hints=(
        "What does PyLong_AsLong return for the int -1? And when it fails?",
        "When a result may be the error marker as well as a value, there is a second place to look.",
        "It failed if it returned -1 and an exception is set. PyErr_Occurred tells, and lends what it returns.",
    ),
    explanation="Where every result is a legal value, only the exception tells. Ask for it only when the marker "
    "came: it is cheap then.",
    wrong=(
        Wrong(
            "never looked at",
            "test|exception",
            "An exception is set, and a number is returned all the same. CPython notices, at the "
            "latest in the next call.",
            rust=(
                (
                    "        if number == -1 && !PyErr_Occurred().is_null() {\n"
                    "            return null_mut();\n        }\n",
                    "",
                ),
            ),
            c=(("    if (number == -1 && PyErr_Occurred())\n        return NULL;\n", ""),),
            pattern=r"^(?!(?s:.*(== -1|PyErr_Occurred)))",
        ),
        Wrong(
            "the exception is cleared",
            "test|swallowed|exception",
            "What is no int is now half of -1. The exception said what was wrong, and you threw it away.",
            rust=(("            return null_mut();\n", "            PyErr_Clear();\n"),),
            c=(("PyErr_Occurred())\n        return NULL;", "PyErr_Occurred())\n        PyErr_Clear();"),),
            pattern=r"PyErr_Clear",
        ),
        Wrong(
            "what is lent is given back",
            "deficit|crash",
            "PyErr_Occurred lends the class of the exception. It is not yours to give back.",
            rust=(
                (
                    "            return null_mut();\n",
                    "            Py_DECREF(PyErr_Occurred());\n            return null_mut();\n",
                ),
            ),
            c=(
                (
                    "PyErr_Occurred())\n        return NULL;",
                    "PyErr_Occurred()) {\n        Py_DECREF(PyErr_Occurred());\n        return NULL;\n    }",
                ),
            ),
            pattern=r"DECREF\(PyErr_Occurred",
        ),
        Wrong(
            "the other way round",
            "test",
            "Now every number but -1 is taken for a failure, or -1 for one. Say in words when exactly it has failed.",
            rust=(("number == -1 && !PyErr", "number == -1 || !PyErr"),),
            c=(("number == -1 && PyErr", "number == -1 || PyErr"),),
            pattern=r"\|\|",
        ),
    ),
    notes="Ask for other functions with this form: PyObject_Hash avoids it, PyFloat_AsDouble has it.",
    functions=("half",),
)


def test_half(module):
    """half(n) is n // 2, towards zero"""
    assert module.half(10) == 5, "half(10) is not 5"
    assert module.half(-8) == -4, "half(-8) is not -4"


def test_minus_one(module):
    """half(-1) is 0"""
    assert module.half(-1) == 0, "half(-1) is not 0"


def test_no_number(module):
    """half("x") raises TypeError, half(2**100) raises OverflowError"""
    with raises(TypeError):
        module.half("x")
    with raises(OverflowError):
        module.half(2**100)
