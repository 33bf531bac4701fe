//! `Box(content)` owns one object, and lends it as `box.content`.
//!
//! Filled once, all is well.

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
        (*this.cast::<Box>()).content = Py_NewRef(content);
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

static mut MEMBERS: [PyMemberDef; 2] = [member(c"content", core::mem::offset_of!(Box, content)), END_OF_MEMBERS];

static mut BOX: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(box_init),
    tp_dealloc: Some(box_dealloc),
    tp_members: &raw mut MEMBERS as *mut PyMemberDef,
    ..new_type::<Box>(c"box_again.Box", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_box_again, c"box_again", [], [&raw mut BOX]);
