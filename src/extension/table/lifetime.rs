//! How a table is made, and how it is freed.
//!
//! [`tp_new`] makes a table that is empty but complete, so that nothing that is called before [`tp_init`], or without
//! it, finds a field unset. [`tp_init`] gives it what the caller asked for, and may be called again. [`tp_traverse`]
//! shows the garbage collector everything that the object owns, and [`tp_clear`] breaks a cycle by releasing it.
//! [`tp_dealloc`] is called when the last reference is gone, and gives back whatever the object still owns: each
//! reference, then the arrays, then its memory.

use crate::errors::{entry, entry_alone, type_error};
use crate::ffi::*;
use crate::object::{HashTable, HashedBy, release};
use crate::state::builtin_hash;
use crate::table::arguments::{DEFAULT_MAX_LOAD, DEFAULT_SIZE, max_load_from, size_from};
use crate::table::hashing::hashed_by;
use crate::table::making::empty;
use crate::table::trashcan::without_deep_recursion;
use core::ptr;

/// `HashTable.__new__`: an empty table with the default of everything. Returns a new reference; `args` and `kwargs` are
/// for [`tp_init`].
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
        let hash_func = builtin_hash(subtype)?;
        // SAFETY: CPython passes a type that is ready and whose instances begin as this struct. The garbage collector
        // knows the object from then on, but cannot run until every field is written, since nothing between asks Python
        // for memory. If there is no memory, `pairs` goes with this scope.
        unsafe {
            let table = new_reference(allocate(subtype))?.cast::<HashTable>(); // [R10]
            (&raw mut (*table).pairs).write(pairs);
            fill_field(&raw mut (*table).hash_func, Py_NewRef(hash_func));
            (*table).generation = 0;
            (*table).hashed_by = HashedBy::Builtin;
            (*table).typed = true;
            (*table).weakreflist = ptr::null_mut();
            give(table.cast())
        }
    })
}

/// `HashTable.__init__(size=4, max_load=0.5, hash_func=hash, *, typed=True)`. On a table that is already in use it
/// releases everything and starts over. Returns 0, or -1 with an exception set and the table unchanged.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn tp_init(op: *mut PyObject, args: *mut PyObject, kwargs: *mut PyObject) -> c_int {
    // SAFETY: CPython passes a table, a tuple and a dict or NULL, and keeps them alive.
    entry_alone(op, || unsafe { init(op.cast(), args, kwargs) })
}

unsafe fn init(table: *mut HashTable, args: *mut PyObject, kwargs: *mut PyObject) -> Result<(), Raised> {
    let names = [c"size".as_ptr(), c"max_load".as_ptr(), c"hash_func".as_ptr(), c"typed".as_ptr(), ptr::null()];
    // What is parsed is borrowed from `args` and `kwargs`.
    let mut size_object = ptr::null_mut::<PyObject>();
    let mut max_load_object = ptr::null_mut::<PyObject>();
    let mut typed: c_int = 1;
    // SAFETY: the format asks for three objects and, by keyword only, a truth value, and there is a place of the right
    // type for each. The caller keeps everything that is parsed alive.
    unsafe {
        let mut hash_func = builtin_hash(Py_TYPE(table.cast()))?;
        // [R8] `typed` may be any object, and is tested for truth.
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
        let known = hashed_by(hash_func);
        let pairs = empty(size, size, max_load, known)?;

        // Nothing fails from here on. First the table gets its new content, then the old content is released.
        let mut old_pairs = pairs;
        (*table).pairs.exchange(&mut old_pairs);
        let old_hash_func = replace_field(&raw mut (*table).hash_func, Py_NewRef(hash_func));
        (*table).generation += 1;
        (*table).hashed_by = known;
        (*table).typed = typed != 0;
        release(old_pairs.take_pairs(), table.cast());
        Py_DECREF(old_hash_func); // [R9]
    }
    Ok(())
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

/// Breaks a cycle: releases everything that could be part of one. The table stays usable, empty and hashing by the
/// builtin `hash`, since others in the cycle may still use it before they are freed.
///
/// # Safety
/// Called by CPython's garbage collector.
pub(crate) unsafe extern "C" fn tp_clear(op: *mut PyObject) -> c_int {
    entry_alone(op, || {
        // SAFETY: `op` is a table. As in `init`, it first gets its new content, then what it owned is released: a pair
        // that is added meanwhile must not be filed under the hash of a function that is being replaced.
        unsafe {
            let table = op.cast::<HashTable>();
            announce!("clear: the garbage collector breaks a cycle");
            // When the interpreter ends, its `hash` may be gone before the table. Then the field holds None, and nobody
            // will call it.
            let builtin = builtin_hash(Py_TYPE(op)).unwrap_or_else(|Raised| {
                PyErr_Clear();
                Py_None()
            });
            let old_pairs = (*table).pairs.take_pairs();
            let old_hash_func = replace_field(&raw mut (*table).hash_func, Py_NewRef(builtin));
            (*table).generation += 1;
            (*table).hashed_by = HashedBy::Builtin;
            release(old_pairs, op);
            Py_DECREF(old_hash_func); // [R9]
            Ok::<_, Raised>(())
        }
    })
}

/// The last reference is gone. Releases all that the object owns, and frees its memory.
///
/// # Safety
/// Called by CPython, once for each table.
pub(crate) unsafe extern "C" fn tp_dealloc(op: *mut PyObject) {
    entry(|| {
        // SAFETY: `op` is a table that nobody refers to any more. First of all the collector must forget it: it would
        // visit fields that are being taken apart. Weak references to it die while it is still whole.
        unsafe {
            PyObject_GC_UnTrack(op.cast());
            announce!("dealloc");
            let table = op.cast::<HashTable>();
            if may_have_weak_references(&raw mut (*table).weakreflist) {
                PyObject_ClearWeakRefs(op); // [R11]
            }
            without_deep_recursion(table, take_apart);
        }
    });
}

/// The end of [`tp_dealloc`]: takes the object apart.
unsafe fn take_apart(table: *mut HashTable) {
    // SAFETY: nobody else knows the table. Its struct is read for the last time for the type that frees it; the fields
    // that own something were emptied before.
    unsafe {
        release((*table).pairs.take_pairs(), table.cast());
        Py_CLEAR(&raw mut (*table).hash_func); // [R9]
        ptr::drop_in_place(&raw mut (*table).pairs);
        #[cfg(Py_GIL_DISABLED)]
        ptr::drop_in_place(&raw mut (*table).readers);
        announce!("freed");
        free_object(table.cast());
    }
}
