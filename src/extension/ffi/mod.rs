//! The one door to CPython's C API.
//!
//! # Reading this Rust if you know C or Python
//!
//! The functions here do what an extension in C does, with the C API's own names. What is Rust about them is little:
//!
//! * `*mut PyObject` is C's `PyObject *`. `op.cast::<HashTable>()` is C's `(HashTable *)op`.
//! * `unsafe extern "C" fn` is a function that C can call. The word `unsafe` says that the compiler cannot check what
//!   the caller must see to; the comment `# Safety` says what that is. Inside, each `unsafe { … }` has a comment
//!   `SAFETY` that says why it holds.
//! * `(*table).pairs` is C's `table->pairs`, and `&raw mut (*table).hash_func` is C's `&table->hash_func`: a bare
//!   pointer. A plain `&mut` would promise the compiler that nobody else changes the field, and Python code may.
//! * `entry(|| { … })` stands around every function that CPython calls. `|| { … }` is a function without a name, the
//!   body. It returns a `Result`; `entry` makes of that what C expects, NULL or -1 after an error, and keeps a Rust
//!   panic from running on into C.
//! * `?` after a call is C's `if (result == NULL) return NULL;`: it hands the error on at once. `Err(Raised)` is such
//!   an error. It has nothing in it, as the Python exception is already set.
//! * `new_reference(call(…))?` checks the result of a call that returns NULL if it fails, `status(call(…))?` of one
//!   that returns -1.
//! * `Option<T>` is a value or `None`, `let Some(x) = … else { … }` takes the value out or does what stands behind
//!   `else`.
//! * `Stored::store(op, table)` puts a reference into the table; `give(op)` hands one to the caller of the method. In
//!   the normal build they only pass the pointer on. They are there so that a reader, and the ledger of the traced
//!   build, can see who owns what.
//! * `c"name"` is a string of C, with a NUL at its end. `announce!("…")` is text for the traced build, and nothing in
//!   the normal one.
//! * `#[track_caller]` lets a function know from which line it was called. `#[inline(always)]` says that its body is
//!   copied there.
//!
//! Nothing is counted or freed behind your back: Rust has destructors, but a bare pointer has none. Every `Py_INCREF`
//! and every `Py_DECREF` that happens stands in the source.
//!
//! # The files
//!
//! No other file of this crate names `pyo3_ffi`. What passes here is spelled as in C, so that a reader can look it up
//! in the C API's documentation, and is of eleven kinds, a file each:
//!
//! * [`calls`]: the types, constants and functions that the extension uses, as they are;
//! * [`refcount`]: the operations on reference counts, `Py_INCREF` to `Py_XSETREF`;
//! * [`ownership`]: a reference goes from one owner to another: into a field, into the table, to the caller;
//! * `two_counts.rs`: the same where there is no GIL;
//! * [`results`]: what a call says, done or failed;
//! * [`idioms`]: what takes several calls, and the same ones each time;
//! * [`static_types`]: what a static type is written with;
//! * [`structs`]: what is read out of CPython's own structs;
//! * [`critical_section`]: alone with an object, where there is no GIL;
//! * [`readers`]: many readers of one table at once, where there is no GIL;
//! * [`versions`]: what differs between versions of CPython, and what C has as a macro.
//!
//! # The words
//!
//! Every function in this crate that touches a `PyObject` says for each argument and for its result who owes what:
//!
//! * **borrowed**: the pointer may be used while its owner keeps the object alive; nothing has to be given back;
//! * **steals**: the function takes over the reference that its caller owned; the caller must not use it or give it
//!   back;
//! * **new reference**: the receiver owns it, and owes one `Py_DECREF`, or must give it away.
//!
//! An argument of which nothing is said is borrowed.

// The one `use` that decides whether references are entered in a ledger (src/ledger): the traced build takes the C API
// through it.
#[cfg(not(feature = "trace"))]
use pyo3_ffi as api;
#[cfg(feature = "trace")]
use refcount_ledger::ffi as api;

mod calls;
mod critical_section;
mod idioms;
mod ownership;
mod readers;
mod refcount;
mod results;
#[cfg(not(limited_api))]
mod static_types;
#[cfg(not(limited_api))]
mod structs;
#[cfg(limited_api)]
#[path = "../../forms/limited.rs"]
mod structs;
#[cfg(counts_inline)]
mod two_counts;
mod versions;

pub(crate) use calls::*;
pub(crate) use critical_section::*;
pub(crate) use idioms::*;
pub(crate) use ownership::*;
pub(crate) use readers::*;
pub(crate) use refcount::*;
pub(crate) use results::*;
#[cfg(not(limited_api))]
pub(crate) use static_types::*;
pub(crate) use structs::*;
pub(crate) use versions::*;
