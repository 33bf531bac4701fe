"""Which exception is meant?"""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="Which exception is meant?",
    task="Make `attribute_or` fall back to the default only when there is no such attribute.",
    minutes=7,
    chapter="faults",
    fails="test",
    hints=(
        "For which reasons can PyObject_GetAttr fail? Think of a property.",
        "The default answers one question: there is no such attribute. What else was raised is not yours to answer.",
        "Ask whether the exception that is set is an AttributeError. If not, return NULL and leave it set.",
    ),
    explanation="Clear the one exception that you have an answer to. All others belong to the caller: an "
    "interrupt, no memory, a bug.",
    wrong=(
        Wrong(
            "cleared, and then asked",
            "test|exception|swallowed",
            "When the exception is cleared there is nothing left to ask about. Ask first.",
            rust=(("        if PyErr_ExceptionMatches", "        PyErr_Clear();\n        if PyErr_ExceptionMatches"),),
            c=(("    if (!PyErr_ExceptionMatches", "    PyErr_Clear();\n    if (!PyErr_ExceptionMatches"),),
            pattern=r"(?s)PyErr_Clear\(\);.*PyErr_ExceptionMatches",
        ),
        Wrong(
            "any exception will do",
            "test",
            "Exception is the class of nearly everything that can go wrong. Which one says that there is no attribute?",
            both=(("PyExc_AttributeError", "PyExc_Exception"),),
            pattern=r"PyExc_(Base)?Exception\b",
        ),
        Wrong(
            "the default is not taken",
            "deficit",
            "The default is lent by the arguments. The caller expects a new reference, whichever way it comes.",
            rust=(("        Py_NewRef(default)", "        default"),),
            c=(("    return Py_NewRef(fallback);", "    return fallback;"),),
            pattern=r"\n\s*(default\s*\}|return fallback;)",
        ),
        Wrong(
            "the exception stays",
            "test|exception",
            "The default is returned, and the AttributeError is still set. Who has dealt with it has to clear it.",
            both=(("PyErr_Clear();\n", ""),),
            pattern=r"^(?!(?s:.*PyErr_Clear))",
        ),
    ),
    notes="`except:` in Python is the same mistake. Ask what a Ctrl-C during the property would do.",
    functions=("attribute_or",),
)


class Moody:
    @property
    def broken(self):
        return 1 // 0


def test_there_is_one(module):
    """attribute_or(x, name, default) is the attribute"""
    x = Thing()
    x.value = Thing()
    assert module.attribute_or(x, "value", None) is x.value, "it is something else"


def test_there_is_none(module):
    """attribute_or(x, name, default) is the default if there is no such attribute"""
    default = Thing()
    assert module.attribute_or(Thing(), "value", default) is default, "it is not the default"


def test_something_else_is_raised(module):
    """attribute_or(x, name, default) raises what a property raises"""
    with raises(ZeroDivisionError, "the property's exception was swallowed"):
        module.attribute_or(Moody(), "broken", None)
