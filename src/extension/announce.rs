//! What the layers say in the traced build.
//!
//! `announce!` queues a line for the extension, as its namesake in the library does for the library (hashtable-core,
//! announce.rs, says why they queue). [`flush`] prints them, in Python, to `sys.stdout`, so that they come in the right order
//! among the lines that the user's own functions print. Without the cargo feature `trace`, all of it stands for nothing.

/// Announces one step of the extension, as `format!` takes it. Nothing in the normal build.
macro_rules! announce {
    ($($message:tt)*) => {
        #[cfg(feature = "trace")]
        {
            #[allow(unused_imports, reason = "not every line shows an object")]
            use $crate::announce::describe;
            hashtable_core::announce::line("extension", format_args!($($message)*));
        }
    };
}

/// Prints the lines that have queued up. To be called where Python code may run.
#[cfg(not(feature = "trace"))]
#[inline(always)]
pub(crate) fn flush() {}

#[cfg(feature = "trace")]
pub(crate) use traced::{announce, describe, flush, panic};

#[cfg(feature = "trace")]
mod traced {
    use crate::errors::{Raised, entry, status};
    use crate::ffi::*;
    use std::ffi::CString;

    /// Prints the lines that have queued up. An exception that is set stays so, and one that printing causes is dropped.
    pub(crate) fn flush() {
        for line in hashtable_core::announce::take() {
            // Announcements show objects by their repr, which has no NUL in it.
            let line = CString::new(line).unwrap_or_default();
            // SAFETY: the format takes one C string and gets one.
            unsafe { PySys_FormatStdout(c"%s\n".as_ptr(), line.as_ptr()) }; // [R20]
        }
    }

    /// An object in a few characters. No code of a user's runs for it: an object of a type that is not built in is shown by the
    /// name of its type. Borrows the object.
    ///
    /// # Safety
    /// `op` is a living object.
    pub(crate) unsafe fn describe(op: *mut PyObject) -> String {
        const LONGEST: usize = 40;
        // SAFETY: the object is alive, so is its type, whose name is a C string. The repr is ours until the DECREF; its
        // UTF-8 form is borrowed from it and copied before.
        unsafe {
            let type_object = Py_TYPE(op);
            let simple = [&raw mut PyLong_Type, &raw mut PyFloat_Type, &raw mut PyUnicode_Type, &raw mut PyBool_Type];
            if op == Py_None() || simple.contains(&type_object) {
                let pending = SetAside::exception();
                let repr = PyObject_Repr(op);
                let utf8 = if repr.is_null() { core::ptr::null() } else { PyUnicode_AsUTF8(repr) };
                let text = (!utf8.is_null()).then(|| core::ffi::CStr::from_ptr(utf8).to_string_lossy().into_owned());
                Py_XDECREF(repr);
                PyErr_Clear();
                pending.put_back();
                if let Some(text) = text {
                    return match text.char_indices().nth(LONGEST) {
                        None => text,
                        Some((end, _)) => format!("{}...", &text[..end]),
                    };
                }
            }
            format!("<{} object>", core::ffi::CStr::from_ptr((*type_object).tp_name).to_string_lossy())
        }
    }

    /// `announce(on)`, a function of the traced module: announces from now on, or is silent. Returns None.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn announce(_module: *mut PyObject, on: *mut PyObject) -> *mut PyObject {
        entry(|| {
            // SAFETY: `on` is borrowed from the caller's arguments; None is always there.
            unsafe {
                let on = status(PyObject_IsTrue(on))?;
                hashtable_core::announce::silence(on == 0);
                Ok::<_, Raised>(Py_NewRef(Py_None()))
            }
        })
    }

    /// `_panic()`, a function of the traced module: panics, so that a test can see what becomes of it.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn panic(_module: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
        entry(|| -> Result<*mut PyObject, Raised> { panic!("asked to panic") })
    }
}
