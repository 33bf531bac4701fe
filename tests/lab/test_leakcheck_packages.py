"""leakcheck on well-known packages, each a pinned wheel: no false alarm on clean ones, and leaks that its census sees.

`make leakcheck-packages` downloads them; without a network, these are skipped. Only some: PACKAGES='orjson or multidict'.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("hashtable_lab.leakcheck.report", reason="the laboratory is not installed")
filelock = pytest.importorskip("filelock")

pytestmark = [pytest.mark.packages, pytest.mark.timeout(300)]

#: Of each case the wheel, the setup and the statement. Nothing in them leaks.
CLEAN = {
    "numpy-arithmetic": ("numpy==2.4.6", "import numpy; a = numpy.arange(100.0)", "(a + a * 2.5)[::2].sum()"),
    "numpy-objects": ("numpy==2.4.6", "import numpy", "numpy.array(['a', None, 2.5], dtype=object).tolist()"),
    "orjson-dumps": ("orjson==3.13.0", "import orjson", "orjson.dumps({'a': [1.5, None, 'b'], 'c': {'d': True}})"),
    "orjson-loads": (
        "orjson==3.13.0",
        "import orjson",
        """orjson.loads('{"a": [1.5, null, "b"], "c": {"d": true}}')""",
    ),
    "multidict-mapping": (
        "multidict==7.2.1",
        "from multidict import MultiDict",
        "d = MultiDict(a=1, b=[]); d.add('a', 2); d.getall('a'); d.popall('a'); d.copy().update({'b': 3}); repr(d)",
    ),
    "multidict-sets": (
        "multidict==7.2.1",
        "from multidict import MultiDict\nd = MultiDict([('a', 1), ('b', 2)])\ns = {('a', 1)}",
        "d.items() - s; d.items() & s; d.items() | s; d.keys() ^ {'a'}",
    ),
    "lxml-parse": (
        "lxml==6.1.3",
        "from lxml import etree",
        "etree.tostring(etree.fromstring('<a x=\"1\"><b>t</b></a>'))",
    ),
    "lxml-xpath": (
        "lxml==6.1.3",
        "from lxml import etree\ntree = etree.fromstring('<a><b y=\"2\"/><b/></a>')",
        "[one.get('y') for one in tree.xpath('//b')]",
    ),
    "yaml-load": ("pyyaml==6.0.4", "import yaml", "yaml.load('a: [1, 2.5, ~]\\nb: c', Loader=yaml.CSafeLoader)"),
    "yaml-dump": ("pyyaml==6.0.4", "import yaml", "yaml.dump({'a': [1, 2.5, None]}, Dumper=yaml.CSafeDumper)"),
    "markupsafe": (
        "markupsafe==3.0.4",
        "import markupsafe",
        "markupsafe.escape('<a href=\"b\">') + markupsafe.Markup('c')",
    ),
    "msgpack": ("msgpack==1.2.4", "import msgpack", "msgpack.unpackb(msgpack.packb({'a': [1.5, None, b'b']}))"),
    "regex": (
        "regex==2026.11.19",
        "import regex\np = regex.compile(r'(\\w+)=(?P<v>\\d+)')",
        "p.findall('a=1 b=2'); p.sub('x', 'a=1')",
    ),
    "pydantic-core": (
        "pydantic-core==2.50.5",
        "from pydantic_core import SchemaValidator\nv = SchemaValidator({'type': 'list', 'items_schema': {'type': 'int'}})",
        "v.validate_python(['1', 2])\ntry:\n    v.validate_python(['x'])\nexcept ValueError as error:\n    error.errors()",
    ),
    "cffi": (
        "cffi==2.1.1",
        "import cffi\nffi = cffi.FFI()",
        "list(ffi.new('int[4]', [1, 2, 3, 4])); ffi.string(ffi.new('char[]', b'x'))",
    ),
    "wrapt": (
        "wrapt==2.5.2",
        "import wrapt\n@wrapt.decorator\ndef w(f, i, a, k): return f(*a, **k)\n@w\ndef f(x): return [x]",
        "f(1.5)",
    ),
    "rpds": (
        "rpds-py==2026.9.1",
        "from rpds import HashTrieMap, List",
        "HashTrieMap({'a': 1}).insert('b', []); List([1, 2]).push_front(3)",
    ),
    "greenlet": (
        "greenlet==3.5.6",
        "import greenlet",
        "def f(x): return greenlet.getcurrent().parent.switch([x])\ngreenlet.greenlet(f).switch(1.5)",
    ),
    "frozenlist": (
        "frozenlist==1.8.0",
        "from frozenlist import FrozenList",
        "l = FrozenList([1.5, 'a']); l.append([]); l.freeze(); l == ['b']",
    ),
}

_SETS = "from multidict import MultiDict\nd = MultiDict([('the key', 1), ('b', 2)])\ns = {('the key', 1)}"

#: The wheel, the setup, the statement, and what it leaks: how an object is named, and how many references per call.
LEAKING = {
    "orjson-enum": (
        "orjson==3.13.0",
        "import enum, orjson\nclass Kind(enum.Enum):\n    ONE = 'the value of one'\none = Kind.ONE",
        "orjson.dumps(one)",
        ("str 'the value of one'", 1),
    ),
    # A tuple, and with it what it holds; and what was left of it in a later release, which allocates nothing.
    "multidict-sets": ("multidict==6.7.0", _SETS, "d.items() - s", ("str 'the key'", 2)),
    "multidict-sets-later": ("multidict==6.8.0", _SETS, "d.items() - s", ("str 'the key'", 1)),
}


@pytest.fixture
def wheel(source):
    """A function that installs a wheel into a folder of its own, unless it is there, and returns the folder."""

    def install(requirement):
        folder = (
            source / "target" / "leakcheck-packages" / f"{requirement}-cp{sys.version_info[0]}{sys.version_info[1]}"
        )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
                command += ["--only-binary", ":all:", "--target", f"{folder}.new", requirement]
                done = subprocess.run(command, capture_output=True, text=True)
                if done.returncode != 0:
                    pytest.skip(f"{requirement} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
                (folder.parent / f"{folder.name}.new").rename(folder)
        return folder

    return install


@pytest.fixture
def check(child, wheel):
    """A function that leak-checks a statement with a wheel, and returns the exit code and the report."""

    def run(requirement, setup, statement):
        done = child(
            "-m", "hashtable_lab", "leakcheck", "--json", "--setup", setup, "--", statement, folder=wheel(requirement)
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.mark.parametrize("name", CLEAN)
def test_no_false_alarm(check, name):
    code, report = check(*CLEAN[name])
    assert (code, report["verdict"], report["reasons"]) == (0, "clean", [])
    assert report["counted"] > 10_000 and report["total_calls"] > 1000


@pytest.mark.parametrize("name", LEAKING)
def test_a_leak_of_a_real_release(check, name):
    *case, (what, rate) = LEAKING[name]
    code, report = check(*case)
    found = {meter["name"]: meter["per_call"] for meter in report["meters"] if meter["verdict"] == "leaks"}
    assert (code, report["verdict"]) == (1, "leaks")
    assert found[what] == pytest.approx(rate, rel=0.02)


@pytest.mark.parametrize("name", ["orjson-enum", "multidict-sets-later"])
def test_the_census_alone_sees_it(check, name):
    """The control of the others: all that is read besides is steady."""
    _, report = check(*LEAKING[name][:3])
    assert {meter["kind"] for meter in report["meters"] if meter["verdict"] == "leaks"} - {"references"} == {
        "reachable"
    }
    assert report["heap"].get("verdict", "steady") == "steady"
