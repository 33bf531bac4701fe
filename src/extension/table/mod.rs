//! What a table does, whatever it is asked by.

pub(crate) mod arguments;
pub(crate) mod hashing;
pub(crate) mod lifetime;
pub(crate) mod lookup;
pub(crate) mod making;
pub(crate) mod pairs;
pub(crate) mod snapshot;
pub(crate) mod trashcan;
