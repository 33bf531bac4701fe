//! `squares(list)` is a list of the squares.

use course::*;

/// Borrows `numbers`, a list. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn squares(_module: Object, numbers: Object) -> Object {
    // SAFETY: CPython passes a living object. Ints run no code of the user's when they are multiplied.
    unsafe {
        let size = PyList_Size(numbers);
        if size < 0 {
            return null_mut();
        }
        let list = PyList_New(size);
        if list.is_null() {
            return null_mut();
        }
        for at in 0..size {
            let item = Py_NewRef(PyList_GetItem(numbers, at));
            let square = PyNumber_Multiply(item, item);
            Py_DECREF(item);
            if square.is_null() {
                Py_DECREF(list);
                return null_mut();
            }
            PyList_SetItem(list, at, square);
        }
        list
    }
}

module!(PyInit_squares, c"squares", [function(c"squares", squares, METH_O)]);
