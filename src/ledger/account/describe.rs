//! An object in a few characters, without running any code of a user's.

use super::Address;
use super::ledger::ledger;
use crate::layout;
use crate::peek;
use core::ffi::CStr;
use pyo3_ffi::PyObject;

/// The name of a type, kept for good.
pub(super) fn name_of(type_object: Address) -> &'static str {
    // SAFETY: types are static or owned by their living instances; the name is a string of C.
    let name = unsafe { CStr::from_ptr((*(type_object as *mut layout::Type)).tp_name) };
    let mut ledger = ledger();
    // Another type may have come to lie at this address.
    if let Some(known) = ledger.names_of_types.get(&type_object).filter(|known| known.as_bytes() == name.to_bytes()) {
        return known;
    }
    let name = name.to_string_lossy();
    let kept = match ledger.type_names.get(name.as_ref()) {
        Some(&known) => known,
        None => Box::leak(name.into_owned().into_boxed_str()),
    };
    ledger.type_names.insert(kept);
    ledger.names_of_types.insert(type_object, kept);
    kept
}

/// The name of the object's type and the object itself in a few characters, without running any code of a user's. If the object
/// does not look alive, or is not of the type that it had (0: not known), only its address.
pub(super) fn describe(address: Address, type_object: usize) -> (String, String) {
    let op = address as *mut PyObject;
    let alive = peek::head(address).filter(|&(_, type_now)| type_object == 0 || type_now == type_object);
    let Some((_, type_now)) = alive else {
        let name = if type_object == 0 { String::new() } else { name_of(type_object).to_owned() };
        return (name, format!("<object at {address:#x}, no longer alive>"));
    };
    // SAFETY: the object looks alive: its count is one, and its type is a type.
    unsafe { describe_living(op, type_now) }
}

/// The same, of an object that is alive.
///
/// # Safety
/// It is, and this is its type.
pub(super) unsafe fn describe_living(op: *mut PyObject, type_now: usize) -> (String, String) {
    const LONGEST: usize = 60;
    let address = op as Address;
    // SAFETY: the object is alive and of this type, says the caller. Each branch has compared the type before it reads what
    // objects of that type have, and none of them runs Python code: nothing can free the object before the end.
    unsafe {
        let type_name = name_of(type_now).to_owned();
        let repr = if op == pyo3_ffi::Py_None() {
            "None".to_owned()
        } else if op == pyo3_ffi::Py_True() || op == pyo3_ffi::Py_False() {
            (if op == pyo3_ffi::Py_True() { "True" } else { "False" }).to_owned()
        } else if type_now == &raw mut pyo3_ffi::PyLong_Type as usize {
            let mut overflow = 0;
            let value = pyo3_ffi::PyLong_AsLongLongAndOverflow(op, &mut overflow);
            if overflow == 0 { value.to_string() } else { "<int beyond 64 bits>".to_owned() }
        } else if type_now == &raw mut pyo3_ffi::PyFloat_Type as usize {
            format!("{:?}", layout::PyFloat_AS_DOUBLE(op))
        } else if type_now == &raw mut pyo3_ffi::PyUnicode_Type as usize && has_characters(op) {
            let (length, character) = characters_of(op);
            let text: String = (0..length.min(LONGEST))
                .map(|at| char::from_u32(character(at)).unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            format!("{text:?}{}", if length > LONGEST { "..." } else { "" })
        } else {
            format!("<{type_name} object at {address:#x}>")
        };
        (type_name, repr)
    }
}

/// How many characters a str has, and a function that gives one by its place.
///
/// # Safety
/// It is a str, is alive, and has its characters.
#[cfg(not(Py_LIMITED_API))]
unsafe fn characters_of(text: *mut PyObject) -> (usize, impl Fn(usize) -> u32) {
    // SAFETY: a str of this kind has that many characters of that size there.
    let (length, kind, data) = unsafe {
        (pyo3_ffi::PyUnicode_GET_LENGTH(text) as usize, pyo3_ffi::PyUnicode_KIND(text), pyo3_ffi::PyUnicode_DATA(text))
    };
    let character = move |at: usize| {
        debug_assert!(at < length);
        // SAFETY: as above.
        unsafe {
            match kind {
                1 => u32::from(*data.cast::<u8>().add(at)),
                2 => u32::from(*data.cast::<u16>().add(at)),
                _ => *data.cast::<u32>().add(at),
            }
        }
    };
    (length, character)
}

/// The same, where it is not known how a str lies in memory.
///
/// # Safety
/// It is a str, and is alive.
#[cfg(Py_LIMITED_API)]
unsafe fn characters_of(text: *mut PyObject) -> (usize, impl Fn(usize) -> u32) {
    // SAFETY: it is a living str.
    let length = unsafe { pyo3_ffi::PyUnicode_GetLength(text) }.max(0) as usize;
    // SAFETY: as above; beyond its end it answers that there is no character.
    let character = move |at| unsafe { pyo3_ffi::PyUnicode_ReadChar(text, at as pyo3_ffi::Py_ssize_t) };
    (length, character)
}

/// Does the str have its characters where `PyUnicode_DATA` finds them? Before CPython 3.12 some had not yet.
pub(super) unsafe fn has_characters(text: *mut PyObject) -> bool {
    // SAFETY: the caller passes a living str, so the bits that say how it is stored can be read; where its characters are is
    // read only if they say that it has some.
    #[cfg(not(Py_LIMITED_API))]
    unsafe {
        matches!(pyo3_ffi::PyUnicode_KIND(text), 1 | 2 | 4) && !pyo3_ffi::PyUnicode_DATA(text).is_null()
    }
    #[cfg(Py_LIMITED_API)]
    !text.is_null()
}
