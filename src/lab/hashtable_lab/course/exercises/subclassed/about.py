"""A subclass brings memory of its own."""

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, without_faults

EXERCISE = Exercise(
    title="A subclass brings memory of its own",
    task="Make `box_dealloc` give the memory back in the way in which the object's own type wants it.",
    minutes=10,
    chapter="life",
    fails="crash|panic",
    hints=(
        "Which type has an object of a subclass that was written in Python, and what is in its "
        "memory before the struct?",
        "A subclass has a dict, and is watched by the garbage collector: its objects have a "
        "header in front. Who knows that?",
        "Not the function but the object's type says how its memory goes: ask the type of `self` for `tp_free`.",
    ),
    explanation=(
        "A dealloc may run for an object of a subclass. Its memory was taken as the subclass "
        "wanted it, so it goes by tp_free of "
        "the object's own type."
    ),
    wrong=(
        Wrong(
            "by the base's own type",
            "crash|panic",
            "The type that you wrote is only the base. The object in hand may be of a subclass, with another tp_free.",
            rust=(
                (
                    "        let class = Py_TYPE(this);\n",
                    "        let class = &raw mut BOX;\n",
                ),
            ),
            c=(
                ("Py_TYPE(self)->tp_free(self)", "Box_Type.tp_free(self)"),
                (
                    "/* The last reference to the box is gone. */\n",
                    "static PyTypeObject Box_Type;\n\n/* It is gone. */\n",
                ),
            ),
            pattern=r"raw mut BOX;|Box_Type\.tp_free|Box_Type;|tp_free = |PyObject_Free",
        ),
        Wrong(
            "always as for the garbage collector",
            "crash|panic",
            "Objects of a subclass have the collector's header in front of them; those of the base have none.",
            rust=(
                (
                    '        ((*class).tp_free.expect("the type is ready"))(this.cast());\n',
                    "        let _ = class;\n        PyObject_GC_Del(this.cast());\n",
                ),
            ),
            c=(("Py_TYPE(self)->tp_free(self)", "PyObject_GC_Del(self)"),),
            pattern=r"PyObject_GC_Del",
        ),
        Wrong(
            "not given back at all",
            "surplus|unjudged|test",
            "Nothing crashes if no memory is ever given back. A process that makes boxes all day then grows all day.",
            rust=(
                (
                    "        Py_XDECREF((*this.cast::<Box>()).content);\n        let class = Py_TYPE(this);\n"
                    '        ((*class).tp_free.expect("the type is ready"))(this.cast());\n',
                    "        let _ = Py_TYPE(this);\n",
                ),
            ),
            c=(("    Py_XDECREF(((Box *)self)->content);\n    Py_TYPE(self)->tp_free(self);\n", ""),),
            pattern=r"^(?!(?s:.*(tp_free|_Del|free\()))",
        ),
    ),
    notes="Let people print Box.__basicsize__ and that of a subclass, and ask where the difference lies.",
)


def test_a_box(module):
    """Boxes come and go"""
    for _ in range(10):
        assert type(module.Box(Thing()).content) is Thing, "it is something else"


def test_a_subclass(module):
    """Objects of a subclass come and go"""

    class Labelled(module.Box):
        pass

    for number in range(10):
        box = Labelled(Thing())
        box.label = number
        assert type(box.content) is Thing, "it is something else"
        del box


@without_faults
def test_memory_is_given_back(module):
    """A thousand boxes that are gone leave no memory behind"""
    import tracemalloc

    module.Box(1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(1000):
        module.Box(1)
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 10000, "a thousand boxes that are gone left memory behind"
