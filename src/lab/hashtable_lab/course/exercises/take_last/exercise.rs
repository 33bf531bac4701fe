//! `take_last(list)` removes the last item of a list and returns it.
//!
//! As long as somebody else has the item, too, all is well.

use course::*;

/// Borrows `list`. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn take_last(_module: Object, list: Object) -> Object {
    // SAFETY: CPython passes a living object; the list keeps its item alive until a reference of ours is taken.
    unsafe {
        let size = PyList_Size(list);
        if size < 0 {
            return null_mut();
        }
        let item = PyList_GetItem(list, size - 1);
        if item.is_null() {
            return null_mut();
        }
        // A slice is deleted by putting NULL in its place.
        if PyList_SetSlice(list, size - 1, size, null_mut()) < 0 {
            return null_mut();
        }
        Py_INCREF(item);
        item
    }
}

module!(PyInit_take_last, c"take_last", [function(c"take_last", take_last, METH_O)]);
