//! The functions that C calls, each in three steps: refuse bad pointers, read the items, call the table.
//!
//! # Safety
//!
//! What C promises, each function says in its section *Safety*; it is in the header, and nothing here can check it.
//! From it follow the four reasons that the comments below refer to:
//!
//! * *Not NULL, so valid*: a pointer is NULL or what the section says; `refuse_null` has excluded the former.
//! * *Items are read whole*: `Asked::read` excludes NULL itself, and reads strings during the call only.
//! * *The table lives* until the function returns: only `ht_free` ends it, and not while one of its callbacks runs.
//! * *A change is alone*: while a function that changes the table runs, no other thread uses it; a look-up waiting for
//!   its callback holds no reference to it.

use crate::table::{Asked, ht_table};
use crate::types::*;
use core::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function that C called, and makes a panic a code: no panic may unwind into C.
fn guarded(body: impl FnOnce() -> Result<(), ht_status>) -> ht_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => HT_OK,
        Ok(Err(code)) => code,
        Err(_) => HT_INTERNAL,
    }
}

fn refuse_null<T>(pointer: *const T) -> Result<(), ht_status> {
    if pointer.is_null() { Err(HT_NULL) } else { Ok(()) }
}

/// Writes a result, unless the caller does not want it.
///
/// # Safety
/// `pointer` is NULL or can be written to.
unsafe fn write_if_wanted<T>(pointer: *mut T, answer: T) {
    if !pointer.is_null() {
        // SAFETY: not NULL, so valid for a write.
        unsafe { pointer.write(answer) }
    }
}

// ---- items ---------------------------------------------------------------------------------------------------------

/// An item for an integer.
///
/// # Errors
/// None.
///
/// # Ownership
/// The item is a value: there is nothing to free.
///
/// # Threads
/// Any.
#[unsafe(no_mangle)]
pub extern "C" fn ht_int(value: i64) -> ht_item {
    ht_item { kind: HT_INT, data: ht_data { integer: value } }
}

/// An item for a double.
///
/// # Errors
/// None.
///
/// # Ownership
/// The item is a value: there is nothing to free.
///
/// # Threads
/// Any.
#[unsafe(no_mangle)]
pub extern "C" fn ht_float(value: f64) -> ht_item {
    ht_item { kind: HT_FLOAT, data: ht_data { real: value } }
}

/// An item for a string of `length` bytes that begins at `bytes`.
///
/// # Errors
/// None here: the string is looked at by the function that the item is passed to.
///
/// # Ownership
/// The item points to your string and owns nothing. A table that it is put into makes a copy.
///
/// # Threads
/// Any.
#[unsafe(no_mangle)]
pub extern "C" fn ht_string(bytes: *const c_char, length: usize) -> ht_item {
    ht_item { kind: HT_STRING, data: ht_data { text: ht_text { bytes, length } } }
}

/// An item for an address. NULL is an address like any other.
///
/// # Errors
/// None.
///
/// # Ownership
/// What lies at the address stays yours: no table copies it, looks at it or frees it.
///
/// # Threads
/// Any.
#[unsafe(no_mangle)]
pub extern "C" fn ht_pointer(address: *mut c_void) -> ht_item {
    ht_item { kind: HT_POINTER, data: ht_data { pointer: address } }
}

/// The library's default hash of a key, written to `*hash`: an integer is its own hash, a double's is its floor, a
/// string's is the number of its characters. That is poor on purpose; pass a better one to the functions that end in
/// `_hashed`.
///
/// # Errors
/// HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8; HT_NO_HASH for a pointer, a nan and a double whose floor needs more
/// than 64 bits.
///
/// # Ownership
/// `key` is only read, during the call.
///
/// # Threads
/// Any.
///
/// # Safety
/// `key` points to an item, `hash` to where an int64_t can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_hash(key: *const ht_item, hash: *mut i64) -> ht_status {
    guarded(|| {
        refuse_null(hash)?;
        // SAFETY: `hash` is not NULL, so valid. Items are read whole.
        unsafe {
            *hash = Asked::read(key)?.default_hash()?;
        }
        Ok(())
    })
}

// ---- making and freeing --------------------------------------------------------------------------------------------

/// Makes an empty table of `size` buckets, written to `*table`. When a new pair would make load / size exceed
/// `max_load`, the number of buckets doubles.
///
/// # Errors
/// HT_NULL; HT_BAD_SIZE if `size` is 0; HT_BAD_MAX_LOAD if `max_load` is a nan or not within 0 < max_load <= 1;
/// HT_NO_MEMORY.
///
/// # Ownership
/// The table is yours, to be given back with `ht_free`.
///
/// # Threads
/// Any.
///
/// # Safety
/// `table` points to where a pointer can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_new(size: usize, max_load: f64, table: *mut *mut ht_table) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        let made = ht_table::allocate(size, max_load, None, core::ptr::null_mut())?;
        // SAFETY: `table` is not NULL, so a pointer can be written there.
        unsafe { table.write(made) };
        Ok(())
    })
}

/// As `ht_new`, for a table that asks `equal` whether two HT_POINTER keys at different addresses are equal, and passes
/// it `context`. (In a table made by `ht_new` they are not.) Such keys have no default hash: use the functions that end
/// in `_hashed`, and give equal keys equal hashes.
///
/// # Errors
/// Those of `ht_new`; HT_NULL also if `equal` is. `context` may be NULL.
///
/// # Ownership
/// The table is yours, to be given back with `ht_free`. `context`, and whatever the keys point to, stays yours, and
/// must live as long as the table may ask about it.
///
/// # Threads
/// Any. `equal` is called in the thread that looks a key up.
///
/// # Safety
/// `table` points to where a pointer can be written. `equal` can be called with `context` and any two keys as long as
/// the table lives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_new_with_equal(
    size: usize,
    max_load: f64,
    equal: ht_equal,
    context: *mut c_void,
    table: *mut *mut ht_table,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        if equal.is_none() {
            return Err(HT_NULL);
        }
        let made = ht_table::allocate(size, max_load, equal, context)?;
        // SAFETY: `table` is not NULL, so a pointer can be written there.
        unsafe { table.write(made) };
        Ok(())
    })
}

/// Frees a table. NULL is a table that is freed already.
///
/// # Errors
/// HT_BUSY if called by the table's own equality callback; the table lives on.
///
/// # Ownership
/// Takes the table back, and with it every string that it lent. Whatever HT_POINTER keys and values point to stays
/// yours: iterate first if it is to be freed. Using a freed table, or freeing it twice, is not detected, and anything
/// may happen then.
///
/// # Threads
/// One at a time, and nobody else may be using the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_free(table: *mut ht_table) -> ht_status {
    guarded(|| {
        if table.is_null() {
            return Ok(());
        }
        // SAFETY: not NULL, so a table that `allocate` made and that has not been freed. The header forbids its use
        // after this succeeds.
        unsafe { ht_table::free(table) }
    })
}

// ---- adding, looking up, removing ----------------------------------------------------------------------------------

/// Adds a pair, or overwrites the value if an equal key is there (which then keeps its place in the order, and stays
/// the key). Uses the key's default hash. The value that was overwritten is written to `*old`, an item of kind HT_NONE
/// if there was none; `old` may be NULL.
///
/// # Errors
/// HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_HASH, HT_NO_MEMORY. The table is then as it was.
///
/// # Ownership
/// The table copies key and value, strings included. `*old` is lent until the next change.
///
/// # Threads
/// A change: nobody else may be using the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed. `key` and `value` are NULL or point to items; `old` is NULL or
/// can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_set(
    table: *mut ht_table,
    key: *const ht_item,
    value: *const ht_item,
    old: *mut ht_item,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        // SAFETY: the table is not NULL, so it lives, and nothing is borrowed from it here. Items are read whole. A
        // change is alone. `old` is NULL or valid.
        unsafe {
            let key = Asked::read(key)?;
            let before = ht_table::set(table, key.default_hash()?, key, Asked::read(value)?)?;
            write_if_wanted(old, before);
        }
        Ok(())
    })
}

/// As `ht_set`, with a hash of your own. Equal keys must be given equal hashes; keys that are not are merely not found.
///
/// # Errors
/// HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_MEMORY; with an equality callback also HT_CHANGED,
/// HT_BAD_ANSWER and every negative number that it answers with. The table is then as it was, but for what the callback
/// did.
///
/// # Ownership
/// The table copies key and value, strings included; what an HT_POINTER points to stays yours. `*old` is lent until the
/// next change.
///
/// # Threads
/// A change: nobody else may be using the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed. `key` and `value` are NULL or point to items; `old` is NULL or
/// can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_set_hashed(
    table: *mut ht_table,
    hash: i64,
    key: *const ht_item,
    value: *const ht_item,
    old: *mut ht_item,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        // SAFETY: the table is not NULL, so it lives; `read` checks the items, and `old` is NULL or valid.
        unsafe {
            let before = ht_table::set(table, hash, Asked::read(key)?, Asked::read(value)?)?;
            write_if_wanted(old, before);
        }
        Ok(())
    })
}

/// Looks a key up by its default hash, and writes its value to `*value`.
///
/// # Errors
/// HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_HASH. Nothing is written then.
///
/// # Ownership
/// `key` is only read, during the call. `*value` is lent until the next change.
///
/// # Threads
/// Any number at once, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `value` is NULL or can be
/// written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_get(table: *const ht_table, key: *const ht_item, value: *mut ht_item) -> ht_status {
    guarded(|| {
        // SAFETY: items are read whole; `get` checks the other two.
        unsafe {
            let key = Asked::read(key)?;
            get(table, key.default_hash()?, key, value)
        }
    })
}

/// As `ht_get`, with a hash of your own: the one that the key was added with.
///
/// # Errors
/// HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8; with an equality callback also HT_CHANGED,
/// HT_BAD_ANSWER and every negative number that it answers with. Nothing is written then.
///
/// # Ownership
/// `key` is only read, during the call. `*value` is lent until the next change.
///
/// # Threads
/// Any number at once, as long as nobody changes the table, the equality callback included.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `value` is NULL or can be
/// written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_get_hashed(
    table: *const ht_table,
    hash: i64,
    key: *const ht_item,
    value: *mut ht_item,
) -> ht_status {
    // SAFETY: items are read whole; `get` checks the other two.
    guarded(|| unsafe { get(table, hash, Asked::read(key)?, value) })
}

/// What both look-ups do.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `value` is NULL or can be written to.
unsafe fn get(table: *const ht_table, hash: i64, key: Asked, value: *mut ht_item) -> Result<(), ht_status> {
    refuse_null(table)?;
    refuse_null(value)?;
    // SAFETY: neither is NULL, so the table lives and `value` can be written to. Nothing is borrowed during the look-up.
    // The index is of this version: nothing has run since it was found.
    unsafe {
        let at = ht_table::look_up(table, hash, &key)?.ok_or(HT_NOT_FOUND)?;
        value.write((*table).pairs.value(at).lend());
    }
    Ok(())
}

/// Removes a key, looked up by its default hash, and its value. Key and value, as they were in the table, are written
/// to `*old_key` and `*old_value`; either may be NULL. The number of buckets stays.
///
/// # Errors
/// HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_HASH. The table is then as it was, and nothing
/// is written.
///
/// # Ownership
/// `key` is only read, during the call. `*old_key` and `*old_value` are lent until the next change.
///
/// # Threads
/// A change: nobody else may be using the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `old_key` and `old_value`
/// are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_remove(
    table: *mut ht_table,
    key: *const ht_item,
    old_key: *mut ht_item,
    old_value: *mut ht_item,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        // SAFETY: as in `ht_set`; both results are NULL or valid.
        unsafe {
            let key = Asked::read(key)?;
            let removed = ht_table::remove(table, key.default_hash()?, key)?;
            write_if_wanted(old_key, removed.0);
            write_if_wanted(old_value, removed.1);
        }
        Ok(())
    })
}

/// As `ht_remove`, with a hash of your own: the one that the key was added with.
///
/// # Errors
/// HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8; with an equality callback also HT_CHANGED,
/// HT_BAD_ANSWER and every negative number that it answers with. The table is then as it was, but for what the callback
/// did, and nothing is written.
///
/// # Ownership
/// `key` is only read, during the call. `*old_key` and `*old_value` are lent until the next change; what an HT_POINTER
/// points to is and stays yours, and this is the moment to free it.
///
/// # Threads
/// A change: nobody else may be using the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `old_key` and `old_value`
/// are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_remove_hashed(
    table: *mut ht_table,
    hash: i64,
    key: *const ht_item,
    old_key: *mut ht_item,
    old_value: *mut ht_item,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        // SAFETY: the table is not NULL, so it lives; `read` checks the key, and both results are NULL or valid.
        unsafe {
            let removed = ht_table::remove(table, hash, Asked::read(key)?)?;
            write_if_wanted(old_key, removed.0);
            write_if_wanted(old_value, removed.1);
        }
        Ok(())
    })
}

/// Removes everything. The table goes back to the size that it was made with.
///
/// # Errors
/// HT_NULL.
///
/// # Ownership
/// The copies of all strings are freed. Whatever HT_POINTER keys and values point to stays yours: iterate first if it
/// is to be freed.
///
/// # Threads
/// A change: nobody else may be using the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_clear(table: *mut ht_table) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        // SAFETY: not NULL, so the table lives. A change is alone, so the reference that `clear` takes is the only one.
        unsafe { (*table).clear() };
        Ok(())
    })
}

// ---- looking at it all ---------------------------------------------------------------------------------------------

/// Goes on to the next pair, in the order in which the keys were added, and writes it to `*key` and `*value`; either
/// may be NULL. Begin with a place of all zeros; once it has answered HT_END, it goes on doing so until pairs come or
/// go.
///
/// # Errors
/// HT_END behind the last pair; HT_NULL; HT_CHANGED if pairs came or went since the beginning (overwriting a value is
/// no such change). Nothing is written then.
///
/// # Ownership
/// The place is yours, and there is nothing to free. `*key` and `*value` are lent until the next change.
///
/// # Threads
/// Any number at once, each with a place of its own, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `place` is NULL or points to a place; `key` and `value` are NULL
/// or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_next(
    table: *const ht_table,
    place: *mut ht_place,
    key: *mut ht_item,
    value: *mut ht_item,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        refuse_null(place)?;
        // SAFETY: the table and the place are not NULL, so valid; key and value are NULL or valid. No callback runs, so
        // the borrow of the table may last. A place may hold any numbers: a wrong one lies behind the last pair.
        unsafe {
            let pairs = &(*table).pairs;
            let mut here = *place;
            if here.next == 0 {
                here.version = pairs.version();
            }
            if here.version != pairs.version() {
                return Err(HT_CHANGED);
            }
            let at = pairs.next_pair(here.next).ok_or(HT_END)?;
            here.next = at + 1;
            *place = here;
            write_if_wanted(key, pairs.key(at).lend());
            write_if_wanted(value, pairs.value(at).lend());
        }
        Ok(())
    })
}

/// Writes the number of buckets to `*size`.
///
/// # Errors
/// HT_NULL.
///
/// # Ownership
/// Nothing changes hands.
///
/// # Threads
/// Any number at once, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `size` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_size(table: *const ht_table, size: *mut usize) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        refuse_null(size)?;
        // SAFETY: neither is NULL, so the table lives and the result can be written.
        unsafe { *size = (*table).pairs.size() };
        Ok(())
    })
}

/// Writes the number of pairs to `*load`.
///
/// # Errors
/// HT_NULL.
///
/// # Ownership
/// Nothing changes hands.
///
/// # Threads
/// Any number at once, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `load` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_load(table: *const ht_table, load: *mut usize) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        refuse_null(load)?;
        // SAFETY: neither is NULL, so the table lives and the result can be written.
        unsafe { *load = (*table).pairs.load() };
        Ok(())
    })
}

/// Writes the maximum load that the table was made with to `*max_load`.
///
/// # Errors
/// HT_NULL.
///
/// # Ownership
/// Nothing changes hands.
///
/// # Threads
/// Any number at once, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `max_load` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_max_load(table: *const ht_table, max_load: *mut f64) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        refuse_null(max_load)?;
        // SAFETY: neither is NULL, so the table lives and the result can be written.
        unsafe { *max_load = (*table).pairs.max_load() };
        Ok(())
    })
}

/// Draws the table into `buffer`: for each bucket a line of `[]` and one `*` for each pair in it. As with snprintf, no
/// more than `capacity` bytes are written, a NUL at the end included, and `*needed` is the length of the whole picture
/// without that NUL. To learn the length alone, pass NULL and 0.
///
/// # Errors
/// HT_TOO_SMALL if `capacity` is neither 0 nor enough: the buffer then holds the beginning of the picture, and
/// `*needed` is written; HT_NULL if `table` or `needed` is, or if `buffer` is and `capacity` is not 0.
///
/// # Ownership
/// The buffer is yours. It may have been anything before.
///
/// # Threads
/// Any number at once, each with a buffer of its own, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `buffer` is NULL or `capacity` bytes can be written there;
/// `needed` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_picture(
    table: *const ht_table,
    buffer: *mut c_char,
    capacity: usize,
    needed: *mut usize,
) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        refuse_null(needed)?;
        if capacity > 0 {
            refuse_null(buffer)?;
        }
        // SAFETY: the table and `needed` are not NULL, so valid. The buffer is valid for `capacity` bytes, and `end`
        // stays below `room`, which is one less: nothing is written at or beyond `capacity`.
        unsafe {
            let pairs = &(*table).pairs;
            // "[]" and "\n" for each bucket. The sum cannot overflow, since each bucket takes four bytes of memory.
            let length = pairs.size().saturating_mul(3).saturating_add(pairs.load());
            *needed = length;
            let Some(room) = capacity.checked_sub(1) else {
                return Ok(());
            };
            let stars = |bucket| core::iter::repeat_n(b'*', pairs.chain(bucket).count());
            let lines = (0..pairs.size()).flat_map(|bucket| b"[]".iter().copied().chain(stars(bucket)).chain([b'\n']));
            let mut end = 0;
            for character in lines.take(room) {
                buffer.add(end).write(character as c_char);
                end += 1;
            }
            buffer.add(end).write(0);
            if room < length { Err(HT_TOO_SMALL) } else { Ok(()) }
        }
    })
}

/// Writes figures about the table to `*stats`. Walks the whole table.
///
/// # Errors
/// HT_NULL.
///
/// # Ownership
/// Nothing changes hands.
///
/// # Threads
/// Any number at once, as long as nobody changes the table.
///
/// # Safety
/// `table` is NULL or a table that has not been freed; `stats` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ht_statistics(table: *const ht_table, stats: *mut ht_stats) -> ht_status {
    guarded(|| {
        refuse_null(table)?;
        refuse_null(stats)?;
        // SAFETY: neither is NULL, so the table lives and the result can be written.
        unsafe { *stats = (*table).stats() };
        Ok(())
    })
}

/// What a code means, in words, in English. Any number will do.
///
/// # Errors
/// None: never NULL.
///
/// # Ownership
/// The text is a constant, ended by a NUL; not to be freed.
///
/// # Threads
/// Any.
#[unsafe(no_mangle)]
pub extern "C" fn ht_error_message(code: ht_status) -> *const c_char {
    message(code).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_code() {
        assert_eq!(guarded(|| panic!("on purpose, for the test")), HT_INTERNAL);
        assert_eq!(guarded(|| Err(HT_NOT_UTF8)), HT_NOT_UTF8);
        assert_eq!(guarded(|| Ok(())), HT_OK);
    }
}
