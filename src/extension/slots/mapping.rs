//! One pair: `h[k]`, `h[k] = v`, `del h[k]`, `k in h`; and `len(h)`.
//!
//! What they do is in `table/pairs.rs`.

use crate::errors::{entry_alone, entry_at_once, key_error};
use crate::fast::at_once;
use crate::ffi::*;
use crate::object::HashTable;
use crate::table::pairs::{contains, get_item, set_item, take_item};
use crate::type_object::is_plain_hash_table;

/// `len(h)`.
///
/// # Safety
/// Called by CPython, with a `HashTable`. So are all slots here.
pub(crate) unsafe extern "C" fn mp_length(op: *mut PyObject) -> Py_ssize_t {
    entry_alone(op, || {
        announce!("len(h)");
        // SAFETY: the right object. Reading a number runs nothing.
        Ok::<_, Raised>(unsafe { (*op.cast::<HashTable>()).pairs.load() } as Py_ssize_t)
    })
}

/// `h[key]`: a new reference, or `KeyError`.
pub(crate) unsafe extern "C" fn mp_subscript(op: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    // SAFETY: table and key are kept for the call.
    let at_once = || unsafe { at_once::subscript(op, key) };
    entry_at_once(op, at_once, || {
        // SAFETY: table and key are kept for the call. The value that was found is owned by the table only, and gets a
        // reference of its own before anything runs that could take it out.
        unsafe {
            announce!("h[{}]", describe(key));
            match get_item(op.cast(), key)? {
                Some(value) => give(Py_NewRef(value)),
                None => give(missing(op, key)?),
            }
        }
    })
}

/// What `h[key]` is when the key is not there: what a subclass's `__missing__` returns, a new reference, or `KeyError`.
#[cold]
unsafe fn missing(op: *mut PyObject, key: *mut PyObject) -> Result<*mut PyObject, Raised> {
    // SAFETY: table and key are kept for the call that we are in. The method is a new reference, ours until its DECREF:
    // its class may lose it while it runs.
    unsafe {
        if is_plain_hash_table(op) {
            return Err(key_error(key));
        }
        let Some(method) = special_method(op, c"__missing__")? else { return Err(key_error(key)) };
        let value = PyObject_CallOneArg(method, key); // [R15]
        Py_DECREF(method);
        new_reference(value)
    }
}

/// The method of this name that the object's class has, bound to the object: a new reference, or None. As for all names
/// with two underscores, neither the object's own attributes count nor those of its metaclass. (CPython has
/// `_PyObject_LookupSpecial` for it, which is not for others to use.)
unsafe fn special_method(op: *mut PyObject, name: &core::ffi::CStr) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the caller keeps the object alive, and that its class. `name` is ours until its DECREF. What is found is a new
    // reference.
    unsafe {
        let name = new_reference(PyUnicode_FromString(name.as_ptr()))?;
        let found = type_lookup(Py_TYPE(op), name);
        Py_DECREF(name);
        let Some(attribute) = found.transpose()? else { return Ok(None) };
        let Some(bind) = tp_descr_get(Py_TYPE(attribute)) else { return Ok(Some(attribute)) };
        let method = received(bind(attribute, op, Py_TYPE(op).cast())); // [R15]
        Py_DECREF(attribute);
        new_reference(method).map(Some)
    }
}

/// `h[key] = value`, and with NULL for the value `del h[key]`: 0, or -1 with an exception set.
pub(crate) unsafe extern "C" fn mp_ass_subscript(op: *mut PyObject, key: *mut PyObject, value: *mut PyObject) -> c_int {
    // SAFETY: all three are kept for the call.
    let at_once = || unsafe { at_once::assign(op, key, value) };
    entry_at_once(op, at_once, || {
        // SAFETY: CPython keeps table, key and value alive. What `take_item` hands out is ours to give back.
        unsafe {
            if !value.is_null() {
                announce!("h[{}] = {}", describe(key), describe(value));
                return set_item(op.cast(), key, value);
            }
            announce!("del h[{}]", describe(key));
            match take_item(op.cast(), key)? {
                Some(value) => Py_DECREF(value), // [R6]
                None => return Err(key_error(key)),
            }
            Ok(())
        }
    })
}

/// `key in h`: 1, 0, or -1 with an exception set.
pub(crate) unsafe extern "C" fn sq_contains(op: *mut PyObject, key: *mut PyObject) -> c_int {
    // SAFETY: the caller of a slot owns its arguments until the slot returns.
    let at_once = || unsafe { at_once::contains(op, key) };
    entry_at_once(op, at_once, || {
        // SAFETY: the right object, and both are kept for the call.
        unsafe {
            announce!("{} in h", describe(key));
            contains(op.cast(), key)
        }
    })
}
