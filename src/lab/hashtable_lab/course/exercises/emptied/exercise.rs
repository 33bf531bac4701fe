//! `Cell(content)`: `cell.get()` is its content, or None; `cell.clear()` empties it.
//!
//! With most objects it is right. Some look back.

use course::*;

#[repr(C)]
struct Cell {
    head: PyObject,
    content: Object,
}

unsafe extern "C" fn cell_init(this: Object, arguments: Object, _keywords: Object) -> c_int {
    // SAFETY: CPython passes a cell and a tuple.
    unsafe {
        let content = PyTuple_GetItem(arguments, 0);
        if content.is_null() {
            return -1;
        }
        let old = (*this.cast::<Cell>()).content;
        (*this.cast::<Cell>()).content = Py_NewRef(content);
        Py_XDECREF(old);
        0
    }
}

unsafe extern "C" fn cell_get(this: Object, _nothing: Object) -> Object {
    // SAFETY: CPython passes a cell.
    unsafe {
        let content = (*this.cast::<Cell>()).content;
        if content.is_null() { none() } else { Py_NewRef(content) }
    }
}

unsafe extern "C" fn cell_clear(this: Object, _nothing: Object) -> Object {
    // SAFETY: the cell owns what is in its field.
    unsafe {
        Py_XDECREF((*this.cast::<Cell>()).content);
        (*this.cast::<Cell>()).content = null_mut();
        none()
    }
}

unsafe extern "C" fn cell_dealloc(this: Object) {
    // SAFETY: the last reference is gone.
    unsafe {
        Py_XDECREF((*this.cast::<Cell>()).content);
        free(this);
    }
}

static mut METHODS: [PyMethodDef; 3] =
    [function(c"get", cell_get, METH_NOARGS), function(c"clear", cell_clear, METH_NOARGS), PyMethodDef::zeroed()];

static mut CELL: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(cell_init),
    tp_dealloc: Some(cell_dealloc),
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Cell>(c"emptied.Cell", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_emptied, c"emptied", [], [&raw mut CELL]);
