"""`make` says in one clear line what the machine lacks, and lists its targets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.skipif(not (ROOT / "Makefile").is_file(), reason="the source is not at hand"),
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not there"),
]


def make(target: str, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs make as somebody would with this PATH. (Its own variables are taken away, as make may be running this.)"""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "GNUMAKE"))
    }
    command = [str(shutil.which("make")), "--no-print-directory", target, *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**environment, "PATH": path}, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with everything that is needed, for tests to take something away."""
    for name in ("sh", "awk", "find", "test", "printf"):
        found = shutil.which(name)
        if found:
            (tmp_path / name).symlink_to(found)
    for name in ("cargo", "cc"):
        script(tmp_path / name, "exit 0")
    script(tmp_path / "python3", f'exec {sys.executable} "$@"')
    return tmp_path


def script(file: Path, line: str) -> None:
    file.write_text(f"#!/bin/sh\n{line}\n")
    file.chmod(0o755)


def complaint(tools: Path) -> str:
    """The one line that make says before it gives up."""
    done = make("check-tools", str(tools))
    assert done.returncode == 2
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1, done.stderr
    return said[0]


def test_nothing_is_said_when_nothing_is_missing(tools: Path) -> None:
    done = make("check-tools", str(tools))
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "name, remedy", [("cargo", "install Rust"), ("cc", "C compiler"), ("python3", "install CPython 3.9")]
)
def test_a_missing_tool(tools: Path, name: str, remedy: str) -> None:
    (tools / name).unlink()
    line = complaint(tools)
    assert "missing" in line and remedy in line


def test_a_python_that_is_too_old(tools: Path) -> None:
    script(tools / "python3", 'test "$1" = -V && echo "Python 3.8.18"; exit 1')
    line = complaint(tools)
    assert line.startswith("Python 3.8.18 is too old") and "make PYTHON=" in line


def test_a_python_without_venv(tools: Path) -> None:
    refuse = "import sys; sys.modules['ensurepip'] = None; exec(sys.argv[1])"
    script(tools / "python3", f'test "$1" = -c && exec {sys.executable} -c "{refuse}" "$2"')
    assert "no venv" in complaint(tools)


def helped(*arguments: str) -> list[str]:
    """The lines of `make help`."""
    return make("help", os.environ["PATH"], *arguments).stdout.splitlines()


def described() -> dict[str, set[str]]:
    """The targets that the Makefile describes, by the headings of its sections."""
    heading, found = "", {}
    for line in (ROOT / "Makefile").read_text().splitlines():
        if line.startswith("# ---- "):
            heading = line.strip("# -")
        elif re.match(r"[a-z-]+:.*## ", line):
            found.setdefault(heading, set()).add(line.split(":")[0])
    return found


def test_help_names_every_target_in_fifteen_lines() -> None:
    lines = helped()
    assert len(lines) <= 15, "a section more than fits: give its targets to another one"
    sections = described()
    main = next(iter(sections))
    assert lines[0] == main == "the main things"
    count = len(sections[main])
    assert {line.split()[1] for line in lines[1 : count + 1]} == sections[main]
    named = {line[:20].strip(): set(line[20:].split()) for line in lines[count + 1 : -1]}
    assert named == {heading: names for heading, names in sections.items() if heading != main}
    assert "make help ALL=1" in lines[-1]


def test_help_can_say_what_every_target_does() -> None:
    lines = helped("ALL=1")
    sections = described()
    assert [line for line in lines if not line.startswith("  make ")] == list(sections)
    assert {line.split()[1] for line in lines if line.startswith("  make ")} == set().union(*sections.values())
    assert all(len(line.split(None, 2)) == 3 for line in lines if line.startswith("  make "))


def test_a_record_is_written_in_one_way() -> None:
    """`make record WHAT=...` knows what it can record, and nothing else in the Makefile spells it in another way."""
    wrong = make("record", os.environ["PATH"], "WHAT=nonsense")
    assert wrong.returncode == 2
    assert "one or more of bench " in wrong.stderr
    assert "one or more of bench " in make("record", os.environ["PATH"]).stderr
    text = (ROOT / "Makefile").read_text()
    (known,) = re.findall(r"^RECORDS := (.*)$", text, re.M)
    assert sorted(re.findall(r"^record-(\w+):", text, re.M)) == sorted(known.split())
    for name in set().union(*described().values()) - {"record"}:
        assert not re.search("record|page$|atlas", name), name
