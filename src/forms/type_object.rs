//! The types, slot by slot, and made when the module is loaded.
//!
//! A static type is a struct in the library's memory. A heap type is made by CPython, from a specification: a name, a size,
//! flags, and a list of slots, each a number and a function. The functions are those of the classic form, but for two.
//!
//! Such a type is an object like others. It can be freed, so somebody must own it: the module's state does, and **every
//! object of the type** does. From that follows what these two functions add to those of the classic form:
//!
//! * `tp_traverse` shows the collector the type, too;
//! * `tp_dealloc` releases it, when the object's memory is gone. (Who allocates need do nothing: `PyType_GenericAlloc` takes
//!   the reference.)

use crate::attributes::{ATTRIBUTES, HASH_FUNC, HASH_TABLE_DOC, METHODS, TYPED};
use crate::ffi::*;
use crate::object::{self, HashTable};
use crate::slots::{mapping, operators, picture};
use crate::state::{State, not_here, state_behind, state_of};
use crate::table::lifetime;
use crate::table::trashcan::{DEPTH, WAITING};
use crate::views::iterators::{self, ITERATOR_METHODS, TableIterator};
use crate::views::sets::{self, SET_VIEW_METHODS};
use crate::views::view::{self, VIEW_ATTRIBUTES, VIEW_METHODS, View};
use core::cell::Cell;
use core::ffi::c_uint;
use core::ptr::null_mut;

/// One slot of a specification.
const fn slot(slot: c_int, pfunc: *mut c_void) -> PyType_Slot {
    PyType_Slot { slot, pfunc }
}

/// By which a type of ours is known among others, where its module cannot be asked for its definition.
#[cfg(opaque)]
const OURS: PyType_Slot = slot(Py_tp_token, &raw mut crate::module::EXPORTED as *mut c_void);
const TOKEN: usize = cfg!(opaque) as usize;

/// How a list of slots ends.
const END: PyType_Slot = slot(0, null_mut());

// ---- HashTable ------------------------------------------------------------------------------------------------------

static mut HASH_TABLE: PyType_Spec = PyType_Spec {
    name: name_in_module!(".HashTable"),
    basicsize: size_of::<HashTable>() as c_int,
    itemsize: 0,
    flags: (Py_TPFLAGS_DEFAULT
        | Py_TPFLAGS_BASETYPE
        | Py_TPFLAGS_HAVE_GC
        | Py_TPFLAGS_MAPPING
        | Py_TPFLAGS_IMMUTABLETYPE) as c_uint,
    slots: &raw mut HASH_TABLE_SLOTS as *mut PyType_Slot,
};

static mut HASH_TABLE_SLOTS: [PyType_Slot; 20 + TOKEN] = [
    slot(Py_tp_doc, HASH_TABLE_DOC.as_ptr() as *mut c_void),
    // How a table comes, is made known to the garbage collector, and goes.
    slot(Py_tp_new, lifetime::tp_new as *mut c_void),
    slot(Py_tp_init, lifetime::tp_init as *mut c_void),
    slot(Py_tp_traverse, traverse_table as *mut c_void),
    slot(Py_tp_clear, lifetime::tp_clear as *mut c_void),
    slot(Py_tp_dealloc, dealloc_table as *mut c_void),
    // What it looks like.
    slot(Py_tp_repr, picture::tp_repr as *mut c_void),
    // How it answers to operators.
    slot(Py_mp_length, mapping::mp_length as *mut c_void),
    slot(Py_mp_subscript, mapping::mp_subscript as *mut c_void),
    slot(Py_mp_ass_subscript, mapping::mp_ass_subscript as *mut c_void),
    slot(Py_sq_contains, mapping::sq_contains as *mut c_void),
    slot(Py_nb_or, operators::nb_or as *mut c_void),
    slot(Py_nb_inplace_or, operators::nb_inplace_or as *mut c_void),
    slot(Py_tp_richcompare, operators::tp_richcompare as *mut c_void),
    slot(Py_tp_iter, iterators::iterate_keys as *mut c_void),
    slot(Py_tp_hash, PyObject_HashNotImplemented as *mut c_void),
    // What it has by name.
    slot(Py_tp_methods, &raw mut METHODS as *mut c_void),
    slot(Py_tp_members, &raw mut MEMBERS as *mut c_void),
    slot(Py_tp_getset, &raw mut ATTRIBUTES as *mut c_void),
    #[cfg(opaque)]
    OURS,
    END,
];

// There is no slot for `tp_weaklistoffset`: a member of this name stands for it.
static mut MEMBERS: [PyMemberDef; 4] = [
    HASH_FUNC,
    TYPED,
    PyMemberDef {
        name: c"__weaklistoffset__".as_ptr(),
        type_code: Py_T_PYSSIZET,
        offset: object::WEAKREFS_AT,
        flags: Py_READONLY,
        doc: core::ptr::null(),
    },
    // SAFETY: a NULL name, which ends the list: zero in every field is a value of this struct.
    unsafe { core::mem::zeroed() },
];

/// Shows the garbage collector the type, and all else that a table owns.
///
/// # Safety
/// Called by CPython's garbage collector, with a table.
unsafe extern "C" fn traverse_table(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the table owns its type, and the rest is as in the classic form.
    unsafe {
        match Py_VISIT(Py_TYPE(op).cast(), visit, arg) {
            0 => lifetime::tp_traverse(op, visit, arg),
            stop => stop,
        }
    }
}

/// The last reference to a table is gone. (Its type is released where its memory is freed, which may be later, when its turn
/// comes on the waiting list: `free_object` in ffi.rs.)
///
/// # Safety
/// Called by CPython, once for each table.
unsafe extern "C" fn dealloc_table(op: *mut PyObject) {
    // SAFETY: CPython calls us as it calls the function of the classic form.
    alone_on_the_waiting_list(|| unsafe { lifetime::tp_dealloc(op) });
}

thread_local! {
    /// The interpreter whose tables are being taken apart on this thread, if any are.
    static TAKING_APART: Cell<*mut PyInterpreterState> = const { Cell::new(null_mut()) };
}

/// Runs `dealloc` such that it meets no table of another interpreter on this thread's waiting list.
///
/// A thread can leave one interpreter for another: code that runs while a table is taken apart may run code in a second
/// interpreter. Tables of that one must not be left on a list that the first one works through.
fn alone_on_the_waiting_list(dealloc: impl FnOnce()) {
    // SAFETY: the thread is attached: CPython calls us.
    let here = unsafe { PyInterpreterState_Get() };
    let before = TAKING_APART.replace(here);
    if before == here || before.is_null() {
        dealloc();
    } else {
        let (depth, waiting) = (DEPTH.replace(0), WAITING.replace(null_mut()));
        dealloc();
        DEPTH.set(depth);
        WAITING.set(waiting);
    }
    TAKING_APART.set(before);
}

// ---- iterators and views --------------------------------------------------------------------------------------------

/// The specification of a type that cannot be made by calling it, or be subclassed.
const fn specification(name: *const c_char, size: usize, slots: *mut PyType_Slot) -> PyType_Spec {
    let flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION;
    PyType_Spec { name, basicsize: size as c_int, itemsize: 0, flags: flags as c_uint, slots }
}

static mut ITERATOR: PyType_Spec = specification(
    name_in_module!(".HashTableIterator"),
    size_of::<TableIterator>(),
    &raw mut ITERATOR_SLOTS as *mut PyType_Slot,
);
static mut ITERATOR_SLOTS: [PyType_Slot; 7 + TOKEN] = [
    slot(Py_tp_traverse, traverse_iterator as *mut c_void),
    slot(Py_tp_clear, iterators::tp_clear as *mut c_void),
    slot(Py_tp_dealloc, dealloc_iterator as *mut c_void),
    slot(Py_tp_iter, PyObject_SelfIter as *mut c_void),
    slot(Py_tp_iternext, iterators::tp_iternext as *mut c_void),
    slot(Py_tp_methods, &raw mut ITERATOR_METHODS as *mut c_void),
    #[cfg(opaque)]
    OURS,
    END,
];

static mut VALUES_VIEW: PyType_Spec = specification(
    name_in_module!(".HashTableValues"),
    size_of::<View>(),
    &raw mut VALUES_VIEW_SLOTS as *mut PyType_Slot,
);
static mut VALUES_VIEW_SLOTS: [PyType_Slot; 8 + TOKEN] = [
    slot(Py_tp_traverse, traverse_view as *mut c_void),
    slot(Py_tp_dealloc, dealloc_view as *mut c_void),
    slot(Py_tp_repr, view::tp_repr as *mut c_void),
    slot(Py_tp_iter, view::tp_iter as *mut c_void),
    slot(Py_sq_length, view::sq_length as *mut c_void),
    slot(Py_tp_methods, &raw mut VIEW_METHODS as *mut c_void),
    slot(Py_tp_getset, &raw mut VIEW_ATTRIBUTES as *mut c_void),
    #[cfg(opaque)]
    OURS,
    END,
];

static mut KEYS_VIEW: PyType_Spec =
    specification(name_in_module!(".HashTableKeys"), size_of::<View>(), &raw mut SET_VIEW_SLOTS as *mut PyType_Slot);
static mut ITEMS_VIEW: PyType_Spec =
    specification(name_in_module!(".HashTableItems"), size_of::<View>(), &raw mut SET_VIEW_SLOTS as *mut PyType_Slot);
/// The views on keys and items: they are sets besides.
static mut SET_VIEW_SLOTS: [PyType_Slot; 14 + TOKEN] = [
    slot(Py_tp_traverse, traverse_view as *mut c_void),
    slot(Py_tp_dealloc, dealloc_view as *mut c_void),
    slot(Py_tp_repr, view::tp_repr as *mut c_void),
    slot(Py_tp_iter, view::tp_iter as *mut c_void),
    slot(Py_sq_length, view::sq_length as *mut c_void),
    slot(Py_sq_contains, view::sq_contains as *mut c_void),
    slot(Py_nb_subtract, sets::nb_subtract as *mut c_void),
    slot(Py_nb_and, sets::nb_and as *mut c_void),
    slot(Py_nb_xor, sets::nb_xor as *mut c_void),
    slot(Py_nb_or, sets::nb_or as *mut c_void),
    slot(Py_tp_richcompare, sets::tp_richcompare as *mut c_void),
    slot(Py_tp_methods, &raw mut SET_VIEW_METHODS as *mut c_void),
    slot(Py_tp_getset, &raw mut VIEW_ATTRIBUTES as *mut c_void),
    #[cfg(opaque)]
    OURS,
    END,
];

/// Shows the garbage collector the type of an iterator, and what it owns besides.
///
/// # Safety
/// Called by CPython's garbage collector, with an iterator.
unsafe extern "C" fn traverse_iterator(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the iterator owns its type.
    unsafe {
        match Py_VISIT(Py_TYPE(op).cast(), visit, arg) {
            0 => iterators::tp_traverse(op, visit, arg),
            stop => stop,
        }
    }
}

/// Shows the garbage collector the type of a view, and its table.
///
/// # Safety
/// Called by CPython's garbage collector, with a view.
unsafe extern "C" fn traverse_view(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: the view owns its type.
    unsafe {
        match Py_VISIT(Py_TYPE(op).cast(), visit, arg) {
            0 => view::tp_traverse(op, visit, arg),
            stop => stop,
        }
    }
}

/// The last reference to an iterator is gone; its type goes last.
///
/// # Safety
/// Called by CPython, once.
unsafe extern "C" fn dealloc_iterator(op: *mut PyObject) {
    // SAFETY: the iterator owned its type; that reference is given back when its memory is gone.
    unsafe {
        let class = Py_TYPE(op);
        iterators::tp_dealloc(op);
        Py_DECREF(class.cast());
    }
}

/// The last reference to a view is gone; its type goes last.
///
/// # Safety
/// Called by CPython, once.
unsafe extern "C" fn dealloc_view(op: *mut PyObject) {
    // SAFETY: the view owned its type; that reference is given back when its memory is gone.
    unsafe {
        let class = Py_TYPE(op);
        view::tp_dealloc(op);
        Py_DECREF(class.cast());
    }
}

// ---- making the types -----------------------------------------------------------------------------------------------

/// Makes the types of a module, and puts them into its state.
///
/// # Safety
/// `module` is alive, was made from our definition, and has no types yet.
pub(crate) unsafe fn make_types(module: *mut PyObject) -> Result<(), Raised> {
    let specifications =
        [&raw mut HASH_TABLE, &raw mut ITERATOR, &raw mut KEYS_VIEW, &raw mut VALUES_VIEW, &raw mut ITEMS_VIEW];
    // SAFETY: the caller has the module alive. The specifications are static and are only read; each type is a new reference,
    // which the state steals.
    unsafe {
        let state: *mut State = state_of(module);
        for (number, specification) in specifications.into_iter().enumerate() {
            let type_object = new_reference(PyType_FromModuleAndSpec(module, specification, null_mut()))?;
            #[cfg(opaque)]
            if let Err(Raised) = there_is_room_for_the_head(type_object, specification) {
                Py_DECREF(type_object);
                return Err(Raised);
            }
            fill_field(&raw mut (*state).types[number], type_object);
        }
        Ok(())
    }
}

/// Is the head of this CPython's objects as long as the room that is left for it, or shorter?
///
/// # Errors
/// `ImportError` if it is longer.
///
/// # Safety
/// The type is alive and was made from the specification.
#[cfg(opaque)]
unsafe fn there_is_room_for_the_head(
    type_object: *mut PyObject,
    specification: *const PyType_Spec,
) -> Result<(), Raised> {
    // SAFETY: the caller has both. What CPython tells is how many bytes there are behind the head.
    unsafe {
        let needed = (*specification).basicsize as Py_ssize_t - size_of::<Head>() as Py_ssize_t;
        if PyType_GetTypeDataSize(type_object.cast()) >= needed {
            return Ok(());
        }
        let message =
            c"hashtable_abi3t was built for objects with a shorter head: here, build it again, or `hashtable_heap`.";
        PyErr_SetString(PyExc_ImportError, message.as_ptr());
        Err(Raised)
    }
}

// ---- where the types are --------------------------------------------------------------------------------------------
//
// They are in the state of a module, and the module is found from an object of one of its types.

/// The type of this number, borrowed from the module that made the type of `near`.
///
/// # Errors
/// `RuntimeError` if that module has been cleared.
fn type_of_number(number: usize, near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    // SAFETY: the callers pass a table or a view that they keep alive.
    unsafe {
        let state = state_behind(Py_TYPE(near));
        let type_object = if state.is_null() { null_mut() } else { (*state).types[number] };
        if type_object.is_null() { Err(not_here()) } else { Ok(type_object.cast()) }
    }
}

/// The type of tables.
pub(crate) fn hash_table_type(near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    type_of_number(0, near)
}

/// The type of all iterators.
pub(crate) fn iterator_type(near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    type_of_number(1, near)
}

/// The type of `h.keys()`.
pub(crate) fn keys_view_type(near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    type_of_number(2, near)
}

/// The type of `h.values()`.
pub(crate) fn values_view_type(near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    type_of_number(3, near)
}

/// The type of `h.items()`.
pub(crate) fn items_view_type(near: *mut PyObject) -> Result<*mut PyTypeObject, Raised> {
    type_of_number(4, near)
}

/// Is `op` of exactly the type of this number?
unsafe fn is_exactly(number: usize, op: *mut PyObject) -> bool {
    // SAFETY: the caller keeps the object alive, and it its type.
    unsafe {
        let state = state_behind(Py_TYPE(op));
        !state.is_null() && (*state).types[number] == Py_TYPE(op).cast()
    }
}

/// Is `op` a table, of this type or a subclass?
///
/// # Safety
/// `op` is a living object. So with the questions that follow.
pub(crate) unsafe fn is_hash_table(op: *mut PyObject) -> bool {
    // SAFETY: the caller keeps the object alive, and it its type.
    unsafe {
        let state = state_behind(Py_TYPE(op));
        !state.is_null() && !(*state).types[0].is_null() && PyObject_TypeCheck(op, (*state).types[0].cast()) != 0
    }
}

/// Is it a table, and not of a subclass?
pub(crate) unsafe fn is_plain_hash_table(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { is_exactly(0, op) }
}

/// Is it a view on keys?
pub(crate) unsafe fn is_keys_view(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { is_exactly(2, op) }
}

/// Is it a view on values?
pub(crate) unsafe fn is_values_view(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { is_exactly(3, op) }
}

/// Is it a view on pairs?
pub(crate) unsafe fn is_items_view(op: *mut PyObject) -> bool {
    // SAFETY: as in [`is_hash_table`].
    unsafe { is_exactly(4, op) }
}
