"""The benchmarks measure what they say, and notice when they cannot; and their page says what their record says.

Nothing here says how fast anything is: that is for `make bench`. A time is never compared with a bound, only with another time that
must be larger by far.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

for package in ("click", "rich"):
    pytest.importorskip(package, reason=f"the benchmarks need {package}: pip install '.[bench]'")

BENCH = Path(__file__).resolve().parent
import callgrind  # noqa: E402
import instructions  # noqa: E402
import keys  # noqa: E402
import measuring  # noqa: E402
import performance  # noqa: E402
import where  # noqa: E402
import works  # noqa: E402
from measuring import Candidate, Group, Measured, Ratio, again  # noqa: E402

# Threads of the test runner are of no concern to a child that only measures.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmarks fork")

READ = {"fill": "for k in x: t[k] = k", "read": "for k in x: t[k]"}
# The same, with a good deal more to do.
SLOW = {**READ, "read": "for k in x: t[k]; t[k]; t[k]; t[k]; t[k]; t[k]"}
DICT = Candidate("dict", "{}", READ)


def group(*candidates: Candidate, n: int = 20_000) -> Group:
    return Group("test", "int", n, [("fill", "fill"), ("read", "find")], candidates, rounds=5)


# ---- time --------------------------------------------------------------------------------------------------------------


@needs_fork
def test_a_candidate_that_is_slowed_on_purpose_comes_out_slower() -> None:
    measured = measuring.measure_here(group(DICT, again(DICT), Candidate("slow", "{}", SLOW)))
    same, slow = measured.ratios["dict again"]["read"], measured.ratios["slow"]["read"]
    assert slow.median > 1.5 * same.median, measured
    assert measured.noise is not None and measured.noise >= abs(same.median - 1)
    # In the stage in which it is not slowed, it is not slower by anything like that.
    assert measured.ratios["slow"]["fill"].median < slow.median


@needs_fork
def test_who_fails_is_left_out_with_a_word_why() -> None:
    broken = Candidate("broken", "{}", {**READ, "read": "t['no such key']"})
    dies = Candidate("dies", "{}", {**READ, "read": "import os; os.kill(os.getpid(), 9)"})
    measured = measuring.measure_here(group(DICT, broken, dies, n=1000))
    assert set(measured.ratios) == {"dict"}
    assert measured.failed["broken"] == "KeyError: 'no such key'"
    assert "status 9" in measured.failed["dies"]


@needs_fork
def test_nothing_is_left_to_the_next_candidate() -> None:
    """Each life ends with its process: what one does to its module, the next does not see."""
    careless = {"fill": "import string\nassert not hasattr(string, 'left'); string.left = list(x)", "read": "t"}
    # So many keys that a sample is one life.
    measured = measuring.measure_here(group(Candidate("careless", "{}", careless), n=measuring.KEYS_IN_A_SAMPLE))
    assert measured.failed == {}


@needs_fork
def test_candidates_live_in_random_order(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        measuring, "in_child", lambda work: (seen.append(work.__defaults__[0].name) or {"read": 1.0}, "")
    )
    candidates = [Candidate(name, "{}", READ) for name in "abcd"]
    measuring.measure_here(Group("test", "int", 10, [("read", "find")], candidates, rounds=20))
    rounds = {tuple(seen[i : i + 4]) for i in range(0, 80, 4)}
    assert all(set(names) == set("abcd") for names in rounds)
    assert len(rounds) > 5


def measured_with(noise: float) -> Measured:
    return Measured("test", "int", 1000, {"dict": {"read": Ratio(1, 1, 1, 20)}}, noise=noise)


def test_a_dict_that_differs_from_itself_is_reported_and_measured_again() -> None:
    tries = iter([measured_with(0.2), measured_with(0.04)])
    said: list[str] = []
    result = measuring.quietest(lambda: next(tries), said.append)
    assert (result.noise, result.tries, result.too_noisy()) == (0.04, 2, False)
    assert said == ["the machine is too noisy: the same differs from itself by 20%; measured again"]


def test_measuring_again_comes_to_an_end_and_keeps_the_quietest() -> None:
    tries = iter([measured_with(0.3), measured_with(0.1), measured_with(0.2)])
    said: list[str] = []
    result = measuring.quietest(lambda: next(tries), said.append, tries=3)
    assert (result.noise, result.too_noisy()) == (0.1, True)
    assert len(said) == 3 and "given up" in said[-1]


def test_the_control_is_what_makes_the_noise() -> None:
    samples = {"dict": [{"read": 10.0}] * 5, "dict again": [{"read": 10.0}, {"read": 12.0}] * 2 + [{"read": 12.0}]}
    result = measuring.ratios_of(group(DICT, again(DICT)), samples, {})
    assert result.noise == pytest.approx(0.2) and result.too_noisy()


def test_medians_and_quartiles() -> None:
    samples = {"dict": [{"read": 10.0}] * 5, "other": [{"read": time} for time in (5.0, 20.0, 8.0, 9.0, 7.0)]}
    [ratio] = measuring.ratios_of(group(DICT), samples, {}).ratios["other"].values()
    assert ratio == Ratio(median=0.8, low=0.7, high=0.9, each=8.0)


@needs_fork
def test_a_group_is_measured_in_a_process_of_its_own() -> None:
    from dataclasses import asdict

    command = [sys.executable, str(measuring.SCRIPT), json.dumps(asdict(group(DICT, again(DICT), n=1000)))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *progress, last = done.stdout.splitlines()
    assert progress == [f"round {number} of 5" for number in range(1, 6)]
    assert set(measuring.from_json(json.loads(last)).ratios) == {"dict", "dict again"}


# ---- keys ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", keys.COPIES)
def test_copies_equal_their_keys_and_are_other_objects(kind: str) -> None:
    made = keys.material(kind, 5000, ["equal", "absent", "find"], seed=1)
    known = {key: key for key in made["fill"]}
    assert len(known) == 5000
    # The smallest ints are one object each: up to 256, and from CPython 3.15 on up to 1024.
    assert sum(known[key] is not key for key in made["equal"]) > 3700
    assert not any(key in known for key in made["absent"])
    assert {id(key) for key in made["find"]} == {id(key) for key in made["fill"]}
    assert made["find"] != made["fill"]


@pytest.mark.parametrize("kind", keys.KINDS)
def test_keys_of_a_kind_are_different(kind: str) -> None:
    made = keys.material(kind, 500, ["absent"], seed=1)
    assert len({*made["fill"], *made["absent"]}) == 1000


# ---- goals ---------------------------------------------------------------------------------------------------------------


def test_every_section_has_its_groups_and_every_goal_its_section() -> None:
    for quick in (True, False):
        groups = [group for section in works.SECTIONS.values() for group in section(quick)]
        sections = {group.section for group in groups} | set(works.APART)
        assert {name for goal in works.GOALS for name in goal.sections} <= sections
        for one in groups:
            # There is a control in each, and a stage that it has in common with HashTable.
            assert one.candidates[1].name == again(one.candidates[0]).name
            table = next(candidate for candidate in one.candidates if candidate.name == "HashTable")
            assert set(table.code) & set(one.candidates[0].code) & {stage for stage, _ in one.stages}


@needs_fork
@pytest.mark.parametrize("name", [name for name in works.SECTIONS if name not in ("textbook", "PyO3", "call", "peers")])
@pytest.mark.slow
def test_every_statement_of_a_section_runs(name: str) -> None:
    from dataclasses import replace

    seen = set()
    for one in works.SECTIONS[name](True):
        if (one.section, one.kind) not in seen:
            seen.add((one.section, one.kind))
            failed = measuring.measure_here(replace(one, n=100, rounds=1)).failed
            assert failed == {}, one.title()


def test_what_has_too_many_keys_is_left_out_with_a_word() -> None:
    groups = list(works.SECTIONS["mapping"](False))
    chosen, left = measuring.within(100_000, groups)
    assert {group.n for group in chosen} == {group.n for group in groups if group.n <= 100_000}
    assert len(chosen) + len(left) == len(groups) and "mapping, int, 1,000,000 keys" in left
    assert set(left.values()) == {"it was left out, with all that has more than 100,000 keys"}
    assert measuring.within(None, groups) == (groups, {})


def test_a_goal_is_reached_or_missed_by_its_worst_and_its_mean() -> None:
    goal = works.Goal("work", ("test",), "", worst=1.0, mean=0.8)

    def found(*medians: float) -> works.Finding:
        stages = {str(number): Ratio(median, 0, 0, 0) for number, median in enumerate(medians)}
        finding = works.finding(
            goal, [Measured("test", "int", 10, {"HashTable": {**stages, "fill": Ratio(9, 9, 9, 9)}})]
        )
        assert finding is not None
        return finding

    assert found(0.5, 1.0).reached()
    assert not found(0.5, 1.01).reached() and found(0.5, 1.01).above == 1
    assert not found(0.9, 0.9).reached() and found(0.9, 0.9).mean == pytest.approx(0.9)
    assert works.finding(goal, [Measured("another", "int", 10, {})]) is None


# ---- the record and its page -------------------------------------------------------------------------------------------


def records() -> tuple[dict, dict, dict]:
    files = performance.RECORD, performance.INSTRUCTIONS, performance.MIXED
    record, counts, mixed = (json.loads(file.read_text("utf-8")) for file in files)
    return record, counts, mixed


def test_the_page_says_what_the_record_says() -> None:
    record, counts, mixed = records()
    others = performance.of_other_pythons()
    page = performance.PAGE.read_text("utf-8")
    assert page == performance.render(record, counts, mixed, others), "make pages writes it anew"
    # And would say something else if a record did.
    for changed in (record, *others):
        mapping = next(read for read in changed["results"] if read["section"] == "mapping")
        first = next(iter(mapping["ratios"]["HashTable"].values()))
        first[0] += 100
        assert page != performance.render(record, counts, mixed, others)
        first[0] -= 100


def test_another_python_has_a_record_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, newest = ({"machine": {"python": f"CPython {version}, GCC"}} for version in ("3.9.1", "3.9.20", "3.10.0"))
    monkeypatch.setattr(performance, "RECORD", tmp_path / "results.json")
    assert performance.record_file(newest) == performance.RECORD
    performance.RECORD.write_text(json.dumps(old))
    assert performance.record_file(new) == performance.RECORD
    assert performance.record_file(newest) == tmp_path / "results-3.10.json"
    performance.record_file(newest).write_text(json.dumps(newest))
    (tmp_path / "results-3.8.json").write_text(json.dumps({"machine": {"python": "CPython 3.8.2"}}))
    assert [performance.python_of(record) for record in performance.of_other_pythons()] == [(3, 8), (3, 10)]


def test_the_page_says_which_rows_of_mixed_hash_miss_their_goal() -> None:
    *_, mixed = records()
    assert performance.mixed(mixed["rows"])[0] == "All 20 rows are within their goals."
    mixed["rows"][3]["ratio"] = mixed["rows"][3]["goal"] + 0.01
    assert performance.mixed(mixed["rows"])[0] == "1 of the 20 rows miss their goal."


@pytest.mark.parametrize("name", performance.PLOTS)
def test_the_plots_are_made_from_the_record(name: str) -> None:
    record, *_ = records()
    assert f"record {performance.digest(record)}" in performance.PLOTS[name].read_text("utf-8"), (
        "make pages draws it anew"
    )
    record["date"] += "!"
    assert f"record {performance.digest(record)}" not in performance.PLOTS[name].read_text("utf-8")


def test_a_measurement_survives_its_file() -> None:
    record, *_ = records()
    for read in record["results"]:
        assert json.loads(json.dumps(measuring.to_json(measuring.from_json(read)))) == read


# ---- instructions --------------------------------------------------------------------------------------------------------


def test_a_profile_is_read() -> None:
    """What a function calls is not its own, and a function that calls itself is one function."""
    profile = """\
events: Ir
ob=(1) /usr/lib/libpython3.11.so.1
fn=(1) loop
5 100
cob=(2) /site/hashtable.cpython.so
cfn=(2) get
calls=7 0
5 7000
fn=(4) loop'2
6 11
ob=(2)
fn=(2)
+3 70
* 7
ob=(3) /usr/lib/libhashtable-like.so
fn=(3) like
1 1000
"""
    counts = callgrind.counts_of(profile)
    assert counts == {"loop (libpython3)": 111, "get (hashtable)": 77, "like (libhashtable-like)": 1000}
    assert instructions.in_the_extension(counts) == (77, 1188)


def test_another_python_has_counts_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, "RECORD", tmp_path / "where.json")
    assert where.record_of("3.15") == where.RECORD
    where.RECORD.write_text(json.dumps({"python": "3.11.7"}))
    assert where.record_of("3.11") == where.RECORD
    assert where.record_of("3.15") == tmp_path / "where-3.15.json"


def test_the_two_sides_of_a_work_stand_beside_each_other() -> None:
    sides = {
        "dict": {"loop (python3)": 111, "little (c)": 2},
        "HashTable": {"loop (python3)": 111, "table::<impl Table<K,V>>::get (hashtable)": 70},
    }
    lines = [line.split() for line in where.table_of(sides).splitlines()]
    assert lines == [
        ["dict", "HashTable"],
        ["111", "111", "loop", "(python3)"],
        ["-", "70", "table::get", "(hashtable)"],
        ["2", "-", "others,", "of", "fewer", "than", "5", "each"],
        ["113", "181", "all"],
    ]


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not there")
@pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="a debug build counts much else")
@pytest.mark.slow
def test_what_a_work_does_more_is_seen_where_it_does_it() -> None:
    """The whole way, with valgrind: a second lookup in each step doubles what the extension does, and not what the loop does."""
    once, twice = (
        where.count("i", where.Side("HashTable", "HashTable()", f"for k in keys: {statement}"))
        for statement in ("t.get(k)", "t.get(k); t.get(k)")
    )

    def of(counts: dict[str, float], *, inside: bool) -> float:
        return sum(value for name, value in counts.items() if name.endswith(" (hashtable)") == inside)

    assert of(once, inside=True) > 0
    assert of(twice, inside=True) == pytest.approx(2 * of(once, inside=True), rel=0.01)
    assert of(once, inside=False) < of(twice, inside=False) < 1.95 * of(once, inside=False)


VERSIONS = {"python": "CPython 3", "rust": "1"}
COUNTS = {"int: get": {"extension": 100.0, "all": 300.0}}


@pytest.mark.parametrize(
    "extension, everything, python, expected",
    [
        (101.0, 303.0, "CPython 3", []),
        (103.0, 303.0, "CPython 3", ["extension 100 in the record, now 103 (+3.0%)"]),
        (97.0, 297.0, "CPython 3", ["extension 100 in the record, now 97 (-3.0%)"]),
        (100.0, 310.0, "CPython 3", ["all 300 in the record, now 310 (+3.3%)"]),
        (100.0, 310.0, "CPython 4", []),
    ],
)
def test_counts_are_compared(extension: float, everything: float, python: str, expected: list[str]) -> None:
    counted = {"int: get": {"extension": extension, "all": everything}}
    found = instructions.complaints({"versions": VERSIONS, "counts": COUNTS}, counted, {**VERSIONS, "python": python})
    assert found == [f"int: get: {line}" for line in expected]


def test_an_operation_that_is_not_in_the_record_is_missed() -> None:
    found = instructions.complaints(
        {"versions": VERSIONS, "counts": COUNTS}, {"int: set": COUNTS["int: get"]}, VERSIONS
    )
    assert found == ["int: get: it is only in the record", "int: set: it is only counted"]


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not there")
@pytest.mark.skipif(hasattr(sys, "gettotalrefcount"), reason="a debug build counts much else")
@pytest.mark.slow
def test_an_operation_done_twice_takes_twice_the_instructions() -> None:
    """The whole way, with valgrind: once and again it is the same to within the tolerance, and what does more is caught."""
    once, same = (instructions.count("int", "get, same object", "for k in keys: t[k]") for _ in range(2))
    twice = instructions.count("int", "get, same object", "for k in keys: t[k]; t[k]")
    assert once["extension"] > 0
    record = {"versions": VERSIONS, "counts": {"get": once}}
    assert instructions.complaints(record, {"get": same}, VERSIONS) == []
    assert len(instructions.complaints(record, {"get": twice}, VERSIONS)) == 2
    assert twice["extension"] == pytest.approx(2 * once["extension"], rel=0.01)
