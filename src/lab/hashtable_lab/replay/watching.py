"""What a replay does in its child: while a script runs, it writes down what Python's side looks like, line by line.

The extension notes by itself what happens inside a call (src/ledger, src/extension/announce.rs). What it cannot see is written
here, into the same log: which line of the script runs, which names there are and what they name, what lies in lists, dicts and
attributes. A count is never read here. Code that reads one from Python holds a reference meanwhile; so this module only says
which objects are to be followed, releases all of them, and has the ledger read their counts as they are then.

The script must not feel that it is watched:

* Lines come from `PyEval_SetTrace` and not from `sys.settrace`, which before CPython 3.13 puts the local names of every function
  into a dict, and so counts one more reference for each.
* No code of the script's runs: no `__repr__`, no property, no `__getattr__`. What an object is, is said by its type and, for the
  plain builtin ones, its value. (So no `isinstance`, which may ask an object for its `__class__`, and no type is compared or
  hashed, which its metaclass could answer: types are told apart by their `id`.)
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

# What the interpreter tells a trace function. Source: https://docs.python.org/3/c-api/profiling.html
_CALL, _EXCEPTION, _LINE, _RETURN = 0, 1, 2, 3


class _What(ctypes.c_int):
    """Which of them. As a plain `c_int` it would be handed over as an int, and a small int is one object for the whole
    interpreter: before CPython 3.11, where it has a count like any other, that call would be counted among its references."""


# From here on an int is an object of its own. Whatever is kept while counts are read is no smaller, for the same reason.
_OWN = 1 << 20

#: At each line, so many objects are looked at, those that are nearest to names; of each so many items.
MOST_OBJECTS, MOST_ITEMS = 300, 30
#: Longer texts are cut.
LONGEST = 60

_NAME_OF_TYPE = type.__dict__["__name__"]
_MODULE_OF_TYPE = type.__dict__["__module__"]
_MRO_OF_TYPE = type.__dict__["__mro__"]
# Names that are no news to anybody, and of which each leads everywhere.
_NOT_SHOWN = {id(kind) for kind in (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType)}
_SEQUENCES = {id(list), id(tuple)}
_SETS = {id(set), id(frozenset)}
_VALUES = {id(kind) for kind in (type(None), bool, int, float, complex)}
_TEXTS = {id(str), id(bytes)}
# What holds nothing that one would want to see.
_LEAVES = {id(kind) for kind in (bytearray, range, slice, types.BuiltinFunctionType)} | _VALUES | _TEXTS


class Watch:
    """Watches one script.

    Args:
        module: the extension that keeps a ledger; its log is open.
        script: the file, as its code objects name it.
    """

    def __init__(self, module: types.ModuleType, script: str) -> None:
        self._follow, self._write = module.ledger_follow, module.ledger_note
        self._own = {module.__name__, "hashtable"}
        self._stop_log = module.ledger_log
        self._script = script
        self._frames: dict[int, int] = {}  # id of a frame that is running: its number
        self._number = _OWN
        self._names: dict[int, dict[str, int]] = {}  # by the number of a frame
        self._held: dict[int, list[Any]] = {}  # what a container held when it was last looked at
        self._known: dict[int, tuple[int, str]] = {}  # the type and the look of what is followed
        self._output = _OWN
        self._callback = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.py_object, _What, ctypes.c_void_p)(
            self._told
        )

    # ---- being told --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """From now on this thread is watched, and every one that it starts."""
        threading.settrace(self._begin_thread)
        os.register_at_fork(before=lambda: self._note('{"kind":"fork"}'), after_in_child=self._in_a_fork)
        self._watch_thread()

    def end(self) -> None:
        """No longer."""
        threading.settrace(None)
        ctypes.pythonapi.PyEval_SetTrace(None, None)

    def _watch_thread(self) -> None:
        ctypes.pythonapi.PyEval_SetTrace(self._callback, None)

    def _begin_thread(self, *_: object) -> None:
        self._watch_thread()

    def _in_a_fork(self) -> None:
        self.end()
        self._stop_log(None)

    def _told(self, _: object, frame: types.FrameType, what: _What, arg: int | None) -> int:
        """The trace function: something is about to happen in a frame, or has."""
        if frame.f_code.co_filename != self._script:
            if what.value == _CALL:
                frame.f_trace_lines = False
        elif what.value <= _RETURN:
            try:
                self._note(self._step(frame, what.value, arg))
            except BaseException as error:  # nobody would hear of it
                self.end()
                self._write(json.dumps({"kind": "blind", "why": f"{type(error).__name__}: {error}"[:200]}))
        return 0

    def _step(self, frame: types.FrameType, what: int, arg: int | None) -> str:
        """What is new, as JSON: so nothing of it is held while the counts are read."""
        if what == _CALL or id(frame) not in self._frames:
            self._number += 1
            self._frames[id(frame)] = self._number
        number = self._frames[id(frame)]
        news: dict[str, Any] = {"kind": ("call", "exception", "line", "return")[what], "line": frame.f_lineno}
        news["frame"] = number - _OWN
        if what == _CALL:
            news["function"] = frame.f_code.co_name
        if what == _RETURN:
            news["value"] = arg
        if what == _EXCEPTION and arg:
            news["raised"] = _raised(arg)
        news.update(self._look_around(frame))
        if what == _RETURN:
            self._frames.pop(id(frame), None)
            self._names.pop(number, None)
        with contextlib.suppress(OSError, ValueError):
            size = os.fstat(1).st_size
            if size + _OWN != self._output:
                self._output, news["output"] = size + _OWN, size
        return json.dumps(news, separators=(",", ":"))

    def _note(self, news: str) -> None:
        if not self._write(news):
            self.end()

    # ---- looking -----------------------------------------------------------------------------------------------------

    def _look_around(self, frame: types.FrameType) -> dict[str, Any]:
        """What has changed since the last look: names, and what containers hold. All references are gone when it returns."""
        names: dict[int, dict[str, int | None]] = {}
        waiting: list[Any] = []
        scopes: list[tuple[int, types.CodeType, dict[str, int]]] = []
        for number, code, variables in self._scopes(frame):
            now = {}
            for name, value in variables.items():
                if type(name) is str and not name.startswith("__") and _is_shown(value):
                    now[name] = id(value)
                    waiting.append(value)
            scopes.append((number, code, now))
        held, seen, fresh = self._walk(waiting)
        for number, code, now in scopes:
            # What is written in the code itself is kept by the code.
            now.update((f"constant {look(value)}", id(value)) for value in code.co_consts if id(value) in seen)
            before = self._names.get(number, {})
            changed: dict[str, int | None] = {
                name: at for name, at in now.items() if before.get(name) != at or at in fresh
            }
            changed.update((name, None) for name in before if name not in now)
            if changed or number not in self._names:
                names[number - _OWN] = changed
            self._names[number] = now
        return {**({"names": names} if names else {}), **({"held": held} if held else {})}

    def _scopes(self, frame: types.FrameType | None) -> Iterator[tuple[int, types.CodeType, dict[str, Any]]]:
        """The frames of the script that are running in this thread: number, code, names."""
        while frame is not None:
            if frame.f_code.co_filename == self._script and id(frame) in self._frames:
                yield self._frames[id(frame)], frame.f_code, _variables(frame)
            frame = frame.f_back

    def _walk(self, waiting: list[Any]) -> tuple[dict[int, list[Any]], set[int], set[int]]:
        """Follows what can be reached, nearest first.

        Returns:
            What containers hold now that did not hold it before; the ids of all that was seen; of these, those that are new, though
            something else may have had the same address.
        """
        seen: set[int] = set()
        fresh: set[int] = set()
        looks: dict[int, tuple[str, str, Any]] = {}
        for thing in waiting:  # grows
            address = id(thing)
            if address in seen:
                continue
            if len(seen) >= MOST_OBJECTS:
                break
            seen.add(address)
            shown = (id(type(thing)), look(thing))
            if self._follow(thing) or self._known.get(address) != shown:
                fresh.add(address)
                self._known[address] = shown
                self._held.pop(address, None)
            items, more = self._items(thing)
            waiting.extend(item for _, item in items)
            held: Any = [[[label, id(item)] for label, item in items if label], more]
            looks[address] = (shown[1], type_name(type(thing)), held)
        news: dict[int, list[Any]] = {}
        for address, (words, kind, held) in looks.items():
            again = any(at in fresh for _, at in held[0])
            if address in fresh or again or held != self._held.get(address, [[], 0]):
                self._held[address] = held
                news[address] = [words, kind, *held] if address in fresh else ["", "", *held]
        return news, seen, fresh

    def _items(self, thing: Any) -> tuple[list[tuple[str, Any]], int]:
        """What an object holds, each with a label; without one if the ledger knows of it. And how much more there is."""
        kind = type(thing)
        if id(kind) in _SEQUENCES:
            return [(f"[{at}]", item) for at, item in enumerate(thing[:MOST_ITEMS])], max(len(thing) - MOST_ITEMS, 0)
        if id(kind) in _SETS:
            return [("item", item) for item in list(thing)[:MOST_ITEMS]], max(len(thing) - MOST_ITEMS, 0)
        if kind is dict:
            pairs = list(thing.items())[:MOST_ITEMS]
            both = [pair for key, value in pairs for pair in ((f"key {look(key)}", key), (f"[{look(key)}]", value))]
            return both, max(len(thing) - MOST_ITEMS, 0)
        if kind is types.FunctionType:
            return _of_function(thing), 0
        if kind is types.MethodType:
            return [("self", thing.__self__), ("function", thing.__func__)], 0
        if id(kind) in _LEAVES or issubclass(kind, type):
            return [], 0
        items = list(_attributes(thing))
        if self._is_own(kind):
            # Its own entries and fields are in the ledger; but one must look further from there.
            items += [("", item) for item in gc.get_referents(thing)[: 2 * MOST_ITEMS] if _is_shown(item)]
        return items[: 2 * MOST_ITEMS], max(len(items) - 2 * MOST_ITEMS, 0)

    def _is_own(self, kind: type) -> bool:
        return any(_MODULE_OF_TYPE.__get__(base) in self._own for base in _MRO_OF_TYPE.__get__(kind))


def _variables(frame: types.FrameType) -> dict[str, Any]:
    """The names of a frame. Before CPython 3.13 a function's are copied into a dict that stays: then it is emptied again."""
    variables = frame.f_locals
    if not frame.f_code.co_flags & 0x1:  # CO_OPTIMIZED: a function
        # The body of a class may have a namespace of its own making, which answers as it likes.
        return dict(variables) if type(variables) is dict else {}
    if sys.version_info >= (3, 13):
        return dict(variables)
    copy = dict(variables)
    # One reference is the frame's, one our variable's and one the argument's. If there are more, the script has asked for it.
    if sys.getrefcount(variables) <= 3:
        variables.clear()
    return copy


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """What lies in an object's `__dict__` and slots, without running any code."""
    for base in _MRO_OF_TYPE.__get__(type(thing)):
        for name, descriptor in list(type.__dict__["__dict__"].__get__(base).items()):
            if name == "__dict__" and type(descriptor) is types.GetSetDescriptorType:
                with contextlib.suppress(Exception):
                    for attribute, value in list(descriptor.__get__(thing).items()):
                        if type(attribute) is str:
                            yield f".{attribute}", value
            elif type(descriptor) is types.MemberDescriptorType and base.__flags__ & (
                1 << 9
            ):  # made by a class statement
                with contextlib.suppress(AttributeError):
                    yield f".{name}", descriptor.__get__(thing)


def _of_function(function: types.FunctionType) -> list[tuple[str, Any]]:
    """What a function holds beside its code: variables of its closure, and defaults."""
    held = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
        with contextlib.suppress(ValueError):
            if _is_shown(cell.cell_contents):
                held.append((f"variable {name}", cell.cell_contents))
    if function.__defaults__:
        held.append(("defaults", function.__defaults__))
    return held


def _is_shown(value: Any) -> bool:
    kind = type(value)
    return id(kind) not in _NOT_SHOWN and not (kind is type and _MODULE_OF_TYPE.__get__(value) != "__main__")


def _raised(arg: int) -> str:
    """The name of the type of the exception that a trace function is told of."""
    what = ctypes.cast(arg, ctypes.py_object).value
    kind = what[0] if type(what) is tuple and what else what
    return type_name(kind if issubclass(type(kind), type) else type(kind))


def type_name(kind: type) -> str:
    """The name of a type, whatever its metaclass says."""
    return str(_NAME_OF_TYPE.__get__(kind))


def look(thing: Any) -> str:
    """An object in a few characters. Only the plain builtin types are asked for a repr; any other could run anything."""
    kind = type(thing)
    if kind is int and thing.bit_length() > 200:
        return f"int of {thing.bit_length()} bits"
    if id(kind) in _TEXTS:
        return repr(thing[:LONGEST]) + ("..." if len(thing) > LONGEST else "")
    if id(kind) in _VALUES:
        return repr(thing)
    if kind is types.FunctionType:
        return f"function {thing.__name__}"[:LONGEST]
    if kind is types.BuiltinFunctionType:
        return f"built-in {thing.__name__}"[:LONGEST]
    if issubclass(kind, type):
        return f"class {type_name(thing)}"[:LONGEST]
    return type_name(kind)[:LONGEST]


@contextlib.contextmanager
def watching(module: types.ModuleType, script: str) -> Iterator[None]:
    """While the block runs, lines of the script are written down."""
    watch = Watch(module, script)
    watch.begin()
    try:
        yield
    finally:
        watch.end()
