"""Other people's extensions: a package in C, C++ and Cython, which knows of no ledger, is built with it and judged.

`package/` has code that is right, written in the many ways in which it is written, and of that nothing may be said; and bugs, of
which each is named by its line. It is built once for all tests, in a cache of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

build = pytest.importorskip("hashtable_lab.foreign.build", reason="the laboratory is not installed")
report = pytest.importorskip("hashtable_lab.audit.report")
from hashtable_lab.errors import Missing  # noqa: E402
from hashtable_lab.stage import Stage  # noqa: E402

PACKAGE = Path(__file__).parent / "package"

pytestmark = [
    pytest.mark.foreign,
    pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler"),
    pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="there are no trampolines"),
    pytest.mark.xdist_group("foreign"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The package, built."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield build.build(PACKAGE, Stage())


@pytest.fixture
def run(built, tmp_path):
    """A function that runs a program against the package, and gives the report."""

    def run(program, **options):
        script = tmp_path / "script.py"
        script.write_text(program, encoding="utf-8")
        return report.run(report.Program(str(script)), built.subject(), **options)

    return run


def line_of(file, bug):
    """The line that is marked with the name of a bug."""
    lines = (PACKAGE / file).read_text(encoding="utf-8").splitlines()
    pattern = re.compile(rf"(BUG|LINE) {bug}\b")
    (number,) = (number for number, line in enumerate(lines, start=1) if pattern.search(line))
    return number


def found(ended):
    """What was found, but for what loading the module does wrong, which every run finds."""
    return [finding for finding in ended.findings if finding.function != "exec"]


# ---- what is right ---------------------------------------------------------------------------------------------------

RIGHT = {
    "functions": "m.pair(x); m.built(x); m.helped(x); m.interned(); m.items_written(x); m.plain(x); m.plain(None)",
    "what is everywhere, by a pointer": "m.by_pointer({0: None}); m.by_pointer({0: True}); m.by_pointer({0: 7})",
    "items that go with their tuple": "m.items_dropped(x); m.items_dropped(None); m.items_dropped('a'); m.items_dropped([])",
    "exceptions": "m.exceptions(lambda: 1 / 0); m.exceptions(lambda: 2); m.exceptions(lambda: None)",
    "a heap type": "b = m.Box(x); b.content; b.swap(2); b.swap(b.swap(x)); b.swap(x); del b",
    "its subclass": "class S(m.Box): pass\nb = S(x); b.more = b; b.swap(3); del b; gc.collect()",
    "fields that a dealloc does not empty": "l = [m.plain(x) for _ in range(50)]; del l[::2], l[-1]; l.append(m.plain(x)); del l",
    "a cycle": "b = m.Box(x); b.swap([b]); del b; gc.collect()",
    "an array in order": "for number in (10, 20, 30, 40, 15, 12, 5, 35, 1, 2, 50, 11): m.entered(number)",
    "a description of a buffer": "m.described(b'bytes'); m.described(bytes(1000))",
    "containers in containers": "m.nested('a'); m.nested(x)",
    "a great many of them": "m.nested_by_the_thousands(x)",
    "made and dropped": "m.made_and_dropped(x); m.made_and_dropped(None); m.made_and_dropped('a'); m.made_and_dropped([])",
    "packed nodes": "m.packed_push(x); m.packed_push(None); m.packed_push('a'); m.packed_push(x); m.packed_clear()",
    "nodes": "n = m.Nodes()\nfor v in (x, x, 1, 2, x): n.push(v)\nn.pop(); n.pop(); n.push(x); n.push(n.pop()); n.push(x); del n",
    "nodes in nodes": "n = m.Nodes(); n.push(m.Nodes()); n.push(m.Box(n)); del n; gc.collect()",
    "nodes with a value that was there": "n = m.Nodes(); n.push(x); assert n.pop() is x; n.push(x); del n",
}


@pytest.mark.parametrize("name", RIGHT)
def test_nothing_is_said_of_c_that_is_right(run, name):
    ended = run(f"import gc, kept_c as m\nx = object()\nfor _ in range(3):\n    exec({RIGHT[name]!r})")
    assert [str(finding) for finding in found(ended)] == []
    assert ended.well, ended.ending
    assert ended.judged[0] > 3


def test_nothing_is_said_of_cpp_that_is_right(run):
    ended = run("import kept_cpp as m\nassert m.right(3) == [3]\nassert m.right(x := object()) == [x]")
    assert (ended.verdict, ended.judged) == ("balanced", (2, 1))


IN_THREADS = """
import threading
import kept_cpp as m
def work():
    for thing in (object(), [], {}, "a" * 9, object()):
        m.keep_in_thread(thing)
work()
for _ in range(2):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""


def test_a_variable_of_which_each_thread_has_its_own_holds_a_reference(run):
    ended = run(IN_THREADS)
    assert ([str(finding) for finding in ended.findings], ended.judged) == ([], (15, 1))
    (finding,) = run("import kept_cpp as m\nm.keep_in_thread([])\nm.keep_and_lose(object())").findings
    assert (finding.kind, finding.line) == ("surplus", line_of("kept_cpp.cpp", "keep_and_lose"))


CYTHON = """
import kept_cython as m
x = object()
for _ in range(3):
    assert m.right(x, 1, 2, key=3)[1] == "2"
    assert m.caught(lambda: x) is x
    assert m.caught(lambda: int("a")).startswith("invalid")
    try:
        m.caught(lambda: {}[x])
    except KeyError:
        pass
    assert [a for a, b in m.counted(3)] == [0, 1, 2]
    it = m.counted(3); next(it); it.close()
    for at in (9, 5, 7, 1, 8, 2, 6, 3, 4):
        try:
            m.raised(at)
        except ValueError:
            pass
    assert len(m.Keeper(x).put(1).put(x)) == 2
"""


def test_nothing_is_said_of_cython_that_is_right(run):
    ended = run(CYTHON)
    assert [str(finding) for finding in ended.findings] == []
    assert ended.verdict == "balanced"
    assert ended.judged[1] >= 5  # right, caught, counted, the generator's own, the class's


# ---- what is wrong ---------------------------------------------------------------------------------------------------

SPARE = "import ctypes; ctypes.pythonapi.Py_IncRef(ctypes.py_object(None)); "  # for the bug to give away

#: For each bug of C: what meets it once, and the kind of finding.
BUGS = {
    "leak_pair": "m.leak_pair(x)",
    "described_and_lost": "m.described_and_lost(bytearray(9))",
    "nested_and_lost": "m.nested_and_lost(x)",
    "leak_called": "m.leak_called(lambda n: [n])",
    "leak_date": "m.leak_date()",
    "forget": "m.forgotten(x)",
    "leaky_new": "import contextlib\nwith contextlib.suppress(TypeError): m.Leaky()",
    "box_lose": "b = m.Box(x); b.swap(x); b.lose(1); b.lose(2)",
}


@pytest.mark.parametrize("bug", BUGS)
def test_each_bug_of_c_is_named_by_its_line(run, bug):
    ended = run(f"import kept_c as m\nx = object()\n{BUGS[bug]}")
    named = [(finding.kind, finding.file, finding.line) for finding in found(ended)]
    wanted = ("surplus", "kept_c.c", line_of("kept_c.c", bug if bug != "box_lose" else "keep"))
    assert wanted in named, named
    assert ended.exit_code == 1


def test_what_is_written_over_in_an_array_in_order_is_named(run):
    """It has been moved before, and is not where it was put."""
    ended = run("import kept_c as m\nfor number in (10, 30, 20, 5): m.entered(number)\nm.entered_over(1)")
    (finding,) = found(ended)
    assert (finding.line, finding.times) == (line_of("kept_c.c", "entered"), 1)
    assert f"overwritten at kept_c.c:{line_of('kept_c.c', 'entered_over')}" in finding.what


def test_a_package_s_tests_are_judged_by_ledger_and_census(built):
    """What `field --survey` does with a package: its tests once under the ledger, and again and again under leakcheck's meters."""
    suite = pytest.importorskip("hashtable_lab.field.suite")
    survey = pytest.importorskip("hashtable_lab.field.survey")
    lines = "import kept_c as m\nx = object()\ndef test_right(): m.pair(x)\ndef test_lost(): m.leak_pair(x)\n"
    tests = survey.Package(1, "kept", "1.0", lines=lines).tests()
    judged = suite.judge_tests(built, Path(), tests)
    assert judged["tests"] == {"passed": 2} and judged["judged"][0] > 0
    wrong = {finding["place"] for finding in judged["findings"] if finding["function"] != "exec"}
    assert wrong == {f"kept_c.c:{line_of('kept_c.c', 'leak_pair')}"}
    again = suite.repeat_tests(built.folder, Path(), tests)
    assert (again["judged"], again["verdict"]) == (2, "leaks")
    assert {one["test"].rpartition(":")[2] for one in again["grows"] if one["hidden"] > 0.5} == {"test_lost"}


def test_a_program_that_asks_for_a_size_is_linked(tmp_path):
    """A build tool makes such programs, which include Python.h and know of no ledger, to ask how large a type is."""
    flags = pytest.importorskip("hashtable_lab.foreign.flags")
    code = '#include <Python.h>\nint main(void) { printf("%d", (int)sizeof(Py_intptr_t)); return 0; }\n'
    (tmp_path / "size.c").write_text(code, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        compiler = flags.prepare()["CC"]
    include = sysconfig.get_path("include")
    subprocess.run([compiler, f"-I{include}", "size.c", "-o", "size"], cwd=tmp_path, check=True)
    assert int(subprocess.run([tmp_path / "size"], capture_output=True, check=True).stdout) == struct.calcsize("P")


def test_what_happens_while_a_module_is_loaded_is_found(run):
    ended = run("import kept_c")
    listed, text = sorted(ended.findings, key=lambda finding: finding.type)
    assert (listed.kind, listed.function, listed.type) == ("surplus", "exec", "list")
    assert listed.line == line_of("kept_c.c", "fill") - 1  # the line of what is lost
    # What lies in a variable that nobody reads does not look lost, and what lies nowhere does.
    assert (text.kind, text.repr, text.line) == ("surplus", '"lost"', line_of("kept_c.c", "fill_text"))


def test_a_helper_is_told_by_who_called_it(run):
    ended = run("import kept_c as m\nx = object()\nfor _ in range(2): m.helped_and_lost(x)\nm.helped_and_lost_too(x)")
    ours = found(ended)
    assert [(finding.line, finding.times) for finding in ours] == [
        (line_of("kept_c.c", "keep"), times) for times in (2, 1)
    ]
    called = [finding.callers[0] for finding in ours if finding.callers]
    lines = [line_of("kept_c.c", bug) for bug in ("helped_and_lost", "helped_and_lost_too")]
    names = ["helped_and_lost", "helped_and_lost_too"]
    assert called == [f"{name} (kept_c.c:{line})" for name, line in zip(names, lines)]


def test_a_type_that_a_dealloc_forgets(run):
    ended = run("import kept_c as m\nfor _ in range(4): m.Leaky(1)")
    (finding,) = found(ended)
    assert (finding.kind, finding.function, finding.times) == ("surplus", "Leaky.tp_dealloc", 4)
    assert (finding.file, finding.line) == ("kept_c.c", line_of("kept_c.c", "leaky_new"))
    assert finding.what.startswith("its type, to which the object that was freed held a reference")


def test_what_nodes_lose(run):
    """What was overwritten in a node is lost when the node's object goes, and named by the line that stored it."""
    ended = run("import kept_c as m\nn = m.Nodes(); n.push([]); n.replace(2); del n")
    (finding,) = found(ended)
    assert (finding.type, finding.line) == ("list", line_of("kept_c.c", "keep"))
    assert "freed without giving it back" in finding.what
    ended = run("import kept_c as m\nn = m.Nodes(); n.push_twice([])")
    (finding,) = found(ended)
    assert finding.callers[0].startswith("nodes_push_twice (") or finding.callers[0].startswith("nodes_push (")


@pytest.mark.parametrize("value", ["x", "None", "'a'", "[]"])
def test_what_is_lost_beside_an_object_that_is_dropped(run, value):
    """The object took what it held with it, and not what it did not hold."""
    ended = run(f"import kept_c as m\nx = object()\nfor _ in range(3): m.dropped_and_lost({value})")
    (finding,) = found(ended)
    assert (finding.kind, finding.line, finding.times) == ("surplus", line_of("kept_c.c", "keep"), 3)
    assert finding.callers[0].endswith(f"(kept_c.c:{line_of('kept_c.c', 'dropped_and_lost')})")


@pytest.mark.parametrize("value", ["x", "None", "'a'", "[]"])
def test_what_is_lost_beside_a_tuple_that_is_dropped(run, value):
    ended = run(f"import kept_c as m\nx = object()\nfor _ in range(3): m.items_dropped_and_lost({value})")
    (finding,) = found(ended)
    assert (finding.kind, finding.line, finding.times) == ("surplus", line_of("kept_c.c", "keep"), 3)


def test_what_packed_nodes_lose(run):
    ended = run("import kept_c as m\nx = object()\nm.packed_push([]); m.packed_replace(x); m.packed_clear()")
    (finding,) = found(ended)
    assert (finding.kind, finding.type) == ("surplus", "list")
    assert finding.line == line_of("kept_c.c", "keep")
    assert finding.what.startswith("stored in a field that was overwritten at ")


def test_where_no_line_is_known_the_function_is_named(run):
    ended = run("import kept_c as m\nfor _ in range(3): m.Text('a')")
    (finding,) = found(ended)
    assert (finding.kind, finding.function, finding.times) == ("surplus", "Text.tp_dealloc", 3)
    assert (finding.file, finding.line) == ("kept_c.c", line_of("kept_c.c", "text_dealloc"))
    assert finding.what.endswith("(the line is where the function begins)")


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal: its count says nothing, and nothing is lost")
def test_none_that_is_returned_without_a_reference(run):
    ended = run(f"import kept_c as m\n{SPARE}m.bare_none()")
    (finding,) = found(ended)
    assert (finding.kind, finding.function, finding.repr) == ("deficit", "bare_none", "None")
    # No event says where; but one line of the function alone names it.
    assert (finding.file, finding.line) == ("kept_c.c", line_of("kept_c.c", "bare_none"))


def test_cpp_that_counts_by_itself_is_told_by_who_called_it(run):
    ended = run("import kept_cpp as m\nm.released(object())")
    (finding,) = ended.findings
    assert (finding.kind, finding.function) == ("surplus", "released")
    assert any(f"kept_cpp.cpp:{line_of('kept_cpp.cpp', 'released') - 1}" in caller for caller in finding.callers)
    assert not any("std::" in caller for caller in finding.callers)


def test_a_generator_of_cython_does_not_end_the_interpreter(run):
    """It did when Cython was told to leave the stack of exceptions alone: a frame, and then its code, were freed while in use."""
    program = """
import kept_cython as m
def once():
    try:
        raise TypeError
    except TypeError:
        thrown = m.guarded(5)
        next(thrown)
        thrown.throw(ValueError)
        thrown.close()
        list(m.guarded(3))
for _ in range(2000):
    once()
    {key: value for key, value in {1: 2}.items() if value}
"""
    assert run(program).ending == "the script ran to its end"


def test_cython_that_counts_by_hand(run):
    ended = run("import kept_cython as m\nm.lost(object())")
    (finding,) = ended.findings
    assert (finding.kind, finding.function) == ("surplus", "lost")
    assert finding.file.endswith("kept_cython.c")


def test_many_living_objects_take_no_longer_each(run, tmp_path):
    """Eight times as many objects that refer to the same one: if each took as much longer, something would be quadratic."""
    program = """
import json, time, kept_c as m
def per_object(number):
    begun = time.process_time()
    objects = [m.plain(None) for _ in range(number)] + [m.Box(None) for _ in range(number)]
    del objects[::2]
    del objects
    return (time.process_time() - begun) / number
per_object(500)
few, many = min(per_object(1000) for _ in range(3)), per_object(8000)
open("times.json", "w").write(json.dumps([few, many]))
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        ended = run(program)
    few, many = json.loads((tmp_path / "times.json").read_text())
    assert [str(finding) for finding in found(ended)] == []
    assert many < 4 * few


# ---- a run that does not come to its end -----------------------------------------------------------------------------


def test_a_run_that_is_stopped_has_a_report(run):
    ended = run("import kept_c as m\nm.leak_pair(1)\nwhile True: m.pair(1)", time_limit=8)
    assert ended.ending == "the script was stopped after 8 seconds"
    assert found(ended)[0].line == line_of("kept_c.c", "leak_pair")
    assert ended.judged[0] > 10


def test_a_run_that_crashes_has_a_report(run):
    ended = run("import os, kept_c as m\nm.leak_pair(1)\nos.kill(os.getpid(), 11)")
    assert "SIGSEGV" in ended.ending
    assert found(ended)[0].line == line_of("kept_c.c", "leak_pair")


MANY = """
import os, signal, kept_c as m
for _ in range(12_000): m.leak_pair(None)
forked = os.fork()
m.leak_pair(None)
if not forked: os._exit(0)
os.waitpid(forked, 0)
m.leak_pair(None)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_loses_no_finding(run):
    """More of them than the log has room for in one piece, and those of a fork."""
    ended = run(MANY)
    assert "SIGKILL" in ended.ending
    (finding,) = found(ended)
    assert (finding.times, finding.line) == (12_003, line_of("kept_c.c", "leak_pair"))


def test_a_flood_of_findings_ends_with_a_word(run):
    ended = run("import kept_c as m\nfor _ in range(600_000): m.leak_pair(None)")
    (finding,) = found(ended)
    assert 499_990 < finding.times <= 500_000 and finding.line == line_of("kept_c.c", "leak_pair")
    assert ended.well and ended.blind == "there were more findings than are written down"
    # As many as were asked for and no more: nothing is said.
    few = run("import kept_c as m\nfor _ in range(400_000): m.leak_pair(None)")
    assert found(few)[0].times == 400_000 and few.blind == ""


@pytest.mark.parametrize("pieces", ["", "nowhere"])
def test_without_pieces_each_line_is_written_by_itself(built, tmp_path, pieces):
    log, subject = tmp_path / "log", built.subject()
    path = os.pathsep.join([*subject.path, *sys.path])
    variables = {**os.environ, **subject.variables, "PYTHONPATH": path, "LEDGER_LOG": str(log)}
    variables |= {"LEDGER_LOG_PIECES": str(tmp_path / pieces)} if pieces else {}
    program = "import os, kept_c as m; m.leak_pair(1); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", program], env=variables).returncode == -9
    assert "leak_pair" in log.read_text(encoding="utf-8")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log"]


JUMPED = """
import kept_c as m
x = object()
m.pair(x)
if {jumps}: m.jumped(m.jump)
m.leak_pair(x)
"""


def test_where_calls_do_not_end_in_order_nothing_is_judged(run):
    """So it is where greenlets change from one stack to another: who holds what from then on cannot be told."""
    ended = run(JUMPED.format(jumps=True))
    assert ended.well, ended.ending
    assert (found(ended), ended.judged) == ([], (4, 4))  # exec, pair, jumped, jump
    assert "from one C stack to another" in ended.blind
    other = run(JUMPED.format(jumps=False))
    assert ([finding.line for finding in found(other)], other.blind) == ([line_of("kept_c.c", "leak_pair")], "")


IN_THE_PROCESS = """
import kept_c as m
from hashtable_lab.audit.ledger import Unbalanced, ledger
x = object()
with ledger("hashtable_lab.foreign.engine") as before:
    m.pair(x)
with ledger("hashtable_lab.foreign.engine") as kept:
    m.leak_pair(x) if {leaks} else m.pair(x)
    if {jumps}: m.jumped(m.jump)
    try:
        kept.assert_balanced()
        told = ""
    except Unbalanced as error:
        told = str(error)
    assert (kept.balanced, bool(kept.blind)) == ({balanced}, {jumps}), (kept.balanced, kept.blind)
assert (kept.balanced, bool(kept.blind)) == ({balanced}, {jumps}), (kept.balanced, kept.blind)
assert "{told}" in told and told in ("", str(kept)), (told, str(kept))
assert (before.balanced, str(before)) == (True, "balanced"), str(before)
"""


@pytest.mark.parametrize(
    ("jumps", "leaks", "balanced", "told"),
    [
        (True, False, None, "could not tell: from some call on nothing was judged: it changes from one C stack"),
        (True, True, False, "does not balance"),
        (False, False, True, ""),
        (False, True, False, "does not balance"),
    ],
)
def test_within_the_process_too(run, jumps, leaks, balanced, told):
    ended = run(IN_THE_PROCESS.format(jumps=jumps, leaks=leaks, balanced=balanced, told=told))
    assert ended.well, ended.ending


def test_balanced_is_said_of_no_run_that_was_judged_in_part():
    report_of = lambda **more: report.Report([], [], True, "the script ran to its end", (4, 4), **more)  # noqa: E731
    assert (report_of().verdict, report_of(blind="it changes its stack").verdict) == ("balanced", "could not tell")


def test_nothing_called_is_not_balanced(run):
    ended = run("import kept_cpp")
    assert (ended.verdict, ended.exit_code) == ("could not tell", 2)


# ---- from the command line -------------------------------------------------------------------------------------------


def command(built, *arguments, **options):
    environment = {**os.environ, "XDG_CACHE_HOME": str(built.folder.parents[3])}
    return subprocess.run(
        [sys.executable, "-m", "hashtable_lab", "ledger", *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        **options,
    )


def test_the_command_runs_a_module(built, tmp_path):
    (tmp_path / "lose.py").write_text("import kept_cpp\nkept_cpp.released([])\n", encoding="utf-8")
    ended = command(built, "--build", PACKAGE, "--json", "--", "-m", "lose", "more", cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    told = json.loads(ended.stdout)
    assert (told["script"], told["arguments"], told["judged"]) == ("-m lose", ["more"], {"calls": 1, "functions": 1})
    assert told["findings"][0]["source"]
    ended = command(built, "--build", PACKAGE, "-m", "lose", cwd=tmp_path)
    assert ended.returncode == 1
    assert "called by " in ended.stdout
    assert "Judged: 1 call of 1 function." in ended.stdout


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "is no package"),
        (
            {"pyproject.toml": "[project]\nname = 'a'\nversion = '1'\n", "a.py": ""},
            "no extension that was compiled here",
        ),
        (
            {
                "setup.py": "from setuptools import *\nsetup(name='a', ext_modules=[Extension('a', ['a.c'])])",
                "a.c": "int;x",
            },
            "does not build: a.c:1",
        ),
        ({"pyproject.toml": "[project]\nname = 'a'\nversion = '1'\nrequires-python = '>=9'\n"}, "needs another Python"),
    ],
)
def test_bad_input_gets_one_line(built, tmp_path, files, said):
    package = tmp_path / "a"
    package.mkdir()
    for name, text in files.items():
        (package / name).write_text(text, encoding="utf-8")
    before = sorted(package.rglob("*"))
    cache = built.folder.parents[1]
    kept = sorted(cache.iterdir())
    ended = command(built, "--build", package, "--", __file__)
    assert ended.returncode == 2
    errors = [line for line in ended.stderr.splitlines() if not line.startswith("building")]
    assert len(errors) == 1 and said in errors[0], ended.stderr
    assert sorted(package.rglob("*")) == before
    assert sorted(cache.iterdir()) == kept


def test_a_package_that_several_want_at_once_is_built_once(built, tmp_path):
    (tmp_path / "setup.py").write_text(
        "from setuptools import *\nsetup(name='wanted', ext_modules=[Extension('wanted', ['wanted.c'])])",
        encoding="utf-8",
    )
    (tmp_path / "wanted.c").write_text(
        "#include <Python.h>\n"
        "static PyObject *one(PyObject *m, PyObject *op) { return PyLong_FromLong(1); }\n"
        'static PyMethodDef all[] = {{"one", one, METH_NOARGS, NULL}, {NULL}};\n'
        'static PyModuleDef d = {PyModuleDef_HEAD_INIT, "wanted", NULL, 0, all};\n'
        "PyMODINIT_FUNC PyInit_wanted(void) { return PyModule_Create(&d); }\n",
        encoding="utf-8",
    )
    (tmp_path / "script").mkdir()
    script = tmp_path / "script" / "run.py"
    script.write_text("import wanted\nwanted.one()\n", encoding="utf-8")
    with ThreadPoolExecutor(3) as threads:
        all_ended = list(threads.map(lambda _: command(built, "--build", tmp_path, "--", script), range(3)))
    assert [(ended.returncode, ended.stderr) for ended in all_ended if ended.returncode] == []
    assert sum("building" in ended.stderr for ended in all_ended) == 1


def test_a_file_that_is_no_source_distribution(built, tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(b"nothing")
    with pytest.raises(Missing, match="cannot be unpacked"):
        build.build(tmp_path / "a.tar.gz", Stage())
    (tmp_path / "a.whl").write_bytes(b"")
    with pytest.raises(Missing, match="no source distribution"):
        build.build(tmp_path / "a.whl", Stage())
