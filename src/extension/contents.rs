//! What is in the module, in whichever way it is made: its functions, and what it has to do with `collections.abc`.

use crate::ffi::*;
use crate::table::hashing;
use core::ffi::CStr;

pub(crate) const DOC: &CStr =
    c"A hash table to look into: size, hash function and maximum load are knobs, buckets can be seen.

HashTable     the table
mixed_hash    the builtin hash, mixed: for keys whose hashes agree in their low bits
library_hash  the library's own, deliberately poor, hash function";

/// The functions of the module. The methods of the type are not among them.
pub(crate) static mut FUNCTIONS: [PyMethodDef; FUNCTION_COUNT] = [
    PyMethodDef {
        ml_name: c"mixed_hash".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: hashing::mixed_hash },
        ml_flags: METH_O,
        ml_doc: c"mixed_hash($module, key, /)
--

The builtin hash, mixed so that its low bits depend on all of them. As hash_func it runs natively: the one to take
for keys whose hashes agree in their low bits, such as multiples of a power of two."
            .as_ptr(),
    },
    PyMethodDef {
        ml_name: c"library_hash".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: hashing::library_hash },
        ml_flags: METH_O,
        ml_doc: c"library_hash($module, key, /)
--

The library's own hash, deliberately poor: an int is itself, a float its floor, a str its length."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"announce".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: traced::announce },
        ml_flags: METH_O,
        ml_doc: c"announce($module, on, /)
--

Announce every step on standard output from now on, in this thread, or be silent."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"_panic".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: traced::panic },
        ml_flags: METH_NOARGS,
        ml_doc: c"_panic($module, /)
--

Panic in Rust, to see that nothing worse than an exception comes of it."
            .as_ptr(),
    },
    #[cfg(feature = "trace")]
    PyMethodDef {
        ml_name: c"_fail_allocation".as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: traced::fail_allocation },
        ml_flags: METH_O,
        ml_doc: c"_fail_allocation($module, nth, /)
--

Make the nth request for memory that tables make in this thread fail; 0 takes that back.
Return what was left of an earlier order: 0 if it was carried out."
            .as_ptr(),
    },
    PyMethodDef::zeroed(),
];
const FUNCTION_COUNT: usize = if cfg!(feature = "trace") { 6 } else { 3 };

/// `collections.abc.MutableMapping.register(table)`, and likewise for the views on keys, values and items. Borrows the four
/// types.
///
/// # Safety
/// They are living types, kept by the caller.
pub(crate) unsafe fn register_with_abc(types: [*mut PyTypeObject; 4]) -> Result<(), Raised> {
    let classes = [c"MutableMapping", c"KeysView", c"ValuesView", c"ItemsView"].into_iter().zip(types);
    // SAFETY: `abc` is ours until the DECREF, the types are kept by the caller.
    unsafe {
        let abc = new_reference(PyImport_ImportModule(c"collections.abc".as_ptr()))?;
        let registered = classes.into_iter().try_for_each(|(name, subclass)| register(abc, name, subclass.cast()));
        Py_DECREF(abc);
        registered
    }
}

/// `abc.NAME.register(subclass)`.
unsafe fn register(abc: *mut PyObject, name: &CStr, subclass: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the caller keeps both objects alive; each new reference is given back, whatever the next call says.
    unsafe {
        let class = new_reference(PyObject_GetAttrString(abc, name.as_ptr()))?;
        let register = PyObject_GetAttrString(class, c"register".as_ptr());
        Py_DECREF(class);
        let register = new_reference(register)?;
        let result = PyObject_CallOneArg(register, subclass);
        Py_DECREF(register);
        Py_DECREF(new_reference(result)?);
        Ok(())
    }
}

/// The functions that only the traced module has.
#[cfg(feature = "trace")]
mod traced {
    use crate::errors::entry;
    use crate::ffi::*;

    /// `announce(on)`, a function of the traced module: announces from now on, or is silent. Returns None.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn announce(_module: *mut PyObject, on: *mut PyObject) -> *mut PyObject {
        entry(|| {
            // SAFETY: `on` is kept for the call, also while its `__bool__` runs; None is always there.
            unsafe {
                let on = status(PyObject_IsTrue(on))?;
                hashtable_core::announce::silence(on == 0);
                give(Py_NewRef(Py_None()))
            }
        })
    }

    /// `_fail_allocation(nth)`, a function of the traced module: makes the nth of the library's next requests for
    /// memory on this thread fail; 0 takes that back. Returns what was left of an earlier order, 0 if it was carried
    /// out: a new reference.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn fail_allocation(_module: *mut PyObject, nth: *mut PyObject) -> *mut PyObject {
        entry(|| {
            // SAFETY: `nth` is kept for the call. -1 may also be an answer, so it counts as a failure only with an
            // exception.
            unsafe {
                let nth = PyLong_AsSize_t(nth);
                if nth == usize::MAX && !PyErr_Occurred().is_null() {
                    return Err(Raised);
                }
                give(new_reference(PyLong_FromSize_t(hashtable_core::fail_nth_allocation(nth as u64) as usize))?)
            }
        })
    }

    /// `_panic()`, a function of the traced module: panics, so that a test can see what becomes of it.
    ///
    /// # Safety
    /// Called by CPython.
    pub(crate) unsafe extern "C" fn panic(_module: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
        entry(|| -> Result<Given, Raised> { panic!("asked to panic") })
    }
}
