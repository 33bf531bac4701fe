//! Errors, and the edge between Rust and CPython.
//!
//! Inside the crate a function that can fail returns `Result<…, Raised>`: `Raised` says that a Python exception is set,
//! and `?` passes it on. C has no `Result`; there it is NULL or -1. [`entry`] stands at that edge. Every function that
//! CPython calls has it as its outermost call, and it does three things:
//!
//! 1. it turns the `Result` into what C expects: a pointer or NULL; 0 or -1; 1, 0 or -1;
//! 2. it catches a Rust panic, which must not unwind into C, and raises `SystemError` instead. There should be none;
//! 3. in the traced build it prints what the layers announced, now that the table is at rest.

use crate::announce;
use crate::ffi::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a function of this crate returns, and what C hears of it.
pub(crate) trait IntoC {
    /// The type in C.
    type InC;
    /// How C is told that an exception is set.
    const RAISED: Self::InC;
    /// The answer as C hears it.
    fn in_c(self) -> Self::InC;
}

/// A reference that now is the caller's, or NULL.
impl IntoC for Result<Given, Raised> {
    type InC = *mut PyObject;
    const RAISED: *mut PyObject = core::ptr::null_mut();
    fn in_c(self) -> *mut PyObject {
        self.map_or(Self::RAISED, Given::in_c)
    }
}

/// Done (0), or -1.
impl IntoC for Result<(), Raised> {
    type InC = c_int;
    const RAISED: c_int = -1;
    fn in_c(self) -> c_int {
        self.map_or(Self::RAISED, |()| 0)
    }
}

/// Yes (1), no (0), or -1.
impl IntoC for Result<bool, Raised> {
    type InC = c_int;
    const RAISED: c_int = -1;
    fn in_c(self) -> c_int {
        self.map_or(Self::RAISED, c_int::from)
    }
}

/// A length, or -1.
impl IntoC for Result<Py_ssize_t, Raised> {
    type InC = Py_ssize_t;
    const RAISED: Py_ssize_t = -1;
    fn in_c(self) -> Py_ssize_t {
        self.unwrap_or(Self::RAISED)
    }
}

/// Nothing, from a function that cannot report an exception.
impl IntoC for () {
    type InC = ();
    const RAISED: () = ();
    fn in_c(self) {}
}

/// Runs the body of a function that CPython calls. See the head of this file.
#[inline(always)]
pub(crate) fn entry<A: IntoC>(body: impl FnOnce() -> A) -> A::InC {
    let answer = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(answer) => answer.in_c(),
        Err(_) => {
            raise_after_panic(size_of::<A::InC>() == 0);
            A::RAISED
        }
    };
    announce::flush();
    answer
}

/// As [`entry`], alone with `op`, a table (see ffi/critical_section.rs): for a function that looks into the table that it was
/// called with, and may change it.
#[inline(always)]
pub(crate) fn entry_alone<A: IntoC>(op: *mut PyObject, body: impl FnOnce() -> A) -> A::InC {
    // SAFETY: only what CPython calls comes here, with the table that it was called with, which is kept for the call; or
    // with the table that such an object owns for as long as it lives.
    unsafe { alone(op, || changing(op, || entry(body))) }
}

/// The same, but first `at_once` is tried, which says what to answer if it can without a critical section (see
/// fast/at_once.rs).
#[inline(always)]
pub(crate) fn entry_at_once<A: IntoC>(
    op: *mut PyObject,
    at_once: impl FnOnce() -> Option<A>,
    body: impl FnOnce() -> A,
) -> A::InC {
    entry(|| match at_once() {
        Some(answer) => answer,
        // SAFETY: as in [`entry_alone`].
        None => unsafe { alone(op, || changing(op, body)) },
    })
}

thread_local! {
    /// What the last panic of this thread said, and where.
    static PANIC: core::cell::RefCell<String> = const { core::cell::RefCell::new(String::new()) };
}

/// Keeps a panic from writing to standard error; [`entry`] puts its message into the exception. This module has a copy
/// of Rust's standard library to itself, so no other extension is affected.
pub(crate) fn keep_panics_quiet() {
    std::panic::set_hook(Box::new(|panic| PANIC.set(panic.to_string())));
}

#[cold]
#[inline(never)]
fn raise_after_panic(unraisable: bool) {
    let message = format!("internal error in hashtable, please report it: {}\0", PANIC.take());
    // SAFETY: the interpreter called us and waits; the message ends with a NUL. An exception that was set before is
    // replaced, and one that cannot be returned is printed.
    unsafe {
        PyErr_SetString(PyExc_SystemError, message.as_ptr().cast());
        if unraisable {
            PyErr_WriteUnraisable(core::ptr::null_mut());
        }
    }
}

/// Raises `TypeError` with this message.
#[cold]
pub(crate) fn type_error(message: &core::ffi::CStr) -> Raised {
    // SAFETY: C code would do the same here: the thread is attached, as in everything that CPython calls, and the
    // exception types exist as long as the interpreter.
    unsafe { PyErr_SetString(PyExc_TypeError, message.as_ptr()) };
    Raised
}

/// Raises `ValueError` with this message.
#[cold]
pub(crate) fn value_error(message: &core::ffi::CStr) -> Raised {
    // SAFETY: as in [`type_error`]: attached, with an exception type that outlives us and a message that ends with a
    // NUL, since it is a `CStr`.
    unsafe { PyErr_SetString(PyExc_ValueError, message.as_ptr()) };
    Raised
}

/// Raises `RuntimeError` with this message.
#[cold]
pub(crate) fn runtime_error(message: &core::ffi::CStr) -> Raised {
    // SAFETY: as in [`type_error`]: attached, with an exception type that outlives us and a message that ends with a
    // NUL, since it is a `CStr`.
    unsafe { PyErr_SetString(PyExc_RuntimeError, message.as_ptr()) };
    Raised
}

/// Raises `MemoryError`.
#[cold]
#[track_caller]
pub(crate) fn no_memory() -> Raised {
    failed("memory for Rust");
    // SAFETY: as in [`type_error`]. CPython keeps a `MemoryError` ready, so this needs no memory.
    unsafe { PyErr_NoMemory() };
    Raised
}

/// Raises `KeyError(key)`. Borrows the key.
///
/// # Safety
/// `key` is a living object.
#[cold]
pub(crate) unsafe fn key_error(key: *mut PyObject) -> Raised {
    // A tuple given to `PyErr_SetObject` becomes the arguments of the exception, one by one. So that a key which is a
    // tuple stays one, every key is put into a tuple. SAFETY: the key is alive; the tuple is ours from `Pack` to
    // DECREF, and the exception takes a reference of its own.
    unsafe {
        let arguments = received(PyTuple_Pack(1, key)); // [R10]
        if !arguments.is_null() {
            PyErr_SetObject(PyExc_KeyError, arguments);
            Py_DECREF(arguments);
        }
    }
    Raised
}

/// Checks the number of positional arguments of the method `name`.
pub(crate) fn check_count(
    name: &core::ffi::CStr,
    got: Py_ssize_t,
    least: Py_ssize_t,
    most: Py_ssize_t,
) -> Result<(), Raised> {
    if (least..=most).contains(&got) {
        return Ok(());
    }
    let (bound, number) = if got < least { (c"at least", least) } else { (c"at most", most) };
    // SAFETY: the format takes two C strings, a number, a C string and a number, and gets them.
    unsafe {
        PyErr_Format(
            PyExc_TypeError,
            c"%s expected %s %zd argument%s, got %zd".as_ptr(),
            name.as_ptr(),
            bound.as_ptr(),
            number,
            if number == 1 { c"".as_ptr() } else { c"s".as_ptr() },
            got,
        );
    }
    Err(Raised)
}
