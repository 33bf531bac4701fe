"""The book as a browser shows it: nothing is wider than its window, every picture has a text, letters are dark enough, links lead
somewhere, old addresses redirect. `make look` builds the book, runs this, and keeps a screenshot of every page.

The environment variable LOOK chooses pages whose names begin so: LOOK='table life specimens/miss'.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from checks import (
    SCHEMES,
    WIDTHS,
    broken_links,
    browser,
    chromium,
    long_listings,
    low_contrast,
    overflow,
    parsed,
    without_text,
)

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "target" / "docs" / "html"

pytestmark = pytest.mark.look

#: What is not a page of the book, but made by the theme.
MADE = {"search.html", "genindex.html", "webpack-macros.html"}


def is_redirect(file: Path) -> bool:
    return 'http-equiv="refresh"' in file.read_text(encoding="utf-8")


def all_pages() -> list[str]:
    files = [file for file in SITE.rglob("*.html") if "_static" not in file.parts and "_modules" not in file.parts]
    names = [str(file.relative_to(SITE)) for file in sorted(files) if file.name not in MADE and not is_redirect(file)]
    wanted = tuple(os.environ.get("LOOK", "").split())
    return [name for name in names if not wanted or name.startswith(wanted)]


PAGES = all_pages()
each_page = pytest.mark.parametrize("name", PAGES)


@pytest.fixture(scope="module")
def window():
    """A function that opens a file in a window of some width and scheme."""
    pytest.importorskip("playwright", reason="a browser is driven with playwright: pip install '.[look]'")
    if chromium() is None:
        pytest.skip("there is no Chromium (Debian: apt install chromium)")
    with browser() as opened:
        pages = {}

        def open_(file: Path, width: int, scheme: str = "light"):
            if (width, scheme) not in pages:
                context = opened.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
                pages[width, scheme] = context.new_page()
            pages[width, scheme].goto(file.as_uri())
            return pages[width, scheme]

        yield open_


def test_there_is_a_book():
    assert SITE.is_dir(), "build the book first: make docs"
    assert PAGES


@pytest.mark.parametrize("width", WIDTHS)
@each_page
def test_nothing_is_wider_than_its_window(window, name, width):
    assert overflow(window(SITE / name, width)) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@each_page
def test_letters_can_be_read_and_pictures_have_texts(window, name, scheme):
    page = window(SITE / name, WIDTHS[0], scheme)
    assert low_contrast(page) == []
    assert without_text(page) == []


@each_page
def test_the_contents_of_a_page_are_in_sight(window, name):
    for width in (1300, 1000):
        page = window(SITE / name, width)
        if page.locator(".toc-tree li li").count():
            assert page.locator(".toc-tree").first.is_visible(), width


def test_links_lead_somewhere():
    assert broken_links(SITE) == []


def test_long_listings_are_folded():
    assert [found for name in PAGES for found in long_listings(SITE / name)] == []


def test_every_address_that_ever_was_leads_somewhere(window):
    addresses = (ROOT / "docs" / "addresses.txt").read_text(encoding="utf-8").split()
    assert [address for address in addresses if not (SITE / address).is_file()] == []
    # A page that is not in the list was added without it: it would be lost when it moves.
    if not os.environ.get("LOOK"):
        films = {name for name in PAGES if name.startswith("replays/")}  # as many as REPLAYS named
        assert set(PAGES) - set(addresses) - films == set()
    for address in addresses:
        if is_redirect(SITE / address):
            page = window(SITE / address, WIDTHS[0])
            page.wait_for_url(lambda url, old=address: not url.endswith(f"/{old}"))
            assert page.locator("h1").count() == 1, address


def moved_places() -> dict[str, str]:
    """Every place within a page that has moved, with where it is now."""
    text = (ROOT / "docs" / "_static" / "moved.js").read_text(encoding="utf-8")
    return json.loads(re.search(r"const MOVED = (\{.*?\});", text, re.DOTALL)[1])


def nowhere(places: dict[str, str], site: Path) -> list[str]:
    """The places that are still where they were said to have been, and those whose new place does not exist."""
    found = []
    for old, new in places.items():
        file, _, anchor = old.partition("#")
        if anchor in parsed(site / file).places:
            found.append(f"{old} has not moved")
        file, _, anchor = new.partition("#")
        if not (site / file).is_file() or (anchor and anchor not in parsed(site / file).places):
            found.append(f"{new} does not exist")
    return found


def test_every_place_that_has_moved_is_somewhere():
    assert nowhere(moved_places(), SITE) == []


def test_a_place_that_is_nowhere_would_be_seen(tmp_path):
    (tmp_path / "one.html").write_text("<p id='here'></p>")
    places = {"one.html#gone": "one.html#here", "one.html#here": "one.html", "one.html#old": "one.html#new"}
    assert nowhere(places, tmp_path) == ["one.html#here has not moved", "one.html#new does not exist"]


@pytest.mark.parametrize(("old", "new"), moved_places().items())
def test_an_old_link_leads_to_what_it_meant(window, old, new):
    if not (SITE / old.partition("#")[0]).is_file():
        pytest.fail(f"{old} has no page")
    file, _, anchor = old.partition("#")
    page = window(SITE / "search.html", WIDTHS[0])  # not the page itself, where a new anchor alone would load nothing
    page.goto(f"{(SITE / file).as_uri()}#{anchor}")
    page.wait_for_url(lambda url: url.endswith(f"/{new}"))


def test_a_heading_of_a_former_page_leads_to_the_same_heading(window):
    page = window(SITE / "search.html", WIDTHS[0])
    page.goto(f"{(SITE / 'ownership.html').as_uri()}#who-steals")
    page.wait_for_url(lambda url: url.endswith("/counts.html#who-steals"))


@pytest.mark.parametrize("number", [0, 1, -1])
def test_references_move_between_their_owners(window, number):
    page = window(SITE / "counts.html", WIDTHS[0])
    steps = page.locator("#picture-tokens .token-step")
    state = json.loads(steps.nth(number).get_attribute("data-state"))
    steps.nth(number).click()
    for token in "abc":
        disc = page.locator(f'#picture-tokens [data-token="{token}"]')
        assert ("away" in disc.get_attribute("class")) == (token not in state["at"])
        if token in state["at"]:
            x, y = state["at"][token]
            assert f"translate({x:g}px, {y:g}px)" in disc.get_attribute("style")
    assert page.locator("#picture-tokens output").inner_text() == state["said"]


def test_the_stack_machine_goes_step_by_step(window):
    page = window(SITE / "from-bytecode-to-slot.html", WIDTHS[0])
    picture = page.locator("#picture-stack")
    seen = []
    for step in picture.locator(".token-step").all():
        step.click()
        tokens = picture.locator(".token:not(.away)").all()
        seen.append({token.get_attribute("data-token") for token in tokens})
        assert picture.locator("output").inner_text().startswith(step.text_content().strip())
    assert seen[-3:] == [{"h", "k"}, {"h[k]"}, set()]
    picture.locator('[data-do="back"]').click()
    assert picture.locator("output").inner_text().startswith("BINARY_")


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("shown", [0, 1, 2])
def test_the_collectors_sum_is_done_as_the_reader_chooses(window, named, shown):
    page = window(SITE / "life.html", WIDTHS[0])
    picture = page.locator("#picture-subtraction")
    case = json.loads(picture.locator("[data-sums]").get_attribute("data-sums"))[f"{int(named)}{shown}"]

    def number(name):
        return picture.locator(f'[data-number="{name}"]').text_content()

    if named:
        picture.locator('[data-choose="named"]').click()
    picture.locator(f'[data-choose="{shown}"]').click()
    picture.locator('[data-choose="start"]').click()
    for step in case["steps"]:
        assert picture.locator("output").inner_text() == step["said"]
        for name, count, visits in zip(("table", "function"), case["counts"], step["visits"]):
            assert (number(f"{name}-visits"), number(f"{name}-left")) == (f"- {visits}", f"= {count - visits}")
        function = picture.locator('[data-part="function"]').get_attribute("class")
        assert ("gone" in function, "destroyed" in function) == tuple(
            step.get("end") == end for end in ("gone", "destroyed")
        )
        picture.locator('[data-choose="step"]').click()


# ---- the controls ----------------------------------------------------------------------------------------------------

PLAIN = "<!DOCTYPE html><html lang=en><title>t</title><body style='margin:0;background:#fff'><article>{}</article></body></html>"


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (overflow, "<div style='width:90%'>x</div>", "<div style='width:1783px'>x</div>"),
        (
            overflow,
            "<div style='overflow-x:auto'><table style='width:1783px'></table></div>",
            "<table width=1783><td>x</table>",
        ),
        (overflow, "<pre style='white-space:pre-wrap'>{}</pre>".format("x " * 400), "<pre>{}</pre>".format("x " * 400)),
        (overflow, "", "<pre style='overflow-x:hidden'>{}</pre>".format("x" * 400)),
        (without_text, "<img src='data:,' width=9 height=9 alt='a cat'>", "<img src='data:,' width=9 height=9>"),
        (without_text, "<svg><title>a cat</title></svg>", "<svg><rect/></svg>"),
        (low_contrast, "<p style='color:#333'>words</p>", "<p style='color:#bbb'>words</p>"),
    ],
)
def test_what_is_wrong_would_be_seen(window, tmp_path, check, right, wrong):
    for number, (body, seen) in enumerate(((right, False), (wrong, True))):
        file = tmp_path / f"{number}.html"
        file.write_text(PLAIN.format(body))
        assert bool(check(window(file, 400))) is seen, check(window(file, 400))


def test_a_link_to_nowhere_would_be_seen(tmp_path):
    (tmp_path / "one.html").write_text("<a href='two.html#there'>x</a><a id='here'></a><a href='#here'>x</a>")
    (tmp_path / "two.html").write_text("<p id='there'>x</p><a href='https://elsewhere.example/'>x</a>")
    assert broken_links(tmp_path) == []
    (tmp_path / "two.html").write_text("<p id='gone'>x</p><a href='three.html'>x</a>")
    assert len(broken_links(tmp_path)) == 2


def test_a_long_listing_would_be_seen(tmp_path):
    file = tmp_path / "one.html"
    listing = "<pre>{}</pre>".format("line\n" * 30)
    file.write_text(f"<details>{listing}</details><pre>short</pre>")
    assert long_listings(file) == []
    file.write_text(listing)
    assert len(long_listings(file)) == 1
    numbered = "<table>{}</table>".format("<tr><td class='number'>1</td><td><pre>line</pre></td></tr>" * 26)
    file.write_text(f"<details>{numbered}</details><p>Words.</p>")
    assert long_listings(file) == []
    file.write_text(numbered)
    assert len(long_listings(file)) == 1
