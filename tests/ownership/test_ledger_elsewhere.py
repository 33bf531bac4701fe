"""The ledger in an extension that has nothing to do with the table: src/ledger/example, which keeps it by one `use`.

The example is built twice. Without the ledger it is what its author wrote. With it, it behaves the same, each of its bugs is
named by its line, and nothing is said of what is right.
"""

from __future__ import annotations

import copy
import ctypes
import gc
import importlib.util
import platform
import re
import signal
import sys
import sysconfig
import weakref

import pytest

audit = pytest.importorskip("hashtable_lab.audit.ledger", reason="the laboratory is not installed")

WRONG = "src/ledger/example/wrong.rs"


# ---- building --------------------------------------------------------------------------------------------------------


def load(folder):
    (file,) = folder.glob("ledger_example*")
    spec = importlib.util.spec_from_file_location("ledger_example", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def plain(example):
    """The example as its author wrote it."""
    return load(example(""))


@pytest.fixture(scope="module")
def kept(example):
    """The example with a ledger."""
    module = load(example("ledger"))
    module.ledger_speak(False)
    return module


@pytest.fixture(params=["plain", "kept"])
def either(request):
    """The example, in both forms."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def opened(kept):
    """The example's ledger, for the time of the test."""
    with audit.ledger(kept) as ledger:
        yield ledger


def line_of(source, bug):
    """The line that is marked with the name of a bug."""
    lines = (source / WRONG).read_text(encoding="utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, start=1) if line.endswith(f"// BUG {bug}"))
    return number


class Thing:
    """Something mortal, to be given to the example; it can be referred to weakly, and looked at."""

    def __init__(self, name="thing"):
        self.name = name

    def __repr__(self):
        return f"Thing({self.name!r})"


# ---- what is right ---------------------------------------------------------------------------------------------------


def use_functions(module):
    thing = Thing()
    assert module.echo(thing) is thing
    assert module.echo(None) is None
    assert module.nothing() is None
    assert module.pack(thing, 2) == (thing, 2)
    assert module.total(1, 2.5, 1000) == 1003.5
    assert module.total() == 0
    # It may return what it was given, and what is always there.
    assert module.call(lambda x: x, thing) is thing
    assert module.call(lambda x: None, thing) == 0
    assert module.call(lambda x: True, True) is True
    assert module.call(lambda x: 7, 7) == 7
    assert module.boxed(thing) == (thing,)
    assert module.built(thing) == [thing, 1000]
    assert module.first([thing]) is thing
    assert module.careful([1, 2]) == 2
    assert module.reused(thing) == (thing, 123_458)


def use_errors(module):
    with pytest.raises(TypeError):
        module.pack(1)
    with pytest.raises(TypeError):
        module.total(1, "a", 2)
    with pytest.raises(ZeroDivisionError):
        module.call(lambda x: 1 / 0, 1)
    with pytest.raises(IndexError):
        module.call()
    with pytest.raises(IndexError):
        module.first([])
    with pytest.raises(TypeError):
        module.careful(3)
    with pytest.raises(TypeError):
        module.Pair(first=1)
    with pytest.raises(TypeError):
        module.Pair(1, 2, 3)
    pair = module.Pair()
    with pytest.raises(TypeError):
        del pair.first
    with pytest.raises(IndexError):
        module.Box()


def use_state(module):
    assert module.remembered() is None
    thing, other = Thing(), Thing()
    module.remember(thing)
    module.remember(thing)
    assert module.remembered() is thing
    module.remember(other)
    assert module.remembered() is other
    assert module.forget() is other
    assert module.forget() is None
    module.remember(None)
    module.remember(7)
    assert module.forget() == 7
    last = weakref.ref(thing)
    del thing
    assert last() is None


def use_pairs(module):
    thing, other = Thing("one"), Thing("other")
    pair = module.Pair(thing, other)
    assert list(pair) == [thing, other]
    pair.__init__(other, thing)
    assert list(pair) == [other, thing]
    pair.__init__(thing, thing)
    pair.__init__(other, other)
    pair.__init__()
    pair.__init__(thing, other)
    assert list(pair.swapped().swapped().swapped()) == [other, thing]
    pair.first = Thing("new")
    pair.first = pair.first
    assert pair.first.name == "new"
    pair.__init__(1, 2)
    pair.first = other
    last = weakref.ref(thing)
    del pair, thing
    assert last() is None
    assert list(module.Pair()) == [None, None]


def use_subclasses(module):
    class Sub(module.Pair):
        def __init__(self, *things):
            super().__init__(*things)
            super().__init__(*things)
            self.more = list(things)

    class Slotted(module.Pair):
        __slots__ = ("slot",)

    thing = Thing()
    last = weakref.ref(thing)
    sub, slotted = Sub(thing, 2), Slotted(thing, 3)
    sub.first, slotted.slot = slotted, thing
    assert list(copy.copy([sub, slotted])) == [sub, slotted]
    del thing, sub, slotted
    gc.collect()
    assert last() is None

    class SubBox(module.Box):
        pass

    box = SubBox(Thing())
    box.__init__(Thing())
    assert box().name == "thing"
    with pytest.raises(LookupError):
        box()


def use_collector(module):
    things = [Thing() for _ in range(50)]
    last = [weakref.ref(thing) for thing in things]
    for thing in things:
        # A cycle, through both fields.
        pair = module.Pair(thing, None)
        pair.first = module.Pair(pair, thing)
        thing.pair = pair
    del things, thing, pair
    gc.collect()
    assert not any(reference() for reference in last)


def use_boxes(module):
    thing = Thing()
    last = weakref.ref(thing)
    box = module.Box(thing)
    box.__init__(thing)
    box.__init__([thing])
    box.__init__(thing)
    assert box() is thing
    with pytest.raises(LookupError):
        box()
    box.__init__(thing)
    del box, thing
    assert last() is None


def use_what_is_rare(module):
    thing = Thing()
    odd = module.Odd()
    assert odd.anything == "anything"
    assert odd.held(thing) == (module.Odd, thing)
    with pytest.raises(TypeError):
        odd.held()
    assert bytes(memoryview(odd)) == b"odd"
    with pytest.raises(TypeError):
        memoryview(odd)[0] = 1  # it is read-only

    async def wait():
        return await odd

    with pytest.raises(StopIteration):
        wait().send(None)


RIGHT = [use_functions, use_errors, use_state, use_pairs, use_subclasses, use_collector, use_boxes, use_what_is_rare]


@pytest.mark.parametrize("use", RIGHT)
def test_it_does_what_it_is_to_do_with_and_without(either, use):
    use(either)


@pytest.mark.parametrize("use", RIGHT)
def test_nothing_is_said_of_what_is_right(kept, opened, use):
    for _ in range(3):
        use(kept)
    gc.collect()
    assert [str(finding) for finding in opened.open] == []
    assert opened.events


@pytest.mark.skipif(sys.version_info < (3, 15), reason="CPython asks a file for slots from 3.15 on")
def test_the_example_is_made_of_slots_and_judged(kept):
    """So on 3.15 all tests here are of such a module."""
    file = ctypes.PyDLL(kept.__file__)
    assert hasattr(file, "PyModExport_ledger_example") and not hasattr(file, "PyInit_ledger_example")
    kept.nothing()
    judged = dict(kept.ledger_judged())
    assert judged["exec"] == 1 and judged["nothing"] > 0


def test_without_the_ledger_there_is_nothing_of_it(plain, kept):
    def names(module):
        return {name for name in dir(module) if not name.startswith("__")}

    assert not audit.has_a_ledger(plain)
    assert {name for name in names(kept) - names(plain) if not name.startswith("ledger_")} == set()
    assert names(plain) <= names(kept)


# ---- what is wrong ---------------------------------------------------------------------------------------------------


def spare(thing):
    """A reference that nobody owns, for a bug to give away: so it does no harm. Returns the thing."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))
    return thing


def return_item(module):
    thing = spare(Thing())
    assert module.return_item(thing) is thing


def steal(module, name):
    getattr(module, name)(spare(Thing()))


def leak_on_error(module):
    with pytest.raises(TypeError):
        module.leak_on_error(3)


def overwrite(module):
    pair = module.Pair(Thing(), None)
    module.overwrite(pair, Thing())
    module.overwrite(pair, 3)


#: For each bug: the kind of finding, a part of what is said, and a program that meets it once and survives it.
BUGS = {
    "leak_new": ("surplus", "never given back", lambda module: module.leak_new()),
    "leak_incref": ("surplus", "never given back", lambda module: module.leak_incref(Thing())),
    "leak_none": ("surplus", "never given back", lambda module: module.leak_none()),
    "leak_on_error": ("surplus", "never given back", leak_on_error),
    "return_item": ("deficit", "borrowed here, and returned", return_item),
    "decref_argument": ("deficit", "given back without", lambda module: steal(module, "decref_argument")),
    "decref_stolen": ("deficit", "given back without", lambda module: steal(module, "decref_stolen")),
    "steal_argument": ("deficit", "to a call that steals it", lambda module: steal(module, "steal_argument")),
    "borrow_across_call": ("borrowed", "PyObject_Repr", lambda module: module.borrow_across_call([Thing()])),
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_is_named_by_its_line(source, kept, opened, bug):
    kind, said, meet = BUGS[bug]
    meet(kept)
    (finding,) = opened.open
    assert (finding.kind, finding.file, finding.line) == (kind, WRONG, line_of(source, bug))
    assert said in finding.what
    assert finding.function == bug
    assert finding.times == 1


def test_a_line_is_named_as_often_as_it_happens(kept, opened):
    for _ in range(5):
        kept.leak_incref(opened)
    (finding,) = opened.open
    assert (finding.times, finding.type) == (5, "Ledger")


def test_the_right_calls_of_a_wrong_function_are_balanced(kept, opened):
    assert kept.leak_on_error([1]) == []
    assert opened.balanced


def test_where_no_call_is_made_the_function_is_named(kept, opened):
    thing = spare(Thing())
    assert kept.return_argument(thing) is thing
    (finding,) = opened.open
    assert (finding.kind, finding.line, finding.place) == ("deficit", 0, "return_argument")


def test_what_a_field_held_is_named_by_the_line_that_stored_it(source, kept, opened):
    overwrite(kept)
    both = opened.open
    assert [finding.kind for finding in both] == ["surplus", "surplus"]
    line = line_of(source, "overwrite")
    assert all(f"overwritten at {WRONG}:{line}" in finding.what for finding in both)
    # First what `Pair()` stored, then what the bug itself did.
    assert both[0].file == "src/ledger/example/right.rs"
    assert (both[1].file, both[1].line) == (WRONG, line)


def test_what_a_dealloc_forgets_is_named_by_the_line_that_stored_it(source, kept, opened):
    kept.LeakyBox(Thing())
    (finding,) = opened.open
    assert finding.kind == "surplus"
    assert "freed without giving it back" in finding.what
    line = (source / finding.file).read_text(encoding="utf-8").splitlines()[finding.line - 1]
    assert "content = Py_NewRef(content)" in line


@pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="a debug build of Python stops at such a result")
def test_an_exception_that_is_left_is_named_by_the_function(either, kept, opened):
    with pytest.raises(SystemError):
        either.exception_left()
    found = [(finding.kind, finding.place, finding.type) for finding in opened.open]
    assert found == ([("exception", "exception_left", "ValueError")] if either is kept else [])


TWICE = """
import sys
import ledger_example
ledger_example.ledger_log(sys.argv[1])
getattr(ledger_example, sys.argv[2])()
import os
os._exit(0)
"""


@pytest.mark.parametrize("bug", ["decref_twice", "decref_unmapped"])
def test_a_deficit_is_reported_before_the_interpreter_suffers(source, example, child, tmp_path, bug):
    """Whatever comes of it: it has been said before, on standard error and in the log."""
    ending = child("-c", TWICE, str(tmp_path / "log"), bug, folder=example("ledger"))
    place = f"{WRONG}:{line_of(source, bug)}"
    assert f"refcount ledger: {place}: in {bug}: " in ending.stderr
    # (The allocator of a free-threaded build keeps the memory of what is gone for a while.)
    if bug == "decref_unmapped" and sys.platform == "linux" and not sysconfig.get_config_var("Py_GIL_DISABLED"):
        assert ending.returncode == -signal.SIGSEGV  # so that it is known that the report had no memory to look at
    assert "no longer alive>: given back without being owned" in ending.stderr
    (line,) = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert line.split("\x1f")[:5] == ["finding", "deficit", "given back without being owned", *place.split(":")]


#: Before the rest, it lets the system answer some calls by an error, or end the process that makes one. Each is a number, and what
#: its first argument is, or None if that is the same.
FILTERED = """
import ctypes
calls, answer = {calls!r}, {answer:#x}
program = []
for number, first in calls:
    program += [(0x20, 0, 0, 0), (0x15, 0, 1 if first is None else 3, number)]
    if first is not None:
        program += [(0x20, 0, 0, 16), (0x15, 0, 1, first)]
    program.append((0x06, 0, 0, answer))
program.append((0x06, 0, 0, 0x7fff0000))
class Instruction(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32)]
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("first", ctypes.POINTER(Instruction))]
code = (Instruction * len(program))(*(Instruction(*it) for it in program))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
if libc.prctl(22, 2, ctypes.byref(Program(len(program), code)), 0, 0) != 0:
    raise SystemExit("no filter")
"""
#: What the ledger asks the system about memory: rt_sigprocmask with an order that there is not, and process_vm_readv.
PROBE, READING = (14, 0xFFFFFFFF), (310, None)
NOT_PERMITTED, KILLED = 0x00050001, 0x80000000

on_this_system = pytest.mark.skipif(
    not (sys.platform == "linux" and platform.machine() == "x86_64")
    or bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="memory is asked about in another way",
)


@pytest.fixture
def filtered(example, child, tmp_path):
    """Runs a bug of the example where the system answers some calls otherwise; gives what became of it."""

    def run(bug, calls, answer):
        code = FILTERED.format(calls=calls, answer=answer) + TWICE
        ending = child("-c", code, str(tmp_path / "log"), bug, folder=example("ledger"))
        if ending.stderr.strip() == "no filter":
            pytest.skip("the system lets nobody filter its calls here")
        return ending

    return run


@on_this_system
@pytest.mark.parametrize("bug", ["decref_twice", "decref_unmapped"])
@pytest.mark.parametrize("refused", [[PROBE], [PROBE, READING]], ids=["the probe", "both"])
def test_a_deficit_is_reported_where_the_system_answers_no_question(filtered, bug, refused):
    """A container often forbids them. Then a pipe must do."""
    assert "no longer alive>: given back without being owned" in filtered(bug, refused, NOT_PERMITTED).stderr


@on_this_system
def test_memory_is_asked_about_in_the_way_that_is_answered_soonest(filtered):
    """The other one is not used as long as that is answered; and who makes that call is ended, so it was made."""
    assert "no longer alive>: given back" in filtered("decref_unmapped", [READING], KILLED).stderr
    ending = filtered("decref_unmapped", [PROBE], KILLED)
    assert (ending.returncode, "given back" in ending.stderr) == (-signal.SIGSYS, False)


UNHEARD = """
import ctypes, os, ledger_example
os.close(2)
thing = object()
ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))  # for the bug to give away
ledger_example.decref_argument(thing)
print(len(ledger_example.ledger_findings(0)))
"""


def test_nobody_listens(example, child):
    """A report that cannot be written is no reason to stop."""
    ending = child("-c", UNHEARD, folder=example("ledger"))
    assert (ending.returncode, ending.stdout) == (0, "1\n")


# ---- one use ---------------------------------------------------------------------------------------------------------


def test_one_use_decides(source):
    """Nothing in the example names the ledger but that line."""
    files = sorted((source / "src" / "ledger" / "example").glob("*.rs"))
    code = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    named = [line for line in code if re.search(r"ledger(?!_example)", line.partition("//")[0])]
    assert named == [
        '#[cfg(not(feature = "ledger"))]',
        '#[cfg(feature = "ledger")]',
        "use refcount_ledger::ffi as api;",
    ]
    assert not any("pyo3_ffi" in line for line in code if not line.startswith(("//", "use pyo3_ffi as api;")))
