"""Somebody has to let go first."""

import gc
import sys
import weakref

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="Somebody has to let go first",
    task="Make `pair_clear` give up what the pair owns, so that a ring of pairs comes apart.",
    minutes=10,
    chapter="life",
    fails="test|surplus",
    hints=(
        "The collector has found a ring of pairs that nobody needs. How can the first of them "
        "go, if each is owned by the next?",
        "One pair has to give up its references while it still exists. What is in its fields afterwards?",
        "Empty each field first, and give back afterwards what was in it: one call does both.",
    ),
    explanation=(
        "tp_clear breaks the ring: it gives up what the object owns and leaves it empty. The "
        "field is emptied first, since giving "
        "back may run code that looks at it."
    ),
    wrong=(
        Wrong(
            "given back, and still there",
            "deficit|crash|panic|hang|surplus|test",
            "What was given back is still in the field, and will be given back once more. After "
            "giving up, a field is empty.",
            rust=(
                ("Py_CLEAR(&raw mut (*this.cast::<Pair>()).one);", "Py_XDECREF((*this.cast::<Pair>()).one);"),
                ("Py_CLEAR(&raw mut (*this.cast::<Pair>()).two);", "Py_XDECREF((*this.cast::<Pair>()).two);"),
            ),
            c=(
                ("Py_CLEAR(((Pair *)self)->one);", "Py_XDECREF(((Pair *)self)->one);"),
                ("Py_CLEAR(((Pair *)self)->two);", "Py_XDECREF(((Pair *)self)->two);"),
            ),
            pattern=r"(?s)_clear.*DECREF\(.*(one|two)\)",
        ),
        Wrong(
            "emptied without giving back",
            "surplus|test",
            "The field is empty, and the reference that was in it is owned by nobody: nobody will ever give it back.",
            rust=(
                ("Py_CLEAR(&raw mut (*this.cast::<Pair>()).one);", "(*this.cast::<Pair>()).one = null_mut();"),
                ("Py_CLEAR(&raw mut (*this.cast::<Pair>()).two);", "(*this.cast::<Pair>()).two = null_mut();"),
            ),
            c=(
                ("Py_CLEAR(((Pair *)self)->one);", "((Pair *)self)->one = NULL;"),
                ("Py_CLEAR(((Pair *)self)->two);", "((Pair *)self)->two = NULL;"),
            ),
            pattern=r"(one|two) = (null_mut\(\)|NULL);",
        ),
        Wrong(
            "one of the two",
            "test|surplus",
            "The ring may go through either field.",
            rust=(("        Py_CLEAR(&raw mut (*this.cast::<Pair>()).two);\n", ""),),
            c=(("    Py_CLEAR(((Pair *)self)->two);\n", ""),),
            pattern=r"^(?!(?s:.*CLEAR.*CLEAR))",
        ),
        Wrong(
            "the pair itself is freed",
            "crash|deficit|panic",
            "The collector still holds the pair while it clears it. It goes by itself, when its last owner lets go.",
            rust=(("two);\n        0\n", "two);\n        free(this);\n        0\n"),),
            c=(
                (
                    "two);\n    return 0;\n}\n\nstatic void pair_dealloc",
                    "two);\n    Py_TYPE(self)->tp_free(self);\n    return 0;\n}\n\nstatic void pair_dealloc",
                ),
            ),
            pattern=r"(?s)two\);\s*(free|Py_TYPE)",
        ),
    ),
    notes="A tuple has no tp_clear and needs none: ask which other object in the ring will let go.",
)


def is_collected(module, cycle):
    """Whether a cycle that nobody else owns goes."""
    witness = Thing()
    gone = weakref.ref(witness)
    cycle(witness)
    del witness
    gc.collect()
    return gone() is None


def test_both_are_kept(module):
    """A pair keeps both objects alive"""
    pair = module.Pair(Thing(), Thing())
    gc.collect()
    assert type(pair.one) is type(pair.two) is Thing, "one of them is something else"


def test_a_cycle_through_one(module):
    """A pair that owns itself by `one` is collected"""

    def cycle(witness):
        witness.pair = module.Pair(witness, 2)

    assert is_collected(module, cycle), "the cycle is still there after gc.collect()"


def test_a_cycle_through_two(module):
    """A pair that owns itself by `two` is collected"""

    def cycle(witness):
        witness.pair = module.Pair(1, witness)

    assert is_collected(module, cycle), "the cycle is still there after gc.collect()"


def test_a_ring_of_pairs_alone(module):
    """Pairs that own only each other are collected"""

    def cycle(witness):
        pair, other = module.Pair(1, 2), module.Pair(1, 2)
        pair.__init__(other, (witness,))
        other.__init__(pair, 2)

    assert is_collected(module, cycle), "the ring is still there after gc.collect()"


def test_who_refers_to_it(module):
    """gc.get_referrers(x) finds the pair that owns x"""
    thing = Thing()
    pair = module.Pair(thing, 2)
    assert pair in gc.get_referrers(thing), "the pair is not found"


def test_a_pair_never_filled(module):
    """A pair that was never filled is looked at by the collector, too"""
    pair = module.Pair.__new__(module.Pair)
    gc.collect()
    del pair


def test_each_reference_is_given_back_once(module):
    """When ten rings are gone, what hung on them has as many references as before"""
    thing = Thing()
    held = [thing] * 40
    before = sys.getrefcount(thing)
    for _ in range(10):
        pair = module.Pair(1, thing)
        pair.__init__(pair, thing)
        del pair
        gc.collect()
    assert len(held) == 40 and sys.getrefcount(thing) >= before, "more was given back than was taken"
    assert sys.getrefcount(thing) == before, "less was given back than was taken"
