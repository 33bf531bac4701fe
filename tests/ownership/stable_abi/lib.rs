//! An extension for the stable ABI of CPython 3.9 and later, which keeps a ledger by one `use`. What is wrong is marked with BUG and
//! a name.

#![allow(non_snake_case, non_upper_case_globals)]

use core::ffi::{CStr, c_int, c_void};
use core::ptr::null_mut;
use refcount_ledger::ffi::*;

type Op = *mut PyObject;

unsafe extern "C" fn echo(_: Op, op: Op) -> Op {
    // SAFETY: CPython passes a living object.
    unsafe { Py_INCREF(op) };
    op
}

/// A pair of the same.
unsafe extern "C" fn pair(_: Op, op: Op) -> Op {
    // SAFETY: CPython passes a living object; the tuple is new and steals what it is given.
    unsafe {
        let tuple = PyTuple_New(2);
        if !tuple.is_null() {
            for at in 0..2 {
                Py_INCREF(op);
                PyTuple_SetItem(tuple, at, op);
            }
        }
        tuple
    }
}

/// The first of the arguments, with a tuple of them.
unsafe extern "C" fn first(_: Op, arguments: Op) -> Op {
    // SAFETY: CPython passes a tuple, which keeps its items alive.
    unsafe {
        let item = PyTuple_GetItem(arguments, 0);
        if !item.is_null() {
            Py_INCREF(item);
        }
        item
    }
}

unsafe extern "C" fn leak_new(_: Op, _: Op) -> Op {
    // SAFETY: a new object, and `None`.
    unsafe {
        PyLong_FromLong(123_456); // BUG leak_new
        Py_INCREF(Py_None());
        Py_None()
    }
}

unsafe extern "C" fn leak_argument(_: Op, arguments: Op) -> Op {
    // SAFETY: CPython passes a tuple, which keeps its items alive.
    unsafe {
        let item = PyTuple_GetItem(arguments, 0);
        Py_INCREF(item); // BUG leak_argument
        PyLong_FromLong(0)
    }
}

unsafe extern "C" fn give_too_much(_: Op, op: Op) -> Op {
    // SAFETY: none: the reference is the caller's.
    unsafe {
        Py_DECREF(op); // BUG give_too_much
        PyLong_FromLong(0)
    }
}

/// An object with one field.
#[repr(C)]
struct Box {
    head: PyObject,
    content: Op,
}

unsafe extern "C" fn box_new(class: *mut PyTypeObject, _: Op, _: Op) -> Op {
    // SAFETY: the type is ready.
    unsafe { PyType_GenericAlloc(class, 0) }
}

unsafe extern "C" fn box_dealloc(op: Op) {
    // SAFETY: the last reference is gone; what the object holds is its own, and so is the reference to its type.
    unsafe {
        let class = Py_TYPE(op);
        PyObject_GC_UnTrack(op.cast());
        Py_XDECREF((*op.cast::<Box>()).content);
        PyObject_GC_Del(op.cast());
        Py_DECREF(class.cast());
    }
}

unsafe extern "C" fn box_traverse(op: Op, visit: visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: the object is alive.
    unsafe {
        let content = (*op.cast::<Box>()).content;
        if content.is_null() { 0 } else { visit(content, argument) }
    }
}

unsafe extern "C" fn box_keep(op: Op, content: Op) -> Op {
    // SAFETY: both are alive, and the field is the object's own.
    unsafe {
        Py_INCREF(content); // LINE keep
        let before = core::mem::replace(&mut (*op.cast::<Box>()).content, content);
        Py_XDECREF(before);
        Py_INCREF(op);
        op
    }
}

unsafe extern "C" fn box_overwrite(op: Op, content: Op) -> Op {
    // SAFETY: as above; and what the field held is lost.
    unsafe {
        Py_INCREF(content);
        (*op.cast::<Box>()).content = content; // what `keep` has stored is lost
        Py_INCREF(op);
        op
    }
}

const fn plain(name: &'static CStr, function: unsafe extern "C" fn(Op, Op) -> Op, flags: c_int) -> PyMethodDef {
    let ml_meth = PyMethodDefPointer { PyCFunction: function };
    PyMethodDef { ml_name: name.as_ptr(), ml_meth, ml_flags: flags, ml_doc: core::ptr::null() }
}

static mut BOX_FUNCTIONS: [PyMethodDef; 3] =
    [plain(c"keep", box_keep, METH_O), plain(c"overwrite", box_overwrite, METH_O), PyMethodDef::zeroed()];

static mut FUNCTIONS: [PyMethodDef; 7] = [
    plain(c"echo", echo, METH_O),
    plain(c"pair", pair, METH_O),
    plain(c"first", first, METH_VARARGS),
    plain(c"leak_new", leak_new, METH_NOARGS),
    plain(c"leak_argument", leak_argument, METH_VARARGS),
    plain(c"give_too_much", give_too_much, METH_O),
    PyMethodDef::zeroed(),
];

unsafe extern "C" fn fill(module: Op) -> c_int {
    let slot = |slot, pfunc| PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(Py_tp_new, box_new as *mut c_void),
        slot(Py_tp_dealloc, box_dealloc as *mut c_void),
        slot(Py_tp_traverse, box_traverse as *mut c_void),
        slot(Py_tp_methods, &raw mut BOX_FUNCTIONS as *mut c_void),
        slot(0, null_mut()),
    ];
    let mut spec = PyType_Spec {
        name: c"stable.Box".as_ptr(),
        basicsize: size_of::<Box>() as c_int,
        itemsize: 0,
        flags: (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the specification is complete; the module steals the type if it takes it.
    unsafe {
        let class = PyType_FromSpec(&raw mut spec);
        if class.is_null() {
            return -1;
        }
        let failed = PyModule_AddObject(module, c"Box".as_ptr(), class);
        if failed != 0 {
            Py_DECREF(class);
        }
        failed
    }
}

static mut SLOTS: [PyModuleDef_Slot; 2] = [
    PyModuleDef_Slot { slot: Py_mod_exec, value: fill as *mut c_void },
    PyModuleDef_Slot { slot: 0, value: null_mut() },
];

static mut MODULE: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"stable".as_ptr(),
    m_doc: core::ptr::null(),
    m_size: 0,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: &raw mut SLOTS as *mut PyModuleDef_Slot,
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// Where `import stable` arrives.
///
/// # Safety
/// Called by CPython, with the GIL held.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn PyInit_stable() -> Op {
    // SAFETY: the definition is complete.
    unsafe { PyModuleDef_Init(&raw mut MODULE) }
}
