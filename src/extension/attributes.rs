//! What a table has by name: its methods and attributes.
//!
//! The type refers to these lists (`type_object.rs`). For each entry CPython puts a descriptor into the type's dict, and that
//! refers to the entry for as long as it lives: so the lists are static.

use crate::errors::{entry, entry_alone};
use crate::ffi::*;
use crate::object::{self, HashTable};
use crate::slots::{methods, pickling, picture, update};
use crate::views::{iterators, view};
use core::ffi::CStr;

// Without the `--` that would make its first line a signature: `inspect` cannot evaluate the default `hash`.
pub(crate) const HASH_TABLE_DOC: &CStr = c"HashTable(size=4, max_load=0.5, hash_func=hash, *, typed=True)

A hash table whose three knobs can be turned and whose buckets can be seen.

size       number of buckets to begin with, an int of at least 1
max_load   the most that pairs / buckets may be before the buckets double, 0 < max_load <= 1
hash_func  a callable that takes a key and returns an int
typed      if true, the int 1, the float 1.0 and the str \"1\" are three keys;
           if false, keys are equal if == says so, as in dict

TypeError is raised for a parameter that is not of this kind, OverflowError or
MemoryError for more buckets than there can be.";

// A doc that begins with a signature and `--` gives the method that signature in `help()` and `inspect`.
pub(crate) static mut METHODS: [PyMethodDef; 23] = [
    arguments(
        c"set",
        methods::set,
        c"set($self, key, value, /)
--

Add the pair, or overwrite the value of key. Return the table itself.",
    ),
    arguments(
        c"get",
        methods::get,
        c"get($self, key, default=None, /)
--

Return the value for key, or default if key is not in the table.",
    ),
    // No signature: a default that need not be there cannot be written in one.
    arguments(
        c"pop",
        methods::pop,
        c"pop(key[, default])

Remove key and return its value. If key is not in the table, return default,
or raise KeyError if none was given.",
    ),
    arguments(
        c"setdefault",
        methods::setdefault,
        c"setdefault($self, key, default=None, /)
--

Return the value for key; if key is not in the table, add it with default and return that.",
    ),
    no_arguments(
        c"popitem",
        methods::popitem,
        c"popitem($self, /)
--

Remove the pair that was added last and return it as (key, value).
Raise KeyError if the table is empty.",
    ),
    method(
        c"update",
        PyMethodDefPointer { PyCFunctionFastWithKeywords: update::update },
        METH_FASTCALL | METH_KEYWORDS,
        c"update($self, other=(), /, **pairs)
--

Add or overwrite the pairs of other, a mapping or an iterable of pairs, then the keywords.",
    ),
    method(
        c"fromkeys",
        PyMethodDefPointer { PyCFunctionFast: update::fromkeys },
        METH_FASTCALL | METH_CLASS,
        c"fromkeys($type, iterable, value=None, /)
--

Return a new table with the keys that iterable yields, each with value.",
    ),
    no_arguments(
        c"copy",
        pickling::copy,
        c"copy($self, /)
--

Return a HashTable with the same parameters, size, pairs and order.",
    ),
    no_arguments(
        c"__reduce__",
        pickling::reduce,
        c"__reduce__($self, /)
--

Return what copy and pickle need.",
    ),
    one_argument(
        c"__setstate__",
        pickling::setstate,
        c"__setstate__($self, state, /)
--

Take over the state that __reduce__ made of another table.",
    ),
    no_arguments(
        c"clear",
        methods::clear,
        c"clear($self, /)
--

Remove all pairs, and go back to the size that the table was made with.",
    ),
    no_arguments(
        c"keys",
        view::keys,
        c"keys($self, /)
--

Return a live view on the keys.",
    ),
    no_arguments(
        c"values",
        view::values,
        c"values($self, /)
--

Return a live view on the values.",
    ),
    no_arguments(
        c"items",
        view::items,
        c"items($self, /)
--

Return a live view on the (key, value) pairs.",
    ),
    no_arguments(
        c"buckets",
        methods::buckets,
        c"buckets($self, /)
--

Return a list of size lists of (key, value), each in the order of its chain,
newest first. It is a snapshot.",
    ),
    no_arguments(
        c"stats",
        methods::stats,
        c"stats($self, /)
--

Return a dict of figures:

size           number of buckets
load           number of pairs
load_factor    load / size
used_buckets   number of buckets with at least one pair
longest_chain  number of pairs in the fullest bucket
mean_probes    pairs looked at to find one, on average; 0.0 if empty
resizes        how often the table has grown since it was made or cleared
bytes          memory in the table's arrays
hashed_by      'hash', 'mixed_hash' or 'library_hash' if that is hash_func and runs natively; else 'call'",
    ),
    one_argument(
        c"hash_of",
        methods::hash_of_key,
        c"hash_of($self, key, /)
--

Return the 64-bit hash that the table uses for key.",
    ),
    one_argument(
        c"bucket_of",
        methods::bucket_of,
        c"bucket_of($self, key, /)
--

Return the index of the bucket in which key is, or would be, now.",
    ),
    one_argument(
        c"__format__",
        picture::format,
        c"__format__($self, format_spec, /)
--

Return the picture for an empty format_spec, the long picture for 'full'.",
    ),
    no_arguments(
        c"__reversed__",
        iterators::iterate_backwards,
        c"__reversed__($self, /)
--

Return an iterator over the keys, newest first.",
    ),
    no_arguments(
        c"__sizeof__",
        methods::sizeof,
        c"__sizeof__($self, /)
--

Return the bytes of the table and its arrays, without keys and values.",
    ),
    method(
        c"__class_getitem__",
        PyMethodDefPointer { PyCFunction: class_getitem },
        METH_O | METH_CLASS,
        c"Return HashTable[key type, value type], for annotations.",
    ),
    PyMethodDef::zeroed(),
];

/// `HashTable[str, int]`: a new reference to a `types.GenericAlias`.
///
/// # Safety
/// Called by CPython, with the class and what stands in the brackets.
unsafe extern "C" fn class_getitem(class: *mut PyObject, item: *mut PyObject) -> *mut PyObject {
    // SAFETY: the class and what is in the brackets are kept for the call; the alias takes references of its own.
    entry(|| unsafe { give(new_reference(Py_GenericAlias(class, item))?) })
}

// A member is an attribute that CPython reads straight out of the struct. (Each form has a list of them in its
// type_object.rs.)

pub(crate) const HASH_FUNC: PyMemberDef = PyMemberDef {
    name: c"hash_func".as_ptr(),
    type_code: Py_T_OBJECT_EX,
    offset: object::HASH_FUNC_AT,
    flags: Py_READONLY,
    doc: c"the function that hashes the keys".as_ptr(),
};

pub(crate) const TYPED: PyMemberDef = PyMemberDef {
    name: c"typed".as_ptr(),
    type_code: Py_T_BOOL,
    offset: object::TYPED_AT,
    flags: Py_READONLY,
    doc: c"whether int, float and str keys are told apart by their type".as_ptr(),
};

// An attribute that needs a function to be read: the library's table does not lie open.
pub(crate) static mut ATTRIBUTES: [PyGetSetDef; 4] = [
    read_only(c"size", size, c"number of buckets now"),
    read_only(c"load", load, c"number of pairs now"),
    read_only(c"max_load", max_load, c"the most that load / size may be"),
    // SAFETY: a NULL name, which ends the list: zero in every field is a value of this struct.
    unsafe { core::mem::zeroed() },
];

/// `h.size`: a new reference.
unsafe extern "C" fn size(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: the right object: the attribute stands in its type. Reading a number runs nothing.
    entry_alone(op, || unsafe {
        give(new_reference(PyLong_FromSsize_t((*op.cast::<HashTable>()).pairs.size() as Py_ssize_t))?)
    })
}

/// `h.load`: a new reference.
unsafe extern "C" fn load(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: the right object, as in [`size`]; the number is read before the int is made of it.
    entry_alone(op, || unsafe {
        give(new_reference(PyLong_FromSsize_t((*op.cast::<HashTable>()).pairs.load() as Py_ssize_t))?)
    })
}

/// `h.max_load`: a new reference.
unsafe extern "C" fn max_load(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: the right object, as in [`size`]; the number is read before the float is made of it.
    entry_alone(op, || unsafe { give(new_reference(PyFloat_FromDouble((*op.cast::<HashTable>()).pairs.max_load()))?) })
}
