"""A still: the picture of a table as SVG, for notebooks and pages.

    >>> import hashtable, hashtable_lab
    >>> table = hashtable.HashTable(hash_func=len).set("pi", 3.14159).set("e", 2.71828).set("it", 1)
    >>> still = hashtable_lab.picture(table, key="pi")
    >>> still.passed
    ["'it'"]

In a notebook the last line of a cell is enough: the picture shows itself. It is made from what the table tells anybody:
`buckets()`, `hash_of()` and `bucket_of()`.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

#: Longer texts are cut, longer chains and more buckets are counted.
LONGEST, MOST_CHAINED, MOST_BUCKETS = 18, 6, 32

_ROW, _BOX, _INDEX = 34, 150, 44
_NOTHING = object()

# Colours for light and dark: a notebook may have either.
_STYLE = """\
.b{fill:#fff;stroke:#8a94a6}.e{fill:#eef5fb;stroke:#3c7fae}.c{fill:#fff3c4;stroke:#b58900;stroke-width:2}
.p{fill:#e3e5e9;stroke:#8a94a6}.f{fill:#d9f2df;stroke:#1d7a3c;stroke-width:2}text{fill:#1d2433;font:12px monospace}
.q{fill:#626b7d}path{stroke:#3c7fae;fill:none}
@media (prefers-color-scheme:dark){.b{fill:#1c2028}.e{fill:#1b2b3a}.c{fill:#4a3f14}.p{fill:#363c48}.f{fill:#173d24}
text{fill:#e6e9ef}.q{fill:#9aa3b4}}"""


class Still:
    """The picture of a table. A notebook shows it by itself.

    Attributes:
        svg: the picture.
        words: the same in words, a line for each bucket that is used.
        passed: with a key, the keys that its lookup passes by before it is found or the chain ends.
        found: with a key, whether it is there; else None.
    """

    def __init__(self, svg: str, words: list[str], passed: list[str], found: bool | None) -> None:
        self.svg, self.words, self.passed, self.found = svg, words, passed, found

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return f'<div style="overflow-x:auto">{self.svg}</div>'

    def __repr__(self) -> str:
        return "\n".join(self.words)

    def save(self, file: str | Path) -> None:
        """Writes the picture into a file."""
        Path(file).write_text(self.svg, encoding="utf-8")


def picture(table: Any, key: Any = _NOTHING) -> Still:
    """The picture of a table: its buckets, each with its chain.

    Args:
        table: a `hashtable.HashTable`.
        key: show what a lookup of this key passes by. Its hash function and `==` run, as they do for a lookup.

    Returns:
        The picture, which shows itself in a notebook.

    Raises:
        TypeError: that is no table.
        Exception: whatever the hash function or `==` raises.
    """
    for name in ("buckets", "bucket_of", "hash_of", "size", "load"):
        if not hasattr(table, name):
            raise TypeError(f"a picture is of a HashTable, and not of a {type(table).__name__}")
    buckets = table.buckets()
    chosen, marks, found = -1, {}, None
    if key is not _NOTHING:
        chosen = table.bucket_of(key)
        wanted, found = table.hash_of(key), False
        for at, (other, _) in enumerate(buckets[chosen]):
            found = other is key or (table.hash_of(other) == wanted and key in table and bool(other == key))
            marks[at] = "f" if found else "p"
            if found:
                break
    passed = [_short(other) for at, (other, _) in enumerate(buckets[chosen] if marks else []) if marks.get(at) == "p"]
    shown = _shown(buckets, chosen)
    rows, words, y = [], [], 30
    last = -1
    for bucket in [*shown, len(buckets)]:
        if bucket > last + 1:
            rows.append(f'<text class="q" x="4" y="{y + 14}">⋯ {bucket - last - 1} more buckets</text>')
            y += 24
        if bucket < len(buckets):
            rows.append(_row(bucket, buckets[bucket], y, bucket == chosen, marks if bucket == chosen else {}))
            if buckets[bucket]:
                chain = ", ".join(f"{_short(one)}: {_short(other)}" for one, other in buckets[bucket][:MOST_CHAINED])
                words.append(f"bucket {bucket}: {chain}")
            y += _ROW
        last = bucket
    longest = max([min(len(chain), MOST_CHAINED) for chain in buckets] or [0])
    width = max(_INDEX + longest * (_BOX + 16) + 110, 360)
    head = f"{table.load} {'pair' if table.load == 1 else 'pairs'} in {table.size} buckets, at most {table.max_load:g} full"
    if key is not _NOTHING:
        end = "found" if found else "not found"
        words.append(f"looking for {_short(key)}: bucket {chosen}, passes by {len(passed)}, {end}")
        tail = f"{_short(key)}: hash {table.hash_of(key)}, bucket {chosen}, passes by {len(passed)}, {end}"
        rows.append(f'<text x="4" y="{y + 18}">{_escaped(tail)}</text>')
        y += 26
    told = _escaped("; ".join([head, *words]))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 6}" width="{width}" height="{y + 6}" role="img">'
        f"<title>{told}</title><style>{_STYLE}</style>"
        f'<text x="4" y="18">{_escaped(head)}</text>{"".join(rows)}</svg>'
    )
    return Still(svg, [head, *words], passed, found)


def _row(bucket: int, chain: list[tuple[Any, Any]], y: int, chosen: bool, marks: dict[int, str]) -> str:
    parts = [f'<rect class="{"c" if chosen else "b"}" x="2" y="{y}" width="{_INDEX - 4}" height="26" rx="4"/>']
    parts.append(f'<text x="{_INDEX // 2}" y="{y + 18}" text-anchor="middle">{bucket}</text>')
    x = _INDEX
    for at, (key, value) in enumerate(chain[:MOST_CHAINED]):
        text = _escaped(_cut(f"{_short(key)}: {_short(value)}"))
        parts.append(f'<path d="M{x} {y + 13}h14m-5 -4l5 4l-5 4"/>')
        parts.append(
            f'<rect class="{marks.get(at, "e")}" x="{x + 16}" y="{y}" width="{_BOX - 4}" height="26" rx="4"/>'
            f'<text x="{x + 22}" y="{y + 18}">{text}</text>'
        )
        x += _BOX + 16
    if len(chain) > MOST_CHAINED:
        parts.append(f'<text class="q" x="{x + 8}" y="{y + 18}">⋯ {len(chain) - MOST_CHAINED} more</text>')
    return "".join(parts)


def _shown(buckets: list[list[Any]], chosen: int) -> list[int]:
    """The buckets that are drawn: all of a small table; of a large one the chosen one, then the first that are used."""
    if len(buckets) <= MOST_BUCKETS:
        return list(range(len(buckets)))
    used = [bucket for bucket, chain in enumerate(buckets) if chain]
    return sorted(dict.fromkeys([*([chosen] if chosen >= 0 else []), *used][:MOST_BUCKETS]))


def _short(thing: Any) -> str:
    """An object in a few characters; one whose repr raises is shown as what it is."""
    try:
        text = repr(thing)
    except Exception as error:
        text = f"<{type(thing).__name__}: its repr raises {type(error).__name__}>"
    return _cut(" ".join(text[:200].split()))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _escaped(text: str) -> str:
    """Text for XML: what is no character there is replaced."""
    allowed = (
        it if it in "\t\n" or " " <= it < "\ud800" or "\ue000" <= it <= "\ufffd" or it > "\uffff" else "�"
        for it in text
    )
    return html.escape("".join(allowed))
