"""What is looked for in a page of the book, in a real browser: each check returns what is wrong, as sentences."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

#: The widths at which every page is looked at, in pixels: a laptop, a tablet, a phone.
WIDTHS = (1300, 1000, 400)

SCHEMES = ("light", "dark")

#: Debian's Chromium talks to nobody.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """The path of the browser, or None if there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def browser() -> Iterator:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=OPTIONS)
        try:
            yield opened
        finally:
            opened.close()


# What is wider than the window, and cannot be scrolled by itself. The outermost elements say enough.
_OVERFLOW = """() => {
  const width = document.documentElement.clientWidth, found = [];
  const scrolls = (e) => e && e !== document.documentElement &&
    (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  if (document.documentElement.scrollWidth > width) found.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const e of document.querySelectorAll('article *')) {
    const box = e.getBoundingClientRect();
    if (box.width && box.right > width + 1 && !scrolls(e.parentElement) && getComputedStyle(e).position !== 'absolute')
      found.push(`${e.tagName.toLowerCase()}.${e.className} ends at ${Math.round(box.right)}`);
  }
  return found.slice(0, 3);
}"""

# Code must not be cut off: a block either fits, or wraps.
_CUT = """() => [...document.querySelectorAll('article pre')].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.offsetParent)
  .slice(0, 3)
  .map((e) => `a listing is ${e.scrollWidth} wide in a box of ${e.clientWidth}: ${e.textContent.trim().slice(0, 40)}`)"""

_ALT = """() => [...document.querySelectorAll('article img, article svg')].filter((e) => e.offsetParent || e.tagName === 'svg')
  .filter((e) => e.tagName === 'IMG' ? !e.getAttribute('alt')
    : !(e.getAttribute('aria-hidden') === 'true' || e.querySelector('title') || e.getAttribute('aria-label')))
  .map((e) => `${e.tagName.toLowerCase()} ${e.getAttribute('src') || e.outerHTML.slice(0, 60)} has no text`)"""


def overflow(page) -> list[str]:
    """What is wider than the window, or cut off."""
    return page.evaluate(_OVERFLOW) + page.evaluate(_CUT)


def without_text(page) -> list[str]:
    """Pictures that say nothing to those who cannot see them."""
    return page.evaluate(_ALT)


#: Marks some elements of each look: with letters of the same colour, size and weight on the same ground. A page of listings has
#: a hundred thousand letters in a dozen of them, and axe would measure each.
_ONE_OF_EACH_LOOK = """() => {
  const seen = new Map();
  // A film is a page of its own, without an article.
  const whole = document.querySelector("article") ?? document.body;
  for (const element of [whole, ...whole.querySelectorAll("*")]) {
    const words = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!words || !element.checkVisibility()) continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const look = [color, fontSize, fontWeight];
    for (let above = element; above; above = above.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(above);
      look.push(backgroundColor, backgroundImage, opacity);
      if (/^rgb\\(/.test(backgroundColor)) break;
    }
    const known = seen.get(String(look)) ?? 0;
    seen.set(String(look), known + 1);
    if (known < 3) element.setAttribute("data-look", "");
  }
  return seen.size;
}"""


def low_contrast(page) -> list[str]:
    """Letters that WCAG AA finds too pale, as axe measures them: some of each look that a page has."""
    from axe_playwright_python.sync_playwright import Axe

    if page.evaluate(_ONE_OF_EACH_LOOK) == 0:
        return ["there are no letters at all"]
    found = Axe().run(
        page, context="[data-look]", options={"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
    )
    return [
        f"{node['html'][:80]}: {node['any'][0]['message'][:150] if node['any'] else ''}"
        for violation in found.response["violations"]
        for node in violation["nodes"][:3]
    ]


class _Page(HTMLParser):
    """The links of a page, and the places in it to which a link can lead."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if named.get("id"):
            self.places.add(named["id"])
        if tag == "a" and named.get("name"):
            self.places.add(named["name"])
        for name in ("href", "src"):
            if named.get(name):
                self.links.append(named[name])


def parsed(file: Path) -> _Page:
    """A page, read."""
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def broken_links(site: Path) -> list[str]:
    """Every link within the site that leads to no file, or to no place in it."""
    pages = {file: parsed(file) for file in sorted(site.rglob("*.html"))}
    found = []
    for file, page in pages.items():
        for link in page.links:
            target, place = urldefrag(link)
            if ":" in target.partition("/")[0] or target.startswith("//"):
                continue
            path = (file.parent / unquote(target.partition("?")[0])).resolve() if target else file
            if path.is_dir():
                path /= "index.html"
            if not path.is_file():
                found.append(f"{file.relative_to(site)}: {link} leads to no file")
            elif path.parent == site / "replays" and re.fullmatch(r"step=\d+", place):
                continue  # a step of a film, which the page of the film finds by itself
            elif place and path in pages and unquote(place) not in pages[path].places:
                found.append(f"{file.relative_to(site)}: {link} leads to no place in {path.name}")
    return found


def long_listings(file: Path, most: int = 25) -> list[str]:
    """Listings of more lines than that which are not folded."""
    found = []

    class Listings(HTMLParser):
        folded, text, numbers = 0, None, 0

        def handle_starttag(self, tag, attributes):
            self.folded += tag == "details"
            if tag == "pre":
                self.text = ""
            # In the atlas each line is a row of a table, with its number.
            named = dict(attributes).get("class", "")
            if tag == "table":
                self.numbers = 0
            elif tag == "td" and named == "number":
                self.numbers += 1
                if self.numbers == most + 1 and not self.folded:
                    found.append(f"{file.name}: a listing of more than {most} numbered lines")

        def handle_endtag(self, tag):
            self.folded -= tag == "details"
            if tag == "pre" and self.text is not None:
                lines = self.text.rstrip().count("\n") + 1
                if lines > most and not self.folded:
                    found.append(f"{file.name}: a listing of {lines} lines: {self.text.strip()[:50]}")
                self.text = None

        def handle_data(self, data):
            if self.text is not None:
                self.text += data

    Listings().feed(file.read_text(encoding="utf-8"))
    return found
