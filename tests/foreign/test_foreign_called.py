"""Functions that CPython finds in rarer ways, in C: what calls them is judged as well."""

from __future__ import annotations

import sys

import pytest
from test_foreign import built, line_of, pytestmark, run  # noqa: F401

#: For each way in: what takes it rightly, what takes it wrongly, the function that is judged, and the bug.
WAYS = {
    "an object's own function": ("m.Called()(2)", "m.Called()(1)", "Called.tp_call", "called"),
    "by keyword": ("m.Called()(a=2)", "m.Called()(a=1)", "Called.tp_call", "called"),
    "in a heap type": ("m.MayBeCalled(0)(2)", "m.MayBeCalled(0)(1)", "MayBeCalled.tp_call", "called"),
    "no function of its own": ("m.MayBeCalled()(2)", "m.MayBeCalled()(1)", "MayBeCalled.tp_call", "may_be_called_call"),
    "a static type's": ("m.Called(2)", "m.Called(1)", "Called.tp_vectorcall", "called_made"),
    "getbuffer": ("bytes(m.Lender())", "bytes(m.Lender(1))", "Lender.bf_getbuffer", "lender_lend"),
    "releasebuffer": ("bytes(m.Lender())", "bytes(m.Lender(1))", "Lender.bf_releasebuffer", "lender_take_back"),
    "create": ("load()", "load(lose=True)", "create", "create"),
}
if sys.version_info >= (3, 10):
    WAYS["send"] = ("send(m.Sent())", "send(m.Sent(1))", "Sent.am_send", "sent")
if sys.version_info >= (3, 14):
    WAYS["a heap type's"] = ("m.Made(2)", "m.Made(1)", "Made.tp_vectorcall", "called_made")

PROGRAM = """
import importlib.util
import kept_called as m

def load(**attributes):
    spec = importlib.util.spec_from_file_location("kept_called", m.__file__)
    vars(spec).update(attributes)
    return importlib.util.module_from_spec(spec)

async def wait(one):
    return await one

def send(one):
    try:
        wait(one).send(None)
    except StopIteration as ended:
        assert ended.value == [None]

"""


def test_nothing_is_said_of_what_is_right(run):  # noqa: F811
    checks = """
assert m.Called()(2) == m.Called()(a=2) == m.MayBeCalled(0)(2) == (2,) and m.MayBeCalled()(2) == [2]
assert bytes(m.Lender()) == b"it is lent"
for call in (m.Called(), m.MayBeCalled()):
    try:
        call()
    except TypeError:
        pass
"""
    ended = run(PROGRAM + "for _ in range(3):\n" + "".join(f"    {right}\n" for right, *_ in WAYS.values()) + checks)
    assert [str(finding) for finding in ended.findings] == []
    assert ended.verdict == "balanced"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_in_is_judged(run, way):  # noqa: F811
    _, wrong, function, bug = WAYS[way]
    ended = run(PROGRAM + f"for _ in range(3):\n    {wrong}\n")
    found = [finding for finding in ended.findings if finding.line == line_of("kept_called.c", bug)]
    assert [(finding.kind, finding.function, finding.file, finding.times) for finding in found] == [
        ("surplus", function, "kept_called.c", 3)
    ]
