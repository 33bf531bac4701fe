"""A type from an empty file: the talk's own table."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="From an empty file: the talk's table",
    task=(
        "Write the type `Table(hash_func)` with four buckets: set(key, value) returns the table, "
        "get(key) the value or None. "
        "A bucket is a list of tuples; hash_func is a function of Python's, and may return any "
        "int that fits in 64 bits."
    ),
    minutes=15,
    chapter="layers",
    fails="test",
    hints=(
        "What does a table own? Who may run, and what may fail, when hash_func is called?",
        "Write one function that returns the bucket of a key, borrowed, or NULL; both methods "
        "begin with it. -5 has one as well.",
        "get walks its bucket from the end and compares: hold the pair while you compare, and begin again if you must.",
    ),
    explanation="You have written the talk's table: a struct, a hash function from Python, and nothing "
    "that leaks when it fails.",
    wrong=(
        Wrong(
            "the table, without a reference",
            "deficit|crash",
            "set returns the table itself. The caller will give that reference back: take one.",
            rust=(("        Py_NewRef(this)\n", "        this\n"),),
            pattern=r"(?m)^\s*this$",
        ),
        Wrong(
            "the hash stays",
            "surplus",
            "hash_func returned a new reference to an int. When its value is known, it has to be given back.",
            rust=(("        Py_DECREF(number);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(number\)))",
        ),
        Wrong(
            "a negative bucket",
            "crash|test|panic",
            "In C and Rust the remainder of a negative number is negative. There is no bucket -1.",
            rust=(("hash.rem_euclid(4)", "(hash % 4)"),),
            pattern=r"(hash % 4)",
        ),
        Wrong(
            "the function is not given back",
            "surplus",
            "The talk's second bug: each table took a reference to its hash function, and did not give it back.",
            rust=(("        Py_XDECREF((*this.cast::<Table>()).hash_func);\n", ""),),
            pattern=r"(?s)fn table_dealloc(?!.*(DECREF|CLEAR)\(.*hash_func)",
        ),
    ),
    notes="This is the talk in one exercise. Give it to those who are done early; it takes some of them an hour.",
)

BIG = 10**18


def test_set_and_get(module):
    """table.get(key) is what was set last"""
    table, value = module.Table(hash), Thing()
    assert table.set("a", 1).set("a", value) is table, "set returns something else"
    assert table.get("a") is value, "get returns something else"
    assert table.get("b") is None, "of a key that is not there get returns something"


def test_all_in_one_bucket(module):
    """Keys with the same hash are told apart"""
    table = module.Table(lambda key: BIG + 1)
    table.set("a", 1).set("b", 2)
    assert (table.get("a"), table.get("b")) == (1, 2), "they are mixed up"


def test_negative_hashes(module):
    """A hash may be negative"""
    table = module.Table(lambda key: key)
    for number in range(-BIG, -BIG + 9):
        table.set(number, number)
    assert all(table.get(number) == number for number in range(-BIG, -BIG + 9)), "something is not found"


def test_hash_func_fails(module):
    """What hash_func raises reaches the caller; no int is a TypeError"""
    with raises(ZeroDivisionError):
        module.Table(lambda key: 1 // 0).set("a", 1)
    with raises(TypeError):
        module.Table(lambda key: "x").get("a")
