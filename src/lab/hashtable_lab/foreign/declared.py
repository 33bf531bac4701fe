"""What a copy of the crate pyo3-ffi declares: each function, with its arguments and the versions of CPython that have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Function:
    """A function of pyo3-ffi.

    Attributes:
        name: its name.
        module: the module that declares it, as a path in the crate.
        conditions: what must hold that it is there: the arguments of `cfg`.
        arguments: names and types.
        result: the type of its result; "" if it has none.
        variadic: it takes any number of further arguments.
    """

    name: str
    module: str
    conditions: tuple[str, ...]
    arguments: tuple[tuple[str, str], ...]
    result: str
    variadic: bool = False

    @property
    def has_objects(self) -> bool:
        """Does it take or return an object, or a pointer to one?"""
        types = [self.result, *(type_ for _, type_ in self.arguments)]
        return any(re.search(r"\*mut Py(Type)?Object\b|\*const \*mut PyObject", type_) for type_ in types)

    @property
    def returns_object(self) -> bool:
        """Does it return one?"""
        return bool(re.fullmatch(r"\*mut Py(Type)?Object", self.result))


_ATTRIBUTES = r"(?P<attributes>(?:#\[(?:[^\[\]]|\[[^\]]*\])*\]\s*)*)"
_FUNCTION = re.compile(
    _ATTRIBUTES
    + r"pub (?:const )?(?:unsafe )?(?:extern \"C\" )?fn (?P<name>\w+)\s*\((?P<arguments>[^()]*(?:\([^()]*\)[^()]*)*)\)"
    r"\s*(?:->\s*(?P<result>[^;{]+?))?\s*[;{]"
)
_BLOCK = re.compile(_ATTRIBUTES + r"(?:extern_libpython!|(?:unsafe )?extern \"C\")\s*(?:\"C\"\s*)?\{")
_MODULE = re.compile(_ATTRIBUTES + r"(?:pub(?:\(\w+\))? )?mod (?P<name>\w+);")
_CONDITION = re.compile(r"#\[cfg\(((?:[^\[\]]|\[[^\]]*\])*)\)\]")


def functions(source: Path) -> dict[str, Function]:
    """All functions that a copy of pyo3-ffi declares.

    Args:
        source: its folder `src`.

    Returns:
        By name. A function that a module declares more than once, for different versions, is there whenever one of them is; if they
        take different arguments, it is the first.
    """
    found: dict[str, Function] = {}
    for file in sorted(source.rglob("*.rs")):
        place = file.relative_to(source).with_suffix("")
        parts = [part for part in place.parts if part not in ("mod", "lib")]
        if parts[:1] in (["compat"], ["impl_"]):
            continue
        for function in _read(file.read_text(encoding="utf-8"), "::".join(["crate", *parts])):
            before = found.setdefault(function.name, function)
            if before is not function and _signature(before) == _signature(function):
                found[function.name] = replace(before, conditions=_either(before.conditions, function.conditions))
    return found


def modules(source: Path) -> dict[str, tuple[str, ...]]:
    """Under which conditions the modules are there that some builds lack.

    Args:
        source: as for `functions`.

    Returns:
        By the path of a module in the crate, the arguments of `cfg`.
    """
    found: dict[str, tuple[str, ...]] = {}
    for folder, within in ((source, "crate"), (source / "cpython", "crate::cpython")):
        for file in (folder / "lib.rs", folder / "mod.rs"):
            text = re.sub(r"//[^\n]*", "", file.read_text(encoding="utf-8")) if file.is_file() else ""
            for match in _MODULE.finditer(text):
                if conditions := _conditions(match["attributes"]):
                    found[f"{within}::{match['name']}"] = tuple(conditions)
    return found


def _signature(function: Function) -> tuple[str, tuple[str, ...], str]:
    return function.module, tuple(type_ for _, type_ in function.arguments), function.result


def _either(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    """The conditions under which one or the other holds."""
    return (f"any(all({', '.join(one)}), all({', '.join(other)}))",) if one and other else ()


def _read(text: str, module: str) -> Iterator[Function]:
    text = re.sub(r"//[^\n]*", "", text)
    blocks = [
        (block.start(), _end(text, block.end()), _conditions(block["attributes"])) for block in _BLOCK.finditer(text)
    ]
    for match in _FUNCTION.finditer(text):
        around = [conditions for start, end, conditions in blocks if start < match.start() < end]
        conditions = [condition for block in around for condition in block] + _conditions(match["attributes"])
        arguments, variadic = _arguments(match["arguments"])
        result = " ".join((match["result"] or "").split())
        yield Function(match["name"], module, tuple(conditions), arguments, result, variadic)


def _conditions(attributes: str) -> list[str]:
    return [" ".join(condition.split()) for condition in _CONDITION.findall(attributes)]


def _end(text: str, begin: int) -> int:
    """Where a block ends that is open at this place."""
    depth = 1
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return len(text)


def _arguments(text: str) -> tuple[tuple[tuple[str, str], ...], bool]:
    parts, depth, part = [], 0, ""
    for character in text:
        depth += {"(": 1, "<": 1, ")": -1, ">": -1}.get(character, 0)
        if character == "," and depth <= 0:
            parts.append(part)
            part = ""
        else:
            part += character
    parts = [" ".join(part.split()) for part in [*parts, part] if part.strip()]
    variadic = any(part.endswith("...") for part in parts)
    named = [part.partition(":") for part in parts if not part.endswith("...")]
    return tuple((name.strip().replace("mut ", ""), type_.strip()) for name, _, type_ in named), variadic
