//! `Tally()`: add(key) counts a key and returns the tally itself; tally[key] is how often, 0 if never.

use course::*;

#[repr(C)]
struct Tally {
    head: PyObject,
    counts: Object,
}

unsafe extern "C" fn tally_new(class: *mut PyTypeObject, _arguments: Object, _keywords: Object) -> Object {
    // SAFETY: CPython passes a type. The dict is ours until the tally has it.
    unsafe {
        let counts = PyDict_New();
        if counts.is_null() {
            return null_mut();
        }
        let tally = allocate(class);
        if tally.is_null() {
            Py_DECREF(counts);
            return null_mut();
        }
        (*tally.cast::<Tally>()).counts = counts;
        tally
    }
}

/// How often a key was added; -1 with an exception set if that cannot be said.
unsafe fn count_of(this: Object, key: Object) -> c_long {
    // SAFETY: a tally has a dict. What that lends is used at once.
    unsafe {
        let known = PyDict_GetItemWithError((*this.cast::<Tally>()).counts, key);
        if !known.is_null() {
            PyLong_AsLong(known)
        } else if !PyErr_Occurred().is_null() {
            -1
        } else {
            0
        }
    }
}

unsafe extern "C" fn tally_add(this: Object, key: Object) -> Object {
    // SAFETY: CPython passes a tally and a living object. The number is ours.
    unsafe {
        let count = count_of(this, key);
        let number = if count < 0 { null_mut() } else { PyLong_FromLong(count + 1) };
        if number.is_null() {
            return null_mut();
        }
        let status = PyDict_SetItem((*this.cast::<Tally>()).counts, key, number);
        Py_DECREF(number);
        if status < 0 {
            return null_mut();
        }
        Py_NewRef(this)
    }
}

unsafe extern "C" fn tally_item(this: Object, key: Object) -> Object {
    // SAFETY: as above.
    unsafe {
        let count = count_of(this, key);
        if count < 0 { null_mut() } else { PyLong_FromLong(count) }
    }
}

unsafe extern "C" fn tally_dealloc(this: Object) {
    // SAFETY: the last reference is gone.
    unsafe {
        Py_XDECREF((*this.cast::<Tally>()).counts);
        free(this);
    }
}

#[rustfmt::skip]
static mut MAPPING: PyMappingMethods = PyMappingMethods { mp_subscript: Some(tally_item), ..unsafe { core::mem::zeroed() } };
static mut METHODS: [PyMethodDef; 2] = [function(c"add", tally_add, METH_O), PyMethodDef::zeroed()];
static mut TALLY: PyTypeObject = PyTypeObject {
    tp_new: Some(tally_new),
    tp_dealloc: Some(tally_dealloc),
    tp_as_mapping: &raw mut MAPPING,
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Tally>(c"tally.Tally", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_tally, c"tally", [], [&raw mut TALLY]);
