"""A call that does not steal."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import raises

EXERCISE = Exercise(
    title="A dict does not steal",
    task="Give back what `record` made and the dict took a reference of its own to.",
    minutes=8,
    chapter="counts",
    fails="surplus",
    hints=(
        "PyList_SetItem steals. Does PyDict_SetItem? CPython's documentation says so for each function.",
        "After PyDict_SetItem there are two references to the length: the dict's and yours. "
        "Which of them is still needed?",
        "Give yours back when the dict has been asked, whether or not it took the pair; then look at what it said.",
    ),
    explanation="PyDict_SetItem takes references of its own. What you made stays yours, whether it succeeds or fails.",
    wrong=(
        Wrong(
            "given back before it is stored",
            "crash|panic|test",
            "When it is given back the number is gone: nobody else had it yet. Then the dict is handed a dead object.",
            rust=(
                (
                    "        let status = PyDict_SetItem(dict, key, length);\n        Py_DECREF(length);\n",
                    "        Py_DECREF(length);\n        let status = PyDict_SetItem(dict, key, length);\n",
                ),
            ),
            c=(
                (
                    "    int status = PyDict_SetItem(dict, key, length);\n    Py_DECREF(length);\n",
                    "    Py_DECREF(length);\n    int status = PyDict_SetItem(dict, key, length);\n",
                ),
            ),
            pattern=r"(?s)DECREF\(length\);.{0,60}PyDict_SetItem",
        ),
        Wrong(
            "given back only when it failed",
            "surplus",
            "When the dict takes the pair it takes references of its own. Yours is still there, on that path too.",
            rust=(
                (
                    "        Py_DECREF(length);\n        if status < 0 {\n",
                    "        if status < 0 {\n            Py_DECREF(length);\n",
                ),
            ),
            c=(
                (
                    "    Py_DECREF(length);\n    if (status < 0)\n        return NULL;\n",
                    "    if (status < 0) {\n        Py_DECREF(length);\n        return NULL;\n    }\n",
                ),
            ),
            pattern=r"(?s)status < 0\)? \{\s*Py_DECREF\(length\)",
        ),
        Wrong(
            "given back only when it worked",
            "surplus|fault",
            "PyDict_SetItem may fail, for a list as the key. Then nobody has the number but you.",
            rust=(
                (
                    "        Py_DECREF(length);\n        if status < 0 {\n            return null_mut();\n        }\n",
                    "        if status < 0 {\n            return null_mut();\n        }\n        Py_DECREF(length);\n",
                ),
            ),
            c=(
                (
                    "    Py_DECREF(length);\n    if (status < 0)\n        return NULL;\n",
                    "    if (status < 0)\n        return NULL;\n    Py_DECREF(length);\n",
                ),
            ),
            pattern=r"(?s)status < 0.*DECREF\(length\)",
        ),
        Wrong(
            "the key is given back",
            "deficit",
            "The key is borrowed from the arguments: it was never yours.",
            both=(("Py_DECREF(length);", "Py_DECREF(length);\n    Py_DECREF(key);"),),
            pattern=r"DECREF\(key\)",
        ),
    ),
    notes="Real packages leaked for years here. Ask how one can know of a function whether it "
    "steals, without guessing.",
    functions=("record",),
)


def test_it_is_recorded(module):
    """record(dict, key) stores the key's length under the key"""
    seen, key = {}, "x" * 1000
    assert module.record(seen, key) is None, "it does not return None"
    assert seen == {key: 1000}, "the dict does not hold the length"


def test_a_key_that_cannot_be_hashed(module):
    """record(dict, []) raises TypeError"""
    with raises(TypeError):
        module.record({}, [1] * 1000)
