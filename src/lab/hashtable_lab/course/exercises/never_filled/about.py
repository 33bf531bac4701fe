"""A box that was never filled."""

import sys

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="A box that was never filled",
    task="Make `box.get()` raise ValueError when there is nothing in the box.",
    minutes=6,
    chapter="life",
    fails="panic|crash",
    hints=(
        "Which two functions make an object, and which of them can be left out?",
        "`Box.__new__(Box)` gives a box whose memory is zeroed. What is in its field?",
        "If the field is NULL set a ValueError and return NULL.",
    ),
    explanation="__new__ makes an object, __init__ fills it, and a program can call the one without the other. "
    "Every method has to stand that.",
    wrong=(
        Wrong(
            "NULL, and nothing more",
            "test",
            "NULL tells CPython to look for an exception. Here is none, so it raises a SystemError in your name.",
            rust=(('            PyErr_SetString(PyExc_ValueError, c"the box is empty".as_ptr());\n', ""),),
            c=(('        PyErr_SetString(PyExc_ValueError, "the box is empty");\n', ""),),
            error="without",
        ),
        Wrong(
            "an exception and a result",
            "exception|test",
            "An exception is set, and the function goes on as if there were none. After it comes: return NULL.",
            rust=(
                (
                    "            return null_mut();\n        }\n        Py_NewRef(content)",
                    "            return none();\n        }\n        Py_NewRef(content)",
                ),
            ),
            c=(('is empty");\n        return NULL;', 'is empty");\n        return Py_NewRef(Py_None);'),),
            error="with an exception|exception set",
        ),
        Wrong(
            "None for nothing",
            "test",
            "None can be in a box as well. The caller must be told when the box is empty.",
            rust=(
                (
                    '            PyErr_SetString(PyExc_ValueError, c"the box is empty".as_ptr());\n'
                    "            return null_mut();",
                    "            return none();",
                ),
            ),
            c=(
                (
                    '        PyErr_SetString(PyExc_ValueError, "the box is empty");\n        return NULL;',
                    "        return Py_NewRef(Py_None);",
                ),
            ),
            pattern=r"return (none\(\)|Py_NewRef\(Py_None)",
        ),
        Wrong(
            "the content is lent",
            "deficit|test|crash",
            "The box keeps its reference. What `get` returns has to be one more.",
            rust=(("Py_NewRef(content)\n    }\n}\n\nstatic mut METHODS", "content\n    }\n}\n\nstatic mut METHODS"),),
            c=(("    return Py_NewRef(content);", "    return content;"),),
            pattern=r"\n\s*(return content;|content\s*\})",
        ),
    ),
    notes="copy.copy and pickle leave __init__ out, too. The talk's own program crashed here.",
)


def test_a_full_box(module):
    """Box(x).get() is x"""
    thing = Thing()
    assert module.Box(thing).get() is thing, "it is something else"


def test_the_box_keeps_its_content(module):
    """After ten calls of box.get() its content has as many references as before"""
    thing = Thing()
    held, box = [thing] * 20, module.Box(thing)
    before = sys.getrefcount(thing)
    for _ in range(10):
        box.get()
    assert len(held) == 20 and sys.getrefcount(thing) == before, "ten calls changed the count of the content"


def test_a_box_without_init(module):
    """Box.__new__(Box).get() raises ValueError"""
    box = module.Box.__new__(module.Box)
    with raises(ValueError):
        box.get()
