//! `Closer(callback)` calls a function when it goes.

use course::*;

#[repr(C)]
struct Closer {
    head: PyObject,
    callback: Object,
}

/// `Closer(callback)`: made and filled in one step, so that no closer is ever empty.
unsafe extern "C" fn closer_new(class: *mut PyTypeObject, arguments: Object, _keywords: Object) -> Object {
    // SAFETY: CPython passes a type and a tuple.
    unsafe {
        let callback = PyTuple_GetItem(arguments, 0);
        if callback.is_null() {
            return null_mut();
        }
        let closer = allocate(class);
        if !closer.is_null() {
            (*closer.cast::<Closer>()).callback = Py_NewRef(callback);
        }
        closer
    }
}

#[allow(deprecated)]
unsafe extern "C" fn closer_dealloc(this: Object) {
    let closer: *mut Closer = this.cast();
    // SAFETY: the last reference is gone. What is fetched is ours until it is restored.
    unsafe {
        let (mut kind, mut value, mut trace) = (null_mut(), null_mut(), null_mut());
        PyErr_Fetch(&mut kind, &mut value, &mut trace);
        let result = PyObject_CallNoArgs((*closer).callback);
        if result.is_null() {
            PyErr_WriteUnraisable((*closer).callback);
        }
        Py_XDECREF(result);
        PyErr_Restore(kind, value, trace);
        Py_DECREF((*closer).callback);
        free(this);
    }
}

static mut CLOSER: PyTypeObject = PyTypeObject {
    tp_new: Some(closer_new),
    tp_dealloc: Some(closer_dealloc),
    ..new_type::<Closer>(c"last_words.Closer", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_last_words, c"last_words", [], [&raw mut CLOSER]);
