"""Write a method."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="Write a method",
    task="Write `duo.swapped()`: a new duo with the two objects exchanged.",
    minutes=12,
    chapter="life",
    fails="test",
    hints=(
        "How does one make an object of one's own type? What is in its fields then?",
        "`allocate` gives a new duo with NULL in its fields, or NULL if there is no memory.",
        "Each field of the new duo needs a reference of its own, to the other's object.",
    ),
    explanation="A new object owns what is put into its fields. What is copied from another object's field has "
    "to be taken once more.",
    wrong=(
        Wrong(
            "the fields are copied",
            "deficit|crash|test",
            "Two duos now own the same references. When both are gone, each has been given back twice.",
            rust=(
                ("(*new).a = Py_NewRef((*old).b);", "(*new).a = (*old).b;"),
                ("(*new).b = Py_NewRef((*old).a);", "(*new).b = (*old).a;"),
            ),
            pattern=r"\(\*new\)\.a = \(\*old\)",
        ),
        Wrong(
            "exchanged in place",
            "test",
            "The duo that was asked has changed. A new one was wanted.",
            rust=(
                ("        let new: *mut Duo = allocate(Py_TYPE(this)).cast();\n", "        let new = old;\n"),
                (
                    "        (*new).a = Py_NewRef((*old).b);\n        (*new).b = Py_NewRef((*old).a);\n"
                    "        new.cast()\n",
                    "        core::ptr::swap(&raw mut (*new).a, &raw mut (*new).b);\n        Py_NewRef(this)\n",
                ),
            ),
            pattern=r"ptr::swap|mem::swap|NewRef\(this\)",
        ),
        Wrong(
            "no look at NULL",
            "panic|crash|fault",
            "There may be no memory for a new duo. NULL has no fields.",
            rust=(("        if new.is_null() {\n            return null_mut();\n        }\n", ""),),
            pattern=r"(?s)fn duo_swapped(?!.*new\.is_null).*fn duo_dealloc",
        ),
        Wrong(
            "the new one is taken, too",
            "surplus",
            "What `allocate` returns is a new reference already. The caller gets that one.",
            rust=(("        new.cast()\n", "        Py_NewRef(new.cast())\n"),),
            pattern=r"(NewRef|INCREF)\(new",
        ),
    ),
    notes="Ask which line would have to be written if a duo could be subclassed, with an __init__ of its own.",
)


def test_exchanged(module):
    """duo.swapped() has b first, and a second"""
    a, b = Thing(), Thing()
    duo = module.Duo(a, b)
    other = duo.swapped()
    assert type(other) is module.Duo and (other.a, other.b) == (b, a), "the new duo holds something else"
    assert other is not duo and (duo.a, duo.b) == (a, b), "the old duo was changed"


def test_both_live(module):
    """Both duos go, and the objects stay, or the other way round"""
    a, b = Thing(), Thing()
    duo = module.Duo(a, b)
    for _ in range(10):
        duo = duo.swapped()
    del a, b
    assert type(duo.a) is type(duo.b) is Thing, "an object is gone"
