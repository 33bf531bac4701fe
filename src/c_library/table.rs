//! The table behind the pointer that C holds.
//!
//! Two kinds of item meet here. An [`Asked`] is an argument: read from C, checked, its string still the caller's. An
//! [`Item`] is what lies in the table: its string is a copy.
//!
//! # Safety
//!
//! A look-up may call the equality callback, and that may call any function on this table but `ht_free` (HT_BUSY). So
//! the functions that look something up take the table as a raw pointer, `this`, and two facts make every use of it
//! sound:
//!
//! * *The table lives.* C has passed a table that is not freed, and while a callback runs `free` refuses to free it.
//! * *No reference into it is held.* Each expression that borrows from `*this` ends before the callback is called.
//!
//! Comments below say "the table lives" and "nothing is borrowed" for these.

use crate::types::*;
use core::ffi::c_void;
use core::sync::atomic::{AtomicUsize, Ordering};
use hashtable_core::{MOST_RESTARTS, NoRoom, OutOfMemory, Step, Table, poor_hash};
use std::alloc::{Layout, alloc};

/// A hash table. Made by `ht_new`, freed by `ht_free`; what is in it is private.
#[allow(non_camel_case_types)]
pub struct ht_table {
    pub(crate) pairs: Table<Item, Item>,
    equal: ht_equal,
    context: *mut c_void,
    /// How many calls of `equal` have not returned yet. Atomic, because several threads may look up at the same time.
    asking: AtomicUsize,
    /// What the last change took out of the table. C may use its strings until the next change.
    taken_out: (Option<Item>, Option<Item>),
}

/// An item in the table, or on its way in or out.
pub(crate) enum Item {
    Int(i64),
    Float(f64),
    Text(Text),
    Pointer(*mut c_void),
}

/// A copy of a string, NUL-terminated for C.
pub(crate) struct Text(Vec<u8>);

impl Text {
    fn copy(text: &str) -> Result<Text, OutOfMemory> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(text.len() + 1).map_err(|_| OutOfMemory)?;
        copy.extend_from_slice(text.as_bytes());
        copy.push(0);
        Ok(Text(copy))
    }

    fn bytes(&self) -> &[u8] {
        &self.0[..self.0.len() - 1]
    }
}

impl Item {
    /// The item as C sees it. Its string is lent, not copied.
    pub(crate) fn lend(&self) -> ht_item {
        let (kind, data) = match self {
            Item::Int(integer) => (HT_INT, ht_data { integer: *integer }),
            Item::Float(real) => (HT_FLOAT, ht_data { real: *real }),
            Item::Pointer(pointer) => (HT_POINTER, ht_data { pointer: *pointer }),
            Item::Text(text) => {
                let text = ht_text { bytes: text.0.as_ptr().cast(), length: text.bytes().len() };
                (HT_STRING, ht_data { text })
            }
        };
        ht_item { kind, data }
    }

    /// Memory outside the table's arrays, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        if let Item::Text(text) = self { text.0.capacity() } else { 0 }
    }
}

/// What C is told where there is nothing.
fn lend(item: Option<&Item>) -> ht_item {
    // The widest member, so that every byte that C may look at has a value.
    let nothing = ht_text { bytes: core::ptr::null(), length: 0 };
    item.map_or(ht_item { kind: HT_NONE, data: ht_data { text: nothing } }, Item::lend)
}

/// An item that C passed.
pub(crate) enum Asked<'call> {
    Int(i64),
    Float(f64),
    Text(&'call str),
    Pointer(*mut c_void),
}

impl<'call> Asked<'call> {
    /// Reads an item.
    ///
    /// # Errors
    /// HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8.
    ///
    /// # Safety
    /// `item` is NULL or points to an item. If its kind is HT_STRING and `bytes` is not NULL, `length` bytes can be
    /// read there, and nobody writes to them during `'call`.
    pub(crate) unsafe fn read(item: *const ht_item) -> Result<Asked<'call>, ht_status> {
        if item.is_null() {
            return Err(HT_NULL);
        }
        // SAFETY: `item` is not NULL, so it points to an item. The union member that is read is the one that the kind
        // names, which is the one that C has written; for any other kind none is read. The slice: `bytes` is not NULL,
        // `length` bytes can be read there and do not change during `'call`, and `length` is less than isize::MAX.
        unsafe {
            let ht_item { kind, data } = *item;
            match kind {
                HT_INT => Ok(Asked::Int(data.integer)),
                HT_FLOAT => Ok(Asked::Float(data.real)),
                HT_POINTER => Ok(Asked::Pointer(data.pointer)),
                HT_STRING => match data.text {
                    ht_text { length: 0, .. } => Ok(Asked::Text("")),
                    ht_text { length, .. } if length >= isize::MAX as usize => Err(HT_TOO_LONG),
                    ht_text { bytes, .. } if bytes.is_null() => Err(HT_NULL),
                    ht_text { bytes, length } => {
                        let bytes = core::slice::from_raw_parts(bytes.cast(), length);
                        str::from_utf8(bytes).map(Asked::Text).map_err(|_| HT_NOT_UTF8)
                    }
                },
                _ => Err(HT_BAD_KIND),
            }
        }
    }

    /// The library's default hash.
    pub(crate) fn default_hash(&self) -> Result<i64, ht_status> {
        match self {
            Asked::Int(value) => Ok(poor_hash::of_int(*value)),
            Asked::Float(value) => poor_hash::of_float(*value).ok_or(HT_NO_HASH),
            Asked::Text(text) => Ok(poor_hash::of_text_length(text.chars().count())),
            Asked::Pointer(_) => Err(HT_NO_HASH),
        }
    }

    fn copy(&self) -> Result<Item, OutOfMemory> {
        Ok(match self {
            Asked::Int(value) => Item::Int(*value),
            Asked::Float(value) => Item::Float(*value),
            Asked::Text(text) => Item::Text(Text::copy(text)?),
            Asked::Pointer(pointer) => Item::Pointer(*pointer),
        })
    }
}

/// The code for a pair that does not fit. This table keeps whole hashes, so it never lacks one.
fn no_room(why: NoRoom) -> ht_status {
    match why {
        NoRoom::OutOfMemory | NoRoom::TooManyPairs => HT_NO_MEMORY,
        NoRoom::HashUnknown => HT_INTERNAL,
    }
}

fn no_memory(_: OutOfMemory) -> ht_status {
    HT_NO_MEMORY
}

impl ht_table {
    /// Makes a table on the heap. Not with `Box::new`, which aborts if there is no memory.
    pub(crate) fn allocate(
        size: usize,
        max_load: f64,
        equal: ht_equal,
        context: *mut c_void,
    ) -> Result<*mut ht_table, ht_status> {
        if size == 0 {
            return Err(HT_BAD_SIZE);
        }
        // Not `max_load <= 0.0 || max_load > 1.0`: a nan is neither.
        if !(max_load > 0.0 && max_load <= 1.0) {
            return Err(HT_BAD_MAX_LOAD);
        }
        let pairs = Table::new(size, max_load).map_err(no_memory)?;
        let table = ht_table { pairs, equal, context, asking: AtomicUsize::new(0), taken_out: (None, None) };
        // SAFETY: the struct has fields, so its layout is not empty, as `alloc` demands. The memory is ours alone and
        // was allocated with the layout of what is written to it. On failure `table` is dropped here as usual.
        unsafe {
            let memory = alloc(Layout::new::<ht_table>()).cast::<ht_table>();
            if memory.is_null() {
                return Err(HT_NO_MEMORY);
            }
            memory.write(table);
            Ok(memory)
        }
    }

    /// Frees a table that `allocate` made.
    ///
    /// # Errors
    /// HT_BUSY if its equality callback is running; the table lives on.
    ///
    /// # Safety
    /// `this` came from `allocate` and is not used again if this succeeds.
    pub(crate) unsafe fn free(this: *mut ht_table) -> Result<(), ht_status> {
        // SAFETY: `allocate` had the memory from the global allocator, with the layout of an `ht_table`, which is how a
        // `Box` frees it. The only call that can be in progress is one that waits for its callback, and `asking` counts
        // those.
        unsafe {
            if (*this).asking.load(Ordering::Relaxed) > 0 {
                return Err(HT_BUSY);
            }
            drop(Box::from_raw(this));
        }
        Ok(())
    }

    /// Looks a key up: the index of its pair, good until the table is touched again. Can run the equality callback.
    ///
    /// # Errors
    /// What the callback answers, HT_BAD_ANSWER, or HT_CHANGED if the table never stops changing.
    ///
    /// # Safety
    /// `this` is a living table, and no reference into it lives.
    pub(crate) unsafe fn look_up(this: *const ht_table, hash: i64, key: &Asked) -> Result<Option<usize>, ht_status> {
        for _ in 0..=MOST_RESTARTS {
            // SAFETY: the table lives. Nothing is borrowed: a cursor is four numbers, and each borrow ends with its
            // line.
            unsafe {
                let mut cursor = (*this).pairs.walk(hash);
                loop {
                    match (*this).pairs.step(&mut cursor) {
                        Step::End => return Ok(None),
                        Step::Moved => break,
                        Step::Candidate(at) => {
                            let equal = Self::has_key(this, at, key)?;
                            // If the table has changed, `at` is no longer valid, and the next step says so.
                            if equal && (*this).pairs.version() == cursor.version() {
                                return Ok(Some(at));
                            }
                        }
                    }
                }
            }
        }
        Err(HT_CHANGED)
    }

    /// Is the key at `at` equal to `key`? Can run the equality callback.
    unsafe fn has_key(this: *const ht_table, at: usize, key: &Asked) -> Result<bool, ht_status> {
        // SAFETY: the table lives, and `at` is of this version. The borrow ends with this statement, which copies out
        // of it all that is needed later.
        let (stored, sought) = match (unsafe { (*this).pairs.key(at) }, key) {
            (Item::Int(stored), Asked::Int(sought)) => return Ok(stored == sought),
            (Item::Float(stored), Asked::Float(sought)) => return Ok(stored == sought),
            (Item::Text(stored), Asked::Text(sought)) => return Ok(stored.bytes() == sought.as_bytes()),
            (Item::Pointer(stored), Asked::Pointer(sought)) => (*stored, *sought),
            _ => return Ok(false),
        };
        if stored == sought {
            return Ok(true);
        }
        // SAFETY: the table lives: while `asking` is not zero, `free` refuses. Nothing is borrowed. The caller of
        // `ht_new_with_equal` has promised that `equal` can be called with `context` and any two keys.
        unsafe {
            let (Some(equal), context) = ((*this).equal, (*this).context) else {
                return Ok(false);
            };
            (*this).asking.fetch_add(1, Ordering::Relaxed);
            let answer = equal(context, stored, sought);
            (*this).asking.fetch_sub(1, Ordering::Relaxed);
            match answer {
                0 => Ok(false),
                1 => Ok(true),
                ..0 => Err(answer),
                _ => Err(HT_BAD_ANSWER),
            }
        }
    }

    /// Adds a pair or overwrites a value, which is then lent.
    ///
    /// # Errors
    /// Those of `look_up`, and HT_NO_MEMORY; the table is as it was.
    ///
    /// # Safety
    /// As for `look_up`.
    pub(crate) unsafe fn set(this: *mut ht_table, hash: i64, key: Asked, value: Asked) -> Result<ht_item, ht_status> {
        // The value is copied first: its string need not outlive a callback.
        let value = value.copy().map_err(no_memory)?;
        // SAFETY: the table lives and nothing is borrowed, as our caller promises.
        let found = unsafe { Self::look_up(this, hash, &key) }?;
        // SAFETY: no callback runs from here to the end, and during a change no other thread uses the table (the header
        // demands it): this is the only reference.
        let table = unsafe { &mut *this };
        match found {
            Some(at) => {
                let old = table.pairs.replace_value(at, value);
                table.taken_out = (None, Some(old));
            }
            None => {
                let key = key.copy().map_err(no_memory)?;
                table.pairs.make_room().map_err(no_room)?.add(hash, key, value);
                table.taken_out = (None, None);
            }
        }
        Ok(lend(table.taken_out.1.as_ref()))
    }

    /// Takes a pair out, and lends it.
    ///
    /// # Errors
    /// Those of `look_up`, and HT_NOT_FOUND; the table is as it was.
    ///
    /// # Safety
    /// As for `look_up`.
    pub(crate) unsafe fn remove(this: *mut ht_table, hash: i64, key: Asked) -> Result<(ht_item, ht_item), ht_status> {
        // SAFETY: the table lives and nothing is borrowed, as our caller promises.
        let at = unsafe { Self::look_up(this, hash, &key) }?.ok_or(HT_NOT_FOUND)?;
        // SAFETY: no callback runs from here to the end, and during a change no other thread uses the table (the header
        // demands it): this is the only reference.
        let table = unsafe { &mut *this };
        let (key, value) = table.pairs.remove_found(at, hash);
        let taken_out = &mut table.taken_out;
        *taken_out = (Some(key), Some(value));
        Ok((lend(taken_out.0.as_ref()), lend(taken_out.1.as_ref())))
    }

    /// Empties the table. Frees all copies of strings.
    pub(crate) fn clear(&mut self) {
        drop(self.pairs.clear());
        self.taken_out = (None, None);
    }

    /// The figures, with the copies of strings.
    pub(crate) fn stats(&self) -> ht_stats {
        let stats = self.pairs.stats();
        let strings: usize = self.pairs.iter().map(|(key, value)| key.bytes() + value.bytes()).sum();
        ht_stats {
            size: stats.size,
            load: stats.load,
            load_factor: stats.load_factor,
            used_buckets: stats.used_buckets,
            longest_chain: stats.longest_chain,
            mean_probes: stats.mean_probes,
            resizes: stats.resizes,
            bytes: stats.bytes + strings,
        }
    }
}
