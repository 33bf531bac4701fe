//! What every exercise of the course begins with: `use course::*;`.
//!
//! It is the C API itself, by way of the ledger, so that each reference is entered with its line; and the part of an extension that
//! is the same each time, a module with a table of functions. The last exercises write that part by hand as well.

pub use core::ffi::{CStr, c_char, c_double, c_int, c_long, c_uint, c_ulong, c_void};
pub use core::ptr::{null, null_mut};
pub use refcount_ledger::ffi::*;

/// A pointer to a Python object, as C has it. The type does not say who owns the reference.
pub type Object = *mut PyObject;

/// A function of one argument, or of none, as CPython calls it: `self` and the argument are borrowed, the result is a new reference.
pub type Function = unsafe extern "C" fn(Object, Object) -> Object;

/// A new reference to None.
///
/// # Safety
/// The GIL is held.
#[track_caller]
pub unsafe fn none() -> Object {
    // SAFETY: None exists for as long as the interpreter does.
    unsafe { Py_NewRef(Py_None()) }
}

/// One line of a module's or a type's table of functions.
pub const fn function(name: &'static CStr, function: Function, flags: c_int) -> PyMethodDef {
    PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: function },
        ml_flags: flags,
        ml_doc: null(),
    }
}

/// The beginning of a static type: its name, the size of its objects and its flags. The slots are filled in around it:
///
/// ```text
/// static mut PAIR: PyTypeObject = PyTypeObject { tp_dealloc: Some(pair_dealloc), ..new_type::<Pair>(c"pairs.Pair", Py_TPFLAGS_DEFAULT) };
/// ```
pub const fn new_type<T>(name: &'static CStr, flags: c_ulong) -> PyTypeObject {
    PyTypeObject {
        ob_base: PyVarObject { ob_base: PyObject_HEAD_INIT, ob_size: 0 },
        tp_name: name.as_ptr(),
        tp_basicsize: size_of::<T>() as Py_ssize_t,
        #[cfg(not(Py_GIL_DISABLED))]
        tp_flags: flags,
        #[cfg(Py_GIL_DISABLED)]
        tp_flags: core::sync::atomic::AtomicU64::new(flags as u64),
        // SAFETY: a type's slot may be empty.
        ..unsafe { core::mem::zeroed() }
    }
}

/// A field that Python can read, by its offset. While it holds NULL, reading it raises AttributeError.
pub const fn member(name: &'static CStr, offset: usize) -> PyMemberDef {
    PyMemberDef {
        name: name.as_ptr(),
        type_code: Py_T_OBJECT_EX,
        offset: offset as Py_ssize_t,
        flags: Py_READONLY,
        doc: null(),
    }
}

/// Ends a table of fields.
// SAFETY: zeros are what ends it.
pub const END_OF_MEMBERS: PyMemberDef = unsafe { core::mem::zeroed() };

/// Gives the memory of an object back, as its type wants it: the last thing that a `tp_dealloc` does.
///
/// # Safety
/// The last reference to `object` is gone, and so is what its fields owned.
pub unsafe fn free(object: Object) {
    // SAFETY: a type that is ready has `tp_free`.
    unsafe { ((*Py_TYPE(object)).tp_free.expect("the type is ready"))(object.cast()) }
}

/// Makes a static type ready and puts it into a module. Borrows both. Returns -1 with an exception set if it fails.
///
/// # Safety
/// `module` is a module, and the type's struct is filled in and lives as long as the process.
pub unsafe fn add_type(module: Object, type_object: *mut PyTypeObject) -> c_int {
    // SAFETY: as the caller promises. The name is what follows the last dot of `tp_name`, which is a C string of the type's.
    unsafe {
        if PyType_Ready(type_object) < 0 {
            return -1;
        }
        let name = (*type_object).tp_name;
        let dot = CStr::from_ptr(name).to_bytes().iter().rposition(|&byte| byte == b'.').map_or(0, |at| at + 1);
        let type_object = type_object.cast::<PyObject>();
        Py_INCREF(type_object);
        if PyModule_AddObject(module, name.add(dot), type_object) < 0 {
            Py_DECREF(type_object);
            return -1;
        }
        0
    }
}

/// The module of an exercise: the function that `import` calls, its functions, and its types.
///
/// ```text
/// module!(PyInit_pairs, c"pairs", [function(c"first", first, METH_O)], [&raw mut PAIR]);
/// ```
#[macro_export]
macro_rules! module {
    ($init:ident, $name:literal, [$($function:expr),* $(,)?] $(, [$($type:expr),* $(,)?])?) => {
        static mut FUNCTIONS: [PyMethodDef; <[&str]>::len(&[$(stringify!($function)),*]) + 1] =
            [$($function,)* PyMethodDef::zeroed()];
        static mut MODULE: PyModuleDef = PyModuleDef {
            m_base: PyModuleDef_HEAD_INIT,
            m_name: $name.as_ptr(),
            m_doc: null(),
            m_size: -1,
            m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
            m_slots: null_mut(),
            m_traverse: None,
            m_clear: None,
            m_free: None,
        };

        /// Where `import` arrives.
        ///
        /// # Safety
        /// CPython calls it, with the GIL held.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $init() -> *mut PyObject {
            // SAFETY: the definition is complete, and static.
            unsafe {
                let module = PyModule_Create(&raw mut MODULE);
                $($(
                    if !module.is_null() && $crate::add_type(module, $type) < 0 {
                        Py_DECREF(module);
                        return null_mut();
                    }
                )*)?
                module
            }
        }
    };
}
