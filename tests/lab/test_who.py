"""`python -m hashtable_lab who`: every owner is found and named, and the sum is right: counts known by construction."""

from __future__ import annotations

import json
import sys

import pytest
import subject

pytest.importorskip("hashtable_lab.owners.report", reason="the laboratory is not installed")

TABLE = f"import {subject.NAME} as hashtable\ngetattr(hashtable, 'announce', lambda on: None)(False)"

TYPE = f"{subject.HashTable.__module__}.HashTable"


@pytest.fixture(scope="module")
def who(child):
    """Asks who holds an object. Returns the JSON."""

    def run(expression, setup):
        done = child("-m", "hashtable_lab", "who", "--json", "--setup", setup, "--", expression)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def owners(found):
    """The owners in an answer: how often each holds the object, by where."""
    return {owner["where"]: owner["references"] for owner in found["owners"]}


# Setup; then who holds the object `o`, besides the name. An `object()` is not tracked by the garbage collector, and
# before CPython 3.14 neither is a dict or tuple that has nothing else in it.
CASES = {
    "name": ("", {}),
    "two names": ("p = o", {"name `p`": 1}),
    "list": ("l = [o, 1, o]", {"index 0 of list `l`": 1, "index 2 of list `l`": 1}),
    "tuple": ("t = (1, o)", {"index 1 of tuple `t`": 1}),
    "dict": ("d = {'a': o, o: 1}", {"value of key 'a' in dict `d`": 1, "key in dict `d`": 1}),
    "set": ("s = {o}", {"element of set `s`": 1}),
    "deque": (
        "import collections\nq = collections.deque([o, o])",
        {"index 0 of collections.deque `q`": 1, "index 1 of collections.deque `q`": 1},
    ),
    "attribute": ("class C: pass\nc = C(); c.x = o", {"attribute `x` of C `c`": 1}),
    "slot": ("class C: __slots__ = ('x',)\nc = C(); c.x = o", {"attribute `x` of C `c`": 1}),
    "class": ("class C: pass\nC.x = o", {"attribute `x` of class `C`": 1}),
    "module": ("import types\nm = types.ModuleType('m'); m.x = o", {"attribute `x` of module `m`": 1}),
    "closure": (
        "def outer(held):\n    return lambda: held\ninner = outer(o)",
        {"variable `held` in the closure of function `inner`": 1},
    ),
    "default": ("def f(x=o): pass", {"index 0 of the default values of function `f`": 1}),
    "method": (
        "class C(list): __hash__ = object.__hash__\no = C()\nm = o.append",
        {"object of bound method `m`": 1},
    ),
    "nested": ("d = {'a': [o]}", {"index 0 of a list in dict `d`": 1}),
    "table": (
        f"{TABLE}\nt = hashtable.HashTable()\nt['v'] = o\nt[o] = 1",
        {f"value of key 'v' in {TYPE} `t`": 1, f"key in {TYPE} `t`": 1},
    ),
    "hash function": (
        f"{TABLE}\ndef o(key): return 7\nt = hashtable.HashTable(hash_func=o)",
        {f"hash function of {TYPE} `t`": 1},
    ),
}


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name not in ("list", "table", "hash function"))) for name in CASES],
)
def test_owners(who, name):
    setup, expected = CASES[name]
    found = who("o", f"o = object()\n{setup}")
    if found["immortal"]:
        pytest.skip("functions are immortal here")
    assert owners(found) == {"name `o`": 1, **expected}
    assert found["seen"] == found["count"] == 1 + sum(expected.values())
    assert found["rest"] == 0


@pytest.mark.slow
def test_nobody(who):
    found = who("object()", "")
    assert (found["count"], found["owners"], found["rest"]) == (0, [], 0)


@pytest.mark.slow
def test_constant(who):
    found = who("f()", "def f(): return 3.25")
    assert [owner["references"] for owner in found["owners"]] == [1] or found["immortal"]
    assert found["immortal"] or "constants of code `f`" in found["owners"][0]["where"]


@pytest.mark.slow
def test_generator(who):
    """A frame that is suspended."""
    found = who("o", "o = object()\ndef g(held):\n    yield\nit = g(o)\nnext(it)")
    assert len(found["owners"]) == 2 and found["rest"] == 0
    assert found["owners"][1]["kind"] == "frame"
    assert "`held`" in found["owners"][1]["where"]


@pytest.mark.slow
def test_frame_that_runs(who):
    """A function that runs in another thread. It holds its own variable; whether it counts its argument, depends."""
    setup = (
        "import threading, time\no = object()\nready = threading.Event()\n"
        "def wait():\n    mine = o\n    ready.set()\n    time.sleep(600)\n"
        "threading.Thread(target=wait, daemon=True).start()\nready.wait()"
    )
    found = who("o", setup)
    frames = [owner for owner in found["owners"] if owner["kind"] == "frame"]
    assert [owner["references"] for owner in frames] == [1]
    assert "`mine` in a frame of `wait`" in frames[0]["where"]
    assert (found["count"], found["rest"]) == (2, 0)


@pytest.mark.parametrize("extra", [1, 3])
def test_rest(who, extra):
    """References that nobody can be seen to have: what a leak looks like."""
    take = "\nctypes.pythonapi.Py_IncRef(ctypes.py_object(o))" * extra
    found = who("o", f"import ctypes\no = object(){take}")
    assert (found["seen"], found["count"], found["rest"]) == (1, 1 + extra, extra)
    assert found["why"][0].startswith(f"{extra} more counted than seen")


@pytest.mark.slow
def test_negative_rest(who):
    """An owner whose reference was given back behind its back."""
    give = "\nctypes.pythonapi.Py_DecRef(ctypes.py_object(o))"
    found = who("o", f"import ctypes\no = object()\nl = [o, o, o]{give}")
    assert (found["seen"], found["count"], found["rest"]) == (4, 3, -1)
    assert found["why"][0].startswith("1 more seen than counted")


def test_leaked_hash_function(who, specimen):
    """The specimen forgets the reference to its hash function: `who` has nobody to show for it."""
    pytest.importorskip("hashtable_lab.specimens")
    folder = specimen("missing-decref")
    setup = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n{TABLE}\n"
        "class F:\n    def __call__(self, key): return 7\n"
        "o = F()\nfor _ in range(3): hashtable.HashTable(hash_func=o)"
    )
    found = who("o", setup)
    assert (owners(found), found["rest"]) == ({"name `o`": 1}, 3)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="nothing is immortal before CPython 3.12")
def test_immortal(who):
    found = who("None", "")
    assert (found["immortal"], found["count"], found["rest"]) == (True, None, None)
    assert found["why"][0].startswith("It is immortal")


def test_for_people(child):
    done = child("-m", "hashtable_lab", "who", "--setup", "o = object(); l = [o]", "o")
    assert done.returncode == 0
    assert "index 0 of list `l`" in done.stdout
    assert "Everything that is counted was seen." in done.stdout


@pytest.mark.parametrize(
    ("expression", "setup", "words"),
    [
        ("1 / 0", "", "the expression raises ZeroDivisionError: division by zero"),
        ("o", "1 / 0", "the setup raises ZeroDivisionError"),
        ("no_such_name", "", "the expression raises NameError"),
        ("l = 1", "", "the expression is no Python"),
        ("__import__('os')._exit(3)", "", "gave up (exit code 3)"),
    ],
)
@pytest.mark.slow
def test_cannot(child, expression, setup, words):
    done = child("-m", "hashtable_lab", "who", "--setup", setup, expression)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert words in done.stderr


def test_help(child):
    done = child("-m", "hashtable_lab", "who", "--help")
    assert done.returncode == 0
    assert "Exit codes:" in done.stdout
