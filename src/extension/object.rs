//! The object: what is in its memory, and how it comes and goes.
//!
//! ```text
//!   a HashTable in memory
//!   +--------------------+
//!   | ob_base            |  reference count and type, as every Python object begins
//!   | pairs              |  the library's table; owns one reference to each key and each value
//!   | hash_func          |  owned; never NULL
//!   | generation         |  how often hash_func was replaced
//!   | hashed_by, typed   |
//!   | weakreflist        |  for weak references, kept by CPython
//!   +--------------------+
//! ```
//!
//! Its life: [`tp_new`] makes a table that is empty but whole, so that nothing which is called before [`tp_init`], or without it,
//! finds a hole. [`tp_init`] gives it what the caller asked for, and may be called again. [`tp_traverse`] shows the garbage
//! collector everything that the object owns, and [`tp_clear`] breaks a cycle by letting go of it. [`tp_dealloc`] comes when
//! the last reference has gone, and gives back whatever the object still owns: each reference, then the arrays, then its memory.

use crate::errors::{Raised, entry, new_reference, no_memory, type_error};
use crate::ffi::*;
use crate::hashing::{HashedBy, builtin_hash, hashed_by};
use core::cell::Cell;
use core::mem::offset_of;
use core::ptr;
use hashtable_core::{Pairs, Table};

/// The object struct of `hashtable.HashTable`.
#[repr(C)]
pub(crate) struct HashTable {
    ob_base: PyObject,
    /// The pairs, with one reference to each key and each value. No Rust reference to it may live where Python code can run.
    pub(crate) pairs: Table<Stored, Stored>,
    /// Owned. Never NULL.
    pub(crate) hash_func: *mut PyObject,
    /// How often the table has been given another hash function; a hash from an earlier generation is worth nothing.
    pub(crate) generation: usize,
    /// What `hash_func` means.
    pub(crate) hashed_by: HashedBy,
    /// Are int, float and str told apart?
    pub(crate) typed: bool,
    /// The first of the weak references to this object.
    weakreflist: *mut PyObject,
}

pub(crate) const DEFAULT_SIZE: usize = 4;
pub(crate) const DEFAULT_MAX_LOAD: f64 = 0.5;

/// Where CPython finds the weak references.
pub(crate) const WEAKREFS_AT: Py_ssize_t = offset_of!(HashTable, weakreflist) as Py_ssize_t;
/// Where the attribute `hash_func` lies.
pub(crate) const HASH_FUNC_AT: Py_ssize_t = offset_of!(HashTable, hash_func) as Py_ssize_t;
/// Where the attribute `typed` lies.
pub(crate) const TYPED_AT: Py_ssize_t = offset_of!(HashTable, typed) as Py_ssize_t;

/// Empty arrays for a table: made with `initial_size` buckets, and has `size` of them now.
///
/// A hash that can be asked for again at any time, and that is the same for all keys that are equal, need not be kept whole.
/// The two functions that are known answer so, a function of the user's may not.
pub(crate) fn empty(
    initial_size: usize,
    size: usize,
    max_load: f64,
    hashed_by: HashedBy,
) -> Result<Table<Stored, Stored>, Raised> {
    let pairs = Table::new_grown(initial_size, size, max_load).map_err(|_| no_memory())?;
    Ok(if hashed_by == HashedBy::Call { pairs } else { pairs.with_half_hashes() })
}

/// `HashTable.__new__`: an empty table with the default of everything. Returns a new reference; `args` and `kwargs` are for
/// [`tp_init`].
///
/// # Safety
/// Called by CPython, with `HashTable` or a subclass.
pub(crate) unsafe extern "C" fn tp_new(
    subtype: *mut PyTypeObject,
    _args: *mut PyObject,
    _kwargs: *mut PyObject,
) -> *mut PyObject {
    entry(|| {
        announce!("new");
        let pairs = empty(DEFAULT_SIZE, DEFAULT_SIZE, DEFAULT_MAX_LOAD, HashedBy::Builtin)?;
        // SAFETY: CPython passes a type that is ready and whose instances begin as this struct. The garbage collector knows the object from then on, but cannot run until every field
        // is written, since nothing between asks Python for memory. If there is no memory, `pairs` goes with this scope.
        unsafe {
            let table = new_reference(allocate(subtype))?.cast::<HashTable>(); // [R10]
            (&raw mut (*table).pairs).write(pairs);
            fill_field(&raw mut (*table).hash_func, Py_NewRef(builtin_hash()));
            (*table).generation = 0;
            (*table).hashed_by = HashedBy::Builtin;
            (*table).typed = true;
            (*table).weakreflist = ptr::null_mut();
            give(table.cast())
        }
    })
}

/// A new plain `HashTable` around this table, which is still empty: a new reference. Borrows `hash_func`.
///
/// # Safety
/// `hash_func` is a living callable.
pub(crate) unsafe fn make(
    empty: Table<Stored, Stored>,
    hash_func: *mut PyObject,
    typed: bool,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: as in `tp_new`. To allocate can run Python code, during which the function is kept by the reference taken first.
    unsafe {
        let hash_func = Py_NewRef(hash_func);
        let op = allocate(crate::type_object::hash_table_type()); // [R10]
        if op.is_null() {
            Py_DECREF(hash_func);
            return Err(Raised);
        }
        let table = op.cast::<HashTable>();
        (&raw mut (*table).pairs).write(empty);
        fill_field(&raw mut (*table).hash_func, hash_func);
        (*table).generation = 0;
        (*table).hashed_by = hashed_by(hash_func);
        (*table).typed = typed;
        (*table).weakreflist = ptr::null_mut();
        Ok(op)
    }
}

/// Exchanges the contents of two tables: pairs, hash function and kind. No reference is taken or given up.
///
/// # Safety
/// Both are living tables, and not the same one.
pub(crate) unsafe fn exchange(one: *mut HashTable, other: *mut HashTable) {
    // SAFETY: no reference into either lives, and nothing here runs Python code.
    unsafe {
        (*one).pairs.exchange(&mut (*other).pairs);
        Stored::exchanged(one.cast(), other.cast());
        swap_fields(&raw mut (*one).hash_func, &raw mut (*other).hash_func);
        (*one).generation += 1;
        (*other).generation += 1;
        ptr::swap(&raw mut (*one).hashed_by, &raw mut (*other).hashed_by);
        ptr::swap(&raw mut (*one).typed, &raw mut (*other).typed);
    }
}

/// `HashTable.__init__(size=4, max_load=0.5, hash_func=hash, *, typed=True)`. On a table that has lived already it lets go of
/// everything and begins anew. Returns 0, or -1 with an exception set and the table unchanged.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn tp_init(op: *mut PyObject, args: *mut PyObject, kwargs: *mut PyObject) -> c_int {
    // SAFETY: CPython passes a table, a tuple and a dict or NULL, and keeps them alive.
    entry(|| unsafe { init(op.cast(), args, kwargs) })
}

unsafe fn init(table: *mut HashTable, args: *mut PyObject, kwargs: *mut PyObject) -> Result<(), Raised> {
    let names = [c"size".as_ptr(), c"max_load".as_ptr(), c"hash_func".as_ptr(), c"typed".as_ptr(), ptr::null()];
    // What is parsed is borrowed from `args` and `kwargs`.
    let mut size_object = ptr::null_mut::<PyObject>();
    let mut max_load_object = ptr::null_mut::<PyObject>();
    let mut hash_func = builtin_hash();
    let mut typed: c_int = 1;
    // SAFETY: the format asks for three objects and, by keyword only, a truth value, and there is a place of the right type
    // for each. The caller keeps everything that is parsed alive.
    unsafe {
        // [R8] `typed` may be any object, and is asked for its truth.
        parsed(PyArg_ParseTupleAndKeywords(
            args,
            kwargs,
            c"|OOO$p:HashTable".as_ptr(),
            names.as_ptr() as KeywordList,
            &raw mut size_object,
            &raw mut max_load_object,
            &raw mut hash_func,
            &raw mut typed,
        ))?;
        let size = if size_object.is_null() { DEFAULT_SIZE } else { size_from(size_object)? };
        let max_load = if max_load_object.is_null() { DEFAULT_MAX_LOAD } else { max_load_from(max_load_object)? };
        if PyCallable_Check(hash_func) == 0 {
            return Err(type_error(c"hash_func must be callable."));
        }
        announce!("init: size {size}, max_load {max_load}, hash_func {}", describe(hash_func));
        let pairs = empty(size, size, max_load, hashed_by(hash_func))?;

        // Nothing fails from here on. First the table becomes what it is to be, then the old content goes.
        let mut old_pairs = pairs;
        (*table).pairs.exchange(&mut old_pairs);
        let old_hash_func = replace_field(&raw mut (*table).hash_func, Py_NewRef(hash_func));
        (*table).generation += 1;
        (*table).hashed_by = hashed_by(hash_func);
        (*table).typed = typed != 0;
        release(old_pairs.take_pairs(), table.cast());
        Py_DECREF(old_hash_func); // [R9]
    }
    Ok(())
}

/// Reads `size`. Borrows it.
unsafe fn size_from(op: *mut PyObject) -> Result<usize, Raised> {
    let mut overflow = 0;
    // SAFETY: `op` is alive, and known to be an int where that matters.
    let value = unsafe {
        if PyLong_Check(op) == 0 {
            return Err(type_error(c"size parameter must be a positive integer."));
        }
        PyLong_AsLongLongAndOverflow(op, &mut overflow)
    };
    if overflow < 0 || (overflow == 0 && value < 1) {
        return Err(type_error(c"size parameter must be a positive integer."));
    }
    match usize::try_from(value) {
        Ok(size) if overflow == 0 => Ok(size),
        _ => {
            // SAFETY: the GIL is held.
            unsafe { PyErr_SetString(PyExc_OverflowError, c"size parameter is too large for this machine.".as_ptr()) };
            Err(Raised)
        }
    }
}

/// Reads `max_load`. Borrows it. Can run Python code (`__float__`).
unsafe fn max_load_from(op: *mut PyObject) -> Result<f64, Raised> {
    const MESSAGE: &core::ffi::CStr = c"max_load parameter must be a float between 0.0 and 1.0.";
    // SAFETY: `op` is alive.
    unsafe {
        let value = PyFloat_AsDouble(op); // [R8]
        if value == -1.0 && !PyErr_Occurred().is_null() {
            // Not a number at all, or a number too large for a float. Whatever else the conversion raised is not ours to hide.
            if PyErr_ExceptionMatches(PyExc_TypeError) != 0 || PyErr_ExceptionMatches(PyExc_OverflowError) != 0 {
                PyErr_Clear();
                return Err(type_error(MESSAGE));
            }
            return Err(Raised);
        }
        // Written so that nan, which compares false with everything, is refused.
        if value > 0.0 && value <= 1.0 { Ok(value) } else { Err(type_error(MESSAGE)) }
    }
}

/// Gives up the references that `table` owned. Steals them all. Can run any Python code.
///
/// # Safety
/// The pairs have been taken out of the table.
pub(crate) unsafe fn release(pairs: Pairs<Stored, Stored>, table: *mut PyObject) {
    // They are all ours before the first one goes: what runs then may fill the table again, or exchange it with another.
    for (key, value) in pairs.iter() {
        key.take(table);
        value.take(table);
    }
    for (key, value) in pairs {
        // SAFETY: the table owned both and no longer has them: they are ours, once.
        unsafe {
            Py_DECREF(key.taken()); // [R7]
            Py_DECREF(value.taken()); // [R7]
        }
    }
}

/// Shows the garbage collector every object that this one owns a reference to, and nothing else. Runs no Python code.
///
/// # Safety
/// Called by CPython's garbage collector.
pub(crate) unsafe extern "C" fn tp_traverse(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: `op` is a table, whose fields are written since the collector knows it; it owns all that is visited.
    unsafe {
        let table = op.cast::<HashTable>();
        let mut stop = Py_VISIT((*table).hash_func, visit, arg);
        for (key, value) in (*table).pairs.iter() {
            if stop != 0 {
                break;
            }
            stop = Py_VISIT(key.borrowed(), visit, arg);
            if stop == 0 {
                stop = Py_VISIT(value.borrowed(), visit, arg);
            }
        }
        stop
    }
}

/// Breaks a cycle: lets go of everything that could be part of one. The table stays whole: empty, and hashing by the builtin
/// `hash`, since others in the cycle may still use it before they go.
///
/// # Safety
/// Called by CPython's garbage collector.
pub(crate) unsafe extern "C" fn tp_clear(op: *mut PyObject) -> c_int {
    entry(|| {
        // SAFETY: `op` is a table. As in `init`, it first becomes what it is to be, then what it owned is released: whatever is
        // added to it meanwhile must not be filed under the hash of a function that is on its way out.
        unsafe {
            let table = op.cast::<HashTable>();
            announce!("clear: the garbage collector breaks a cycle");
            let old_pairs = (*table).pairs.take_pairs();
            let old_hash_func = replace_field(&raw mut (*table).hash_func, Py_NewRef(builtin_hash()));
            (*table).generation += 1;
            (*table).hashed_by = HashedBy::Builtin;
            release(old_pairs, op);
            Py_DECREF(old_hash_func); // [R9]
            Ok::<_, Raised>(())
        }
    })
}

/// The last reference has gone. Gives back all that the object owns, and its memory.
///
/// # Safety
/// Called by CPython, once for each table.
pub(crate) unsafe extern "C" fn tp_dealloc(op: *mut PyObject) {
    entry(|| {
        // SAFETY: `op` is a table that nobody refers to any more. First of all the collector must forget it: it would visit
        // fields that are being taken apart. Weak references to it die while it is still whole.
        unsafe {
            PyObject_GC_UnTrack(op.cast());
            announce!("dealloc");
            let table = op.cast::<HashTable>();
            if !(*table).weakreflist.is_null() {
                PyObject_ClearWeakRefs(op); // [R11]
            }
            without_deep_recursion(table);
        }
    });
}

/// The end of [`tp_dealloc`]: takes the object apart.
unsafe fn take_apart(table: *mut HashTable) {
    // SAFETY: nobody else knows the table. Its struct is read for the last time for the type that frees it; the fields that
    // own something were emptied before.
    unsafe {
        release((*table).pairs.take_pairs(), table.cast());
        Py_CLEAR(&raw mut (*table).hash_func); // [R9]
        ptr::drop_in_place(&raw mut (*table).pairs);
        let free = (*Py_TYPE(table.cast())).tp_free.expect("a type that is ready has tp_free");
        announce!("freed");
        free(table.cast());
    }
}

// ---- deep nesting ------------------------------------------------------------------------------------------------------------
//
// A table that holds a table that holds a table ...: releasing the outermost releases the next from inside its own `tp_dealloc`,
// and so on, a few stack frames for each, until there is no stack left. CPython's containers keep from that with its *trashcan*,
// whose macros differ from version to version. The idea is small enough to be written here: beyond a certain depth a table is
// not taken apart but put on a waiting list, and the outermost `tp_dealloc` works the list off.

/// How many tables may be taken apart inside one another.
const DEEPEST: usize = 50;

thread_local! {
    /// How many are being taken apart on this thread right now.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The first table of the waiting list; each has the next in its `weakreflist`, which it no longer needs.
    static WAITING: Cell<*mut HashTable> = const { Cell::new(ptr::null_mut()) };
}

/// Takes a table apart, or puts it on the waiting list.
unsafe fn without_deep_recursion(table: *mut HashTable) {
    // SAFETY: the table is the caller's to take apart. One of a subclass is not put on the list: its class does its own part
    // after this returns, and may be gone by the time that the list is worked off. (CPython's own trashcan does for those.)
    unsafe {
        let depth = DEPTH.get();
        if depth >= DEEPEST && Py_IS_TYPE(table.cast(), crate::type_object::hash_table_type()) {
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

/// Is `op` a `HashTable` or of a subclass?
///
/// # Safety
/// `op` is a living object.
#[inline(always)]
pub(crate) unsafe fn is_hash_table(op: *mut PyObject) -> bool {
    // SAFETY: the caller's promise; the type is static.
    unsafe { PyObject_TypeCheck(op, crate::type_object::hash_table_type()) != 0 }
}
