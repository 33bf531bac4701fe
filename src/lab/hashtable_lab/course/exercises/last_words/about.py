"""Python code in a dealloc."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="Last words",
    task="Make `closer_dealloc` leave the exception that is on its way as it was.",
    minutes=12,
    chapter="reentrancy",
    fails="test|exception|crash",
    hints=(
        "When may an object die? Think of what goes while an exception is on its way up.",
        "dealloc may be called while an exception is set. It has to be set, and the same one, afterwards.",
        "Put the exception aside before Python code runs, and back after. If the callback "
        "raises, PyErr_WriteUnraisable.",
    ),
    explanation="A dealloc cannot fail and must not disturb: it puts the exception aside, runs what it "
    "has to, and puts it back.",
    wrong=(
        Wrong(
            "what the callback raises goes up",
            "test|exception|crash",
            "A dealloc has nobody to raise to. Who called Py_DECREF does not look for an exception.",
            rust=(
                ("            PyErr_WriteUnraisable((*closer).callback);\n", ""),
                (
                    "        PyErr_Restore(kind, value, trace);\n",
                    "        if PyErr_Occurred().is_null() {\n            PyErr_Restore(kind, value, "
                    "trace);\n        }\n",
                ),
            ),
            pattern=r"^(?!(?s:.*WriteUnraisable))",
        ),
        Wrong(
            "the exception on its way is cleared",
            "test|exception|crash|swallowed",
            "The exception belongs to somebody further up. Who clears it makes an error vanish.",
            rust=(("        PyErr_Fetch(&mut kind, &mut value, &mut trace);\n", "        PyErr_Clear();\n"),),
            pattern=r"PyErr_Clear",
        ),
        Wrong(
            "the callback is given back first",
            "crash|panic|deficit|test",
            "The callback is given back, and then it is called. Give back last.",
            rust=(
                ("        Py_DECREF((*closer).callback);\n        free", "        free"),
                ("        let result = ", "        Py_DECREF((*closer).callback);\n        let result = "),
            ),
            pattern=r"(?s)DECREF\(\(\*closer\)\.callback\);\s*let result",
        ),
        Wrong(
            "the result is forgotten",
            "surplus",
            "The callback returns something, if only None: give it back.",
            rust=(("        Py_XDECREF(result);\n", ""),),
            pattern=r"^(?!(?s:.*DECREF\(result\)))",
        ),
    ),
    notes="`[Closer(f), 1 // 0]` is the smallest case. Ask in which line of the interpreter the closer dies.",
    faults=False,
)


def test_the_callback_is_called(module):
    """When a closer goes, its callback is called"""
    called = []
    closer = module.Closer(lambda: called.append(1))
    del closer
    assert called == [1], "the callback was not called once"


def test_an_exception_is_on_its_way(module):
    """An exception that is on its way arrives, whatever the callback does"""
    called = []

    def callback():
        try:
            {}["nothing"]
        except KeyError:
            called.append(1)

    try:
        [module.Closer(callback), 1 // len("")]
    except ZeroDivisionError:
        pass
    assert called == [1], "the callback was not called once"


def test_the_callback_raises(module):
    """What the callback raises reaches nobody, but sys.unraisablehook"""
    import sys

    seen, hook = [], sys.unraisablehook
    sys.unraisablehook = lambda what: seen.append(what.exc_type)
    try:
        thing = Thing()
        closer = module.Closer(lambda: {}["nothing"])
        closer = thing
        assert closer is thing
    finally:
        sys.unraisablehook = hook
    assert seen == [KeyError], "sys.unraisablehook did not hear of it"
