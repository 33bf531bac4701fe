"""What dies gives back what it owned."""

import sys

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="What dies gives back what it owned",
    task="Make `box_dealloc` give back the content of the box.",
    minutes=8,
    chapter="life",
    fails="surplus",
    hints=(
        "A box took a reference to its content. When does it give that back?",
        "`tp_dealloc` is the last that runs. After `free` the box's memory is somebody else's, its fields too.",
        "Give the content back before the memory. A box that was never filled has NULL there.",
    ),
    explanation="tp_dealloc gives back what each field owns, then the memory. A field may still be NULL: "
    "__init__ need not have run.",
    wrong=(
        Wrong(
            "no look at NULL",
            "panic|crash",
            "Box.__new__(Box) makes a box that was never filled: its content is NULL, which has no count.",
            rust=(("Py_XDECREF((*this.cast::<Box>()).content);", "Py_DECREF((*this.cast::<Box>()).content);"),),
            c=(("Py_XDECREF(((Box *)self)->content);", "Py_DECREF(((Box *)self)->content);"),),
            pattern=r"Py_DECREF\(.*content\)",
        ),
        Wrong(
            "the memory goes first",
            "crash|panic|test|deficit",
            "After the memory is given back, the field is read from memory that is not yours any more.",
            rust=(
                (
                    "        Py_XDECREF((*this.cast::<Box>()).content);\n        free(this);\n",
                    "        free(this);\n        Py_XDECREF((*this.cast::<Box>()).content);\n",
                ),
            ),
            c=(
                (
                    "    Py_XDECREF(((Box *)self)->content);\n    Py_TYPE(self)->tp_free(self);\n",
                    "    Py_TYPE(self)->tp_free(self);\n    Py_XDECREF(((Box *)self)->content);\n",
                ),
            ),
            pattern=r"(?s)free\((this|self)\);.*DECREF",
        ),
        Wrong(
            "given back twice",
            "test|deficit|crash",
            "The box owned one reference to its content, and two were given back.",
            rust=(
                ("        free(this);\n", "        Py_XDECREF((*this.cast::<Box>()).content);\n        free(this);\n"),
            ),
            c=(("    Py_TYPE(self)->tp_free", "    Py_XDECREF(((Box *)self)->content);\n    Py_TYPE(self)->tp_free"),),
            pattern=r"(?s)DECREF\(.*content\).*DECREF\(.*content\)",
        ),
    ),
    notes="Draw the box with one arrow to its content. Who erases the arrow, and who the box?",
)


def test_the_content_lives(module):
    """A box keeps its content alive"""
    box = module.Box(Thing())
    assert type(box.content) is Thing, "it is something else"


def test_the_content_is_given_back_once(module):
    """When ten boxes are gone, their content has as many references as before"""
    thing = Thing()
    held = [thing] * 20
    before = sys.getrefcount(thing)
    for _ in range(10):
        module.Box(thing)
    assert len(held) == 20 and sys.getrefcount(thing) >= before, "more was given back than was taken"


def test_boxes_come_and_go(module):
    """Boxes come and go, full and never filled"""
    for _ in range(10):
        module.Box(Thing())
        module.Box.__new__(module.Box)
