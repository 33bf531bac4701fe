"""Writes docs/field.md from the record and the cases: no figure on that page is typed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hashtable_lab.field import record, survey
from hashtable_lab.field.case import cases
from hashtable_lab.field.repeat import PARAMETERS
from hashtable_lab.field.report import Report, reports
from hashtable_lab.field.suite import LEDGER_LIMIT, REPEAT_LIMIT
from hashtable_lab.field.tools import TITLES, TOOLS
from hashtable_lab.source import source_folder

HEAD = """\
# The field, measured

<!-- Made by `make record WHAT=field`, or by `python -m hashtable_lab field --page`: edit the cases and reports below
src/lab/hashtable_lab/field, not this page. -->

:::{{admonition}} After this chapter you can
:class: goals
say which kinds of mistake real packages had, which tool saw each of them, and how often a tool was wrong.
:::

The tools of this book were made on the book's own extension. This page shows what they say of other people's: real bugs in
released packages, each with a release that has it and one that has not. What upstream wrote about it is linked. The versions are
facts, and none of this is about whose bug it was: anyone who writes C by hand has had one of each kind.

`make field` runs it anew ({machine}). Each case is a file of a few lines in `src/lab/hashtable_lab/field/cases`.

## What was reached

"""

TAIL = """

:::{admonition} What was seen
:class: seen
Most of these bugs lost a reference on a path that few programs take, and a tool named the line. **One thing to try:**
`make field CASES=multidict-istr`, and read what each tool prints.
:::
"""

LEGEND = """
A tool *names the line* (**line**), *finds* it (found), says nothing (not), or the program dies of it under the tool (died).
*n/a*: the release does not build for it, or the tool could not tell, or it was not run; the reason stands below. *False*
counts what was said of the good release and is not known to be true, by all but fault injection: that one makes calls fail
all over the package, and what it says of the good release, *error paths*, is about other paths than the case is. It was not
looked at one by one. The seconds that stand below each case are those of the release that has the bug, without building; they
were taken on a machine with other work and only compare roughly.

- **ledger**: [`ledger --build`](foreign.md), the package built with our `Python.h`; the script runs the statement ten times.
- **faults**: [`faults --build`](faults.md), each call of the C API failing once (12 places at most, spread over all).
- **leakcheck**: [`leakcheck`](leakcheck.md), on the package as pip installs it.
- **psleak**: [psleak](https://github.com/giampaolo/psleak) by itself, with its own settings.
- **total refcount**: `sys.gettotalrefcount()` on a debug build of CPython, read by the rule of `leakcheck`.

"""


#: Of what fault injection said of the good release, so much is listed for each case.
MOST_PATHS = 4


def file_of() -> Path:
    """Where the page is."""
    return source_folder() / "docs" / "field.md"


def write() -> None:
    """Writes the page.

    Raises:
        Missing: there is no record.
    """
    known = record.load()
    picked = [case for case in cases() if case.name in known["cases"]]
    rows = [record.judge(case, known["cases"][case.name]) for case in picked]
    parts = [HEAD.format(machine=known["machine"]), *_goals(rows), LEGEND, *_table(rows), "\n## The cases\n\n"]
    parts += [_case(row) for row in rows]
    parts += _reports(reports())
    parts += _survey(known.get("survey", {}))
    file_of().write_text("".join(parts).rstrip() + TAIL, encoding="utf-8")


def _goals(rows: Sequence[record.Row]) -> Iterator[str]:
    yield "| goal | reached | of | wanted | |\n|---|---|---|---|---|\n"
    for goal in record.goals(rows, whole=True):
        yield f"| {goal.what} | {goal.reached} | {goal.of} | {goal.wanted or 'none'} | {goal.verdict} |\n"


def _table(rows: Sequence[record.Row]) -> Iterator[str]:
    yield ("| case | bad | good | kind | " + " | ".join(TITLES[tool] for tool in TOOLS) + " | false | error paths |\n")
    yield "|---|---|---|---|" + "---|" * (len(TOOLS) + 2) + "\n"
    for row in rows:
        case = row.case
        cells = [row.cells.get(tool, record.ABSENT) for tool in TOOLS]
        cells = [f"**{cell}**" if cell == record.LINE else cell for cell in cells]
        about = f"{case.name} | {case.bad} | {case.good} | {case.kind}"
        yield f"| {about} | {' | '.join(cells)} | {len(row.false)} | {len(row.paths)} |\n"


def _included(file: str, *options: str) -> str:
    """What these options choose of a file below field/."""
    chosen = "".join(f":{option}\n" for option in options)
    return f"\n```{{literalinclude}} ../src/lab/hashtable_lab/field/{file}\n{chosen}```\n\n"


def _case(row: record.Row) -> str:
    case = row.case
    lines = [
        f"### {case.name}\n",
        f"\n{case.package} {case.bad}, and {case.good}: {case.what} [Upstream]({case.source}).",
        f" The line: `{'` or `'.join(case.lines)}`.\n",
        _included(f"cases/{case.name}.toml", "language: toml", f"start-at: {'setup' if case.setup else 'statement'} ="),
    ]
    seconds = ", ".join(f"{TITLES[tool]} {row.seconds[tool]:.1f}" for tool in TOOLS if tool in row.seconds)
    lines += [f"- Seconds: {seconds}\n"] if seconds else []
    lines += [f"- No answer: {words}\n" for words in row.missing]
    lines += [f"- Of the good release, not explained: {words}\n" for words in row.false]
    lines += [f"- Fault injection, of the good release: {words}\n" for words in row.paths[:MOST_PATHS]]
    lines += [f"- and {len(row.paths) - MOST_PATHS} more of that kind\n"] if len(row.paths) > MOST_PATHS else []
    lines += [f"- True of the good release as well: `{place}`, {why}\n" for place, why in case.also.items()]
    return "".join(lines).rstrip() + "\n\n"


NEW = """## What was new

Found by these tools in current releases. Each has the text of a report. Where upstream knows of it, the text says so; of the
others, a search of the issues on GitHub in November 2026 found nothing. Trackers elsewhere, as pymongo's, were not searched.
"""

SURVEY = """
## Packages' own tests

What is new in the current releases of the packages with extensions that are downloaded most? Their own tests are run with the
ledger (`--build`, {ledger:g} seconds), and each test that passes is repeated under leakcheck's meters on an unmodified wheel
({repeat:g} seconds; of a test with many parameters the first {parameters}); the large ones have longer, and of their tests the
files that `survey.toml` names are run. `make survey` runs it anew, `make survey PACKAGES='wrapt yarl'` some of it. The rank is
that among all packages by downloads, November 2026. Where the current release wants a newer Python than 3.11, the newest one that
does not is taken instead.

*Clean* and *balanced* speak of what was judged, which stands beside them, and of nothing else. A count that grows because a list or
a dict in Python holds more and more is no leak of an extension; those are counted apart. What nobody has looked at is no verdict
about the package.

"""


def _survey(found: Mapping[str, Any]) -> Iterator[str]:
    if not found:
        return
    yield SURVEY.format(parameters=PARAMETERS, ledger=LEDGER_LIMIT, repeat=REPEAT_LIMIT)
    listed = survey.packages()
    yield f"{_counted(listed, found)}\n\n| rank | package | ledger | leakcheck |\n|---|---|---|---|\n"
    for one in listed:
        both = found.get(one.name, {})
        cells = [
            _cell(one, tool, both[tool]) if tool in both else one.why_not(tool) or "not run" for tool in survey.SUITES
        ]
        current = f" (current: {one.instead_of})" if one.instead_of else ""
        yield f"| {one.rank} | {one.name} {one.version}{current} | {' | '.join(cells)} |\n"
    yield "\nOf these a few lines of ours were run instead of their own tests:\n\n"
    for one in listed:
        if one.why_lines:
            yield f"- {one.name}: {one.why_lines}\n"
    yield "\n### What was found in them\n\n"
    for one in listed:
        for tool, answer in found.get(one.name, {}).items():
            yield from _found(one, tool, answer)


def _counted(listed: Sequence[survey.Package], found: Mapping[str, Any]) -> str:
    """How many packages were judged, by which tool, and how many by a few lines of ours only."""
    judged = {
        tool: {one.name for one in listed if "missing" not in found.get(one.name, {}).get(tool, {"missing": ""})}
        for tool in survey.SUITES
    }
    run = set().union(*judged.values())
    lines = sum(one.name in run and bool(one.lines) for one in listed)
    by_tool = ", ".join(f"{len(names)} by {tool}" for tool, names in judged.items())
    judged_by_lines = f"{lines} of them by a few lines of ours instead of their own tests"
    return f"{len(run)} of {len(listed)} packages were judged ({by_tool}), {judged_by_lines}."


def _cell(package: survey.Package, tool: str, answer: Mapping[str, Any]) -> str:
    """What a tool has judged, and what came of looking at what it found."""
    reasons = [package.why(one) for one in survey.found_by(tool, answer)]
    false, unknown = sum(why.startswith("false") for why in reasons), reasons.count("")
    counted = f" ({len(reasons) - false - unknown} findings true, {false} false, {unknown} not looked at)"
    return (survey.judged_by(tool, answer) + (counted if reasons else "")).replace("|", "\\|")


def _found(package: survey.Package, tool: str, answer: Mapping[str, Any]) -> Iterator[str]:
    """What was found, one line for each verdict of ours, with the first of what it is about."""
    grouped: dict[str, list[str]] = {}
    for one in survey.found_by(tool, answer):
        grouped.setdefault(package.why(one) or "not looked at", []).append(one)
    for why, places in grouped.items():
        more = f", and {len(places) - 1} more of that kind" if len(places) > 1 else ""
        yield f"- {package.name}, {tool}: `{places[0]}`{more}: {why}\n"


def _reports(found: Sequence[Report]) -> Iterator[str]:
    if not found:
        return
    yield NEW
    for report in found:
        yield f"\n### {report.package} {report.version}: {report.title}\n"
        yield _included(
            f"reports/{report.name}.toml", "language: python", "start-after: script =", 'end-before: \'"""\''
        )
        yield "".join(f"> {line}".rstrip() + "\n" for line in report.text.strip().splitlines())
