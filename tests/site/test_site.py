"""The site in a real browser: every example of every page is run by clicking, and what a reader may do to it is done.

`make site` first; `make test-site` runs this. The browser is Debian's Chromium, driven by Playwright.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

specimens = pytest.importorskip("hashtable_lab.specimens", reason="the laboratory is not installed")

pytestmark = [pytest.mark.site, pytest.mark.timeout(600)]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SITE = Path(os.environ.get("HASHTABLE_SITE", ROOT / "target" / "site" / "html"))
# Without these Chromium looks for its maker's servers at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Examples that show something else in the browser, each with the reason: {page: {number: reason}}.
DIFFERING = json.loads((HERE / "differing.json").read_text())
WAIT = 120_000


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def server():
    if not (SITE / "live" / "assets.json").exists():
        pytest.skip("there is no site with a Python in it: run `make site`")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture(scope="session")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is missing (Debian: apt install chromium)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium, request):
    """A browser's profile. Only what needs it gets the service worker, which fetches all pages at the first visit."""
    keeps = request.node.get_closest_marker("offline") is not None
    made = chromium.new_context(service_workers="allow" if keeps else "block")
    yield made
    made.close()


@pytest.fixture
def visit(context, server):
    """Opens pages, and at the end sees that none complained and that nothing left the site's own server."""
    complaints, strangers = [], []

    def go(path, quiet=True):
        page = context.new_page()
        page.requests = []
        page.on("request", lambda request: page.requests.append(request.url))
        page.on(
            "request",
            lambda request: request.url.startswith((server, "blob:", "data:")) or strangers.append(request.url),
        )
        if quiet:
            page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
        page.set_default_timeout(WAIT)
        page.goto(f"{server}/{path}")
        return page

    yield go
    assert complaints == []
    assert strangers == []


def pages(kind):
    """The pages with sources of a kind in them, as paths."""
    if not SITE.exists():
        return []
    return sorted(
        path.relative_to(SITE).as_posix()
        for path in SITE.rglob("*.html")
        if f'class="live-source" data-kind="{kind}"' in path.read_text()
    )


def run_block(page, number):
    """Clicks Run of an example (the first is 1) and waits for what comes of it. Returns its output element."""
    page.get_by_role("button", name=f"Run example {number}", exact=True).click()
    return finished(page, number)


def finished(page, number):
    page.wait_for_function("!livePage.busy", timeout=WAIT)
    return page.get_by_role("log", name=f"Output of example {number}", exact=True)


def count_blocks(page):
    return page.evaluate("livePage.blocks.length")


# ---- the examples ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", pages("doctest"))
def test_every_example_is_as_in_the_book(visit, path):
    page = visit(path)
    last = count_blocks(page)
    assert last > 0
    for number in range(1, last + 1):
        run_block(page, number)
    differing = {}
    for number in range(1, last + 1):
        output = page.get_by_role("log", name=f"Output of example {number}", exact=True)
        if output.get_attribute("data-differing") != "0":
            differing[str(number)] = output.inner_text()
    listed = DIFFERING.get(path, {})
    unexpected = {number: text for number, text in differing.items() if number not in listed}
    assert unexpected == {}
    assert set(listed) - set(differing) == set(), "listed as differing, and does not"


def test_what_differs_is_marked(visit):
    """The control: an example whose expectation is wrong is not said to be as in the book."""
    page = visit("table.html")
    page.evaluate("livePage.blocks[1].text = livePage.blocks[1].text.replace('(6, 2)', '(6, 3)')")
    output = run_block(page, 2)
    assert output.get_attribute("data-differing") == "1"
    assert "The book shows:" in output.inner_text()
    assert "(6, 3)" in output.locator(".live-want").inner_text()


def test_an_example_runs_those_above_it_first(visit):
    page = visit("table.html")
    run_block(page, 3)
    assert page.get_by_role("log", name="Output of example 1", exact=True).get_attribute("data-differing") == "0"


def test_an_edited_example(visit):
    page = visit("table.html")
    page.get_by_role("button", name="Edit example 1", exact=True).click()
    editor = page.locator(".live-editor").first
    assert editor.input_value().startswith("from hashtable import HashTable")
    assert page.locator("div.highlight-python, div.highlight-pycon").first.is_hidden()
    editor.fill("from hashtable import HashTable\nfor key in range(2):\n    print(key)\nHashTable(2)")
    editor.press("Control+Enter")
    output = finished(page, 1)
    assert "0\n1\n" in output.inner_text() and "[]\n[]" in output.inner_text()
    assert "nothing to compare with" in output.inner_text()


def test_an_exception_is_shown_and_the_prompt_lives_on(visit):
    page = visit("table.html")
    page.get_by_role("button", name="Edit example 1", exact=True).click()
    page.locator(".live-editor").first.fill("1 / 0")
    page.locator(".live-editor").first.press("Control+Enter")
    assert "ZeroDivisionError" in finished(page, 1).inner_text()
    page.locator(".live-editor").first.fill("'<b>' + '&'")
    page.locator(".live-editor").first.press("Control+Enter")
    assert "'<b>&'" in finished(page, 1).inner_text()


def test_reset_forgets(visit):
    page = visit("table.html")
    run_block(page, 1)
    page.get_by_role("button", name="Reset").click()
    assert page.locator(".live-output:visible").count() == 0
    page.get_by_role("button", name="Edit example 1", exact=True).click()
    page.locator(".live-editor").first.fill("h")
    page.locator(".live-editor").first.press("Control+Enter")
    assert "NameError" in finished(page, 1).inner_text()


# ---- what goes wrong -------------------------------------------------------------------------------------------------


def test_an_endless_loop_is_stopped(visit):
    page = visit("table.html")
    page.get_by_role("button", name="Edit example 1", exact=True).click()
    page.locator(".live-editor").first.fill("print('before')\nwhile True: pass")
    page.locator(".live-editor").first.press("Control+Enter")
    page.locator(".live-output", has_text="before").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    assert "You stopped it" in finished(page, 1).inner_text()
    page.locator(".live-editor").first.fill("'alive'")
    page.locator(".live-editor").first.press("Control+Enter")
    assert "'alive'" in finished(page, 1).inner_text()


CRASH = "import ctypes; ctypes.string_at(2**31 + 5, 2**20)"


def test_a_crash_ends_the_worker_and_not_the_page(visit):
    page = visit("table.html", quiet=False)
    page.get_by_role("button", name="Edit example 1", exact=True).click()
    page.locator(".live-editor").first.fill(CRASH)
    page.locator(".live-editor").first.press("Control+Enter")
    output = finished(page, 1)
    assert "Python died" in output.inner_text()
    assert "Python died" in page.locator(".live-page").inner_text()
    page.locator(".live-editor").first.fill("6 * 7")
    page.locator(".live-editor").first.press("Control+Enter")
    assert "42" in finished(page, 1).inner_text()


# ---- loading ---------------------------------------------------------------------------------------------------------


def test_nothing_loads_before_it_is_asked_for(visit):
    page = visit("table.html")
    page.wait_for_timeout(1000)
    heavy = re.compile(r"/live/(pyodide|modules|specimens|snapshot\.|lab\.|front\.|worker)")
    assert [url for url in page.requests if heavy.search(url)] == []
    run_block(page, 1)
    assert [url for url in page.requests if heavy.search(url)] != []


def test_the_time_to_the_first_result(visit, record_property):
    """Measured and told, not judged: the machine may be busy."""
    page = visit("table.html")
    began = time.monotonic()
    run_block(page, 1)
    took = time.monotonic() - began
    record_property("seconds", took)
    print(f"\nthe first result came after {took:.1f} seconds")
    assert page.locator(".live-page").inner_text().startswith("Python 3.14")


IN_A_PYTHON = """async ([env, text]) => {
    const { Session } = await import(new URL("live/session.mjs", location.href));
    const session = new Session({ env });
    const rows = await session.run(text, false, () => {});
    session.end(null);
    return rows.map((row) => row.got).join("");
}"""
#: What a Python knows of how it was started, and a number that must not be the same twice.
STARTED = """
import os, random, sys
print(sys.path, sys.argv, sys.flags.dont_write_bytecode, os.getcwd(), sys.stdout.encoding, os.environ["HOME"], sep="|")
print(os.environ.get("COLOUR"), random.random(), sep="|")
"""


def test_a_python_from_the_snapshot_is_as_one_that_was_started(visit):
    page = visit("table.html")

    def started(env):
        about, own = page.evaluate(IN_A_PYTHON, [env, STARTED]).splitlines()
        assert len([url for url in page.requests if "/live/snapshot" in url]) == ("PYTHONHASHSEED" not in env)
        page.requests.clear()
        return about, own.split("|")

    path = {"PYTHONPATH": "/one:/two", "COLOUR": "blue"}
    restored, own = started(path)
    assert "'/one', '/two'" in restored
    assert own[0] == "blue"
    assert started({**path, "PYTHONHASHSEED": "0"})[0] == restored, (
        "one that has to start, since its seed is settled there"
    )
    assert started(path)[1] != own, "the same random numbers twice"


@pytest.mark.offline
def test_without_a_network(visit, context):
    page = visit("table.html")
    run_block(page, 1)
    page.evaluate("navigator.serviceWorker.ready")
    page.wait_for_function(
        "async () => { const all = (await (await fetch('service-worker.js')).text()).match(/^const FILES = (.*);$/m)[1];"
        " const { version, pages, live } = JSON.parse(all); const store = await caches.open('hashtable-book-' + version);"
        " return (await store.keys()).length >= pages.length + live.length - 3; }",
        timeout=WAIT,
    )
    context.set_offline(True)
    page.close()
    page = visit("table.html", quiet=False)
    assert run_block(page, 2).get_attribute("data-differing") == "0"
    page.goto(page.url.replace("table.html", "index.html"))
    assert "hash table" in page.inner_text("h1").lower()


def test_two_tabs_have_a_python_each(visit):
    first, second = visit("table.html"), visit("table.html")
    run_block(first, 1)
    second.get_by_role("button", name="Edit example 1", exact=True).click()
    second.locator(".live-editor").first.fill("h")
    second.locator(".live-editor").first.press("Control+Enter")
    assert "NameError" in finished(second, 1).inner_text()
    assert run_block(first, 2).get_attribute("data-differing") == "0"


# ---- reading and typing ----------------------------------------------------------------------------------------------


def test_by_keyboard_alone(visit):
    page = visit("table.html")
    page.get_by_role("button", name="Run example 1", exact=True).focus()
    page.keyboard.press("Enter")
    assert finished(page, 1).get_attribute("data-differing") == "0"


def test_everything_has_a_name(visit):
    page = visit("table.html")
    run_block(page, 1)
    page.get_by_role("button", name="Edit example 2", exact=True).click()
    nameless = page.evaluate(
        "[...document.querySelectorAll('.live-bar button, .live-page button, .live-editor, .live-output, .live-page progress')]"
        ".filter((one) => !(one.getAttribute('aria-label') || one.textContent).trim()).map((one) => one.outerHTML)"
    )
    assert nameless == []


SIX_PAGES = ["index.html", "table.html", "life.html", "ledger.html", "matrix.html", "specimens/missing-incref.html"]


@pytest.mark.parametrize("path", SIX_PAGES)
def test_on_a_phone(visit, path):
    page = visit(path)
    page.set_viewport_size({"width": 390, "height": 800})
    if path == "table.html":
        run_block(page, 2)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


# ---- the laboratory and its specimens --------------------------------------------------------------------------------


def panel_of(page, text):
    return page.locator(".live-panel", has=page.get_by_role("button", name=text, exact=True)).first


def run_panel(page, button):
    panel = panel_of(page, button)
    panel.get_by_role("button", name=button, exact=True).click()
    output = panel.locator(".live-output")
    output.locator(".live-verdict").wait_for()
    return output


#: What the programs of the laboratory end with, where that is not 0: a leak is found, something does not balance.
ENDS_WITH = {"l.append(object())": "1", "ctypes.pythonapi.Py_IncRef": "1", "the script shaky.py": "1"}
#: What each page has to have, among other things.
COMMANDS = {
    "commands.html": {"demo --help"},
    "counts.html": {"demo referrers"},
    "layers.html": {"demo layers"},
    "leakcheck.html": {"leakcheck --setup", "who --setup"},
    "ledger.html": {"ledger --module ledger_example"},
    "table.html": {"demo wordcount"},
    "two-bugs.html": {"demo missing-incref", "demo missing-decref"},
}


@pytest.mark.parametrize("path", COMMANDS)
def test_the_laboratory_has_buttons(visit, path):
    page = visit(path, quiet=False)
    panels = page.locator(".live-panel")
    panels.first.wait_for(state="attached")
    seen = {}
    for number in range(panels.count()):
        panel = panels.nth(number)
        label = panel.locator("textarea").get_attribute("aria-label")
        # Some stand in a part of the page that the reader has to unfold.
        panel.evaluate(
            "one => { for (let at = one; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true; }"
        )
        panel.get_by_role("button", name="Run it here").click()
        panel.locator(".live-verdict").wait_for()
        seen[label] = panel.locator(".live-output").get_attribute("data-code"), panel.inner_text()
    assert [command for command in COMMANDS[path] if not any(command in label for label in seen)] == []
    for label, (code, said) in seen.items():
        expected = next((code for words, code in ENDS_WITH.items() if words in label), "0")
        assert code == expected, f"{label} ended with {code}: {said}"


def test_a_script_for_the_ledger_can_be_changed(visit):
    page = visit("ledger.html")
    panel = page.locator(".live-panel").first
    panel.locator("textarea").fill("import ledger_example\nledger_example.leak_incref('a thing of mine')\n")
    panel.get_by_role("button", name="Run it here").click()
    panel.locator(".live-verdict").wait_for()
    assert "leak_incref" in panel.locator(".live-output").inner_text()
    assert "return_item" not in panel.locator(".live-output").inner_text()


SPECIMENS = {name: specimens.load(name) for name in specimens.names()}
#: In what the ledger's report does not name the line: every reference has its owner, and one is not shown to the collector. The
#: matrix names it all the same, since it compares what was stored with what the collector sees.
NOT_NAMED = {"missing-traverse"}
SYMPTOMS = ROOT / "docs" / "site" / "symptoms.json"
KNOWN = json.loads(SYMPTOMS.read_text())
NOT_HERE = [name for name, symptom in KNOWN.items() if symptom["ends"] == "not here"]
#: Write the symptoms anew instead of comparing with them (`make record WHAT=symptoms`).
RECORD = bool(os.environ.get("HASHTABLE_RECORD_SYMPTOMS"))


def symptom(output):
    """How the broken module's script ended, as a word of the specimens' and what it said last."""
    code = output.get_attribute("data-code")
    words = {"0": "nothing", "died": "crash", str(specimens.specimen.COMPLAINT): "complaint"}
    says = [line for line in output.inner_text().splitlines() if line.strip()]
    last = says[-1] if code == "died" else (says[:-1] or [""])[-1]
    return {"ends": words.get(code, f"exit code {code}"), "says": re.sub(r"0x[0-9a-f]+", "0x...", last.strip())}


def test_the_symptoms_of_all_specimens_are_known():
    assert sorted(KNOWN) == sorted(SPECIMENS)


@pytest.mark.parametrize("name", NOT_HERE)
def test_what_cannot_be_met_in_a_browser_says_so(visit, name):
    page = visit(f"specimens/{name}.html")
    page.get_by_text("This specimen cannot be met in a browser").wait_for()
    assert page.locator(".live-panel").count() == 0


@pytest.mark.parametrize("name", [name for name in SPECIMENS if name not in NOT_HERE])
def test_a_specimen_in_the_browser(visit, name):
    """It runs well with the right module, shows its symptom with the broken one, and the ledger names its line."""
    if not (SITE / "live" / "specimens" / name).is_dir():
        pytest.skip("the site was made without it")
    page = visit(f"specimens/{name}.html", quiet=False)
    right = run_panel(page, "Run with the right module")
    assert right.get_attribute("data-code") == "0", right.inner_text()
    seen = symptom(run_panel(page, "Run with the broken one"))
    if RECORD:
        KNOWN[name] = seen
        SYMPTOMS.write_text(json.dumps(KNOWN, indent=1, sort_keys=True) + "\n")
    else:
        assert seen == KNOWN[name]
    if SPECIMENS[name].line:
        file, line = specimens.named_place(SPECIMENS[name])
        asked = run_panel(page, "Ask the ledger")
        named = f"{Path(file).name}:{line}" in asked.inner_text()
        assert (named, asked.get_attribute("data-code")) == ((False, "0") if name in NOT_NAMED else (True, "1")), (
            asked.inner_text()
        )


def test_the_readers_own_program_in_the_place_of_a_specimens(visit):
    page = visit("specimens/missing-incref.html", quiet=False)
    panel = panel_of(page, "Run with the broken one")
    assert not panel.locator("textarea").is_visible()
    panel.get_by_role("button", name="Edit the script of missing-incref").click()
    assert page.locator("#the-symptom .highlight-python").is_hidden()
    panel.locator("textarea").fill("import hashtable\nprint(hashtable.HashTable(3).size, 'buckets')")
    assert "3 buckets" in run_panel(page, "Run with the broken one").inner_text()


# ---- the front page --------------------------------------------------------------------------------------------------


def test_the_table_on_the_front_page(visit):
    page = visit("index.html")
    table = page.locator("#live-table")
    assert table.locator("svg").count() == 1
    assert table.get_by_label("Your hash function").is_hidden()
    table.locator("#live-size").fill("7")
    table.locator("#live-size").press("Tab")
    table.locator(".live-says", has_text="in 7 buckets").wait_for()
    table.get_by_label("A statement; Enter runs it").fill("h.set('pi', 3)")
    table.get_by_label("A statement; Enter runs it").press("Enter")
    table.locator(".live-says", has_text="3 pairs in 7 buckets").wait_for()
    table.locator("#live-hash").select_option("my_hash")
    table.get_by_label("Your hash function").fill("def my_hash(key):\n    return 1\n")
    table.get_by_label("Your hash function").press("Tab")
    table.locator(".live-says", has_text="the longest chain has 3").wait_for()
