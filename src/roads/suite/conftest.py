"""The suite is the same for every road: `pytest src/roads/suite --road NAME`, with the road's folder on PYTHONPATH."""

import importlib

import pytest


def pytest_addoption(parser):
    parser.addoption("--road", action="append", default=[], help="the name of a road; may be given again")


def pytest_generate_tests(metafunc):
    if "road" in metafunc.fixturenames:
        metafunc.parametrize("road", metafunc.config.getoption("--road"), scope="session")


def module(kind, road):
    return importlib.import_module(f"{kind}_{road.replace('-', '_')}")


@pytest.fixture
def hello(road):
    """The smallest wrapping."""
    return module("hello", road)


@pytest.fixture
def HashTable(road):
    """The hash table."""
    return module("road", road).HashTable
