"""The end of an iterator, or a failure?"""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="The end, or a failure?",
    task="Make `count_true` pass on what the iterator raises.",
    minutes=10,
    chapter="faults",
    fails="test",
    hints=(
        "PyIter_Next returns NULL in two cases. Which?",
        "After the loop you do not know why it ended. What would tell you?",
        "After the loop give the iterator back; then, if an exception is set, return NULL and no number.",
    ),
    explanation="PyIter_Next returns NULL at the end and on failure; only the exception tells which. It is "
    "looked at once, after the loop.",
    wrong=(
        Wrong(
            "the items are never given back",
            "surplus",
            "Each item that PyIter_Next returns is a new reference, and you are done with it after looking.",
            both=(("Py_DECREF(item);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(item\)))",
        ),
        Wrong(
            "the iterator is never given back",
            "surplus",
            "PyObject_GetIter made the iterator for you: it is yours to give back, on each way out.",
            both=(("Py_DECREF(iterator);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(iterator\)))",
        ),
        Wrong(
            "given back before it is looked at",
            "borrowed|crash|panic|test",
            "You give the item back and then ask whether it is true. It may be gone by then.",
            rust=(
                (
                    "            let yes = PyObject_IsTrue(item);\n            Py_DECREF(item);\n",
                    "            Py_DECREF(item);\n            let yes = PyObject_IsTrue(item);\n",
                ),
            ),
            c=(
                (
                    "        int yes = PyObject_IsTrue(item);\n        Py_DECREF(item);\n",
                    "        Py_DECREF(item);\n        int yes = PyObject_IsTrue(item);\n",
                ),
            ),
            pattern=r"(?s)DECREF\(item\);.{0,80}IsTrue",
        ),
        Wrong(
            "-1 is counted",
            "test|swallowed|exception",
            "PyObject_IsTrue has three answers: 1, 0, and -1 with an exception. -1 is not true.",
            rust=(("            if yes < 0 {\n                break;\n            }\n", ""),),
            c=(("        if (yes < 0)\n            break;\n", ""),),
            pattern=r"^(?!(?s:.*< 0))",
        ),
    ),
    notes="Newer CPythons have PyIter_NextItem, which answers 1, 0 or -1. Ask which of the two is "
    "harder to use wrongly.",
    functions=("count_true",),
)


class Doubtful:
    def __bool__(self):
        raise ValueError("who knows")


def test_the_count(module):
    """count_true(iterable) is how many items are true"""
    assert module.count_true([1, 0, Thing(), "", "x"]) == 3, "it is another number"
    assert module.count_true(Thing() for _ in range(3)) == 3, "it is another number for a generator"


def test_the_iterator_fails(module):
    """count_true(iterable) raises what the iterator raises"""
    with raises(ZeroDivisionError):
        module.count_true(1 // (2 - n) for n in range(5))


def test_an_item_fails(module):
    """count_true([x]) raises what x raises when it is asked whether it is true"""
    with raises(ValueError):
        module.count_true([1, Doubtful(), 1])


def test_no_iterable(module):
    """count_true(1) raises TypeError"""
    with raises(TypeError):
        module.count_true(1)
