"""Empty the field, then give back."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="Empty the field, then give back",
    task="Make `cell.clear()` right although the object that goes may look into the cell.",
    minutes=8,
    chapter="reentrancy",
    fails="test|deficit|crash|panic",
    hints=(
        "Which line of `cell_clear` may run Python code? Whose?",
        "When the last reference goes, __del__ runs, in the middle of Py_XDECREF. What does it find in the field?",
        "Take the object out of the field first, so that the field is empty, and give back what you took out.",
    ),
    explanation="Py_DECREF may run any code. Before it, everything has to be in order: the field empty, the "
    "state whole. That is Py_CLEAR.",
    wrong=(
        Wrong(
            "never given back",
            "test|surplus",
            "The field is empty, and nobody gives back what was in it. The object lives on without an owner.",
            rust=(
                (
                    "Py_CLEAR(&raw mut (*this.cast::<Cell>()).content);\n        none()",
                    "(*this.cast::<Cell>()).content = null_mut();\n        none()",
                ),
            ),
            pattern=r"content = null_mut\(\);\s*none",
        ),
        Wrong(
            "not emptied",
            "test|deficit|crash|panic",
            "What was given back is still in the field: the cell will give it back again.",
            rust=(
                (
                    "Py_CLEAR(&raw mut (*this.cast::<Cell>()).content);\n        none()",
                    "Py_XDECREF((*this.cast::<Cell>()).content);\n        none()",
                ),
            ),
            pattern=r"(?s)cell_clear.*XDECREF\(\(\*this\.cast::<Cell>\(\)\)\.content\);\s*none",
        ),
        Wrong(
            "kept alive for ever",
            "test|surplus",
            "A reference more hides the crash: __del__ never runs, because the object never dies.",
            rust=(
                (
                    "        Py_CLEAR(&raw mut (*this.cast::<Cell>()).content);\n        none()",
                    "        Py_XINCREF((*this.cast::<Cell>()).content);\n"
                    "        Py_CLEAR(&raw mut (*this.cast::<Cell>()).content);\n        none()",
                ),
            ),
            pattern=r"XINCREF\(\(\*this\.cast::<Cell>\(\)\)\.content\);\s*Py_CLEAR",
        ),
    ),
    notes="Let people put a print into __del__ and see when it comes: in the middle of a line of theirs.",
    functions=("clear", "get"),
)


def test_the_cell_is_empty(module):
    """After cell.clear(), cell.get() is None"""
    cell = module.Cell(Thing())
    assert cell.clear() is None and cell.get() is None, "something is still in the cell"
    cell.clear()


def test_the_object_looks_into_the_cell(module):
    """When the object goes, its __del__ finds the cell empty"""
    seen = []

    class Curious:
        def __del__(self):
            seen.append(cell.get())

    cell = module.Cell(Curious())
    cell.clear()
    assert seen, "its __del__ did not run: it is still alive"
    assert seen == [None], "it found something in the cell"
