"""A hole in a list."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import raises

EXERCISE = Exercise(
    title="A hole in a list",
    task="Make `squares` stop at the first item that cannot be squared, with nothing left behind.",
    minutes=8,
    chapter="faults",
    fails="test|crash|exception",
    hints=(
        "What does PyNumber_Multiply return when it fails, and what does PyList_SetItem do with that?",
        "The list is new, and yours. Which of its items does it own when the third square fails?",
        "Keep the product in a variable. If it is NULL give the list back, which gives its items "
        "back, and return NULL.",
    ),
    explanation=(
        "Check what a call returned before you pass it on. A list that is given back gives back the "
        "items it has; places that were "
        "not filled yet are NULL, and it skips those."
    ),
    wrong=(
        Wrong(
            "the list is forgotten",
            "surplus|fault",
            "NULL is returned, and the list that was begun stays behind, with all that is in it.",
            rust=(("                Py_DECREF(list);\n", ""),),
            c=(("            Py_DECREF(list);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(list\)))",
        ),
        Wrong(
            "the item is given back, too",
            "deficit",
            "Your reference to the item was given back already, and the one in the list of numbers is not yours.",
            both=(("Py_DECREF(list);\n", "Py_DECREF(list);\n                Py_DECREF(item);\n"),),
            pattern=r"(?s)DECREF\(item\).*DECREF\(item\)",
        ),
        Wrong(
            "what went before is returned",
            "test|exception|swallowed",
            "An exception is set: the result has to be NULL. Half a list would say that all went well.",
            rust=(
                (
                    "                Py_DECREF(list);\n                return null_mut();",
                    "                return list;",
                ),
            ),
            c=(("            Py_DECREF(list);\n            return NULL;", "            return list;"),),
            pattern=r"(?s)(is_null\(\)|!square\)) \{\s*return list;",
        ),
        Wrong(
            "an unwrap",
            "panic",
            "A panic ends the whole process: the learner's, the server's, the user's. What the API "
            "reports is to be passed on.",
            rust=(
                (
                    "            let square = PyNumber_Multiply(item, item);\n",
                    "            let square = PyNumber_Multiply(item, item);\n            square.as_ref().unwrap();\n",
                ),
            ),
            pattern=r"unwrap|expect|assert",
        ),
    ),
    notes="Ask what `print` would do with the list that has a hole. Then let it crash.",
    functions=("squares",),
)

BIG = 10**20


def test_the_squares(module):
    """squares([a, b]) is [a * a, b * b]"""
    assert module.squares([BIG, BIG + 1]) == [BIG**2, (BIG + 1) ** 2], "it is another list"
    assert module.squares([]) == [], "of nothing it is something"


def test_one_has_no_square(module):
    """squares([a, "b"]) raises TypeError"""
    with raises(TypeError):
        module.squares([BIG, "b", BIG])
