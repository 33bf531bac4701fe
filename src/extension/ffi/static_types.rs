//! What a static type is written with, where C has macros, or leaves out what is zero.

use super::*;

// The structs of a type, field by field.
pub(crate) use super::api::{PyMappingMethods, PyNumberMethods, PySequenceMethods};

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
