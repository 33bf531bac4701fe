"""The demos, one to a file. In each, `play` tells a story on a `Stage` and checks what it promises;
`command` is what a reader types.

To add one, write such a file and enter its name in `DEMOS`.
"""

#: The names, in the order in which `demo all` performs them. The file of `missing-incref` is missing_incref.py.
DEMOS = (
    "referrers",
    "missing-incref",
    "missing-decref",
    "layers",
    "wordcount",
    "knobs",
)

#: Those that need what the laboratory does not: the extra of the same name. `demo all` leaves them out.
EXTRA_DEMOS = ("v8",)


def module_of(demo: str) -> str:
    """The module of a demo, by its name."""
    return f"hashtable_lab.demos.{demo.replace('-', '_')}"
