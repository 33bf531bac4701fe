//! Tables inside tables inside tables.
//!
//! Releasing the outermost releases the next from inside its own `tp_dealloc`, and so on, a few stack frames for each,
//! until there is no stack left. CPython's containers avoid that with its *trashcan*, whose macros differ from version
//! to version. The idea is small enough to be written here: beyond a certain depth a table is not taken apart but put
//! on a waiting list, and the outermost `tp_dealloc` works through the list.

use crate::object::HashTable;
use crate::type_object::is_plain_hash_table;
use core::cell::Cell;
use core::ptr;

/// How many tables may be taken apart inside one another.
const DEEPEST: usize = 50;

thread_local! {
    /// How many are being taken apart on this thread right now.
    pub(crate) static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The first table of the waiting list; each has the next in its `weakreflist`, which it no longer needs.
    pub(crate) static WAITING: Cell<*mut HashTable> = const { Cell::new(ptr::null_mut()) };
}

/// Calls `take_apart` with the table, or puts the table on the waiting list.
///
/// # Safety
/// Nobody refers to the table any more, and `take_apart` may be called with it.
pub(crate) unsafe fn without_deep_recursion(table: *mut HashTable, take_apart: unsafe fn(*mut HashTable)) {
    // SAFETY: the table is the caller's to take apart. One of a subclass is not put on the list: its class does its own
    // part after this returns, and may be gone by the time the list is worked through. (CPython's own trashcan does for
    // those.)
    unsafe {
        let depth = DEPTH.get();
        if depth >= DEEPEST && is_plain_hash_table(table.cast()) {
            (*table).weakreflist = WAITING.replace(table).cast();
            return;
        }
        DEPTH.set(depth + 1);
        take_apart(table);
        while depth == 0 && !WAITING.get().is_null() {
            let next = WAITING.get();
            WAITING.set((*next).weakreflist.cast());
            take_apart(next);
        }
        DEPTH.set(depth);
    }
}
