"""`python -m hashtable_lab ledger`: the exit codes, what people read, what machines read, and that a crash loses nothing."""

from __future__ import annotations

import json
import sys
import sysconfig

import pytest

audit = pytest.importorskip("hashtable_lab.audit.report", reason="the laboratory is not installed")
traced = pytest.importorskip("hashtable_traced", reason="the traced build is not installed")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends by signals")


@pytest.fixture
def run(child, tmp_path, source, example, monkeypatch):
    """A function that writes a script, runs the command on it, and returns how that ended."""
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        # The example does not say that it needs no GIL: without this its import turns the GIL on, with a warning.
        monkeypatch.setenv("PYTHON_GIL", "1")

    def run(script, *options, arguments=()):
        file = tmp_path / "script.py"
        file.write_text(script, encoding="utf-8")
        command = ["-m", "hashtable_lab", "ledger", "--source", str(source), *options, str(file), *arguments]
        return child(*command, folder=example("ledger"))

    return run


OTHER = ("--module", "ledger_example")


def test_a_balanced_script(run):
    script = "import sys, hashtable\nprint(hashtable.HashTable.__module__, sys.argv[1:], __name__)\n"
    ending = run(script + "hashtable.HashTable().set(1, 2)", arguments=["--json", "-v", "x"])
    assert (ending.returncode, ending.stderr) == (0, "")
    assert ending.stdout.splitlines() == [
        "hashtable_traced ['--json', '-v', 'x'] __main__",
        "",
        "Judged: 4 calls of 4 functions.",  # tp_new, tp_init, set, tp_dealloc
        "",
        "Balanced.",
    ]


@pytest.mark.parametrize("other", [False, True])
def test_what_was_not_judged_is_not_called_balanced(run, other):
    """The extension is imported, and nothing of it is called."""
    options, module = (OTHER, "ledger_example") if other else ((), "hashtable_traced")
    ending = run("import gc\ngc.collect()", *options)
    assert (ending.returncode, ending.stdout) == (2, "")
    assert " ".join(ending.stderr.split()) == (
        f"Error: could not tell: the script ran to its end, and called no function of {module} that can be judged."
    )
    ending = run("", "--json", *options)
    assert ending.returncode == 2
    found = json.loads(ending.stdout)
    assert (found["verdict"], found["judged"]) == ("could not tell", {"calls": 0, "functions": 0})


def test_how_many_calls_were_judged(run):
    ending = run("import ledger_example as it\nfor _ in range(3): it.echo(1)\nit.nothing()", *OTHER, "--json")
    assert ending.returncode == 0
    assert json.loads(ending.stdout)["judged"] == {"calls": 4, "functions": 2}


def test_an_unbalanced_script(run):
    ending = run("import ledger_example as it\nfor _ in range(3): it.leak_new()\nprint('done')", *OTHER)
    assert (ending.returncode, ending.stderr) == (1, "")
    said = ending.stdout.splitlines()
    assert said[0] == "done"
    assert any("surplus" in line and " 3 " in line and "src/ledger/example/wrong.rs:" in line for line in said)
    assert any("PyLong_FromLong(123_456);" in line for line in said)
    assert said[-1] == "Unbalanced: 3 times."


def test_what_goes_wrong_at_the_very_end_is_found(run):
    """When the interpreter takes everything apart."""
    ending = run("import ledger_example as it\nkept = [it.LeakyBox(object())]", *OTHER)
    assert ending.returncode == 1
    assert "freed without giving it back" in " ".join(ending.stdout.split())


def test_what_was_found_before_a_crash_is_not_lost(run):
    script = "import os, signal, ledger_example as it\nit.leak_new()\nos.kill(os.getpid(), signal.SIGSEGV)"
    ending = run(script, *OTHER)
    assert ending.returncode == 1
    assert "123456: never given back" in ending.stdout
    last = " ".join(ending.stdout.split("\n\n")[-1].split())
    assert last == "Unbalanced: 1 time, and the script was killed by SIGSEGV (segmentation fault)."


def test_a_crash_without_a_finding_tells_nothing(run):
    ending = run("import os, signal\nos.kill(os.getpid(), signal.SIGABRT)")
    assert ending.returncode == 2
    assert ending.stderr == (
        "Error: could not tell: the script was killed by SIGABRT (aborted); until then it was balanced.\n"
    )


def test_a_script_that_raises(run):
    ending = run("def f():\n    1 / 0\nf()")
    assert ending.returncode == 2
    said = ending.stderr.splitlines()
    assert said[0] == "Traceback (most recent call last):"
    assert "script.py" in said[1]
    assert not any("audited" in line or "runpy" in line for line in said)
    assert said[-1] == (
        "Error: could not tell: the script raised ZeroDivisionError: division by zero; until then it was balanced."
    )


def test_a_script_that_raises_and_is_unbalanced(run):
    ending = run("import ledger_example as it\nit.leak_new()\n1 / 0", *OTHER)
    assert ending.returncode == 1
    last = " ".join(ending.stdout.split("\n\n")[-1].split())
    assert last == "Unbalanced: 1 time, and the script raised ZeroDivisionError: division by zero."


@pytest.mark.parametrize(("code", "words"), [("3", "exit code 3"), ("'over'", "exit code 1"), ("None", None)])
def test_the_exit_code_of_a_script_is_its_own_affair(run, code, words):
    ending = run(f"import sys, hashtable\nhashtable.HashTable()\nsys.exit({code})")
    assert ending.returncode == 0
    last = "Balanced." if words is None else f"Balanced (the script ended with {words})."
    assert ending.stdout.splitlines()[-1] == last
    assert ending.stderr == ("over\n" if code == "'over'" else "")


def test_json(run, source):
    spare = "import ctypes\nx = object()\nctypes.pythonapi.Py_IncRef(ctypes.py_object(x))\n"  # for the bug to give away
    script = f"import ledger_example as it\nprint('hello')\n{spare}it.leak_new()\nit.return_argument(x)"
    ending = run(script, *OTHER, "--json", "--events", arguments=["a"])
    assert ending.returncode == 1
    assert ending.stderr == "hello\n"
    found = json.loads(ending.stdout)
    assert list(found) == [
        *("script", "arguments", "module", "python", "verdict", "exit_code", "ending", "judged", "unjudged", "blind"),
        *("findings", "events"),
    ]
    assert found["script"].endswith("script.py")
    known = {key: found[key] for key in ("arguments", "module", "verdict", "exit_code", "ending")}
    assert known == {
        "arguments": ["a"],
        "module": "ledger_example",
        "verdict": "unbalanced",
        "exit_code": 1,
        "ending": "the script ran to its end",
    }
    surplus, deficit = found["findings"]
    names = {"kind", "what", "file", "line", "function", "type", "repr", "address", "times", "source", "callers"}
    assert set(surplus) == set(deficit) == names
    text = (source / surplus["file"]).read_text(encoding="utf-8").splitlines()[surplus["line"] - 1]
    assert surplus["source"] == text.strip()
    assert (deficit["kind"], deficit["file"], deficit["line"], deficit["source"]) == ("deficit", "", 0, "")
    assert {"what", "file", "line", "function", "address", "type", "count"} == set(found["events"][0])
    assert [event["what"] for event in found["events"]][:2] == ["new", "borrowed"]


def test_json_of_what_cannot_be_told(run):
    ending = run("1 / 0", "--json")
    assert ending.returncode == 2
    assert json.loads(ending.stdout)["verdict"] == "could not tell"


def test_events_for_people(run):
    ending = run("import hashtable\nhashtable.HashTable().set('a', 1)", "--events")
    assert ending.returncode == 0
    assert any(line.startswith("  | stored    src/extension/") for line in ending.stdout.splitlines())


def test_wrong_usage(run, child):
    ending = run("", "--module", "json")
    assert ending.returncode == 2
    assert ending.stderr.startswith("Error: json keeps no ledger: ")
    assert len(ending.stderr.splitlines()) == 1
    ending = child("-m", "hashtable_lab", "ledger", "no-such-script.py")
    assert ending.returncode == 2
    assert "no-such-script.py" in ending.stderr
    ending = child("-m", "hashtable_lab", "ledger", "--help")
    assert ending.returncode == 0
    assert "Exit codes:" in ending.stdout
