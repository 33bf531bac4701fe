//! The one door to CPython's C API.
//!
//! No other file of this crate names `pyo3_ffi`. What passes here is spelled as in C, so that a reader can look it up in the
//! C API's documentation, and is of seven kinds, a file each:
//!
//! * [`calls`]: the types, constants and functions that the extension uses, as they are;
//! * [`refcount`]: the operations on reference counts, `Py_INCREF` to `Py_XSETREF`;
//! * [`ownership`]: a reference goes from one owner to another: into a field, into the table, to the caller;
//! * [`results`]: what a call says, done or failed;
//! * [`idioms`]: what takes several calls, and the same ones each time;
//! * [`static_types`]: what a static type is written with;
//! * [`versions`]: what is spelled differently from one CPython to the next, and what C has as a macro.
//!
//! # The words
//!
//! Every function in this crate that touches a `PyObject` says for each argument and for its result who owes what:
//!
//! * **borrowed**: the pointer may be used while its owner keeps the object alive; nothing has to be given back;
//! * **steals**: the function takes over the reference that its caller owned; the caller must not use it or give it back;
//! * **new reference**: the receiver owns it, and owes one `Py_DECREF`, or must give it away.
//!
//! An argument of which nothing is said is borrowed.

// The one `use` that decides whether references are entered in a ledger (src/ledger): the traced build takes the C API through it.
#[cfg(not(feature = "trace"))]
use pyo3_ffi as api;
#[cfg(feature = "trace")]
use refcount_ledger::ffi as api;

mod calls;
mod idioms;
mod ownership;
mod refcount;
mod results;
mod static_types;
mod versions;

pub(crate) use calls::*;
pub(crate) use idioms::*;
pub(crate) use ownership::*;
pub(crate) use refcount::*;
pub(crate) use results::*;
pub(crate) use static_types::*;
pub(crate) use versions::*;
