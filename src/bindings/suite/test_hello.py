"""Hello and pi: the smallest wrapping, by every binding."""

import math

import pytest


def test_hello(hello, capfd):
    hello.hello("world")
    hello.hello("w\u00f6rld")
    assert capfd.readouterr().out == "Hello, world!\nHello, w\u00f6rld!\n"


def test_pi(hello):
    assert hello.get_pi() == math.pi


def test_nothing(hello):
    assert hello.nothing() is None


@pytest.mark.parametrize("key", [0, 21, -21, 2**40])
def test_c_asks_python(hello, key):
    asked = []
    assert hello.ask(lambda key: asked.append(key) or 2 * key, key) == 2 * key
    assert asked == [key]
