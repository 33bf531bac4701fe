"""The page of a replay in a real browser: Debian's Chromium, driven by Playwright.

Where one of them is missing, the tests are skipped with a word; `make test-browser` installs both.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (make test-browser does)")
page_of = pytest.importorskip("hashtable_lab.replay.page", reason="the laboratory is not installed")
Image = pytest.importorskip("PIL.Image", reason="pillow is not installed (make test-browser does)")
ImageChops = pytest.importorskip("PIL.ImageChops")

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium (Debian: apt install chromium)"),
]

#: The five main views: film, step (from 1), width, height, colours, medium.
VIEWS = {
    "call": ("story", 35, 1400, 900, "light", "screen"),
    "table": ("story", 124, 1400, 900, "dark", "screen"),
    "wrong": ("missing-incref", 36, 1400, 900, "light", "screen"),
    "phone": ("missing-incref", 36, 390, 844, "dark", "screen"),
    "print": ("story", 35, 800, 1100, "light", "print"),
}
#: So large a part of a picture may differ: other fonts are a little wider. A picture of another step differs more.
TOLERANCE = 0.02


def film(name):
    return json.loads((HERE / "films" / f"{name}.json").read_text(encoding="utf-8"))


class Browser:
    """A browser, and what went wrong in it: messages on the console, requests that left the page."""

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        driver = self._stack.enter_context(playwright.sync_playwright())
        options = {
            "executable_path": CHROMIUM,
            "args": ["--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1"],
        }
        self._browser = driver.chromium.launch(**options)
        self._stack.callback(self._browser.close)
        self.wrong: list[str] = []
        return self

    def __exit__(self, *_):
        self._stack.close()

    def open(self, story, link="", width=1400, height=900, colours="light", **options):
        """The page of a film."""
        file = self._folder / "page.html"
        file.write_text(page_of.html(story), encoding="utf-8")
        self.address = file.as_uri()
        self.wrong = []
        context = self._browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=colours, reduced_motion="reduce", **options
        )
        self._stack.callback(context.close)
        view = context.new_page()
        view.on("console", lambda message: self.wrong.append(f"console: {message.text}"))
        view.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        view.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        view.on("request", lambda request: request.url == self.address or self.wrong.append(f"request: {request.url}"))
        view.goto(self.address + link)
        return view


@pytest.fixture(scope="module")
def browser():
    with Browser() as opened:
        yield opened


def told(view):
    return view.locator("#sentence").inner_text()


def step(view):
    return int(view.locator("#number").input_value())


def test_stepping(browser):
    story = film("story")
    view = browser.open(story)
    assert step(view) == 1 and told(view).startswith("Python is about to run line")
    view.click("[data-do=forward]")
    view.keyboard.press("ArrowRight")
    assert step(view) == 3
    view.keyboard.press("ArrowLeft")
    assert step(view) == 2
    view.keyboard.press("End")
    assert step(view) == len(story["steps"]) and told(view).startswith("The end")
    view.keyboard.press("ArrowRight")
    assert step(view) == len(story["steps"])
    view.keyboard.press("Home")
    view.keyboard.press("ArrowLeft")
    assert step(view) == 1
    view.keyboard.press("ArrowDown")
    assert story["steps"][step(view) - 1]["kind"] == "line"
    view.fill("#number", "20")
    view.press("#number", "Enter")
    view.locator("#number").blur()
    assert step(view) == 20
    view.wait_for_url("**#step=20")
    view.locator("#slider").fill("5")
    assert step(view) == 5
    view.locator("[data-step='7']").click()
    assert step(view) == 8
    assert browser.wrong == []


def test_there_and_back_is_the_same_picture(browser):
    view = browser.open(film("story"), "#step=30")
    there = view.locator("#picture").inner_html()
    view.keyboard.press("End")
    assert view.locator("#picture").inner_html() != there
    view.fill("#number", "30")
    view.press("#number", "Enter")
    assert view.locator("#picture").inner_html() == there
    assert browser.wrong == []


def test_searching(browser):
    view = browser.open(film("story"))
    view.keyboard.press("/")
    view.keyboard.type("pair added")
    view.keyboard.press("Enter")
    first = step(view)
    assert "pair added" in told(view)
    view.keyboard.press("Escape")
    view.keyboard.press("n")
    assert "pair added" in told(view) and step(view) > first
    view.keyboard.press("N")
    assert step(view) == first
    view.fill("#search", "no such words")
    view.press("#search", "Enter")
    assert step(view) == first and view.locator("#found").inner_text() == "not found"
    assert browser.wrong == []


def test_following_an_object(browser):
    story = film("story")
    view = browser.open(story, "#step=30")
    thing = view.locator("g.object").first
    number = int(thing.get_attribute("data-object"))
    thing.focus()
    view.keyboard.press("Enter")
    assert view.locator("#filter").is_visible()
    view.wait_for_url(f"**&object={number}")
    seen = set()
    for _ in range(6):
        seen.add(step(view))
        view.keyboard.press("ArrowRight")
    for at in seen:
        assert number in touched(story["steps"][at - 1]), at
    view.keyboard.press("a")
    assert not view.locator("#filter").is_visible()
    view.wait_for_url(lambda url: "object=" not in url)
    view.select_option("#only", "library")
    view.locator("#only").blur()
    view.keyboard.press("Home")
    assert told(view).startswith(("The library says", "The table"))
    assert browser.wrong == []


def touched(it):
    """The objects that a step is about, as the page should have it."""
    found = {it.get("object"), *it.get("arguments", [])}
    for what, *rest in it["changes"]:
        found |= {rest[1]} if what in ("hand", "lend", "entry") else set()
        found |= {rest[2]} if what in ("name", "field") else set()
        found |= {rest[0]} if what in ("lost", "owed") else set()
        found |= set(rest[2][2:]) if what == "entry at" else set()
    return found


def test_a_link_leads_to_its_step(browser):
    view = browser.open(film("story"), "#step=12&only=extension")
    assert step(view) == 12 and view.locator("#only").input_value() == "extension"
    view.evaluate("location.hash = '#step=3'")
    view.wait_for_function("document.getElementById('number').value === '3'")
    for link in ("#step=99999", "#step=-1", "#step=<img src=x>", "#object=1e9"):
        view = browser.open(film("story"), link)
        assert 1 <= step(view) <= len(film("story")["steps"])
    assert browser.wrong == []


def test_what_is_wrong_is_shown_from_where_it_is_wrong(browser):
    story = film("missing-incref")
    view = browser.open(story)
    assert view.locator(".nobody").count() == 0
    view.keyboard.press("p")
    assert story["steps"][step(view) - 1]["kind"] == "finding"
    assert "nobody owned" in told(view) and view.locator(".nobody").count() == 1
    assert view.locator("#native .here.bad").inner_text().strip() == "give(op)"
    view.keyboard.press("End")
    assert "dies here" in told(view) and view.locator(".nobody").count() == 1
    # The name is still there, and what it names is not.
    assert view.locator("path.arrow.lost").count() >= 1
    assert browser.wrong == []


def test_a_screen_reader_gets_every_step(browser):
    view = browser.open(film("story"), "#step=22")
    sentence = view.locator("#sentence")
    assert sentence.get_attribute("aria-live") == "polite" and sentence.get_attribute("role") == "status"
    assert told(view) in view.locator("#slider").get_attribute("aria-valuetext")
    words = view.locator("#words li").all_inner_texts()
    drawn = view.locator("g.object").count()
    assert len(words) == drawn > 3 and all("count" in line or "immortal" in line or "gone" in line for line in words)
    nameless = view.evaluate(
        """() => [...document.querySelectorAll('button, input, select, [role=button]')]
            .filter(it => !(it.getAttribute('aria-label') || it.labels?.length || it.textContent.trim()))
            .map(it => it.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    assert view.locator("html").get_attribute("lang") == "en"
    assert view.locator("#picture svg").get_attribute("role") == "img"


def test_light_and_dark(browser):
    shade = "getComputedStyle(document.documentElement).backgroundColor"
    light = browser.open(film("story")).evaluate(shade)
    view = browser.open(film("story"), colours="dark")
    dark = view.evaluate(shade)
    assert light != dark
    view.keyboard.press("t")
    assert view.evaluate(shade) == light
    view.keyboard.press("t")
    assert view.evaluate(shade) == dark
    view.keyboard.press("?")
    assert view.locator("#help").is_visible()
    view.keyboard.press("Escape")
    assert not view.locator("#help").is_visible()
    assert browser.wrong == []


def test_on_a_phone_nothing_is_wider_than_the_screen(browser):
    view = browser.open(film("missing-incref"), "#step=36", width=390, height=844)
    assert view.evaluate("document.documentElement.scrollWidth") <= 390
    # The picture comes first, and can be moved by itself.
    assert view.locator("#stage").bounding_box()["y"] < view.locator("#code").bounding_box()["y"]
    assert browser.wrong == []


HOSTILE = "</script><img src=x onerror=alert(1)><svg onload=alert(2)>"


def test_nothing_of_a_film_runs(browser):
    story = json.loads(json.dumps(film("missing-incref")))

    def spoil(it):
        if isinstance(it, dict):
            keep = {"format", "kind", "event", "verdict", "language"}
            return {key: value if key in keep else spoil(value) for key, value in it.items()}
        if isinstance(it, list) and it and isinstance(it[0], str) and not isinstance(it[-1], str):
            return [it[0], *(spoil(each) for each in it[1:])]  # a change keeps its name
        if isinstance(it, list):
            return [spoil(each) for each in it]
        return HOSTILE if isinstance(it, str) else it

    story = spoil(story)
    view = browser.open(story)
    for _ in range(len(story["steps"])):
        view.keyboard.press("ArrowRight")
    assert HOSTILE in view.locator("body").inner_text()
    assert view.locator("img, body svg svg, script:not(#film):not([type=module])").count() == 0
    assert browser.wrong == []


def test_what_runs_is_noticed(browser):
    """The control: the listeners of these tests see a message, a dialog and a request."""
    view = browser.open(film("story"), bypass_csp=True)
    view.evaluate("console.error('here')")
    view.evaluate("setTimeout(() => alert('there'))")
    view.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    view.wait_for_timeout(300)
    assert {it.partition(":")[0] for it in browser.wrong} == {"console", "dialog", "request"}


def test_the_policy_forbids_a_request(browser):
    view = browser.open(film("story"))
    failed = view.evaluate("fetch('http://127.0.0.1:9/').then(() => 'went out', () => 'refused')")
    assert failed == "refused" and any("Content Security Policy" in it for it in browser.wrong)
    assert not any(it.startswith("request") for it in browser.wrong)


def long_film(steps):
    """A film of so many steps, by playing one again and again."""
    story = film("story")
    part = [it for it in story["steps"] if it["kind"] in ("event", "said", "line")]
    quiet = [{**it, "changes": [change for change in it["changes"] if change[0] in ("count", "hand")]} for it in part]
    begin = story["steps"][:30]
    story["steps"] = [*begin, *(quiet[at % len(quiet)] for at in range(steps - len(begin)))]
    return story


def test_a_long_film_stays_usable(browser):
    """100,000 steps. What is asserted is how much is done. How long it takes is printed, in time of the processor: the
    page's thread shares this machine with others."""
    view = browser.open(film("story"))
    file = Path(view.url[len("file://") :].partition("#")[0])
    file.write_text(page_of.html(long_film(100_000)), encoding="utf-8")
    devtools = view.context.new_cdp_session(view)
    devtools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
    devtools.send("Performance.enable")

    def spent():
        metrics = devtools.send("Performance.getMetrics")["metrics"]
        return next(it["value"] for it in metrics if it["name"] == "TaskDuration")

    view.goto("about:blank")
    before = spent()
    view.goto(file.as_uri())
    view.wait_for_function("document.getElementById('sentence').textContent !== ''")
    opened = spent() - before
    before = spent()
    view.keyboard.press("End")
    jumped = spent() - before
    before = spent()
    for at in range(40):
        view.keyboard.press("ArrowLeft" if at % 2 == 0 else "ArrowRight")
    stepped = (spent() - before) / 40
    print(
        f"\n100,000 steps: opened in {opened:.2f} s, to the end {1000 * jumped:.0f} ms, a step {1000 * stepped:.1f} ms"
    )
    assert step(view) == 100_000
    assert view.locator("#list-inside > div").count() < 60
    assert view.evaluate("document.querySelectorAll('*').length") < 2500


# ---- pictures ----------------------------------------------------------------------------------------------------------


def picture(browser, name, other_step=None):
    """A view as PNG."""
    story, at, width, height, colours, medium = VIEWS[name]
    view = browser.open(film(story), f"#step={other_step or at}", width, height, colours)
    view.emulate_media(media=medium)
    view.wait_for_timeout(150)
    return view.screenshot()


def difference(one, other):
    """The part of the picture that is clearly different: 0 to 1."""
    one, other = (Image.open(io.BytesIO(png)).convert("L").reduce(2) for png in (one, other))
    if one.size != other.size:
        return 1.0
    counted = ImageChops.difference(one, other).histogram()
    return sum(counted[48:]) / (one.size[0] * one.size[1])


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_looks_as_it_did(browser, name):
    kept = (HERE / "pictures" / f"{name}.png").read_bytes()
    taken = picture(browser, name)
    seen = difference(kept, taken)
    if seen > TOLERANCE:
        Path(tempfile.gettempdir(), f"replay-{name}.png").write_bytes(taken)
    assert seen <= TOLERANCE, f"{seen:.1%} differ; the new picture is replay-{name}.png in {tempfile.gettempdir()}"


def test_another_picture_is_noticed(browser):
    kept = (HERE / "pictures" / "call.png").read_bytes()
    assert difference(kept, picture(browser, "call", other_step=124)) > TOLERANCE
    assert difference(kept, picture(browser, "table")) > TOLERANCE
