"""`explore`, `attack`, `demo knobs`: what they measure is right, what they find collides, what they write can be read."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("hashtable_lab.explore", reason="the laboratory is not installed")
from click.testing import CliRunner
from hashtable_lab import campaign
from hashtable_lab.attack import searching
from hashtable_lab.cli import lab, main
from hashtable_lab.errors import Missing
from hashtable_lab.explore import command, report, theory
from hashtable_lab.explore.functions import digits_hash, function_of
from hashtable_lab.explore.keys import KEY_SETS, keys_of
from hashtable_lab.explore.measuring import measure

FEW = ("--keys", "ids", "--keys", "i << 32", "--size", "4", "--size", "67", "--max-load", "1", "--count", "50")


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """What is kept from one run to the next is kept in a folder of the test's own."""
    monkeypatch.setattr("hashtable_lab.campaign.engine.kept_below", lambda name: tmp_path / "kept" / name)


def ran(*arguments):
    return CliRunner().invoke(lab, arguments, catch_exceptions=False, standalone_mode=False)


# ---- measuring -------------------------------------------------------------------------------------------------------


def test_what_is_measured():
    row = measure("i << 32", 50, "hash", 64, 1.0)
    assert (row["size"], row["load"], row["longest_chain"], row["error"]) == (64, 50, 50, "")
    assert row["hit"] == (50 + 1) / 2
    assert row["miss"] == 50, "the others are in that bucket too"
    assert row["hit_expected"] == pytest.approx(1 + 49 / 128, abs=1e-4)
    assert all(row[what] > 0 for what in ("set", "get", "in"))
    assert measure("i << 32", 50, "hash", 67, 1.0)["longest_chain"] < 50
    assert measure("i << 32", 50, "mixed_hash", 64, 1.0)["longest_chain"] < 8


def test_a_hash_function_that_raises_is_a_row():
    assert measure("words", 5, "math:floor", 4, 0.5)["error"].startswith("TypeError: must be real number")


def test_theory_against_chance():
    generator = random.Random(7)
    load, size, longest, hits = 2000, 2048, [], []
    for _ in range(20):
        chains = [0] * size
        for _ in range(load):
            chains[generator.randrange(size)] += 1
        longest.append(max(chains))
        hits.append(sum(length * (length + 1) / 2 for length in chains) / load)
    assert abs(sum(longest) / 20 - theory.longest_chain(load, size)) < 1
    assert sum(hits) / 20 == pytest.approx(theory.probes_for_a_hit(load, size), rel=0.02)
    assert theory.longest_chain(0, 8) == 0


@pytest.mark.parametrize("name", KEY_SETS)
def test_keys_are_distinct_and_the_same_each_time(name):
    present, absent = keys_of(name, 20)
    assert len(present) == 20 and len({*present, *absent}) == len(present) + len(absent)
    keys_of.cache_clear()
    assert keys_of(name, 20) == (present, absent)


# ---- exploring -------------------------------------------------------------------------------------------------------


def test_a_sweep_in_all_forms(tmp_path):
    pytest.importorskip("matplotlib", reason="pip install '.[explore]'")
    files = ("--csv", str(tmp_path / "rows.csv"), "--html", str(tmp_path / "page.html"))
    done = ran("explore", *FEW, "--json", *files)
    assert done.return_value == 0
    rows = json.loads(done.stdout)
    assert len(rows) == 2 * 3 * 2
    with open(tmp_path / "rows.csv", newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["longest_chain"] for row in read] == [str(row["longest_chain"]) for row in rows]
    page = (tmp_path / "page.html").read_text()
    assert page.count("<svg") == 3 and "When does an odd size help?" in page
    assert "<script" not in page and "src=" not in page, "it needs nothing but itself"
    # In the dark, too: the browser's own colours, and plots that bring their paper along.
    assert "color-scheme: light dark" in page and "background: white" in page
    assert json.loads(ran("explore", *FEW, "--json").stdout) == rows, (
        "the second time everything is known, the times too"
    )


@pytest.mark.parametrize("where", ["threads", "processes:2", pytest.param("dask", marks=pytest.mark.dask)])
def test_a_sweep_finds_the_same_everywhere(where):
    if where == "dask":
        pytest.importorskip("distributed", reason="pip install '.[dask]'")
    if where == "threads":  # any executor, in Python
        jobs = command.jobs_of(("ids", "i << 32"), command.FUNCTIONS, (4, 67), (1.0,), 50)
        with ThreadPoolExecutor(2) as pool:
            rows = command.rows_of(campaign.run(jobs, pool))
    else:
        rows = json.loads(ran("explore", *FEW, "--json", "--executor", where).stdout)
    here = json.loads(ran("explore", *FEW, "--json", "--fresh").stdout)
    times = ("set", "get", "in")
    assert all(row[what] > 0 for row in rows for what in times)
    assert [{**row, **dict.fromkeys(times)} for row in rows] == [{**row, **dict.fromkeys(times)} for row in here]


#: A hash function that keeps a sweep waiting, as long as a file is there.
WAITING = """
import os, time
def function(key):
    while os.path.exists({file!r}):
        time.sleep(0.05)
    return hash(key)
"""
#: The command as a terminal starts it, where Ctrl-C interrupts.
AT_A_TERMINAL = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from hashtable_lab.cli import main
if __name__ == "__main__":
    sys.exit(main(["explore", *sys.argv[1:]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing there")
@pytest.mark.parametrize("where", ["here", "processes:2"])
def test_interrupted_it_keeps_what_was_done_and_goes_on_from_there(where, tmp_path):
    wait = tmp_path / "wait"
    wait.touch()
    (tmp_path / "waiting.py").write_text(WAITING.format(file=str(wait)))
    # What is kept lies below a checkout; this one has nothing else.
    for name in ("Cargo.toml", "src/extension/Cargo.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    environment = {**os.environ, "HASHTABLE_SOURCE": str(tmp_path)}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    arguments = [*FEW, "--hash-function", "hash", "--hash-function", "waiting:function", "--executor", where]
    options = {"env": environment, "cwd": tmp_path, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    line = [sys.executable, "-c", AT_A_TERMINAL, *arguments]
    process = subprocess.Popen([*line, "--csv", "rows.csv"], **options, **pipes, start_new_session=True)
    kept = tmp_path / "target" / "campaigns" / "explore"
    deadline = time.monotonic() + 120
    # Here, jobs are done one after another, and the third one waits; in two processes, both wait before long.
    while len(list(kept.glob("*.json"))) < 2:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    shown, said = process.communicate(timeout=60)
    assert process.returncode == 130
    first = {file.name: file.read_text() for file in kept.iterdir()}
    assert f"Interrupted: {len(first)} of 8 settings were measured, and are kept." in said
    assert "Traceback" not in said + shown and "waiting:function" not in shown and "ids" in shown
    with open(tmp_path / "rows.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(first), "what was asked for is written, of what was done"
    wait.unlink()
    again = subprocess.run([*line, "--json"], **options, **pipes)
    assert again.returncode == 0 and len(json.loads(again.stdout)) == 8
    assert all((kept / name).read_text() == text for name, text in first.items()) and len(list(kept.iterdir())) == 8
    # What had been measured was not measured again: the times are those of the first run, too.
    before = [json.loads(text)["value"] for text in first.values()]
    assert all(row in json.loads(again.stdout) for row in before)


def test_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pip install '.[explore]'")
    rows = [measure("ids", 20, "hash", 4, 0.5), {"keys": "x", "error": "y"}]
    report.write_parquet(rows, tmp_path / "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet").to_pylist()[0]["hit"] == rows[0]["hit"]


def test_a_file_of_keys(tmp_path):
    file = tmp_path / "keys <b>.txt"
    file.write_text("one\ntwo\nthree\ntwo\n")
    rows = json.loads(
        ran("explore", str(file), "--hash-function", "hash", "--size", "8", "--max-load", "1", "--json").stdout
    )
    assert [row["load"] for row in rows] == [1], "of three distinct lines one is in the table, and two are looked for"
    file.write_text("other\ncontent\nfor\nthe\nsame\nname\n")
    keys_of.cache_clear()
    rows = json.loads(
        ran("explore", str(file), "--hash-function", "hash", "--size", "8", "--max-load", "1", "--json").stdout
    )
    assert [row["load"] for row in rows] == [3]


def test_a_page_shows_names_as_they_are(tmp_path):
    pytest.importorskip("matplotlib", reason="pip install '.[explore]'")
    row = {**measure("ids", 20, "hash", 4, 0.5), "keys": "<script>alert(1)</script>"}
    report.write_html([row], tmp_path / "page.html")
    assert "<script" not in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("explore", "--keys", "no such set"),
        ("explore", "--hash-function", "nothing"),
        ("explore", "--hash-function", "no_such_module:function"),
        ("explore", "--max-load", "0"),
        ("explore", "--csv", "/no/such/folder/file.csv"),
        ("explore", "--executor", "elsewhere"),
        ("explore", "/no/such/file"),
        ("attack", "nothing"),
        ("attack", "math:pi"),
        ("attack", "hash", "--count", "1"),
    ],
)
def test_bad_input_is_one_line(arguments, capsys):
    assert main(list(arguments)) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ") and said.count("\n") == 1


# ---- attacking -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", searching.ALGEBRA)
def test_keys_found_by_algebra_collide(name):
    function, count = function_of(name[0]), 300
    keys = searching.ALGEBRA[name](count).keys
    assert len(set(keys)) == count
    low = {function(key) & 0xFFFFFFFF for key in keys}
    assert len(low) == 1
    others = {function_of("mixed_hash")(key) for key in keys}
    assert (len(others) == 1) == (name[1] == "ints"), (
        "mixing helps where only the low bits agree, or where they are strs"
    )


def test_keys_found_by_birthday_share_a_bucket():
    found = searching.by_birthday(digits_hash, 5, 8)
    assert len(set(found.keys)) == 5 and found.tried > 5
    assert len({digits_hash(key) & 255 for key in found.keys}) == 1


def test_a_search_that_finds_nothing_says_so(monkeypatch):
    monkeypatch.setattr(searching, "MOST_TRIALS", 1000)
    with pytest.raises(Missing, match="ask for fewer"):
        searching.by_birthday(hash, 100, 32)


def test_an_attack_on_a_hash_that_cannot_be_attacked(monkeypatch):
    """The negative control: keys that do not collide are not called an attack."""
    monkeypatch.setitem(
        searching.ALGEBRA, ("hash", "ints"), lambda count: searching.Attack(list(range(count)), "nothing", count)
    )
    assert ran("attack", "hash", "--count", "200").return_value == 1


def test_an_attack():
    done = ran("attack", "hash", "--count", "200", "--json")
    found = json.loads(done.stdout)
    assert done.return_value == 0 and len(found["keys"]) == 200
    assert found["tables"]["the attack, by hash"]["longest_chain"] == 200


def test_the_demo():
    done = ran("demo", "knobs")
    assert done.return_value == 0 and "All 7 promises were seen." in done.stdout
    assert " mixed_hash " in done.stdout and "…" not in done.stdout, "a cell was cut on a window of 80 columns"
