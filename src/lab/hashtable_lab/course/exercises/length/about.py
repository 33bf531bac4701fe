"""Fill a slot."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="Fill a slot",
    task="Write `deck_length`, and put it into its slot, so that `len(deck)` is the number of cards.",
    minutes=10,
    chapter="slots",
    fails="test",
    hints=(
        "What does `len(x)` call? Which slot of a type is it, and what does it return?",
        "sq_length returns a Py_ssize_t: the length, or -1 with an exception set. It is in PySequenceMethods.",
        "Return what PyObject_Size says of the cards; a deck that was never filled has none, so it has length 0.",
    ),
    explanation="`len` asks the type for a slot and calls the function in it. No name is looked up: the "
    "slot is the method.",
    wrong=(
        Wrong(
            "-1 for an empty deck",
            "test|exception",
            "-1 says that an exception is set. None is: the deck was only never filled.",
            rust=(("            return 0;\n", "            return -1;\n"),),
            pattern=r"return -1",
        ),
        Wrong(
            "no look at NULL",
            "panic|crash",
            "A deck made by __new__ alone holds NULL in place of cards.",
            rust=(
                ("        if cards.is_null() {\n            return 0;\n        }\n", ""),
                ("PyObject_Size(cards)", "Py_SIZE(cards)"),
            ),
            pattern=r"(?s)fn deck_length(?!.*is_null\(\) \{\s*return 0)(?=.*Py_SIZE)",
        ),
        Wrong(
            "the cards are taken",
            "surplus",
            "To look at the cards no reference is needed: the deck keeps them alive meanwhile. Yours "
            "is never given back.",
            rust=(("PyObject_Size(cards)", "PyObject_Size(Py_NewRef(cards))"),),
            pattern=r"(?s)fn deck_length.*(NewRef|INCREF)\(cards\).*fn deck_dealloc",
        ),
    ),
    notes="Show `type(deck).__len__` before and after: CPython makes the Python name from the slot.",
)


def test_length(module):
    """len(deck) is the number of cards"""
    assert len(module.Deck([Thing(), Thing()])) == 2, "of two cards it is another number"
    assert len(module.Deck("")) == 0, "of no cards it is not 0"


def test_no_length(module):
    """len(deck) raises TypeError if the cards have no length"""
    with raises(TypeError, "the exception of the cards is lost"):
        len(module.Deck(5))


def test_never_filled(module):
    """len(deck) is 0 for a deck that was never filled"""
    assert len(module.Deck.__new__(module.Deck)) == 0, "it is another number"
