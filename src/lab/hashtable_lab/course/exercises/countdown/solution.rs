//! `Countdown(n)` is an iterator over n, n - 1, ..., 1.

use course::*;

#[repr(C)]
struct Countdown {
    head: PyObject,
    left: c_long,
}

unsafe extern "C" fn countdown_init(this: Object, arguments: Object, _keywords: Object) -> c_int {
    // SAFETY: CPython passes a countdown and a tuple.
    unsafe {
        let n = PyTuple_GetItem(arguments, 0);
        if n.is_null() {
            return -1;
        }
        let left = PyLong_AsLong(n);
        if left == -1 && !PyErr_Occurred().is_null() {
            return -1;
        }
        (*this.cast::<Countdown>()).left = left;
        0
    }
}

/// The next number: a new reference; or NULL, at the end without an exception.
unsafe extern "C" fn countdown_next(this: Object) -> Object {
    let countdown: *mut Countdown = this.cast();
    // SAFETY: CPython passes a countdown.
    unsafe {
        if (*countdown).left <= 0 {
            return null_mut();
        }
        let number = PyLong_FromLong((*countdown).left);
        (*countdown).left -= 1;
        number
    }
}

unsafe extern "C" fn countdown_dealloc(this: Object) {
    // SAFETY: the last reference is gone, and a countdown owns nothing.
    unsafe { free(this) }
}

static mut COUNTDOWN: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(countdown_init),
    tp_dealloc: Some(countdown_dealloc),
    tp_iter: Some(PyObject_SelfIter),
    tp_iternext: Some(countdown_next),
    ..new_type::<Countdown>(c"countdown.Countdown", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_countdown, c"countdown", [], [&raw mut COUNTDOWN]);
