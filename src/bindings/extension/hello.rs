//! Hello and pi by pyo3-ffi, by hand in Rust: the C API, with nothing between.

use core::ffi::{CStr, c_char, c_void};
use core::ptr::null_mut;
use pyo3_ffi::*;

#[link(name = "hello")]
unsafe extern "C" {
    safe fn nothing();
    fn hello(name: *const c_char);
    safe fn get_pi() -> f64;
    fn ask(hash: unsafe extern "C" fn(*mut c_void, i64) -> i64, context: *mut c_void, key: i64) -> i64;
}

unsafe extern "C" fn py_nothing(_module: *mut PyObject, _unused: *mut PyObject) -> *mut PyObject {
    nothing();
    // SAFETY: CPython called us, so the GIL is held and None, a static object, is alive.
    unsafe { Py_NewRef(Py_None()) }
}

unsafe extern "C" fn py_hello(_module: *mut PyObject, name: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a living object. The text is borrowed from it; one with a NUL in it is not for C.
    unsafe {
        let mut length = 0;
        let text = PyUnicode_AsUTF8AndSize(name, &mut length);
        if text.is_null() {
            return null_mut();
        }
        if CStr::from_ptr(text).count_bytes() != length as usize {
            PyErr_SetString(PyExc_ValueError, c"there is a NUL in the name".as_ptr());
            return null_mut();
        }
        hello(text);
        Py_NewRef(Py_None())
    }
}

unsafe extern "C" fn py_get_pi(_module: *mut PyObject, _unused: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython called us, so the GIL is held. The float is new, and goes to the caller.
    unsafe { PyFloat_FromDouble(get_pi()) }
}

/// C sees only -1 when the function raises; the exception waits in the thread until we are back.
unsafe extern "C" fn call_python(context: *mut c_void, key: i64) -> i64 {
    // SAFETY: `context` is the function that `py_ask` borrows. Key and answer are ours, and given back.
    unsafe {
        let key = PyLong_FromLongLong(key);
        if key.is_null() {
            return -1;
        }
        let answer = PyObject_CallOneArg(context.cast(), key);
        Py_DECREF(key);
        if answer.is_null() {
            return -1;
        }
        let hash = PyLong_AsLongLong(answer);
        Py_DECREF(answer);
        hash
    }
}

unsafe extern "C" fn py_ask(_module: *mut PyObject, args: *mut *mut PyObject, count: Py_ssize_t) -> *mut PyObject {
    // SAFETY: CPython passes `count` living objects, and keeps them alive during the call.
    unsafe {
        if count != 2 {
            PyErr_SetString(PyExc_TypeError, c"ask takes a function and a key".as_ptr());
            return null_mut();
        }
        let key = PyLong_AsLongLong(*args.add(1));
        if key == -1 && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let hash = ask(call_python, (*args).cast(), key);
        if PyErr_Occurred().is_null() { PyLong_FromLongLong(hash) } else { null_mut() }
    }
}

static mut FUNCTIONS: [PyMethodDef; 5] = [
    PyMethodDef {
        ml_name: c"nothing".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: py_nothing },
        ml_flags: METH_NOARGS,
        ml_doc: core::ptr::null(),
    },
    PyMethodDef {
        ml_name: c"hello".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: py_hello },
        ml_flags: METH_O,
        ml_doc: core::ptr::null(),
    },
    PyMethodDef {
        ml_name: c"get_pi".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: py_get_pi },
        ml_flags: METH_NOARGS,
        ml_doc: core::ptr::null(),
    },
    PyMethodDef {
        ml_name: c"ask".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunctionFast: py_ask },
        ml_flags: METH_FASTCALL,
        ml_doc: core::ptr::null(),
    },
    PyMethodDef::zeroed(),
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"hello_extension".as_ptr(),
    m_doc: core::ptr::null(),
    m_size: -1,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: null_mut(),
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// What `import hello_extension` calls. Returns a new reference.
///
/// # Safety
/// Called by CPython.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_hello_extension() -> *mut PyObject {
    // SAFETY: the two statics live as long as the process, and the GIL guards them.
    unsafe { PyModule_Create(&raw mut MODULE) }
}
