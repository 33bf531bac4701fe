"""Specimens: broken variants of the extension, to be looked at from a safe distance.

A specimen is one file, src/lab/specimens/NAME.diff: a header that says what is wrong and how it shows, a small script that
provokes it, and a unified diff against the real source. The real source carries no trace of any of them. To add one is to
add that file. To meet one,

1. a copy of the source gets the diff (`patching`),
2. cargo builds the copy to a module in a folder of its own (`building`),
3. a script runs in a child process that looks into this folder first (`hashtable_lab.children`, `explain`). To the script,
   the broken module is `hashtable`: the same lines run against right and wrong.

`specimen` reads the files, `pages` writes what the book says of them, `command` is what a reader types.
"""

from hashtable_lab.source import source_folder
from hashtable_lab.specimens.building import Form, build, digest_of, python_for
from hashtable_lab.specimens.patching import apply, named_place, patched, touched_places
from hashtable_lab.specimens.specimen import (
    COMPLAINT,
    ENDINGS,
    FIELDS,
    NO_LINE,
    THREAD_DETECTORS,
    Specimen,
    control,
    load,
    names,
    parse,
    specimen_file,
    variant,
)

__all__ = [
    "COMPLAINT",
    "ENDINGS",
    "FIELDS",
    "NO_LINE",
    "THREAD_DETECTORS",
    "Form",
    "Specimen",
    "apply",
    "build",
    "control",
    "digest_of",
    "load",
    "named_place",
    "names",
    "parse",
    "patched",
    "python_for",
    "source_folder",
    "specimen_file",
    "touched_places",
    "variant",
]
