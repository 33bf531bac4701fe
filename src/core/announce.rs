//! What a layer says while it works, in the traced build.
//!
//! With the cargo feature `trace` every layer announces its steps: `library: hash 7 mod 4 is bucket 3`. Without it, the
//! macro [`announce!`](crate::announce!) expands to nothing: neither its text nor its arguments are compiled.
//!
//! A line is not printed where it is announced. Printing from inside the table would hand control to unknown code (in
//! Python, `sys.stdout` may be any object) in the middle of a step. So lines are queued, and the owner of the table
//! fetches them with [`take`] between two steps.
//!
//! Drawing the table takes more than lines, and takes it without delay: a [`Listener`] receives each line and each step of a
//! table, with the place in the table that the step is about. It must not touch the table; all it may do is write down
//! what it received.

/// Announces one step of the library, as `format!` takes it. Nothing without the feature `trace`.
#[macro_export]
#[doc(hidden)]
macro_rules! announce {
    ($table:expr, $step:expr; $($message:tt)*) => {
        #[cfg(feature = "trace")]
        {
            #[allow(unused_imports, reason = "not every step is named")]
            use $crate::announce::TableStep::*;
            $crate::announce::line("library", format_args!($($message)*));
            $crate::announce::stepped($table, $step);
        }
    };
    ($($message:tt)*) => {
        #[cfg(feature = "trace")]
        $crate::announce::line("library", format_args!($($message)*))
    };
}

#[cfg(feature = "trace")]
mod queue {
    use core::cell::{Cell, RefCell};
    use core::fmt;
    use core::sync::atomic::{AtomicBool, Ordering};

    thread_local! {
        static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        static SILENT: Cell<bool> = const { Cell::new(false) };
        /// Have any lines queued up? To ask this takes less time than to look into the queue.
        static ANY: Cell<bool> = const { Cell::new(false) };
    }

    /// What a table does, and where in it. Entries are named by their index.
    #[derive(Clone, Copy, Debug)]
    pub enum TableStep {
        /// A walk along the chain of a bucket begins, for a hash.
        Walk(i64, usize),
        /// The walk passes an entry that cannot be it.
        Passed(usize),
        /// The walk has reached an entry that may be it.
        Candidate(usize),
        /// The chain has ended.
        End,
        /// An entry with this hash came to the end of the entries and the front of its chain.
        Added(usize, i64),
        /// The entry has been given another value.
        Replaced(usize),
        /// The entry is a hole, or gone.
        Removed(usize),
        /// Everything may have moved.
        Rebuilt,
        /// The table was freed.
        Freed,
    }

    /// A table that can be looked at without knowing what its keys and values are.
    pub trait Anatomy {
        /// Number of buckets.
        fn size(&self) -> usize;
        /// Number of entries, holes included.
        fn entries(&self) -> usize;
        /// The entry at an index: its bucket, its hash where the table knows it, and where its key and its value lie.
        /// None is a hole.
        fn entry(&self, at: usize) -> Option<(usize, Option<i64>, *const (), *const ())>;
    }

    /// What receives every line and step, without delay.
    pub struct Listener {
        /// Is it listening now?
        pub listens: &'static AtomicBool,
        /// A layer said this.
        pub line: fn(&str, fmt::Arguments<'_>),
        /// A table did this. The table is between two steps.
        pub step: fn(&dyn Anatomy, TableStep),
    }

    static LISTENER: std::sync::OnceLock<Listener> = std::sync::OnceLock::new();

    /// Installs the listener, for the whole process. The first one stays.
    pub fn tell(listener: Listener) {
        let _ = LISTENER.set(listener);
    }

    #[inline]
    fn listener() -> Option<&'static Listener> {
        LISTENER.get().filter(|listener| listener.listens.load(Ordering::Relaxed))
    }

    /// Tells the listener of a step.
    pub fn stepped(table: &dyn Anatomy, step: TableStep) {
        if let Some(listener) = listener() {
            (listener.step)(table, step);
        }
    }

    /// Does a line go anywhere? If not, there is no need to prepare what it would show.
    #[inline]
    pub fn is_heard() -> bool {
        !SILENT.get() || listener().is_some()
    }

    /// Tells the listener, and queues the line `layer: message`, unless this thread is silent.
    pub fn line(layer: &str, message: fmt::Arguments<'_>) {
        if let Some(listener) = listener() {
            (listener.line)(layer, message);
        }
        if !SILENT.get() {
            LINES.with_borrow_mut(|lines| lines.push(format!("{layer}: {message}")));
            ANY.set(true);
        }
    }

    /// Have any lines queued up on this thread? Asked at every step, and nearly always there are none.
    #[inline]
    pub fn is_any() -> bool {
        ANY.get()
    }

    /// Takes all lines queued on this thread, oldest first.
    pub fn take() -> Vec<String> {
        ANY.set(false);
        LINES.take()
    }

    /// Drops every line from now on if `silent`; otherwise queues them again.
    pub fn silence(silent: bool) {
        SILENT.set(silent);
    }
}

#[cfg(feature = "trace")]
pub use queue::{Anatomy, Listener, TableStep, is_any, is_heard, line, silence, stepped, take, tell};
