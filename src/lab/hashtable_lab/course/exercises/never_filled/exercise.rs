//! `Box(content)` owns one object, and returns it from `box.get()`.
//!
//! Nearly everybody fills a box at once.

use course::*;

#[repr(C)]
struct Box {
    head: PyObject,
    content: Object,
}

/// `Box(content)`. Borrows its arguments; -1 with an exception set if it fails.
unsafe extern "C" fn box_init(this: Object, arguments: Object, _keywords: Object) -> c_int {
    // SAFETY: CPython passes a box and a tuple.
    unsafe {
        let content = PyTuple_GetItem(arguments, 0);
        if content.is_null() {
            return -1;
        }
        let old = (*this.cast::<Box>()).content;
        (*this.cast::<Box>()).content = Py_NewRef(content);
        Py_XDECREF(old);
        0
    }
}

/// The last reference to the box is gone.
unsafe extern "C" fn box_dealloc(this: Object) {
    // SAFETY: nobody else has the box any more, and its field owns what it holds.
    unsafe {
        Py_XDECREF((*this.cast::<Box>()).content);
        free(this);
    }
}

/// `box.get()`: the content. A new reference, or NULL with an exception set.
unsafe extern "C" fn box_get(this: Object, _nothing: Object) -> Object {
    // SAFETY: CPython passes a box.
    unsafe {
        let content = (*this.cast::<Box>()).content;
        Py_NewRef(content)
    }
}

static mut METHODS: [PyMethodDef; 2] = [function(c"get", box_get, METH_NOARGS), PyMethodDef::zeroed()];

static mut BOX: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(box_init),
    tp_dealloc: Some(box_dealloc),
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Box>(c"never_filled.Box", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_never_filled, c"never_filled", [], [&raw mut BOX]);
