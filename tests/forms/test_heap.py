"""The forms with heap types, in interpreters with a GIL of their own: two at once, each with its own types and its own state.

The module under test is the one that HASHTABLE_MODULE names, as everywhere: `make forms` builds it and runs these. With the classic
form they are skipped, since that is refused there (tests/behaviour/test_interpreters.py). Each test is a program in a child.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import sysconfig
import textwrap
import weakref

import pytest
import subject

pytestmark = pytest.mark.skipif(
    not subject.NAME.startswith(("hashtable_heap", "hashtable_abi3")), reason="the classic form has static types"
)
own_gil = pytest.mark.skipif(sys.version_info < (3, 12), reason="before 3.12 all interpreters share one GIL")

PRELUDE = """
import sys, threading, time

if sys.version_info >= (3, 13):
    import _interpreters

    def make():
        return _interpreters.create("isolated")

    def run(interpreter, code):
        failure = _interpreters.exec(interpreter, code)
        if failure is not None:
            raise RuntimeError(failure.formatted)
else:
    import _xxsubinterpreters as _interpreters

    def make():
        return _interpreters.create(isolated=True)

    run = _interpreters.run_string
end = _interpreters.destroy

def at_once(*codes):
    '''Runs each in an interpreter and a thread of its own; all begin together. Returns what went wrong.'''
    failures, ready = [], threading.Barrier(len(codes))
    def work(code):
        interpreter = make()
        try:
            ready.wait()
            run(interpreter, code)
        except Exception as failure:
            failures.append(str(failure))
        finally:
            end(interpreter)
    threads = [threading.Thread(target=work, args=(code,)) for code in codes]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return failures

WORK = '''
import NAME as m, builtins, collections.abc, copy, gc, pickle
if hasattr(m, "announce"):
    m.announce(False)
for turn in range(TURNS):
    h = m.HashTable(1, 1.0)
    for number in range(100):
        h[number] = str(number)
    assert h.hash_func is builtins.hash
    assert list(h.items())[-1] == (99, "99") and isinstance(h, collections.abc.MutableMapping)
    assert pickle.loads(pickle.dumps(h)) == h == copy.copy(h) and h | {} == h
    class Sub(m.HashTable):
        pass
    sub = Sub()
    sub.update(h)
    assert len(sub) == 100 and type(sub.copy()) is m.HashTable
    h["me"], sub["me"], sub["keys"] = h, sub, iter(sub.keys())
    nested = m.HashTable()
    for _ in range(300):
        nested = m.HashTable().set("inside", nested)
    del nested, sub, Sub
    if turn % 10 == 0:
        gc.collect()
'''
"""


def interpreters(program, turns=20):
    """Runs a program in a child, with what is above before it. Returns how it ended."""
    code = (PRELUDE + textwrap.dedent(program)).replace("NAME", subject.NAME).replace("TURNS", str(turns))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)


def check(program):
    """It ends well, and says nothing."""
    ending = interpreters(program)
    assert (ending.returncode, ending.stdout, ending.stderr) == (0, "", "")


@own_gil
def test_two_at_once_beside_the_first():
    check(
        """
        import NAME as m
        if hasattr(m, "announce"):
            m.announce(False)  # in this thread too, which takes apart what is left in the end
        first = threading.Thread(target=exec, args=(WORK, {}))
        first.start()
        failures = at_once(WORK, WORK)
        first.join()
        assert not failures, failures
        """
    )


@own_gil
def test_each_has_types_and_a_state_of_its_own():
    check(
        """
        import os
        read, write = os.pipe()
        TELL = WORK + f"\\nimport os; os.write({write}, b'%d %d\\\\n' % (id(m.HashTable), id(h.hash_func)))"
        HOLD = make(), make()
        for interpreter in HOLD:
            run(interpreter, TELL)
        told = [line.split() for line in os.read(read, 1000).splitlines()]
        import NAME as m
        told.append([b"%d" % id(m.HashTable), b"%d" % id(hash)])
        assert len({types for types, _ in told}) == 3, told
        assert len({hashes for _, hashes in told}) == 3, told
        for interpreter in HOLD:
            end(interpreter)
        """
    )


@own_gil
def test_one_that_ends_takes_nothing_from_the_others():
    check(
        """
        first, second = make(), make()
        run(first, WORK)
        run(second, WORK)
        end(first)
        run(second, WORK)
        exec(WORK)
        end(second)
        exec(WORK)
        """
    )


@own_gil
def test_a_thread_that_leaves_one_interpreter_for_another_in_the_midst_of_taking_tables_apart():
    """Its waiting list is for the tables of one interpreter at a time."""
    check(
        """
        import NAME as m
        if hasattr(m, "announce"):
            m.announce(False)
        other = make()
        run(other, "import NAME as m")
        class Elsewhere:
            def __del__(self):
                run(other, "n = m.HashTable()\\nfor _ in range(200): n = m.HashTable().set('inside', n)\\ndel n")
        nested = m.HashTable().set("last", Elsewhere())
        for _ in range(200):
            nested = m.HashTable().set("inside", nested)
        del nested
        end(other)
        exec(WORK)
        """
    )


@own_gil
def test_control_what_goes_wrong_in_one_of_them_is_noticed():
    ending = interpreters("print(len(at_once(WORK, WORK.replace('is builtins.hash', 'is builtins.len'))))", 2)
    assert (ending.returncode, ending.stdout) == (0, "1\n"), ending


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="without the GIL each thread counts the objects of a type for itself, and getrefcount does not add it up",
)
def test_an_object_owns_its_type():
    kind = subject.HashTable
    before = sys.getrefcount(kind)
    tables = [kind() for _ in range(100)]
    assert sys.getrefcount(kind) == before + 100
    views, iterators = [table.keys() for table in tables], [iter(table) for table in tables]
    assert sys.getrefcount(type(views[0])) > 100 < sys.getrefcount(type(iterators[0]))
    del tables, views, iterators
    assert sys.getrefcount(kind) == before


def test_the_collector_sees_the_type():
    table = subject.HashTable().set(1, 2)
    for op in (table, table.keys(), table.values(), table.items(), iter(table)):
        assert any(thing is type(op) for thing in gc.get_referents(op))


def test_a_module_that_is_dropped_takes_its_types_along():
    """Types, module and objects are one cycle, which the collector takes apart."""
    program = """
        import gc, sys, weakref
        import NAME as m
        if hasattr(m, "announce"):
            m.announce(False)
        table = m.HashTable().set("a", 1)
        table["me"], table["views"] = table, [table.keys(), table.values(), table.items(), iter(table)]
        gone = [weakref.ref(type(op)) for op in [table, *table["views"]]]
        import collections.abc
        del sys.modules["NAME"], m, table
        for abstract in vars(collections.abc).values():
            if hasattr(abstract, "_abc_impl"):
                __import__("_abc")._reset_caches(abstract)
        gc.collect()
        assert [ref() for ref in gone] == [None] * 5, [ref() for ref in gone]
        """
    check(program)


def test_weak_references_go_where_the_member_says():
    table = subject.HashTable()
    ref = weakref.ref(table)
    assert ref() is table
    del table
    assert ref() is None


def test_views_and_iterators_are_made_by_tables_only():
    table = subject.HashTable()
    for op in (table.keys(), table.values(), table.items(), iter(table)):
        with pytest.raises(TypeError, match="cannot create"):
            type(op)()
        with pytest.raises(TypeError):
            type("Sub", (type(op),), {})
    with pytest.raises(TypeError, match="immutable type"):
        subject.HashTable.set = None
