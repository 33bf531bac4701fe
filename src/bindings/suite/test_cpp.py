"""What C++ has and C has not, by every binding to the C++ library."""

import pytest


@pytest.fixture(autouse=True)
def only_for_cpp(binding):
    if not binding.startswith("cpp-"):
        pytest.skip("a binding to the library in C")


def test_a_function(hello):
    assert hello.plain(41) == 42


def test_overloads(hello):
    assert hello.greeting("w\u00f6rld") == "Hello, w\u00f6rld!"
    assert hello.greeting(3) == "Hello, hello, hello!"


@pytest.mark.parametrize("value", [21, -(2**40), 0.25, "text", "\u20ac"], ids=ascii)
def test_a_template(hello, value):
    got = hello.twice(value)
    assert got == value + value and type(got) is type(value)


def test_an_exception(hello):
    with pytest.raises(ValueError, match="there is nobody to greet"):
        hello.greeting("")


def test_an_object_lives_as_long_as_its_name(hello):
    before = hello.Guest.present()
    guest = hello.Guest("somebody")
    assert (guest.name, hello.Guest.present()) == ("somebody", before + 1)
    del guest
    assert hello.Guest.present() == before


def test_a_virtual_method_in_python(hello):
    class Double(hello.Hash):
        def of(self, key):
            return 2 * key

    assert hello.ask(Double(), 21) == 42


@pytest.mark.parametrize("kind", ["function", "subclass"])
def test_an_exception_of_python_unwinds_cpp(hello, kind):
    raised = ZeroDivisionError("in Python")

    def function(key):
        assert hello.Guest.present() == before + 1
        raise raised

    class Raising(hello.Hash):
        def of(self, key):
            return function(key)

    before = hello.Guest.present()
    with pytest.raises(ZeroDivisionError) as caught:
        hello.ask(function if kind == "function" else Raising(), 1)
    assert caught.value is raised
    assert hello.Guest.present() == before
