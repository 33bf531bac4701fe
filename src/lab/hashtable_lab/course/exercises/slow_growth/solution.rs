//! `count(text, dict)` counts the words of a text, in thousandths.

use course::*;

const ONE: c_long = 1000;

/// What a word is counted to. Borrows all; a new reference, or NULL with an exception set.
unsafe fn more(dict: Object, word: Object) -> Object {
    // SAFETY: the caller keeps dict and word alive. What the dict lends is used before anything can change the dict.
    unsafe {
        let before = PyDict_GetItemWithError(dict, word);
        if !before.is_null() {
            let one = PyLong_FromLong(ONE);
            if one.is_null() {
                return null_mut();
            }
            let sum = PyNumber_Add(before, one);
            Py_DECREF(one);
            sum
        } else if !PyErr_Occurred().is_null() {
            null_mut()
        } else {
            PyLong_FromLong(ONE)
        }
    }
}

/// Borrows `arguments`, a text and a dict. A new reference to None, or NULL with an exception set.
unsafe extern "C" fn count(_module: Object, arguments: Object) -> Object {
    // SAFETY: CPython passes a living tuple. The list of words is ours, and keeps the words alive.
    unsafe {
        let (text, dict) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if text.is_null() || dict.is_null() {
            return null_mut();
        }
        let words = PyUnicode_Split(text, null_mut(), -1);
        if words.is_null() {
            return null_mut();
        }
        let mut failed = false;
        for at in 0..PyList_GET_SIZE(words) {
            let word = Py_NewRef(PyList_GetItem(words, at));
            let sum = more(dict, word);
            failed = sum.is_null() || PyDict_SetItem(dict, word, sum) < 0;
            Py_XDECREF(sum);
            Py_DECREF(word);
            if failed {
                break;
            }
        }
        Py_DECREF(words);
        if failed {
            return null_mut();
        }
        none()
    }
}

module!(PyInit_slow_growth, c"slow_growth", [function(c"count", count, METH_VARARGS)]);
