"""What `who` does in its child: finds everything that can be seen to hold an object.

CPython does not keep a list of who holds an object: an object has a count, and that is all. But the cyclic garbage
collector must be able to ask every container what it holds, and through it, so can we. The steps:

1. The setup runs, the expression is evaluated, and the result goes into a box, a list with one place.
2. The count is read *before* anything else. From it goes what reading costs: the box, and the call of
   `sys.getrefcount`. That is not known but measured, on a fresh object that nothing else refers to, read in the same
   way.
3. All containers are gone through: those that the garbage collector tracks, and, from these on, those that it has
   stopped tracking because nothing in them could be part of a cycle (a dict with a bare `object()` in it, before 3.14).
   `gc.get_referents` tells what a container holds, as often as it holds it.
4. Each holder is given a name that a reader knows: a name in a namespace, "index 2 of list `l`", "attribute `x` of
   `thing`", "variable `n` in the closure of function `f`".

What the count says minus what was found is the rest. More is counted than was found if a holder cannot be seen: a C
struct that takes no part in garbage collection, a type that forgets to visit a field, memory that leaked. Less is
counted if something holds the object without counting, as a call does with its arguments from CPython 3.14 on.
"""

from __future__ import annotations

import builtins
import gc
import re
import sys
import threading
import types
from collections import deque
from collections.abc import Iterator
from typing import Any

from hashtable_lab.children.questions import CannotAnswer, Tell, answer, describe
from hashtable_lab.leakcheck.meters import WITHOUT_THE_GIL, immortal, type_name

# Types whose objects can hold others have this bit set.
# Source: https://docs.python.org/3/c-api/typeobj.html#c.Py_TPFLAGS_HAVE_GC
_HAVE_GC = 1 << 14


# Without the GIL this is added to the counts of functions, modules and types, so that they do not end while threads use
# them without counting. Source: `_Py_REF_DEFERRED` in Objects/object.c of CPython 3.14.
_ADDED = sys.maxsize // 8


def count(box: list[Any]) -> int:
    """The count of the object in a box, as `sys.getrefcount` gives it: reading it adds to it."""
    counted = sys.getrefcount(box[0])
    return counted - _ADDED if WITHOUT_THE_GIL and counted >= _ADDED else counted


def explain(question: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """Runs a setup, evaluates an expression, and explains the count of what it gives.

    Args:
        question: `setup` and `expression`.
        tell: is called with the progress.

    Returns:
        `type`, `repr` (cut short), `immortal`, `getrefcount` (what `sys.getrefcount` says here, without the large number
        that a CPython without the GIL adds to functions, modules and types), `tool` (of these, how many are the tool's
        own), `count` (the others), `owners` (each a `kind`, a sentence `where`, and how many `references`), `seen` (their
        sum) and `rest` (what the count says beyond that).
    """
    tell(0.0, "running the setup")
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = vars(module)
    names["__builtins__"] = builtins
    _attempt("setup", lambda: exec(question["setup"], names))
    box = [_attempt("expression", lambda: eval(question["expression"].strip(), names))]
    gc.collect()  # holders that are garbage do not count
    fresh = [object()]
    cost = count(fresh)
    counted = count(box)
    never_moves = immortal(box[0])
    tell(0.2, "looking for its owners")
    owners = [] if never_moves else Search(box, names).owners()
    seen = sum(owner["references"] for owner in owners)
    return {
        "type": type_name(type(box[0])),
        "repr": _short(box[0]),
        "immortal": never_moves,
        "getrefcount": counted,
        "tool": cost,
        "count": None if never_moves else counted - cost,
        "owners": owners,
        "seen": seen,
        "rest": None if never_moves else counted - cost - seen,
    }


def _attempt(what: str, run: Any) -> Any:
    try:
        return run()
    except SyntaxError as error:
        line = f" in line {error.lineno}" if error.lineno else ""
        raise CannotAnswer(f"the {what} is no Python{line}: {error.msg}") from None
    except BaseException as error:
        raise CannotAnswer(f"the {what} raises {describe(error)}") from None


def _short(thing: Any) -> str:
    try:
        text = repr(thing)
    except Exception as error:
        return f"<no repr: {describe(error)}>"
    text = re.sub(r" at 0x[0-9A-Fa-f]+", "", text)  # an address tells a reader nothing
    return text if len(text) <= 60 else f"{text[:57]}..."


class Search:
    """One search for the owners of one object.

    Attributes:
        box: the list that has the object, and whose own reference does not count.
        names: the namespace of setup and expression.
    """

    def __init__(self, box: list[Any], names: dict[str, Any]) -> None:
        self.box, self.names = box, names
        self.known = {id(thing): name for name, thing in names.items() if not name.startswith("__")}
        #: What holds the object: by id, the holder and how often it does.
        self.holders: dict[int, tuple[Any, int]] = {}
        #: What holds the holders, to give names to those.
        self.above: dict[int, list[Any]] = {}

    def owners(self) -> list[dict[str, Any]]:
        """All owners that can be seen."""
        # Compared by identity as a number: a variable for the object, in this frame or a closure, would be one more
        # owner.
        target = id(self.box[0])
        mine = {id(self.box), id(self.__dict__), id(self.holders), id(self.above), id(self.known), id(self)}
        containers = self._containers(mine)
        mine.add(id(containers))
        for container in containers:
            times = [id(thing) for thing in _referents(container)].count(target)
            if times:
                self.holders[id(container)] = (container, times)
        mine.update(id(holder) for holder in self.holders.values())
        # Two levels up are enough to call things by a name: instance, its dict, the object in it.
        wanted = set(self.holders)
        for _ in range(2):
            found: set[int] = set()
            for container in containers:
                if id(container) in mine:
                    continue
                for thing in _referents(container):
                    if id(thing) in wanted and container is not thing:
                        self.above.setdefault(id(thing), []).append(container)
                        found.add(id(container))
            wanted = found - set(self.above)
        owners = []
        for holder, times in list(self.holders.values()):
            owners += self._explain(holder, times)
        owners += self._frames(target)
        owners = _together(owners)
        order = ("name", "container", "table", "attribute", "closure", "method", "frame", "other")
        return sorted(owners, key=lambda owner: (order.index(owner["kind"]), owner["where"]))

    def _containers(self, mine: set[int]) -> list[Any]:
        """Everything that can hold something, tracked or not, except what belongs to this search."""
        found: list[Any] = []
        todo = gc.get_objects()
        seen = mine | {id(found), id(todo)}
        while todo:
            thing = todo.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            found.append(thing)
            for inner in _referents(thing):
                if id(inner) not in seen and (type(inner).__flags__ & _HAVE_GC or isinstance(inner, types.CodeType)):
                    todo.append(inner)
        own_frames = _own_frames()
        return [thing for thing in found if not any(thing is frame for frame in own_frames)]

    # ---- giving names ------------------------------------------------------------------------------------------------

    def _explain(self, holder: Any, times: int) -> list[dict[str, Any]]:
        """What one holder holds the object as. What it does not tell itself is `other`, so that the sum is right."""
        target = id(self.box[0])
        owners: list[dict[str, Any]] = []
        for kind, where in self._places(holder, target):
            if len(owners) < times:
                owners.append({"kind": kind, "where": where, "references": 1})
        left = times - len(owners)
        if left:
            owners.append({"kind": "other", "where": f"held by {self._call(holder)}", "references": left})
        return owners

    def _places(self, holder: Any, target: int) -> Iterator[tuple[str, str]]:
        """Where in a holder the object is: a kind and words, for each place."""
        called = self._call(holder)
        if holder is self.names:
            yield from (("name", f"name `{name}`") for name, thing in holder.items() if id(thing) == target)
            yield from (("name", "a name itself, in the namespace") for name in holder if id(name) == target)
        elif isinstance(holder, dict):
            yield from self._places_in_dict(holder, target)
        elif isinstance(holder, (list, tuple, deque)):
            places = (at for at, thing in enumerate(holder) if id(thing) == target)
            yield from (("container", f"index {at} of {called}") for at in places)
        elif isinstance(holder, (set, frozenset)):
            yield "container", f"element of {called}"
        elif type(holder).__name__ == "HashTable" and hasattr(holder, "hash_func"):
            yield from self._places_in_table(holder, target, called)
        elif isinstance(holder, types.CellType):
            yield "closure", self._cell(holder)
        elif isinstance(holder, (types.MethodType, types.BuiltinMethodType)):
            what = "object" if id(getattr(holder, "__self__", None)) == target else "function"
            yield "method", f"{what} of {called}"
        elif isinstance(holder, (types.GeneratorType, types.CoroutineType)):
            frame = holder.gi_frame if isinstance(holder, types.GeneratorType) else holder.cr_frame
            for name, thing in (frame.f_locals if frame else {}).items():
                if id(thing) == target:
                    yield "frame", f"variable `{name}` in the frame of {called}"
        elif isinstance(holder, types.FrameType):
            for name, thing in holder.f_locals.items():
                if id(thing) == target:
                    yield "frame", f"variable `{name}` in a frame of `{holder.f_code.co_name}`"
        else:
            yield from (("attribute", f"attribute `{name}` of {called}") for name in _attributes(holder, target))

    def _places_in_dict(self, holder: dict[Any, Any], target: int) -> Iterator[tuple[str, str]]:
        attributes_of = self._instance(holder)
        for key, thing in holder.items():
            if id(thing) == target:
                if attributes_of:
                    yield "attribute", f"attribute `{key}` of {attributes_of}"
                else:
                    yield "container", f"value of key {_short(key)} in {self._call(holder)}"
            if id(key) == target:
                yield "container", f"key in {attributes_of or self._call(holder)}"

    def _places_in_table(self, holder: Any, target: int, called: str) -> Iterator[tuple[str, str]]:
        if id(holder.hash_func) == target:
            yield "table", f"hash function of {called}"
        for key, thing in holder.items():
            if id(key) == target:
                yield "table", f"key in {called}"
            if id(thing) == target:
                yield "table", f"value of key {_short(key)} in {called}"

    def _cell(self, cell: types.CellType) -> str:
        for function in self.above.get(id(cell), []):
            # A function has its cells in a tuple; the tuple is what holds the cell.
            for outer in [function, *self.above.get(id(function), [])]:
                if isinstance(outer, types.FunctionType) and cell in (outer.__closure__ or ()):
                    name = outer.__code__.co_freevars[(outer.__closure__ or ()).index(cell)]
                    return f"variable `{name}` in the closure of {self._call(outer)}"
        return "a variable of a closure"

    def _instance(self, attributes: dict[Any, Any]) -> str:
        """Whose attributes a dict has, or "" if it is a dict of its own."""
        for owner in self.above.get(id(attributes), []):
            if isinstance(owner, types.ModuleType) and vars(owner) is attributes:
                return self._call(owner)
            if isinstance(owner, type):
                return self._call(owner)
            if isinstance(owner, types.FunctionType) and owner.__globals__ is attributes:
                return f"the module of {self._call(owner)}"
            if getattr(owner, "__dict__", None) is attributes:
                return self._call(owner)
        return ""

    def _call(self, thing: Any, depth: int = 0) -> str:
        """What a reader would call a thing."""
        if isinstance(thing, types.ModuleType):
            return f"module `{thing.__name__}`"
        name = self.known.get(id(thing))
        kind = type_name(type(thing))
        if isinstance(thing, types.FunctionType):
            kind, name = "function", name or thing.__qualname__
        elif isinstance(thing, type):
            kind, name = "class", name or thing.__qualname__
        elif isinstance(thing, (types.MethodType, types.BuiltinMethodType)):
            kind, name = "bound method", name or thing.__name__
        elif isinstance(thing, types.CodeType):
            kind, name = "code", thing.co_name
        if name:
            return f"{kind} `{name}`"
        return self._role(thing, kind, depth)

    def _role(self, thing: Any, kind: str, depth: int) -> str:
        """What a thing without a name is called: by what it is to its owner."""
        article = "an" if kind[:1] in "aeiou" else "a"
        for owner in self.above.get(id(thing), []) if depth < 2 else []:
            if isinstance(owner, types.CodeType):
                return f"the constants of {self._call(owner, depth + 1)}"
            if isinstance(owner, types.FunctionType) and owner.__defaults__ is thing:
                return f"the default values of {self._call(owner, depth + 1)}"
            if isinstance(owner, dict) and self._instance(owner):
                return f"{article} {kind} that is an attribute of {self._instance(owner)}"
            return f"{article} {kind} in {self._call(owner, depth + 1)}"
        return f"{article} {kind} without a name"

    # ---- frames that run ---------------------------------------------------------------------------------------------

    def _frames(self, target: int) -> list[dict[str, Any]]:
        """Variables of functions that run in other threads. A frame that runs is not visible to the collector."""
        owners = []
        threads = {thread.ident: thread.name for thread in threading.enumerate()}
        own = threading.get_ident()
        for ident, frame in sys._current_frames().items():
            at: types.FrameType | None = frame if ident != own else None
            while at is not None:
                held = [name for name in at.f_code.co_varnames if id(at.f_locals.get(name)) == target]
                if id(at) not in self.holders and at.f_locals is not self.names:
                    for name in held:
                        where = f"variable `{name}` in a frame of `{at.f_code.co_name}`, in thread {threads.get(ident)}"
                        owners.append({"kind": "frame", "where": where, "references": 1})
                at = at.f_back
        return owners


def _together(owners: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Owners with the same description, as one."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for owner in owners:
        same = found.setdefault((owner["kind"], owner["where"]), {**owner, "references": 0})
        same["references"] += owner["references"]
    return list(found.values())


def _referents(container: Any) -> list[Any]:
    """What a container holds, each as often as it holds it."""
    if isinstance(container, types.CodeType):
        # Code takes no part in garbage collection, but it holds its constants and names.
        return [container.co_consts, container.co_names]
    return gc.get_referents(container)


def _own_frames() -> list[types.FrameType]:
    """The frames of this search."""
    found = []
    frame: types.FrameType | None = sys._getframe()
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _attributes(holder: Any, target: int) -> Iterator[str]:
    """The names of attributes that give the object and run no Python code: instance dict, slots, members of C types."""
    attributes = getattr(holder, "__dict__", None)
    if isinstance(attributes, dict):
        yield from (name for name, thing in attributes.items() if id(thing) == target)
    for kind in type(holder).__mro__:
        for name, descriptor in vars(kind).items():
            if isinstance(descriptor, (types.MemberDescriptorType, types.GetSetDescriptorType)) and name != "__dict__":
                try:
                    if id(descriptor.__get__(holder)) == target:
                        yield name
                except Exception:
                    continue  # a slot that is empty


if __name__ == "__main__":
    answer(explain)
