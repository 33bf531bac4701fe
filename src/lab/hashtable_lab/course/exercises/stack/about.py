"""A type from an empty file: a stack."""

import gc
import weakref

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, raises

EXERCISE = Exercise(
    title="From an empty file: a stack",
    task="Write the type `Stack`: push(x), pop(), which raises IndexError when it is empty, and "
    "len(). It may be part of a cycle.",
    minutes=15,
    chapter="life",
    fails="test",
    hints=(
        "What does a stack own? A list inside does most of the work: who makes it, and who gives it back?",
        "Make the list in tp_new. What can be part of a cycle needs traverse, clear, and the flag Py_TPFLAGS_HAVE_GC.",
        "pop: borrow the last item, take a reference, delete the last place, return the reference.",
    ),
    explanation="A type is a struct, a table of slots, and the care that each slot takes. Everything "
    "else is your own code.",
    wrong=(
        Wrong(
            "pop keeps a reference",
            "surplus|test",
            "What pop returns belongs to the caller. One reference more stays behind.",
            rust=(
                (
                    '        item\n    }\n}\n\nunsafe extern "C" fn stack_length',
                    '        Py_XNewRef(item)\n    }\n}\n\nunsafe extern "C" fn stack_length',
                ),
            ),
            pattern=r"(?s)fn stack_pop.*(NewRef|INCREF)\(.*(NewRef|INCREF)\(item\)",
        ),
        Wrong(
            "the list stays",
            "surplus",
            "The stack owns its list. When the stack goes, somebody has to give the list back.",
            rust=(("        Py_XDECREF((*this.cast::<Stack>()).items);\n", ""),),
            pattern=r"(?s)fn stack_dealloc(?!.*(DECREF|CLEAR|clear).*SEQUENCE)",
        ),
        Wrong(
            "push takes one, too",
            "surplus|test",
            "PyList_Append takes a reference of its own. Yours is still there.",
            rust=(
                (
                    "PyList_Append((*this.cast::<Stack>()).items, x)",
                    "PyList_Append((*this.cast::<Stack>()).items, Py_NewRef(x))",
                ),
            ),
            pattern=r"Append\(.*NewRef",
        ),
        Wrong(
            "the collector is not told",
            "test",
            "A stack that holds itself is never collected: traverse does not visit the list.",
            rust=(
                (
                    "        visit((*this.cast::<Stack>()).items, argument)\n",
                    "        let _ = (this, visit, argument);\n        0\n",
                ),
            ),
            error="cycle is still there",
        ),
    ),
    notes="Let them write one slot at a time, and check each time: the messages lead the way.",
)


def test_push_and_pop(module):
    """What was pushed last is popped first"""
    stack, things = module.Stack(), [Thing(), Thing()]
    for thing in things:
        stack.push(thing)
    assert len(stack) == 2, "its length is not 2"
    assert stack.pop() is things[1] and stack.pop() is things[0], "something else comes out"


def test_an_empty_stack(module):
    """Stack().pop() raises IndexError"""
    with raises(IndexError):
        module.Stack().pop()


def test_the_rest_goes_with_it(module):
    """What is still in it goes with the stack"""
    stack = module.Stack()
    stack.push(Thing())
    gone = weakref.ref(stack.pop())
    assert gone() is None, "what was popped is still there"


def test_a_cycle(module):
    """A stack that holds itself is collected"""
    stack, witness = module.Stack(), Thing()
    stack.push(stack)
    stack.push(witness)
    gone = weakref.ref(witness)
    del stack, witness
    gc.collect()
    assert gone() is None, "the cycle is still there after gc.collect()"
