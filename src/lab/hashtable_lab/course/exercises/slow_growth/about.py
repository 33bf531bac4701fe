"""A growing process."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import raises

EXERCISE = Exercise(
    title="Slow growth",
    task=(
        "A server counts the words of what it is sent. It grows by a few megabytes a day; with "
        "texts in which no word comes twice "
        "it does not grow. Find what it keeps, and mend it."
    ),
    minutes=12,
    chapter="leakcheck",
    fails="surplus",
    hints=(
        "What is done for a word that was seen before, and not for a new one?",
        "List what is new and what is borrowed in `count`, for both branches.",
        "The number one that is added is made anew each time. It is needed no longer once the sum is there.",
    ),
    explanation="What depends on the input leaks by the input. A branch that few tests walk is a place to look first.",
    wrong=(
        Wrong(
            "the old number is given back",
            "deficit|crash",
            "The old number is borrowed from the dict. The dict gives it back itself when the new one takes its place.",
            rust=(
                (
                    "            Py_DECREF(one);\n            sum",
                    "            Py_DECREF(one);\n            Py_DECREF(before);\n            sum",
                ),
            ),
            pattern=r"DECREF\(before\)",
        ),
        Wrong(
            "one is given back too early",
            "crash|panic|test|deficit",
            "It is given back before it is added.",
            rust=(
                (
                    "            let sum = PyNumber_Add(before, one);\n            Py_DECREF(one);\n",
                    "            Py_DECREF(one);\n            let sum = PyNumber_Add(before, one);\n",
                ),
            ),
            pattern=r"(?s)DECREF\(one\);\s*let sum = PyNumber_Add",
        ),
        Wrong(
            "given back only if the sum is there",
            "fault|surplus",
            "The addition can fail. What was made before it is still yours then.",
            rust=(
                (
                    "            Py_DECREF(one);\n            sum",
                    "            if !sum.is_null() {\n                Py_DECREF(one);\n            }\n            sum",
                ),
            ),
            pattern=r"sum\.is_null\(\) \{\s*Py_DECREF\(one\)",
        ),
        Wrong(
            "the words' list is given back early",
            "crash|panic|test|deficit|borrowed",
            "The words are borrowed from the list: it has to live until the last of them has been counted.",
            rust=(
                ("        Py_DECREF(words);\n        if failed", "        if failed"),
                ("        let mut failed = false;\n", "        let mut failed = false;\n        Py_DECREF(words);\n"),
            ),
            pattern=r"(?s)DECREF\(words\);\s*for",
        ),
    ),
    notes="`hashtable-lab leakcheck` on the function finds it in seconds, if the text has a word "
    "twice. Ask why it must.",
    functions=("count",),
)

LONG = "w" * 300


def test_words(module):
    """count(text, dict) counts each word"""
    seen = {}
    module.count(f"a b {LONG}", seen)
    assert seen == {"a": 1000, "b": 1000, LONG: 1000}, f"it is {seen}"


def test_words_again(module):
    """count(text, dict) goes on from what is in the dict"""
    seen = {}
    module.count("a b a", seen)
    module.count("a", seen)
    assert seen == {"a": 3000, "b": 1000}, f"it is {seen}"


def test_no_text(module):
    """count(1, dict) raises TypeError"""
    with raises(TypeError):
        module.count(1, {})
