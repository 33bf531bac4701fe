//! What a static type is written with, where C has macros, or leaves out what is zero.

use super::*;
use core::ffi::CStr;
use core::ptr::null_mut;

/// What C writes as `PyVarObject_HEAD_INIT(NULL, 0)`: one reference, and a type that `PyType_Ready` fills in.
#[allow(
    clippy::declare_interior_mutable_const,
    reason = "each static has a copy of its own; without the GIL its counts are atomic"
)]
pub(crate) const HEAD: PyVarObject = PyVarObject { ob_base: PyObject_HEAD_INIT, ob_size: 0 };

/// A type with nothing in it yet.
pub(crate) const fn blank() -> PyTypeObject {
    // SAFETY: the struct is made of numbers, pointers and optional functions, for all of which zero is a value: 0,
    // NULL, None. It is also what C leaves in the fields of a static struct that an initializer does not name.
    unsafe { core::mem::zeroed() }
}

/// Sequence methods with nothing in them yet.
pub(crate) const fn blank_sequence() -> PySequenceMethods {
    // SAFETY: each field is an optional function or a pointer, and zero is None in the one and NULL in the other.
    unsafe { core::mem::zeroed() }
}

/// Number methods with nothing in them yet.
pub(crate) const fn blank_number() -> PyNumberMethods {
    // SAFETY: each field is an optional function or a pointer, and zero is None in the one and NULL in the other.
    unsafe { core::mem::zeroed() }
}

/// A method without arguments.
pub(crate) const fn no_arguments(name: &'static CStr, function: PyCFunction, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_NOARGS, doc)
}

/// A method with exactly one argument.
pub(crate) const fn one_argument(name: &'static CStr, function: PyCFunction, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_O, doc)
}

/// A method that takes its arguments as an array, which is the fast way to be called.
pub(crate) const fn arguments(name: &'static CStr, function: PyCFunctionFast, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunctionFast: function }, METH_FASTCALL, doc)
}

/// A method that is called in any way.
pub(crate) const fn method(
    name: &'static CStr,
    ml_meth: PyMethodDefPointer,
    ml_flags: c_int,
    doc: &'static CStr,
) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth, ml_flags, ml_doc: doc.as_ptr() }
}

/// An attribute that is read through a function, and cannot be written.
pub(crate) const fn read_only(
    name: &'static CStr,
    get: unsafe extern "C" fn(*mut PyObject, *mut c_void) -> *mut PyObject,
    doc: &'static CStr,
) -> PyGetSetDef {
    PyGetSetDef { name: name.as_ptr(), get: Some(get), set: None, doc: doc.as_ptr(), closure: null_mut() }
}
