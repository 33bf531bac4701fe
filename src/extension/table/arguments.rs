//! What `HashTable(size, max_load, …)` accepts, and the defaults.

use crate::errors::type_error;
use crate::ffi::*;

pub(crate) const DEFAULT_SIZE: usize = 4;
pub(crate) const DEFAULT_MAX_LOAD: f64 = 0.5;

/// Reads `size`. Borrows it.
///
/// # Safety
/// It is a living object.
pub(crate) unsafe fn size_from(op: *mut PyObject) -> Result<usize, Raised> {
    let mut overflow = 0;
    // SAFETY: `op` is alive, says the caller, and is read as an int only after it was found to be one.
    let value = unsafe {
        if PyLong_Check(op) == 0 {
            return Err(type_error(c"size parameter must be a positive integer."));
        }
        PyLong_AsLongLongAndOverflow(op, &mut overflow)
    };
    if overflow < 0 || (overflow == 0 && value < 1) {
        return Err(type_error(c"size parameter must be a positive integer."));
    }
    match usize::try_from(value) {
        Ok(size) if overflow == 0 => Ok(size),
        _ => {
            // SAFETY: as in [`type_error`]: attached, with an exception type that outlives us and a literal that ends
            // with a NUL.
            unsafe { PyErr_SetString(PyExc_OverflowError, c"size parameter is too large for this machine.".as_ptr()) };
            Err(Raised)
        }
    }
}

/// Reads `max_load`. Borrows it. Can run Python code (`__float__`).
///
/// # Safety
/// It is a living object.
pub(crate) unsafe fn max_load_from(op: *mut PyObject) -> Result<f64, Raised> {
    const MESSAGE: &core::ffi::CStr = c"max_load parameter must be a float between 0.0 and 1.0.";
    // SAFETY: `op` is alive, says the caller, also while its `__float__` runs. -1.0 may also be an answer, so it counts
    // as a failure only with an exception.
    unsafe {
        let value = PyFloat_AsDouble(op); // [R8]
        if value == -1.0 && !PyErr_Occurred().is_null() {
            // Not a number at all, or a number too large for a float. Any other exception of the conversion is passed
            // on.
            if PyErr_ExceptionMatches(PyExc_TypeError) != 0 || PyErr_ExceptionMatches(PyExc_OverflowError) != 0 {
                PyErr_Clear();
                return Err(type_error(MESSAGE));
            }
            return Err(Raised);
        }
        // Written so that nan, which compares false with everything, is refused.
        if value > 0.0 && value <= 1.0 { Ok(value) } else { Err(type_error(MESSAGE)) }
    }
}
