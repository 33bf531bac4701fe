//! What a layer says while it works, in the traced build.
//!
//! With the cargo feature `trace` every layer announces its steps: `library: hash 7 mod 4 is bucket 3`. Without it, the macro
//! [`announce!`](crate::announce!) stands for nothing at all and neither its text nor its arguments are compiled.
//!
//! A line is not printed where it is announced. Printing is the caller's business, and printing from inside the table would
//! hand control to unknown code (in Python, `sys.stdout` may be anything) while the table is half way through a step. So
//! lines queue up, and whoever owns the table fetches them with [`take`] when the table is at rest.

/// Announces one step of the library, as `format!` takes it. Nothing without the feature `trace`.
#[macro_export]
#[doc(hidden)]
macro_rules! announce {
    ($($message:tt)*) => {
        #[cfg(feature = "trace")]
        $crate::announce::line("library", format_args!($($message)*))
    };
}

#[cfg(feature = "trace")]
mod queue {
    use core::cell::{Cell, RefCell};
    use core::fmt;

    thread_local! {
        static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
        static SILENT: Cell<bool> = const { Cell::new(false) };
    }

    /// Would a line be queued? If not, whoever announces need not even look at what it would show.
    pub fn is_heard() -> bool {
        !SILENT.get()
    }

    /// Queues the line `layer: message`, unless this thread is silent.
    pub fn line(layer: &str, message: fmt::Arguments<'_>) {
        if is_heard() {
            LINES.with_borrow_mut(|lines| lines.push(format!("{layer}: {message}")));
        }
    }

    /// Takes all lines that have queued up on this thread, oldest first.
    pub fn take() -> Vec<String> {
        LINES.take()
    }

    /// Drops every line from now on if `silent`, and queues them again if not.
    pub fn silence(silent: bool) {
        SILENT.set(silent);
    }
}

#[cfg(feature = "trace")]
pub use queue::{is_heard, line, silence, take};
