//! The methods that `dict` has under the same name, or not at all: `set`, `get`, `pop`, `clear`; and those that show
//! what is inside: `buckets`, `stats`, `hash_of`, `bucket_of`, `__sizeof__`.
//!
//! All are called by CPython: with the right object, a `HashTable`, and with arguments that are kept for the call and
//! borrowed (see the head of lib.rs). All return a new reference, or NULL with an exception set.

use crate::errors::{check_count, entry_alone, entry_at_once, key_error};
use crate::fast::at_once;
use crate::ffi::*;
use crate::object::{HashTable, release};
use crate::table::hashing::hash_of;
use crate::table::pairs::{get_item, get_or_add_item, set_item, take_item};
use crate::table::snapshot::Snapshot;

/// `h.set(key, value)`: adds or overwrites, and returns **the table itself**.
///
/// # Safety
/// Called by CPython, as the head of this file says. So is every method here.
pub(crate) unsafe extern "C" fn set(op: *mut PyObject, args: *mut *mut PyObject, nargs: Py_ssize_t) -> *mut PyObject {
    // SAFETY: table and arguments are kept for the call.
    let at_once = || unsafe { at_once::call_set(op, args, nargs) };
    entry_at_once(op, at_once, || {
        check_count(c"set", nargs, 2, 2)?;
        // SAFETY: there are two arguments: they were counted. All three objects are kept for the call, also while
        // `set_item` runs Python code.
        unsafe {
            let (key, value) = (*args, *args.add(1));
            announce!("set({}, {})", describe(key), describe(value));
            set_item(op.cast(), key, value)?;
            // `op` is borrowed from the caller. What a method returns belongs to the caller, so it takes a reference of
            // its own: otherwise the caller would drop a reference that nobody ever took.
            give(Py_NewRef(op))
        }
    })
}

/// `h.get(key, default=None)`: the value, or the default.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn get(op: *mut PyObject, args: *mut *mut PyObject, nargs: Py_ssize_t) -> *mut PyObject {
    // SAFETY: table and arguments are kept for the call.
    let at_once = || unsafe { at_once::call_get(op, args, nargs) };
    entry_at_once(op, at_once, || {
        check_count(c"get", nargs, 1, 2)?;
        // SAFETY: there are one or two arguments. The value is borrowed from the table until the line that takes a
        // reference.
        unsafe {
            let key = *args;
            let default = if nargs == 2 { *args.add(1) } else { Py_None() };
            announce!("get({})", describe(key));
            give(Py_NewRef(get_item(op.cast(), key)?.unwrap_or(default)))
        }
    })
}

/// `h.pop(key[, default])`: removes the pair and returns its value; if there is none, the default or `KeyError`.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn pop(op: *mut PyObject, args: *mut *mut PyObject, nargs: Py_ssize_t) -> *mut PyObject {
    entry_alone(op, || {
        check_count(c"pop", nargs, 1, 2)?;
        // SAFETY: there are one or two arguments. The value that comes out of the table is a new reference and goes to
        // the caller; the default is borrowed, and needs one.
        unsafe {
            let key = *args;
            announce!("pop({})", describe(key));
            match take_item(op.cast(), key)? {
                Some(value) => give(value),
                None if nargs == 2 => give(Py_NewRef(*args.add(1))),
                None => Err(key_error(key)),
            }
        }
    })
}

/// `h.setdefault(key, default=None)`: the value, and if there is none, the default, which is then added. Looks up once.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn setdefault(
    op: *mut PyObject,
    args: *mut *mut PyObject,
    nargs: Py_ssize_t,
) -> *mut PyObject {
    entry_alone(op, || {
        check_count(c"setdefault", nargs, 1, 2)?;
        // SAFETY: there are one or two arguments. The value, from the table or the caller, is borrowed until it is
        // returned.
        unsafe {
            let key = *args;
            let default = if nargs == 2 { *args.add(1) } else { Py_None() };
            announce!("setdefault({}, {})", describe(key), describe(default));
            give(Py_NewRef(get_or_add_item(op.cast(), key, default)?))
        }
    })
}

/// `h.popitem()`: removes the newest pair and returns it as a tuple; `KeyError` if there is none.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn popitem(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        announce!("popitem()");
        // SAFETY: `op` is a table. The tuple is made first: if there is no memory for it, no pair is lost, and if
        // making it runs Python code, that comes before the table is looked at. It steals what the table hands out.
        unsafe {
            let pair = new_reference(PyTuple_New(2))?; // [R10]
            let table = op.cast::<HashTable>();
            let Some(at) = (*table).pairs.previous_pair(usize::MAX) else {
                Py_DECREF(pair);
                PyErr_SetString(PyExc_KeyError, c"popitem(): HashTable is empty".as_ptr());
                return Err(Raised);
            };
            let (key, value) = (*table).pairs.remove(at);
            PyTuple_SET_ITEM(pair, 0, key.take(op));
            PyTuple_SET_ITEM(pair, 1, value.take(op));
            give(pair)
        }
    })
}

/// `h.clear()`: empties the table, which goes back to the size that it was made with.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn clear(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        announce!("clear()");
        // SAFETY: `op` is a table. It is empty before the first reference is released.
        unsafe {
            release((*op.cast::<HashTable>()).pairs.clear(), op);
            give(Py_NewRef(Py_None()))
        }
    })
}

/// `h.hash_of(key)`: the 64-bit hash that the table uses for the key, which need not be in it.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn hash_of_key(op: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, and both are kept for the call; the hash is a number and needs no owner.
    entry_alone(op, || unsafe { give(new_reference(PyLong_FromLongLong(hash_of(op.cast(), key)?))?) })
}

/// `h.bucket_of(key)`: the index of the bucket in which the key is, or would be, now.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn bucket_of(op: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        // SAFETY: the right object, and both are kept for the call. The hash function may have made the table another
        // size, so the bucket is asked for after it has run.
        unsafe {
            let hash = hash_of(op.cast(), key)?;
            let bucket = (*op.cast::<HashTable>()).pairs.bucket_of(hash);
            give(new_reference(PyLong_FromSsize_t(bucket as Py_ssize_t))?)
        }
    })
}

/// `h.stats()`: a dict of figures about the table.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn stats(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        // SAFETY: `op` is a table; `dict` is ours, and goes to the caller or, if something fails, is given back. Each
        // number, and the word, is a new reference that `put_steals` takes over.
        unsafe {
            let table = op.cast::<HashTable>();
            let (stats, hashed_by) = ((*table).pairs.stats(), (*table).hashed_by.in_words());
            let int = |number: usize| PyLong_FromSsize_t(number as Py_ssize_t);
            let dict = new_reference(PyDict_New())?; // [R10]
            let filled = (|| {
                put_steals(dict, c"size", int(stats.size))?;
                put_steals(dict, c"load", int(stats.load))?;
                put_steals(dict, c"load_factor", PyFloat_FromDouble(stats.load_factor))?;
                put_steals(dict, c"used_buckets", int(stats.used_buckets))?;
                put_steals(dict, c"longest_chain", int(stats.longest_chain))?;
                put_steals(dict, c"mean_probes", PyFloat_FromDouble(stats.mean_probes))?;
                put_steals(dict, c"resizes", int(stats.resizes))?;
                put_steals(dict, c"bytes", int(stats.bytes))?;
                put_steals(dict, c"hashed_by", PyUnicode_FromString(hashed_by.as_ptr()))
            })();
            give(or_give_back(dict, filled)?)
        }
    })
}

/// `h.__sizeof__()`: the bytes of the object and its arrays, not of keys and values.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn sizeof(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        // SAFETY: `op` is a table, so is every instance of its type.
        unsafe {
            let object = tp_basicsize(Py_TYPE(op))?;
            let arrays = (*op.cast::<HashTable>()).pairs.bytes() as Py_ssize_t;
            #[cfg(Py_GIL_DISABLED)]
            let arrays = arrays + (*op.cast::<HashTable>()).readers.bytes() as Py_ssize_t;
            give(new_reference(PyLong_FromSsize_t(object + arrays))?)
        }
    })
}

/// `h.buckets()`: a list of `size` lists of `(key, value)`, in chain order.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn buckets(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        // SAFETY: `op` is a table. The snapshot is given back whether or not the lists could be made.
        unsafe {
            let snapshot = Snapshot::of(op.cast())?;
            let lists = lists_of(&snapshot);
            snapshot.release();
            give(lists?)
        }
    })
}

/// The lists for [`buckets`]: a new reference.
unsafe fn lists_of(snapshot: &Snapshot) -> Result<*mut PyObject, Raised> {
    // SAFETY: the snapshot keeps keys and values alive. The outer list is ours until it is returned or given back, an
    // inner list until it is appended, which is when it is complete. Code that finds a list through the collector
    // meanwhile finds no hole in it.
    unsafe {
        let outer = new_reference(PyList_New(0))?; // [R10]
        let mut rest = snapshot.pairs.iter().peekable();
        let filled = (0..snapshot.size).try_for_each(|bucket| {
            let inner = new_reference(PyList_New(0))?; // [R10]
            while let Some(pair) = rest.next_if(|pair| pair.bucket == bucket) {
                if append_steals(inner, received(PyTuple_Pack(2, pair.key, pair.value))).is_err() {
                    Py_DECREF(inner);
                    return Err(Raised);
                }
            }
            append_steals(outer, inner)
        });
        or_give_back(outer, filled)
    }
}
