"""`demo v8`: a hash function in JavaScript. Needs what `pip install '.[javascript]'` brings."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

pytest.importorskip("hashtable_lab", reason="the laboratory is not installed")


def demo() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hashtable_lab", "demo", "v8"]
    return subprocess.run(command, capture_output=True, text=True, timeout=240)


def test_the_demo_shows_what_it_promises():
    for module in ("lief", "py_mini_racer", "quickjs"):
        pytest.importorskip(module, reason="`demo v8` needs what `pip install '.[javascript]'` brings")
    done = demo()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 10 promises were seen." in done.stdout


def test_another_file_is_not_taken_for_the_library():
    pytest.importorskip("lief", reason="`demo v8` needs what `pip install '.[javascript]'` brings")
    import hashtable
    from hashtable_lab.demos import v8
    from hashtable_lab.road import binary
    from hashtable_lab.stage import Stage

    with open(hashtable.__file__, "rb") as file:
        ours = binary.read(file.read())
    stage = Stage()
    v8._names(stage, ours, ours)
    assert [seen for _, seen in stage.checks] == [False, False, False, False]


def test_another_wheel_is_not_taken_for_v8s():
    for module in ("py_mini_racer", "quickjs"):
        pytest.importorskip(module, reason="`demo v8` needs what `pip install '.[javascript]'` brings")
    from hashtable_lab.demos import v8
    from hashtable_lab.stage import Stage

    stage = Stage()
    v8._wheels(stage, ("quickjs", "mini-racer"))
    assert [seen for _, seen in stage.checks] == [False, False]


@pytest.mark.skipif(importlib.util.find_spec("py_mini_racer") is not None, reason="mini-racer is installed")
def test_without_its_packages_the_demo_says_how():
    done = demo()
    assert done.returncode == 2
    assert "pip install '.[" in done.stderr and "Traceback" not in done.stderr
