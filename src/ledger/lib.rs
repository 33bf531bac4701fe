//! A ledger of reference ownership, for any CPython extension that is written on `pyo3-ffi`.
//!
//! An extension adopts it by changing one `use`:
//!
//! ```text
//! use pyo3_ffi::*;              becomes              use refcount_ledger::ffi::*;
//! ```
//!
//! From then on every reference that the extension takes, gives back, receives, returns, has stolen from it or borrows is
//! entered with the file and line where it happened, and at the end of each call into the extension the books must balance:
//! what a function took it has given back, handed to its caller, or put where it will be found again. What does not balance is
//! a *finding*:
//!
//! * a **surplus** was taken and never given back: a leak. It is named by the line that took it;
//! * a **deficit** was given back, returned or given away without being owned: a crash to come. It is named by the line that
//!   gave it
//!   away, and is written to standard error *before* the operation, since the interpreter may not survive that.
//!
//! The count in the object is not consulted. It cannot tell whose reference is whose, and that of an immortal object (`None`,
//! small ints) never moves at all; the ledger balances what the code *meant*.
//!
//! # How it works
//!
//! ```text
//! ffi.rs          the C API under its own names; each function enters what it does and calls pyo3-ffi's
//! account/        the books: what each call has in hand, what lies in which object, findings, events
//! c_abi.rs        the same for other languages, as functions of C: see engine/ and calls/
//! spot.rs         a line of source, and who called the function in which it stands
//! layout.rs       CPython's structs, where pyo3-ffi hides them
//! trampolines.rs  functions put in front of the extension's methods and slots, so that a call's beginning and end are seen
//! faults.rs       makes the nth call that may fail, fail
//! python.rs       the functions that read the books from Python; they are added to the extension's module
//! ```
//!
//! Each call from CPython into the extension opens a *frame*. An object that the call takes a reference to is *in hand*, as
//! often as it was taken. At the return, hands must be empty. A reference put into a struct is out of hand and *stored*;
//! when the object around it is freed and something is still stored in it, that is a surplus, named by the line that stored it.
//!
//! # What it cannot see by itself
//!
//! * Rust cannot put a function before a variadic one (`PyTuple_Pack`, `Py_BuildValue` ...), and not every function of the C
//!   API is in `ffi.rs`. An object that came from such a call is unknown, and what is unknown is not judged. An extension that enters those
//!   too, with [`received`], says so with [`judge_everything`].
//! * A reference written into a struct of the extension's with a plain assignment is found there at the end of the call, by
//!   looking. To have the line of it, use [`stored_in_field`] and [`taken_from_field`].
//! * Kept in memory to which no object of the call, no `tp_traverse` and no static variable leads, a reference looks like a leak.
//!   [`stored_in_field`] tells.

#![allow(non_snake_case, non_upper_case_globals)]

use core::sync::atomic::{AtomicBool, Ordering};

mod account;
pub mod c_abi;
pub mod faults;
pub mod ffi;
mod layout;
mod peek;
mod python;
mod spot;
mod trampolines;

pub use account::{
    aside, entries_exchanged, fields_exchanged, given, is_noting, judge_everything, lent, note, noting, received,
    stored_in_entry, stored_in_field, taken_from_entry, taken_from_field,
};

/// Is this the engine by itself, in a file of its own, and not a part of an extension?
static STANDS_ALONE: AtomicBool = AtomicBool::new(false);

fn stands_alone() -> bool {
    STANDS_ALONE.load(Ordering::Relaxed)
}

/// The functions that read the books from Python, with an end mark, for a module of the engine's own. From now on extensions
/// are judged that know nothing of Rust, and these functions are in this module only.
pub fn functions() -> Vec<pyo3_ffi::PyMethodDef> {
    STANDS_ALONE.store(true, Ordering::Relaxed);
    account::log_from_the_beginning();
    python::FUNCTIONS.into_iter().chain([pyo3_ffi::PyMethodDef::zeroed()]).collect()
}
