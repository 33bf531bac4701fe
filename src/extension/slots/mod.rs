//! What a table answers: the slots and methods of the type `HashTable`, each of them called by CPython.

pub(crate) mod mapping;
pub(crate) mod methods;
pub(crate) mod operators;
pub(crate) mod pickling;
pub(crate) mod picture;
pub(crate) mod update;
