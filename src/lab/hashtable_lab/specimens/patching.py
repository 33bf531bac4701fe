"""Applies a specimen's diff to the source, by content: line numbers do not matter. And finds the lines that it is about."""

from __future__ import annotations

from pathlib import Path

from unidiff.patch import PatchSet

from hashtable_lab.errors import Missing
from hashtable_lab.source import source_folder
from hashtable_lab.specimens.specimen import Specimen


def apply(patch: PatchSet, folder: Path, name: str) -> None:
    """Applies a diff to the source in a folder, by content: line numbers do not matter.

    Args:
        patch: the diff. It changes files; it neither adds nor removes any.
        folder: what the paths in the diff are relative to.
        name: the specimen's name, for the message.

    Raises:
        Missing: a file is not there, or the old lines of a hunk do not occur in it exactly once.
    """
    for file, text in patched(patch, folder, name).items():
        (folder / file).write_text(text, encoding="utf-8")


def patched(patch: PatchSet, folder: Path, name: str) -> dict[str, str]:
    """What `apply` would write: the new text of each file that the diff changes, by its path."""
    texts = {}
    for changed in patch:
        file = folder / changed.path
        if not file.is_file():
            raise Missing(f"specimen {name} does not fit the source: there is no {changed.path}.")
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        for hunk in changed:
            old = [line.value for line in hunk.source_lines()]
            new = [line.value for line in hunk.target_lines()]
            places = [at for at in range(len(lines)) if lines[at : at + len(old)] == old]
            if len(places) != 1:
                raise Missing(
                    f"specimen {name} does not fit the source: the old lines of its hunk at line {hunk.source_start} "
                    f"occur {len(places)} times in {changed.path}, not once."
                )
            lines[places[0] : places[0] + len(old)] = new
        texts[changed.path] = "".join(lines)
    return texts


def named_place(specimen: Specimen) -> tuple[str, int]:
    """Where the line is that the ledger names: the file and the number of the line in the broken source.

    Raises:
        Missing: the header names none, or one that is not there exactly once.
    """
    file, _, text = specimen.line.partition(": ")
    broken = patched(specimen.patch, source_folder(), specimen.name)
    whole = broken.get(file)
    if whole is None and file and (source_folder() / file).is_file():
        whole = (source_folder() / file).read_text(encoding="utf-8")
    places = [number for number, line in enumerate((whole or "").splitlines(), 1) if line.strip() == text]
    if len(places) != 1:
        raise Missing(f"specimen {specimen.name}: its line is in {file or 'no file'} {len(places)} times, not once.")
    return file, places[0]


def touched_places(specimen: Specimen) -> set[tuple[str, int]]:
    """The lines of the broken source that the diff has added; where it only removes, those around the gap."""
    places = set()
    for file, text in patched(specimen.patch, source_folder(), specimen.name).items():
        lines = text.splitlines(keepends=True)
        for hunk in next(changed for changed in specimen.patch if changed.path == file):
            new = [line.value for line in hunk.target_lines()]
            at = next(at for at in range(len(lines)) if lines[at : at + len(new)] == new)
            here = at + 1
            for line in hunk:
                if line.is_added:
                    places.add((file, here))
                elif line.is_removed and not hunk.added:
                    places |= {(file, here - 1), (file, here)}
                here += not line.is_removed
    return places
