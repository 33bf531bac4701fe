"""The command line as a whole: every command is listed, has its help, and is imported only when it is needed."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

pytest.importorskip("hashtable_lab.cli", reason="the laboratory is not installed")

import click
from hashtable_lab import cli
from hashtable_lab.commands import CANNOT, INTERRUPTED, Commands, run
from hashtable_lab.demos import DEMOS


@pytest.mark.parametrize("words", [[], *([name] for name in cli.COMMANDS), *(["demo", name] for name in DEMOS)])
def test_every_command_has_its_help(words, capsys):
    assert cli.main([*words, "--help"]) == 0
    said = capsys.readouterr().out
    assert " ".join(["Usage: python -m hashtable_lab", *words]) in said
    # A name in braces is a value that nobody put in.
    assert not re.search(r"\{\w+\}", said), said


def test_every_command_is_listed(capsys):
    assert cli.main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert [name for name in cli.COMMANDS if f"\n  {name} " not in listed] == []
    assert cli.main(["demo"]) == 0
    listed = capsys.readouterr().out
    assert [name for name in (*DEMOS, "all") if f"\n  {name} " not in listed] == []


def test_an_unknown_command_is_told_in_a_line(capsys):
    assert cli.main(["no-such"]) == CANNOT
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "no-such" in said and "leakcheck" in said


def test_a_command_is_imported_when_it_is_needed(child):
    program = (
        "import sys; from hashtable_lab import cli; cli.main(['who', '--help']); "
        "print([name for name in sys.modules if name.startswith('hashtable_lab.demos')])"
    )
    ending = child("-c", program)
    assert ending.returncode == 0 and ending.stdout.endswith("[]\n"), ending.stderr


def test_what_cannot_be_imported_does_not_take_the_others_along(tmp_path, monkeypatch, capsys):
    (tmp_path / "needs_a_package.py").write_text("import no_such_package_at_all\n")
    (tmp_path / "is_broken.py").write_text("import hashtable_lab.no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    members = {"lame": "needs_a_package:command", "who": cli.COMMANDS["who"], "broken": "is_broken:command"}
    group = Commands("lab", members={name: members[name] for name in ("lame", "who")})
    assert run(group, ["--help"], "lab") == 0
    assert "no_such_package_at_all" in capsys.readouterr().out
    assert run(group, ["lame", "--option", "argument"], "lab") == CANNOT
    assert "pip install '.[lab]'" in capsys.readouterr().err
    assert run(group, ["who", "--help"], "lab") == 0
    # A mistake of our own is not taken for a package that is missing.
    with pytest.raises(ModuleNotFoundError):
        run(Commands("lab", members={"broken": members["broken"]}), ["broken"], "lab")


def test_interrupted(capsys):
    @click.command()
    def waits() -> None:
        raise KeyboardInterrupt

    assert run(waits, [], "waits") == INTERRUPTED
    assert "Traceback" not in capsys.readouterr().err


def test_the_console_script_is_the_same_under_its_own_name(child):
    script = Path(sysconfig.get_path("scripts"), cli.SCRIPT)
    if not script.is_file():
        pytest.skip("the package is on the path without being installed")
    by_module = child("-m", "hashtable_lab", "--help")
    by_script = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=60)
    assert by_script.returncode == by_module.returncode == 0
    assert by_script.stdout == by_module.stdout.replace("python -m hashtable_lab", "hashtable-lab")
    wrong = subprocess.run([script, "no-such"], capture_output=True, text=True, timeout=60)
    assert (wrong.returncode, "`hashtable-lab` knows no 'no-such'" in wrong.stderr) == (CANNOT, True)


def test_the_words_of_a_standard_library_with_a_link_that_leads_nowhere(tmp_path, monkeypatch):
    from hashtable_lab.demos import wordcount

    (tmp_path / "there.py").write_text("words\n")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    monkeypatch.setattr(wordcount.sysconfig, "get_path", lambda name: str(tmp_path))
    assert wordcount.standard_library() == [tmp_path / "there.py"]
