"""Arguments are lent, too."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import raises

EXERCISE = Exercise(
    title="Arguments are lent, too",
    task="Make `longer` return a reference that its caller may give back, whichever of the two it is.",
    minutes=6,
    chapter="counts",
    fails="deficit",
    hints=(
        "Who owns the tuple of arguments while `longer` runs, and for how long?",
        "What is returned is to be a new reference. What you have is one that you borrowed from the tuple.",
        "Take a reference to the one that is returned, and only to that one, on the way out.",
    ),
    explanation="An argument is borrowed from the caller. To return it is to hand out a reference, and that has "
    "to be taken first.",
    wrong=(
        Wrong(
            "only one of the two",
            "deficit",
            "One branch is right. What does the other one return?",
            rust=(
                (
                    "Py_NewRef(if n > m { b } else { a })",
                    "if n > m {\n            return b;\n        }\n        Py_NewRef(a)",
                ),
            ),
            c=(("return Py_NewRef(n > m ? b : a);", "if (n > m)\n        return b;\n    return Py_NewRef(a);"),),
            pattern=r"return b;",
        ),
        Wrong(
            "both are taken",
            "surplus",
            "A reference was taken to each argument, and only one of them is returned. Who gives the other back?",
            rust=(
                (
                    "Py_NewRef(if n > m { b } else { a })",
                    "Py_INCREF(a);\n        Py_INCREF(b);\n        if n > m { b } else { a }",
                ),
            ),
            c=(("return Py_NewRef(n > m ? b : a);", "Py_INCREF(a);\n    Py_INCREF(b);\n    return n > m ? b : a;"),),
            pattern=r"INCREF\(a\);\s*Py_INCREF\(b\)",
        ),
        Wrong(
            "a copy",
            "test",
            "A copy is an object of its own. The caller wants the very object that was passed in.",
            rust=(("Py_NewRef(if n > m { b } else { a })", "PySequence_List(if n > m { b } else { a })"),),
            c=(("Py_NewRef(n > m ? b : a)", "PySequence_List(n > m ? b : a)"),),
            pattern=r"PySequence_List|Copy",
        ),
        Wrong(
            "no length is length zero",
            "test|exception|swallowed",
            "PyObject_Size says -1 and has set an exception. To go on with -1 as a length is to lose what went wrong.",
            rust=(
                ("        if m < 0 {\n            return null_mut();\n        }\n", ""),
                ("        if n < 0 {\n            return null_mut();\n        }\n", ""),
            ),
            c=(("    if (m < 0)\n        return NULL;\n", ""), ("    if (n < 0)\n        return NULL;\n", "")),
            pattern=r"^(?!(?s:.*n < 0))",
        ),
    ),
    notes="Many believe that an argument belongs to the function. Ask who gives it back when the "
    "function does nothing with it.",
    functions=("longer",),
)


def test_the_longer_one_is_returned(module):
    """longer(a, b) is the one with more in it, and a if they are as long"""
    short, long, other = [1], [1, 2], [3, 4]
    assert module.longer(short, long) is long, "it is not the second, which is longer"
    assert module.longer(long, short) is long, "it is not the first, which is longer"
    assert module.longer(long, other) is long, "it is not the first of two that are as long"


def test_what_has_no_length(module):
    """longer(1, []) raises TypeError"""
    with raises(TypeError):
        module.longer(1, [])
    with raises(TypeError):
        module.longer([], 1)
