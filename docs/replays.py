"""`{replay} missing-incref`: a link to the film of a specimen or a demo, which is recorded when the book is built.

Recording a specimen means building it, which takes some ten seconds each; so what was recorded is kept in target/replays, under a
digest of all that it depends on, and only those that REPLAYS names are recorded at all: names, or `all`. Of the others the page
says how to make the film.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

from docutils import nodes
from hashtable_lab import specimens
from hashtable_lab.demos import DEMOS
from hashtable_lab.demos.films import film_of
from hashtable_lab.replay import command, page
from hashtable_lab.stage import Stage
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "target" / "replays"
#: Recorded if REPLAYS says nothing: the films of the demos, and of the two specimens that they need built anyway.
USUAL = ("missing-incref", "missing-decref")
#: Films in the book are short. A script that repeats its mistake is cut off there, and the page says so.
MOST_STEPS = 600


def wanted() -> set[str]:
    """The specimens that are recorded."""
    named = os.environ.get("REPLAYS", "").split() or list(USUAL)
    return set(specimens.names()) if "all" in named else set(named)


def film(name: str, stage: Stage) -> dict:
    """A film, recorded or kept from an earlier build. `demo-NAME` is a demo's."""
    demo = name[len("demo-") :] if name.startswith("demo-") else ""
    recorder = [file.read_text("utf-8") for file in sorted(Path(command.__file__).parent.glob("*.py"))]
    diff = specimens.load(name).diff if not demo else ""
    parts = [name, diff, sys.version, str(MOST_STEPS), *recorder]
    if demo in specimens.names():
        parts.append(specimens.load(demo).diff)
    if demo:
        parts += [file.read_text("utf-8") for file in sorted((ROOT / "src/lab/hashtable_lab/demos").glob("*.py"))]
    digest = hashlib.sha256(specimens.digest_of(ROOT, *parts).encode()).hexdigest()[:16]
    kept = KEPT / f"{name}-{digest}.json"
    if not kept.is_file():
        play = film_of(demo, stage) if demo else command.of_specimen(specimens.load(name), stage)
        made, _ = command.shoot(play, most=MOST_STEPS, stage=stage)
        KEPT.mkdir(parents=True, exist_ok=True)
        for old in KEPT.glob(f"{name}-????????????????.json"):
            old.unlink()
        kept.write_text(json.dumps(made), encoding="utf-8")
    return json.loads(kept.read_text(encoding="utf-8"))


class Replay(SphinxDirective):
    """A link to a film."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        [name] = self.arguments
        demo = name.startswith("demo-")
        if name not in specimens.names() and not (demo and name[5:] in DEMOS):
            raise self.error(f"there is no specimen and no demo {name!r}")
        spelled = f"demo {name[5:]} --replay page.html" if demo else f"replay --specimen {name}"
        line = nodes.paragraph(classes=["replay"])
        typed = nodes.literal("", f"python -m hashtable_lab {spelled}")
        if not demo and name not in wanted():
            line += [nodes.Text("To watch it step by step: "), typed, nodes.Text(".")]
            return [line]
        made = film(name, Stage())
        folder = Path(self.env.app.outdir) / "replays"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.html").write_text(page.html(made), encoding="utf-8")
        up = "../" * self.env.docname.count("/")
        # From the first thing that is wrong on, if anything is.
        first = next((it["step"] + 1 for it in made["findings"] if it["step"] is not None), 1)
        link = nodes.reference("", f"Watch it, step by step ({len(made['steps'])} steps)", internal=False)
        link["refuri"] = f"{up}replays/{name}.html#step={first}"
        line += [link, nodes.Text(". The page is made by "), typed, nodes.Text(".")]
        return [line]


def setup(app) -> dict:
    app.add_directive("replay", Replay)
    return {"parallel_read_safe": True}
