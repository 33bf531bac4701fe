//! `pair_of(a, b)` is called with a tuple of two and returns the list `[a, b]`.
//!
//! The list is right when it is looked at. Later the interpreter dies.

use course::*;

/// Borrows `arguments`, a tuple of two. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn pair_of(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple. PyTuple_GetItem lends, and raises IndexError where there is no item.
    unsafe {
        let (a, b) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if a.is_null() || b.is_null() {
            return null_mut();
        }
        let list = PyList_New(2);
        if !list.is_null() {
            PyList_SetItem(list, 0, a);
            PyList_SetItem(list, 1, b);
        }
        list
    }
}

module!(PyInit_pair_of, c"pair_of", [function(c"pair_of", pair_of, METH_VARARGS)]);
