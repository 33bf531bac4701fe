"""Ten ways to find out that references are mistreated, and the matrix: each of them put to each specimen.

`observers` is what a detector does in its child, `detectors` how each is run and judged (to add one, write its observer and
enter it in `DETECTORS`), `matrix` puts all of them to all specimens, `command` is what a reader types.
"""

from hashtable_lab.detectors.detectors import (
    ABSENT,
    CRASHED,
    DETECTORS,
    FOUND,
    SILENT,
    VALGRIND_SUPPRESSIONS,
    Detector,
    Outcome,
    places_in,
)

__all__ = [
    "ABSENT",
    "CRASHED",
    "DETECTORS",
    "FOUND",
    "SILENT",
    "VALGRIND_SUPPRESSIONS",
    "Detector",
    "Outcome",
    "places_in",
]
