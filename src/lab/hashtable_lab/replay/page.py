"""Puts a film into one HTML page, which needs nothing else: no network, no server, no other file.

The page is written as plain ES modules (page/*.js), so that they can be checked, tested and read as they are. In the page they are
one script, one after the other, without their `import` and `export`: a page that is opened from disk may not import.

Nothing of a film can become HTML. It lies in the page as JSON, in which `<` is escaped, and the scripts put text into the document
only as text (tests/lab/replay has a test for both). And should something slip through, the page forbids it: its
content security policy admits the one script by its digest, and no request to anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import html as escapes
import json
import re
from functools import cache
from importlib import resources
from typing import Any

#: The modules, each after those that it imports.
MODULES = ("state", "words", "places", "draw", "table", "picture", "player")

_POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def asset(name: str) -> str:
    """The text of one of the page's files."""
    return (resources.files("hashtable_lab.replay") / "page" / name).read_text(encoding="utf-8")


@cache
def script() -> str:
    """All modules as one script."""
    texts = []
    for name in MODULES:
        text = re.sub(r"^import\b[^;]*;\n", "", asset(f"{name}.js"), flags=re.MULTILINE)
        texts.append(f"// ---- {name}.js\n" + re.sub(r"^export ", "", text, flags=re.MULTILINE))
    return "\n" + "\n".join(texts)


def html(film: dict[str, Any]) -> str:
    """The page.

    Args:
        film: as `film.make` makes it.
    """
    data = json.dumps(film, separators=(",", ":")).replace("<", "\\u003c")
    style, code = "\n" + asset("page.css"), script()
    policy = _POLICY.format(script=_digest(code), style=_digest(style))
    parts = {"title": escapes.escape(film["title"]), "policy": policy, "style": style, "film": data, "script": code}
    return re.sub(r"<!--(\w+)-->|\{\{(\w+)\}\}", lambda it: parts[it[1] or it[2]], asset("page.html"))


def _digest(text: str) -> str:
    """As a content security policy wants it."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
