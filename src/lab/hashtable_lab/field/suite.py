"""A package's own tests, put to two tools: once under the ledger, and again and again under leakcheck's meters (`repeat`).

Each of these functions is a job of a campaign, as those in `tools` are. The tests are copied out of the source distribution to a
folder of their own, away from the source that was not built, or they are modules that are installed with the package. What does not
end within the time limit is stopped, and the answer says what was seen until then.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from filelock import FileLock

from hashtable_lab import children
from hashtable_lab.audit import report
from hashtable_lab.errors import Missing
from hashtable_lab.field import packages
from hashtable_lab.field.tools import answer_or_reason, plain
from hashtable_lab.foreign.build import build, root_of, unpack
from hashtable_lab.stage import Silent

#: A build with the ledger is stopped after so many seconds, and so are the tests.
BUILD_LIMIT, LEDGER_LIMIT, REPEAT_LIMIT = 1800.0, 60.0, 30.0

#: Of what grows so much is kept.
MOST_GROWING = 30

#: pytest, without what keeps something of each test that it has run, and without plugins that run tests elsewhere.
QUIET = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", "-p", "no:codspeed", "-p", "no:benchmark"]
REPEATING = ["-p", "no:terminal", "-p", "no:warnings", "-p", "no:junitxml", "-p", "no:faulthandler"]


@contextmanager
def _tests(source: Path, tests: dict[str, Any]) -> Iterator[tuple[Path, list[str]]]:
    """A folder with the tests, and pytest's arguments.

    Args:
        source: the source distribution.
        tests: `folder` is one of it that is copied, and `files` are what is run of it ([]: all); or `modules` are installed with
            the package; or `lines` are a file of tests. `also` are folders and files of the source distribution that the tests
            read, `ini` are lines for pytest.ini, `skip` are tests that are left out, `environment` are variables.

    Raises:
        Missing: there are no such tests.
    """
    with tempfile.TemporaryDirectory(prefix="hashtable-lab-") as temporary:
        home = Path(temporary, "suite")
        home.mkdir()
        chosen = []
        if tests["folder"]:
            found = _unpacked(source) / tests["folder"]
            wanted = [found / name for name in tests["files"]] or [found]
            for path in wanted:
                if not path.exists():
                    raise Missing(
                        f"{source.name} has no {path.relative_to(_unpacked(source))}: there are no tests to run."
                    )
            shutil.copytree(found, home / tests["folder"])
            for name in tests.get("also", []):
                beside = _unpacked(source) / name
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if beside.is_dir() else shutil.copy)(beside, home / name)
            chosen = [str(home / tests["folder"] / path.relative_to(found)) for path in wanted]
        elif tests["modules"]:
            chosen = ["--pyargs", *tests["modules"]]
        else:
            (home / "test_lines.py").write_text(tests["lines"], encoding="utf-8")
            chosen = [str(home / "test_lines.py")]
        ini = home / "pytest.ini"
        ini.write_text(f"[pytest]\n{tests['ini']}\n", encoding="utf-8")
        left_out = [f"--deselect={name}" for name in tests["skip"]]
        with mock.patch.dict(os.environ, tests.get("environment", {})):
            yield home, ["-c", str(ini), f"--rootdir={home}", *QUIET, *left_out, *chosen]


def _unpacked(source: Path) -> Path:
    if source.is_dir():
        return source
    kept = packages.folder() / "unpacked" / source.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(kept.with_name(f"{kept.name}.lock")):
        if not (kept / "done").is_file():
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
            unpack(source, kept / "source", source.name)
            (kept / "done").touch()
    return root_of(kept / "source")


def judge_tests(built: Any, source: Path, tests: dict[str, Any], time_limit: float = LEDGER_LIMIT) -> dict[str, Any]:
    """Runs tests once, with a package that was built with the ledger. Arguments as for `_tests`."""
    answer: dict[str, Any] = {}
    with _tests(source, tests) as (home, arguments), open(home / "said", "w+", encoding="utf-8") as said:
        begun = time.monotonic()
        ended = report.run(
            report.Program("pytest", ("-q", *arguments), is_module=True),
            built.subject(),
            output=said.fileno(),
            errors=said.fileno(),
            time_limit=time_limit,
            folder=home,
        )
        answer["seconds"] = time.monotonic() - begun
        said.seek(0)
        lines = said.read().strip().splitlines()
    counted = re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", lines[-1] if lines else "")
    answer["tests"] = {word.rstrip("s"): int(number) for number, word in counted}
    answer["verdict"], answer["ending"], answer["judged"] = ended.verdict, ended.ending, ended.judged
    # What happens once, while a module is loaded, comes last.
    answer["findings"] = plain(sorted(ended.findings, key=lambda finding: finding.function == "exec"))
    answer["found"] = len(ended.findings)
    if not answer["judged"] or not answer["judged"][0]:
        raise Missing(f"nothing was judged: {(lines or [ended.ending])[-1][:200]}")
    return answer


def run_suite_under_ledger(
    package: str, version: str, needs: Sequence[str], tests: dict[str, Any], seconds: float = LEDGER_LIMIT
) -> dict[str, Any]:
    """The tests, once, with the package built with the ledger."""
    with answer_or_reason() as answer:
        source = packages.source(package, version)
        with mock.patch.dict(os.environ, tests.get("environment", {})):
            built = build(source, Silent(), needs, BUILD_LIMIT)
        answer.update(judge_tests(built, source, tests, seconds))
    return answer


def repeat_tests(
    installed: Path, source: Path, tests: dict[str, Any], time_limit: float = REPEAT_LIMIT
) -> dict[str, Any]:
    """Runs each of the tests again and again, with a package as pip installs it.

    Args:
        installed: the folder in which it is.
        source, tests: as for `_tests`.
        time_limit: after so many seconds no other test is begun.

    Raises:
        Missing: no test was repeated.
    """
    with _tests(source, tests) as (home, arguments):
        log = home / "log"
        path = [str(installed), *(os.path.abspath(entry) for entry in sys.path)]
        variables = {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}
        variables["HASHTABLE_LAB_REPEAT"] = json.dumps({"log": str(log), "seconds": time_limit})
        program = f"import os, runpy, sys; os.chdir({str(home)!r}); sys.path[0] = ''"
        program += "; runpy.run_module('pytest', run_name='__main__', alter_sys=True)"
        command = [sys.executable, "-c", program, "-p", "hashtable_lab.field.repeat", *REPEATING, *arguments]
        begun = time.monotonic()
        ending = children.run_command(command, variables, time_limit + 60)
        seconds = time.monotonic() - begun
        lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
    rows = [json.loads(line) for line in lines if line.endswith("}")]
    answer = summary(rows, str(ending))
    if not answer["judged"]:
        said = ending.output.strip().splitlines() or [str(ending)]
        reasons = [row["why"] for row in rows if "why" in row]
        raise Missing(f"no test was repeated: {(reasons or [said[-1]])[-1][:200]}")
    return {"seconds": seconds, **answer}


def summary(rows: Sequence[dict[str, Any]], ending: str) -> dict[str, Any]:
    """Makes an answer of the lines that the plugin has written."""
    failed = {row["failed"] for row in rows if "failed" in row}
    judged = [row for row in rows if "runs" in row and row["test"] not in failed]
    begun = [row["begun"] for row in rows if "begun" in row]
    finished = {row["test"] for row in rows if "test" in row}
    answer: dict[str, Any] = {"tests": sum(row.get("tests", 0) for row in rows), "judged": len(judged)}
    answer["runs"] = sum(row["runs"] for row in judged)
    answer["counted"] = max((row["counted"] for row in judged), default=0)
    ends = [row["end"] for row in rows if "end" in row]
    if ends:
        answer["ending"] = "to the end" if ends[0] else "until the time was up"
    else:
        answer["ending"] = (
            f"{ending}, in {(begun or ['no test'])[-1]}" if begun and begun[-1] not in finished else ending
        )
    grows = [{"test": row["test"], **one} for row in judged for one in row["grows"]]
    grows.sort(key=lambda one: -one["hidden"])
    answer["hidden"] = sum(one["hidden"] > 0.5 for one in grows)
    answer["visible"] = len(grows) - answer["hidden"]
    answer["grows"] = grows[:MOST_GROWING]
    answer["verdict"] = "leaks" if answer["hidden"] else "clean"
    return answer


def run_suite_under_census(
    package: str, version: str, needs: Sequence[str], tests: dict[str, Any], seconds: float = REPEAT_LIMIT
) -> dict[str, Any]:
    """The tests, again and again, with the package as pip installs it."""
    with answer_or_reason() as answer:
        source = packages.source(package, version) if tests["folder"] else Path()
        answer.update(repeat_tests(packages.installed(package, version, "", needs), source, tests, seconds))
    return answer
