//! The CPython extension module `hashtable`, written by hand.
//!
//! Python code stands on this layer, and this layer on the library in `src/core`. It does what every extension does: it
//! describes a type to the interpreter, and it translates between Python's world, where everything is a counted
//! reference to an object, and the library's, where a key is a thing with a hash.
//!
//! # A map
//!
//! Each file uses only what stands below it, in this list and in nothing else. (A test reads the list, and every
//! `use`.)
//!
//! ```text
//! lib.rs                where `import hashtable` arrives
//! module.rs             the module, and how it is made
//! contents.rs           the functions of the module
//! type_object.rs        the types, slot by slot: which function answers to what
//! attributes.rs         what a table has by name: methods and attributes
//!
//! slots/                what a table answers: each function is called by CPython
//!     picture.rs            repr(h), f"{h:full}": what a table looks like
//!     pickling.rs           copies: copy(), the modules copy and pickle
//!     operators.rs          ==, |, |=
//!     update.rs             many pairs at once: update(), fromkeys()
//!     methods.rs            the methods
//!     mapping.rs            h[k], h[k] = v, del h[k], k in h, len(h)
//! views/                the objects that look at a table, and their types
//!     sets.rs               views as sets: &, |, -, ^, <=
//!     view.rs               keys(), values(), items()
//!     iterators.rs          walking through a table
//! table/                what a table does
//!     lifetime.rs           how a table comes and goes: tp_new, tp_init, tp_traverse, tp_clear, tp_dealloc
//!     trashcan.rs           tables inside tables inside tables
//!     arguments.rs          what HashTable(...) accepts
//!     snapshot.rs           a table as it was at one moment
//!     making.rs             tables that are made without a call of the class
//!     pairs.rs              reading and writing one pair
//!     lookup.rs             from a hash to a place in the table, while anything may happen
//!     hashing.rs            from a key to its hash: the call back into Python
//! fast/                 the same in less time, where Python need not be asked
//!     same_pairs.rs         tables that can be seen to be equal
//!     at_once.rs            one pair at once, where there is no GIL
//!     filling.rs            many pairs put into a table
//!     batch.rs              many lookups at once
//!     equality.rs           keys that can be seen to be equal
//!     hash_at_hand.rs       keys that have their hash at hand
//!     tuples.rs             the tuple that an iterator yields, used again
//!
//! object.rs             the object: its memory, and the references in it
//! state.rs              what every interpreter has for itself
//! errors.rs             the edge between Rust's results and C's NULL and -1
//! announce.rs           what the traced build says
//! ffi/                  the one door to CPython's C API, and the words for who owns what
//! ```
//!
//! Only *addresses* are needed against the order, those of the types and of the module's definition. Code that makes a
//! table, or asks whether an object is one, must name the type, and the type names all that a table can do. In C one
//! writes a forward declaration at the top of the file, `static PyTypeObject HashTable_Type;`. Here the types' file has
//! functions that return an address, or compare with one, and do nothing else.
//!
//! Read `ffi/mod.rs` for the words, then `object.rs`, `table/pairs.rs` and `slots/methods.rs`.
//!
//! # What makes the `unsafe` blocks sound
//!
//! Four facts are behind nearly all of them. They hold for the whole crate, and the `SAFETY` comments refer to them in
//! these words.
//!
//! * **The right object.** CPython calls a slot or a method with an object of the type in which the function stands, or
//!   of a subclass: it found the function through the object's type, and a method's descriptor refuses other objects.
//!   So the cast of `op` to the type's struct is right. The fields are written before `tp_new` returns, and before the
//!   garbage collector can see the object.
//! * **Kept for the call.** The caller owns a reference to every object that it passes, the interpreter in its own
//!   frame, and gives none of them back before the function has returned. So `op` and the arguments stay alive to the
//!   end of the call, whatever code runs meanwhile. That does not hold for what is *in* them.
//! * **Owned by the table.** Each key and value in a table is a reference of the table's. So what is read out of a
//!   table is alive, until something takes it out. Only Python code could, or a function here that does it by name.
//! * **No borrow outlives its line.** A table is reached through a raw pointer, `(*table).pairs.…`. The Rust reference
//!   that such an expression makes ends with it, and none is alive when Python code runs. So there are never two.
//!
//! Besides, the thread is attached to the interpreter whenever code here runs: CPython calls nothing otherwise, and
//! nothing here detaches it. With the GIL that makes it the only one. Without it, every function that looks into a table
//! is *alone with the table* (`entry_alone`, `alone`): a critical section keeps the other threads out, until Python code
//! runs or a reference is released. `ffi/critical_section.rs` has the rules.
//!
//! # Where Python code can run
//!
//! At each of these points control leaves this crate, and when it comes back the table may have been read, changed,
//! emptied, initialized again, or be about to be freed. The points are marked with their number in the source, and
//! `tests/hostile/test_reentrancy_*.py` have a test for each. Other threads may use the table at these points too. Without
//! the GIL they may also do so at every `Py_DECREF` that is not marked, and code that relies on the table after one looks
//! at its version again.
//!
//! 1. `[R1]` The hash function is called. (table/hashing.rs)
//! 2. `[R2]` The builtin `hash` calls the key's `__hash__`; the long picture asks for hashes again.
//!    (slots/picture.rs, table/hashing.rs)
//! 3. `[R3]` Two keys are compared: `__eq__`, and `__bool__` of what it answers. (table/lookup.rs)
//! 4. `[R4]` The reference to the compared key is given back, and it was the last one: `__del__`. (table/lookup.rs)
//! 5. `[R5]` An overwritten value is released. (fast/at_once.rs, fast/filling.rs, table/pairs.rs)
//! 6. `[R6]` The key of a removed pair is released, and with `del` its value. (slots/mapping.rs, table/pairs.rs)
//! 7. `[R7]` The pairs of an emptied table are released, or those of a snapshot.
//!    (object.rs, slots/pickling.rs, table/snapshot.rs)
//! 8. `[R8]` Parameters are read: `__float__` of `max_load`, `__bool__` of `typed`.
//!    (slots/pickling.rs, table/arguments.rs, table/lifetime.rs)
//! 9. `[R9]` A hash function is released: one that was replaced, or the one that was just called.
//!    (table/hashing.rs, table/lifetime.rs)
//! 10. `[R10]` An object is allocated that the garbage collector tracks, which may start a collection: iterators,
//!     views, tuples, lists, tables.
//! 11. `[R11]` A table is freed: the callbacks of weak references to it. (table/lifetime.rs)
//! 12. `[R12]` The source of an update is read: `keys`, `__iter__`, `__next__`, `__getitem__`; and what it yielded is
//!     released.
//!     (ffi/idioms.rs, slots/update.rs)
//! 13. `[R13]` Two values are compared, for `==` and for `in` on items; and what was compared is released.
//!     (slots/operators.rs, views/view.rs)
//! 14. `[R14]` A `repr` of keys, values or the hash function. (slots/picture.rs, views/view.rs)
//! 15. `[R15]` `__missing__` of a subclass. (slots/mapping.rs)
//! 16. `[R16]` What the hash function returned is released: it may be of a subclass of int. (table/hashing.rs)
//! 17. `[R17]` An exhausted iterator releases its table. (views/iterators.rs)
//! 18. `[R18]` `fromkeys` calls the class. (slots/update.rs)
//! 19. `[R19]` Copies import a module, and read and write attributes of a subclass.
//!     (slots/pickling.rs, views/iterators.rs)
//! 20. `[R20]` In the traced build, an announcement is printed: `sys.stdout` may be anything. (announce.rs)
//! 21. `[R21]` The other operand of a set operation on a view: `__iter__`, `__next__`, `__len__`, `__contains__`.
//!     (views/sets.rs)
//! 22. `[R22]` An iterator over items releases the tuple that it yielded last, or what was in it.
//!     (fast/tuples.rs, views/iterators.rs)

// The C API's names are spelled as in C.
#![allow(non_snake_case, non_upper_case_globals)]
// A crate of entry points for CPython, which are called from C.
#![deny(clippy::undocumented_unsafe_blocks)]

/// The full name of a type: that of the module, a dot, and its own. (`pickle` looks for a type where its name says.)
macro_rules! name_in_module {
    ($name:literal) => {
        if cfg!(feature = "trace") {
            concat!("hashtable_traced.", $name, "\0").as_ptr().cast()
        } else {
            concat!("hashtable.", $name, "\0").as_ptr().cast()
        }
    };
}

#[macro_use]
mod announce;
mod attributes;
mod contents;
mod errors;
mod fast;
mod ffi;
mod module;
mod object;
mod slots;
mod state;
mod table;
mod type_object;
mod views;

use errors::entry;
use ffi::*;

/// Where `import hashtable` arrives: the interpreter loads the shared object and calls the function of this name.
/// Returns a new reference to the module, or NULL with an exception set.
///
/// # Safety
/// Called by CPython, with the GIL held.
#[cfg_attr(not(feature = "trace"), unsafe(export_name = "PyInit_hashtable"))]
#[cfg_attr(feature = "trace", unsafe(export_name = "PyInit_hashtable_traced"))]
pub unsafe extern "C" fn PyInit_hashtable() -> *mut PyObject {
    errors::keep_panics_quiet();
    entry(|| {
        // SAFETY: CPython calls this when the module is imported, with the thread attached. What it needs is static, or
        // made here. The module is ours until it is returned, or given back if it could not be filled.
        unsafe {
            every_reference_is_entered();
            #[cfg(feature = "trace")]
            announce::tell_the_replay();
            module::make_types_ready()?;
            let module = new_reference(PyModule_Create(module::definition()))?;
            let filled = needs_no_gil(module).and_then(|()| module::fill(module));
            give(or_give_back(module, filled)?)
        }
    })
}
