"""CPython's own tests of `dict`, put to `HashTable`, in the interpreter that runs this file.

    PYTHONPATH=FOLDER_OF_THE_MODULE python tests/cpython/suite.py FILE [--listed] [--and-list MORE.json]

run.py starts it and reads FILE: a line of JSON when a test begins, and one when it ends. Without `--listed` it runs the tests
that skips.py does not list, with it those that it does. MORE.json lists more of them, as `{name: reason}`.

The tests come with the interpreter, as `test.mapping_tests` and its like, and stay there: their source is read, changed on its
way into memory, and never written anywhere. The change puts our type in the place of theirs:

* the name `dict`, and in test_userdict `collections.UserDict`, means `Dict`, the adapter below;
* `{k: v}` and `{k: v for …}` make a `Dict`. The pairs are evaluated first and then go in, as in a display of a dict;
* where a string expects the name of a type of dict's views, it gets the name of ours.

mapping_tests needs little of it: it asks for the type to test, and only the mapping that it keeps for reference becomes a
`Dict`; its other displays stay dicts. So there, and in test_userdict, a table is compared with a dict, in the others with a table.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import sys
import types
import unittest
from pathlib import Path
from typing import Any

from hashtable import HashTable

sys.path.insert(0, str(Path(__file__).resolve().parent))
from skips import SKIPS


class Dict(HashTable):
    """A HashTable that is constructed as dict is, and with `typed=False`: keys are equal if `==` says so.

    Nothing else is changed, but that a copy is of this class again.
    """

    #: How many have been made.
    made = 0

    def __new__(cls, *args: Any, **kwargs: Any) -> Dict:
        Dict.made += 1
        table = super().__new__(cls)
        HashTable.__init__(table, typed=False)
        return table

    def __init__(self, other: Any = (), /, **pairs: Any) -> None:
        HashTable.update(self, other, **pairs)

    def copy(self) -> Dict:
        """What `HashTable.copy` makes is a HashTable, also of a subclass; what dict.copy makes is a dict."""
        return Dict(HashTable.copy(self))


VIEWS = {"dict_keys(": "HashTableKeys(", "dict_values(": "HashTableValues(", "dict_items(": "HashTableItems("}


class OurType(ast.NodeTransformer):
    """Puts `Dict` in the place of dict in a module's syntax tree. See the head of this file."""

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        """`{k: v, **other}` becomes `dict([(k, v), *other.items()])`."""
        self.generic_visit(node)
        pairs: list[ast.expr] = []
        for key, value in zip(node.keys, node.values):
            if key is None:
                items = ast.Call(ast.Attribute(value, "items", ast.Load()), [], [])
                pairs.append(ast.Starred(items, ast.Load()))
            else:
                pairs.append(ast.Tuple([key, value], ast.Load()))
        return self.made_of(node, ast.List(pairs, ast.Load()))

    def visit_DictComp(self, node: ast.DictComp) -> ast.expr:
        """`{k: v for …}` becomes `dict([(k, v) for …])`."""
        self.generic_visit(node)
        return self.made_of(node, ast.ListComp(ast.Tuple([node.key, node.value], ast.Load()), node.generators))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """`"dict_keys([1])"` becomes `"HashTableKeys([1])"`."""
        if isinstance(node.value, str):
            for theirs, ours in VIEWS.items():
                if node.value.startswith(theirs):
                    return ast.copy_location(ast.Constant(ours + node.value[len(theirs) :]), node)
        return node

    def made_of(self, node: ast.expr, pairs: ast.expr) -> ast.expr:
        """The node for `dict(pairs)` in the place of `node`. The name `dict` is set in the module."""
        return ast.copy_location(ast.Call(ast.Name("dict", ast.Load()), [pairs], []), node)


class OurUserDict(ast.NodeTransformer):
    """Puts `Dict` in the place of `collections.UserDict`."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt | None:
        node.names = [name for name in node.names if name.name != "UserDict"]
        return node if node.names else None

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        return ast.copy_location(ast.Name("UserDict", ast.Load()), node) if node.attr == "UserDict" else node


def changed(name: str, change: ast.NodeTransformer) -> types.ModuleType:
    """The module `test.<name>`, its source changed on the way into memory."""
    spec = importlib.util.find_spec(f"test.{name}")
    assert spec is not None and spec.origin is not None
    tree = change.visit(ast.parse(Path(spec.origin).read_bytes()))
    module = importlib.util.module_from_spec(spec)
    vars(module).update({"dict": Dict} if isinstance(change, OurType) else {"UserDict": Dict})
    sys.modules[spec.name] = module
    exec(compile(ast.fix_missing_locations(tree), spec.origin, "exec"), vars(module))
    return module


def collect() -> dict[str, tuple[type[unittest.TestCase], str]]:
    """All tests, by a name such as `test_dict.DictTest.test_copy`: for each the class and the method."""
    from test import mapping_tests

    plain_reference = mapping_tests.BasicTestMappingProtocol._reference

    def reference(test: Any) -> Any:
        return Dict(plain_reference(test)) if issubclass(test.type2test, Dict) else plain_reference(test)

    mapping_tests.BasicTestMappingProtocol._reference = reference
    on_our_type = {"type2test": Dict, "__module__": "mapping_tests"}
    mapping = types.ModuleType("mapping_tests")
    mapping.HashTable = type("HashTable", (mapping_tests.TestHashMappingProtocol,), on_our_type)  # type: ignore[attr-defined]
    modules = {
        "mapping_tests": mapping,
        "test_dict": changed("test_dict", OurType()),
        "test_dictviews": changed("test_dictviews", OurType()),
        "test_userdict": changed("test_userdict", OurUserDict()),
    }
    tests: dict[str, tuple[type[unittest.TestCase], str]] = {}
    for module_name, module in modules.items():
        for class_name, test_class in vars(module).items():
            if isinstance(test_class, type) and issubclass(test_class, unittest.TestCase):
                for method in unittest.defaultTestLoader.getTestCaseNames(test_class):
                    tests[f"{module_name}.{class_name}.{method}"] = (test_class, method)
    return tests


class Report(unittest.TestResult):
    """Hears how a test ends: the worst that is said of it, and in which words."""

    def __init__(self) -> None:
        super().__init__()
        self.outcome, self.words = "passed", ""

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.outcome, self.words = "failed", self.failures[-1][1]

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.outcome, self.words = "failed", self.errors[-1][1]

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.outcome, self.words = "failed", (self.failures + self.errors)[-1][1]

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        if self.outcome == "passed":
            self.outcome, self.words = "skipped", reason


def run_one(test_class: type[unittest.TestCase], method: str) -> tuple[str, str]:
    """Makes and runs one test. Returns how it ended, and in which words."""
    made = Dict.made
    report = Report()
    test_class(method).run(report)
    if report.outcome == "passed" and Dict.made == made:
        return "failed", "it makes no table at all, so it says nothing about HashTable: it must be listed in skips.py\n"
    return report.outcome, report.words


def main() -> None:
    """Runs the tests that the command line asks for."""
    options = argparse.ArgumentParser()
    options.add_argument("results")
    options.add_argument("--listed", action="store_true")
    options.add_argument("--and-list", type=Path)
    asked = options.parse_args()
    listed = {*SKIPS, *(json.loads(asked.and_list.read_text("utf-8")) if asked.and_list else ())}
    with open(asked.results, "w", encoding="utf-8", buffering=1) as results:
        for name, (test_class, method) in collect().items():
            if (name in listed) == asked.listed:
                print(json.dumps({"begun": name}), file=results)
                outcome, words = run_one(test_class, method)
                print(json.dumps({"ended": name, "outcome": outcome, "words": words}), file=results)


if __name__ == "__main__":
    main()
