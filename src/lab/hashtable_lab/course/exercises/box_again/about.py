"""__init__ may come twice."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="__init__ may come twice",
    task="Make `box_init` right for a box that is full already.",
    minutes=10,
    chapter="life",
    fails="test|surplus",
    hints=(
        "Nobody stops a program from calling `box.__init__(x)` again. What is in the field then?",
        "The old content has to be given back. What may run at that moment, and what does it see in the box?",
        "Remember the old one, put the new one in its place, and only then give the old one back. It may be NULL.",
    ),
    explanation=(
        "Overwriting a field means giving back what was in it, and last: giving back may run a __del__, "
        "which may look into the box."
    ),
    wrong=(
        Wrong(
            "given back first",
            "deficit|crash|panic|test|borrowed",
            "When the old one is given back, its __del__ may run, and it finds in the box the very "
            "object that is dying.",
            rust=(
                ("        Py_XDECREF(old);\n", ""),
                (
                    "        (*this.cast::<Box>()).content = Py",
                    "        Py_XDECREF(old);\n        (*this.cast::<Box>()).content = Py",
                ),
            ),
            c=(
                ("    Py_XDECREF(old);\n", ""),
                ("    ((Box *)self)->content = Py", "    Py_XDECREF(old);\n    ((Box *)self)->content = Py"),
            ),
            pattern=r"(?s)XDECREF\(old\);\s*\(",
        ),
        Wrong(
            "the first time is forgotten",
            "panic|crash",
            "The first time there is no old content: the field is NULL.",
            both=(("Py_XDECREF(old);", "Py_DECREF(old);"),),
            pattern=r"Py_DECREF\(old\)",
        ),
        Wrong(
            "the new one is not taken",
            "deficit",
            "The new content is borrowed from the arguments. A field that keeps it needs a reference of its own.",
            both=(("Py_NewRef(content)", "content"),),
            pattern=r"content = content",
        ),
        Wrong(
            "only the first time counts",
            "test",
            "`box.__init__(x)` has to put x in the box, also the second time.",
            rust=(
                (
                    "        (*this.cast::<Box>()).content = Py",
                    "        if !old.is_null() {\n            return 0;\n        }\n"
                    "        (*this.cast::<Box>()).content = Py",
                ),
            ),
            c=(
                ("    ((Box *)self)->content = Py", "    if (old)\n        return 0;\n    ((Box *)self)->content = Py"),
            ),
            pattern=r"(?s)(old\.is_null\(\) \{|\(old\))\s*return 0",
        ),
    ),
    notes="The order is that of Py_SETREF. Ask what `box.content = x` in Python does, step by step.",
)


def test_once(module):
    """Box(x).content is x"""
    thing = Thing()
    assert module.Box(thing).content is thing, "it is something else"


def test_twice(module):
    """box.__init__(y) puts y in the place of x"""
    box = module.Box(Thing())
    for _ in range(10):
        thing = Thing()
        box.__init__(thing)
        assert box.content is thing, "the new content is not in the box"


def test_the_old_one_looks_into_the_box(module):
    """When x goes, its __del__ finds y in the box"""
    seen = []

    class Curious:
        def __del__(self):
            seen.append(box.content)

    box = module.Box(Curious())
    thing = Thing()
    box.__init__(thing)
    assert seen == [thing], "it found something else"
