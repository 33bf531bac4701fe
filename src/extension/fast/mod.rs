//! The fast ways: all that is here only to save time.
//!
//! Without this folder everything would work, and look the same from outside. That is also the rule for what may be in
//! it. A fast way
//!
//! * **gives the answer that the long way would give.** Where it cannot, it returns None, or how far it came, and the
//!   long way goes on from there;
//! * **runs no Python code**, by itself or through a `Py_DECREF` of something that might be the last of its kind. So
//!   whatever it borrows stays alive, and what it has seen of a table stays true, until it returns. Where the last step
//!   of a fast way releases a reference, that is documented, and nothing is relied on after it;
//! * **accounts for every reference as the long way does.** It takes and gives back references through the same
//!   functions, so the ledger judges it too.
//!
//! Each of them has paid for itself: `make bench-instructions` counts the instructions.

pub(crate) mod at_once;
pub(crate) mod batch;
pub(crate) mod equality;
pub(crate) mod filling;
pub(crate) mod hash_at_hand;
pub(crate) mod same_pairs;
pub(crate) mod tuples;
