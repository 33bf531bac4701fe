//! libhashtable by PyO3: a Rust struct that frees when dropped, and methods with attributes.
//!
//! Over the C ABI, although a Rust library could be used directly: so that this road leads to the same file as the others,
//! and the figures compare roads and not libraries. The extension itself is the one that uses the Rust library.

use core::ffi::{CStr, c_char};
use core::ptr::{null, null_mut};
use pyo3::PyTraverseError;
use pyo3::exceptions::{PyKeyError, PyMemoryError, PyTypeError, PyValueError};
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString};

// ---- hashtable.h ---------------------------------------------------------------------------------------------------

const HT_INT: i32 = 1;
const HT_FLOAT: i32 = 2;
const HT_STRING: i32 = 3;
const HT_OK: i32 = 0;
const HT_NOT_FOUND: i32 = 1;
const HT_NO_MEMORY: i32 = 10;

#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    bytes: *const c_char,
    length: usize,
}

#[repr(C)]
union Data {
    integer: i64,
    real: f64,
    text: Text,
}

#[repr(C)]
struct Item {
    kind: i32,
    data: Data,
}

#[repr(C)]
struct Table {
    _opaque: [u8; 0],
}

#[link(name = "hashtable")]
unsafe extern "C" {
    fn ht_hash(key: *const Item, hash: *mut i64) -> i32;
    fn ht_new(size: usize, max_load: f64, table: *mut *mut Table) -> i32;
    fn ht_free(table: *mut Table) -> i32;
    fn ht_set_hashed(table: *mut Table, hash: i64, key: *const Item, value: *const Item, old: *mut Item) -> i32;
    fn ht_get_hashed(table: *const Table, hash: i64, key: *const Item, value: *mut Item) -> i32;
    fn ht_remove_hashed(table: *mut Table, hash: i64, key: *const Item, old_key: *mut Item, value: *mut Item) -> i32;
    fn ht_size(table: *const Table, size: *mut usize) -> i32;
    fn ht_load(table: *const Table, load: *mut usize) -> i32;
    fn ht_picture(table: *const Table, buffer: *mut u8, capacity: usize, needed: *mut usize) -> i32;
    safe fn ht_error_message(code: i32) -> *const c_char;
}

// ---- items and errors ----------------------------------------------------------------------------------------------

/// The item for a key or a value. The bytes of a string are borrowed from `value`, and must not outlive it.
fn to_item(value: &Bound<'_, PyAny>) -> PyResult<Item> {
    if value.is_instance_of::<PyInt>() {
        Ok(Item { kind: HT_INT, data: Data { integer: value.extract()? } })
    } else if value.is_instance_of::<PyFloat>() {
        Ok(Item { kind: HT_FLOAT, data: Data { real: value.extract()? } })
    } else if let Ok(text) = value.cast::<PyString>() {
        let text = text.to_str()?;
        let text = Text { bytes: text.as_ptr().cast(), length: text.len() };
        Ok(Item { kind: HT_STRING, data: Data { text } })
    } else {
        Err(PyTypeError::new_err("keys and values are int, float or str"))
    }
}

/// The Python object for an item that the library has just written.
///
/// # Safety
/// The item is one that the library lends, and nobody has changed its table since.
unsafe fn from_item(py: Python<'_>, item: &Item) -> PyResult<Py<PyAny>> {
    // SAFETY: the kind says which part of the union is written; the caller vouches for the bytes of a string.
    unsafe {
        Ok(match item.kind {
            HT_INT => item.data.integer.into_pyobject(py)?.into_any().unbind(),
            HT_FLOAT => item.data.real.into_pyobject(py)?.into_any().unbind(),
            _ => {
                let bytes = core::slice::from_raw_parts(item.data.text.bytes.cast(), item.data.text.length);
                PyString::from_bytes(py, bytes)?.into_any().unbind()
            }
        })
    }
}

/// What a status means; whether it is not HT_NOT_FOUND.
fn check(status: i32) -> PyResult<bool> {
    match status {
        HT_OK => Ok(true),
        HT_NOT_FOUND => Ok(false),
        _ => {
            // SAFETY: the library's messages are constants that end with a NUL.
            let message = unsafe { CStr::from_ptr(ht_error_message(status)) }.to_string_lossy().into_owned();
            Err(if status == HT_NO_MEMORY { PyMemoryError::new_err(message) } else { PyValueError::new_err(message) })
        }
    }
}

fn nothing() -> Item {
    Item { kind: 0, data: Data { integer: 0 } }
}

// ---- the class -----------------------------------------------------------------------------------------------------

/// A hash table; without `hash_func` the library's default hash is used.
#[pyclass]
struct HashTable {
    table: *mut Table,
    hash_func: Option<Py<PyAny>>,
}

// SAFETY: a table may move between threads; PyO3 lets one thread at a time change it.
unsafe impl Send for HashTable {}
// SAFETY: functions that only look at a table may run at once, and `&self` calls no others.
unsafe impl Sync for HashTable {}

impl Drop for HashTable {
    fn drop(&mut self) {
        // SAFETY: the table is ours, and this is the last use of it.
        unsafe { ht_free(self.table) };
    }
}

/// The hash of a key, in both of its forms. While a hash function runs, the table is not borrowed: it may use the table.
fn hash_of(table: &Bound<'_, HashTable>, key: &Bound<'_, PyAny>, item: &Item) -> PyResult<i64> {
    let Some(function) = table.borrow().hash_func.as_ref().map(|function| function.clone_ref(key.py())) else {
        let mut hash = 0;
        // SAFETY: the item's string is borrowed from the key, which the caller has borrowed for this call; the result is a
        // local.
        check(unsafe { ht_hash(item, &mut hash) })?;
        return Ok(hash);
    };
    let answer = function.bind(key.py()).call1((key,))?;
    if !answer.is_instance_of::<PyInt>() {
        return Err(PyValueError::new_err("Invalid hash function -- all keys must hash to an integer."));
    }
    answer.extract().or_else(|_| answer.hash().map(|hash| hash as i64))
}

#[pymethods]
impl HashTable {
    #[new]
    #[pyo3(signature = (size = 4, max_load = 0.5, hash_func = None))]
    fn new(size: usize, max_load: f64, hash_func: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        if hash_func.as_ref().is_some_and(|function| !function.is_callable()) {
            return Err(PyTypeError::new_err("hash_func must be callable."));
        }
        let mut made = Self { table: null_mut(), hash_func: hash_func.map(Bound::unbind) };
        // SAFETY: the library writes the pointer, which is ours from then on.
        check(unsafe { ht_new(size, max_load, &mut made.table) })?;
        Ok(made)
    }

    /// Adds a pair or overwrites a value; returns the table.
    fn set<'py>(slf: Bound<'py, Self>, key: Bound<'py, PyAny>, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let (item, worth) = (to_item(&key)?, to_item(&value)?);
        let hash = hash_of(&slf, &key, &item)?;
        // SAFETY: the table is alive and nobody else uses it; the strings live as long as key and value.
        check(unsafe { ht_set_hashed(slf.borrow_mut().table, hash, &item, &worth, null_mut()) })?;
        Ok(slf)
    }

    /// The value of a key.
    #[pyo3(signature = (key, default = None))]
    fn get(slf: &Bound<'_, Self>, key: Bound<'_, PyAny>, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        let (item, mut value) = (to_item(&key)?, nothing());
        let hash = hash_of(slf, &key, &item)?;
        let table = slf.borrow();
        // SAFETY: the table is alive, and borrowed until the value is copied; the string lives as long as the key.
        unsafe {
            if check(ht_get_hashed(table.table, hash, &item, &mut value))? {
                return from_item(slf.py(), &value).map(Some);
            }
        }
        Ok(default)
    }

    /// Removes a key and returns its value.
    #[pyo3(signature = (key, *default))]
    fn pop(slf: &Bound<'_, Self>, key: Bound<'_, PyAny>, default: Vec<Py<PyAny>>) -> PyResult<Py<PyAny>> {
        let (item, mut value) = (to_item(&key)?, nothing());
        let hash = hash_of(slf, &key, &item)?;
        let table = slf.borrow_mut();
        // SAFETY: the table is alive, and borrowed until the value is copied; the string lives as long as the key.
        unsafe {
            if check(ht_remove_hashed(table.table, hash, &item, null_mut(), &mut value))? {
                return from_item(slf.py(), &value);
            }
        }
        default.into_iter().next().ok_or_else(|| PyKeyError::new_err(key.unbind()))
    }

    /// Number of buckets.
    #[getter]
    fn size(&self) -> PyResult<usize> {
        let mut size = 0;
        // SAFETY: `self` owns the table and is borrowed, so it is not freed meanwhile; the result is a local.
        check(unsafe { ht_size(self.table, &mut size) })?;
        Ok(size)
    }

    /// Number of pairs.
    #[getter]
    fn load(&self) -> PyResult<usize> {
        let mut load = 0;
        // SAFETY: `self` owns the table and is borrowed, so it is not freed meanwhile; the result is a local.
        check(unsafe { ht_load(self.table, &mut load) })?;
        Ok(load)
    }

    fn __repr__(&self) -> PyResult<String> {
        let mut needed = 0;
        // SAFETY: the table is alive, and the buffer is as large as is said.
        unsafe {
            check(ht_picture(self.table, null::<u8>().cast_mut(), 0, &mut needed))?;
            let mut picture = vec![0; needed + 1];
            check(ht_picture(self.table, picture.as_mut_ptr(), picture.len(), &mut needed))?;
            picture.truncate(needed);
            Ok(String::from_utf8(picture)?)
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.hash_func)
    }

    fn __clear__(&mut self) {
        self.hash_func = None;
    }
}

/// libhashtable by PyO3.
#[pymodule]
mod table_pyo3 {
    #[pymodule_export]
    use super::HashTable;
}
