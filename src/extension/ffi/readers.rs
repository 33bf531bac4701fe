//! Many readers of one table at once, where there is no GIL.
//!
//! A lock lets in one at a time, also those who only want to read, and each of them writes into the lock. So from the first
//! time on that a reader finds the lock taken, a table has a row of *desks*: counters, each in a cache line of its own. A
//! reader signs in at the desk that its thread has, and to change the table is to wait first until nobody is signed in:
//!
//! ```text
//! reader                                        who changes the table, alone with it
//! my desk + 1                                   changes + 1
//! are there changes? then out, the long way     wait until every desk is at 0
//! read, and take a reference                    change the table; Python code may run, and others may come in
//! my desk - 1                                   changes - 1
//! ```
//!
//! Each leaves its own mark first and then looks for that of the other, and all of it is in one order for everybody (`SeqCst`).
//! So they cannot miss each other. `changes` counts the sections that have begun and have not ended, those that are suspended
//! among them. It is written by who has the table's lock. And nobody waits long: a reader runs no Python code, releases nothing
//! and waits for nothing, as in [`briefly`].
//!
//! A dict does without the desks, and its readers write nothing: they read while others may write, and look afterwards whether
//! what they saw was still there. For that the memory of arrays and of objects must stay readable for a while after it was freed.
//! CPython sees to it for its own types; there is no public function by which an extension could ask for that.

#[cfg(Py_GIL_DISABLED)]
pub(crate) use without_the_gil::{Readers, changing, changing_briefly, reading};

#[cfg(Py_GIL_DISABLED)]
mod without_the_gil {
    use super::super::{Head, PyObject, alone, briefly, this_thread};
    use core::hint::spin_loop;
    use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::*};
    use std::alloc::{Layout, alloc_zeroed, dealloc};

    /// How many there are. Two threads may have the same one: then they write into the same line, and nothing else happens.
    const DESKS: usize = 8;

    /// How many readers are signed in here.
    #[repr(align(64))]
    struct Desk(AtomicUsize);

    /// What a table knows of its readers. Zeros are right for a new one.
    pub(crate) struct Readers {
        /// The first of `DESKS`, owned; NULL as long as the lock does. Written once, by who has the lock.
        desks: AtomicPtr<Desk>,
        /// How many are changing the table, or may go on to.
        changes: AtomicUsize,
    }

    /// How an object begins that has readers: so does a table.
    #[repr(C)]
    struct Read {
        ob_base: Head,
        readers: Readers,
    }

    impl Readers {
        /// How many bytes the desks take.
        pub(crate) fn bytes(&self) -> usize {
            if self.desks.load(Acquire).is_null() { 0 } else { size_of::<[Desk; DESKS]>() }
        }

        /// Sets the desks up, if there is memory: if not, the lock goes on to do.
        ///
        /// # Safety
        /// The caller has the lock of the table.
        unsafe fn set_up(&self) {
            if self.desks.load(Relaxed).is_null() {
                // SAFETY: the layout is not of size zero. Zeros are counters at 0.
                let desks = unsafe { alloc_zeroed(Layout::new::<[Desk; DESKS]>()) };
                self.desks.store(desks.cast(), Release);
            }
        }

        /// Waits until nobody is signed in.
        #[cold]
        fn wait(&self, desks: *const Desk) {
            for number in 0..DESKS {
                // SAFETY: there are so many, and they stay as long as the table.
                let desk = unsafe { &*desks.add(number) };
                let mut looks = 0;
                while desk.0.load(SeqCst) != 0 {
                    looks += 1;
                    // Its thread may have lost its processor.
                    if looks % 128 == 0 { std::thread::yield_now() } else { spin_loop() }
                }
            }
        }
    }

    impl Drop for Readers {
        fn drop(&mut self) {
            let desks = *self.desks.get_mut();
            if !desks.is_null() {
                // SAFETY: it was allocated with this layout, and nobody knows the table any more.
                unsafe { dealloc(desks.cast(), Layout::new::<[Desk; DESKS]>()) }
            }
        }
    }

    /// What `body` says, which only reads the table; None if somebody may be changing that, and `body` has not run.
    ///
    /// # Safety
    /// `op` is a table that the caller keeps alive. `body` changes nothing of the table, and runs no Python code, releases nothing and
    /// raises nothing.
    #[inline(always)]
    pub(crate) unsafe fn reading<R>(op: *mut PyObject, body: impl FnOnce() -> Option<R>) -> Option<R> {
        /// A reader that is signed in.
        struct SignedIn<'a>(&'a Desk);
        impl Drop for SignedIn<'_> {
            #[inline(always)]
            fn drop(&mut self) {
                self.0.0.fetch_sub(1, Release);
            }
        }
        // SAFETY: the caller keeps the table alive, and it its desks. `body` is what `briefly` wants, too.
        unsafe {
            let readers = &raw const (*op.cast::<Read>()).readers;
            let desks = (*readers).desks.load(Acquire);
            if desks.is_null() {
                return match briefly(op, body) {
                    Some(answer) => answer,
                    None => {
                        alone(op, || (*readers).set_up());
                        None
                    }
                };
            }
            let desk = &*desks.add(number_of_this_threads_desk());
            desk.0.fetch_add(1, SeqCst);
            let _signed_in = SignedIn(desk);
            if (*readers).changes.load(SeqCst) == 0 { body() } else { None }
        }
    }

    /// Runs `body`, which may change the table.
    ///
    /// # Safety
    /// `op` is a table that the caller keeps alive and is alone with, in a section that ends after this function does.
    #[inline(always)]
    pub(crate) unsafe fn changing<R>(op: *mut PyObject, body: impl FnOnce() -> R) -> R {
        // SAFETY: as the caller says.
        let _change = unsafe { Change::begin(&raw const (*op.cast::<Read>()).readers) };
        body()
    }

    /// The same inside [`briefly`]. That is never suspended, so nobody comes in, and the desks are not set up meanwhile: as long
    /// as there are none, the lock does.
    ///
    /// # Safety
    /// `op` is a table that the caller keeps alive, and whose lock it has until this function has ended.
    #[inline(always)]
    pub(crate) unsafe fn changing_briefly<R>(op: *mut PyObject, body: impl FnOnce() -> R) -> R {
        // SAFETY: as the caller says.
        let _change = unsafe {
            let readers = &raw const (*op.cast::<Read>()).readers;
            if (*readers).desks.load(Relaxed).is_null() { None } else { Some(Change::begin(readers)) }
        };
        body()
    }

    /// A change that may be going on.
    struct Change(*const Readers);

    impl Change {
        /// Lets no more readers in, and waits until those who are there have left.
        ///
        /// # Safety
        /// The table is alive, and the caller has its lock, without which neither field is written. So it is when this is dropped.
        #[inline(always)]
        unsafe fn begin(readers: *const Readers) -> Change {
            // SAFETY: as the caller says.
            unsafe {
                let desks = (*readers).desks.load(Relaxed);
                let changes = (*readers).changes.load(Relaxed) + 1;
                if desks.is_null() {
                    // The desks are set up by a thread that has the lock after us. So a reader who sees them sees this, too.
                    (*readers).changes.store(changes, Relaxed);
                } else {
                    (*readers).changes.store(changes, SeqCst);
                    (*readers).wait(desks);
                }
            }
            Change(readers)
        }
    }

    impl Drop for Change {
        #[inline(always)]
        fn drop(&mut self) {
            // SAFETY: the table is alive, and its lock is ours again if it was not meanwhile. So nobody else writes this.
            unsafe { (*self.0).changes.store((*self.0).changes.load(Relaxed) - 1, Release) }
        }
    }

    /// Threads have their memory apart from each other: the number is made of where this one has its own.
    #[inline(always)]
    fn number_of_this_threads_desk() -> usize {
        ((this_thread() as u64 >> 6).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - DESKS.ilog2())) as usize
    }
}

/// With the GIL nobody can come in between.
#[cfg(not(Py_GIL_DISABLED))]
#[inline(always)]
#[allow(clippy::missing_safety_doc, reason = "as above")]
pub(crate) unsafe fn changing<R>(_: *mut super::PyObject, body: impl FnOnce() -> R) -> R {
    body()
}
