//! An extension on PyO3, whose types count by themselves. What is right comes first; what is wrong is marked with BUG and a name.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};

#[pyfunction]
fn pair<'py>(py: Python<'py>, x: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [x.clone(), x])
}

/// A reference that is counted by hand, and given back.
#[pyfunction]
fn by_pointer(x: Bound<'_, PyAny>) -> Bound<'_, PyAny> {
    let (py, pointer) = (x.py(), x.into_ptr());
    // SAFETY: the pointer owns the reference that `into_ptr` gave up.
    unsafe { Bound::from_owned_ptr(py, pointer) }
}

#[pyfunction]
fn count<'py>(words: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let counts = PyDict::new(words.py());
    for word in words.try_iter()? {
        let word = word?;
        let before: usize = counts.get_item(&word)?.map_or(Ok(0), |number| number.extract())?;
        counts.set_item(word, before + 1)?;
    }
    Ok(counts)
}

/// Calls a function. A `ValueError` is caught, and its text returned.
#[pyfunction]
fn caught<'py>(function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match function.call0() {
        Err(error) if error.is_instance_of::<PyValueError>(function.py()) => {
            Ok(error.value(function.py()).str()?.into_any())
        }
        other => other,
    }
}

#[pyfunction]
fn fails(text: String) -> PyResult<()> {
    Err(PyValueError::new_err(text))
}

/// A name that is made once, and a list that is.
#[pyfunction]
fn kept_for_good<'py>(x: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static LIST: PyOnceLock<Py<PyList>> = PyOnceLock::new();
    let py = x.py();
    let list = LIST.get_or_init(py, || PyList::empty(py).unbind());
    x.getattr(pyo3::intern!(py, "__class__"))?;
    Ok(list.bind(py).clone().into_any())
}

/// One field, which changes.
#[pyclass]
struct Keeper {
    kept: Option<Py<PyAny>>,
}

#[pymethods]
impl Keeper {
    #[new]
    #[pyo3(signature = (kept=None))]
    fn new(kept: Option<Py<PyAny>>) -> Self {
        Keeper { kept }
    }

    fn keep(&mut self, x: Py<PyAny>) {
        self.kept = Some(x);
    }

    #[getter]
    fn kept(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.kept.as_ref().map(|kept| kept.clone_ref(py))
    }

    fn me(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Keeper({})",
            self.kept.as_ref().map_or(Ok("".into()), |kept| kept.bind(py).repr()?.extract::<String>())?
        ))
    }

    fn overwrite(&mut self, x: Py<PyAny>) {
        std::mem::forget(self.kept.replace(x)); // BUG overwrite
    }
}

/// Many objects, in memory of its own.
#[pyclass]
struct Stack {
    all: Vec<Py<PyAny>>,
}

#[pymethods]
impl Stack {
    #[new]
    fn new() -> Self {
        Stack { all: Vec::new() }
    }

    fn push(&mut self, x: Py<PyAny>) {
        self.all.push(x);
    }

    fn pop(&mut self) -> Option<Py<PyAny>> {
        self.all.pop()
    }

    fn __len__(&self) -> usize {
        self.all.len()
    }

    /// What it holds is lost.
    fn forget(&mut self) {
        // SAFETY: no objects are at least as many as there are.
        unsafe { self.all.set_len(0) }
    }

    fn __iter__(slf: &Bound<'_, Self>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let list = PyList::new(py, slf.borrow().all.iter().map(|x| x.clone_ref(py)))?;
        Ok(list.try_iter()?.into_any().unbind())
    }
}

#[pyfunction]
fn leak_clone(x: &Bound<'_, PyAny>) {
    std::mem::forget(x.clone()); // BUG leak_clone
}

#[pyfunction]
fn leak_pointer(x: &Bound<'_, PyAny>) -> usize {
    let kept: Py<PyAny> = x.clone().unbind(); // BUG leak_pointer
    kept.into_ptr() as usize
}

#[pyfunction]
fn leak_list(py: Python<'_>) {
    let list = PyList::empty(py); // BUG leak_list
    std::mem::forget(list);
}

/// What is moved into a function is taken by PyO3, before the function begins.
#[pyfunction]
fn leak_argument(x: Bound<'_, PyAny>) {
    std::mem::forget(x);
}

/// Counts in a helper, as extensions do.
fn forget_one(x: &Bound<'_, PyAny>) {
    std::mem::forget(x.clone()); // BUG helper
}

#[pyfunction]
fn leak_by_helper(x: &Bound<'_, PyAny>) {
    forget_one(x); // CALLER helper
}

#[pyfunction]
fn give_too_much(x: &Bound<'_, PyAny>) {
    // SAFETY: none, that is the mistake.
    let owned = unsafe { Bound::from_owned_ptr(x.py(), x.as_ptr()) };
    drop(owned); // BUG give_too_much
}

#[pymodule]
mod counted {
    #[pymodule_export]
    use super::{
        by_pointer, caught, count, fails, give_too_much, kept_for_good, leak_argument, leak_by_helper, leak_clone,
        leak_list, leak_pointer, pair, Keeper, Stack,
    };
}
