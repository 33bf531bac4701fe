"""Weak references outlive what they refer to."""

import weakref

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing

EXERCISE = Exercise(
    title="A watched object says goodbye",
    task="Make `node_dealloc` tell the weak references that the node is gone.",
    minutes=10,
    chapter="life",
    fails="crash|test|panic|deficit",
    hints=(
        "A weak reference holds an address and no count. How does it learn that nobody lives there any more?",
        "The type says by tp_weaklistoffset where in each object the list of its weak references "
        "is. Who empties that list?",
        "Before anything else in dealloc call PyObject_ClearWeakRefs, if there is a list at all.",
    ),
    explanation=(
        "A type that can be watched clears its weak references first thing in tp_dealloc: their "
        "callbacks may run, and must find "
        "the object dead and not half gone. The list is CPython's: it is neither counted nor given back."
    ),
    wrong=(
        Wrong(
            "told after the memory is gone",
            "crash|panic|test",
            "The list is in the node. After the memory is given back there is no list to read.",
            rust=(
                (
                    "        if !(*node).watchers.is_null() {\n            PyObject_ClearWeakRefs(this);\n        }\n",
                    "",
                ),
                (
                    "        free(this);\n",
                    "        free(this);\n        if !(*node).watchers.is_null() {\n            "
                    "PyObject_ClearWeakRefs(this);\n        }\n",
                ),
            ),
            c=(
                ("    if (node->watchers)\n        PyObject_ClearWeakRefs(self);\n", ""),
                (
                    "tp_free(self);\n",
                    "tp_free(self);\n    if (node->watchers)\n        PyObject_ClearWeakRefs(self);\n",
                ),
            ),
            pattern=r"(?s)free\((this|self)\);.*ClearWeakRefs",
        ),
        Wrong(
            "the list is given back",
            "deficit|crash|test|panic",
            "The weak references own the node's attention, and not the other way round: the list is not counted.",
            rust=(("            PyObject_ClearWeakRefs(this);\n", "            Py_DECREF((*node).watchers);\n"),),
            c=(("        PyObject_ClearWeakRefs(self);\n", "        Py_DECREF(node->watchers);\n"),),
            pattern=r"DECREF\(.*watchers\)",
        ),
        Wrong(
            "the list is forgotten",
            "crash|test|panic",
            "Setting the field to NULL hides the list from you. The weak references still hold the address.",
            rust=(("            PyObject_ClearWeakRefs(this);\n", "            (*node).watchers = null_mut();\n"),),
            c=(("        PyObject_ClearWeakRefs(self);\n", "        node->watchers = NULL;\n"),),
            pattern=r"watchers = ",
        ),
    ),
    notes="Ask what the callback of a weak reference may do, and why it has to find the object dead already.",
)


def test_a_watched_node_goes(module):
    """weakref.ref(node)() is None once the node is gone"""
    node = module.Node(Thing())
    watcher = weakref.ref(node)
    assert watcher() is node, "the weak reference does not lead to the node"
    del node
    assert watcher() is None, "the weak reference still leads somewhere"


def test_the_callback_is_called(module):
    """The callback of a weak reference is called once"""
    called = []
    node = module.Node(Thing())
    watcher = weakref.ref(node, called.append)
    del node
    assert called == [watcher], "the callback was not called once"


def test_nobody_watches(module):
    """A node that nobody watches goes as well"""
    module.Node(Thing())
