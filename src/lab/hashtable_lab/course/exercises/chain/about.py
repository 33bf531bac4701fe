"""A type from an empty file: a linked list."""

import threading

from hashtable_lab.course.exercise import Exercise, Wrong
from hashtable_lab.course.things import Thing, without_faults

EXERCISE = Exercise(
    title="From an empty file: a linked list",
    task="Write the type `Link(value, next)`, with .value and .next, such that a chain of 5 000 links can go at once.",
    minutes=15,
    chapter="slots",
    fails="test",
    hints=(
        "What does the dealloc of a link do to the next one? How deep does that go?",
        "Giving back the next link may free it, in a call in a call in a call. The stack ends "
        "somewhere. A loop does not.",
        "In dealloc: while nobody else owns the next link, take its next out of it before you give it back.",
    ),
    explanation=(
        "To give back a chain is recursion, unless somebody makes a loop of it. CPython's own containers "
        "use the trashcan for that; "
        "a type of one's own can walk."
    ),
    wrong=(
        Wrong(
            "recursion",
            "crash",
            "Each dealloc calls the next one, 5 000 deep. The stack is not that deep.",
            rust=(
                (
                    "        while !next.is_null() && Py_REFCNT(next) == 1 && Py_TYPE(next) == &raw mut LINK {\n"
                    "            let after = take_next(next);\n            Py_DECREF(next);\n"
                    "            next = after;\n        }\n",
                    "",
                ),
                ("        let mut next =", "        let next ="),
            ),
            pattern=r"^(?!(?s:.*(while|loop|for )))",
        ),
        Wrong(
            "the value stays",
            "surplus",
            "A link owns its value as well as the next link.",
            rust=(("        Py_XDECREF((*this.cast::<Link>()).value);\n", ""),),
            pattern=r"^(?!(?s:.*(DECREF|CLEAR)\([^\n]*value))",
        ),
        Wrong(
            "only the first is given back",
            "surplus",
            "The chain is walked, and nothing of it is given back.",
            rust=(("            Py_DECREF(next);\n            next = after;\n", "            next = after;\n"),),
            pattern=r"(?s)while(?!.*DECREF\(next\);\s*next)",
        ),
        Wrong(
            "a chain that somebody else holds",
            "test|deficit|crash",
            "The next link may have other owners. What they hold may not be taken apart.",
            rust=((" && Py_REFCNT(next) == 1", ""),),
            pattern=r"^(?!(?s:.*REFCNT))",
        ),
    ),
    notes="Ask what happens with a Python list in a list in a list, 5 000 deep, and who takes care of it.",
)


def test_a_link(module):
    """Link(value, next) has both"""
    value, last = Thing(), module.Link(1, None)
    link = module.Link(value, last)
    assert link.value is value and link.next is last and last.next is None, "they are something else"


def test_a_shared_chain(module):
    """What somebody else holds stays whole"""
    end = module.Link(Thing(), None)
    tail = module.Link(Thing(), end)
    head = module.Link(Thing(), tail)
    del head
    assert tail.next is end, "the rest of the chain came apart"


@without_faults
def test_a_long_chain(module):
    """A chain of 5 000 links can go at once, on a small stack"""
    chain = None
    for number in range(5_000):
        chain = module.Link(number + 10**10, chain)
    held = [chain]
    del chain
    before = threading.stack_size(256 * 1024)
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    threading.stack_size(before)
