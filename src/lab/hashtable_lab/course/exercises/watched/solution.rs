//! `Node(content)` can be watched by weak references.

use course::*;

#[repr(C)]
struct Node {
    head: PyObject,
    content: Object,
    watchers: Object,
}

/// `Node(content)`. Borrows its arguments.
unsafe extern "C" fn node_init(this: Object, arguments: Object, _keywords: Object) -> c_int {
    // SAFETY: CPython passes a node and a tuple.
    unsafe {
        let content = PyTuple_GetItem(arguments, 0);
        if content.is_null() {
            return -1;
        }
        let old = (*this.cast::<Node>()).content;
        (*this.cast::<Node>()).content = Py_NewRef(content);
        Py_XDECREF(old);
        0
    }
}

unsafe extern "C" fn node_dealloc(this: Object) {
    let node: *mut Node = this.cast();
    // SAFETY: the last reference is gone; a node's field owns what it holds.
    unsafe {
        if !(*node).watchers.is_null() {
            PyObject_ClearWeakRefs(this);
        }
        Py_XDECREF((*node).content);
        free(this);
    }
}

static mut NODE: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(node_init),
    tp_dealloc: Some(node_dealloc),
    // Here CPython keeps the list of the weak references to a node.
    tp_weaklistoffset: core::mem::offset_of!(Node, watchers) as Py_ssize_t,
    ..new_type::<Node>(c"watched.Node", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_watched, c"watched", [], [&raw mut NODE]);
