"""Lines, boxes, words and badges, as SVG."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

#: How wide every picture is.
WIDTH = 460

#: The controls of a picture whose parts move from step to step: `token`s, and `token-step`s that say where they are.
STEPPING = (
    '<button type="button" data-do="play">play</button> <button type="button" data-do="back">back</button> '
    '<button type="button" data-do="step">step</button> <output></output>'
)


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        title: what it shows, in a few words.
        svg: what is in it.
        height: how high it is.
        words: what it shows, in sentences: the text below the picture.
        controls: HTML above it, for pictures that answer to the reader.
    """

    title: str
    svg: str
    height: float
    words: str
    controls: str = ""

    def html(self, name: str) -> str:
        """The whole figure."""
        tip = (
            f'<defs><marker id="tip-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="currentColor"/></marker></defs>'
        )
        return (
            f'<figure class="picture" id="picture-{name}" data-picture="{name}">'
            + (f'<div class="controls">{self.controls}</div>' if self.controls else "")
            + f'<svg viewBox="0 0 {WIDTH} {self.height:g}" role="img" aria-labelledby="title-{name}">'
            f'<title id="title-{name}">{escape(self.title)}</title>{tip}{self.svg.replace("TIP", f"tip-{name}")}</svg>'
            f"<figcaption>{self.words}</figcaption></figure>"
        )


#: Every picture, by name.
PICTURES: dict[str, Callable[[], Picture]] = {}


def picture(draw: Callable[[], Picture]) -> Callable[[], Picture]:
    """Enters a picture by the name of its function."""
    PICTURES[draw.__name__.replace("_", "-")] = draw
    return draw


def _more(attributes: dict[str, Any]) -> str:
    return "".join(f' {name.replace("_", "-")}="{escape(str(value))}"' for name, value in attributes.items())


def box(x: float, y: float, width: float, height: float, kind: str = "", **attributes: Any) -> str:
    """A box; `kind` is a colour of book.css. With `bare=True` it has no outline."""
    outline = "" if attributes.pop("bare", False) else "box "
    shape = f'<rect class="{outline}{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"'
    return f"{shape}{_more(attributes)}/>"


def words(x: float, y: float, text: str, kind: str = "") -> str:
    """Words. Several lines are 15 units apart. `kind`: "code", "small", "strong", "mid", "end"."""
    lines = text.split("\n")
    return "".join(
        f'<text class="{kind}" x="{x:g}" y="{y + 15 * number:g}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )


def labelled(x: float, y: float, width: float, height: float, text: str, kind: str = "", letters: str = "code") -> str:
    """A box with words in its middle."""
    lines = text.count("\n") + 1
    middle = y + height / 2 + 4.5 - 7.5 * (lines - 1)
    return box(x, y, width, height, kind) + words(x + width / 2, middle, text, f"{letters} mid")


def line(*points: tuple[float, float], tip: bool = True, kind: str = "") -> str:
    """A line through some points, with a tip at its end."""
    path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
    return f'<path class="line {kind}" d="{path}"{" marker-end=" + chr(34) + "url(#TIP)" + chr(34) if tip else ""}/>'


def badge(x: float, y: float, count: Any, bad: bool = False) -> str:
    """A reference count."""
    radius = 10 if len(str(count)) == 1 else 13
    return (
        f'<circle class="badge{" bad" if bad else ""}" cx="{x:g}" cy="{y:g}" r="{radius}"/>'
        f'<text class="mid on-badge" x="{x:g}" y="{y + 4.5:g}">{count}</text>'
    )


def run(program: str) -> str:
    """What a Python program prints, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"a picture's program failed:\n{done.stderr}")
    return done.stdout


def answer(program: str) -> Any:
    """What a Python program prints as JSON."""
    return json.loads(run(program))
