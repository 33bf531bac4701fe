//! `first(list)` returns the first item of a list.
//!
//! Run it a few times on the same list, and the interpreter dies.

use course::*;

/// Borrows `list`. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn first(_module: Object, list: Object) -> Object {
    // SAFETY: CPython passes a living object.
    unsafe { PyList_GetItem(list, 0) }
}

module!(PyInit_first_item, c"first_item", [function(c"first", first, METH_O)]);
