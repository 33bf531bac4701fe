//! How CPython's objects lie in memory, for builds in which pyo3-ffi does not say.
//!
//! An extension that is built for the stable ABI (a feature `abi3` of pyo3-ffi) knows functions, and hardly any struct. The ledger
//! goes with the extension: cargo builds one pyo3-ffi for both. But the ledger has to know more. So what it needs and the stable ABI
//! hides is declared here, as it has been in every CPython since 3.9; where versions differ, a function is asked. In all other builds
//! this is pyo3-ffi's. A file that was built so is for the laboratory, and no wheel to be given away: it relies on more than the stable
//! ABI promises.

#[cfg(Py_LIMITED_API)]
pub(crate) use hidden::*;
#[cfg(not(Py_LIMITED_API))]
pub(crate) use pyo3_ffi::{
    METH_FASTCALL, METH_METHOD, Py_TPFLAGS_HAVE_VECTORCALL, Py_buffer, PyFloat_AS_DOUBLE, PyList_GET_ITEM,
    PyList_GET_SIZE, PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc, PyObject_GenericGetDict,
    PyObject_IS_GC, PyTuple_GET_ITEM, PyTuple_GET_SIZE, PyTypeObject as Type, PyUnicode_AsUTF8AndSize,
    PyVectorcall_Call,
};

use pyo3_ffi::{PyObject, PyTypeObject};

/// The object's type, whose fields can be read.
///
/// # Safety
/// The object is alive.
#[inline(always)]
pub(crate) unsafe fn type_of(op: *mut PyObject) -> *mut Type {
    // SAFETY: the object is alive, says the caller.
    unsafe { pyo3_ffi::Py_TYPE(op) }.cast()
}

/// The object's count.
///
/// # Safety
/// The object is alive, or this is a copy of its head.
#[inline(always)]
pub(crate) unsafe fn count_of(op: *mut PyObject) -> isize {
    // SAFETY: the head can be read, says the caller.
    unsafe {
        // From 3.14 on there are flags beside the count, of which a pyo3-ffi for an older version knows nothing.
        #[cfg(all(Py_LIMITED_API, target_pointer_width = "64", target_endian = "little"))]
        return op.cast::<u32>().read() as isize;
        #[cfg(not(all(Py_LIMITED_API, target_pointer_width = "64", target_endian = "little")))]
        return pyo3_ffi::Py_REFCNT(op) as isize;
    }
}

/// A type as one whose fields can be read.
#[inline(always)]
pub(crate) fn open(type_object: *mut PyTypeObject) -> *mut Type {
    type_object.cast()
}

/// Where a tuple's items lie, one after the other.
///
/// # Safety
/// It is a tuple, and alive.
pub(crate) unsafe fn items_of(tuple: *mut PyObject) -> *const *mut PyObject {
    // The size of an empty tuple, as its type knows it: 3.14 has put a field before the items.
    // SAFETY: the type of tuples is static; the items lie behind the head, in the object's memory.
    unsafe { tuple.byte_add((*open(&raw mut pyo3_ffi::PyTuple_Type)).tp_basicsize as usize).cast() }
}

#[cfg(Py_LIMITED_API)]
#[allow(missing_docs)]
mod hidden {
    use core::ffi::{c_char, c_int, c_ulong, c_void};
    use pyo3_ffi::{Py_ssize_t, PyObject, allocfunc, freefunc, traverseproc};

    pub(crate) const METH_FASTCALL: c_int = 0x80;
    pub(crate) const METH_METHOD: c_int = 0x200;
    pub(crate) const Py_TPFLAGS_HAVE_VECTORCALL: c_ulong = 1 << 11;

    /// `PyTypeObject`, as far as the ledger looks at it.
    #[repr(C)]
    pub(crate) struct Type {
        head: [usize; size_of::<pyo3_ffi::PyVarObject>() / size_of::<usize>()],
        pub(crate) tp_name: *const c_char,
        pub(crate) tp_basicsize: Py_ssize_t,
        tp_itemsize: Py_ssize_t,
        tp_dealloc: usize,
        pub(crate) tp_vectorcall_offset: Py_ssize_t,
        // tp_getattr, tp_setattr, tp_as_async, tp_repr; number, sequence, mapping; tp_hash, tp_call, tp_str, tp_getattro,
        // tp_setattro; tp_as_buffer.
        others: [usize; 13],
        pub(crate) tp_flags: c_ulong,
        tp_doc: usize,
        pub(crate) tp_traverse: Option<traverseproc>,
        // tp_clear, tp_richcompare, tp_weaklistoffset, tp_iter, tp_iternext, tp_methods, tp_members, tp_getset.
        more: [usize; 8],
        pub(crate) tp_base: *mut pyo3_ffi::PyTypeObject,
        // tp_dict, tp_descr_get, tp_descr_set, tp_dictoffset, tp_init.
        rest: [usize; 5],
        pub(crate) tp_alloc: Option<allocfunc>,
        tp_new: usize,
        pub(crate) tp_free: Option<freefunc>,
    }

    /// How a buffer's description begins.
    #[repr(C)]
    pub(crate) struct Py_buffer {
        buf: *mut c_void,
        pub(crate) obj: *mut PyObject,
    }

    // Every CPython exports them.
    unsafe extern "C" {
        pub(crate) fn PyMem_RawMalloc(size: usize) -> *mut c_void;
        pub(crate) fn PyMem_RawCalloc(number: usize, size: usize) -> *mut c_void;
        pub(crate) fn PyMem_RawRealloc(block: *mut c_void, size: usize) -> *mut c_void;
        pub(crate) fn PyMem_RawFree(block: *mut c_void);
        pub(crate) fn PyObject_GenericGetDict(op: *mut PyObject, context: *mut c_void) -> *mut PyObject;
        pub(crate) fn PyObject_IS_GC(op: *mut PyObject) -> c_int;
        pub(crate) fn PyUnicode_AsUTF8AndSize(text: *mut PyObject, size: *mut Py_ssize_t) -> *const c_char;
        pub(crate) fn PyVectorcall_Call(op: *mut PyObject, tuple: *mut PyObject, names: *mut PyObject)
        -> *mut PyObject;
    }

    // The macros of these names do not check; these functions do, and find nothing wrong.
    pub(crate) use pyo3_ffi::PyTuple_GetItem as PyTuple_GET_ITEM;
    pub(crate) use pyo3_ffi::{PyFloat_AsDouble as PyFloat_AS_DOUBLE, PyList_Size as PyList_GET_SIZE};
    pub(crate) use pyo3_ffi::{PyList_GetItem as PyList_GET_ITEM, PyTuple_Size as PyTuple_GET_SIZE};
}
