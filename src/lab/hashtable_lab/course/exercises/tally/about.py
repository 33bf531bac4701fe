"""A type from an empty file: a counter."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises, without_faults

EXERCISE = Exercise(
    title="From an empty file: a counter",
    task="Write the type `Tally`: add(key) counts a key and returns the tally itself; tally[key] "
    "is how often, 0 if never.",
    minutes=15,
    chapter="life",
    fails="test",
    hints=(
        "What does a tally own, and what does add return: new, borrowed, stolen?",
        "A dict inside does the counting. PyDict_SetItem does not steal; PyDict_GetItemWithError lends, and may fail.",
        "add: look up, make a new number, store it, give it back; then return a new reference to the tally.",
    ),
    explanation="To return oneself is to return a reference like any other: it has to be taken. The talk's first "
    "crash was this line.",
    wrong=(
        Wrong(
            "itself, without a reference",
            "deficit|crash",
            "The caller gives back what add returned: the tally's own reference, if none was taken for it.",
            rust=(("        Py_NewRef(this)\n", "        this\n"),),
            pattern=r"(?m)^\s*this$",
        ),
        Wrong(
            "the number stays",
            "surplus",
            "The dict took a reference of its own to the new number. Yours is to be given back.",
            rust=(("        Py_DECREF(number);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(number\)))",
        ),
        Wrong(
            "a key that cannot be hashed was never seen",
            "test|exception|swallowed",
            "PyDict_GetItemWithError returned NULL with an exception set. 0 says that the key was never counted.",
            rust=(("        } else if !PyErr_Occurred().is_null() {\n            -1\n", ""),),
            pattern=r"^(?!(?s:.*PyErr_Occurred.*-1))",
        ),
        Wrong(
            "the number in the dict is given back",
            "deficit|crash",
            "What PyDict_GetItemWithError returns is lent by the dict.",
            rust=(
                (
                    "            PyLong_AsLong(known)\n",
                    "            let count = PyLong_AsLong(known);\n            Py_DECREF(known);\n            count\n",
                ),
            ),
            pattern=r"DECREF\(known\)",
        ),
    ),
    notes="Let them call add in a loop at the prompt: the picture of the talk. Ask which call kills.",
)

BIG = 300


@without_faults
def test_it_counts(module):
    """tally[key] is how often a key was added"""
    tally, key = module.Tally(), Thing()
    for _ in range(BIG):
        tally.add(key)
    assert tally[key] == BIG, "it is another number"
    assert tally["never"] == 0, "of what was never added it is not 0"


def test_add_returns_the_tally(module):
    """tally.add(key) is the tally"""
    tally = module.Tally()
    assert tally.add("a").add("a").add("b") is tally, "it is something else"
    assert (tally["a"], tally["b"]) == (2, 1), "they are other numbers"


def test_what_cannot_be_hashed(module):
    """tally.add([]) and tally[[]] raise TypeError"""
    with raises(TypeError):
        module.Tally().add([])
    with raises(TypeError):
        module.Tally()[[]]
