"""A sum that is overwritten."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import raises

EXERCISE = Exercise(
    title="The sum so far",
    task="Make `total` own exactly one sum at a time.",
    minutes=8,
    chapter="counts",
    fails="surplus",
    hints=(
        "Each addition makes a new object. How many of them are there after three numbers, and how many are returned?",
        "The variable gets another object. What becomes of the reference that was in it?",
        "Keep the new sum in a second variable, give the old one back, and only then put the new one in its place.",
    ),
    explanation="A variable in C or Rust owns nothing by itself. Who overwrites it has to give back what was in "
    "it, unlike in Python.",
    wrong=(
        Wrong(
            "given back before it is used",
            "crash|test|panic|deficit",
            "The old sum is given back before it is added to. After that it may be gone, and its "
            "memory somebody else's.",
            rust=(
                (
                    "            let more = PyNumber_Add(sum, PyTuple_GetItem(numbers, at));\n"
                    "            Py_DECREF(sum);\n",
                    "            Py_DECREF(sum);\n            let more = PyNumber_Add(sum, "
                    "PyTuple_GetItem(numbers, at));\n",
                ),
            ),
            c=(
                (
                    "        PyObject *more = PyNumber_Add(sum, PyTuple_GetItem(numbers, at));\n"
                    "        Py_DECREF(sum);\n",
                    "        Py_DECREF(sum);\n        PyObject *more = PyNumber_Add(sum, "
                    "PyTuple_GetItem(numbers, at));\n",
                ),
            ),
            pattern=r"(?s)DECREF\(sum\);.{0,20}more = PyNumber_Add",
        ),
        Wrong(
            "the number is given back, too",
            "deficit",
            "The numbers are borrowed from the tuple. Only what PyNumber_Add returned is yours.",
            both=(("Py_DECREF(sum);\n", "Py_DECREF(sum);\n            Py_DECREF(PyTuple_GetItem(numbers, at));\n"),),
            pattern=r"DECREF\(PyTuple_GetItem",
        ),
        Wrong(
            "the last sum is given back",
            "deficit",
            "The last sum is what is returned: that reference goes to the caller, and is no longer yours to give back.",
            rust=(("        sum\n    }\n", "        Py_DECREF(sum);\n        sum\n    }\n"),),
            c=(("    return sum;\n}", "    Py_DECREF(sum);\n    return sum;\n}"),),
            pattern=r"DECREF\(sum\);\s*(return sum;\s*\}\s*\n\s*MODULE|sum\s*\})",
        ),
        Wrong(
            "only the exception is looked at once, at the end",
            "test|crash|panic|swallowed|fault|exception|surplus",
            "PyNumber_Add returns NULL when it fails. The next addition is then given NULL: look after each one.",
            rust=(
                ("            if sum.is_null() {\n                return null_mut();\n            }\n", ""),
                ("Py_DECREF(sum);", "Py_XDECREF(sum);"),
            ),
            c=(("        if (!sum)\n            return NULL;\n", ""), ("Py_DECREF(sum);", "Py_XDECREF(sum);")),
            pattern=r"^(?!(?s:.*(is_null|!sum|sum == NULL)))",
        ),
    ),
    notes="In Python `sum = sum + x` gives the old object back by itself. Let people say who does that here.",
    functions=("total",),
)

BIG = 10**20


def test_the_sum(module):
    """total((a, b, c)) is a + b + c"""
    assert module.total((BIG, BIG + 1, BIG + 2)) == 3 * BIG + 3, "it is another number"
    assert module.total(()) == 0, "the sum of nothing is not 0"


def test_what_cannot_be_added(module):
    """total((a, "b", c)) raises TypeError"""
    with raises(TypeError):
        module.total((BIG, "b", BIG))
