//! Alone with an object: what stands in for the GIL where there is none.
//!
//! With the GIL one thread runs at a time, and another gets its turn only where Python code runs. So a function of this
//! crate is alone with all objects from one such point to the next. (They are marked; lib.rs lists them.) A free-threaded
//! CPython has no GIL. There each object has a lock, and a thread that wants to be alone with one takes it:
//!
//! ```text
//! alone(op, || { ... })               alone with an object
//! alone_with(one, other, || { ... })  alone with two; if they are the same object, with that one
//! ```
//!
//! It is a *critical section*, and everybody who touches the object must be in one: dicts and lists take their own locks
//! in all that changes them. Two things make it unlike an ordinary lock:
//!
//! * **It is suspended whenever the thread would wait.** Before a thread waits for a lock, for a file, or for the
//!   garbage collector, it releases the locks of all its critical sections, and afterwards it takes those of the
//!   innermost one again. So there is no deadlock, in whatever order tables are taken, and whatever a `__eq__` may wait
//!   for. But it also means that others may have been there meanwhile. That can happen at the same points at which it
//!   can happen with the GIL, where Python code runs: what holds there, holds here. And it can happen at one kind more:
//! * **at every `Py_DECREF`**, also one that is certain to free nothing. The count of an object belongs to the thread
//!   that made it, and others hand theirs in through a queue, which has a lock. [`Released`] is for a loop that must
//!   not be interrupted.
//!
//! Reading memory, `Py_INCREF`, and asking for memory do not wait. (Since 3.12 the garbage collector does not start
//! inside an allocation, and without the GIL it stops all threads first, where they can be stopped.)
//!
//! [`briefly`] takes the lock without a section, for a moment in which nothing of that happens.
//!
//! # What is lent
//!
//! A borrowed reference is good as long as its owner keeps the object. Without the GIL another thread can make the owner
//! give it up at any moment, unless we are alone with the owner. So what is read out of a table, a dict or a list gets a
//! reference of its own before the section ends or is suspended; and a dict that we are not alone with is read with
//! [`dict_item`](super::dict_item), which does not lend.
//!
//! # With the GIL
//!
//! nothing of this is needed, and both functions only call `body`: `make same-code` shows that the machine code is the
//! same without them.

use super::{Py_DECREF, PyObject};
#[cfg(Py_GIL_DISABLED)]
use core::mem::MaybeUninit;
#[cfg(Py_GIL_DISABLED)]
use pyo3_ffi::{PyCriticalSection, PyCriticalSection_Begin, PyCriticalSection_End};
#[cfg(Py_GIL_DISABLED)]
use pyo3_ffi::{PyCriticalSection2, PyCriticalSection2_Begin, PyCriticalSection2_End};

/// Runs `body` alone with `op`.
///
/// # Safety
/// `op` is a living object that the caller keeps alive.
#[inline(always)]
#[cfg(Py_GIL_DISABLED)]
pub(crate) unsafe fn alone<R>(op: *mut PyObject, body: impl FnOnce() -> R) -> R {
    /// A section that has begun. It ends with its scope, also if a panic ends that.
    struct Section(MaybeUninit<PyCriticalSection>);
    impl Drop for Section {
        #[inline(always)]
        fn drop(&mut self) {
            // SAFETY: it was begun, and has not been moved since.
            unsafe { PyCriticalSection_End(self.0.as_mut_ptr()) }
        }
    }
    let mut section = Section(MaybeUninit::uninit());
    // SAFETY: the caller keeps the object alive. The section stays where it is on the stack until its scope ends.
    unsafe { PyCriticalSection_Begin(section.0.as_mut_ptr(), op) };
    body()
}

/// Runs `body` alone with both objects, which may be the same one.
///
/// # Safety
/// Both are living objects that the caller keeps alive.
#[inline(always)]
#[cfg(Py_GIL_DISABLED)]
pub(crate) unsafe fn alone_with<R>(one: *mut PyObject, other: *mut PyObject, body: impl FnOnce() -> R) -> R {
    /// A section on two objects that has begun.
    struct Section(MaybeUninit<PyCriticalSection2>);
    impl Drop for Section {
        #[inline(always)]
        fn drop(&mut self) {
            // SAFETY: it began when `section` was made, in this thread and at this place in memory, and it ends once.
            unsafe { PyCriticalSection2_End(self.0.as_mut_ptr()) }
        }
    }
    let mut section = Section(MaybeUninit::uninit());
    // SAFETY: both are alive until after `body`, and the section, a local that never moves, ends when it is dropped.
    unsafe { PyCriticalSection2_Begin(section.0.as_mut_ptr(), one, other) };
    body()
}

/// Runs `body` alone with `op`, if nobody else has it or waits for it; else returns None, and has done nothing.
///
/// The lock is a byte of the object: free, or taken. (As in C, where `PyMutex_Lock` and `PyMutex_Unlock` are macros that
/// try this first.) It is in no list, so it cannot be suspended.
///
/// # Safety
/// `op` is a living object that the caller keeps alive. `body` runs no Python code, releases nothing and raises nothing.
#[inline(always)]
#[cfg(all(Py_GIL_DISABLED, not(limited_api)))]
pub(crate) unsafe fn briefly<R>(op: *mut PyObject, body: impl FnOnce() -> R) -> Option<R> {
    use core::sync::atomic::{AtomicU8, Ordering::*};
    const FREE: u8 = 0;
    const TAKEN: u8 = 1;
    /// A lock that has been taken. It is free again with the end of its scope.
    struct Taken(*mut PyObject);
    impl Drop for Taken {
        #[inline(always)]
        fn drop(&mut self) {
            // SAFETY: the object is alive. If anybody waits, CPython has more to do.
            unsafe {
                let mutex = &raw mut (*self.0).ob_mutex;
                if AtomicU8::from_ptr(mutex.cast()).compare_exchange(TAKEN, FREE, Release, Relaxed).is_err() {
                    pyo3_ffi::PyMutex_Unlock(mutex);
                }
            }
        }
    }
    // SAFETY: the object is alive, so its mutex is; a mutex of one byte is only ever touched atomically, by CPython too.
    let lock = unsafe { AtomicU8::from_ptr((&raw mut (*op).ob_mutex).cast()) };
    lock.compare_exchange(FREE, TAKEN, Acquire, Relaxed).ok()?;
    let _taken = Taken(op);
    Some(body())
}

/// A number that no other thread has that is running now: where the thread has its own memory. On Linux it is the number by
/// which an object knows the thread that made it.
#[cfg(Py_GIL_DISABLED)]
#[inline(always)]
pub(crate) fn this_thread() -> usize {
    #[cfg(counts_inline)]
    {
        let number;
        // SAFETY: reads a register, or the word that it points to, which has its own address in it.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            core::arch::asm!("mov {}, fs:0", out(reg) number, options(nostack, preserves_flags, readonly));
            #[cfg(target_arch = "aarch64")]
            core::arch::asm!("mrs {}, tpidr_el0", out(reg) number, options(nostack, preserves_flags, nomem));
        }
        number
    }
    #[cfg(not(counts_inline))]
    {
        thread_local! {
            static OF_THIS_THREAD: u8 = const { 0 };
        }
        OF_THIS_THREAD.with(|place| core::ptr::from_ref(place) as usize)
    }
}

#[cfg(not(Py_GIL_DISABLED))]
#[inline(always)]
#[allow(missing_docs, clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn alone<R>(_: *mut PyObject, body: impl FnOnce() -> R) -> R {
    body()
}

#[cfg(not(Py_GIL_DISABLED))]
#[inline(always)]
#[allow(missing_docs, clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn alone_with<R>(_: *mut PyObject, _: *mut PyObject, body: impl FnOnce() -> R) -> R {
    body()
}

/// References that are released later, when others may come in: up to `N`. With the GIL they are released at once, as a
/// release that frees nothing, or nothing but a number or a text, lets nobody in.
pub(crate) struct Released<const N: usize> {
    #[cfg(Py_GIL_DISABLED)]
    references: [*mut PyObject; N],
    #[cfg(Py_GIL_DISABLED)]
    length: usize,
}

impl<const N: usize> Released<N> {
    #[inline(always)]
    pub(crate) fn none() -> Self {
        #[cfg(Py_GIL_DISABLED)]
        return Released { references: [core::ptr::null_mut(); N], length: 0 };
        #[cfg(not(Py_GIL_DISABLED))]
        return Released {};
    }

    /// Steals `op`.
    ///
    /// # Safety
    /// The caller owns the reference, and releasing it runs no Python code. At most `N` are put in.
    #[track_caller]
    #[inline(always)]
    pub(crate) unsafe fn put(&mut self, op: *mut PyObject) {
        #[cfg(Py_GIL_DISABLED)]
        {
            self.references[self.length] = op;
            self.length += 1;
        }
        #[cfg(not(Py_GIL_DISABLED))]
        // SAFETY: the caller owns this reference and has just given it to us.
        unsafe {
            Py_DECREF(op)
        }
    }

    /// Releases them all. Without the GIL others may come in meanwhile.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn release(self) {
        #[cfg(Py_GIL_DISABLED)]
        for op in &self.references[..self.length] {
            // SAFETY: `put` has stolen each of them, and `self` is consumed: they are given back once.
            unsafe { Py_DECREF(*op) }
        }
    }
}
