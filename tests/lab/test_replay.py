"""`python -m hashtable_lab replay`: what is recorded is what happened, whatever the script does; and nothing of it becomes HTML.

The page itself is tested in a browser, and its state machine by node's test runner (tests/browser).
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
import xml.dom.minidom
from pathlib import Path

import pytest

command = pytest.importorskip("hashtable_lab.replay.command", reason="the laboratory is not installed")
pytest.importorskip("hashtable_traced", reason="the traced build is not installed")

import films  # noqa: E402
from hashtable_lab.errors import Missing  # noqa: E402
from hashtable_lab.replay import page  # noqa: E402
from hypothesis import given, settings  # noqa: E402

SPECIMENS = sorted((Path(__file__).resolve().parents[2] / "src" / "lab" / "specimens").glob("*.diff"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the counts are read by asking a POSIX system")


def shoot(text, **options):
    """The film of a script, and what the ledger found."""
    return command.shoot(command.of_code(textwrap.dedent(text), (), "hashtable_traced", ()), **options)


def kinds(film):
    return [step["kind"] for step in film["steps"]]


# ---- the film is never wrong -----------------------------------------------------------------------------------------


@settings(max_examples=5)
@given(films.scripts())
@pytest.mark.slow
def test_every_count_is_what_getrefcount_says(script):
    film, report = shoot(script)
    assert report.exit_code == 0, (report, script)
    assert films.wrong_counts(film, films.counts_by_python(film)) == [], script


@pytest.mark.slow
def test_a_count_that_is_wrong_is_noticed():
    script = films.example()
    film, _ = shoot(script)
    assert len(films.probes(film)) > 20
    assert films.wrong_counts(film, films.counts_by_python(film)) == []
    for what in ("forgotten", "one too many"):
        broken = json.loads(json.dumps(film))
        assert films.break_a_count(broken, what)
        assert films.wrong_counts(broken, films.counts_by_python(broken)) != [], what


def unwatched(child, tmp_path, text):
    """What a script prints when nobody records it."""
    file = tmp_path / "script.py"
    file.write_text(text, encoding="utf-8")
    begin = "import runpy, sys, hashtable_traced as t; t.announce(False); sys.modules['hashtable'] = t; "
    ending = child("-c", f"{begin}runpy.run_path({str(file)!r}, run_name='__main__')")
    assert ending.returncode == 0, ending.stderr
    return ending.stdout


@pytest.mark.slow
def test_recording_adds_no_reference(child, tmp_path):
    """The script sees the counts that it would see if it were not recorded; if the recorder kept anything, it would not."""
    script = films.example(ints=False).replace("a = b = c = 1", "a = b = c = Key(4)").replace("b = None", "b = Key(5)")
    alone = unwatched(child, tmp_path, script)
    assert "PROBE key" in alone and "PROBE self" in alone
    assert shoot(script)[0]["output"] == alone
    spoil = """\
        import hashtable_lab.replay.watching as watching
        held, walk = [], watching.Watch._walk
        watching.Watch._walk = lambda self, waiting: (held.extend(waiting), walk(self, waiting))[1]
        """
    assert shoot(textwrap.dedent(spoil) + script)[0]["output"] != alone


# ---- what is in it ---------------------------------------------------------------------------------------------------

STORY = """\
import hashtable

def by_length(key):
    return len(key)

h = hashtable.HashTable(2, 1.0, by_length)
words = ["one".upper(), "two".upper(), "three".upper()]
for word in words:
    h.set(word, [word])
print(h.get("TWO"))
h.pop("ONE")
del h
"""


def test_a_film_has_everything_that_the_format_promises():
    film, report = shoot(STORY)
    assert (film["format"], film["version"]) == ("hashtable-replay", 1)
    assert film["verdict"] == "balanced" and film["exit_code"] == report.exit_code == 0
    assert film["output"] == "['TWO']\n" and film["findings"] == [] and film["notes"] == []
    assert kinds(film)[-1] == "end" and {"line", "call", "return", "enter", "leave", "event", "said"} <= set(
        kinds(film)
    )
    assert set(kinds(film)) <= set(films.KINDS)
    changes = {change[0] for step in film["steps"] for change in step["changes"]}
    assert changes <= set(films.CHANGES)
    expected = {"push", "pop", "name", "items", "enter", "leave", "hand", "lend", "field", "entry", "walk", "passed"}
    assert expected | {"candidate", "end", "entry at", "hole", "rebuilt", "no table", "freed"} <= changes
    # Every place that a step names is quoted.
    for step in film["steps"]:
        if "place" in step:
            file, line = step["place"]
            parts = next(it["parts"] for it in film["files"] if it["name"] == file)
            assert any(first <= line < first + len(lines) for first, lines in parts), step
    json.dumps(film)


def test_the_format_is_documented(source):
    text = (source / "docs" / "replay-format.md").read_text(encoding="utf-8")
    missing = [name for name in (*films.KINDS, *films.CHANGES) if f"`{name}`" not in text]
    film, _ = shoot("import hashtable\nhashtable.HashTable()")
    missing += [name for name in film if f"`{name}`" not in text]
    assert missing == []


def test_any_extension_that_keeps_a_ledger_can_be_replayed(example, source):
    text = "import ledger_example as m\nthing = ['x']\nm.leak_incref(thing)\nm.leak_new()\ndel thing\n"
    play = command.Play(
        "code.py",
        text,
        "x",
        module="ledger_example",
        search=[str(example("ledger"))],
        folders=[source / "src/ledger/example"],
    )
    film, report = command.shoot(play)
    assert film["module"] == "ledger_example" and "event" in kinds(film)
    # What it loses, on purpose, has an arrow from then on, and no owner.
    assert report.exit_code == 1 and len(film["findings"]) == 2
    marks = [change for step in film["steps"] for change in step["changes"] if change[0] == "lost"]
    assert [film["objects"][mark[1]]["type"] for mark in marks] == ["list", "int"]
    last = {change[1]: change[2] for step in film["steps"] for change in step["changes"] if change[0] == "count"}
    assert last[marks[0][1]] == 1
    (file,) = (file for file in film["files"] if file["name"].endswith("wrong.rs"))
    assert any("BUG leak_incref" in line for _, lines in file["parts"] for line in lines)


# ---- scripts that are not well behaved -------------------------------------------------------------------------------


def test_a_script_that_raises():
    film, report = shoot("import hashtable\nh = hashtable.HashTable()\nh.set(1, 2)\nh[3]\n")
    assert report.exit_code == film["exit_code"] == 2
    assert film["ending"]["words"] == "the script raised KeyError: 3" and not film["ending"]["well"]
    assert "exception" in kinds(film)
    leave = [step for step in film["steps"] if step["kind"] == "leave"]
    assert any(step.get("raised") == "KeyError" for step in leave)


@pytest.mark.slow
def test_a_script_that_hangs_is_stopped():
    film, report = shoot(
        "import hashtable\nhashtable.HashTable().set(1, 2)\nwhile True:\n    pass\n", time_limit=3, most=50
    )
    assert film["ending"]["timed_out"] and "stopped after 3 seconds" in film["ending"]["words"]
    assert report.exit_code == 2 and len(film["steps"]) == 51 and film["limit"] == {"steps": 50, "reached": True}


def test_a_script_that_crashes():
    film, report = shoot("import hashtable, ctypes\nhashtable.HashTable().set(1, 2)\nctypes.string_at(0)\n")
    assert film["ending"]["crashed"] and kinds(film)[-1] == "crash" and report.exit_code == 2
    assert film["steps"][-2]["line"] == 3


def test_a_script_that_forks():
    film, report = shoot(
        """\
        import hashtable, os
        h = hashtable.HashTable()
        if (pid := os.fork()) == 0:
            for number in range(100):
                h.set(number, number)
            os._exit(0) if number % 2 else None
        os.waitpid(pid, 0)
        h.set("parent", 1)
        """
    )
    assert report.exit_code == 0 and any("forked" in note for note in film["notes"])
    assert [step["function"] for step in film["steps"] if step["kind"] == "enter"].count("HashTable.set") == 1


def test_a_script_whose_fork_runs_to_the_end():
    film, report = shoot("import hashtable, os\nh = hashtable.HashTable()\nif os.fork(): os.wait()\nh.set(1, 2)\n")
    assert report.exit_code == 0 and kinds(film).count("end") == 1


def test_a_script_with_threads():
    film, report = shoot(
        """\
        import hashtable, threading
        h = hashtable.HashTable()
        def work(number):
            h.set(number, str(number))
        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    )
    assert report.exit_code == 0
    threads = {step.get("thread", 1) for step in film["steps"]}
    assert len(threads) == 4
    assert all(any(s["kind"] == "line" and s.get("thread", 1) == thread for s in film["steps"]) for thread in threads)


def test_a_script_that_prints_bytes():
    film, _ = shoot("import hashtable, sys\nsys.stdout.buffer.write(b'\\xff\\x00ok\\n')\nhashtable.HashTable()\n")
    assert film["output"] == "�\x00ok\n"
    assert page.html(film).count("</script>") == 2


@pytest.mark.slow
def test_a_script_that_makes_more_steps_than_are_recorded():
    text = "import hashtable\nh = hashtable.HashTable()\nfor number in range(2000):\n    h.set(number, number)\nprint(len(h))\n"
    film, report = shoot(text, most=300)
    assert len(film["steps"]) == 301 and film["limit"] == {"steps": 300, "reached": True}
    assert film["output"] == "2000\n" and report.exit_code == 0 and film["ending"]["well"]


@pytest.mark.slow
def test_a_script_of_millions_of_steps(child, tmp_path):
    """What is above the limit is not recorded; the script runs to its end, and all of it is judged."""
    text = "import hashtable\nh = hashtable.HashTable()\nfor n in range(250_000):\n    h.set(n % 7, n)\nprint(sum(h.values()))\n"
    (tmp_path / "million.py").write_text(text, encoding="utf-8")
    ending = child("-m", "hashtable_lab", "replay", str(tmp_path / "million.py"), "-o", str(tmp_path / "film.html"))
    assert ending.returncode == 0, ending.stderr
    said = " ".join(ending.stdout.split())
    assert "100,001 steps recorded (the limit; --steps sets another one, and 100,000 it is now)" in said
    assert "the script ran to its end; the ledger says: balanced" in said and str(sum(range(249_993, 250_000))) in said
    film = (tmp_path / "film.html").read_text(encoding="utf-8")
    assert '"limit":{"steps":100000,"reached":true}' in film.replace(" ", "") and len(film) < 40_000_000


def test_no_code_of_an_object_runs_for_its_picture():
    film, report = shoot(
        """\
        import hashtable
        class Meta(type):
            def __eq__(cls, other): print("meta eq"); return True
            def __hash__(cls): print("meta hash"); return 1
            def __getattribute__(cls, name): print("meta getattribute"); return type.__getattribute__(cls, name)
        class Hostile(metaclass=Meta):
            def __repr__(self): print("repr"); raise SystemError("no")
            def __getattr__(self, name): print("getattr", name); raise AttributeError(name)
            @property
            def __class__(self): print("class"); return int
            __dict__ = property(lambda self: print("dict"))
        print("begin")
        x = [Hostile()]
        y = x[0]
        h = hashtable.HashTable()
        h.set("key", y)
        print("end")
        """
    )
    assert film["output"] == "begin\nend\n" and report.exit_code == 0
    assert any(it["type"] == "Hostile" for it in film["objects"])


@pytest.mark.slow
def test_what_is_huge_is_shown_as_what_it_is():
    film, _ = shoot(
        "import hashtable\nh = hashtable.HashTable()\nn, s, l = 1 << 100_000, 'x' * 10**6, [0] * 10**6\nh.set(s, n)\n"
    )
    shown = {it["shown"] for it in film["objects"]}
    assert "int of 100001 bits" in shown and max(map(len, shown)) < 80
    assert len(json.dumps(film)) < 200_000


def test_the_script_does_not_feel_that_it_is_watched():
    film, report = shoot(
        """\
        import hashtable, sys
        def own(thing):
            names = locals()
            other = thing
            return "thing" in names
        def again(thing):
            first = sys.getrefcount(thing)
            second = sys.getrefcount(thing)
            return second - first
        thing = object()
        print(own(thing), again(thing), sys.gettrace())
        hashtable.HashTable()
        """
    )
    assert film["output"] == "True 0 None\n" and report.exit_code == 0


# ---- nothing of it is HTML -------------------------------------------------------------------------------------------

HOSTILE = "</script><img src=x onerror=alert(1)><!--<script>"


def test_hostile_texts_stay_texts():
    film, _ = shoot(
        f"import hashtable\nkey = {HOSTILE!r}\nhashtable.HashTable().set(key, type({HOSTILE!r}, (), {{}}))\nprint(key)\n"
    )
    assert any(HOSTILE in it["shown"] for it in film["objects"])
    film["title"] = HOSTILE
    html = page.html(film)
    assert html.count("</script>") == 2 and "<img" not in html and "<!--" not in html.split("<body>")[1]
    data = re.search(r'id="film">(.*?)</script>', html, re.DOTALL)[1]
    assert json.loads(data) == film


def test_the_page_forbids_what_it_does_not_bring():
    film, _ = shoot("import hashtable\nhashtable.HashTable()")
    html = page.html(film)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)[1]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy
    assert page._digest(re.search(r'<script type="module">(.*?)</script>', html, re.DOTALL)[1]) in policy
    assert page._digest(re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]) in policy
    assert re.findall(r"(?:src|href|url\()=?[\"']?(?!#|\(#)(?:https?:|//)", html) == []


@pytest.mark.parametrize("module", page.MODULES)
def test_no_module_reads_a_string_as_html(module):
    text = page.asset(f"{module}.js")
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\b|new Function"
    assert re.findall(forbidden, text) == []
    assert re.findall(forbidden, "it.innerHTML = name") != []


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_writes_a_page(child, tmp_path):
    file = tmp_path / "page.html"
    ending = child("-m", "hashtable_lab", "replay", "-c", STORY, "-o", str(file), "--", "--json")
    assert ending.returncode == 0, ending.stderr
    assert ending.stdout.startswith("['TWO']\n") and str(file.name) in ending.stdout.replace("\n", "")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [it.name for it in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.slow
def test_the_command_prints_json(child, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(STORY + "import sys; print(sys.argv)", encoding="utf-8")
    ending = child("-m", "hashtable_lab", "replay", str(script), "--json", "--", "a", "--b")
    film = json.loads(ending.stdout)
    assert ending.returncode == 0 and film["script"] == "script.py" and "'a', '--b'" in film["output"]
    assert "['TWO']" in ending.stderr


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (["-c", "1"], 100_000),
        (["--specimen", "missing-clear"], 5000),
        (["--specimen", "missing-clear", "--steps", "7"], 7),
    ],
)
def test_so_many_steps_are_recorded_at_most(arguments, most, monkeypatch):
    from click.testing import CliRunner

    asked = []
    monkeypatch.setattr(command, "of_specimen", lambda *_: None)
    monkeypatch.setattr(command, "perform", lambda play, output, machine, most, *_: asked.append(most) or 0)
    assert CliRunner().invoke(command.replay_command, arguments).exit_code == 0
    assert asked == [most]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that can be run by its name, and a module in it."""
    (tmp_path / "stories").mkdir()
    (tmp_path / "stories" / "__init__.py").write_text("begun = True\n", encoding="utf-8")
    (tmp_path / "stories" / "__main__.py").write_text(f"{STORY}import sys; print(sys.argv[1:])\n", encoding="utf-8")
    (tmp_path / "stories" / "inner.py").write_text("import hashtable\nhashtable.HashTable()\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_module_is_run_by_its_name(package, child):
    ending = child("-m", "hashtable_lab", "replay", "-m", "stories", "--json", "--", "a", "--b")
    film = json.loads(ending.stdout)
    assert ending.returncode == 0 and film["exit_code"] == 0, ending.stderr
    assert (film["title"], film["script"]) == ("-m stories", "__main__.py")
    assert film["files"][0]["parts"][0][1][: STORY.count("\n")] == STORY.splitlines()
    assert "line" in kinds(film) and "enter" in kinds(film)
    assert film["output"] == "['TWO']\n['a', '--b']\n"
    ending = child("-m", "hashtable_lab", "replay", "-m", "stories.inner")
    assert ending.returncode == 0 and (package / "stories.inner.html").is_file(), ending.stderr


@pytest.mark.parametrize("name", ["no_such_module", "stories.no_such_module", "hashtable"])
def test_a_module_that_cannot_be_run(name, package):
    film, report = command.shoot(command.of_module(name, (), "hashtable_traced", ()))
    assert report.exit_code == 2 and film["ending"]["words"].startswith(
        "the script raised ImportError: No module named"
    )
    assert kinds(film)[-1] == "end"


def test_a_report_of_a_module_can_have_its_film(package, child):
    ending = child("-m", "hashtable_lab", "ledger", "--replay", "page.html", "-m", "stories")
    assert ending.returncode == 0 and "Balanced." in ending.stdout, ending
    assert "by_length" in (package / "page.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "One of"),
        (["-c", "1", "--specimen", "missing-incref"], "One of"),
        (["-m", "json", "-c", "1"], "One of"),
        (["no-such-file.py"], "does not exist"),
        (["--specimen", "no-such-specimen"], "no-such-specimen"),
        (["-c", "import hashtable; hashtable.HashTable()", "-o", "/no/such/folder/page.html"], "cannot be written"),
        (["-c", "1", "--module", "json"], "keeps no ledger"),
        (["-c", "1", "--timeout", "0"], "--timeout"),
    ],
)
@pytest.mark.slow
def test_what_is_wrong_is_told_in_a_line(child, arguments, word):
    ending = child("-m", "hashtable_lab", "replay", *arguments)
    said = [line for line in ending.stderr.splitlines() if not line.startswith("Recording")]
    assert ending.returncode == 2 and len(said) == 1 and word in said[0], ending


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(Missing, match="cannot be written"):
        command.write(tmp_path, "a folder is there")
    assert list(tmp_path.iterdir()) == []


# ---- stills, and films beside other things ---------------------------------------------------------------------------


def test_a_still_shows_the_chain_and_what_a_lookup_passes_by(module):
    lab = pytest.importorskip("hashtable_lab")
    table = module.HashTable(hash_func=len).set("pi", 3.14).set("e", 2.71).set("it", 1)
    still = lab.picture(table)
    assert repr(still).splitlines() == [
        "3 pairs in 8 buckets, at most 0.5 full",
        "bucket 1: 'e': 2.71",
        "bucket 2: 'it': 1, 'pi': 3.14",
    ]
    assert (still.passed, still.found) == ([], None)
    still = lab.picture(table, key="pi")
    assert (still.passed, still.found) == (["'it'"], True)
    assert lab.picture(table, key="no").passed == ["'it'", "'pi'"] and lab.picture(table, key="no").found is False
    svg = xml.dom.minidom.parseString(still.svg).documentElement
    assert svg.tagName == "svg" and still._repr_svg_() == still.svg and still.svg in still._repr_html_()
    assert len(svg.getElementsByTagName("rect")) == 8 + 3


def test_a_still_of_what_is_hostile_or_large(module, tmp_path):
    lab = pytest.importorskip("hashtable_lab")

    class Mute:
        def __repr__(self):
            raise ValueError("no words")

    table = module.HashTable(hash_func=lambda key: 3)
    table.set("</title><script>alert(1)</script>", "\x00\ud800&<").set(Mute(), "x" * 10**6)
    still = lab.picture(table)
    assert "<script" not in still.svg and len(still.svg) < 10_000 and "its repr" in still.svg
    xml.dom.minidom.parseString(still.svg.encode())
    still.save(tmp_path / "still.svg")
    assert (tmp_path / "still.svg").read_text("utf-8") == still.svg
    big = module.HashTable()
    for number in range(5000):
        big.set(number, number)
    still = lab.picture(big, key=4321)
    assert len(still.svg) < 60_000 and "more buckets" in still.svg and still.found
    with pytest.raises(TypeError, match="not of a dict"):
        lab.picture({})


def test_a_report_can_have_its_film(child, tmp_path):
    script, file = tmp_path / "script.py", tmp_path / "page.html"
    script.write_text(STORY, encoding="utf-8")
    ending = child("-m", "hashtable_lab", "ledger", "--replay", str(file), str(script))
    assert ending.returncode == 0 and "Balanced." in ending.stdout and "events" not in ending.stdout, ending
    assert ending.stdout.startswith("['TWO']\n") and file.read_text("utf-8").startswith("<!doctype html>")
    ending = child("-m", "hashtable_lab", "ledger", "--json", "--replay", str(file), str(script))
    assert json.loads(ending.stdout)["verdict"] == "balanced"


@pytest.mark.parametrize("demo", ["layers", "referrers", "wordcount"])
@pytest.mark.slow
def test_a_demo_can_have_its_film(demo, child, tmp_path):
    ending = child("-m", "hashtable_lab", "demo", demo, "--replay", str(tmp_path / "page.html"))
    assert ending.returncode == 0, ending.stderr
    data = re.search(r'id="film">(.*?)</script>', (tmp_path / "page.html").read_text("utf-8"), re.DOTALL)[1]
    film = json.loads(data)
    assert film["ending"]["well"] and len(film["steps"]) > 40 and not film["limit"]["reached"]


@pytest.mark.specimens
@pytest.mark.parametrize("name", [file.stem for file in SPECIMENS])
def test_every_specimen_has_its_film(name):
    from hashtable_lab import specimens
    from hashtable_lab.errors import Missing
    from hashtable_lab.stage import Stage

    specimen = specimens.load(name)
    if specimen.threads:
        with pytest.raises(Missing, match="takes several threads"):
            command.of_specimen(specimen, Stage())
        return
    film, report = command.shoot(command.of_specimen(specimen, Stage()), most=2000)
    assert kinds(film)[-1] == ("crash" if film["ending"]["crashed"] else "end")
    if specimen.line and report.findings:
        file, line = specimens.named_place(specimen)
        marked = [it for it in film["findings"] if it["place"] == [file, line]]
        assert marked and film["steps"][marked[0]["step"]]["kind"] == "finding"
        # What was lost or owed is marked at that step, and from then on.
        if marked[0]["object"] is not None:
            changes = film["steps"][marked[0]["step"]]["changes"]
            assert any(change[0] in ("lost", "owed") and change[1] == marked[0]["object"] for change in changes)
