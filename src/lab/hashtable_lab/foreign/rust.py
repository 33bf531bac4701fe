"""Extensions in Rust, without an edit: a pyo3-ffi that enters everything in the ledger, put in the place of the real one.

Every extension in Rust, by hand or with PyO3, calls CPython through the crate pyo3-ffi. cargo can be told to take a crate from a
folder instead of the registry (`[patch]`), by a configuration file in a folder above the source. So a copy is made of the very
version of pyo3-ffi that the package uses, and functions are added to it of the same names and arguments, which call the copied
ones and enter what they do. They know the line they were called from (`#[track_caller]`). In PyO3 that is mostly a line of PyO3's
own; the chain of callers leads to the extension's.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from hashtable_lab.errors import Missing
from hashtable_lab.foreign import declared, table
from hashtable_lab.foreign.declared import Function, functions, modules

CRATE = "pyo3-ffi"

#: They stand in slots or are passed on as pointers, where a function that knows its caller cannot stand.
POINTERS = {
    *("PyObject_SelfIter", "PyObject_GenericGetAttr", "PyObject_GenericSetAttr", "PyObject_HashNotImplemented"),
    *("PyObject_GenericGetDict", "PyObject_GenericSetDict", "PyType_GenericNew", "PyType_GenericAlloc"),
    *("PyObject_Free", "PyObject_GC_Del", "PyVectorcall_Call"),
}

CONFIGURATION = """\
[patch.crates-io]
{crate} = {{ path = {path} }}

[build]
rustflags = [
  "-Cforce-frame-pointers=yes", "-Cdebuginfo=1", "-Cstrip=none", "-Clinker={linker}", "-Clto=off",
  "-Cno-prepopulate-passes", "-Cpasses={passes}",
]

[profile.release]
lto = "off"
debug = 1
strip = "none"
"""

#: What the compiler does to make code faster. It is told one by one, so that a jump at the end of a function never takes the place
#: of a call: the chain of callers would lack that function. C compilers have an option for it (`-fno-optimize-sibling-calls`).
PASSES = (
    "always-inline,function(sroa,early-cse,simplifycfg),cgscc(inline),function(sroa,early-cse,gvn,simplifycfg,adce)"
)

BY_HAND = """\
// ---- the ledger --------------------------------------------------------------------------------------------------------------

#[allow(missing_docs, dead_code)]
mod refcount_ledger {{
    use super::*;
    use core::ffi::{{c_char, c_int, c_void}};

    unsafe extern "C" {{
        pub fn rl_took(op: *mut PyObject, file: *const c_char, line: u64, frame: usize);
        pub fn rl_new(op: *mut PyObject, file: *const c_char, line: u64, frame: usize) -> *mut PyObject;
        pub fn rl_lend(op: *mut PyObject, mutable: c_int, file: *const c_char, line: u64, frame: usize) -> *mut PyObject;
        pub fn rl_gave(op: *mut PyObject, file: *const c_char, line: u64, frame: usize);
        pub fn rl_stolen(op: *mut PyObject, file: *const c_char, line: u64, frame: usize);
        pub fn rl_before(call: *const c_char, one: *mut PyObject, other: *mut PyObject, third: *mut PyObject,
                         file: *const c_char, line: u64, frame: usize) -> c_int;
        pub fn rl_fails(call: *const c_char, file: *const c_char, line: u64, frame: usize) -> c_int;
        pub fn rl_module(definition: *mut PyModuleDef) -> *mut PyModuleDef;
        pub fn rl_spec(spec: *mut PyType_Spec) -> *mut PyType_Spec;
        pub fn rl_type(class: *mut PyTypeObject) -> *mut PyTypeObject;
        pub fn rl_type_is_ready(class: *mut PyTypeObject);
        pub fn rl_function(definition: *mut PyMethodDef) -> *mut PyMethodDef;
        pub fn rl_freed(memory: *mut c_void) -> *mut c_void;
        pub fn rl_module_slots(slots: *mut c_void) -> *mut c_void;
        pub fn rl_type_slots(slots: *mut c_void) -> *mut c_void;
        pub fn rl_loaded(within: *const c_void);
    }}

    /// What the loader runs as soon as the file is in memory that this is a part of, before CPython asks it for a module's slots.
    #[cfg(all(Py_3_15, target_os = "linux"))]
    #[used]
    #[unsafe(link_section = ".init_array")]
    static WHEN_LOADED: extern "C" fn() = when_loaded;

    #[cfg(all(Py_3_15, target_os = "linux"))]
    extern "C" fn when_loaded() {{
        unsafe {{ rl_loaded(when_loaded as *const c_void) }};
    }}

    /// The frame pointer of the function that this becomes a part of: of one below, which never becomes a part of another. To where
    /// it returns tells of which function of the extension's the line has become a part.
    #[inline(always)]
    pub fn frame() -> usize {{
        let pointer: usize;
        #[cfg(target_arch = "x86_64")]
        unsafe {{ core::arch::asm!("mov {{}}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags)) }};
        #[cfg(not(target_arch = "x86_64"))]
        {{ pointer = 0; }}
        pointer
    }}

    /// A line as the ledger takes it: where the name of the file begins, and how long it is above the line.
    #[track_caller]
    #[inline(always)]
    pub fn here() -> (*const c_char, u64) {{
        let location = core::panic::Location::caller();
        (location.file().as_ptr().cast(), u64::from(location.line()) | (location.file().len() as u64) << 32)
    }}
}}
"""

#: The functions that are written by hand, each with its place in the file; `{real}` is the one that is copied.
SPECIAL = {
    "Py_INCREF": "{real}(op); refcount_ledger::rl_took(op, rl_f, rl_l, rl_p)",
    "Py_DECREF": "refcount_ledger::rl_gave(op, rl_f, rl_l, rl_p); {real}(op)",
    "Py_XINCREF": "if !op.is_null() {{ {real}(op); refcount_ledger::rl_took(op, rl_f, rl_l, rl_p) }}",
    "Py_XDECREF": "refcount_ledger::rl_gave(op, rl_f, rl_l, rl_p); {real}(op)",
    "Py_IncRef": "{real}(op); if !op.is_null() {{ refcount_ledger::rl_took(op, rl_f, rl_l, rl_p) }}",
    "Py_DecRef": "refcount_ledger::rl_gave(op, rl_f, rl_l, rl_p); {real}(op)",
    "Py_NewRef": "let new = {real}(op); refcount_ledger::rl_took(new, rl_f, rl_l, rl_p); new",
    "Py_XNewRef": "let new = {real}(op); if !new.is_null() {{ refcount_ledger::rl_took(new, rl_f, rl_l, rl_p) }} new",
    "PyTuple_SET_ITEM": "refcount_ledger::rl_stolen({a2}, rl_f, rl_l, rl_p); {real}({all})",
    "PyList_SET_ITEM": "refcount_ledger::rl_stolen({a2}, rl_f, rl_l, rl_p); {real}({all})",
    "PyTuple_GET_ITEM": "refcount_ledger::rl_lend({real}({all}), 0, rl_f, rl_l, rl_p)",
    "PyList_GET_ITEM": "refcount_ledger::rl_lend({real}({all}), 1, rl_f, rl_l, rl_p)",
    "PyModuleDef_Init": "{real}(refcount_ledger::rl_module({a0}))",
    "PyModule_Create": "refcount_ledger::rl_new({real}(refcount_ledger::rl_module({a0})), rl_f, rl_l, rl_p)",
    "PyModule_Create2": "refcount_ledger::rl_new({real}(refcount_ledger::rl_module({a0}), {a1}), rl_f, rl_l, rl_p)",
    "PyType_Ready": "let r = {real}(refcount_ledger::rl_type({a0})); if r == 0 {{ refcount_ledger::rl_type_is_ready({a0}) }} r",
    "PyType_FromSpec": "let t = {real}(refcount_ledger::rl_spec({a0})); refcount_ledger::rl_type_is_ready(t.cast()); "
    "refcount_ledger::rl_new(t, rl_f, rl_l, rl_p)",
    "PyType_FromSpecWithBases": "let t = {real}(refcount_ledger::rl_spec({a0}), {a1}); "
    "refcount_ledger::rl_type_is_ready(t.cast()); refcount_ledger::rl_new(t, rl_f, rl_l, rl_p)",
    "PyType_FromModuleAndSpec": "let t = {real}({a0}, refcount_ledger::rl_spec({a1}), {a2}); "
    "refcount_ledger::rl_type_is_ready(t.cast()); refcount_ledger::rl_new(t, rl_f, rl_l, rl_p)",
    "PyType_FromMetaclass": "let t = {real}({a0}, {a1}, refcount_ledger::rl_spec({a2}), {a3}); "
    "refcount_ledger::rl_type_is_ready(t.cast()); refcount_ledger::rl_new(t, rl_f, rl_l, rl_p)",
    "PyType_FromSlots": "let t = {real}(refcount_ledger::rl_type_slots({a0}.cast()).cast()); "
    "refcount_ledger::rl_type_is_ready(t.cast()); refcount_ledger::rl_new(t, rl_f, rl_l, rl_p)",
    "PyModule_FromSlotsAndSpec": "let m = {real}(refcount_ledger::rl_module_slots({a0}.cast_mut().cast()).cast(), {a1}); "
    "refcount_ledger::rl_new(m, rl_f, rl_l, rl_p)",
    "PyCFunction_New": "refcount_ledger::rl_new({real}(refcount_ledger::rl_function({a0}), {a1}), rl_f, rl_l, rl_p)",
    "PyCFunction_NewEx": "refcount_ledger::rl_new({real}(refcount_ledger::rl_function({a0}), {a1}, {a2}), rl_f, rl_l, rl_p)",
    "PyCMethod_New": "refcount_ledger::rl_new({real}(refcount_ledger::rl_function({a0}), {a1}, {a2}, {a3}), rl_f, rl_l, rl_p)",
}


def is_rust(source: Path) -> bool:
    """Is there a crate in this package?"""
    return any(source.glob("Cargo.toml")) or any(source.glob("*/Cargo.toml")) or any(source.glob("src/*/Cargo.toml"))


def digest() -> bytes:
    """What the copy of pyo3-ffi is made of, beside the table of calls: what was built with another one is built anew."""
    return b"".join(hashlib.sha256(Path(file).read_bytes()).digest() for file in (__file__, declared.__file__))


def prepare(source: Path, compiler: str) -> dict[str, str]:
    """Puts the copy of pyo3-ffi beside the source, and the configuration that leads cargo to it.

    Args:
        source: the package, in a folder of ours.
        compiler: the C compiler that links with the ledger, as `CC` names it.

    Returns:
        Environment variables for the build.

    Raises:
        Missing: cargo is missing, or the package does without pyo3-ffi.
    """
    cargo = shutil.which("cargo")
    if cargo is None:
        raise Missing("cargo is missing: the package is written in Rust (https://rustup.rs).")
    linker = Path(shlex.split(compiler)[0]).with_name("linker")
    manifest = min(source.rglob("Cargo.toml"), key=lambda file: len(file.parts))
    crate = _find_crate(cargo, manifest)
    copy = source.parent / f".{CRATE}"
    shutil.copytree(crate, copy)
    _change(copy)
    folder = source.parent / ".cargo"
    folder.mkdir()
    text = CONFIGURATION.format(crate=CRATE, path=json.dumps(str(copy)), linker=linker, passes=PASSES)
    (folder / "config.toml").write_text(text, encoding="utf-8")
    # The lock file of our copy of the package has to know of the other source.
    subprocess.run([cargo, "metadata", "--format-version", "1"], cwd=manifest.parent, capture_output=True)
    return {"PYO3_BUILD_EXTENSION_MODULE": "1", "CARGO_TARGET_DIR": str(source.parent / ".target")}


def _find_crate(cargo: str, manifest: Path) -> Path:
    command = [cargo, "metadata", "--format-version", "1", "--manifest-path", str(manifest)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["cargo said nothing"]
        raise Missing(f"{manifest.parent.name} does not build: {said[0][:300]}")
    for package in json.loads(done.stdout)["packages"]:
        if package["name"] == CRATE:
            return Path(package["manifest_path"]).parent
    raise Missing(f"{manifest.parent.name} is written in Rust and does without {CRATE}: nothing of it can be judged.")


def _change(copy: Path) -> None:
    """Adds to a copy of pyo3-ffi the functions that enter what they do. An item by itself goes before one from a `use ...::*`."""
    library = copy / "src" / "lib.rs"
    known = _with_modules(functions(copy / "src"), modules(copy / "src"))
    calls = list(_wrapped(known))
    special = [name for name in SPECIAL if name in known]
    _keep_the_inside(copy / "src", {name: known[name] for name in [*(call.name for call in calls), *special]})
    parts = [BY_HAND.format(), *(_wrapper(call, known[call.name]) for call in calls)]
    parts += [_special(name, SPECIAL[name], known[name]) for name in special]
    code = "\n".join(parts)
    text = library.read_text(encoding="utf-8")
    library.write_text(f"{text}\n{code}\n", encoding="utf-8")
    # What was copied does as it does; its own rules of style are not asked of what was added.
    lints = library.read_text(encoding="utf-8").replace("#![deny(", "#![allow(").replace("#![warn(", "#![allow(")
    library.write_text(lints, encoding="utf-8")


def _with_modules(known: dict[str, Function], conditions: dict[str, tuple[str, ...]]) -> dict[str, Function]:
    """A function is there if its module is, and that in which that one lies."""

    def around(module: str) -> tuple[str, ...]:
        return conditions.get(module, ()) + (around(module.rpartition("::")[0]) if "::" in module else ())

    return {
        name: replace(function, conditions=function.conditions + around(function.module))
        for name, function in known.items()
    }


def _keep_the_inside(source: Path, wrapped: dict[str, Function]) -> None:
    """Where a function of pyo3-ffi calls another one that is wrapped, it goes on calling that one: what it does is entered once, by
    the wrapper of the first. What stands in `compat` has no wrapper, so what is called there is entered."""

    def original(call: re.Match[str]) -> str:
        function = wrapped.get(call[1])
        return f"{function.module}::{function.name}(" if function else call[0]

    for file in source.rglob("*.rs"):
        if file.relative_to(source).parts[0] not in ("compat", "impl_"):
            text = file.read_text(encoding="utf-8")
            file.write_text(re.sub(r"(?<![\w$])crate::(\w+)\(", original, text), encoding="utf-8")


def _wrapped(known: dict[str, Function]) -> Iterator[table.Call]:
    for call in table.calls().values():
        function = known.get(call.name)
        if function is None or function.variadic or not call.is_entered or call.special or call.name in POINTERS:
            continue
        if call.name in SPECIAL or any(":" in name or not name for name, _ in function.arguments):
            continue
        # Objects that are always there are constants of PyO3's too.
        if call.result.startswith("lends") and not function.arguments:
            continue
        yield call


def _head(function: Function) -> str:
    arguments = ", ".join(f"{name}: {_type(type_)}" for name, type_ in _named(function))
    result = f" -> {_type(function.result)}" if function.result else ""
    conditions = "".join(f"#[cfg({condition})]\n" for condition in function.conditions)
    return (
        f"{conditions}#[track_caller]\n#[inline(never)]\n#[allow(clippy::all, deprecated, missing_docs)]\n"
        f"pub unsafe fn {function.name}({arguments}){result} {{\n"
        "    let ((rl_f, rl_l), rl_p) = (refcount_ledger::here(), refcount_ledger::frame());\n"
        "    let _ = (rl_f, rl_l, rl_p);\n"
    )


def _named(function: Function) -> list[tuple[str, str]]:
    return [
        (f"a{number}" if name in ("_", "self", "type") else name, type_)
        for number, (name, type_) in enumerate(function.arguments)
    ]


def _type(type_: str) -> str:
    """A type as it is called from the crate's root."""
    for name in (
        "c_char",
        "c_int",
        "c_long",
        "c_longlong",
        "c_uint",
        "c_ulong",
        "c_ulonglong",
        "c_void",
        "c_double",
        "c_uchar",
    ):
        type_ = _word(type_, name, f"core::ffi::{name}")
    for name in ("size_t", "wchar_t", "FILE"):
        type_ = _word(type_, name, "usize" if name == "size_t" else f"libc::{name}")
    return type_


def _word(text: str, word: str, instead: str) -> str:
    return re.sub(rf"(?<![\w:]){word}\b", instead, text)


def _wrapper(call: table.Call, function: Function) -> str:
    names = [name for name, _ in _named(function)]
    types = [type_ for _, type_ in function.arguments]
    place = "rl_f, rl_l, rl_p"
    objects = [f"{name} as *mut PyObject" for name, type_ in zip(names, types) if type_ == "*mut PyObject"]
    objects = (objects + ["core::ptr::null_mut()"] * 3)[:3]
    body = []
    is_new = call.result == "new"
    failed = "core::ptr::null_mut()" if is_new or call.result else call.fails
    text = f'b"{call.name}\\0".as_ptr().cast()'
    if is_new or (call.runs and call.fails):
        body.append(f"if refcount_ledger::rl_before({text}, {', '.join(objects)}, {place}) != 0 {{ return {failed}; }}")
    elif call.fails:
        body.append(f"if refcount_ledger::rl_fails({text}, {place}) != 0 {{ return {failed}; }}")
    body += [f"refcount_ledger::rl_stolen({names[number]}.cast(), {place});" for number in call.steals]
    body += [f"if !{names[n]}.is_null() {{ refcount_ledger::rl_stolen(*{names[n]}, {place}); }}" for n in call.in_out]
    # An argument may be called `result`.
    body.append(f"let rl_result = {function.module}::{function.name}({', '.join(names)});")
    body += [
        f"if !{names[n]}.is_null() {{ refcount_ledger::rl_new((*{names[n]}).cast(), {place}); }}"
        for n in (*call.out, *call.in_out)
    ]
    body += [
        f"if rl_result != {call.fails} {{ refcount_ledger::rl_stolen({names[n]}.cast(), {place}); }}"
        for n in call.steals_if_well
    ]
    if is_new:
        body.append(f"refcount_ledger::rl_new(rl_result.cast(), {place});")
    elif call.result:
        body.append(f"refcount_ledger::rl_lend(rl_result.cast(), {int(call.result == 'lends!')}, {place});")
    return _head(function) + "".join(f"    {line}\n" for line in [*body, "rl_result"]) + "}\n"


def _special(name: str, body: str, function: Function) -> str:
    names = [name for name, _ in _named(function)]
    words = {f"a{number}": name for number, name in enumerate(names)}
    real = f"{function.module}::{name}"
    if names[:1] and body.count("(op") and names[0] != "op":
        body = f"let op = {names[0]}; " + body
    return _head(function) + f"    {body.format(real=real, all=', '.join(names), **words)}\n}}\n"
