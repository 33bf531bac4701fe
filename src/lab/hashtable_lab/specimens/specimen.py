"""One specimen as its file describes it: `load` reads it, `names` lists what there is.

The header of a file is a list of fields, `Name: text`. A text may continue in indented lines. After the header comes the
diff, from the first line that begins with `---`.

A script is a program with a function `act`: one harmless use of the table, as any program might make it. What stands below
`if __name__ == "__main__"` shows the symptom to a reader; a detector (`hashtable_lab.detectors`) only calls `act`.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from hashtable_lab.children import Ending
from hashtable_lab.errors import Missing
from hashtable_lab.source import source_folder

#: The fields of a header, all of them required.
FIELDS = ("Specimen", "Class", "Lesson", "Symptom-Release", "Symptom-Debug", "Detectors", "Line", "Mend", "Script")

#: A field of those specimens that show themselves only where several threads are at work. What it may say.
THREADS = "Threads"
WITHOUT_THE_GIL, WITH_THE_GIL_TOO = "without the GIL", "with the GIL, and without"

#: The names of what `make threads` puts to specimens with threads, and what each is.
THREAD_DETECTORS = {
    "with-the-gil": "the script is run with the GIL and a time limit: it crashes, complains or hangs",
    "without-the-gil": "the same without the GIL",
    "history": "without the GIL: calls of several threads, of which no order explains what they answered",
    "thread-sanitizer": "ThreadSanitizer, without the GIL: memory is used by two threads at once",
}

#: What `Line` says of a specimen in which every reference has its owner and is shown, and something else is wrong.
NO_LINE = "none"

#: The exit code of a script that looked and found something wrong. Not 1, with which Python ends after any exception.
COMPLAINT = 3

#: How a specimen's script can end: the first word of a symptom.
ENDINGS: dict[str, Callable[[Ending], bool]] = {
    "crash": lambda ending: ending.crashed,
    "complaint": lambda ending: ending.code == COMPLAINT and not ending.timed_out,
    # Of a race nobody knows what comes next; only that it is not what comes of the right module.
    "race": lambda ending: not ending.well,
    # A script may have a time limit of its own, by faulthandler.
    "hang": lambda ending: ending.timed_out or (ending.code == 1 and "\nTimeout (" in f"\n{ending.output}"),
}


@dataclass(frozen=True)
class Specimen:
    """One broken variant, as its file describes it.

    Attributes:
        name: the file's name without `.diff`.
        kind: the class of bug, in a few words.
        lesson: what to learn from it.
        symptoms: what is seen, for "release" and "debug" builds of CPython: first a word of `ENDINGS`, then a sentence.
        detectors: the names of what catches it, of those in `hashtable_lab.detectors`, or in `THREAD_DETECTORS`.
        line: `FILE: TEXT` of the line that the ledger names; "" if it can name none.
        mend: how to mend it, in words.
        script: a program that ends well with the right module and shows the symptom with the broken one.
        patch: the diff.
        threads: "" unless it takes several threads to see it: then `WITHOUT_THE_GIL` or `WITH_THE_GIL_TOO`.
    """

    name: str
    kind: str
    lesson: str
    symptoms: dict[str, str]
    detectors: tuple[str, ...]
    mend: str
    script: str
    diff: str
    patch: PatchSet
    line: str = ""
    threads: str = ""

    @property
    def module(self) -> str:
        """The module that it is a variant of: `hashtable`, or that of another form, `hashtable_heap`."""
        heap = any(file.path.startswith("src/forms/") for file in self.patch)
        return "hashtable_heap" if heap else "hashtable"

    @property
    def expected(self) -> tuple[str, str]:
        """For the running interpreter: how the script ends (a word of `ENDINGS`), and what is seen, in words."""
        ending, _, words = self.symptoms["debug" if hasattr(sys, "gettotalrefcount") else "release"].partition(":")
        return ending, words.strip()

    def mending_lines(self) -> str:
        """The diff's changed lines, the other way round: from the broken source back to the right one."""
        lines = [line for file in self.patch for hunk in file for line in hunk]
        wrong = [f"-{line.value}" for line in lines if line.is_added]
        right = [f"+{line.value}" for line in lines if line.is_removed]
        return "".join(wrong + right)


# ---- finding and reading ---------------------------------------------------------------------------------------------


def specimen_file(name: str) -> Path:
    """The file of the specimen of this name, whether it is there or not.

    Raises:
        Missing: there is no source.
    """
    return source_folder() / "src" / "lab" / "specimens" / f"{name}.diff"


def names() -> list[str]:
    """The names of all specimens, in alphabetical order.

    Raises:
        Missing: there is no source.
    """
    return sorted(file.stem for file in specimen_file("").parent.glob("*.diff"))


def load(name: str) -> Specimen:
    """Reads a specimen.

    Raises:
        Missing: there is no specimen of that name, or its file is malformed.
    """
    if name not in names():
        raise Missing(f"there is no specimen {name!r}; there are: {', '.join(names())}.")
    return parse(specimen_file(name).read_text(encoding="utf-8"), name)


def variant(name: str, diff: str) -> Specimen:
    """A broken variant that is only to be built: without a lesson, symptoms or a script."""
    return Specimen(name, "", "", {}, (), "", "", diff, PatchSet(diff))


def parse(text: str, name: str) -> Specimen:
    """Reads the text of a specimen's file.

    Args:
        text: the header and the diff.
        name: the name that the header must give.

    Raises:
        Missing: a field is missing, unknown or wrong, or the diff is not a unified diff.
    """
    header, marker, rest = text.partition("\n--- ")
    diff = marker.lstrip() + rest
    fields = _fields(header, name)
    try:
        patch = PatchSet(diff)
    except UnidiffParseError as error:
        raise Missing(f"specimen {name}: its diff cannot be read: {error}") from None
    unequal = set(fields) - {THREADS} ^ set(FIELDS)
    if unequal:
        raise Missing(f"specimen {name}: fields missing or unknown in its header: {', '.join(sorted(unequal))}.")
    if fields["Specimen"].strip() != name:
        raise Missing(f"specimen {name}: its header calls it {fields['Specimen'].strip()!r}.")
    symptoms = {build: " ".join(fields[f"Symptom-{build.capitalize()}"].split()) for build in ("release", "debug")}
    for symptom in symptoms.values():
        if symptom.partition(":")[0] not in ENDINGS:
            raise Missing(f"specimen {name}: a symptom begins with one of {', '.join(ENDINGS)} and a colon.")
    if not patch:
        raise Missing(f"specimen {name}: it has no diff.")
    threads = " ".join(fields.get(THREADS, "").split())
    if THREADS in fields and threads not in (WITHOUT_THE_GIL, WITH_THE_GIL_TOO):
        raise Missing(f"specimen {name}: {THREADS} is {WITHOUT_THE_GIL!r} or {WITH_THE_GIL_TOO!r}.")
    line = " ".join(fields["Line"].split())
    if line != NO_LINE and not re.match(r"src/(extension|forms)/[\w/]+\.rs: \S", line):
        raise Missing(f"specimen {name}: its line must be {NO_LINE!r}, or a file, a colon, and the text of the line.")
    return Specimen(
        name=name,
        kind=" ".join(fields["Class"].split()),
        lesson=" ".join(fields["Lesson"].split()),
        symptoms=symptoms,
        detectors=tuple(detector.strip() for detector in fields["Detectors"].split(",")),
        mend=" ".join(fields["Mend"].split()),
        script=textwrap.dedent(fields["Script"]).strip("\n") + "\n",
        diff=diff,
        patch=patch,
        line="" if line == NO_LINE else line,
        threads=threads,
    )


def control() -> Specimen:
    """The source as it is, in the form of a specimen: nothing is wrong, and nothing may be found."""
    return Specimen("control", "nothing is wrong", "", {}, (), "", "", "", PatchSet(""))


def _fields(header: str, name: str) -> dict[str, str]:
    """Splits a header into its fields. A line that begins in the first column begins one, all others go on with it."""
    fields: dict[str, str] = {}
    field = ""
    for line in header.splitlines():
        if line[:1].strip():
            field, colon, text = line.partition(":")
            if not colon or field in fields:
                raise Missing(f"specimen {name}: a header line is not a field, or comes twice: {line!r}.")
            fields[field] = f"{text.strip()}\n"
        elif field:
            fields[field] += f"{line}\n"
    return fields
