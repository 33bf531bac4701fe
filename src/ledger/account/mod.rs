//! The books.
//!
//! There are three accounts, a file each. What a call has *in hand* is kept in a frame, of which each thread has a stack
//! ([`hands`]). What is *stored* in fields and entries belongs to the whole process ([`stored`]). *Findings* are what did not
//! balance ([`ledger`]). A call is judged when it ends ([`calls`]), and what comes of that is written down ([`report`]), for
//! a replay with more beside it ([`notes`], [`follow`](mod@follow)). Objects are known by their address only. They are looked at
//! when something has to be said about them, and then without running any code of theirs ([`describe`]).
//!
//! # Safety
//!
//! Three facts hold for every `unsafe` block of this folder, and the comments there name the one that counts:
//!
//! * *The thread is attached*: the code that calls in here is about to call, or has just called, the C API, so it holds the
//!   interpreter's lock (the GIL) or, on a build without one, is attached to the interpreter. Nothing here gives it up.
//! * *Objects that are passed in are alive* unless the function says otherwise: the extension passes them to the C API with its
//!   next or last step, and the C API asks the same of it.
//! * *A living object keeps its type alive*, and a living type its bases. So the head of such an object and the struct of
//!   its type can be read.

mod always;
mod blocks;
mod by_address;
mod calls;
mod describe;
mod follow;
mod hands;
mod ledger;
mod notes;
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod pieces;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod pieces {
    //! Machines on which each line of the log is written by itself.
    pub(super) struct Pieces;
    impl Pieces {
        pub(super) fn from_the_environment() -> Option<Pieces> {
            None
        }
        pub(super) fn write(&mut self, _: &[u8]) -> bool {
            false
        }
    }
}
mod report;
mod shown;
mod statics;
mod stored;

use crate::spot::Spot;

pub(crate) use blocks::{allocated, given_back};
pub(crate) use calls::{Borrowed, Returned, begin, end, outside};
pub(crate) use follow::follow;
pub(crate) use hands::{
    emptied, give, got_buffer, is_lent, lend, made, may_run_python, name, release_buffer, runs_nothing, settle,
    stack_of_call, take,
};
pub(crate) use ledger::{Event, RECORDING, SPEAKING, is_blind, ledger, own_type, why_blind};
pub(crate) use report::{is_keeping_count, log, log_from_the_beginning, log_to};
pub(crate) use stored::{freed, freed_memory, stored_in, taken_apart};

pub use hands::{aside, given, lent, received};
pub use ledger::judge_everything;
pub use report::{is_noting, note, noting};
pub use stored::{
    entries_exchanged, fields_exchanged, stored_in_entry, stored_in_field, taken_from_entry, taken_from_field,
};

/// A place in the source, or None where only the function is known.
pub(crate) type Site = Option<Spot>;

type Address = usize;
