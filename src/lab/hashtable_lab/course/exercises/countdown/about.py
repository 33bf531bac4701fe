"""Write an iterator."""

from hashtable_lab.course.exercise import Exercise, Wrong

EXERCISE = Exercise(
    title="Write an iterator",
    task="Write `countdown_next`, so that `list(Countdown(3))` is [3, 2, 1].",
    minutes=10,
    chapter="slots",
    fails="test",
    hints=(
        "What does `next(x)` call, and how does that function say that there is no more?",
        "tp_iternext returns a new reference; at the end NULL, and no exception need be set.",
        "If nothing is left return NULL. Otherwise make an int of what is left, count down by one, and return the int.",
    ),
    explanation="tp_iternext returns NULL without an exception at the end: the one place where that is allowed.",
    wrong=(
        Wrong(
            "IndexError at the end",
            "test",
            "The end of an iterator is no error. NULL alone says it, or NULL with StopIteration.",
            rust=(
                (
                    "            return null_mut();\n        }\n        let number",
                    '            PyErr_SetString(PyExc_IndexError, c"no more".as_ptr());\n'
                    "            return null_mut();\n        }\n        let number",
                ),
            ),
            pattern=r"PyErr_SetString",
        ),
        Wrong(
            "None at the end",
            "test|hang",
            "None is a value like any other: the iterator goes on for ever.",
            rust=(
                (
                    "            return null_mut();\n        }\n        let number",
                    "            return if (*countdown).left < -50 { null_mut() } else { (*countdown).left "
                    "-= 1; none() };\n        }\n        let number",
                ),
            ),
            pattern=r"none\(\)",
        ),
        Wrong(
            "one too few",
            "test",
            "Which number is the first? Count down after it was made, not before.",
            rust=(
                ("        (*countdown).left -= 1;\n", ""),
                ("        let number", "        (*countdown).left -= 1;\n        let number"),
            ),
            pattern=r"(?s)left -= 1;.*PyLong_FromLong",
        ),
        Wrong(
            "taken twice",
            "surplus",
            "PyLong_FromLong returned a new reference, and that is what the caller gets. No other is needed.",
            rust=(("        number\n", "        Py_XNewRef(number)\n"),),
            pattern=r"(NewRef|INCREF)\(number\)",
        ),
    ),
    notes="Ask what `for` does with the NULL, and what `list(...)` would do with a None.",
)


def test_it_counts_down(module):
    """list(Countdown(3)) is [3, 2, 1]"""
    seen = []
    for number in module.Countdown(3):
        seen.append(number)
        assert len(seen) < 10, "it does not come to an end"
    assert seen == [3, 2, 1], f"it is {seen}"


def test_large_numbers(module):
    """next(Countdown(n)) is n"""
    assert next(module.Countdown(123456789)) == 123456789, "it is another number"


def test_it_stays_at_the_end(module):
    """After the end comes the end"""
    counting = module.Countdown(1)
    assert [*counting] == [1] and [*counting] == [], "something comes after the end"
