//! The objects that look at a table: iterators and views. Each file ends with the type objects that belong to it.

pub(crate) mod iterators;
pub(crate) mod sets;
pub(crate) mod view;
