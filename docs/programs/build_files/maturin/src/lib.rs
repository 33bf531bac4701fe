//! The same by PyO3.
use pyo3::prelude::*;

/// The module.
#[pymodule]
mod hello {
    use pyo3::prelude::*;

    /// What one says to somebody.
    #[pyfunction]
    fn hello(name: &str) -> String {
        format!("Hello, {name}!")
    }

    /// Pi.
    #[pyfunction]
    fn pi() -> f64 {
        std::f64::consts::PI
    }
}
