//! A chained hash table whose insides can be looked at.
//!
//! This is the bottom of three layers: Python code stands on the extension, and the extension stands on this library.
//! The library knows nothing of Python, and there are two things that it never does by itself:
//!
//! * **It never hashes.** The caller passes the hash of a key, and may compute it in any way.
//! * **It never compares.** Two keys are equal if the caller says so, and the caller's comparison may fail.
//!
//! # The picture
//!
//! ```text
//!   hash mod 4     buckets            entries, in insertion order
//!                 +---+              +---+------+------+-----+-------+
//!        0        | 0 |   none     1 | hash  7 | next 0 | key | value |
//!        1        | 0 |   none     2 | hash  2 | next 0 | key | value |
//!        2        | 2 | ---------> 3 | hash 11 | next 1 | key | value | ---+
//!        3        | 3 | ---+         +---+------+------+-----+-------+    |
//!                 +---+    |         ^                 ^                   |
//!                          +---------+                 +----- entry 1 <----+
//! ```
//!
//! A *bucket* is a linked list, its *chain*. The list is not made of separately allocated nodes: a bucket holds the
//! number of an entry, an entry holds the number of the next one, and 0 means "no more". Numbers begin at 1, so that
//! memory full of zeros is an empty table.
//!
//! A new pair goes to the front of its chain and to the end of the entries. So a chain always leads from newer entries
//! to older ones, each number in it smaller than the one before: no chain can be a circle.
//!
//! # A table in use
//!
//! ```
//! use hashtable_core::{Table, poor_hash};
//!
//! let mut table = Table::new(4, 0.5)?;
//! for word in ["hash", "table", "hash"] {
//!     let hash = poor_hash::of_text_length(word.len());
//!     let found = table.find(hash, |key: &&str| Ok::<_, hashtable_core::NoRoom>(*key == word))?;
//!     match found {
//!         Some(at) => *table.value_mut(at) += 1,
//!         None => {
//!             table.make_room()?.add(hash, word, 1);
//!         }
//!     }
//! }
//! assert_eq!(table.iter().collect::<Vec<_>>(), [(&"hash", &2), (&"table", &1)]);
//! # Ok::<(), hashtable_core::NoRoom>(())
//! ```

#[macro_use]
pub mod announce;
mod arrays;
mod cursor;
pub mod mix;
pub mod poor_hash;
mod stats;
mod table;

#[cfg(feature = "trace")]
pub use arrays::fail_nth_allocation;
pub use arrays::{OutOfMemory, prefetch};
pub use cursor::{Cursor, MOST_RESTARTS, Step};
pub use stats::Stats;
pub use table::{Chain, NoRoom, Pairs, Room, Table};
