"""The collector asks what you own."""

import gc
import weakref

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="The collector asks what you own",
    task="Make `pair_traverse` tell the garbage collector of every reference that a pair owns.",
    minutes=12,
    chapter="life",
    fails="test",
    hints=(
        "How does the collector find out that an object is reachable only from itself?",
        "It subtracts from each count the references that are visited. One that is not visited "
        "counts as somebody outside.",
        "Both fields have to be visited, each once, if there is something in it.",
    ),
    explanation=(
        "tp_traverse visits each reference that the object owns, once, and no other. One too "
        "few, and cycles stay; one too many, "
        "and what lives is taken for dead."
    ),
    wrong=(
        Wrong(
            "one of the two",
            "test",
            "One field is not visited. A reference that the collector never hears of looks like one "
            "from outside: what hangs "
            "on it is kept.",
            rust=(("[(*pair).one, (*pair).two] {", "[(*pair).one] {"),),
            c=(("    Py_VISIT(((Pair *)self)->two);\n", ""),),
            pattern=r"(\[\(\*pair\)\.(one|two)\] \{|visit[^}]*->(one|two)\);\s*return 0)",
        ),
        Wrong(
            "what visit says is not passed on",
            "test",
            "`visit` may ask you to stop, by returning something else than 0. gc.get_referrers lives on that.",
            rust=(
                (
                    "                if stop != 0 {\n                    return stop;\n                }\n",
                    "                let _ = stop;\n",
                ),
            ),
            c=(
                (
                    "    Py_VISIT(((Pair *)self)->one);\n",
                    "    if (((Pair *)self)->one)\n        visit(((Pair *)self)->one, arg);\n",
                ),
                (
                    "    Py_VISIT(((Pair *)self)->two);\n",
                    "    if (((Pair *)self)->two)\n        visit(((Pair *)self)->two, arg);\n",
                ),
            ),
            error="the pair is not found",
        ),
        Wrong(
            "NULL is visited",
            "crash|panic",
            "A pair that was never filled holds NULL twice. The collector looks into whatever you visit.",
            rust=(("            if !field.is_null() {\n", "            if true {\n"),),
            c=(
                (
                    "    Py_VISIT(((Pair *)self)->one);\n",
                    "    int one = visit(((Pair *)self)->one, arg);\n    if (one)\n        return one;\n",
                ),
                (
                    "    Py_VISIT(((Pair *)self)->two);\n",
                    "    int two = visit(((Pair *)self)->two, arg);\n    if (two)\n        return two;\n",
                ),
            ),
            pattern=r"^(?!(?s:.*(!field\.is_null|Py_VISIT|if \(\(\(Pair)))",
        ),
        Wrong(
            "a reference is taken for the collector",
            "surplus|test",
            "The collector only looks. A reference taken during the visit is never given back, and "
            "keeps the cycle alive.",
            rust=(
                (
                    "                let stop = visit(field, argument);",
                    "                Py_INCREF(field);\n                let stop = visit(field, argument);",
                ),
            ),
            c=(
                (
                    "    Py_VISIT(((Pair *)self)->one);\n",
                    "    Py_XINCREF(((Pair *)self)->one);\n    Py_VISIT(((Pair *)self)->one);\n",
                ),
            ),
            pattern=r"INCREF\(.*(field|one|two)\);\s*(let stop|Py_VISIT|visit)",
        ),
    ),
    notes="Play collector with coins on a drawing: one coin for each reference, take away one for each "
    "visit, see who has some left.",
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
