//! The types, slot by slot.
//!
//! A type is a struct full of function pointers. `len(h)` looks into the struct of `h`'s type, finds `tp_as_mapping`,
//! in it `mp_length`, and calls it. A slot that is left NULL is inherited from `object`, or is what the type cannot do.
//!
//! The structs are static and mutable: `PyType_Ready` writes into them when the module is loaded, and CPython keeps
//! caches there.
//!
//! Only this file says that the types are static. The other forms of this module make them when they are loaded, from the same
//! slots: `src/forms/type_object.rs` is for them what this file is here.

use crate::attributes::{ATTRIBUTES, HASH_FUNC, HASH_TABLE_DOC, METHODS, TYPED};
use crate::ffi::*;
use crate::object::{self, HashTable};
use crate::slots::{mapping, operators, picture};
use crate::table::lifetime;
use crate::views::iterators::{self, ITERATOR_METHODS, TableIterator};
use crate::views::sets::{self, SET_VIEW_METHODS};
use crate::views::view::{self, VIEW_ATTRIBUTES, VIEW_METHODS, View};

// ---- hashtable.HashTable --------------------------------------------------------------------------------------------

static mut HASH_TABLE: PyTypeObject = PyTypeObject {
    ob_base: HEAD,
    tp_name: name_in_module!("HashTable"),
    tp_basicsize: size_of::<HashTable>() as Py_ssize_t,
    tp_doc: HASH_TABLE_DOC.as_ptr(),
    tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MAPPING),

    // How a table comes, is made known to the garbage collector, and goes.
    tp_new: Some(lifetime::tp_new),
    tp_init: Some(lifetime::tp_init),
    tp_traverse: Some(lifetime::tp_traverse),
    tp_clear: Some(lifetime::tp_clear),
    tp_dealloc: Some(lifetime::tp_dealloc),
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

static mut MEMBERS: [PyMemberDef; 3] = [
    HASH_FUNC,
    TYPED,
    // SAFETY: a NULL name, which ends the list: zero in every field is a value of this struct.
    unsafe { core::mem::zeroed() },
];

static mut AS_MAPPING: PyMappingMethods = PyMappingMethods {
    mp_length: Some(mapping::mp_length),
    mp_subscript: Some(mapping::mp_subscript),
    mp_ass_subscript: Some(mapping::mp_ass_subscript),
};

/// `in` belongs to the sequence methods, also for a mapping.
static mut AS_SEQUENCE: PySequenceMethods =
    PySequenceMethods { sq_contains: Some(mapping::sq_contains), ..blank_sequence() };

/// `|` belongs to the number methods, whatever it means.
static mut AS_NUMBER: PyNumberMethods =
    PyNumberMethods { nb_or: Some(operators::nb_or), nb_inplace_or: Some(operators::nb_inplace_or), ..blank_number() };

// ---- iterators and views --------------------------------------------------------------------------------------------
//
// None of them can be made by calling its type (`object` does not hand its `tp_new` down to a static type) or be
// subclassed.

static mut ITERATOR: PyTypeObject = PyTypeObject {
    ob_base: HEAD,
    tp_name: name_in_module!("HashTableIterator"),
    tp_basicsize: size_of::<TableIterator>() as Py_ssize_t,
    tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC),
    tp_traverse: Some(iterators::tp_traverse),
    tp_clear: Some(iterators::tp_clear),
    tp_dealloc: Some(iterators::tp_dealloc),
    tp_iter: Some(PyObject_SelfIter),
    tp_iternext: Some(iterators::tp_iternext),
    tp_methods: &raw mut ITERATOR_METHODS as *mut PyMethodDef,
    ..blank()
};

static mut KEYS_VIEW: PyTypeObject = set_view_type(name_in_module!("HashTableKeys"));
static mut ITEMS_VIEW: PyTypeObject = set_view_type(name_in_module!("HashTableItems"));
static mut VALUES_VIEW: PyTypeObject = view_type(name_in_module!("HashTableValues"), &raw mut VALUES_AS_SEQUENCE);

/// What the three views have in common.
const fn view_type(tp_name: *const c_char, as_sequence: *mut PySequenceMethods) -> PyTypeObject {
    PyTypeObject {
        ob_base: HEAD,
        tp_name,
        tp_basicsize: size_of::<View>() as Py_ssize_t,
        tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC),
        tp_traverse: Some(view::tp_traverse),
        tp_dealloc: Some(view::tp_dealloc),
        tp_repr: Some(view::tp_repr),
        tp_iter: Some(view::tp_iter),
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
        tp_richcompare: Some(sets::tp_richcompare),
        tp_methods: &raw mut SET_VIEW_METHODS as *mut PyMethodDef,
        ..view_type(tp_name, &raw mut SET_VIEW_AS_SEQUENCE)
    }
}

static mut VALUES_AS_SEQUENCE: PySequenceMethods =
    PySequenceMethods { sq_length: Some(view::sq_length), ..blank_sequence() };
static mut SET_VIEW_AS_SEQUENCE: PySequenceMethods =
    PySequenceMethods { sq_length: Some(view::sq_length), sq_contains: Some(view::sq_contains), ..blank_sequence() };
static mut VIEW_AS_NUMBER: PyNumberMethods = PyNumberMethods {
    nb_subtract: Some(sets::nb_subtract),
    nb_and: Some(sets::nb_and),
    nb_xor: Some(sets::nb_xor),
    nb_or: Some(sets::nb_or),
    ..blank_number()
};

// ---- where the types are --------------------------------------------------------------------------------------------
//
// Code below makes objects of these types, and asks of which type an object is. Here a type is at an address that the linker
// knows: it is borrowed, and never freed. The other forms have to look for it, from the object `near` on, and may not find it.

/// All of them: of tables, of iterators, of views on keys, values and items.
pub(crate) fn types() -> [*mut PyTypeObject; 5] {
    [&raw mut HASH_TABLE, &raw mut ITERATOR, &raw mut KEYS_VIEW, &raw mut VALUES_VIEW, &raw mut ITEMS_VIEW]
}

/// The type of tables.
pub(crate) fn hash_table_type(_near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    Ok(&raw mut HASH_TABLE)
}

/// The type of all iterators.
pub(crate) fn iterator_type(_near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    Ok(&raw mut ITERATOR)
}

/// The type of `h.keys()`.
pub(crate) fn keys_view_type(_near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    Ok(&raw mut KEYS_VIEW)
}

/// The type of `h.values()`.
pub(crate) fn values_view_type(_near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    Ok(&raw mut VALUES_VIEW)
}

/// The type of `h.items()`.
pub(crate) fn items_view_type(_near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    Ok(&raw mut ITEMS_VIEW)
}

/// Is `op` a table, of this type or a subclass?
///
/// # Safety
/// `op` is a living object. So with the questions that follow.
#[inline(always)]
pub(crate) unsafe fn is_hash_table(op: *mut PyObject) -> bool {
    // SAFETY: `op` is alive, so it has a type; the type that it is compared with is static.
    unsafe { PyObject_TypeCheck(op, &raw mut HASH_TABLE) != 0 }
}

/// Is it a table, and not of a subclass?
#[inline(always)]
pub(crate) unsafe fn is_plain_hash_table(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { Py_IS_TYPE(op, &raw mut HASH_TABLE) }
}

/// Is it a view on keys?
#[inline(always)]
pub(crate) unsafe fn is_keys_view(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { Py_IS_TYPE(op, &raw mut KEYS_VIEW) }
}

/// Is it a view on values?
#[inline(always)]
pub(crate) unsafe fn is_values_view(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { Py_IS_TYPE(op, &raw mut VALUES_VIEW) }
}

/// Is it a view on pairs?
#[inline(always)]
pub(crate) unsafe fn is_items_view(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { Py_IS_TYPE(op, &raw mut ITEMS_VIEW) }
}
