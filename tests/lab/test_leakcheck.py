"""`python -m hashtable_lab leakcheck`: what leaks is found and named, what only fills up is not taken for it.

Most tests run the whole command, in a child. The rule itself, which tells growth from noise, is also tested on made-up
readings, as some cannot be provoked at will.
"""

from __future__ import annotations

import json
import sys
import sysconfig

import pytest
import subject

leakcheck = pytest.importorskip("hashtable_lab.leakcheck.report", reason="the laboratory is not installed")
from hashtable_lab.leakcheck import rule  # noqa: E402
from hashtable_lab.leakcheck.meters import type_name  # noqa: E402

# Enough for what leaks with every call or every tenth; the default is larger, and slower.
FEW = "400"

INCREF = "import ctypes\ntake = ctypes.pythonapi.Py_IncRef\nboxed = ctypes.py_object"

# What a debug build counts besides.
TOTAL = ("all references",) if hasattr(sys, "gettotalrefcount") else ()

IMPORT = f"import {subject.NAME} as hashtable\ngetattr(hashtable, 'announce', lambda on: None)(False)"


@pytest.fixture(scope="module")
def check(child):
    """Runs the command on a statement. Returns what it ended with and, of a verdict, the JSON."""

    def run(statement, setup="", calls=FEW, folder=None):
        done = child(
            *("-m", "hashtable_lab", "leakcheck", "--json", "--calls", calls, "--setup", setup, "--", statement),
            folder=folder,
        )
        assert done.stdout, done.stderr
        return done, json.loads(done.stdout)

    return run


def leaking(report):
    """What leaks by a report: the kinds of the meters, or the names of the arguments."""
    return {meter["name"] or meter["kind"] for meter in report["meters"] if meter["verdict"] == "leaks"}


def per_call(report, what):
    """How much a meter of a report grows per call."""
    return next(meter["per_call"] for meter in report["meters"] if what in (meter["name"], meter["kind"]))


# ---- clean -----------------------------------------------------------------------------------------------------------

CLEAN = {
    "dict": ("d[object()] = [1.5]; d.clear()", "d = {}"),
    "exception": ("try:\n    raise ValueError([])\nexcept ValueError:\n    pass", ""),
    "cycle": ("l = []; l.append(l)", ""),
    "list that is cleared": ("l.append(object())\nif len(l) > 3000: l.clear()", "l = []"),
    "hash table": (
        "t[1.5] = []; t.set('a', t.get(1.5)); del t[1.5]; t.clear()",
        f"{IMPORT}\nt = hashtable.HashTable()",
    ),
    "hash function": ("hashtable.HashTable(hash_func=f).set(object(), [])", f"{IMPORT}\ndef f(key): return 7"),
    "callable": ("gc:get_stats", ""),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name != "hash table")) for name in CLEAN]
)
def test_clean(check, name):
    done, report = check(*CLEAN[name])
    assert (done.returncode, report["verdict"], report["reasons"]) == (0, "clean", [])
    assert report["total_calls"] >= 5 * int(FEW)


@pytest.mark.slow
def test_a_cache_that_fills_is_no_leak(check):
    setup = (
        "import functools, itertools\nnumber = itertools.count()\n"
        "@functools.lru_cache(maxsize=10_000)\ndef cached(key): return [object()]"
    )
    done, report = check("cached(next(number))", setup, calls="2000")
    assert (done.returncode, report["verdict"]) == (0, "clean")
    # It did grow at first, and so more than the first rounds were needed to tell.
    objects = next(meter for meter in report["meters"] if meter["kind"] == "objects")
    assert objects["growth"][0] == pytest.approx(2000, rel=0.05)
    assert len(report["calls_per_round"]) > rule.FIRST_ROUNDS


# ---- leaks -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_list_that_grows(check):
    done, report = check("l.append(object())", "l = []")
    assert (done.returncode, report["verdict"]) == (1, "leaks")
    assert leaking(report) >= {"l", "blocks"}
    assert report["lines"][0]["place"] == "line 1 of statement"
    assert report["lines"][0]["per_call"] == pytest.approx(1, rel=0.1)


@pytest.mark.slow
def test_list_that_grows_by_what_allocates_nothing(check):
    done, report = check("l.append(None)", "l = []")
    # The count of None moves up to CPython 3.11.
    assert (done.returncode, leaking(report) - {"references", "NoneType None"}) == (1, {"l"})


@pytest.mark.slow
def test_fresh_object(check):
    done, report = check("take(boxed(Thing()))", f"{INCREF}\nclass Thing: pass")
    assert done.returncode == 1
    assert leaking(report) >= {"objects", "blocks", "Thing"}  # an instance has a reference to its class
    assert per_call(report, "objects") == pytest.approx(1, rel=0.05)
    assert {row["type"] for row in report["types"]} >= {"Thing"}


@pytest.mark.slow
def test_one_object_in_ten_calls(check):
    statement = "n += 1\nif n % 10 == 0: take(boxed([]))"
    done, report = check(statement, f"{INCREF}\nn = 0")
    assert done.returncode == 1
    assert per_call(report, "objects") == pytest.approx(0.1, rel=0.1)
    assert [row["type"] for row in report["types"]] == ["list"]


@pytest.mark.slow
def test_argument(check):
    """A reference to an argument that is never given back allocates nothing. Only the count tells."""
    done, report = check("take(boxed(thing))", f"{INCREF}\nthing = object()")
    assert (done.returncode, leaking(report) - {"references"}) == (1, {"thing"})
    assert per_call(report, "thing") == pytest.approx(1, rel=0.01)
    assert "references to `thing` grow by 1 per call" in report["reasons"]


# Made when it runs: without the GIL a str that stands in the source is immortal, and has no count.
NAMELESS = "' '.join(['what', 'nobody', 'has', 'named'])"
KEEPER = f"{INCREF}\nclass Keeper: text = {NAMELESS}; number = 10.5"


def test_what_nobody_has_named(check):
    """Of an object that a class holds, nothing but the count moves. Only the census counts it."""
    done, report = check("take(boxed(Keeper.text)); take(boxed(Keeper.number)); take(boxed(Keeper.number))", KEEPER)
    assert (done.returncode, report["verdict"]) == (1, "leaks")
    assert leaking(report) - {"references"} == {"str 'what nobody has named'", "float 10.5"}
    assert per_call(report, "str 'what nobody has named'") == pytest.approx(1, rel=0.01)
    assert per_call(report, "float 10.5") == pytest.approx(2, rel=0.01)
    (row,) = (meter for meter in report["meters"] if meter["name"] == "float 10.5")
    assert (row["type"], row["value"], row["address"][:2]) == ("float", "10.5", "0x")
    assert report["counted"] > 10_000


def test_a_key_that_nobody_has_named(check):
    """The `tp_traverse` of a dict whose keys are all of type str does not show them."""
    setup = f"{INCREF}\nentries = {{{NAMELESS}: 1}}"
    done, report = check("take(boxed(next(iter(entries))))", setup)
    assert (done.returncode, leaking(report) - {"references"}) == (1, {"str 'what nobody has named'"})


def test_a_proxy_is_counted_as_what_it_is(check):
    """`isinstance` believes a proxy that claims to be a type, or a dict; it is neither."""
    setup = "import collections, weakref\nclass A: pass\nclass D(dict): pass\nd = D()\n"
    setup += "kept = [weakref.proxy(A), weakref.proxy(d), collections.UserDict()]"
    done, report = check("len(kept)", setup)
    assert (done.returncode, report["verdict"]) == (0, "clean"), report


@pytest.mark.slow
def test_a_type_that_nobody_has_named(check):
    setup = f"{INCREF}\ndef made():\n    class Hidden: pass\n    return [Hidden()]\nkept = made()"
    done, report = check("take(boxed(type(kept[0])))", setup)
    assert (done.returncode, leaking(report) - {"references"}) == (1, {"type made.<locals>.Hidden"})


@pytest.mark.slow
def test_a_cache_of_references_is_no_leak(check):
    """Each new entry refers once more to the same object, until there is no more room."""
    setup = (
        f"import functools, itertools\nnumber = itertools.count()\nclass Keeper: text = {NAMELESS}\n"
        "@functools.lru_cache(maxsize=10_000)\ndef cached(key): return Keeper.text"
    )
    done, report = check("cached(next(number))", setup, calls="2000")
    assert (done.returncode, report["verdict"]) == (0, "clean")
    # It was suspected, and cleared.
    suspect = next(meter for meter in report["meters"] if meter["name"] == "str 'what nobody has named'")
    assert suspect["growth"][0] == pytest.approx(2000, rel=0.05)


@pytest.mark.slow
def test_a_count_that_falls_of_what_nobody_has_named(check):
    setup = f"import ctypes\nclass Keeper: text = {NAMELESS}\nmany = [[Keeper.text] * 100_000]"
    done, report = check("ctypes.pythonapi.Py_DecRef(ctypes.py_object(Keeper.text))", setup)
    assert (done.returncode, report["verdict"]) == (2, "could not tell")
    fall = {f"{what} fall by 1 per call" for what in ("references to str 'what nobody has named'", *TOTAL)}
    assert set(report["reasons"]) == fall


@pytest.mark.slow
def test_few_calls_are_enough(check):
    """The checker's own objects do not move: nor do they with the fewest calls, where one reference is much."""
    assert check("pass", calls="10")[1]["verdict"] == "clean"
    assert leaking(check("take(boxed(Keeper.number))", KEEPER, calls="10")[1]) - {"references"} == {"float 10.5"}


@pytest.mark.slow
def test_many_leaks_are_summed_up(child):
    setup = f"{INCREF}\nclass Keeper: many = [f'text {{n}}' for n in range(50)]"
    statement = "[take(boxed(text)) for text in Keeper.many]"
    done = child("-m", "hashtable_lab", "leakcheck", "--calls", "100", "-s", setup, statement)
    said = " ".join(done.stdout.split())
    assert done.returncode == 1
    assert "references to 40 more objects" in said and f"; and {40 + len(TOTAL)} more" in said


@pytest.mark.slow
def test_heap(check):
    """Memory of C's own, of which CPython's allocator knows nothing."""
    pytest.importorskip("psleak")
    setup = "import ctypes\nmalloc = ctypes.CDLL(None).malloc\nmalloc.restype = ctypes.c_void_p"
    done, report = check("malloc(100)", setup)
    if "not_measured" in report["heap"]:
        pytest.skip(report["heap"]["not_measured"])
    assert (done.returncode, report["verdict"], leaking(report)) == (1, "leaks", set())
    assert 100 <= report["heap"]["bytes_per_call"] <= 200


def test_specimen(check, specimen):
    done, report = check(*CLEAN["hash function"], folder=specimen("missing-decref"))
    assert (done.returncode, report["verdict"]) == (1, "leaks")
    assert "f" in leaking(report)
    assert per_call(report, "f") == pytest.approx(1, rel=0.01)


@pytest.mark.slow
def test_report_for_people(child):
    done = child(
        "-m", "hashtable_lab", "leakcheck", "--calls", FEW, "-s", INCREF, "-s", "thing = []", "take(boxed(thing))"
    )
    assert done.returncode == 1
    assert "references to `thing`" in done.stdout
    assert "It leaks: references to `thing` grow by 1 per call" in " ".join(done.stdout.split())


# ---- could not tell --------------------------------------------------------------------------------------------------

UNKNOWN = {
    "raises": ("1 / 0", "", "the statement raises ZeroDivisionError: division by zero"),
    "raises later": ("l.pop()", "l = [1] * 1000", "the statement raises IndexError"),
    "setup raises": ("pass", "1 / 0", "the setup raises ZeroDivisionError"),
    "syntax": ("def", "", "line 1 of the statement is no Python"),
    "no module": ("there_is_no_such_module:f", "", "the import of there_is_no_such_module raises ModuleNotFoundError"),
    "no name": ("json:no_such_name", "", "there is no 'no_such_name' in the module 'json'"),
    "no callable": ("math:pi", "", "math:pi cannot be called"),
    "exit": ("raise SystemExit(0)", "", "the statement raises SystemExit"),
    "sudden exit": ("import os; os._exit(0)", "", "ended well"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in ("raises", "sudden exit"))) for name in UNKNOWN]
)
def test_could_not_tell(check, name):
    statement, setup, words = UNKNOWN[name]
    done, report = check(statement, setup)
    assert (done.returncode, report["verdict"], report["exit_code"]) == (2, "could not tell", 2)
    assert words in report["reasons"][0]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_crash(child):
    statement = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    done = child("-m", "hashtable_lab", "leakcheck", statement)
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: could not tell: the child that ran it was killed by SIGSEGV")


@pytest.mark.slow
def test_count_that_falls(check):
    """More is given back than was taken: no leak, but nothing is clean about it."""
    setup = "import ctypes\nthing = object()\nmany = [thing] * 100_000"
    done, report = check("ctypes.pythonapi.Py_DecRef(ctypes.py_object(thing))", setup)
    assert (done.returncode, report["verdict"]) == (2, "could not tell")
    assert report["reasons"][0] == "references to `thing` fall by 1 per call"


@pytest.mark.skipif(sysconfig.get_config_var("Py_GIL_DISABLED"), reason="it is not measured with it either")
@pytest.mark.slow
def test_heap_is_not_measured_without_psleak(check, tmp_path):
    (tmp_path / "psleak.py").write_text("raise ImportError('hidden')")
    done, report = check("pass", folder=tmp_path)
    assert (done.returncode, report["verdict"]) == (0, "clean")
    assert "psleak" in report["heap"]["not_measured"]


# ---- the rule, on made-up readings -----------------------------------------------------------------------------------

CALLS = [100, 100, 100, 100, 100, 200, 400, 800, 1600]


@pytest.mark.parametrize(
    ("growth", "expected"),
    [
        ([1 * n for n in CALLS], "leaks"),
        ([n // 10 for n in CALLS], "leaks"),
        ([3 * n + wobble for n, wobble in zip(CALLS, [9, -7, 4, 0, -9, 8, -6, 3, 9])], "leaks"),
        ([0] * 9, "steady"),
        ([-1 * n for n in CALLS], "falls"),
        # Noise does not grow with the number of calls.
        ([3, -2, 0, 4, -3, 2, 5, -1, 3], "steady"),
        # A cache with room for 700 fills, and is full.
        ([100, 100, 100, 100, 100, 200, 0, 0, 0], "steady"),
        # A cache fills in the last round.
        ([100, 100, 100, 100, 100, 200, 400, 800, 300], "fades"),
        # A list is cleared now and then.
        ([100, 100, 100, 100, 100, 200, -300, 800, 300], "steady"),
        # It grows for ever, but by no rule.
        ([100, 100, 100, 100, 100, 200, 1400, 100, 3200], "unclear"),
    ],
)
def test_rule(growth, expected):
    assert rule.verdict(growth, CALLS, last=True) == expected


def test_nothing_is_decided_too_early():
    assert rule.verdict([100] * 5, [100] * 5, last=False) == "undecided"
    assert rule.verdict([0] * 5, [100] * 5, last=False) == "steady"


def meter(kind, verdict, rate, name=""):
    return {"kind": kind, "name": name, "verdict": verdict, "growth": [], "per_call": rate}


def found(*meters):
    return {"total_calls": 1, "calls": [1], "counted": 1, "meters": list(meters), "types": [], "lines": []}


def test_contradiction():
    """A block with every call takes memory; if the heap does not grow, one of the two is wrong."""
    blocks = found(meter("blocks", "leaks", 1.0))
    assert leakcheck.conclude(blocks, {"verdict": "steady", "bytes_per_call": 0}).verdict == leakcheck.UNKNOWN
    assert leakcheck.conclude(blocks, {"verdict": "leaks", "bytes_per_call": 32}).verdict == leakcheck.LEAKS
    assert leakcheck.conclude(blocks, {"not_measured": "no psleak"}).verdict == leakcheck.LEAKS


def test_growth_by_no_rule():
    report = leakcheck.conclude(found(meter("blocks", "unclear", 0.5)), {"verdict": "steady", "bytes_per_call": 0})
    assert (report.verdict, report.exit_code) == (leakcheck.UNKNOWN, 2)


# ---- the command -----------------------------------------------------------------------------------------------------


def test_help(child):
    done = child("-m", "hashtable_lab", "leakcheck", "--help")
    assert done.returncode == 0
    assert "Exit codes:" in done.stdout and "it leaks" in done.stdout
    assert child("-m", "hashtable_lab", "leakcheck").returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
@pytest.mark.parametrize("before", ["SIG_DFL", "SIG_IGN"])
def test_interrupt(child, tmp_path, before):
    """Ctrl-C: exit code 130, no traceback, and no child that goes on. Also where the tests run in the background of a shell.

    (A shell without job control starts background commands with SIGINT ignored, and whatever they start inherits it.)
    """
    done = child(
        "-c", f"import signal; signal.signal(signal.SIGINT, signal.{before})\n{INTERRUPTED}", str(tmp_path / "pid")
    )
    assert done.stdout.split() == ["130", "False", "gone"], done.stderr


# Starts the command on a statement that takes its time and whose setup writes down the child's id, and interrupts it.
INTERRUPTED = """
import os, pathlib, signal, subprocess, sys, time

file = pathlib.Path(sys.argv[1])
setup = f"import os, pathlib, time; pathlib.Path({str(file)!r}).write_text(str(os.getpid()))"
command = [sys.executable, "-m", "hashtable_lab", "leakcheck", "--setup", setup, "time.sleep(1)"]
signal.signal(signal.SIGINT, signal.SIG_DFL)  # as somebody has it who can type Ctrl-C
lab = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
while not file.is_file() or not file.read_text():
    time.sleep(0.05)
lab.send_signal(signal.SIGINT)
print(lab.wait(60), "Traceback" in lab.stderr.read())
try:
    os.kill(int(file.read_text()), 0)
    print("alive")
except ProcessLookupError:
    print("gone")
"""


def test_the_census_has_each_object_once():
    """None among them, whose count moves before CPython 3.12: it was there once for each round of the search."""
    census = pytest.importorskip("hashtable_lab.leakcheck.census")
    found = census.reachable([])
    assert len(found) == len(set(map(id, found))) > 10000


def test_a_type_is_named_without_a_descriptor():
    """A metaclass may keep a descriptor as `__module__`, for the types that it makes."""
    meta = type("Meta", (type,), {"__module__": property(lambda kind: "spam")})
    assert type_name(meta) == "Meta"
    assert type_name(type("Other", (), {"__module__": "spam"})) == "spam.Other"
