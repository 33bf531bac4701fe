//! `Window(list)` shows a list: `window[i]` is what is there now.
//!
//! This is yours to write.

use course::*;

#[repr(C)]
struct Window {
    head: PyObject,
    list: Object,
}

/// `Window(list)`: made and filled in one step. Borrows its arguments; a new reference, or NULL with an exception set.
unsafe extern "C" fn window_new(class: *mut PyTypeObject, arguments: Object, _keywords: Object) -> Object {
    let _ = (class, arguments);
    // SAFETY: the GIL is held.
    unsafe {
        PyErr_SetString(PyExc_NotImplementedError, c"this is still to be written".as_ptr());
        null_mut()
    }
}

/// `window[at]`. A new reference, or NULL with an exception set.
unsafe extern "C" fn window_item(this: Object, at: Py_ssize_t) -> Object {
    let _ = (this, at);
    null_mut()
}

unsafe extern "C" fn window_dealloc(this: Object) {
    // SAFETY: the last reference is gone.
    unsafe {
        Py_XDECREF((*this.cast::<Window>()).list);
        free(this);
    }
}

static mut SEQUENCE: PySequenceMethods = PySequenceMethods {
    sq_item: Some(window_item),
    // SAFETY: a slot may be empty.
    ..unsafe { core::mem::zeroed() }
};

static mut WINDOW: PyTypeObject = PyTypeObject {
    tp_new: Some(window_new),
    tp_dealloc: Some(window_dealloc),
    tp_as_sequence: &raw mut SEQUENCE,
    ..new_type::<Window>(c"window.Window", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_window, c"window", [], [&raw mut WINDOW]);
