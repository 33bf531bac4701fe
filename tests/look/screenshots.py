"""Takes a screenshot of every page of the book: three widths, light and dark, into target/look. `make look` runs it.

    python tests/look/screenshots.py [PAGE...]

PAGE is how the name of a page begins, such as `table` or `specimens/`; without it, all of them. They are for people to look at.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
from checks import SCHEMES, WIDTHS, browser, chromium
from commands import ROOT, console, run_command

SITE, TARGET = ROOT / "target" / "docs" / "html", ROOT / "target" / "look"

#: A page may be as long as this on its picture; the atlas is longer.
HIGHEST = 12_000


@click.command()
@click.argument("pages", nargs=-1, metavar="[PAGE]...")
def main(pages: tuple[str, ...]) -> None:
    """Takes a screenshot of every page of the book, at three widths, light and dark."""
    if chromium() is None:
        raise click.ClickException("there is no Chromium (Debian: apt install chromium)")
    files = [file for file in sorted(SITE.rglob("*.html")) if "_static" not in file.parts]
    names = [str(file.relative_to(SITE).with_suffix("")) for file in files]
    chosen = [name for name in names if not pages or name.startswith(pages)]
    if not chosen:
        raise click.ClickException(f"there is no such page in {SITE}: build the book with `make docs`")
    with browser() as opened, console.status("taking screenshots") as status:
        for width in WIDTHS:
            for scheme in SCHEMES:
                context = opened.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page = context.new_page()
                for name in chosen:
                    status.update(f"{name}, {width} pixels, {scheme}")
                    page.goto((SITE / f"{name}.html").as_uri())
                    height = min(page.evaluate("document.documentElement.scrollHeight"), HIGHEST)
                    target = TARGET / f"{name}-{width}-{scheme}.png"
                    target.parent.mkdir(parents=True, exist_ok=True)
                    clip = {"x": 0, "y": 0, "width": width, "height": height}
                    page.screenshot(path=target, full_page=True, clip=clip)
                context.close()
    console.print(f"{len(chosen) * len(WIDTHS) * len(SCHEMES)} screenshots are in {TARGET}")


if __name__ == "__main__":
    run_command(main)
