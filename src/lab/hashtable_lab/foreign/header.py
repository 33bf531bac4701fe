"""Makes the header through which an extension in C, C++ or Cython keeps the ledger.

An extension includes `Python.h`. Ours is found first; it includes the real one and then puts a macro before every function that
concerns references (`refcount_ledger.h`). So not a line of the extension is edited, and what it defines before it includes
`Python.h` is in force as it was.

Which functions there are, with which arguments, and which of them are macros already, differs from one CPython to the next. It is
read off the headers of the one at hand, after the preprocessor.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hashtable_lab.errors import Missing
from hashtable_lab.foreign import table

PYTHON_H = """\
#pragma GCC system_header
#ifdef Py_LIMITED_API
/* The stable ABI hides what the ledger must look at. What is built here runs on this CPython only, so it may see everything. */
#undef Py_LIMITED_API
#endif
#include_next <Python.h>
#include "refcount_ledger.h"
"""

DATETIME_H = """\
#pragma GCC system_header
#include_next <datetime.h>
#ifndef REFCOUNT_LEDGER_DATETIME_H
#define REFCOUNT_LEDGER_DATETIME_H
%s
#endif
"""


@dataclass(frozen=True)
class Declared:
    """A function as the headers declare it.

    Attributes:
        result: the type of its result.
        arguments: the types of its arguments; None where they are not simple (a `...`, a pointer to a function).
    """

    result: str
    arguments: tuple[str, ...] | None


@dataclass(frozen=True)
class Headers:
    """What the headers of one CPython have.

    Attributes:
        functions: by name.
        macros: by name: the parameters, None for a macro that has none, and what it stands for.
    """

    functions: dict[str, Declared]
    macros: dict[str, tuple[str | None, str]]


def read_headers(compiler: Sequence[str], folders: Sequence[str]) -> Headers:
    """Reads the headers of a CPython.

    Args:
        compiler: a C compiler, as a command.
        folders: where they lie.

    Raises:
        Missing: the compiler or the headers are missing.
    """
    command = [*compiler, "-E", "-dD", *(f"-I{folder}" for folder in folders), "-xc", "-"]
    program = "#include <Python.h>\n#include <datetime.h>\n"
    try:
        done = subprocess.run(command, input=program, capture_output=True, text=True)
    except OSError as error:
        raise Missing(f"{compiler[0]} cannot be run ({error.strerror}): install a C compiler.") from None
    if done.returncode != 0:
        said = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip())
        raise Missing(f"the headers of this Python cannot be read (Debian: apt install python3-dev): {said}")
    macros: dict[str, tuple[str | None, str]] = {}
    code = []
    for line in done.stdout.splitlines():
        if line.startswith("#define "):
            found = re.match(r"#define (\w+)(\([^)]*\))?\s*(.*)", line)
            if found:
                macros[found[1]] = (found[2], found[3])
        elif line.startswith("#undef "):
            macros.pop(line.split()[1], None)
        elif not line.startswith("#"):
            code.append(line)
    return Headers(dict(_functions("\n".join(code))), macros)


def _functions(code: str) -> Iterator[tuple[str, Declared]]:
    """The functions that preprocessed code declares or defines."""
    code = re.sub(r"__attribute__\s*\(\((?:[^()]|\([^()]*\))*\)\)", " ", code)
    for found in re.finditer(r"(?:^|(?<=[;}\n]))\s*([A-Za-z_][\w\s*]*?[\s*])(\w+)\s*\(([^;{}]*?)\)\s*[;{]", code):
        result = " ".join(word for word in found[1].replace("*", " * ").split() if word not in _NOT_OF_THE_TYPE)
        if "return" in result.split() or not result:
            continue
        yield found[2], Declared(result, _arguments(" ".join(found[3].split())))


_NOT_OF_THE_TYPE = {"static", "inline", "extern", "__inline__", "__inline", "__extension__"}
_TYPES = {"int", "long", "char", "double", "float", "void", "short", "unsigned", "signed", "size_t", "Py_ssize_t"}


def _arguments(text: str) -> tuple[str, ...] | None:
    if text in ("", "void"):
        return ()
    if "(" in text or "..." in text:
        return None
    types = []
    for argument in text.split(","):
        found = re.match(r"^(.*[\s*])(\w+)\s*(\[\s*\])?$", argument.strip())
        named = found is not None and found[2] not in _TYPES
        bare = found[1].strip() if found and named else argument.strip()
        types.append(bare + (" *" if found and named and found[3] else ""))
    return tuple(types)


# ---- the header ------------------------------------------------------------------------------------------------------


def make(folder: Path, compiler: Sequence[str], include: Sequence[str]) -> None:
    """Writes the headers.

    Args:
        folder: where; it is to be the first in which the compiler looks.
        compiler: a C compiler, as a command.
        include: the folders with the headers of CPython.

    Raises:
        Missing: the compiler or the headers are missing.
    """
    headers = read_headers(compiler, include)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "Python.h").write_text(PYTHON_H, encoding="utf-8")
    (folder / "refcount_ledger.h").write_text(text(headers), encoding="utf-8")
    datetime = "\n".join(_datetime(headers))
    (folder / "datetime.h").write_text(DATETIME_H % datetime, encoding="utf-8")


def text(headers: Headers) -> str:
    """The header, for a CPython with these headers."""
    functions, macros = [], []
    for call in wrapped(headers):
        declared = headers.functions.get(call.name)
        if declared is not None and declared.arguments is not None:
            functions.append(_function(call, declared))
            macros.append(_macro(call, declared, call.name in headers.macros))
        else:
            macros.append(_around(call, headers.macros.get(call.name)))
    parts = [
        "#pragma GCC system_header",
        "#ifndef REFCOUNT_LEDGER_H",
        "#define REFCOUNT_LEDGER_H",
        table.read_fact("functions.h"),
        "/* ---- from the table of calls ---- */",
        *functions,
        table.read_fact("macros.h"),
        "/* From the table of calls. */",
        *macros,
        "#endif",
    ]
    return "\n".join(parts) + "\n"


def wrapped(headers: Headers) -> Iterator[table.Call]:
    """The calls of the table that this CPython has, and that are not written by hand or by way of another one."""
    known = table.calls()
    for call in known.values():
        if not call.is_entered or call.special or _DATES.match(call.name):
            continue
        declared, macro = headers.functions.get(call.name), headers.macros.get(call.name)
        if declared is not None and (declared.result.endswith("*") or not call.result):
            yield call
        elif declared is None and macro is not None and call.result:
            # A macro that ends in another call of the table is entered there.
            words = set(re.findall(r"\w+", macro[1]))
            others = {word for word in words if word in known and (known[word].is_entered or known[word].special)}
            if macro[0] is not None and not others:
                yield call


def _function(call: table.Call, declared: Declared) -> str:
    """The function behind a macro, which makes the call and enters what it does."""
    assert declared.arguments is not None
    names = [f"a{number}" for number in range(len(declared.arguments))]
    parameters = "".join(f", {type_} {name}" for type_, name in zip(declared.arguments, names))
    objects = [f"(PyObject *){name}" for type_, name in zip(declared.arguments, names) if _is_object(type_)]
    objects = (objects + ["NULL"] * 3)[:3]
    place = "rl_f, rl_l, rl_p"
    body = []
    is_new = call.result == "new"
    failed = "NULL" if is_new else call.fails
    if call.result == "lends!" and call.fails:
        failed = "NULL"
    if failed and (is_new or call.runs):
        body.append(f'if (rl_before("{call.name}", {", ".join(objects)}, {place})) {{ return {failed}; }}')
    elif failed:
        body.append(f'if (rl_fails("{call.name}", {place})) {{ return {failed}; }}')
    body += [f"rl_stolen((PyObject *)a{number}, {place});" for number in call.steals]
    body += [f"if (a{number} != NULL) {{ rl_stolen((PyObject *)*a{number}, {place}); }}" for number in call.in_out]
    has_result = declared.result != "void"
    body.append(f"{f'{declared.result} rl_result = ' * has_result}{call.name}({', '.join(names)});")
    out = [*call.out, *call.in_out]
    body += [f"if (a{number} != NULL) {{ rl_new((PyObject *)*a{number}, {place}); }}" for number in out]
    well = f"rl_result != {call.fails}"
    body += [f"if ({well}) {{ rl_stolen((PyObject *)a{number}, {place}); }}" for number in call.steals_if_well]
    if is_new:
        body.append(f"rl_new((PyObject *)rl_result, {place});")
    elif call.result:
        body.append(f"rl_lend((PyObject *)rl_result, {int(call.result == 'lends!')}, {place});")
    if has_result:
        body.append("return rl_result;")
    return f"RL_INLINE {declared.result} rl_{call.name}(RL_P{parameters})\n{{\n    " + "\n    ".join(body) + "\n}"


def _is_object(type_: str) -> bool:
    return bool(re.fullmatch(r"Py(Type|Var)?Object\s*\*", type_))


def _macro(call: table.Call, declared: Declared, is_macro: bool) -> str:
    """The macro that puts the function in the place of the call. What was a macro took pointers of any kind."""
    assert declared.arguments is not None
    name = call.name
    if not declared.arguments:
        return f"#undef {name}\n#define {name}() rl_{name}(RL_)"
    if not is_macro:
        return f"#define {name}(...) rl_{name}(RL_, __VA_ARGS__)"
    names = [f"a{number}" for number in range(len(declared.arguments))]
    passed = [
        f"RL_O({name})" if re.fullmatch(r"PyObject\s*\*", type_) else f"({name})"
        for type_, name in zip(declared.arguments, names)
    ]
    return f"#undef {name}\n#define {name}({', '.join(names)}) rl_{name}(RL_, {', '.join(passed)})"


def _around(call: table.Call, macro: tuple[str | None, str] | None) -> str:
    """A macro around a call of which the arguments are not known."""
    name, lines = call.name, []
    real = name
    if macro is not None and macro[0] is not None:
        real = f"RL_REAL_{name}"
        lines += [f"#undef {name}", f"#define {real}{macro[0]} {macro[1]}"]
    elif macro is not None:
        # Another name for a function.
        real = macro[1]
        lines += [f"#undef {name}"]
    if call.result == "new":
        lines.append(f'#define {name}(...) rl_new_or_fails("{name}", (PyObject *){real}(__VA_ARGS__), RL_)')
    else:
        mutable = int(call.result == "lends!")
        lines.append(f"#define {name}(...) rl_lend((PyObject *){real}(__VA_ARGS__), {mutable}, RL_)")
    return "\n".join(lines)


#: What datetime.h declares, and not Python.h.
_DATES = re.compile(r"Py(Date|DateTime|Time|Delta|TimeZone)_")


def _datetime(headers: Headers) -> Iterator[str]:
    """What is made of dates and times, by way of a table of functions that a capsule holds."""
    for call in table.calls().values():
        macro = headers.macros.get(call.name)
        if call.result == "new" and _DATES.match(call.name) and macro is not None and macro[0] is not None:
            yield _around(call, macro)
