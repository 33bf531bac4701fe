//! `Window(list)` shows a list: `window[i]` is what is there now.

use course::*;

#[repr(C)]
struct Window {
    head: PyObject,
    list: Object,
}

/// `Window(list)`: made and filled in one step. Borrows its arguments; a new reference, or NULL with an exception set.
unsafe extern "C" fn window_new(class: *mut PyTypeObject, arguments: Object, _keywords: Object) -> Object {
    // SAFETY: CPython passes a type and a tuple.
    unsafe {
        let list = PyTuple_GetItem(arguments, 0);
        if list.is_null() {
            return null_mut();
        }
        if PyList_Check(list) == 0 {
            PyErr_SetString(PyExc_TypeError, c"a window needs a list".as_ptr());
            return null_mut();
        }
        let window = allocate(class);
        if !window.is_null() {
            (*window.cast::<Window>()).list = Py_NewRef(list);
        }
        window
    }
}

/// `window[at]`. A new reference, or NULL with an exception set.
unsafe extern "C" fn window_item(this: Object, at: Py_ssize_t) -> Object {
    // SAFETY: CPython passes a window, which owns its list.
    unsafe { Py_XNewRef(PyList_GetItem((*this.cast::<Window>()).list, at)) }
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
