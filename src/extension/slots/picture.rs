//! The picture of a table: `repr(h)` and `f"{h:full}"`.

use crate::errors::{entry_alone, no_memory, value_error};
use crate::ffi::*;
use crate::object::HashTable;
use crate::table::hashing::hash_of;
use crate::table::snapshot::Snapshot;
use hashtable_core::Table;

/// `repr(h)`: for each bucket a line with `[]` and one `*` for each pair in it. Returns a new reference.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn tp_repr(op: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        // SAFETY: the right object. The picture is drawn from the table itself, borrowed meanwhile: nothing that runs
        // Python code happens before it is done.
        unsafe { give(picture(&(*op.cast::<HashTable>()).pairs)?) }
    })
}

/// Draws into a `str` of exactly the right length: two characters and the end of the line for each bucket, one for each
/// pair.
unsafe fn picture(table: &Table<Stored, Stored>) -> Result<*mut PyObject, Raised> {
    let length =
        table.size().checked_mul(3).and_then(|ends| ends.checked_add(table.load())).ok_or_else(|| no_memory())?;
    // SAFETY: the str is finished. Neither making one nor looking at the chains runs Python code: the table is what it was.
    unsafe {
        let mut picture = Ascii::of_length(length)?;
        let characters = picture.characters();
        let mut end = 0;
        let mut draw = |character: u8| {
            characters[end] = character;
            end += 1;
        };
        for bucket in 0..table.size() {
            draw(b'[');
            draw(b']');
            table.chain(bucket).for_each(|_| draw(b'*'));
            draw(b'\n');
        }
        picture.finish()
    }
}

/// `h.__format__(spec)`: the picture for an empty spec, the long picture for `full`. Borrows the spec, returns a new
/// reference.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn format(op: *mut PyObject, spec: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        // SAFETY: the right object, and both are kept for the call. A text is drawn from the table itself only if that
        // runs nothing; else from a snapshot, which owns what is in it.
        unsafe {
            if PyUnicode_Check(spec) == 0 {
                return Err(crate::errors::type_error(c"__format__() argument must be str"));
            }
            if PyUnicode_GET_LENGTH(spec) == 0 {
                return give(picture(&(*op.cast::<HashTable>()).pairs)?);
            }
            if PyUnicode_CompareWithASCIIString(spec, c"full".as_ptr()) != 0 {
                return Err(value_error(c"a HashTable's format is empty (the picture) or 'full' (the long picture)."));
            }
            let snapshot = Snapshot::of(op.cast())?;
            let text = long_picture(op.cast(), &snapshot);
            snapshot.release();
            give(text?)
        }
    })
}

/// The long picture: a new reference. Runs the `repr` of all keys and values, so it works from a snapshot.
unsafe fn long_picture(table: *mut HashTable, snapshot: &Snapshot) -> Result<*mut PyObject, Raised> {
    // SAFETY: the caller keeps the table alive and the snapshot its pairs. `lines` and `empty` are ours until they are
    // given back.
    unsafe {
        let lines = new_reference(PyList_New(0))?; // [R10]
        let joined = write_lines(table, snapshot, lines).and_then(|()| {
            let empty = new_reference(PyUnicode_FromString(c"".as_ptr()))?;
            let text = PyUnicode_Join(empty, lines);
            Py_DECREF(empty);
            new_reference(text)
        });
        Py_DECREF(lines);
        joined
    }
}

/// Appends the lines of the long picture to the list `lines`.
unsafe fn write_lines(table: *mut HashTable, snapshot: &Snapshot, lines: *mut PyObject) -> Result<(), Raised> {
    // SAFETY: the snapshot owns the pairs that are shown, and the caller has the table alive. Each line is a new
    // reference that `append_steals` takes over. `max_load` and `hash_func` are taken out of the table before `repr`
    // runs, the function with a reference of its own. Every format gets what it asks for.
    unsafe {
        let max_load = new_reference(PyFloat_FromDouble((*table).pairs.max_load()))?;
        let hash_func = Py_NewRef((*table).hash_func);
        let kinds = if (*table).typed { c"typed" } else { c"not typed" };
        // [R14]
        let head = received(PyUnicode_FromFormat(
            c"size %zu, load %zu, max_load %R, hash_func %R, %s\n".as_ptr(),
            snapshot.size,
            snapshot.pairs.len(),
            max_load,
            hash_func,
            kinds.as_ptr(),
        ));
        Py_DECREF(hash_func);
        Py_DECREF(max_load);
        append_steals(lines, head)?;

        let mut rest = snapshot.pairs.iter().peekable();
        for bucket in 0..snapshot.size {
            append_steals(lines, received(PyUnicode_FromFormat(c"[%zu]\n".as_ptr(), bucket)))?;
            while let Some(pair) = rest.next_if(|pair| pair.bucket == bucket) {
                // [R2]
                let hash = match pair.hash {
                    Some(hash) => hash,
                    None => hash_of(table, pair.key)?,
                };
                // [R14]
                let hash = hash as c_longlong;
                let line = PyUnicode_FromFormat(c"    hash %lld: %R -> %R\n".as_ptr(), hash, pair.key, pair.value);
                append_steals(lines, received(line))?;
            }
        }
        Ok(())
    }
}
