//! A table as one would write it with the PyO3 crate over hashbrown: a peer for the benchmarks.
//!
//! It has the operations of a mapping and the methods of HashTable that are measured. Keys are hashed and compared in Python's way;
//! an exception in a comparison ends the operation. It is not ordered: iterating walks over a list of the keys, made for the purpose.

use hashbrown::HashTable;
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList};

struct Pair {
    hash: u64,
    key: Py<PyAny>,
    value: Py<PyAny>,
}

/// A hash table.
#[pyclass(mapping)]
struct Table {
    pairs: HashTable<Pair>,
}

/// Python's hash of a key, with its bits mixed: hashbrown takes its tags from the upper ones.
fn hash_of(key: &Bound<'_, PyAny>) -> PyResult<u64> {
    Ok((key.hash()? as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// Whether a pair has this key. What the comparison raised is kept in `raised`, and ends the search.
fn is_it(pair: &Pair, hash: u64, key: &Bound<'_, PyAny>, raised: &mut Option<PyErr>) -> bool {
    if pair.hash != hash {
        return false;
    }
    if pair.key.is(key) {
        return true;
    }
    key.eq(pair.key.bind(key.py())).unwrap_or_else(|error| {
        *raised = Some(error);
        true
    })
}

impl Table {
    fn find(&self, hash: u64, key: &Bound<'_, PyAny>) -> PyResult<Option<&Pair>> {
        let mut raised = None;
        let found = self.pairs.find(hash, |pair| is_it(pair, hash, key, &mut raised));
        raised.map_or(Ok(found), Err)
    }

    fn put(&mut self, key: Bound<'_, PyAny>, value: Py<PyAny>) -> PyResult<()> {
        let hash = hash_of(&key)?;
        let mut raised = None;
        let found = self.pairs.find_mut(hash, |pair| is_it(pair, hash, &key, &mut raised));
        if let Some(error) = raised {
            return Err(error);
        }
        match found {
            Some(pair) => pair.value = value,
            None => self.add(hash, key, value),
        }
        Ok(())
    }

    fn add(&mut self, hash: u64, key: Bound<'_, PyAny>, value: Py<PyAny>) {
        self.pairs.insert_unique(hash, Pair { hash, key: key.unbind(), value }, |pair| pair.hash);
    }

    fn take(&mut self, key: &Bound<'_, PyAny>) -> PyResult<Option<Pair>> {
        let hash = hash_of(key)?;
        let mut raised = None;
        let found = self.pairs.find_entry(hash, |pair| is_it(pair, hash, key, &mut raised));
        match (raised, found) {
            (Some(error), _) => Err(error),
            (None, Ok(entry)) => Ok(Some(entry.remove().0)),
            (None, Err(_)) => Ok(None),
        }
    }
}

#[pymethods]
impl Table {
    #[new]
    fn new() -> Self {
        Table { pairs: HashTable::new() }
    }

    fn __len__(&self) -> usize {
        self.pairs.len()
    }

    fn __getitem__(&self, key: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match self.find(hash_of(&key)?, &key)? {
            Some(pair) => Ok(pair.value.clone_ref(key.py())),
            None => Err(PyKeyError::new_err(key.unbind())),
        }
    }

    fn __setitem__(&mut self, key: Bound<'_, PyAny>, value: Py<PyAny>) -> PyResult<()> {
        self.put(key, value)
    }

    fn __delitem__(&mut self, key: Bound<'_, PyAny>) -> PyResult<()> {
        match self.take(&key)? {
            Some(_) => Ok(()),
            None => Err(PyKeyError::new_err(key.unbind())),
        }
    }

    fn __contains__(&self, key: Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(self.find(hash_of(&key)?, &key)?.is_some())
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        PyList::new(py, self.pairs.iter().map(|pair| pair.key.clone_ref(py)).collect::<Vec<_>>())?.try_iter()
    }

    fn set<'py>(
        mut slf: PyRefMut<'py, Self>,
        key: Bound<'py, PyAny>,
        value: Py<PyAny>,
    ) -> PyResult<PyRefMut<'py, Self>> {
        slf.put(key, value)?;
        Ok(slf)
    }

    #[pyo3(signature = (key, default=None, /))]
    fn get(&self, key: Bound<'_, PyAny>, default: Option<Py<PyAny>>) -> PyResult<Option<Py<PyAny>>> {
        Ok(match self.find(hash_of(&key)?, &key)? {
            Some(pair) => Some(pair.value.clone_ref(key.py())),
            None => default,
        })
    }

    #[pyo3(signature = (key, default=None, /))]
    fn setdefault(&mut self, key: Bound<'_, PyAny>, default: Option<Py<PyAny>>) -> PyResult<Py<PyAny>> {
        let py = key.py();
        let hash = hash_of(&key)?;
        if let Some(pair) = self.find(hash, &key)? {
            return Ok(pair.value.clone_ref(py));
        }
        let value = default.unwrap_or_else(|| py.None());
        self.add(hash, key, value.clone_ref(py));
        Ok(value)
    }

    #[pyo3(signature = (key, *default))]
    fn pop(&mut self, key: Bound<'_, PyAny>, default: &Bound<'_, pyo3::types::PyTuple>) -> PyResult<Py<PyAny>> {
        match self.take(&key)? {
            Some(pair) => Ok(pair.value),
            None if default.is_empty() => Err(PyKeyError::new_err(key.unbind())),
            None => Ok(default.get_item(0)?.unbind()),
        }
    }
}

/// The module.
#[pymodule]
fn with_pyo3(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Table>()
}
