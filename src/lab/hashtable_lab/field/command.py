"""`python -m hashtable_lab field`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from hashtable_lab.campaign import Job, Result, known
from hashtable_lab.campaign.option import executor_option, fresh_option, run_with_progress
from hashtable_lab.errors import Missing
from hashtable_lab.field import page, record, survey
from hashtable_lab.field.case import Case, cases
from hashtable_lab.field.tools import TITLES, TOOLS, depends_on
from hashtable_lab.stage import Stage

FIELD_HELP = """\b
Examples:
  python -m hashtable_lab field
  python -m hashtable_lab field multidict --tool ledger --tool leakcheck
  python -m hashtable_lab field --survey markupsafe wrapt

\b
Exit codes:
  0    the goals are reached: lines named, leaks caught, nothing false said of good releases
  1    they are not; of the survey: something was found that nobody has looked at
  2    wrong usage, or something is missing (a line says what to do)
  130  interrupted (Ctrl-C); the next run goes on where this one was"""


@click.command("field", epilog=FIELD_HELP)
@click.argument("names", nargs=-1, metavar="[CASE]...")
@click.option(
    "--tool", "-t", "chosen", multiple=True, type=click.Choice(list(TOOLS)), help="Only this one. May be repeated."
)
@click.option("--record", "keep", is_flag=True, help="Keep what was seen in docs/field.json, and write docs/field.md.")
@click.option("--page", "only_page", is_flag=True, help="Write docs/field.md from the record, and run nothing.")
@click.option("--survey", "is_survey", is_flag=True, help="Instead: packages' own tests, in current releases.")
@click.option("--known", "only_known", is_flag=True, help="Run nothing: take what earlier runs have seen.")
@click.option("--json", "machine", is_flag=True, help="Print what was seen as JSON.")
@fresh_option
@executor_option
def field_command(
    names: tuple[str, ...],
    chosen: tuple[str, ...],
    keep: bool,
    only_page: bool,
    is_survey: bool,
    only_known: bool,
    machine: bool,
    fresh: bool,
    executor: str,
) -> int:
    """Real bugs in real packages: which tool catches which, and does it name the line?

    Each CASE is a bug with two releases of a package, one that has it and one that has not. Both are fetched from the
    package index, built, and put to every tool. Needs a network and a C compiler; all of it takes about an hour the first time.
    """
    stage = Stage()
    if only_page:
        page.write()
        return 0
    if is_survey:
        return look_around(names, chosen, stage, None if only_known else executor, fresh, keep, machine)
    if keep and chosen:
        raise Missing("only what all tools say can be recorded: leave out the choice of tools.")
    picked = cases(names)
    tools = [tool for tool in TOOLS if not chosen or tool in chosen]
    answers = run(picked, tools, stage, None if only_known else executor, fresh)
    rows = [record.judge(case, answers[case.name]) for case in picked]
    if machine:
        sys.stdout.write(json.dumps(record.as_json(picked, answers), indent=1) + "\n")
    else:
        show(rows, tools, stage, whole=not names)
    if keep:
        content = record.as_json(picked, answers)
        if record.file().is_file() and "survey" in record.load():
            content["survey"] = record.load()["survey"]
        if names and record.file().is_file():
            before = record.load()
            content["cases"] = {**before["cases"], **content["cases"]}
        content["cases"] = {case.name: content["cases"][case.name] for case in cases() if case.name in content["cases"]}
        record.file().write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        page.write()
    missed = any(goal.verdict == "not reached" for goal in record.goals(rows, whole=not names and not chosen))
    return int(missed)


def jobs(picked: Sequence[Case], tools: Sequence[str]) -> list[tuple[Case, str, str, Job]]:
    """The campaign: for each case, release and tool a job, releases of a package one after the other."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    all_jobs = []
    for case in picked:
        if case.python and version not in case.python.split():
            continue
        for role in ("bad", "good"):
            release, patch = case.release(role)
            for tool in tools:
                arguments: dict[str, Any] = {"package": case.package, "version": release, "patch": patch}
                arguments |= {"needs": list(case.needs), "constraints": list(case.build_with)}
                if tool in ("ledger", "faults"):
                    arguments["script"] = case.script
                else:
                    arguments |= {"setup": case.setup.strip(), "statement": case.statement.strip()}
                label = f"{tool} on {case.package} {release}{' patched' if patch else ''} ({case.name})"
                all_jobs.append((case, role, tool, Job(TOOLS[tool][0], arguments, depends_on(tool), label)))
    return all_jobs


def run(
    picked: Sequence[Case], tools: Sequence[str], stage: Stage, executor: str | None, fresh: bool
) -> dict[str, dict[str, dict[str, Any]]]:
    """Runs the campaign. Returns, for each case and tool, the answers for both releases."""
    campaign = jobs(picked, tools)
    results = _results("the field", [job for *_, job in campaign], stage, executor, fresh)
    answers = {case.name: record.answers_of(tools) for case in picked}
    for (case, role, tool, _), result in zip(campaign, results):
        answers[case.name][tool][role] = {"missing": result.error} if result.error else result.value
    return answers


def _results(what: str, campaign: list[Job], stage: Stage, executor: str | None, fresh: bool) -> list[Result]:
    """Runs jobs; without an executor, takes what is known of them."""
    if executor is None:
        return known(campaign, "field")
    return run_with_progress(what, campaign, stage, executor, store="field", fresh=fresh)


def look_around(
    names: Sequence[str],
    tools: Sequence[str],
    stage: Stage,
    executor: str | None,
    fresh: bool,
    keep: bool,
    machine: bool,
) -> int:
    """Runs the survey. Returns the exit code: 1 if something was found that nobody has looked at."""
    picked = [one for one in survey.packages() if not names or one.name.startswith(tuple(names))]
    if not picked:
        raise Missing(
            f"the survey has no package {names[0]!r}; it has: {', '.join(one.name for one in survey.packages())}."
        )
    campaign = [(one, tool, job) for one in picked for tool, job in one.jobs() if not tools or tool in tools]
    results = _results("the survey", [job for *_, job in campaign], stage, executor, fresh)
    answers: dict[str, dict[str, Any]] = {one.name: {} for one in picked}
    for (one, tool, _), result in zip(campaign, results):
        if not result.error:
            answers[one.name][tool] = result.value
        elif executor is not None:
            answers[one.name][tool] = {"missing": result.error}
    if machine:
        sys.stdout.write(json.dumps(answers, indent=1) + "\n")
    else:
        for one in picked:
            said = [f"{tool}: {survey.words(one, tool, answer)}" for tool, answer in answers[one.name].items()]
            stage.say(f"{one.name} {one.version}:")
            said += [f"{tool}: not run: {one.why_not(tool)}" for tool in survey.SUITES if one.why_not(tool)]
            stage.transcript("\n".join(said or ["not run yet"]))
    if keep:
        content = record.load()
        names_kept = {one.name for one in survey.packages()}
        before = content.get("survey", {})
        seen = {**before, **{name: {**before.get(name, {}), **both} for name, both in answers.items() if both}}
        content["survey"] = {name: both for name, both in seen.items() if name in names_kept}
        record.file().write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        page.write()
    return int(any(survey.new(one, answers[one.name]) for one in picked))


def show(rows: Sequence[record.Row], tools: Sequence[str], stage: Stage, whole: bool) -> None:
    """Prints the table, what is missing, and the totals against the goals."""
    # What fits into 80 columns; the versions and the rest stand on the page, and in what --json prints.
    columns = ["case", *(TITLES[tool] for tool in tools), "false"]
    stage.table(columns, [(row.case.name, *_cells(row.cells, tools), str(len(row.false))) for row in rows], gap=1)
    for row in rows:
        for words in row.missing:
            stage.say(f"{row.case.name}: {words}")
        for words in row.false:
            stage.say(f"{row.case.name}, not explained, of {row.case.good}: {words}")
    stage.table(
        ["goal", "reached", "of", "wanted", ""],
        [(goal.what, goal.reached, goal.of, goal.wanted or "none", goal.verdict) for goal in record.goals(rows, whole)],
    )


def _cells(cells: Mapping[str, str], tools: Sequence[str]) -> list[str]:
    return [cells.get(tool, record.ABSENT) for tool in tools]
