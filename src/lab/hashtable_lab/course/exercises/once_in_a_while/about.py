"""A wrong answer once in a while."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, without_faults

EXERCISE = Exercise(
    title="Once in a while",
    task=(
        "A function remembers results, so that f runs once for each object. Once in a thousand runs it "
        "returns the result of another "
        "object. No crash, no leak, the ledger is balanced. Find it, and mend it."
    ),
    minutes=15,
    chapter="counts",
    fails="test",
    hints=(
        "By what does the cache know an object again? When can two objects have that in common?",
        "An address tells two objects apart only while both live. When the first has gone, the next may move in.",
        "The cache has to keep the object alive as long as it remembers it: store the object beside its result.",
    ),
    explanation=(
        "An address is no identity for longer than the object lives. Code that remembers an address has to "
        "own the object, or be told "
        "when it goes."
    ),
    wrong=(
        Wrong(
            "kept alive by hand",
            "surplus|deficit",
            "The object lives now, for ever: a reference was taken that no container owns, so nobody "
            "can ever give it back.",
            rust=(
                (
                    "        let pair = two(x, result);\n",
                    "        Py_INCREF(x);\n        let pair = Py_NewRef(result);\n",
                ),
                ("            let known = PyTuple_GetItem(known, 1);\n", ""),
            ),
            pattern=r"INCREF\(x\)|NewRef\(x\)",
        ),
        Wrong(
            "nothing is remembered",
            "test",
            "f runs each time now. The cache is there so that it runs once for each object.",
            rust=(("PyDict_SetItem(cache, key, pair) < 0", "pair.is_null()"),),
            error="f was called",
        ),
        Wrong(
            "the other way round",
            "test",
            "The pair that is stored has the object first. Which of the two is the answer?",
            rust=(("PyTuple_GetItem(known, 1)", "PyTuple_GetItem(known, 0)"),),
            pattern=r"GetItem\(known, 0\)",
        ),
        Wrong(
            "what is remembered is only lent",
            "deficit|borrowed",
            "What the cache holds is lent. The caller wants a new reference to it.",
            rust=(("return Py_NewRef(known);", "return known;"),),
            pattern=r"(?m)^\s*(return )?known;?$",
        ),
    ),
    notes="`id(x)` as a key is the same mistake in Python. Let them make it fail there, in three lines.",
    functions=("remembered",),
)


def test_f_runs_once(module):
    """remembered(cache, f, x) calls f once for each object"""
    cache, called, x = {}, [], Thing()

    def f(x):
        called.append(1)
        return ("result", 10**20)

    one, other = module.remembered(cache, f, x), module.remembered(cache, f, x)
    assert one is other, "the second result is another object"
    assert len(called) == 1, "f was called again for the same object"


@without_faults
def test_objects_come_and_go(module):
    """remembered(cache, f, x) is f(x), for a hundred objects that come and go"""
    cache = {}
    for number in range(100):
        x = Thing()
        x.number = number
        seen = module.remembered(cache, lambda x: x.number + 10**20, x)
        assert seen == number + 10**20, f"for object {number} it is the result of another"
        del x
