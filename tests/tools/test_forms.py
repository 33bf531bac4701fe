"""The tool that puts the forms of the module to the suites: its table in the book agrees with the record.

That the forms pass, and that broken ones are noticed, is for `make forms` to show.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
import forms

pytestmark = pytest.mark.skipif(not forms.RECORD.is_file(), reason="the source is not at hand")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Record and page as copies, to be written to."""
    for name in ("RECORD", "PAGE"):
        copy = tmp_path / getattr(forms, name).name
        copy.write_text(getattr(forms, name).read_text("utf-8"), "utf-8")
        monkeypatch.setattr(forms, name, copy)
    return json.loads(forms.RECORD.read_text("utf-8"))


def test_the_page_says_what_the_record_says(kept):
    page = forms.PAGE.read_text("utf-8")
    assert kept and forms.with_table(page, kept) == page, "run `make record WHAT=forms`"


def test_control_another_record_makes_another_page(kept):
    page = forms.PAGE.read_text("utf-8")
    for key in ("form", "python", "date", "behaviour"):
        changed = [{**kept[0], key: "something else"}, *kept[1:]]
        assert forms.with_table(page, changed) != page


def test_a_row_takes_the_place_of_the_one_that_was_there(kept):
    form, kind = kept[-2]["form"], kept[-2]["kind"]
    forms.keep(form, kind, sys.executable, {"behaviour": "1 failed, 2 passed"})
    record = json.loads(forms.RECORD.read_text("utf-8"))
    assert [(row["form"], row["kind"]) for row in record] == [(row["form"], row["kind"]) for row in kept]
    assert record[-2]["behaviour"] == "1 failed, 2 passed" and "hostile" not in record[-2]
    assert "| 1 failed, 2 passed |" in forms.PAGE.read_text("utf-8")


@pytest.mark.parametrize("less", [["--quick"], ["--suite", "forms"]])
def test_a_record_is_of_all_suites(less):
    done = subprocess.run([sys.executable, forms.__file__, "--record", *less], capture_output=True, text=True)
    assert done.returncode == 2 and "a record is of all suites in full" in done.stderr
