"""Bad input, one piece per process: `python probe.py NAME PROBE`. Prints what came of it, as JSON.

A probe passes if the error arrives as an exception, or if what was asked is simply done. It fails if something wrong comes back
and nobody says so. That a process crashes or hangs is for the one to see who started it.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import weakref
from typing import Any


class Wrong(Exception):
    """Something wrong came back, without an exception."""


class Expected(Exception):
    """What a hash function raises."""


def expect(condition: bool, what: str) -> str:
    if not condition:
        raise Wrong(what)
    return "done"


def comes_back(table: Any, key: Any, value: Any) -> str:
    table.set(key, value)
    got = table.get(key)
    return expect(got == value, f"{value!r:.40} became {got!r:.40}")


def raising(key: Any) -> int:
    raise Expected(key)


def arrives(call: Any) -> str:
    """The very exception of a hash function must arrive."""
    try:
        answer = call()
    except Expected:
        return "Expected"
    raise Wrong(f"the exception was lost, and the answer is {answer!r:.40}")


def nul_in_key(table_of: Any, hello: Any) -> str:
    table = table_of()
    table.set("a\0b", 1)
    return expect((table.get("a"), table.get("a\0b")) == (None, 1), "the string ends at the NUL")


def nul_in_c_string(table_of: Any, hello: Any) -> str:
    hello.hello("a\0b")
    raise Wrong("C saw a part of the name only")


def never_initialised(table_of: Any, hello: Any) -> str:
    kind = type(table_of())
    return f"answered {kind.__new__(kind).get(1)!r:.20}"


def another_self(table_of: Any, hello: Any) -> str:
    return f"answered {type(table_of()).get(None, 1)!r:.20}"


def freed(table_of: Any, hello: Any) -> str:
    table = table_of()
    table.set(1, 2)
    for name in ("__del__", "__swig_destroy__"):
        if hasattr(table, name):
            getattr(table, name)()
            return expect(table.get(1) is None, "a freed table answered")
    return "there is no way to free early"


def initialised_again(table_of: Any, hello: Any) -> str:
    table = table_of()
    table.set(1, 2)
    table.__init__()
    return comes_back(table, 3, 4)


def initialised_while_hashing(table_of: Any, hello: Any) -> str:
    def function(key: Any) -> int:
        if key == "again":
            table.__init__(4, 0.5, lambda key: 0)
        return 0

    table = table_of(4, 0.5, function)
    return comes_back(table, "again", 1)


def cycle(table_of: Any, hello: Any) -> str:
    def tied() -> weakref.ref[Any]:
        def function(key: Any) -> int:
            return 0 if table else 1

        table = table_of(4, 0.5, function)  # it holds the function, whose closure holds it
        table.set(1, 2)
        return weakref.ref(function)

    gone = tied()
    gc.collect()
    return expect(gone() is None, "a table and its hash function hold each other for ever")


def interrupted(table_of: Any, hello: Any) -> str:
    def function(key: Any) -> int:
        raise KeyboardInterrupt

    try:
        table_of(4, 0.5, function).set(1, 2)
    except KeyboardInterrupt:
        return "KeyboardInterrupt"
    raise Wrong("Ctrl-C was lost")


#: What is tried, by name: a sentence for the reader, and a function of the class and the module of hello.
PROBES = {
    "key of a wrong type": lambda table_of, hello: comes_back(table_of(), None, 1),
    "value of a wrong type": lambda table_of, hello: comes_back(table_of(), 1, (1, 2)),
    "key of bytes that are no UTF-8": lambda table_of, hello: comes_back(table_of(), b"\xff", 1),
    "key with a lone surrogate": lambda table_of, hello: comes_back(table_of(), "\ud800", 1),
    "value with a lone surrogate": lambda table_of, hello: comes_back(table_of(), 1, "\ud800"),
    "key with a NUL": nul_in_key,
    "NUL in a string for C": nul_in_c_string,
    "wrong type for a C string": lambda table_of, hello: f"answered {hello.hello(5)!r:.20}",
    "key beyond 64 bits": lambda table_of, hello: comes_back(table_of(), 2**64, 1),
    "value beyond 64 bits": lambda table_of, hello: comes_back(table_of(), 1, -(2**70)),
    "size of -1": lambda table_of, hello: expect(table_of(-1).size == -1, "it became another number"),
    "size beyond memory": lambda table_of, hello: expect(table_of(2**60).size == 2**60, "it became another number"),
    "hash function raises": lambda table_of, hello: arrives(lambda: table_of(4, 0.5, raising).set(1, 2)),
    "hash function is interrupted": interrupted,
    "hash function answers no int": lambda table_of, hello: comes_back(table_of(4, 0.5, str), 1, 2),
    "callback from C raises": lambda table_of, hello: arrives(lambda: hello.ask(raising, 1)),
    "callback from C answers no int": lambda table_of, hello: expect(
        hello.ask(lambda key: "text", 1) == "text", "another answer came back"
    ),
    "table never initialised": never_initialised,
    "no table at all": another_self,
    "table freed": freed,
    "table initialised again": initialised_again,
    "table initialised while it is used": initialised_while_hashing,
}


def main() -> None:
    name, probe = sys.argv[1:]
    module = name.replace("-", "_")
    table_of = importlib.import_module(f"table_{module}").HashTable
    hello = importlib.import_module(f"hello_{module}")
    chosen = cycle if probe == "cycle" else PROBES[probe]
    try:
        found = {"passes": True, "what": chosen(table_of, hello)}
    except Wrong as error:
        found = {"passes": False, "what": str(error)}
    except SystemError as error:  # an extension that returns NULL and says nothing, or the other way round
        found = {"passes": False, "what": f"SystemError: {error}"}
    except BaseException as error:
        found = {"passes": True, "what": type(error).__name__}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
