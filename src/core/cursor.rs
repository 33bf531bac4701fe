//! A place in a chain that borrows nothing.
//!
//! Looking up a key means comparing it with the keys of a chain, and a comparison may run any code: in Python, `==` may
//! be a user's method, and that method may add to the table, empty it or drop it. No Rust reference into the table may
//! be alive while that happens. So a lookup is not a loop inside the library but a walk that the caller takes, step by
//! step, with a cursor, which is nothing but four numbers:
//!
//! ```text
//! cursor = table.walk(hash)
//! loop:
//!     match table.step(cursor):
//!         Candidate(at) -> copy the key out, end the borrow of the table, compare;
//!                          equal? and table.version() == cursor.version()? then it is found at `at`
//!         End           -> the key is not in the table
//!         Moved         -> the table changed since the walk began: start again
//! ```

/// How often a lookup starts again because the table changed during it, before the caller gives up. A table that is
/// merely busy settles long before.
pub const MOST_RESTARTS: usize = 1000;

/// A place in a chain. Whatever happens to the table, a step with it is safe: [`Step::Moved`] is the worst result.
#[derive(Clone, Copy, Debug)]
pub struct Cursor {
    /// The hash looked for.
    pub(crate) hash: i64,
    /// Number of the entry to look at next; 0 is the end of the chain.
    pub(crate) next: u32,
    /// How many entries the walk has visited.
    pub(crate) seen: u32,
    /// The table's version when the walk began.
    pub(crate) version: u64,
}

impl Cursor {
    /// The table's version when the walk began. While [`Table::version`](crate::Table::version) is the same, every
    /// index that the walk has yielded still names the same pair.
    pub fn version(&self) -> u64 {
        self.version
    }
}

/// The result of a step along a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The pair at this index has the hash looked for. Only the caller can tell whether its key is equal.
    Candidate(usize),
    /// The chain has ended: the key is not in the table.
    End,
    /// The table has changed since the walk began. The step did nothing.
    Moved,
}
