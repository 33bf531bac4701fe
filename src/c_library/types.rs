//! What is passed between C and the library. The names are those that C knows.
#![allow(non_camel_case_types)]

use core::ffi::{CStr, c_char, c_void};

/// What a function answers: HT_OK, one of the other codes below, or the negative number that the equality callback
/// answered with. `ht_error_message` puts it into words.
pub type ht_status = i32;

/// It is done.
pub const HT_OK: ht_status = 0;
/// The key is not in the table. Not an error.
pub const HT_NOT_FOUND: ht_status = 1;
/// The iteration has visited all pairs. Not an error.
pub const HT_END: ht_status = 2;
/// A pointer is NULL that must not be.
pub const HT_NULL: ht_status = 3;
/// The size is 0.
pub const HT_BAD_SIZE: ht_status = 4;
/// The maximum load is not within `0 < max_load <= 1`.
pub const HT_BAD_MAX_LOAD: ht_status = 5;
/// The kind of an item is none of HT_INT, HT_FLOAT, HT_STRING, HT_POINTER.
pub const HT_BAD_KIND: ht_status = 6;
/// A string is not valid UTF-8.
pub const HT_NOT_UTF8: ht_status = 7;
/// A string is said to be longer than anything in memory can be.
pub const HT_TOO_LONG: ht_status = 8;
/// The key has no default hash: it is a pointer, a nan, or a float beyond 64 bits.
pub const HT_NO_HASH: ht_status = 9;
/// There is not enough memory.
pub const HT_NO_MEMORY: ht_status = 10;
/// The buffer is too small for the whole picture.
pub const HT_TOO_SMALL: ht_status = 11;
/// Pairs came or went during an iteration, or without end during a look-up (from the equality callback).
pub const HT_CHANGED: ht_status = 12;
/// The table cannot be freed by its own equality callback.
pub const HT_BUSY: ht_status = 13;
/// The equality callback answered with more than 1.
pub const HT_BAD_ANSWER: ht_status = 14;
/// A bug in the library. The table can still be freed, and should be.
pub const HT_INTERNAL: ht_status = 15;

/// No item at all. Only ever handed out by the library.
pub const HT_NONE: i32 = 0;
/// The item is a 64-bit integer, in `data.integer`.
pub const HT_INT: i32 = 1;
/// The item is a double, in `data.real`.
pub const HT_FLOAT: i32 = 2;
/// The item is a string, in `data.text`.
pub const HT_STRING: i32 = 3;
/// The item is an address, in `data.pointer`. What lies there is the caller's business; the library never looks.
pub const HT_POINTER: i32 = 4;

/// A string: `length` bytes of UTF-8, NULs among them if you like.
///
/// As an argument: `bytes` may be NULL if `length` is 0. The library reads these bytes and no further, and only during
/// the call. As a result: a NUL, not counted in `length`, follows the last byte; `bytes` is never NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ht_text {
    /// The first byte.
    pub bytes: *const c_char,
    /// Number of bytes.
    pub length: usize,
}

/// What is in an item; the item's `kind` says which of these it is.
#[repr(C)]
#[derive(Clone, Copy)]
pub union ht_data {
    /// For HT_INT.
    pub integer: i64,
    /// For HT_FLOAT.
    pub real: f64,
    /// For HT_STRING.
    pub text: ht_text,
    /// For HT_POINTER.
    pub pointer: *mut c_void,
}

/// A key or a value.
///
/// Two keys are equal if they are of one kind and: the integers are equal; the doubles are equal (so a nan equals
/// nothing, not even itself, and 0.0 equals -0.0); the bytes of the strings are equal; the addresses are equal or the
/// table's equality callback says so.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ht_item {
    /// HT_INT, HT_FLOAT, HT_STRING or HT_POINTER.
    pub kind: i32,
    /// What the item is.
    pub data: ht_data,
}

/// Where an iteration is. All zeros (`ht_place place = {0, 0};`) is the beginning; only `ht_next` writes anything else.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct ht_place {
    /// Where the next pair is looked for.
    pub next: usize,
    /// The table as it was when the iteration began.
    pub version: u64,
}

/// Figures about a table at one moment.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ht_stats {
    /// Number of buckets.
    pub size: usize,
    /// Number of pairs.
    pub load: usize,
    /// Pairs per bucket.
    pub load_factor: f64,
    /// Number of buckets that hold at least one pair.
    pub used_buckets: usize,
    /// Number of pairs in the longest chain.
    pub longest_chain: usize,
    /// How many pairs of a chain a successful look-up visits, on average over all pairs: 1 is perfect, and 0 is for an
    /// empty table.
    pub mean_probes: f64,
    /// How often the table has grown since it was made or cleared.
    pub resizes: usize,
    /// Memory that the table holds for buckets, pairs and copies of strings, in bytes.
    pub bytes: usize,
}

/// Says whether two HT_POINTER keys are equal: 1 if so, 0 if not; a negative number if that cannot be told, which
/// becomes the result of the function that asked. `stored` is the address in the table, `sought` the one looked for,
/// `context` what the table was made with. It is not asked about equal addresses, nor about keys whose hashes differ.
///
/// It may call any function on this very table, ht_free excepted (HT_BUSY): the look-up that asked notices and begins
/// anew. (A look-up of its own may call it again: mind that this ends.) It must return: neither longjmp nor a C++
/// exception may leave it.
pub type ht_equal =
    Option<unsafe extern "C" fn(context: *mut c_void, stored: *const c_void, sought: *const c_void) -> i32>;

/// The words for a code.
pub(crate) fn message(code: ht_status) -> &'static CStr {
    match code {
        HT_OK => c"done",
        HT_NOT_FOUND => c"the key is not in the table",
        HT_END => c"the iteration has visited all pairs",
        HT_NULL => c"a pointer is NULL that must not be",
        HT_BAD_SIZE => c"the size must be at least 1",
        HT_BAD_MAX_LOAD => c"the maximum load must be more than 0 and at most 1",
        HT_BAD_KIND => c"an item is neither int nor float nor string nor pointer",
        HT_NOT_UTF8 => c"a string is not valid UTF-8",
        HT_TOO_LONG => c"a string is said to be longer than anything in memory can be",
        HT_NO_HASH => c"the key has no default hash: it is a pointer, a nan, or a float beyond 64 bits",
        HT_NO_MEMORY => c"not enough memory",
        HT_TOO_SMALL => c"the buffer is too small for the whole picture",
        HT_CHANGED => c"pairs came or went meanwhile",
        HT_BUSY => c"the table cannot be freed by its own equality callback",
        HT_BAD_ANSWER => c"the equality callback answered with more than 1",
        HT_INTERNAL => c"a bug in the library",
        ..0 => c"the equality callback failed",
        _ => c"no code of this library",
    }
}
