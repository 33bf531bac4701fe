//! The static type objects, slot by slot.
//!
//! A type is a struct full of function pointers. `len(h)` looks into the struct of `h`'s type, finds `tp_as_mapping`, in it `mp_length`, and
//! calls it. A slot that is left NULL is inherited from `object`, or is what the type cannot do.
//!
//! The structs are static and mutable: `PyType_Ready` writes into them when the module is loaded, and CPython keeps caches there.

use crate::errors::{Raised, entry, new_reference, status};
use crate::ffi::*;
use crate::object::HashTable;
use crate::{iterators, mapping, methods, object, operators, pickling, picture, update, view_sets, views};
use core::ffi::CStr;
use core::ptr::null_mut;

/// The full name of a type: that of the module, a dot, and its own. (`pickle` looks for a type where its name says.)
macro_rules! name_in_module {
    ($name:literal) => {
        if cfg!(feature = "trace") {
            concat!("hashtable_traced.", $name, "\0").as_ptr().cast()
        } else {
            concat!("hashtable.", $name, "\0").as_ptr().cast()
        }
    };
}

/// A type with nothing in it yet.
const fn blank() -> PyTypeObject {
    // SAFETY: the struct is made of numbers, pointers and optional functions, for all of which zero is a value: 0, NULL, None.
    // It is also what C leaves in the fields of a static struct that an initializer does not name.
    unsafe { core::mem::zeroed() }
}

/// What C writes as `PyVarObject_HEAD_INIT(NULL, 0)`: one reference, and a type that `PyType_Ready` fills in.
const HEAD: PyVarObject = PyVarObject { ob_base: PyObject_HEAD_INIT, ob_size: 0 };

// ---- hashtable.HashTable -----------------------------------------------------------------------------------------------------

static mut HASH_TABLE: PyTypeObject = PyTypeObject {
    ob_base: HEAD,
    tp_name: name_in_module!("HashTable"),
    tp_basicsize: size_of::<object::HashTable>() as Py_ssize_t,
    tp_doc: HASH_TABLE_DOC.as_ptr(),
    tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MAPPING),

    // How a table comes, is made known to the garbage collector, and goes.
    tp_new: Some(object::tp_new),
    tp_init: Some(object::tp_init),
    tp_traverse: Some(object::tp_traverse),
    tp_clear: Some(object::tp_clear),
    tp_dealloc: Some(object::tp_dealloc),
    tp_alloc: Some(PyType_GenericAlloc),
    tp_free: Some(PyObject_GC_Del),
    tp_weaklistoffset: object::WEAKREFS_AT,

    // What it looks like.
    tp_repr: Some(picture::tp_repr),

    // How it answers to operators.
    tp_as_mapping: &raw mut AS_MAPPING,
    tp_as_sequence: &raw mut AS_SEQUENCE,
    tp_as_number: &raw mut AS_NUMBER,
    tp_richcompare: Some(operators::tp_richcompare),
    tp_iter: Some(iterators::iterate_keys),
    tp_hash: Some(PyObject_HashNotImplemented),

    // What it has by name.
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    tp_members: &raw mut MEMBERS as *mut PyMemberDef,
    tp_getset: &raw mut ATTRIBUTES as *mut PyGetSetDef,
    ..blank()
};

// Without the `--` that would make its first line a signature: `inspect` cannot evaluate the default `hash`.
const HASH_TABLE_DOC: &CStr = c"HashTable(size=4, max_load=0.5, hash_func=hash, *, typed=True)

A hash table whose three knobs can be turned and whose buckets can be seen.

size       number of buckets to begin with, an int of at least 1
max_load   the most that pairs / buckets may be before the buckets double, 0 < max_load <= 1
hash_func  a callable that takes a key and returns an int
typed      if true, the int 1, the float 1.0 and the str \"1\" are three keys;
           if false, keys are equal if == says so, as in dict

TypeError is raised for a parameter that is not of this kind, OverflowError or
MemoryError for more buckets than there can be.";

static mut AS_MAPPING: PyMappingMethods = PyMappingMethods {
    mp_length: Some(mapping::mp_length),
    mp_subscript: Some(mapping::mp_subscript),
    mp_ass_subscript: Some(mapping::mp_ass_subscript),
};

/// `in` belongs to the sequence methods, also for a mapping.
static mut AS_SEQUENCE: PySequenceMethods =
    PySequenceMethods { sq_contains: Some(mapping::sq_contains), ..blank_sequence() };

const fn blank_sequence() -> PySequenceMethods {
    // SAFETY: made of optional functions and pointers, as above.
    unsafe { core::mem::zeroed() }
}

/// `|` belongs to the number methods, whatever it means.
static mut AS_NUMBER: PyNumberMethods =
    PyNumberMethods { nb_or: Some(operators::nb_or), nb_inplace_or: Some(operators::nb_inplace_or), ..blank_number() };

const fn blank_number() -> PyNumberMethods {
    // SAFETY: made of optional functions and pointers, as above.
    unsafe { core::mem::zeroed() }
}

/// A method without arguments.
const fn no_arguments(name: &'static CStr, function: PyCFunction, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_NOARGS, doc)
}

/// A method with exactly one argument.
const fn one_argument(name: &'static CStr, function: PyCFunction, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_O, doc)
}

/// A method that takes its arguments as an array, which is the fast way to be called.
const fn arguments(name: &'static CStr, function: PyCFunctionFast, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunctionFast: function }, METH_FASTCALL, doc)
}

const fn method(name: &'static CStr, ml_meth: PyMethodDefPointer, ml_flags: c_int, doc: &'static CStr) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth, ml_flags, ml_doc: doc.as_ptr() }
}

// A doc that begins with a signature and `--` gives the method that signature in `help()` and `inspect`.
static mut METHODS: [PyMethodDef; 23] = [
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
        views::keys,
        c"keys($self, /)
--

Return a live view on the keys.",
    ),
    no_arguments(
        c"values",
        views::values,
        c"values($self, /)
--

Return a live view on the values.",
    ),
    no_arguments(
        c"items",
        views::items,
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
mean_probes    pairs looked at to find one, in the mean over all; 0.0 if empty
resizes        how often the table has grown since it was made or cleared
bytes          memory in the table's arrays",
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
    // SAFETY: both are borrowed and alive.
    entry(|| unsafe { give(new_reference(Py_GenericAlias(class, item))?) })
}

// A member is an attribute that CPython reads straight out of the struct.
static mut MEMBERS: [PyMemberDef; 3] = [
    PyMemberDef {
        name: c"hash_func".as_ptr(),
        type_code: Py_T_OBJECT_EX,
        offset: object::HASH_FUNC_AT,
        flags: Py_READONLY,
        doc: c"the function that hashes the keys".as_ptr(),
    },
    PyMemberDef {
        name: c"typed".as_ptr(),
        type_code: Py_T_BOOL,
        offset: object::TYPED_AT,
        flags: Py_READONLY,
        doc: c"whether int, float and str keys are told apart by their type".as_ptr(),
    },
    // SAFETY: a NULL name, which ends the list.
    unsafe { core::mem::zeroed() },
];

// An attribute that needs a function to be read: the library's table does not lie open.
static mut ATTRIBUTES: [PyGetSetDef; 4] = [
    read_only(c"size", size, c"number of buckets now"),
    read_only(c"load", load, c"number of pairs now"),
    read_only(c"max_load", max_load, c"the most that load / size may be"),
    // SAFETY: a NULL name, which ends the list.
    unsafe { core::mem::zeroed() },
];

const fn read_only(
    name: &'static CStr,
    get: unsafe extern "C" fn(*mut PyObject, *mut c_void) -> *mut PyObject,
    doc: &'static CStr,
) -> PyGetSetDef {
    PyGetSetDef { name: name.as_ptr(), get: Some(get), set: None, doc: doc.as_ptr(), closure: null_mut() }
}

/// `h.size`: a new reference.
unsafe extern "C" fn size(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: CPython calls it with a `HashTable`. So with the two that follow.
    entry(|| unsafe { give(new_reference(PyLong_FromSsize_t((*op.cast::<HashTable>()).pairs.size() as Py_ssize_t))?) })
}

/// `h.load`: a new reference.
unsafe extern "C" fn load(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: as above.
    entry(|| unsafe { give(new_reference(PyLong_FromSsize_t((*op.cast::<HashTable>()).pairs.load() as Py_ssize_t))?) })
}

/// `h.max_load`: a new reference.
unsafe extern "C" fn max_load(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: as above.
    entry(|| unsafe { give(new_reference(PyFloat_FromDouble((*op.cast::<HashTable>()).pairs.max_load()))?) })
}

// ---- iterators and views -----------------------------------------------------------------------------------------------------
//
// None of them can be made by calling its type (`object` does not hand its `tp_new` down to a static type) or be subclassed.

static mut ITERATOR: PyTypeObject = PyTypeObject {
    ob_base: HEAD,
    tp_name: name_in_module!("HashTableIterator"),
    tp_basicsize: size_of::<iterators::TableIterator>() as Py_ssize_t,
    tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC),
    tp_traverse: Some(iterators::tp_traverse),
    tp_clear: Some(iterators::tp_clear),
    tp_dealloc: Some(iterators::tp_dealloc),
    tp_iter: Some(PyObject_SelfIter),
    tp_iternext: Some(iterators::tp_iternext),
    tp_methods: &raw mut ITERATOR_METHODS as *mut PyMethodDef,
    ..blank()
};

static mut ITERATOR_METHODS: [PyMethodDef; 3] = [
    no_arguments(
        c"__length_hint__",
        iterators::length_hint,
        c"__length_hint__($self, /)
--

Return how many are still to come.",
    ),
    no_arguments(
        c"__reduce__",
        iterators::reduce,
        c"__reduce__($self, /)
--

Return what copy and pickle need: a list of what is still to come.",
    ),
    PyMethodDef::zeroed(),
];

/// What the three views have in common.
const fn view_type(tp_name: *const c_char, as_sequence: *mut PySequenceMethods) -> PyTypeObject {
    PyTypeObject {
        ob_base: HEAD,
        tp_name,
        tp_basicsize: size_of::<views::View>() as Py_ssize_t,
        tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC),
        tp_traverse: Some(views::tp_traverse),
        tp_dealloc: Some(views::tp_dealloc),
        tp_repr: Some(views::tp_repr),
        tp_iter: Some(views::tp_iter),
        tp_as_sequence: as_sequence,
        tp_methods: &raw mut VIEW_METHODS as *mut PyMethodDef,
        tp_getset: &raw mut VIEW_ATTRIBUTES as *mut PyGetSetDef,
        ..blank()
    }
}

/// What the views on keys and items have besides: they are sets.
const fn set_view_type(tp_name: *const c_char) -> PyTypeObject {
    PyTypeObject {
        tp_as_number: &raw mut VIEW_AS_NUMBER,
        tp_richcompare: Some(view_sets::tp_richcompare),
        tp_methods: &raw mut SET_VIEW_METHODS as *mut PyMethodDef,
        ..view_type(tp_name, &raw mut SET_VIEW_AS_SEQUENCE)
    }
}

static mut KEYS_VIEW: PyTypeObject = set_view_type(name_in_module!("HashTableKeys"));
static mut ITEMS_VIEW: PyTypeObject = set_view_type(name_in_module!("HashTableItems"));
static mut VALUES_VIEW: PyTypeObject = view_type(name_in_module!("HashTableValues"), &raw mut VALUES_AS_SEQUENCE);

static mut VALUES_AS_SEQUENCE: PySequenceMethods =
    PySequenceMethods { sq_length: Some(views::sq_length), ..blank_sequence() };
static mut SET_VIEW_AS_SEQUENCE: PySequenceMethods =
    PySequenceMethods { sq_length: Some(views::sq_length), sq_contains: Some(views::sq_contains), ..blank_sequence() };
static mut VIEW_AS_NUMBER: PyNumberMethods = PyNumberMethods {
    nb_subtract: Some(view_sets::nb_subtract),
    nb_and: Some(view_sets::nb_and),
    nb_xor: Some(view_sets::nb_xor),
    nb_or: Some(view_sets::nb_or),
    ..blank_number()
};

static mut VIEW_ATTRIBUTES: [PyGetSetDef; 2] = [
    read_only(c"mapping", view_sets::mapping, c"the table, to be read only"),
    // SAFETY: a NULL name, which ends the list.
    unsafe { core::mem::zeroed() },
];

const REVERSED: PyMethodDef = no_arguments(
    c"__reversed__",
    views::reversed,
    c"__reversed__($self, /)
--

Return an iterator, newest first.",
);
static mut VIEW_METHODS: [PyMethodDef; 2] = [REVERSED, PyMethodDef::zeroed()];
static mut SET_VIEW_METHODS: [PyMethodDef; 3] = [
    REVERSED,
    one_argument(
        c"isdisjoint",
        view_sets::isdisjoint,
        c"isdisjoint($self, other, /)
--

Return True if the view and other, an iterable, have nothing in common.",
    ),
    PyMethodDef::zeroed(),
];

// ---- where they are ----------------------------------------------------------------------------------------------------------

/// The type `HashTable`. Borrowed: a static type is never freed. So are all here.
pub(crate) fn hash_table_type() -> *mut PyTypeObject {
    &raw mut HASH_TABLE
}

/// The type of all iterators.
pub(crate) fn iterator_type() -> *mut PyTypeObject {
    &raw mut ITERATOR
}

/// The type of `h.keys()`.
pub(crate) fn keys_view_type() -> *mut PyTypeObject {
    &raw mut KEYS_VIEW
}

/// The type of `h.values()`.
pub(crate) fn values_view_type() -> *mut PyTypeObject {
    &raw mut VALUES_VIEW
}

/// The type of `h.items()`.
pub(crate) fn items_view_type() -> *mut PyTypeObject {
    &raw mut ITEMS_VIEW
}

/// Has CPython fill in what all types have: what they inherit, their dict, their method resolution order.
///
/// # Safety
/// Called when the module is made, with the GIL held.
pub(crate) unsafe fn make_ready() -> Result<(), Raised> {
    for type_object in [hash_table_type(), iterator_type(), keys_view_type(), values_view_type(), items_view_type()] {
        // SAFETY: the struct is static, and complete as far as it is ours to fill in.
        unsafe { status(PyType_Ready(type_object))? };
    }
    Ok(())
}
