"""The suite is the same for every binding: `pytest src/bindings/suite --binding NAME`, with the binding's folder on PYTHONPATH."""

import importlib

import pytest


def pytest_addoption(parser):
    parser.addoption("--binding", action="append", default=[], help="the name of a binding; may be given again")


def pytest_generate_tests(metafunc):
    if "binding" in metafunc.fixturenames:
        metafunc.parametrize("binding", metafunc.config.getoption("--binding"), scope="session")


def module(kind, binding):
    return importlib.import_module(f"{kind}_{binding.replace('-', '_')}")


@pytest.fixture
def hello(binding):
    """The smallest wrapping."""
    return module("hello", binding)


@pytest.fixture
def HashTable(binding):
    """The hash table."""
    return module("table", binding).HashTable
