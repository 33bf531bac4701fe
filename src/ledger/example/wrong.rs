//! What is wrong: one bug for each kind, on the line that is marked with its name.
//!
//! CPython calls all functions here with the GIL held, and with arguments that are alive until the call returns. The `SAFETY`
//! comments say what else is needed; where a rule is broken, they say which.

use crate::Py_NewRef;
use crate::api::*;
use crate::right::{Box_, Pair, box_init};
use core::ffi::{c_int, c_uint, c_void};
use core::ptr::null_mut;

type Object = *mut PyObject;

/// A new reference to None.
unsafe fn none() -> Object {
    // SAFETY: None is a static object of the interpreter that calls us, so it is alive.
    unsafe { Py_NewRef(Py_None()) }
}

/// A new object is never given back.
pub(crate) unsafe extern "C" fn leak_new(_: Object, _: Object) -> Object {
    // SAFETY: no pointer is followed: the int is lost as soon as it is made. A leak breaks no memory.
    unsafe {
        PyLong_FromLong(123_456); // BUG leak_new
        none()
    }
}

/// An INCREF without a DECREF.
pub(crate) unsafe extern "C" fn leak_incref(_: Object, x: Object) -> Object {
    // SAFETY: x is alive until the call returns, so its count may be raised. A leak breaks no memory.
    unsafe {
        Py_INCREF(x); // BUG leak_incref
        none()
    }
}

/// The error path forgets the list.
pub(crate) unsafe extern "C" fn leak_on_error(_: Object, x: Object) -> Object {
    // SAFETY: x is alive until the call returns, also while its `__len__` runs; the list is ours, and lost if that fails.
    unsafe {
        let list = PyList_New(0); // BUG leak_on_error
        if PyObject_Size(x) < 0 {
            return null_mut();
        }
        list
    }
}

/// The count of an immortal None does not move.
pub(crate) unsafe extern "C" fn leak_none(_: Object, _: Object) -> Object {
    // SAFETY: None is a static object, so its count may be raised; that it is never lowered again breaks no memory.
    unsafe {
        Py_INCREF(Py_None()); // BUG leak_none
        none()
    }
}

/// A borrowed item is returned as if it were new.
pub(crate) unsafe extern "C" fn return_item(_: Object, arguments: Object) -> Object {
    // SAFETY: the tuple is alive, and the item with it. But the caller will give back a reference that was never taken.
    unsafe { PyTuple_GetItem(arguments, 0) } // BUG return_item
}

/// The argument is returned as if it were new. No call is made, so that there is no line to be named.
pub(crate) unsafe extern "C" fn return_argument(_: Object, x: Object) -> Object {
    x
}

/// What was only borrowed is given back.
pub(crate) unsafe extern "C" fn decref_argument(_: Object, x: Object) -> Object {
    // SAFETY: broken. The reference is the caller's, who gives it back too: the second DECREF has nothing left to give.
    unsafe {
        Py_DECREF(x); // BUG decref_argument
        none()
    }
}

/// What was given back, and went, is given back again.
pub(crate) unsafe extern "C" fn decref_twice(_: Object, _: Object) -> Object {
    // SAFETY: broken. The first DECREF frees the list, as nobody else has it; the second writes into freed memory.
    unsafe {
        let list = PyList_New(0);
        Py_DECREF(list);
        Py_DECREF(list); // BUG decref_twice
        none()
    }
}

/// The same with so large an object that its memory goes back to the system: looking at it is a crash.
pub(crate) unsafe extern "C" fn decref_unmapped(_: Object, _: Object) -> Object {
    // SAFETY: broken. The first DECREF frees the bytes, as nobody else has them; the second reads memory that is not there.
    unsafe {
        let bytes = PyBytes_FromStringAndSize(core::ptr::null(), 64 << 20);
        if bytes.is_null() {
            return null_mut();
        }
        Py_DECREF(bytes);
        Py_DECREF(bytes); // BUG decref_unmapped
        none()
    }
}

/// What a tuple has stolen is given back too.
pub(crate) unsafe extern "C" fn decref_stolen(_: Object, x: Object) -> Object {
    // SAFETY: broken. The reference that was taken is the tuple's; the one that is given back is our caller's.
    unsafe {
        let tuple = PyTuple_New(1);
        PyTuple_SET_ITEM(tuple, 0, Py_NewRef(x));
        Py_DECREF(x); // BUG decref_stolen
        tuple
    }
}

/// A call that steals is given what is only borrowed.
pub(crate) unsafe extern "C" fn steal_argument(_: Object, x: Object) -> Object {
    // SAFETY: broken. The list will give back a reference to x that belongs to our caller.
    unsafe {
        let list = PyList_New(1);
        PyList_SET_ITEM(list, 0, x); // BUG steal_argument
        list
    }
}

/// What a list lends is used while any code may run, which may take it off the list.
pub(crate) unsafe extern "C" fn borrow_across_call(_: Object, list: Object) -> Object {
    // SAFETY: broken. The item is alive when it is fetched; once its `__repr__` runs, only the list keeps it, and may not.
    unsafe {
        let item = PyList_GetItem(list, 0);
        if item.is_null() {
            return null_mut();
        }
        PyObject_Repr(item) // BUG borrow_across_call
    }
}

/// It says that all is well, and leaves an exception behind.
pub(crate) unsafe extern "C" fn exception_left(_: Object, _: Object) -> Object {
    // SAFETY: the message is a literal that ends with a NUL, and the exception type outlives the call.
    unsafe {
        PyErr_SetString(PyExc_ValueError, c"nobody looks".as_ptr());
        none()
    }
}

/// `overwrite(pair, x)`: what the pair's field held is not given back.
pub(crate) unsafe extern "C" fn overwrite(_: Object, arguments: Object) -> Object {
    // SAFETY: the tuple is alive and lends its items; the test passes a pair and an object, so the cast is right.
    unsafe {
        let (pair, x) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        (*pair.cast::<Pair>()).first = Py_NewRef(x); // BUG overwrite
        none()
    }
}

static mut LEAKY_BOX_SLOTS: [PyType_Slot; 3] = [
    PyType_Slot { slot: Py_tp_init, pfunc: box_init as *mut c_void },
    PyType_Slot { slot: Py_tp_dealloc, pfunc: leaky_box_dealloc as *mut c_void },
    PyType_Slot { slot: 0, pfunc: null_mut() },
];

static mut LEAKY_BOX: PyType_Spec = PyType_Spec {
    name: c"ledger_example.LeakyBox".as_ptr(),
    basicsize: size_of::<Box_>() as c_int,
    itemsize: 0,
    flags: Py_TPFLAGS_DEFAULT as c_uint,
    slots: &raw mut LEAKY_BOX_SLOTS as *mut PyType_Slot,
};

/// The type: a new reference, or NULL.
pub(crate) unsafe fn leaky_box_type() -> Object {
    // SAFETY: the specification and its slots are static, and end with a slot of zeros.
    unsafe { PyType_FromSpec(&raw mut LEAKY_BOX) }
}

/// The content is forgotten.
unsafe extern "C" fn leaky_box_dealloc(op: Object) {
    // SAFETY: the last reference is gone, so nobody else can reach the object. It owns its type, as objects of heap types do:
    // that reference keeps `tp_free` there until after the call.
    unsafe {
        let class = Py_TYPE(op);
        ((*class).tp_free.expect("it is ready"))(op.cast());
        Py_DECREF(class.cast());
    }
}
