//! What is right: each reference that is taken is given back, given away, or kept where it will be found again.
//!
//! CPython calls all functions here with the GIL held, with arguments that are alive until the call returns, and with the object
//! to which the function belongs: a method of `Pair` gets a pair. The fields of a pair or a box are written before anybody else
//! sees it, and own what they hold. The `SAFETY` comments say what else is needed.

use crate::api::*;
use crate::{Py_NewRef, state};
use core::ffi::{c_int, c_uint, c_void};
use core::ptr::null_mut;

type Object = *mut PyObject;

/// `echo(x)`: x. A new reference.
pub(crate) unsafe extern "C" fn echo(_: Object, x: Object) -> Object {
    // SAFETY: x is alive until the call returns, and the reference that is returned keeps it after that.
    unsafe {
        Py_INCREF(x);
        x
    }
}

/// `nothing()`: None. A new reference.
pub(crate) unsafe extern "C" fn nothing(_: Object, _: Object) -> Object {
    // SAFETY: None is a static object of the interpreter that calls us, so it is alive.
    unsafe { Py_NewRef(Py_None()) }
}

/// `pack(a, b)`: (a, b), by two calls that the ledger does not know.
pub(crate) unsafe extern "C" fn pack(_: Object, arguments: Object) -> Object {
    let (mut a, mut b) = (null_mut::<PyObject>(), null_mut::<PyObject>());
    // SAFETY: the arguments are a tuple, and the format asks for two objects, for which there are two places. What is parsed is
    // borrowed from the tuple, which nobody else can change.
    unsafe {
        if PyArg_ParseTuple(arguments, c"OO".as_ptr(), &raw mut a, &raw mut b) == 0 {
            return null_mut();
        }
        PyTuple_Pack(2, a, b)
    }
}

/// `total(*numbers)`: their sum.
pub(crate) unsafe extern "C" fn total(_: Object, numbers: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: there are `count` arguments, and `at` stays below that. The sum so far is ours until its DECREF, so it is alive
    // while an `__add__` runs.
    unsafe {
        let mut sum = PyLong_FromLong(0);
        for at in 0..count {
            if sum.is_null() {
                return null_mut();
            }
            let more = PyNumber_Add(sum, *numbers.add(at as usize));
            Py_DECREF(sum);
            sum = more;
        }
        sum
    }
}

/// `call(f, x)`: f(x), by a call that the ledger does not know. It may return x itself, or None.
pub(crate) unsafe extern "C" fn call(_: Object, arguments: Object) -> Object {
    // SAFETY: the items are borrowed from the tuple, which keeps them while f runs. The result is ours, and None is only
    // compared with.
    unsafe {
        let (f, x) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if f.is_null() || x.is_null() {
            return null_mut();
        }
        let result = PyObject_CallFunctionObjArgs(f, x, null_mut::<PyObject>());
        if result == Py_None() {
            Py_DECREF(result);
            return PyLong_FromLong(0);
        }
        result
    }
}

/// `boxed(x)`: (x,), by a call that steals.
pub(crate) unsafe extern "C" fn boxed(_: Object, x: Object) -> Object {
    // SAFETY: the tuple is new and ours, and has one empty place; what goes into it is a reference of its own.
    unsafe {
        let tuple = PyTuple_New(1);
        if !tuple.is_null() {
            PyTuple_SET_ITEM(tuple, 0, Py_NewRef(x));
        }
        tuple
    }
}

/// `built(x)`: [x, 1000], by a call that steals and that the ledger does not know.
pub(crate) unsafe extern "C" fn built(_: Object, x: Object) -> Object {
    // SAFETY: the format takes two objects and steals both: both are ours to give. (If `number` is NULL, the call fails, and
    // gives x back.)
    unsafe {
        Py_INCREF(x);
        let number = PyLong_FromLong(1000);
        Py_BuildValue(c"[NN]".as_ptr(), x, number)
    }
}

/// `first(list)`: its first item.
pub(crate) unsafe extern "C" fn first(_: Object, list: Object) -> Object {
    // SAFETY: the item is borrowed from the list; nothing runs before it has a reference of its own, so the list still has it.
    unsafe {
        let item = PyList_GetItem(list, 0);
        Py_XINCREF(item);
        item
    }
}

/// `careful(x)`: its length, or -1 if it has none. The error path gives back what it took.
pub(crate) unsafe extern "C" fn careful(_: Object, x: Object) -> Object {
    // SAFETY: x is alive until the call returns, also while its `__len__` runs. The list is ours until its DECREF, of which
    // there is one on each way out.
    unsafe {
        let list = PyList_New(0);
        if list.is_null() {
            return null_mut();
        }
        let length = PyObject_Size(x);
        if length < 0 || PyList_Append(list, x) < 0 {
            Py_DECREF(list);
            return null_mut();
        }
        Py_DECREF(list);
        PyLong_FromSsize_t(length)
    }
}

/// `reused(x)`: (x, x). Another object, with the same memory, was there before.
pub(crate) unsafe extern "C" fn reused(_: Object, x: Object) -> Object {
    // SAFETY: the first tuple is ours and has two empty places; it is freed with what it stole and not used after that.
    unsafe {
        let tuple = PyTuple_New(2);
        if tuple.is_null() {
            return null_mut();
        }
        PyTuple_SET_ITEM(tuple, 0, PyLong_FromLong(123_456));
        PyTuple_SET_ITEM(tuple, 1, PyLong_FromLong(123_457));
        Py_DECREF(tuple);
        Py_BuildValue(c"(Oi)".as_ptr(), x, 123_458 as c_int)
    }
}

// ---- the module's state ------------------------------------------------------------------------------------------------------

/// `remember(x)`: keeps x in the module's state, by a plain assignment.
pub(crate) unsafe extern "C" fn remember(module: Object, x: Object) -> Object {
    // SAFETY: the module has been filled, or nobody could call this, so its state is there. The field owns what it holds; the
    // new object is in it before the old one is released, which can run any code.
    unsafe {
        let old = (*state(module)).remembered;
        Py_INCREF(x);
        (*state(module)).remembered = x;
        Py_XDECREF(old);
        Py_NewRef(Py_None())
    }
}

/// `remembered()`: what is kept, or None.
pub(crate) unsafe extern "C" fn remembered(module: Object, _: Object) -> Object {
    // SAFETY: the module's state is there, as in `remember`; what the field holds is alive, and nothing runs before it has one
    // more reference.
    unsafe {
        let x = (*state(module)).remembered;
        Py_NewRef(if x.is_null() { Py_None() } else { x })
    }
}

/// `forget()`: hands out what was kept, or None.
pub(crate) unsafe extern "C" fn forget(module: Object, _: Object) -> Object {
    // SAFETY: the module's state is there, as in `remember`. The field is emptied, so its reference has one owner: the caller.
    unsafe {
        let x = (*state(module)).remembered;
        (*state(module)).remembered = null_mut();
        if x.is_null() { Py_NewRef(Py_None()) } else { x }
    }
}

// ---- a static type -----------------------------------------------------------------------------------------------------------

/// Two objects. Can be subclassed, and can be part of a cycle.
#[repr(C)]
pub(crate) struct Pair {
    head: PyObject,
    pub(crate) first: Object,
    second: Object,
}

static mut PAIR: PyTypeObject = PyTypeObject {
    ob_base: PyVarObject { ob_base: PyObject_HEAD_INIT, ob_size: 0 },
    tp_name: c"ledger_example.Pair".as_ptr(),
    tp_basicsize: size_of::<Pair>() as Py_ssize_t,
    tp_flags: type_flags(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC),
    tp_new: Some(pair_new),
    tp_init: Some(pair_init),
    tp_traverse: Some(pair_traverse),
    tp_clear: Some(pair_clear),
    tp_dealloc: Some(pair_dealloc),
    tp_iter: Some(pair_iter),
    tp_getset: &raw mut PAIR_ATTRIBUTES as *mut PyGetSetDef,
    tp_methods: &raw mut PAIR_METHODS as *mut PyMethodDef,
    // SAFETY: the struct is made of numbers, pointers and optional functions, for all of which zero is a value.
    ..unsafe { core::mem::zeroed() }
};

static mut PAIR_ATTRIBUTES: [PyGetSetDef; 2] = [
    PyGetSetDef {
        name: c"first".as_ptr(),
        get: Some(pair_get_first),
        set: Some(pair_set_first),
        doc: core::ptr::null(),
        closure: null_mut(),
    },
    // SAFETY: pointers and optional functions, for which zero is a value; a NULL name is how CPython finds the end.
    unsafe { core::mem::zeroed() },
];

static mut PAIR_METHODS: [PyMethodDef; 2] =
    [crate::plain(c"swapped", pair_swapped, METH_NOARGS), PyMethodDef::zeroed()];

#[cfg(not(Py_GIL_DISABLED))]
const fn type_flags(flags: core::ffi::c_ulong) -> core::ffi::c_ulong {
    flags
}
#[cfg(Py_GIL_DISABLED)]
const fn type_flags(flags: core::ffi::c_ulong) -> core::sync::atomic::AtomicU64 {
    core::sync::atomic::AtomicU64::new(flags as u64)
}

/// The type: a new reference, or NULL.
pub(crate) unsafe fn pair_type() -> Object {
    // SAFETY: the struct is static, and all that is ours to fill in stands in its initializer. A type that is ready may be made
    // ready again.
    unsafe { if PyType_Ready(&raw mut PAIR) < 0 { null_mut() } else { Py_NewRef((&raw mut PAIR).cast()) } }
}

/// A new pair of None and None: the memory comes through a pointer.
unsafe extern "C" fn pair_new(class: *mut PyTypeObject, _: Object, _: Object) -> Object {
    // SAFETY: the class is ready, so it has a `tp_alloc`, and its instances begin as a `Pair`. The fields are written before
    // anything runs, and each with a reference of its own.
    unsafe {
        let pair: *mut Pair = ((*class).tp_alloc.expect("it is ready"))(class, 0).cast();
        if !pair.is_null() {
            Py_INCREF(Py_None());
            (*pair).first = Py_None();
            (*pair).second = Py_NewRef(Py_None());
        }
        pair.cast()
    }
}

/// `Pair(first, second)`, which may be called again.
unsafe extern "C" fn pair_init(op: Object, arguments: Object, keywords: Object) -> c_int {
    // SAFETY: what is parsed is borrowed from the tuple, or is None. Each field has its new object before the old one is
    // released, which can run any code.
    unsafe {
        let (mut first, mut second) = (Py_None(), Py_None());
        if !keywords.is_null() && PyDict_Size(keywords) > 0 {
            PyErr_SetString(PyExc_TypeError, c"Pair takes no keywords".as_ptr());
            return -1;
        }
        if PyArg_ParseTuple(arguments, c"|OO".as_ptr(), &raw mut first, &raw mut second) == 0 {
            return -1;
        }
        let pair: *mut Pair = op.cast();
        Py_INCREF(first);
        let old = (*pair).first;
        (*pair).first = first;
        Py_XDECREF(old);
        Py_INCREF(second);
        let old = (*pair).second;
        (*pair).second = second;
        Py_XDECREF(old);
        0
    }
}

unsafe extern "C" fn pair_traverse(op: Object, visit: visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: the collector visits no pair before `tp_alloc` has returned, with fields of zeros, and nothing runs between that
    // and the writing of them. What is visited is owned by the pair.
    unsafe {
        for field in [(*op.cast::<Pair>()).first, (*op.cast::<Pair>()).second] {
            if !field.is_null() {
                let stop = visit(field, argument);
                if stop != 0 {
                    return stop;
                }
            }
        }
    }
    0
}

unsafe extern "C" fn pair_clear(op: Object) -> c_int {
    // SAFETY: the pair is alive, since the collector asks it to break a cycle. Each field is emptied before what it held is
    // released.
    unsafe {
        Py_CLEAR(&raw mut (*op.cast::<Pair>()).first);
        Py_CLEAR(&raw mut (*op.cast::<Pair>()).second);
    }
    0
}

unsafe extern "C" fn pair_dealloc(op: Object) {
    // SAFETY: the last reference is gone, and the collector forgets the pair first: so nobody can reach its fields while they
    // are released. Its memory goes last.
    unsafe {
        PyObject_GC_UnTrack(op.cast());
        Py_XDECREF((*op.cast::<Pair>()).first);
        Py_XDECREF((*op.cast::<Pair>()).second);
        ((*Py_TYPE(op)).tp_free.expect("it is ready"))(op.cast());
    }
}

/// An iterator over both.
unsafe extern "C" fn pair_iter(op: Object) -> Object {
    // SAFETY: the fields are filled, and `Pack` takes references of its own. The tuple is ours until its DECREF; by then the
    // iterator has a reference to it, or there is no iterator.
    unsafe {
        let both = PyTuple_Pack(2, (*op.cast::<Pair>()).first, (*op.cast::<Pair>()).second);
        if both.is_null() {
            return null_mut();
        }
        let iterator = PyObject_GetIter(both);
        Py_DECREF(both);
        iterator
    }
}

unsafe extern "C" fn pair_get_first(op: Object, _: *mut c_void) -> Object {
    // SAFETY: the pair is kept for the call, its field is filled, and nothing runs before the NewRef.
    unsafe { Py_NewRef((*op.cast::<Pair>()).first) }
}

unsafe extern "C" fn pair_set_first(op: Object, value: Object, _: *mut c_void) -> c_int {
    // SAFETY: the value is kept for the call. It is in the field before the old object is released, which can run any code.
    unsafe {
        if value.is_null() {
            PyErr_SetString(PyExc_TypeError, c"a Pair has a first".as_ptr());
            return -1;
        }
        let old = (*op.cast::<Pair>()).first;
        Py_INCREF(value);
        (*op.cast::<Pair>()).first = value;
        Py_DECREF(old);
    }
    0
}

/// `pair.swapped()`: the pair itself, with its objects exchanged. No count moves but the pair's.
unsafe extern "C" fn pair_swapped(op: Object, _: Object) -> Object {
    // SAFETY: both fields are filled, and own one object each before and after. Nothing runs between.
    unsafe {
        let pair: *mut Pair = op.cast();
        core::ptr::swap(&raw mut (*pair).first, &raw mut (*pair).second);
        Py_NewRef(op)
    }
}

// ---- a heap type -------------------------------------------------------------------------------------------------------------

/// One object, which may be missing.
#[repr(C)]
pub(crate) struct Box_ {
    head: PyObject,
    pub(crate) content: Object,
}

static mut BOX_SLOTS: [PyType_Slot; 4] = [
    PyType_Slot { slot: Py_tp_init, pfunc: box_init as *mut c_void },
    PyType_Slot { slot: Py_tp_dealloc, pfunc: box_dealloc as *mut c_void },
    PyType_Slot { slot: Py_tp_call, pfunc: box_call as *mut c_void },
    PyType_Slot { slot: 0, pfunc: null_mut() },
];

static mut BOX: PyType_Spec = PyType_Spec {
    name: c"ledger_example.Box".as_ptr(),
    basicsize: size_of::<Box_>() as c_int,
    itemsize: 0,
    flags: (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE) as c_uint,
    slots: &raw mut BOX_SLOTS as *mut PyType_Slot,
};

/// The type: a new reference, or NULL.
pub(crate) unsafe fn box_type() -> Object {
    // SAFETY: the specification and its slots are static, and end with a slot of zeros.
    unsafe { PyType_FromSpec(&raw mut BOX) }
}

/// `Box(content)`, which may be called again.
pub(crate) unsafe extern "C" fn box_init(op: Object, arguments: Object, _: Object) -> c_int {
    // SAFETY: the item is borrowed from the tuple, and gets a reference of its own before the old content is released, which
    // can run any code.
    unsafe {
        let content = PyTuple_GetItem(arguments, 0);
        if content.is_null() {
            return -1;
        }
        let old = (*op.cast::<Box_>()).content;
        (*op.cast::<Box_>()).content = Py_NewRef(content);
        Py_XDECREF(old);
        0
    }
}

unsafe extern "C" fn box_dealloc(op: Object) {
    // SAFETY: the last reference is gone, so nobody else can reach the box. It owns its type, as objects of heap types do: that
    // reference keeps `tp_free` there until after the call.
    unsafe {
        let class = Py_TYPE(op);
        Py_CLEAR(&raw mut (*op.cast::<Box_>()).content);
        ((*class).tp_free.expect("it is ready"))(op.cast());
        Py_DECREF(class.cast());
    }
}

/// `box()`: takes the content out. It goes from the field to the caller.
unsafe extern "C" fn box_call(op: Object, _: Object, _: Object) -> Object {
    // SAFETY: the box is kept for the call. The field is emptied, so its reference has one owner: the caller.
    unsafe {
        let content = (*op.cast::<Box_>()).content;
        if content.is_null() {
            PyErr_SetString(PyExc_LookupError, c"the box is empty".as_ptr());
        }
        (*op.cast::<Box_>()).content = null_mut();
        content
    }
}

// ---- a heap type with what is rare ---------------------------------------------------------------------------------------------

static mut ODD_SLOTS: [PyType_Slot; 5] = [
    PyType_Slot { slot: Py_tp_getattr, pfunc: odd_getattr as *mut c_void },
    PyType_Slot { slot: Py_tp_methods, pfunc: &raw mut ODD_METHODS as *mut c_void },
    PyType_Slot { slot: Py_am_await, pfunc: odd_await as *mut c_void },
    PyType_Slot { slot: Py_bf_getbuffer, pfunc: odd_getbuffer as *mut c_void },
    PyType_Slot { slot: 0, pfunc: null_mut() },
];

static mut ODD_METHODS: [PyMethodDef; 2] = [
    crate::function(c"held", PyMethodDefPointer { PyCMethod: odd_held }, METH_METHOD | METH_FASTCALL | METH_KEYWORDS),
    PyMethodDef::zeroed(),
];

static mut ODD: PyType_Spec = PyType_Spec {
    name: c"ledger_example.Odd".as_ptr(),
    basicsize: size_of::<PyObject>() as c_int,
    itemsize: 0,
    flags: Py_TPFLAGS_DEFAULT as c_uint,
    slots: &raw mut ODD_SLOTS as *mut PyType_Slot,
};

/// The type: a new reference, or NULL.
pub(crate) unsafe fn odd_type() -> Object {
    // SAFETY: the specification and its slots are static, and end with a slot of zeros.
    unsafe { PyType_FromSpec(&raw mut ODD) }
}

/// `odd.held(x)`, by the one calling convention that is told the class: (class, x).
unsafe extern "C" fn odd_held(
    _: Object,
    class: *mut PyTypeObject,
    arguments: *const Object,
    count: Py_ssize_t,
    _: Object,
) -> Object {
    // SAFETY: there are `count` arguments; one is read, and only if there is one. The class is kept for the call. The tuple is
    // new, and what goes into its two places are references of its own.
    unsafe {
        if count != 1 {
            PyErr_SetString(PyExc_TypeError, c"held takes one argument".as_ptr());
            return null_mut();
        }
        let pair = PyTuple_New(2);
        if !pair.is_null() {
            PyTuple_SET_ITEM(pair, 0, Py_NewRef(class.cast()));
            PyTuple_SET_ITEM(pair, 1, Py_NewRef(*arguments));
        }
        pair
    }
}

/// `odd.held` is the method, every other attribute its own name.
unsafe extern "C" fn odd_getattr(op: Object, name: *mut core::ffi::c_char) -> Object {
    // SAFETY: CPython passes the name as a string that ends with a NUL, in memory that it keeps for the call. `text` is ours
    // until it is returned or given back.
    unsafe {
        let text = PyUnicode_FromString(name);
        if text.is_null() || core::ffi::CStr::from_ptr(name) != c"held" {
            return text;
        }
        let method = PyObject_GenericGetAttr(op, text);
        Py_DECREF(text);
        method
    }
}

/// `await odd`: an iterator over nothing.
unsafe extern "C" fn odd_await(_: Object) -> Object {
    // SAFETY: the tuple is ours until its DECREF; by then the iterator has a reference to it, or there is no iterator.
    unsafe {
        let empty = PyTuple_New(0);
        if empty.is_null() {
            return null_mut();
        }
        let iterator = PyObject_GetIter(empty);
        Py_DECREF(empty);
        iterator
    }
}

/// `memoryview(odd)`: three bytes. The description owns a reference to the object.
unsafe extern "C" fn odd_getbuffer(op: Object, view: *mut Py_buffer, _: c_int) -> c_int {
    static BYTES: [u8; 3] = *b"odd";
    // SAFETY: CPython passes a description to be filled in. The bytes are static, and `readonly` says that nobody may write to
    // them. The object is alive, and the description owns a reference to it until it is released.
    unsafe {
        (*view).buf = BYTES.as_ptr() as *mut c_void;
        (*view).obj = Py_NewRef(op);
        (*view).len = 3;
        (*view).readonly = 1;
        (*view).itemsize = 1;
        (*view).format = null_mut();
        (*view).ndim = 1;
        (*view).shape = null_mut();
        (*view).strides = null_mut();
        (*view).suboffsets = null_mut();
        (*view).internal = null_mut();
        0
    }
}
