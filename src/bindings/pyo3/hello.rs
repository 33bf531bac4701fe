//! Hello and pi by PyO3: functions with an attribute each.

use core::ffi::{c_char, c_void};
use pyo3::prelude::*;
use std::ffi::CString;

type Hash = unsafe extern "C" fn(*mut c_void, i64) -> i64;

#[link(name = "hello")]
unsafe extern "C" {
    safe fn nothing();
    fn hello(name: *const c_char);
    safe fn get_pi() -> f64;
    fn ask(hash: Hash, context: *mut c_void, key: i64) -> i64;
}

/// What C calls. A Rust error cannot pass through C: it is kept in the context until we are back.
unsafe extern "C" fn call_python(context: *mut c_void, key: i64) -> i64 {
    // SAFETY: the context is the one that `ask` below passes to the library, and lives until it returns.
    let (function, failed) = unsafe { &mut *context.cast::<(Bound<'_, PyAny>, Option<PyErr>)>() };
    function.call1((key,)).and_then(|answer| answer.extract()).unwrap_or_else(|error| {
        *failed = Some(error);
        -1
    })
}

/// Hello and pi.
#[pymodule]
mod hello_pyo3 {
    use super::*;

    #[pyfunction]
    fn nothing() {
        super::nothing()
    }

    #[pyfunction]
    fn hello(name: CString) {
        // SAFETY: the string ends with a NUL and lives during the call.
        unsafe { super::hello(name.as_ptr()) }
    }

    #[pyfunction]
    fn get_pi() -> f64 {
        super::get_pi()
    }

    #[pyfunction]
    fn ask(function: Bound<'_, PyAny>, key: i64) -> PyResult<i64> {
        let mut context = (function, None);
        // SAFETY: `call_python` takes what this pointer points to, during the call.
        let hash = unsafe { super::ask(call_python, (&raw mut context).cast(), key) };
        context.1.map_or(Ok(hash), Err)
    }
}
