"""The list may get shorter."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="The list may get shorter",
    task="Make `each` right although `f` may change the list.",
    minutes=8,
    chapter="reentrancy",
    fails="crash|panic|test",
    hints=(
        "How long is the list in the second round? Who knows?",
        "`f` may shorten the list. PyList_GET_ITEM looks at no bounds: it reads whatever is in that place.",
        "Ask for the length before each round, as `for` in Python does.",
    ),
    explanation="What was true before a call into Python need not be true after it. Look again: the length, the "
    "place, the object.",
    wrong=(
        Wrong(
            "the item is only borrowed",
            "borrowed|crash",
            "`f` may take the item out of the list while it has it in hand. Who owns it then?",
            rust=(("            Py_INCREF(item);\n", ""), ("            Py_DECREF(item);\n", "")),
            pattern=r"^(?!(?s:.*INCREF\(item\)))",
        ),
        Wrong(
            "what f returns is lost",
            "surplus",
            "`f` returns something, if only None: a new reference, which is yours to give back.",
            rust=(("            Py_DECREF(result);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(result\)))",
        ),
        Wrong(
            "NULL is given back",
            "panic|crash",
            "When `f` raises there is no result. Look at it before you give it back.",
            rust=(
                (
                    "            if result.is_null() {\n                return null_mut();\n            }\n"
                    "            Py_DECREF(result);\n",
                    "            Py_DECREF(result);\n",
                ),
            ),
            pattern=r"^(?!(?s:.*result\.is_null))",
        ),
        Wrong(
            "an exception ends the loop, and nobody hears of it",
            "test|exception|swallowed",
            "`f` raised, and the loop was left as if it had come to its end.",
            rust=(
                (
                    "            if result.is_null() {\n                return null_mut();\n            }\n",
                    "            if result.is_null() {\n                break;\n            }\n",
                ),
            ),
            pattern=r"is_null\(\) \{\s*break",
        ),
    ),
    notes="Compare with `for x in items: items.clear()` in Python: no crash, no error. Why?",
    functions=("each",),
)


def test_each_is_called(module):
    """each(list, f) calls f with each item"""
    things, seen = [Thing(), Thing(), Thing()], []
    assert module.each(things, seen.append) is None, "it does not return None"
    assert seen == things, "f was called with something else"


def test_f_empties_the_list(module):
    """each(list, f) stops when f has emptied the list"""
    seen = []

    def f(item):
        items.clear()
        seen.append(item)

    items = [Thing() for _ in range(5)]
    module.each(items, f)
    assert len(seen) == 1, "f was called with what is no longer in the list"


def test_f_raises(module):
    """each(list, f) raises what f raises"""
    try:
        module.each([1, 0], lambda item: 1 // item)
    except ZeroDivisionError:
        return
    raise AssertionError("the exception of f was swallowed")
