"""What a learner types: `python -m hashtable_lab course …`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from hashtable_lab.course import c
from hashtable_lab.course import folder as folders
from hashtable_lab.course.check import check
from hashtable_lab.course.contents import PARTS, entries, entry
from hashtable_lab.course.exercise import REASONS, Entry
from hashtable_lab.course.folder import Folder
from hashtable_lab.course.prove import attempts, prove
from hashtable_lab.course.quiz.command import quiz_command
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

#: How often `watch` looks whether a file was saved, in seconds.
LOOK_EVERY = 0.2

EXIT_CODES = """\b
Exit codes:
  0    the exercise is done, or what was asked for was shown
  1    it is not done yet
  2    wrong usage, or something is missing (a line says what to do)
  130  interrupted (Ctrl-C)"""


@click.group("course", epilog=EXIT_CODES)
def course() -> None:
    """Exercises: small files to mend, judged by the ledger."""


course.add_command(quiz_command)


@course.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_command(as_json: bool) -> None:
    """Lists the exercises; in a learner's folder with what is done."""
    done = _done()
    rows = [
        {
            "number": f"{each.part}.{each.number}",
            "name": each.name,
            "part": list(PARTS)[each.part - 1],
            "title": each.about.title,
            "minutes": each.about.minutes,
            "chapter": each.about.chapter,
            "languages": each.languages,
            "done": done.get(each.name),
        }
        for each in entries()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    stage = Stage()
    for part in PARTS:
        stage.heading(part)
        stage.table(
            ["", "exercise", "", "time", "in", ""],
            [
                (
                    row["number"],
                    row["name"],
                    row["title"],
                    f"{row['minutes']} min",
                    ", ".join(each.languages),
                    "done" if row["done"] else "",
                )
                for row, each in zip(rows, entries())
                if row["part"] == part
            ],
        )


def _done() -> dict[str, str]:
    """What is done, if this is a learner's folder."""
    try:
        return dict(folders.find().state["done"])
    except Missing:
        return {}


@course.command("start")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("course"))
@click.option(
    "--language", type=click.Choice(["rust", "c"]), help="For the exercises that exist in both; Rust at first."
)
@click.option(
    "--offline-check", is_flag=True, help="Say what is missing to work without a network, and do nothing else."
)
def start_command(folder: Path, language: str | None, offline_check: bool) -> int:
    """Copies the exercises into FOLDER, and builds what they share. Files that are there already stay as they are."""
    if language == "c" and (reason := c.why_not()):
        raise Missing(f"{reason}: choose Rust.")
    if offline_check:
        made = folders.find(folder)
    else:
        made = folders.start(folder, language or _language(folder))
        with Stage().busy("building what the exercises share"):
            folders.prepare(made)
    missing = folders.what_is_missing(made)
    for line in missing:
        click.echo(f"missing: {line}", err=True)
    if not missing:
        click.echo("All that is needed is here: from now on no network is asked.")
        click.echo(f"Go to {made.path} and run `hashtable-lab course watch`.")
    return 2 if missing else 0


def _language(folder: Path) -> str:
    """What was chosen before, or Rust."""
    return folders.find(folder).language if (folder / folders.STATE).is_file() else "rust"


def _report(each: Entry, folder: Folder, stage: Stage) -> int:
    """Checks, and prints what was seen: at which line, what was misunderstood, and the chapter. Never the answer."""
    verdict = check(each, folder)
    took = f"It took {sum(verdict.seconds):.1f} seconds."
    if verdict.right:
        folder.mark_done(each)
        seen = f"{verdict.tests} tests or predictions"
        if verdict.faults:
            seen += f", {verdict.faults} calls made to fail, and the ledger is balanced"
        stage.say(f"Done: {each.name}. {seen[0].upper()}{seen[1:]}. {took}")
        stage.say(each.about.explanation)
        return 0
    stage.say(f"Not done yet: {each.name}: {REASONS[verdict.reason]}. {took}")
    stage.transcript(verdict.said)
    if verdict.quoted:
        stage.show_text(f"{verdict.line}  {verdict.quoted}", each.language(folder.language))
    if verdict.advice:
        stage.say(verdict.advice)
    stage.say(
        f"The chapter “{each.about.chapter}” explains it; `hashtable-lab course hint {each.name}` asks a question."
    )
    return 1


def _chosen(name: str | None, folder: Folder) -> Entry:
    chosen = entry(name) if name else folder.next()
    if chosen is None:
        raise Missing("all exercises are done: name one.")
    return chosen


def _introduce(each: Entry, folder: Folder, stage: Stage) -> None:
    """Which exercise it is, what is to be done, and where."""
    done, of = len(folder.state["done"]), len(entries())
    stage.heading(f"{each.part}.{each.number} {each.about.title}   ({done} of {of} done)")
    stage.say(f"{each.about.task} The file is {folder.file(each)}.")


@course.command("check")
@click.argument("name", required=False)
def check_command(name: str | None) -> int:
    """Checks the exercise NAME, or the next one."""
    folder = folders.find()
    return _report(_chosen(name, folder), folder, Stage())


@course.command("watch")
@click.argument("name", required=False)
def watch_command(name: str | None) -> int:
    """Checks on every save: the exercise NAME, or the next one and so on, until all are done or Ctrl-C."""
    folder = folders.find()
    each: Entry | None = _chosen(name, folder)
    while each is not None:
        file = folder.file(each)
        folder.source(each)
        seen = None
        while True:
            saved = file.stat().st_mtime_ns if file.is_file() else None
            if saved is not None and saved != seen:
                seen = saved
                if sys.stdout.isatty():
                    click.clear()
                stage = Stage()
                _introduce(each, folder, stage)
                if _report(each, folder, stage) == 0:
                    break
            time.sleep(LOOK_EVERY)
        each = None if name else folder.next()
        if each is not None and sys.stdin.isatty():
            click.pause("Press any key for the next one.")
    if folder.next() is None:
        Stage().say("All exercises are done.")
    return 0


@course.command("next")
def next_command() -> None:
    """Says which exercise is next, and what is to be done."""
    folder = folders.find()
    _introduce(_chosen(None, folder), folder, Stage())


@course.command("hint")
@click.argument("name", required=False)
def hint_command(name: str | None) -> None:
    """Gives the next of three hints."""
    folder = folders.find()
    each = _chosen(name, folder)
    level = folder.read_hint(each)
    Stage().say(f"Hint {level} of 3: {each.about.hints[level - 1]}")


@course.command("solution")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
def solution_command(name: str, yes: bool) -> None:
    """Shows a solution of NAME; it asks first."""
    folder, each = folders.find(), entry(name)
    if not yes:
        click.confirm(f"Show the solution of {each.name}?", abort=True)
    language = each.language(folder.language)
    Stage().show_text(each.solution(language), language)


@course.command("reset")
@click.argument("name")
def reset_command(name: str) -> None:
    """Puts the file of NAME back as it was given; yours is kept beside it."""
    folder, each = folders.find(), entry(name)
    folder.reset(each)
    click.echo(f"{folder.file(each)} is as it was given.")


@course.command("progress")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a teacher.")
def progress_command(as_json: bool) -> None:
    """Shows what is done."""
    folder = folders.find()
    rows = [
        {
            "exercise": each.name,
            "part": list(PARTS)[each.part - 1],
            "done": folder.state["done"].get(each.name),
            "hints": folder.state["hints"].get(each.name, 0),
        }
        for each in entries()
    ]
    done = sum(row["done"] is not None for row in rows)
    if as_json:
        whole = {"language": folder.language, "done": done, "of": len(rows), "exercises": rows}
        click.echo(json.dumps(whole, indent=2))
        return
    stage = Stage()
    stage.table(["exercise", "done", "hints"], [(row["exercise"], row["done"] or "", row["hints"]) for row in rows])
    stage.say(f"{done} of {len(rows)} are done.")


@course.command("prove", hidden=True)
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.argument("names", nargs=-1)
@click.option("--slice", "how_many", type=click.IntRange(1), help="Only so many exercises, from all parts.")
def prove_command(folder: Path, names: tuple[str, ...], how_many: int | None) -> int:
    """Proves every exercise, in FOLDER: what `make course-check` runs. Only those NAMED, if any are."""
    stage = Stage()
    chosen = [entry(name) for name in names] or entries()
    if how_many is not None and how_many < len(chosen):
        chosen = [chosen[at * len(chosen) // how_many] for at in range(how_many)]
    began = time.monotonic()
    with stage.busy("proving") as tell:
        proofs = prove([attempt for each in chosen for attempt in attempts(each)], folder, tell)
    for proof in proofs:
        if not proof.holds:
            of = proof.attempt
            stage.say(
                f"{of.entry.name} ({of.language}), {of.name}:\n  expected {of.expected}\n  saw {proof.seen[:300]}"
            )
    held = sum(proof.holds for proof in proofs)
    wrong = sum(proof.attempt.says != "" for proof in proofs)
    of_all = f"a slice: {len(chosen)} of {len(entries())}" if len(chosen) < len(entries()) else f"{len(chosen)}"
    stage.say(
        f"{held} of {len(proofs)} proofs hold, {wrong} of them of wrong answers with a message of their own, of {of_all} exercises "
        f"in {len(PARTS)} parts. It took {time.monotonic() - began:.0f} seconds."
    )
    if reason := c.why_not():
        stage.say(f"The answers in C were not proved: {reason}.")
    return 0 if held == len(proofs) else 1
