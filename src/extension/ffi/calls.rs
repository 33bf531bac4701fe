//! What the extension uses of the C API under its own name.

pub(crate) use core::ffi::{c_char, c_int, c_longlong, c_void};

// Types.
pub(crate) use super::api::{
    METH_CLASS, METH_FASTCALL, METH_KEYWORDS, METH_NOARGS, METH_O, Py_READONLY, Py_T_BOOL, Py_T_OBJECT_EX, Py_UCS4,
    Py_ssize_t, PyCFunction, PyCFunctionFast, PyGetSetDef, PyMemberDef, PyMethodDef, PyMethodDefPointer, PyModuleDef,
    PyObject, PyTypeObject, PyVarObject, visitproc,
};
#[cfg(not(opaque))]
pub(crate) use super::api::{PyModuleDef_HEAD_INIT, PyObject_HEAD_INIT};

// Type flags.
pub(crate) use super::api::{Py_TPFLAGS_BASETYPE, Py_TPFLAGS_DEFAULT, Py_TPFLAGS_HAVE_GC};

// Objects that are always there. All borrowed.
pub(crate) use super::api::{
    Py_EQ, Py_False, Py_GT, Py_LE, Py_LT, Py_NE, Py_None, Py_NotImplemented, Py_True, PyDict_Type, PyExc_KeyError,
    PyExc_OverflowError, PyExc_RuntimeError, PyExc_SystemError, PyExc_TypeError, PyExc_ValueError, PyList_Type,
    PyLong_Type, PyTuple_Type, PyUnicode_Type,
};

// Asking what an object is. Nothing is taken or returned, and nothing can fail.
pub(crate) use super::api::{
    Py_TYPE, PyAnySet_Check, PyCFunction_Check, PyCFunction_GetFunction, PyCallable_Check, PyDict_Check,
    PyDictItems_Check, PyDictKeys_Check, PyErr_ExceptionMatches, PyErr_Occurred, PyFloat_Check, PyLong_Check,
    PyObject_TypeCheck, PyTuple_Check, PyUnicode_Check,
};

// Functions that may fail, and return a new reference or NULL with an exception set.
pub(crate) use super::api::{
    Py_GenericAlias, PyBool_FromLong, PyDict_New, PyDictProxy_New, PyFloat_FromDouble, PyImport_ImportModule,
    PyIter_Next, PyList_New, PyLong_FromDouble, PyLong_FromLongLong, PyLong_FromSsize_t, PyModule_Create,
    PyObject_CallNoArgs, PyObject_GetAttrString, PyObject_GetItem, PyObject_GetIter, PyObject_SelfIter,
    PySequence_List, PySequence_Tuple, PySet_New, PyTuple_New, PyTuple_Pack, PyUnicode_FromFormat,
    PyUnicode_FromString, PyUnicode_Join,
};

// Functions that may fail, and return -1 with an exception set. They borrow all their arguments: `PyDict_SetItemString`
// does not steal the value.
pub(crate) use super::api::{
    Py_ReprEnter, PyArg_ParseTuple, PyArg_ParseTupleAndKeywords, PyDict_SetItem, PyDict_SetItemString, PyDict_Size,
    PyDict_Update, PyFloat_AsDouble, PyList_Append, PyLong_AsLongLongAndOverflow, PyObject_Hash,
    PyObject_HashNotImplemented, PyObject_RichCompareBool, PyObject_SetAttr, PyObject_SetItem, PyObject_Size,
    PySequence_Contains, PySet_Add, PyType_Ready, PyUnicode_CompareWithASCIIString,
};

// Functions that lend: what they find is borrowed.
#[cfg(not(Py_GIL_DISABLED))]
pub(crate) use super::api::PyDict_GetItemWithError;
pub(crate) use super::api::PyDict_Next;
pub(crate) use super::api::{PyModule_GetState, PyState_FindModule};

// Exceptions: they borrow what they are given.
pub(crate) use super::api::{
    PyErr_Clear, PyErr_Format, PyErr_NoMemory, PyErr_SetObject, PyErr_SetString, PyErr_WriteUnraisable,
};

// Memory and the garbage collector.
pub(crate) use super::api::{
    Py_ReprLeave, PyObject_ClearWeakRefs, PyObject_GC_Del, PyObject_GC_UnTrack, PyType_GenericAlloc,
};

// For the traced build's announcements.
#[cfg(feature = "trace")]
pub(crate) use super::api::{
    PyBool_Type, PyFloat_Type, PyLong_AsSize_t, PyLong_FromSize_t, PyObject_IsTrue, PySys_FormatStdout,
    PyUnicode_AsUTF8,
};
