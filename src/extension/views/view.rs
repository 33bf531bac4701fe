//! Views: what `h.keys()`, `h.values()` and `h.items()` return.
//!
//! A view is a window. It holds nothing but a reference to its table, and answers from the table as it is at that
//! moment. The three types share one struct and differ in what they yield.
//!
//! Those on keys and on items are sets besides; what that takes is in `sets.rs`.

use crate::errors::{entry, entry_alone};
use crate::ffi::*;
use crate::object::HashTable;
use crate::table::pairs::{self, get_item};
use crate::type_object::{
    is_items_view, is_keys_view, is_values_view, items_view_type, keys_view_type, values_view_type,
};
use crate::views::iterators::{Direction, Yields, iterate};

/// The object struct of a view.
#[repr(C)]
pub(crate) struct View {
    ob_base: Head,
    /// Owned. Never NULL. (A view needs no `tp_clear`: a cycle through it goes through its table, which has one.)
    pub(crate) table: *mut HashTable,
}

/// A new view on `table`: a new reference.
unsafe fn view_on(table: *mut PyObject, view_type: *mut PyTypeObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller passes a ready type made for this struct and a living table; the one field is written before
    // the collector can run.
    unsafe {
        let op = new_reference(allocate(view_type))?; // [R10]
        fill_field((&raw mut (*op.cast::<View>()).table).cast(), Py_NewRef(table));
        Ok(op)
    }
}

/// `h.keys()`: a new reference to a view on the keys.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn keys(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a table, kept for the call; the type is ready, and lives as long as its tables.
    entry(|| unsafe { give(view_on(op, keys_view_type(op)?)?) })
}

/// `h.values()`: a new reference to a view on the values.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn values(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a table, kept for the call; the type is ready, and lives as long as its tables.
    entry(|| unsafe { give(view_on(op, values_view_type(op)?)?) })
}

/// `h.items()`: a new reference to a view on the pairs.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn items(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a table, kept for the call; the type is ready, and lives as long as its tables.
    entry(|| unsafe { give(view_on(op, items_view_type(op)?)?) })
}

/// What a view shows.
unsafe fn yields(op: *mut PyObject) -> Yields {
    // SAFETY: `op` is alive; a view's type is one of the three, which have no subclasses.
    unsafe {
        if is_keys_view(op) {
            Yields::Keys
        } else if is_values_view(op) {
            Yields::Values
        } else {
            Yields::Items
        }
    }
}

/// `len(view)`.
///
/// # Safety
/// Called by CPython, with a view. So are all functions that follow.
pub(crate) unsafe extern "C" fn sq_length(op: *mut PyObject) -> Py_ssize_t {
    // SAFETY: the right object, a view, which owns its table. Reading a number runs nothing.
    unsafe {
        let table = (*op.cast::<View>()).table;
        entry_alone(table.cast(), || Ok::<_, Raised>((*table).pairs.load() as Py_ssize_t))
    }
}

/// `iter(view)`: a new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn tp_iter(op: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a view, kept for the call; it owns its table, and its field never changes.
    entry(|| unsafe { give(iterator_over(op, Direction::Forwards)?) })
}

/// `reversed(view)`: a new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn reversed(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, a view, kept for the call; it owns its table, and its field never changes.
    entry(|| unsafe { give(iterator_over(op, Direction::Backwards)?) })
}

/// An iterator over what the view shows: a new reference.
unsafe fn iterator_over(view: *mut PyObject, direction: Direction) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps the view alive, and it its table.
    unsafe {
        let table = (*view.cast::<View>()).table;
        alone(table.cast(), || iterate(table, yields(view), direction))
    }
}

/// `object in view`, for a view on keys or items: 1, 0, or -1 with an exception set.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn sq_contains(op: *mut PyObject, object: *mut PyObject) -> c_int {
    // SAFETY: the right object, a view; both are kept for the call.
    entry(|| unsafe { contains(op, object) })
}

/// Is `object` among the keys, or among the pairs, that the view shows? Can run any Python code.
///
/// # Safety
/// `view` is a living view on keys or items, `object` a living object; the caller keeps both alive.
pub(crate) unsafe fn contains(view: *mut PyObject, object: *mut PyObject) -> Result<bool, Raised> {
    // SAFETY: the view owns its table, a pair its two items, which are borrowed. The value found is borrowed from the
    // table, and the comparison needs a reference to it, as it can run any Python code.
    unsafe {
        let table = (*view.cast::<View>()).table;
        if yields(view) == Yields::Keys {
            return alone(table.cast(), || pairs::contains(table, object));
        }
        if PyTuple_Check(object) == 0 || PyTuple_GET_SIZE(object) != 2 {
            return Ok(false);
        }
        let (key, value) = (PyTuple_GET_ITEM(object, 0), PyTuple_GET_ITEM(object, 1));
        let found = alone(table.cast(), || Ok(get_item(table, key)?.map(|found| Py_NewRef(found))))?;
        let Some(found) = found else { return Ok(false) };
        let equal = PyObject_RichCompareBool(found, value, Py_EQ); // [R13]
        Py_DECREF(found); // [R13]
        Ok(status(equal)? == 1)
    }
}

/// Is `op` a view on keys or items?
///
/// # Safety
/// `op` is a living object.
pub(crate) unsafe fn is_set_like_view(op: *mut PyObject) -> bool {
    // SAFETY: the caller keeps `op` alive, so it has a type; that is compared with two, and no object looked into.
    unsafe { is_keys_view(op) || is_items_view(op) }
}

/// `repr(view)`: the type's name and a list of what it shows. A new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn tp_repr(op: *mut PyObject) -> *mut PyObject {
    // SAFETY: the view is alive. A view on a table that contains the view would show itself for ever: `Py_ReprEnter`
    // notices that, and each success is followed by one `Py_ReprLeave`. `list` is ours until the DECREF.
    entry(|| unsafe {
        match status(Py_ReprEnter(op))? {
            0 => {
                let list = PySequence_List(op); // [R10]
                let text = if list.is_null() {
                    Err(Raised)
                } else {
                    let text = received(PyUnicode_FromFormat(c"%s(%R)".as_ptr(), short_name(op), list)); // [R14]
                    Py_DECREF(list);
                    new_reference(text)
                };
                Py_ReprLeave(op);
                give(text?)
            }
            _ => give(new_reference(PyUnicode_FromString(c"...".as_ptr()))?),
        }
    })
}

/// The name of the object's type without the module's: borrowed, as long as the type lives.
unsafe fn short_name(op: *mut PyObject) -> *const c_char {
    // SAFETY: `op` is alive, and its type's name is `hashtable.` and the rest, in static memory.
    unsafe {
        let name = core::ffi::CStr::from_ptr(tp_name(Py_TYPE(op)));
        let dot = name.to_bytes().iter().position(|&byte| byte == b'.').map_or(0, |at| at + 1);
        name.as_ptr().add(dot)
    }
}

/// `view.mapping`: a read-only proxy of the table. A new reference.
///
/// # Safety
/// Called by CPython, with a view.
pub(crate) unsafe extern "C" fn mapping_proxy(op: *mut PyObject, _: *mut c_void) -> *mut PyObject {
    // SAFETY: the right object, a view, which owns its table; the proxy takes a reference of its own.
    entry(|| unsafe { give(new_reference(PyDictProxy_New((*op.cast::<View>()).table.cast()))?) })
}

/// Shows the garbage collector the table.
///
/// # Safety
/// Called by CPython's garbage collector.
pub(crate) unsafe extern "C" fn tp_traverse(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: `op` is a view whose field was written before the collector could know it, and owns what is visited.
    unsafe { Py_VISIT((*op.cast::<View>()).table.cast(), visit, arg) }
}

/// The last reference to the view has gone.
///
/// # Safety
/// Called by CPython, once.
pub(crate) unsafe extern "C" fn tp_dealloc(op: *mut PyObject) {
    // SAFETY: the last reference has gone, so nobody else can reach the view once the collector has forgotten it; that
    // comes before its field is emptied. Its memory goes last.
    entry(|| unsafe {
        PyObject_GC_UnTrack(op.cast());
        Py_CLEAR((&raw mut (*op.cast::<View>()).table).cast());
        PyObject_GC_Del(op.cast());
    });
}

/// The attributes of a view.
pub(crate) static mut VIEW_ATTRIBUTES: [PyGetSetDef; 2] = [
    read_only(c"mapping", mapping_proxy, c"the table, to be read only"),
    // SAFETY: a NULL name, which ends the list: zero in every field is a value of this struct.
    unsafe { core::mem::zeroed() },
];

pub(super) const REVERSED: PyMethodDef = no_arguments(
    c"__reversed__",
    reversed,
    c"__reversed__($self, /)
--

Return an iterator, newest first.",
);

/// What a view on values has by name.
pub(crate) static mut VIEW_METHODS: [PyMethodDef; 2] = [REVERSED, PyMethodDef::zeroed()];
