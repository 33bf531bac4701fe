//! A place in a chain that borrows nothing.
//!
//! Whoever looks for a key must compare it with the keys of a chain, and comparing may run any code at all: in Python, `==`
//! may be a method of the user's, and that method may add to the table, empty it or drop it. A Rust reference into the table
//! must not be alive while that happens. So a lookup is not a loop inside the library but a walk that the caller takes, step
//! by step, with a cursor of three numbers:
//!
//! ```text
//! cursor = table.walk(hash)
//! loop:
//!     match table.step(cursor):
//!         Candidate(at) -> copy the key out, let go of the table, compare at leisure;
//!                          equal? and table.version() == cursor.version()? then it is found at `at`
//!         End           -> the key is not in the table
//!         Moved         -> the table changed since the walk began: start again
//! ```

/// How often a lookup begins anew because the table changed under it, before whoever walks gives up. A table that is merely busy
/// settles long before.
pub const MOST_RESTARTS: usize = 1000;

/// A place in a chain. It stays valid as a value whatever happens to the table: [`Step::Moved`] is the worst it can lead to.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    /// The hash that is looked for.
    pub(crate) hash: i64,
    /// Number of the entry to look at next; 0 is the end of the chain.
    pub(crate) next: u32,
    /// How many entries the walk has come by.
    pub(crate) seen: u32,
    /// The table's version when the walk began.
    pub(crate) version: u64,
}

impl Cursor {
    /// The table's version when the walk began. While [`Table::version`](crate::Table::version) is the same, every index that
    /// the walk has yielded still names the same pair.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// What a step along a chain came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The pair at this index has the hash that is looked for. Whether its key is equal, only the caller can tell.
    Candidate(usize),
    /// The chain has ended: the key is not in the table.
    End,
    /// The table is no longer the one in which the walk began. Nothing was looked at.
    Moved,
}
