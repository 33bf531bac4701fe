"""Where the extension changes who owns what, found by parsing its Rust; and the source with one such place changed.

An `Operation` is one call, somewhere in src/extension, of one of the words below: the refcount operations of the C API, and
the words of ffi/ownership.rs for a reference that goes from one owner to another. A `Mutant` is the source with one operation

    deleted   nothing is taken, given back or entered in the ledger, but the data goes where it went: `Py_NewRef(x)` becomes
              `x`, `Py_CLEAR(field)` only writes NULL, `give(x)` returns x without a word
    doubled   done twice; only for what changes a count

Its name is `file:line:column:operation:kind`, such as `slots/methods.rs:28:18:Py_NewRef:deleted`, with the file below
src/extension. The parser is tree-sitter's, so that nothing in a comment or a string is taken for code.
"""

from __future__ import annotations

import collections
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import tree_sitter
import tree_sitter_rust

EXTENSION = Path("src", "extension")

DELETED, DOUBLED = "deleted", "doubled"
#: The control: the operation in braces, which means the same.
NOTHING = "nothing"

_UNDONE = "{{ let _: *mut crate::ffi::PyObject = {0}; }}"
_TWICE = "{{ let op: *mut crate::ffi::PyObject = {0}; {function}(op); {function}(op) }}"
_WRITTEN = "{{ let field: *mut *mut crate::ffi::PyObject = {0}; *field = {1}; }}"
_ALLOCATED = '{{ let of = {0}; (*of).tp_alloc.expect("ready")(of, 0) }}'
_UNTOLD = "{{ let _ = ({all}); }}"
_IN_TUPLE = (
    "{{ let (tuple, place, new) = ({all}); let old = pyo3_ffi::PyTuple_GET_ITEM(tuple, place); "
    "pyo3_ffi::PyTuple_SET_ITEM(tuple, place, new); old }}"
)

#: What each operation becomes when it is deleted, and when it is doubled, if it has a double. `{0}` is the first argument,
#: `{all}` are all of them, `{call}` is the operation as it stands and `{self}` what a method is called on.
FORMS = {
    "Py_INCREF": (_UNDONE, _TWICE),
    "Py_DECREF": (_UNDONE, _TWICE),
    "Py_XDECREF": (_UNDONE, _TWICE),
    "Py_NewRef": ("({0})", "{function}({call})"),
    "Py_CLEAR": ("{{ let field: *mut *mut crate::ffi::PyObject = {0}; *field = core::ptr::null_mut(); }}", None),
    "Py_XSETREF": (_WRITTEN, None),
    "Py_VISIT": ("{{ let _: (*mut crate::ffi::PyObject, _, _) = ({all}); 0 }}", None),
    "PyObject_GC_UnTrack": ("{{ let _: *mut crate::ffi::c_void = {0}; }}", None),
    "PyObject_GC_Del": ("{{ let _: *mut crate::ffi::c_void = {0}; }}", None),
    "allocate": (_ALLOCATED, None),
    "received": ("({0})", None),
    "fill_field": (_WRITTEN, None),
    "replace_field": ("core::ptr::replace({all})", None),
    "swap_fields": ("core::ptr::swap({all})", None),
    "replace_in_tuple": (_IN_TUPLE, None),
    "give": ("Ok(core::mem::transmute::<*mut crate::ffi::PyObject, crate::ffi::Given>({0}))", None),
    "Stored::store": ("core::mem::transmute::<*mut crate::ffi::PyObject, crate::ffi::Stored>({0})", None),
    "Stored::exchanged": ("{{ let _: [*mut crate::ffi::PyObject; 2] = [{all}]; }}", None),
    "take": ("{self}.taken()", None),
    # What the words are made of: what the ledger is told.
    "ledger::allocate": (_ALLOCATED, None),
    "ledger::received": ("({0})", None),
    "ledger::given": (_UNTOLD, None),
    "ledger::stored_in_field": (_UNTOLD, None),
    "ledger::taken_from_field": (_UNTOLD, None),
    "ledger::fields_exchanged": (_UNTOLD, None),
    "ledger::stored_in_entry": (_UNTOLD, None),
    "ledger::taken_from_entry": (_UNTOLD, None),
    "ledger::entries_exchanged": (_UNTOLD, None),
}

#: Names that mean an operation wherever they stand. (`take` and `received` are words that others use too, and
#: `PyObject_GC_Del` is also what a type's slot is filled with.)
UNMISTAKABLE = {
    name for name in FORMS if name.startswith("Py_") or name.endswith(("_field", "_in_tuple")) or name == "give"
}


class Unreadable(Exception):
    """The source has an operation in a form that cannot be mutated."""


@dataclass(frozen=True)
class Operation:
    """One place at which ownership changes.

    Attributes:
        file: its path below src/extension.
        line, column: where it begins, both from 1.
        name: a key of `FORMS`.
        function: the function that it is in, with the `impl` or `mod` around it: `Stored::take`.
        code: its text on one line.
        nth: how many operations of the same text come before it in the function.
        first, last: the lines of the function, with what is said before it.
        start, end: its bytes in the file.
        forms: what stands there in the mutants, by kind.
    """

    file: str
    line: int
    column: int
    name: str
    function: str
    code: str
    nth: int
    first: int
    last: int
    start: int
    end: int
    forms: dict[str, str] = field(hash=False, compare=False)

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What it is known by as long as nobody changes it: not its line."""
        return self.file, self.function, self.code, self.nth


@dataclass(frozen=True)
class Mutant:
    """The source with one operation changed."""

    operation: Operation
    kind: str

    @property
    def id(self) -> str:
        """`file:line:column:operation:kind`."""
        at = self.operation
        return f"{at.file}:{at.line}:{at.column}:{at.name.replace('::', '.')}:{self.kind}"

    def applied(self, text: bytes) -> bytes:
        """The text of the file with the change."""
        at = self.operation
        return text[: at.start] + at.forms[self.kind].encode() + text[at.end :]

    def diff(self, root: Path) -> str:
        """The change as a unified diff."""
        path = (EXTENSION / self.operation.file).as_posix()
        text = (root / path).read_bytes()
        old, new = (side.decode().splitlines(keepends=True) for side in (text, self.applied(text)))
        return "".join(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}"))


def operations(root: Path) -> list[Operation]:
    """All operations of the extension in a project's folder, by file and line.

    Raises:
        Unreadable: one cannot be mutated, since it is not called where it stands, or lies in a macro's arguments.
    """
    folder = root / EXTENSION
    files = sorted(folder.rglob("*.rs"), key=lambda file: (file.parent, file.name))
    return [operation for file in files for operation in parse(file.read_bytes(), file.relative_to(folder).as_posix())]


def mutants(operations: list[Operation]) -> list[Mutant]:
    """All mutants of these operations, without the control."""
    return [Mutant(at, kind) for at in operations for kind in (DELETED, DOUBLED) if kind in at.forms]


@lru_cache(maxsize=1)
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))


def parse(text: bytes, file: str) -> list[Operation]:
    """The operations in the text of one file."""
    root = _parser().parse(text).root_node
    if root.has_error:
        raise Unreadable(f"{file} is not Rust that the parser understands.")
    seen: collections.Counter[tuple[str, str]] = collections.Counter()
    found = []
    for node in _walk(root):
        name = _operation(node)
        if name is None:
            if node.type == "identifier" and _text(node) in UNMISTAKABLE and not _is_named_only(node):
                raise Unreadable(f"{file}:{node.start_point[0] + 1}: {_text(node)} stands where it cannot be mutated.")
            continue
        function, code = _function(node), " ".join(_text(node).split())
        line, column = node.start_point
        found.append(
            Operation(
                *(file, line + 1, column + 1, name, function, code, seen[function, code], *_lines(node)),
                *(node.start_byte, node.end_byte, _forms(node, name)),
            )
        )
        seen[function, code] += 1
    return found


def _walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: tree_sitter.Node | None) -> str:
    return node.text.decode() if node is not None and node.text is not None else ""


def _arguments(call: tree_sitter.Node) -> list[str]:
    arguments = call.child_by_field_name("arguments")
    assert arguments is not None
    return [_text(child) for child in arguments.named_children if not child.type.endswith("comment")]


def _operation(node: tree_sitter.Node) -> str | None:
    """The name of the operation that this node calls, or None."""
    if node.type != "call_expression":
        return None
    called = node.child_by_field_name("function")
    assert called is not None
    if called.type == "field_expression":
        # Others have a `take` too, but not one with an argument.
        is_take = _text(called.child_by_field_name("field")) == "take" and len(_arguments(node)) == 1
        return "take" if is_take else None
    path = _text(called)
    last = path.rpartition("::")[2]
    if path in FORMS or (last in UNMISTAKABLE and called.type == "scoped_identifier"):
        return path if path in FORMS else last
    return None


def _is_named_only(node: tree_sitter.Node) -> bool:
    """Is this the name in a definition, in a `use`, or the last part of a call's path?"""
    above = node.parent
    while above is not None and above.type in ("scoped_identifier", "use_list", "scoped_use_list", "use_as_clause"):
        above = above.parent
    return above is not None and (
        above.type in ("use_declaration", "call_expression")
        or (above.type == "function_item" and above.child_by_field_name("name") == node)
    )


def _function(node: tree_sitter.Node) -> str:
    """The name of the function around a node, with what is around that."""
    names: list[str] = []
    above = node.parent
    while above is not None:
        if above.type in ("function_item", "mod_item"):
            names.insert(0, _text(above.child_by_field_name("name")))
        elif above.type == "impl_item":
            names.insert(0, _text(above.child_by_field_name("type")))
        above = above.parent
    return "::".join(names)


def _lines(node: tree_sitter.Node) -> tuple[int, int]:
    """The first and the last line of the function around a node, with the comments and attributes before it."""
    while node.type != "function_item" and node.parent is not None:
        node = node.parent
    first = node
    while first.prev_sibling is not None and first.prev_sibling.type in ("line_comment", "attribute_item"):
        first = first.prev_sibling
    return first.start_point[0] + 1, node.end_point[0] + 1


def _forms(call: tree_sitter.Node, name: str) -> dict[str, str]:
    arguments = _arguments(call)
    called = call.child_by_field_name("function")
    assert called is not None
    parts = {
        "all": ", ".join(arguments),
        "call": _text(call),
        "function": _text(called),
        "self": _text(called.child_by_field_name("value")),
    }
    deleted, doubled = FORMS[name]
    forms = {DELETED: deleted.format(*arguments, **parts), NOTHING: f"{{ {_text(call)} }}"}
    if doubled is not None:
        forms[DOUBLED] = doubled.format(*arguments, **parts)
    # A statement that begins with a brace ends there: `{ x }.y` would be two of them.
    return {
        kind: f"({form})" if form.startswith("{") and not _is_statement(call) else form for kind, form in forms.items()
    }


def _is_statement(call: tree_sitter.Node) -> bool:
    return call.parent is not None and call.parent.type == "expression_statement"


def near(filters: tuple[str, ...], all_mutants: list[Mutant]) -> list[Mutant]:
    """The mutants whose names begin as one of the filters: a folder, a file, a file and a line, or a whole name."""
    patterns = [re.compile(re.escape(text) + r"(?=[:/]|$)") for text in (given.rstrip("/:") for given in filters)]
    return [mutant for mutant in all_mutants if not patterns or any(each.match(mutant.id) for each in patterns)]
