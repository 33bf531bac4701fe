//! The hash table behind a C ABI: what C, and everything that can call C, sees of the library.
//!
//! Rust's calling convention is private to Rust and may change with each compiler. C's is specified for every machine.
//! So a function that is to be called from other languages is `extern "C"`, keeps its name (`no_mangle`) and takes only
//! what C has: numbers, pointers, and structs laid out as in C (`repr(C)`). Three files:
//!
//! * `types.rs`: what is passed: the item (a tagged union), the codes, the place of an iteration, the statistics.
//! * `functions.rs`: the functions, each the same three steps: refuse bad pointers, read the items, call the table.
//! * `table.rs`: the table behind the pointer: the library's `Table`, the copies of strings, the equality callback.
//!
//! cbindgen generates `hashtable.h` from the first two, comments included, and a test fails if it is out of date.
//!
//! # What must hold at this border
//!
//! 1. **Nothing unwinds into C.** Each function that could panic runs inside `guarded`, which makes a panic
//!    HT_INTERNAL.
//! 2. **Bad input is an error code, not a crash.** What can be detected is refused; what cannot (a freed table, a wrong
//!    length) is named in the header.
//! 3. **No reference into the table lives while a callback runs.** The callback may do anything with the table but free
//!    it, and that is refused. A look-up copies the pointer to be compared, ends its borrow of the table, calls, and
//!    then checks the table's version.
//! 4. **What is lent lives until the next change.** A pair that was removed, or a value that was overwritten, is kept
//!    in the table until then.

mod functions;
mod table;
mod types;

pub use functions::*;
pub use table::ht_table;
pub use types::*;
