//! `Box(content)` owns one object, and can be subclassed.
//!
//! Its own objects are right; those of a subclass end badly.

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
        PyObject_Free(this.cast());
    }
}

static mut MEMBERS: [PyMemberDef; 2] = [member(c"content", core::mem::offset_of!(Box, content)), END_OF_MEMBERS];

static mut BOX: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(box_init),
    tp_dealloc: Some(box_dealloc),
    tp_members: &raw mut MEMBERS as *mut PyMemberDef,
    ..new_type::<Box>(c"subclassed.Box", Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE)
};

module!(PyInit_subclassed, c"subclassed", [], [&raw mut BOX]);
