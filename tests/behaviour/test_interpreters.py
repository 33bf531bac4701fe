"""Several interpreters in one process: each has a module of its own, and none is left with the objects of another.

The classic form is for interpreters that share a GIL. One with a GIL of its own refuses it, with an ImportError, and so does every
one but the first where there is no GIL. (What the other forms do in interpreters of their own is in tests/forms.) Each test is a
program in a child: what goes wrong here is a crash more often than an exception.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import sysconfig
import textwrap

import pytest
import subject

#: `make` makes an interpreter, `run` runs code in it and `end` ends it, spelled as this version has them; USE uses the module.
PRELUDE = '''
import sys

if sys.version_info >= (3, 13):
    import _interpreters

    def make(isolated=False):
        return _interpreters.create("isolated" if isolated else "legacy")

    def run(interpreter, code):
        failure = _interpreters.exec(interpreter, code)
        if failure is not None:
            raise RuntimeError(failure.formatted)

    end = _interpreters.destroy
else:
    import _xxsubinterpreters as _interpreters

    def make(isolated=False):
        # Before 3.12 none has a GIL of its own.
        return _interpreters.create(isolated=isolated)

    run, end = _interpreters.run_string, _interpreters.destroy

USE = """
import NAME as m
if hasattr(m, "announce"):
    m.announce(False)
import builtins, copy, pickle, collections.abc
h = m.HashTable()
assert h.hash_func is builtins.hash, h.hash_func
assert isinstance(h, collections.abc.MutableMapping)
assert isinstance(h.keys(), collections.abc.KeysView)
h.set("one", 1).set(2, "two").set(2.5, [h])
again = pickle.loads(pickle.dumps(m.HashTable().set("a", 1)))
assert again.hash_func is builtins.hash and dict(again) == {"a": 1}
assert copy.deepcopy(again) == again
own = m.HashTable(hash_func=m.library_hash).set("abc", 1)
assert own.hash_func is m.library_hash and own.hash_of("abc") == 3
assert pickle.loads(pickle.dumps(own)).hash_func is m.library_hash
h.__init__()
assert h.hash_func is builtins.hash and len(h) == 0

class Sub(m.HashTable):
    pass

assert Sub({}.__len__() + 1).set(1, 2)[1] == 2
h.set("cycle", h)  # what the collector finds, at the latest at the end
"""
'''


def interpreters(program, *arguments):
    """Runs a program in a child, with what is above before it. Returns how it ended."""
    code = PRELUDE.replace("NAME", subject.NAME) + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300)


def check(program):
    """It ends well, and says nothing."""
    ending = interpreters(program)
    assert (ending.returncode, ending.stdout, ending.stderr) == (0, "", "")


#: The types are static, and the module is made in a single phase.
CLASSIC = subject.NAME in ("hashtable", "hashtable_traced")
classic_only = pytest.mark.skipif(not CLASSIC, reason="says what only the classic form does")
WITHOUT_THE_GIL = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
where_it_is_loaded = pytest.mark.skipif(
    WITHOUT_THE_GIL and CLASSIC,
    reason="where there is no GIL to share, CPython loads the classic form in the first interpreter only",
)


@pytest.fixture(scope="module", autouse=True)
def they_are_here():
    ending = interpreters("end(make())")
    if ending.returncode:
        pytest.skip(f"this Python cannot make interpreters: {ending.stderr.strip().splitlines()[-1:]}")


@where_it_is_loaded
def test_import_end_and_import_again():
    """On CPython 3.12 this crashed: the second import gave up the `hash` of an interpreter that was no more."""
    check(
        """
        for _ in range(3):
            interpreter = make()
            run(interpreter, USE)
            end(interpreter)
        exec(USE)
        """
    )


@where_it_is_loaded
def test_all_is_right_in_each_of_several():
    check(
        """
        exec(USE)
        first, second = make(), make()
        for _ in range(2):
            run(first, USE)
            run(second, USE)
            exec(USE)
        end(first)
        run(second, USE)
        end(second)
        exec(USE)
        """
    )


@where_it_is_loaded
def test_the_first_to_import_need_not_be_the_last():
    """The types were made ready by an interpreter that is gone."""
    check(
        """
        first, second = make(), make()
        run(first, USE)
        end(first)
        run(second, USE)
        exec(USE)
        end(second)
        """
    )


def test_it_can_be_imported_again():
    check(
        f"""
        import sys
        exec(USE)
        del sys.modules[{subject.NAME!r}]
        exec(USE)
        """
    )


def test_a_table_that_outlives_its_module():
    """At the end of an interpreter the module's state may go first; then nothing is made any more, and nothing crashes."""
    check(
        """
        import gc, sys

        class Late:
            def __init__(self, table):
                self.table, self.make = table, type(table)

            def __del__(self):
                try:
                    self.make().set(1, 2)
                    self.table.clear()
                except RuntimeError:
                    pass

        exec(USE)
        gc.disable()
        h["late"] = Late(h)
        sys.late = Late(m.HashTable())
        """
    )


@classic_only
@pytest.mark.skipif(sys.version_info < (3, 12), reason="before 3.12 all interpreters share one GIL")
@pytest.mark.parametrize(
    "isolated", [True, pytest.param(False, marks=pytest.mark.skipif(not WITHOUT_THE_GIL, reason="GIL"))]
)
@pytest.mark.parametrize("before", ["", "exec(USE)"], ids=["first", "after the main one"])
def test_an_interpreter_without_a_gil_to_share_is_refused(isolated, before):
    """In words that are CPython's: where `PyInit` runs at all, it cannot know who asked (see docs/five-contracts.md)."""
    check(
        f"""
        {before}
        interpreter = make(isolated={isolated})
        run(interpreter, '''
        try:
            import {subject.NAME}
        except ImportError as error:
            assert "does not support loading in subinterpreters" in str(error), error
        else:
            raise AssertionError("it was imported")
        '''.replace("\\n        ", "\\n"))
        end(interpreter)
        exec(USE)
        """
    )


@where_it_is_loaded
def test_control_a_wrong_answer_is_noticed():
    ending = interpreters("run(make(), USE.replace('is builtins.hash', 'is builtins.len'))")
    assert ending.returncode
    assert "AssertionError" in ending.stderr


def test_the_module_shows_what_it_keeps(module):
    """Its state is part of what the collector sees, or a cycle through it would never be found."""
    assert any(thing is hash for thing in gc.get_referents(module))


@classic_only
@where_it_is_loaded
def test_what_the_interpreters_share_is_in_no_list_of_the_collector_that_has_ended():
    """The dict of subclasses belongs to the type, which all of them share; the collector's lists belong to one of them."""
    check(
        """
        import ctypes, gc
        interpreter = make()
        run(interpreter, USE + "sys = __import__('sys'); sys.sub = Sub")
        exec(USE)
        end(interpreter)
        # The 46th word of a PyTypeObject is tp_subclasses.
        subclasses = ctypes.cast(id(m.HashTable) + 45 * ctypes.sizeof(ctypes.c_void_p), ctypes.POINTER(ctypes.py_object))[0]
        assert type(subclasses) is dict and Sub in [reference() for reference in subclasses.values()]
        assert not gc.is_tracked(subclasses)
        """
    )


def test_a_module_that_goes_gives_back_what_it_kept():
    check(
        f"""
        import gc, sys
        exec(USE)
        def again():
            global m
            del sys.modules[{subject.NAME!r}]
            import {subject.NAME} as m
            gc.collect()
        again()
        before = sys.getrefcount(hash)
        for _ in range(10):
            again()
        assert sys.getrefcount(hash) == before, (sys.getrefcount(hash), before)
        """
    )
