"""Campaigns: the same results wherever jobs run, nothing twice, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

campaign = pytest.importorskip("hashtable_lab.campaign", reason="the laboratory is not installed")
import campaigns  # noqa: E402
from hashtable_lab.campaign import Job, digest, run  # noqa: E402
from hashtable_lab.errors import Missing  # noqa: E402

HERE = Path(__file__).resolve().parent

EVERYWHERE = [None, "here", "threads", "processes:2", pytest.param("dask", marks=pytest.mark.dask)]


@pytest.fixture
def where(request, monkeypatch):
    """An executor by a word; a worker process finds the jobs' module."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    if request.param == "dask":
        pytest.importorskip("distributed", reason="pip install '.[dask]'")
    if request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        yield request.param


# ---- names -----------------------------------------------------------------------------------------------------------


def test_a_name_is_made_of_the_content():
    job = Job(campaigns.square, {"number": 3}, label="three")
    assert job.name == Job(campaigns.square, {"number": 3}, label="another word").name
    others = [
        Job(campaigns.fail, {"number": 3}),
        Job(campaigns.square, {"number": 4}),
        Job(campaigns.square, {"number": 3.0}),
        Job(campaigns.square, {"number": "3"}),
        Job(campaigns.square, {"number": 3}, depends_on=("1.0",)),
    ]
    assert len({job.name, *(other.name for other in others)}) == len(others) + 1


def test_a_name_does_not_depend_on_an_order_that_is_none():
    assert digest({"a": 1, "b": {3, 1, 2}}) == digest({"b": {2, 3, 1}, "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert digest(["a,b"]) != digest(["a", "b"])


def test_a_name_is_the_same_in_another_process():
    program = "from hashtable_lab.campaign import digest; print(digest([{'x', 'y', 'z'}, {'a': b'1'}, 1.5, None]))"
    names = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert names == {digest([{"x", "y", "z"}, {"a": b"1"}, 1.5, None]) + "\n"}


def test_what_has_no_content_cannot_name_a_job():
    with pytest.raises(TypeError, match="by the content of a object"):
        run([Job(campaigns.square, {"number": object()})])


# ---- running ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", EVERYWHERE, indirect=True)
def test_results_are_the_same_everywhere(where, tmp_path):
    jobs = [Job(campaigns.square, {"number": number}) for number in (3, 1, 2, 3)]
    jobs.insert(2, Job(campaigns.fail, {"number": 7}))
    told = []
    results = run(jobs, where, store=tmp_path / "store", on_result=told.append)
    assert [(result.value, result.error) for result in results] == [
        ({"number": 3, "squared": [9]}, ""),
        ({"number": 1, "squared": [1]}, ""),
        (None, "ValueError: no 7 today"),
        ({"number": 2, "squared": [4]}, ""),
        ({"number": 3, "squared": [9]}, ""),
    ]
    assert len(told) == 4, "jobs of the same name are run once"
    again = run(jobs, store=tmp_path / "store")
    assert [result.value for result in again] == [result.value for result in results]
    assert [result.resumed for result in again] == [True, True, False, True, True], "a failure is not kept"


def test_nothing_is_run_twice(tmp_path):
    jobs = [Job(campaigns.touch, {"folder": tmp_path, "number": number}) for number in range(3)]
    run(jobs[:2], store=tmp_path / "store")
    run(jobs, store=tmp_path / "store")
    assert sorted(file.name for file in tmp_path.glob("*-*")) == ["0-0", "1-0", "2-0"]
    run(jobs[:1], store=tmp_path / "store", fresh=True)
    assert (tmp_path / "0-1").exists()


def test_a_damaged_result_is_run_again(tmp_path):
    job = Job(campaigns.square, {"number": 3})
    run([job], store=tmp_path)
    (kept,) = tmp_path.iterdir()
    kept.write_text(kept.read_text()[:-5])
    assert not run([job], store=tmp_path)[0].resumed
    assert run([job], store=tmp_path)[0].resumed


def test_a_result_that_is_no_data_is_a_failure():
    (result,) = run([Job(campaigns.not_json)])
    assert result.error.startswith("TypeError") and "JSON" in result.error


class Recording(ThreadPoolExecutor):
    """Remembers what it was asked for."""

    def __init__(self):
        super().__init__(1)
        self.sent, self.shut_down = 0, False

    def submit(self, *arguments, **options):
        self.sent += 1
        return super().submit(*arguments, **options)

    def shutdown(self, *arguments, **options):
        self.shut_down = True
        super().shutdown(*arguments, **options)


def test_an_executor_that_was_passed_in_is_left_running():
    executor = Recording()
    run([Job(campaigns.square, {"number": 3})], executor)
    assert not executor.shut_down
    with pytest.raises(ZeroDivisionError):
        run([Job(campaigns.square, {"number": 3})], executor, on_result=lambda result: 1 / 0)
    assert not executor.shut_down
    assert executor.submit(sum, [1, 2]).result() == 3
    executor.shutdown()


def test_a_job_that_cannot_be_pickled_is_refused_before_any_is_sent():
    def local(number):
        return number

    executor = Recording()
    jobs = [Job(campaigns.square, {"number": 3}), Job(local, {"number": 3}, label="the local one")]
    with pytest.raises(Missing, match="the local one cannot be sent"):
        run(jobs, executor)
    assert executor.sent == 0
    executor.shutdown()
    assert run(jobs)[1].value == 3, "here it need not be sent anywhere"


@pytest.mark.parametrize("where", ["processes:2"], indirect=True)
def test_a_job_that_kills_its_process_is_named_and_the_others_go_on(where):
    jobs = [Job(campaigns.square, {"number": number}) for number in range(4)]
    jobs.insert(1, Job(campaigns.die, {"number": 3}))
    results = run(jobs, where)
    assert [result.error for result in results] == ["", "the process that it ran in died", "", "", ""]
    assert [result.value["number"] for result in results if result.value] == [0, 1, 2, 3]


@pytest.mark.parametrize("choice", ["elsewhere", "processes:0", "processes:x", "here:2", ""])
def test_where_nothing_can_run(choice):
    with pytest.raises(Missing):
        run([Job(campaigns.square, {"number": 3})], choice)


@pytest.mark.dask
def test_no_scheduler_at_that_address():
    pytest.importorskip("distributed", reason="pip install '.[dask]'")
    with pytest.raises(Missing, match="no Dask scheduler at"):
        run([Job(campaigns.square, {"number": 3})], "dask:tcp://127.0.0.1:9")


# ---- interrupted -----------------------------------------------------------------------------------------------------

PROGRAM = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
import campaigns
from hashtable_lab import Job, run
def receive():
    "Takes the signal in a thread of its own, as the system may choose."
    while not os.path.exists(sys.argv[1] + "/now"):
        time.sleep(0.01)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
if __name__ == "__main__":
    if "received elsewhere" in sys.argv:
        threading.Thread(target=receive, daemon=True).start()
    jobs = [Job(campaigns.slow, {"folder": sys.argv[1], "number": number}) for number in range(6)]
    try:
        run(jobs, sys.argv[2], store=sys.argv[1] + "/store")
    except KeyboardInterrupt:
        sys.exit(130)
"""


def living(session):
    """The processes of a session that have not ended. (One that has ended waits for the process that reaps orphans here.)"""
    found = []
    for process in psutil.process_iter(["pid", "status", "cmdline"]):
        try:
            if os.getsid(process.pid) == session and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process.info)
        except ProcessLookupError:
            pass
    return found


@pytest.mark.parametrize(
    "how", [["here"], ["processes:2"], ["processes:2", "received elsewhere"]], ids=lambda how: ", ".join(how)
)
def test_interrupted_it_keeps_what_was_done(how, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    begun = [sys.executable, str(program), str(tmp_path), *how]
    process = subprocess.Popen(begun, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True)
    store = tmp_path / "store"
    deadline = time.monotonic() + 60
    while len(list(store.glob("*.json"))) < 2 or not (tmp_path / "2-0").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.05)
    if "received elsewhere" in how:
        (tmp_path / "now").touch()
    else:
        os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    deadline = time.monotonic() + 20
    while left := living(process.pid):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    values = [json.loads(file.read_text())["value"] for file in store.glob("*.json")]
    assert sorted(values) == [0, 1], "whole results, and no others"
    jobs = [Job(campaigns.slow, {"folder": str(tmp_path), "number": number}) for number in range(2)]
    assert all(result.resumed for result in run(jobs, store=store))
