"""The same length is not the same content."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="The same length is not the same content",
    task="Make `bag.each(f)` raise RuntimeError whenever f has changed the bag.",
    minutes=10,
    chapter="reentrancy",
    fails="test",
    hints=(
        "Which changes does the guard in `bag_each` see, and which not?",
        "f may put one thing in and take one out. The number is the same afterwards; the bag is not.",
        "Count the changes, in `bag_put` and in `bag_take`, in a number that never goes down, and compare that.",
    ),
    explanation=(
        "A length comes back to what it was. A version does not: it is raised by each change, "
        "never derived, never lowered. "
        "The hash table of this book is guarded in this way."
    ),
    wrong=(
        Wrong(
            "only what comes in is counted",
            "test",
            "Taking something out is a change, too.",
            rust=(("        (*bag).used -= 1;\n        (*bag).version += 1;\n", "        (*bag).used -= 1;\n"),),
            pattern=r"(?s)^(?!.*version \+= 1.*version \+= 1)(?!.*version -= 1)",
        ),
        Wrong(
            "the version goes back",
            "test",
            "A version that goes down comes back to a value that somebody has remembered. It may only rise.",
            rust=(
                (
                    "        (*bag).used -= 1;\n        (*bag).version += 1;\n",
                    "        (*bag).used -= 1;\n        (*bag).version -= 1;\n",
                ),
            ),
            pattern=r"version -= 1",
        ),
        Wrong(
            "looked at before the call",
            "test",
            "Before the call nothing has happened yet. It is f that may change the bag.",
            rust=(
                (
                    "            if (*bag).version != version {\n                PyErr_SetString(PyExc_RuntimeError, "
                    'c"the bag was changed".as_ptr());\n                return null_mut();\n            }\n',
                    "",
                ),
                (
                    "            let item = ",
                    "            if (*bag).version != version {\n                return null_mut();\n"
                    "            }\n            let item = ",
                ),
            ),
            pattern=r"(?s)version != version.*CallOneArg",
        ),
        Wrong(
            "an unwrap",
            "panic",
            "A panic would end the process. An exception tells the caller, who may know what to do.",
            rust=(
                (
                    '                PyErr_SetString(PyExc_RuntimeError, c"the bag was changed".as_ptr());\n'
                    "                return null_mut();",
                    '                panic!("the bag was changed");',
                ),
            ),
            pattern=r"panic!|unwrap|assert",
        ),
    ),
    notes="mruby and others shipped the guard on the length. Ask for a second pair of changes that it does not see.",
    functions=("each", "put", "take"),
)


def test_an_innocent_f(module):
    """bag.each(f) calls f with each thing"""
    bag, things, seen = module.Bag(), [Thing(), Thing()], []
    for thing in things:
        bag.put(thing)
    bag.each(seen.append)
    assert seen == things, "f was called with something else"


def test_one_more(module):
    """bag.each(f) raises RuntimeError when f puts something in"""
    bag = module.Bag()
    bag.put(Thing())
    with raises(RuntimeError):
        bag.each(lambda thing: bag.put(Thing()))


def test_one_less(module):
    """bag.each(f) raises RuntimeError when f takes something out"""
    bag = module.Bag()
    bag.put(Thing())
    with raises(RuntimeError):
        bag.each(lambda thing: bag.take())


def test_one_in_one_out(module):
    """bag.each(f) raises RuntimeError when f takes one thing out and puts another in"""
    bag = module.Bag()
    bag.put(Thing())
    with raises(RuntimeError, "f changed the bag, and nobody noticed"):
        bag.each(lambda thing: (bag.take(), bag.put(Thing())))
