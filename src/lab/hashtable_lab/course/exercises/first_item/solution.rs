//! `first(list)` returns the first item of a list.

use course::*;

/// Borrows `list`. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn first(_module: Object, list: Object) -> Object {
    // SAFETY: CPython passes a living object; the list keeps its item alive until a reference of ours is taken.
    unsafe {
        let item = PyList_GetItem(list, 0);
        Py_XINCREF(item);
        item
    }
}

module!(PyInit_first_item, c"first_item", [function(c"first", first, METH_O)]);
