//! The C API under its own names, entered in the ledger.
//!
//! Everything in `pyo3-ffi` is here. What concerns ownership is replaced by a function of the same name and arguments, which
//! knows the line it was called from, enters what happens in the ledger, and calls the original.
//!
//! # Safety
//!
//! Each function has the contract of the C function whose name it bears, and passes its arguments on unchanged. So calling
//! the original is sound whenever calling the wrapper is; `SAFETY: forwarded` below refers to this argument. The ledger looks
//! at an object only while it is alive: before a call that may free it, or after a call that has just returned it.

use crate::account;
use crate::faults;
use crate::layout;
use crate::spot::Spot;
use crate::trampolines;
use core::ffi::{c_char, c_double, c_int, c_long, c_longlong, c_ulong, c_ulonglong, c_void};
use core::ptr::null_mut;
pub use pyo3_ffi::*;

/// The address of an argument, if it is an object.
trait Argument: Copy {
    fn object(self) -> usize {
        0
    }
}

impl Argument for *mut PyObject {
    fn object(self) -> usize {
        self as usize
    }
}

macro_rules! no_objects {
    ($($type:ty),*) => { $(impl Argument for $type {})* };
}
no_objects!(i32, u32, i64, u64, isize, usize, f64, *const c_char, *mut c_void, *mut *mut c_char);
no_objects!(Option<PyCapsule_Destructor>);

// ---- counting ----------------------------------------------------------------------------------------------------------------

/// One more owner of `op`: the reference is in hand.
///
/// # Safety
/// `op` is a living object.
#[track_caller]
pub unsafe fn Py_INCREF(op: *mut PyObject) {
    // SAFETY: forwarded.
    unsafe { pyo3_ffi::Py_INCREF(op) };
    account::take(op, "incref", Some(Spot::here()));
}

/// Steals `op`: the reference goes out of hand.
///
/// # Safety
/// `op` is a living object, and the caller owns the reference. If not, the ledger says so before it goes wrong.
#[track_caller]
pub unsafe fn Py_DECREF(op: *mut PyObject) {
    let site = Some(Spot::here());
    account::give(op, "decref", site);
    account::may_run_python("Py_DECREF", &[], site);
    // SAFETY: forwarded.
    unsafe { pyo3_ffi::Py_DECREF(op) };
}

/// As `Py_INCREF`, if `op` is not NULL.
///
/// # Safety
/// `op` is NULL or a living object.
#[track_caller]
pub unsafe fn Py_XINCREF(op: *mut PyObject) {
    if !op.is_null() {
        // SAFETY: forwarded.
        unsafe { Py_INCREF(op) }
    }
}

/// As `Py_DECREF`, if `op` is not NULL.
///
/// # Safety
/// `op` is NULL, or a living object to which the caller owns a reference.
#[track_caller]
pub unsafe fn Py_XDECREF(op: *mut PyObject) {
    if !op.is_null() {
        // SAFETY: forwarded.
        unsafe { Py_DECREF(op) }
    }
}

/// A new reference to `op`.
///
/// # Safety
/// `op` is a living object.
#[track_caller]
pub unsafe fn Py_NewRef(op: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe { Py_INCREF(op) };
    op
}

/// A new reference to `op`, which may be NULL.
///
/// # Safety
/// `op` is NULL or a living object.
#[track_caller]
pub unsafe fn Py_XNewRef(op: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe { Py_XINCREF(op) };
    op
}

/// As `Py_XINCREF`, as a function.
///
/// # Safety
/// `op` is NULL or a living object.
#[track_caller]
pub unsafe fn Py_IncRef(op: *mut PyObject) {
    // SAFETY: forwarded.
    unsafe { Py_XINCREF(op) }
}

/// As `Py_XDECREF`, as a function.
///
/// # Safety
/// `op` is NULL, or a living object to which the caller owns a reference.
#[track_caller]
pub unsafe fn Py_DecRef(op: *mut PyObject) {
    // SAFETY: forwarded.
    unsafe { Py_XDECREF(op) }
}

/// Empties the field, and then gives up what it held.
///
/// # Safety
/// `field` is valid and owns what it holds, or holds NULL.
#[track_caller]
pub unsafe fn Py_CLEAR(field: *mut *mut PyObject) {
    // SAFETY: forwarded.
    unsafe {
        let op = field.replace(null_mut());
        account::emptied(field, op, Some(Spot::here()));
        Py_XDECREF(op);
    }
}

// ---- calls -------------------------------------------------------------------------------------------------------------------

/// Functions that return a new reference, or NULL with an exception set.
macro_rules! new_references {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        /// As in the C API. A new reference, which is in hand from here on; or NULL.
        ///
        /// # Safety
        /// As in the C API.
        #[allow(deprecated, clippy::too_many_arguments)]
        #[track_caller]
        pub unsafe fn $name($($argument: $type),*) -> *mut PyObject {
            let site = Some(Spot::here());
            account::may_run_python(stringify!($name), &[$($argument.object()),*], site);
            if faults::due(stringify!($name), site) {
                return null_mut();
            }
            // SAFETY: forwarded.
            let op = unsafe { pyo3_ffi::$name($($argument),*) };
            account::take(op, "new", site);
            op
        }
    )*};
}

/// Functions that return a number: this one, with an exception set, if they fail. Before, it is entered that they may run Python
/// code (`may_run_python`), or not before they have taken references of their own (`runs_nothing`).
macro_rules! statuses {
    ($before:ident; $($name:ident($($argument:ident: $type:ty),*) -> $result:ty = $failed:expr;)*) => {$(
        /// As in the C API. Borrows its arguments.
        ///
        /// # Safety
        /// As in the C API.
        #[track_caller]
        pub unsafe fn $name($($argument: $type),*) -> $result {
            let site = Some(Spot::here());
            account::$before(stringify!($name), &[$($argument.object()),*], site);
            if faults::due(stringify!($name), site) {
                return $failed;
            }
            // SAFETY: forwarded.
            unsafe { pyo3_ffi::$name($($argument),*) }
        }
    )*};
}

/// Functions that lend. `from_mutable`: what lends it can release it.
macro_rules! lenders {
    ($($name:ident($($argument:ident: $type:ty),*), from_mutable: $mutable:expr;)*) => {$(
        /// As in the C API. A borrowed reference, or NULL.
        ///
        /// # Safety
        /// As in the C API.
        #[track_caller]
        pub unsafe fn $name($($argument: $type),*) -> *mut PyObject {
            // SAFETY: forwarded.
            let op = unsafe { pyo3_ffi::$name($($argument),*) };
            account::lend(op, $mutable, Some(Spot::here()));
            op
        }
    )*};
}

/// What is always there is borrowed by naming it.
macro_rules! always_there {
    ($($name:ident;)*) => {$(
        /// As in the C API. A borrowed reference.
        ///
        /// # Safety
        /// As in the C API.
        #[track_caller]
        pub unsafe fn $name() -> *mut PyObject {
            // SAFETY: forwarded.
            let op = unsafe { pyo3_ffi::$name() };
            account::name(op, Some(Spot::here()));
            op
        }
    )*};
}

always_there! {
    Py_None;
    Py_True;
    Py_False;
    Py_NotImplemented;
}

type Object = *mut PyObject;
type Text = *const c_char;

new_references! {
    PyObject_GetAttr(op: Object, name: Object);
    PyObject_GetAttrString(op: Object, name: Text);
    PyObject_GetItem(op: Object, key: Object);
    PyObject_GetIter(op: Object);
    PyObject_Call(function: Object, args: Object, kwargs: Object);
    PyObject_CallObject(function: Object, args: Object);
    PyObject_Repr(op: Object);
    PyObject_Str(op: Object);
    PyObject_ASCII(op: Object);
    PyObject_Bytes(op: Object);
    PyObject_Dir(op: Object);
    PyObject_Format(op: Object, specification: Object);
    PyObject_RichCompare(one: Object, other: Object, operator: c_int);
    PyObject_Type(op: Object);
    PyIter_Next(iterator: Object);
    PySeqIter_New(sequence: Object);
    PyCallIter_New(function: Object, sentinel: Object);

    PyNumber_Positive(op: Object);
    PyNumber_Invert(op: Object);
    PyNumber_Divmod(one: Object, other: Object);
    PyNumber_MatrixMultiply(one: Object, other: Object);
    PyNumber_Power(one: Object, other: Object, modulus: Object);
    PyNumber_ToBase(op: Object, base: c_int);
    PyNumber_InPlaceSubtract(one: Object, other: Object);
    PyNumber_InPlaceMultiply(one: Object, other: Object);
    PyNumber_InPlaceOr(one: Object, other: Object);
    PyNumber_InPlaceAnd(one: Object, other: Object);
    PyNumber_Add(one: Object, other: Object);
    PyNumber_Subtract(one: Object, other: Object);
    PyNumber_Multiply(one: Object, other: Object);
    PyNumber_FloorDivide(one: Object, other: Object);
    PyNumber_TrueDivide(one: Object, other: Object);
    PyNumber_Remainder(one: Object, other: Object);
    PyNumber_And(one: Object, other: Object);
    PyNumber_Or(one: Object, other: Object);
    PyNumber_Xor(one: Object, other: Object);
    PyNumber_Lshift(one: Object, other: Object);
    PyNumber_Rshift(one: Object, other: Object);
    PyNumber_InPlaceAdd(one: Object, other: Object);
    PyNumber_Negative(op: Object);
    PyNumber_Absolute(op: Object);
    PyNumber_Index(op: Object);
    PyNumber_Long(op: Object);
    PyNumber_Float(op: Object);

    PySequence_List(op: Object);
    PySequence_Tuple(op: Object);
    PySequence_Fast(op: Object, message: Text);
    PySequence_GetItem(op: Object, at: Py_ssize_t);
    PySequence_GetSlice(op: Object, low: Py_ssize_t, high: Py_ssize_t);
    PySequence_Concat(one: Object, other: Object);
    PySequence_InPlaceConcat(one: Object, other: Object);
    PySequence_InPlaceRepeat(op: Object, times: Py_ssize_t);
    PySequence_Repeat(op: Object, times: Py_ssize_t);
    PyMapping_Keys(op: Object);
    PyMapping_Values(op: Object);
    PyMapping_Items(op: Object);
    PyMapping_GetItemString(op: Object, key: Text);

    PyDict_New();
    PyDict_Copy(dict: Object);
    PyDict_Keys(dict: Object);
    PyDict_Values(dict: Object);
    PyDict_Items(dict: Object);
    PyDictProxy_New(mapping: Object);
    PyList_New(length: Py_ssize_t);
    PyList_GetSlice(list: Object, low: Py_ssize_t, high: Py_ssize_t);
    PyList_AsTuple(list: Object);
    PyTuple_New(length: Py_ssize_t);
    PyTuple_GetSlice(tuple: Object, low: Py_ssize_t, high: Py_ssize_t);
    PySet_New(iterable: Object);
    PyFrozenSet_New(iterable: Object);
    PySet_Pop(set: Object);
    PySlice_New(start: Object, stop: Object, step: Object);

    PyLong_FromLong(value: c_long);
    PyLong_FromLongLong(value: c_longlong);
    PyLong_FromUnsignedLong(value: c_ulong);
    PyLong_FromUnsignedLongLong(value: c_ulonglong);
    PyLong_FromSsize_t(value: Py_ssize_t);
    PyLong_FromSize_t(value: usize);
    PyLong_FromDouble(value: c_double);
    PyLong_FromVoidPtr(value: *mut c_void);
    PyLong_FromString(text: Text, end: *mut *mut c_char, base: c_int);
    PyFloat_FromDouble(value: c_double);
    PyFloat_FromString(text: Object);
    PyComplex_FromDoubles(real: c_double, imaginary: c_double);
    PyBool_FromLong(value: c_long);
    PyBytes_FromString(text: Text);
    PyBytes_FromStringAndSize(text: Text, length: Py_ssize_t);
    PyBytes_FromObject(op: Object);
    PyByteArray_FromStringAndSize(text: Text, length: Py_ssize_t);
    PyUnicode_FromString(text: Text);
    PyUnicode_FromStringAndSize(text: Text, length: Py_ssize_t);
    PyUnicode_Replace(text: Object, old: Object, new: Object, most: Py_ssize_t);
    PyUnicode_RichCompare(one: Object, other: Object, operator: c_int);
    PyUnicode_FromEncodedObject(op: Object, encoding: Text, errors: Text);
    PyUnicode_AsEncodedString(text: Object, encoding: Text, errors: Text);
    PyUnicode_FromObject(op: Object);
    PyUnicode_FromOrdinal(ordinal: c_int);
    PyUnicode_InternFromString(text: Text);
    PyUnicode_DecodeUTF8(text: Text, length: Py_ssize_t, errors: Text);
    PyUnicode_AsUTF8String(text: Object);
    PyUnicode_Join(separator: Object, parts: Object);
    PyUnicode_Concat(one: Object, other: Object);
    PyUnicode_Substring(text: Object, start: Py_ssize_t, end: Py_ssize_t);
    PyUnicode_Split(text: Object, separator: Object, most: Py_ssize_t);
    PyUnicode_Format(format: Object, args: Object);

    PyException_GetCause(exception: Object);
    PyException_GetContext(exception: Object);
    PyException_GetTraceback(exception: Object);
    PyImport_ImportModule(name: Text);
    PyImport_Import(name: Object);
    PyErr_NewException(name: Text, base: Object, dict: Object);
    PyErr_NewExceptionWithDoc(name: Text, doc: Text, base: Object, dict: Object);
    PyCapsule_New(pointer: *mut c_void, name: Text, destructor: Option<PyCapsule_Destructor>);
    PyMemoryView_FromObject(op: Object);
    PyWeakref_NewRef(op: Object, callback: Object);
    PyWeakref_NewProxy(op: Object, callback: Object);
    Py_GenericAlias(origin: Object, args: Object);

    PyByteArray_Concat(a: Object, b: Object);
    PyByteArray_FromObject(o: Object);
    PyBytes_DecodeEscape(arg1: Text, arg2: Py_ssize_t, arg3: Text, arg4: Py_ssize_t, arg5: Text);
    PyBytes_Repr(arg1: Object, arg2: c_int);
    PyCodec_BackslashReplaceErrors(exc: Object);
    PyCodec_Decode(object: Object, encoding: Text, errors: Text);
    PyCodec_Decoder(encoding: Text);
    PyCodec_Encode(object: Object, encoding: Text, errors: Text);
    PyCodec_Encoder(encoding: Text);
    PyCodec_IgnoreErrors(exc: Object);
    PyCodec_IncrementalDecoder(encoding: Text, errors: Text);
    PyCodec_IncrementalEncoder(encoding: Text, errors: Text);
    PyCodec_LookupError(name: Text);
    PyCodec_ReplaceErrors(exc: Object);
    PyCodec_StreamReader(encoding: Text, stream: Object, errors: Text);
    PyCodec_StreamWriter(encoding: Text, stream: Object, errors: Text);
    PyCodec_XMLCharRefReplaceErrors(exc: Object);
    PyErr_ProgramText(filename: Text, lineno: c_int);
    PyEval_EvalCode(arg1: Object, arg2: Object, arg3: Object);
    PyFile_FromFd(arg1: c_int, arg2: Text, arg3: Text, arg4: c_int, arg5: Text, arg6: Text, arg7: Text, arg8: c_int);
    PyFile_GetLine(arg1: Object, arg2: c_int);
    PyFloat_GetInfo();
    PyImport_ExecCodeModule(name: Text, co: Object);
    PyImport_ExecCodeModuleEx(name: Text, co: Object, pathname: Text);
    PyImport_ExecCodeModuleObject(name: Object, co: Object, pathname: Object, cpathname: Object);
    PyImport_ExecCodeModuleWithPathnames(name: Text, co: Object, pathname: Text, cpathname: Text);
    PyImport_GetImporter(path: Object);
    PyImport_GetModule(name: Object);
    PyImport_ImportModuleEx(name: Text, globals: Object, locals: Object, fromlist: Object);
    PyImport_ImportModuleLevel(name: Text, globals: Object, locals: Object, fromlist: Object, level: c_int);
    PyImport_ImportModuleLevelObject(name: Object, globals: Object, locals: Object, fromlist: Object, level: c_int);
    PyImport_ReloadModule(m: Object);
    PyLong_GetInfo();
    PyNumber_InPlaceFloorDivide(o1: Object, o2: Object);
    PyNumber_InPlaceLshift(o1: Object, o2: Object);
    PyNumber_InPlaceMatrixMultiply(o1: Object, o2: Object);
    PyNumber_InPlacePower(o1: Object, o2: Object, o3: Object);
    PyNumber_InPlaceRemainder(o1: Object, o2: Object);
    PyNumber_InPlaceRshift(o1: Object, o2: Object);
    PyNumber_InPlaceTrueDivide(o1: Object, o2: Object);
    PyNumber_InPlaceXor(o1: Object, o2: Object);
    PyOS_FSPath(path: Object);
    PyUnicodeDecodeError_GetEncoding(arg1: Object);
    PyUnicodeDecodeError_GetObject(arg1: Object);
    PyUnicodeDecodeError_GetReason(arg1: Object);
    PyUnicodeEncodeError_GetEncoding(arg1: Object);
    PyUnicodeEncodeError_GetObject(arg1: Object);
    PyUnicodeEncodeError_GetReason(arg1: Object);
    PyUnicodeTranslateError_GetObject(arg1: Object);
    PyUnicodeTranslateError_GetReason(arg1: Object);
    PyUnicode_AsASCIIString(unicode: Object);
    PyUnicode_AsCharmapString(unicode: Object, mapping: Object);
    PyUnicode_AsLatin1String(unicode: Object);
    PyUnicode_AsRawUnicodeEscapeString(unicode: Object);
    PyUnicode_AsUTF16String(unicode: Object);
    PyUnicode_AsUTF32String(unicode: Object);
    PyUnicode_AsUnicodeEscapeString(unicode: Object);
    PyUnicode_BuildEncodingMap(string: Object);
    PyUnicode_Decode(s: Text, size: Py_ssize_t, encoding: Text, errors: Text);
    PyUnicode_DecodeASCII(string: Text, length: Py_ssize_t, errors: Text);
    PyUnicode_DecodeCharmap(string: Text, length: Py_ssize_t, mapping: Object, errors: Text);
    PyUnicode_DecodeFSDefault(s: Text);
    PyUnicode_DecodeFSDefaultAndSize(s: Text, size: Py_ssize_t);
    PyUnicode_DecodeLatin1(string: Text, length: Py_ssize_t, errors: Text);
    PyUnicode_DecodeLocale(str: Text, errors: Text);
    PyUnicode_DecodeLocaleAndSize(str: Text, len: Py_ssize_t, errors: Text);
    PyUnicode_DecodeRawUnicodeEscape(string: Text, length: Py_ssize_t, errors: Text);
    PyUnicode_DecodeUTF7(string: Text, length: Py_ssize_t, errors: Text);
    PyUnicode_DecodeUnicodeEscape(string: Text, length: Py_ssize_t, errors: Text);
    PyUnicode_EncodeFSDefault(unicode: Object);
    PyUnicode_EncodeLocale(unicode: Object, errors: Text);
    PyUnicode_Partition(s: Object, sep: Object);
    PyUnicode_RPartition(s: Object, sep: Object);
    PyUnicode_RSplit(s: Object, sep: Object, maxsplit: Py_ssize_t);
    PyUnicode_Splitlines(s: Object, keepends: c_int);
    PyUnicode_Translate(str: Object, table: Object, errors: Text);
    PyWrapper_New(arg1: Object, arg2: Object);
}

statuses! {
    may_run_python;
    PyObject_SetAttr(op: Object, name: Object, value: Object) -> c_int = -1;
    PyObject_SetAttrString(op: Object, name: Text, value: Object) -> c_int = -1;
    PyObject_SetItem(op: Object, key: Object, value: Object) -> c_int = -1;
    PyObject_DelItem(op: Object, key: Object) -> c_int = -1;
    PyObject_IsTrue(op: Object) -> c_int = -1;
    PyObject_Not(op: Object) -> c_int = -1;
    PyObject_RichCompareBool(one: Object, other: Object, operator: c_int) -> c_int = -1;
    PyObject_Hash(op: Object) -> Py_hash_t = -1;
    PyObject_Size(op: Object) -> Py_ssize_t = -1;
    PyObject_Length(op: Object) -> Py_ssize_t = -1;
    PyObject_IsInstance(op: Object, class: Object) -> c_int = -1;
    PyObject_IsSubclass(op: Object, class: Object) -> c_int = -1;
    PyDict_SetItem(dict: Object, key: Object, value: Object) -> c_int = -1;
    PyDict_SetItemString(dict: Object, key: Text, value: Object) -> c_int = -1;
    PyDict_DelItem(dict: Object, key: Object) -> c_int = -1;
    PyDict_DelItemString(dict: Object, key: Text) -> c_int = -1;
    PyDict_Update(dict: Object, other: Object) -> c_int = -1;
    PyDict_Merge(dict: Object, other: Object, overwrite: c_int) -> c_int = -1;
    PyDict_Contains(dict: Object, key: Object) -> c_int = -1;
    PyList_SetSlice(list: Object, low: Py_ssize_t, high: Py_ssize_t, items: Object) -> c_int = -1;
    PyList_Sort(list: Object) -> c_int = -1;
    PyList_Reverse(list: Object) -> c_int = -1;
    PySet_Add(set: Object, key: Object) -> c_int = -1;
    PySet_Discard(set: Object, key: Object) -> c_int = -1;
    PySet_Contains(set: Object, key: Object) -> c_int = -1;
    PySequence_SetItem(op: Object, at: Py_ssize_t, item: Object) -> c_int = -1;
    PySequence_DelItem(op: Object, at: Py_ssize_t) -> c_int = -1;
    PySequence_Contains(op: Object, item: Object) -> c_int = -1;
    PySequence_Size(op: Object) -> Py_ssize_t = -1;
    PyMapping_Size(op: Object) -> Py_ssize_t = -1;
    PyFloat_AsDouble(op: Object) -> c_double = -1.0;
    PyModule_AddIntConstant(module: Object, name: Text, value: c_long) -> c_int = -1;
    PyModule_AddStringConstant(module: Object, name: Text, value: Text) -> c_int = -1;
    Py_ReprEnter(op: Object) -> c_int = -1;
}

statuses! {
    runs_nothing;
    PyList_Append(list: Object, item: Object) -> c_int = -1;
    PyList_Insert(list: Object, at: Py_ssize_t, item: Object) -> c_int = -1;
}

// What the stable ABI does not have.

#[cfg(not(Py_LIMITED_API))]
new_references! {
    PyUnicode_New(length: Py_ssize_t, greatest: Py_UCS4);
    PyDateTime_FromDateAndTime(year: c_int, month: c_int, day: c_int, hour: c_int, minute: c_int, second: c_int, microsecond: c_int);
    PyDateTime_FromDateAndTimeAndFold(year: c_int, month: c_int, day: c_int, hour: c_int, minute: c_int, second: c_int, microsecond: c_int, fold: c_int);
    PyDate_FromDate(year: c_int, month: c_int, day: c_int);
    PyDelta_FromDSU(days: c_int, seconds: c_int, microseconds: c_int);
    PyTimeZone_FromOffset(offset: Object);
    PyTimeZone_FromOffsetAndName(offset: Object, name: Object);
    PyTime_FromTime(hour: c_int, minute: c_int, second: c_int, microsecond: c_int);
    PyTime_FromTimeAndFold(hour: c_int, minute: c_int, second: c_int, microsecond: c_int, fold: c_int);
    PyObject_CallOneArg(function: Object, argument: Object);
    PyObject_CallMethodNoArgs(op: Object, name: Object);
    PyObject_CallMethodOneArg(op: Object, name: Object, argument: Object);
}

#[cfg(any(not(Py_LIMITED_API), Py_3_10))]
new_references! {
    PyObject_CallNoArgs(function: Object);
}

#[cfg(Py_3_10)]
statuses! {
    may_run_python;
    PyModule_AddObjectRef(module: Object, name: Text, value: Object) -> c_int = -1;
}

#[cfg(not(Py_LIMITED_API))]
lenders! {
    PyTuple_GET_ITEM(tuple: Object, at: Py_ssize_t), from_mutable: false;
    PyList_GET_ITEM(list: Object, at: Py_ssize_t), from_mutable: true;
    PyDict_SetDefault(dict: Object, key: Object, value: Object), from_mutable: true;
}

lenders! {
    // A tuple cannot release an item.
    PyTuple_GetItem(tuple: Object, at: Py_ssize_t), from_mutable: false;
    PyList_GetItem(list: Object, at: Py_ssize_t), from_mutable: true;
    PyDict_GetItem(dict: Object, key: Object), from_mutable: true;
    PyDict_GetItemString(dict: Object, key: Text), from_mutable: true;
    PySys_GetObject(name: Text), from_mutable: true;
    PyImport_AddModule(name: Text), from_mutable: true;
    PyModule_GetDict(module: Object), from_mutable: false;
    PyStructSequence_GetItem(sequence: Object, at: Py_ssize_t), from_mutable: false;
}

/// As in the C API. A borrowed reference, or NULL, with an exception set if it failed.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyDict_GetItemWithError(dict: *mut PyObject, key: *mut PyObject) -> *mut PyObject {
    let site = Some(Spot::here());
    account::may_run_python("PyDict_GetItemWithError", &[dict.object(), key.object()], site);
    if faults::due("PyDict_GetItemWithError", site) {
        return null_mut();
    }
    // SAFETY: forwarded.
    let op = unsafe { pyo3_ffi::PyDict_GetItemWithError(dict, key) };
    account::lend(op, true, site);
    op
}

/// As in the C API. A new reference goes into `result`, or NULL; returns 1, 0, or -1 with an exception set.
///
/// # Safety
/// As in the C API.
#[cfg(Py_3_13)]
#[track_caller]
pub unsafe fn PyDict_GetItemRef(dict: *mut PyObject, key: *mut PyObject, result: *mut *mut PyObject) -> c_int {
    let site = Some(Spot::here());
    account::may_run_python("PyDict_GetItemRef", &[dict.object(), key.object()], site);
    // SAFETY: forwarded; the caller has `result` written to.
    unsafe {
        if faults::due("PyDict_GetItemRef", site) {
            result.write(null_mut());
            return -1;
        }
        let found = pyo3_ffi::PyDict_GetItemRef(dict, key, result);
        if found == 1 {
            account::take(*result, "new", site);
        }
        found
    }
}

/// As in the C API. Key and value are borrowed from the dict.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyDict_Next(
    dict: *mut PyObject,
    position: *mut Py_ssize_t,
    key: *mut *mut PyObject,
    value: *mut *mut PyObject,
) -> c_int {
    // SAFETY: forwarded. The caller may pass NULL for a place that it does not want written, so each is checked first.
    unsafe {
        let more = pyo3_ffi::PyDict_Next(dict, position, key, value);
        for place in [key, value] {
            if more != 0 && !place.is_null() {
                account::lend(*place, true, Some(Spot::here()));
            }
        }
        more
    }
}

// ---- calls that steal --------------------------------------------------------------------------------------------------------

/// Functions that steal their last argument, whether or not they fail.
macro_rules! thieves {
    ($($name:ident($($argument:ident: $type:ty),*; $stolen:ident) -> $result:ty;)*) => {$(
        /// As in the C API. Steals its last argument.
        ///
        /// # Safety
        /// As in the C API.
        #[track_caller]
        pub unsafe fn $name($($argument: $type,)* $stolen: *mut PyObject) -> $result {
            account::give($stolen, "stolen", Some(Spot::here()));
            // SAFETY: forwarded.
            unsafe { pyo3_ffi::$name($($argument,)* $stolen) }
        }
    )*};
}

#[cfg(not(Py_LIMITED_API))]
thieves! {
    PyTuple_SET_ITEM(tuple: Object, at: Py_ssize_t; item) -> ();
    PyList_SET_ITEM(list: Object, at: Py_ssize_t; item) -> ();
}

thieves! {
    PyTuple_SetItem(tuple: Object, at: Py_ssize_t; item) -> c_int;
    PyList_SetItem(list: Object, at: Py_ssize_t; item) -> c_int;
}

thieves! {
    PyException_SetCause(exception: Object; cause) -> ();
    PyException_SetContext(exception: Object; context) -> ();
    PyStructSequence_SetItem(sequence: Object, at: Py_ssize_t; item) -> ();
}

#[cfg(Py_3_12)]
thieves! {
    PyErr_SetRaisedException(; exception) -> ();
}

/// As in the C API. Steals `value` if it succeeds, and does not if it fails.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyModule_AddObject(module: *mut PyObject, name: *const c_char, value: *mut PyObject) -> c_int {
    let site = Some(Spot::here());
    if faults::due("PyModule_AddObject", site) {
        return -1;
    }
    // SAFETY: forwarded.
    let result = unsafe { pyo3_ffi::PyModule_AddObject(module, name, value) };
    if result == 0 {
        account::give(value, "stolen", site);
    }
    result
}

/// As in the C API. A new reference to the exception that was set, or NULL.
///
/// # Safety
/// As in the C API.
#[cfg(Py_3_12)]
#[track_caller]
pub unsafe fn PyErr_GetRaisedException() -> *mut PyObject {
    // SAFETY: forwarded.
    let op = unsafe { pyo3_ffi::PyErr_GetRaisedException() };
    account::take(op, "new", Some(Spot::here()));
    op
}

/// As in the C API. Three new references, any of which may be NULL.
///
/// # Safety
/// As in the C API.
#[track_caller]
#[allow(deprecated)]
pub unsafe fn PyErr_Fetch(kind: *mut *mut PyObject, value: *mut *mut PyObject, traceback: *mut *mut PyObject) {
    // SAFETY: forwarded. The C function has written all three places, so they can be read.
    unsafe {
        pyo3_ffi::PyErr_Fetch(kind, value, traceback);
        for place in [kind, value, traceback] {
            account::take(*place, "new", Some(Spot::here()));
        }
    }
}

/// As in the C API. Steals all three, any of which may be NULL.
///
/// # Safety
/// As in the C API.
#[track_caller]
#[allow(deprecated)]
pub unsafe fn PyErr_Restore(kind: *mut PyObject, value: *mut PyObject, traceback: *mut PyObject) {
    for op in [kind, value, traceback] {
        account::give(op, "stolen", Some(Spot::here()));
    }
    // SAFETY: forwarded.
    unsafe { pyo3_ffi::PyErr_Restore(kind, value, traceback) }
}

// ---- objects of the extension's own ------------------------------------------------------------------------------------------

/// In the place of the C function, whether it is called or stands in a slot: a new object is in hand.
pub const PyType_GenericAlloc: unsafe extern "C" fn(*mut PyTypeObject, Py_ssize_t) -> *mut PyObject =
    trampolines::generic_alloc;

/// In the place of the C function, whether it is called or stands in a slot: an object of the extension's goes.
pub const PyObject_GC_Del: unsafe extern "C" fn(*mut c_void) = trampolines::gc_del;

/// In the place of the C function, whether it is called or stands in a slot: an object of the extension's may go.
pub const PyObject_Free: unsafe extern "C" fn(*mut c_void) = trampolines::object_free;

/// Allocates an object by its type's `tp_alloc`, as a function that knows the line: a new reference, or NULL.
///
/// # Safety
/// The type is ready.
#[track_caller]
pub unsafe fn allocate(type_object: *mut PyTypeObject) -> *mut PyObject {
    let site = Some(Spot::here());
    account::may_run_python("tp_alloc", &[], site);
    if faults::due("tp_alloc", site) {
        return null_mut();
    }
    // SAFETY: a type that is ready has `tp_alloc`.
    unsafe {
        let alloc = (*layout::open(type_object)).tp_alloc.expect("a type that is ready has tp_alloc");
        let entered = core::ptr::fn_addr_eq(alloc, PyType_GenericAlloc);
        let op = if entered { pyo3_ffi::PyType_GenericAlloc(type_object, 0) } else { alloc(type_object, 0) };
        account::made(op, site);
        op
    }
}

// ---- types and modules: where calls come in ----------------------------------------------------------------------------------

/// As in the C API; and from then on each call into a slot or method of the type is seen to begin and end.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyType_Ready(type_object: *mut PyTypeObject) -> c_int {
    if faults::due("PyType_Ready", Some(Spot::here())) {
        return -1;
    }
    // SAFETY: forwarded; the C function, too, demands a complete struct and writes to it.
    unsafe {
        trampolines::install_in_type(type_object);
        let result = pyo3_ffi::PyType_Ready(type_object);
        trampolines::finish_type(type_object);
        result
    }
}

/// As in the C API, as `PyType_Ready` here.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyType_FromSpec(spec: *mut PyType_Spec) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe { PyType_FromSpecWithBases(spec, null_mut()) }
}

/// As in the C API, as `PyType_Ready` here.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyType_FromSpecWithBases(spec: *mut PyType_Spec, bases: *mut PyObject) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe { type_from(spec, |spec| pyo3_ffi::PyType_FromSpecWithBases(spec, bases)) }
}

/// As in the C API, as `PyType_Ready` here.
///
/// # Safety
/// As in the C API.
#[cfg(any(Py_3_10, all(Py_3_9, not(Py_LIMITED_API))))]
#[track_caller]
pub unsafe fn PyType_FromModuleAndSpec(
    module: *mut PyObject,
    spec: *mut PyType_Spec,
    bases: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe { type_from(spec, |spec| pyo3_ffi::PyType_FromModuleAndSpec(module, spec, bases)) }
}

/// As in the C API, as `PyType_Ready` here.
///
/// # Safety
/// As in the C API.
#[cfg(Py_3_15)]
#[track_caller]
pub unsafe fn PyType_FromSlots(slots: *mut PySlot) -> *mut PyObject {
    let site = Some(Spot::here());
    if faults::due("PyType_FromSlots", site) {
        return null_mut();
    }
    // SAFETY: forwarded.
    unsafe {
        trampolines::install_in_type_slots(slots.cast());
        let op = pyo3_ffi::PyType_FromSlots(slots);
        if !op.is_null() {
            trampolines::finish_type(op.cast());
        }
        account::take(op, "new", site);
        op
    }
}

/// A heap type, with trampolines in its slots.
#[track_caller]
unsafe fn type_from(spec: *mut PyType_Spec, make: impl FnOnce(*mut PyType_Spec) -> *mut PyObject) -> *mut PyObject {
    let site = Some(Spot::here());
    if faults::due("PyType_FromSpec", site) {
        return null_mut();
    }
    // SAFETY: the specification is complete, which the C functions demand of their callers.
    unsafe {
        let op = make(trampolines::install_in_spec(spec));
        if !op.is_null() {
            trampolines::finish_type(op.cast());
        }
        account::take(op, "new", site);
        op
    }
}

/// As in the C API; the functions of the module are seen to begin and end, and it has the ledger's own functions besides.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyModule_Create(definition: *mut PyModuleDef) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe { PyModule_Create2(definition, PYTHON_API_VERSION) }
}

/// As in the C API, as `PyModule_Create` here.
///
/// # Safety
/// As in the C API.
#[track_caller]
pub unsafe fn PyModule_Create2(definition: *mut PyModuleDef, version: c_int) -> *mut PyObject {
    let site = Some(Spot::here());
    if faults::due("PyModule_Create", site) {
        return null_mut();
    }
    // SAFETY: forwarded.
    let op = unsafe {
        trampolines::install_in_module(definition);
        pyo3_ffi::PyModule_Create2(definition, version)
    };
    account::take(op, "new", site);
    op
}

/// As in the C API, as `PyModule_Create` here.
///
/// # Safety
/// As in the C API.
pub unsafe fn PyModuleDef_Init(definition: *mut PyModuleDef) -> *mut PyObject {
    // SAFETY: forwarded.
    unsafe {
        trampolines::install_in_module(definition);
        pyo3_ffi::PyModuleDef_Init(definition)
    }
}

/// As in the C API, as `PyModule_Create` here. (A module that CPython asks the file for, by `PyModExport_NAME`, does not come
/// through here: see `trampolines/slots.rs`.)
///
/// # Safety
/// As in the C API.
#[cfg(Py_3_15)]
#[track_caller]
pub unsafe fn PyModule_FromSlotsAndSpec(slots: *const PySlot, spec: *mut PyObject) -> *mut PyObject {
    let site = Some(Spot::here());
    if faults::due("PyModule_FromSlotsAndSpec", site) {
        return null_mut();
    }
    // SAFETY: forwarded.
    let op = unsafe {
        trampolines::install_in_module_slots(slots.cast_mut().cast());
        pyo3_ffi::PyModule_FromSlotsAndSpec(slots, spec)
    };
    account::take(op, "new", site);
    op
}
