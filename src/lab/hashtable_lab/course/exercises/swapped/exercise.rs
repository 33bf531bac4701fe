//! `Duo(a, b)`, and `duo.swapped()`, a new duo with the two exchanged.
//!
//! This is yours to write.

use course::*;

#[repr(C)]
struct Duo {
    head: PyObject,
    a: Object,
    b: Object,
}

/// `Duo(a, b)`: made and filled in one step.
unsafe extern "C" fn duo_new(class: *mut PyTypeObject, arguments: Object, _keywords: Object) -> Object {
    // SAFETY: CPython passes a type and a tuple.
    unsafe {
        let (a, b) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if a.is_null() || b.is_null() {
            return null_mut();
        }
        let duo: *mut Duo = allocate(class).cast();
        if !duo.is_null() {
            (*duo).a = Py_NewRef(a);
            (*duo).b = Py_NewRef(b);
        }
        duo.cast()
    }
}

/// Borrows the duo. Returns a new reference, or NULL with an exception set.
unsafe extern "C" fn duo_swapped(this: Object, _nothing: Object) -> Object {
    let _ = this;
    // SAFETY: the GIL is held.
    unsafe {
        PyErr_SetString(PyExc_NotImplementedError, c"this is still to be written".as_ptr());
        null_mut()
    }
}

unsafe extern "C" fn duo_dealloc(this: Object) {
    // SAFETY: the last reference is gone.
    unsafe {
        Py_CLEAR(&raw mut (*this.cast::<Duo>()).a);
        Py_CLEAR(&raw mut (*this.cast::<Duo>()).b);
        free(this);
    }
}

static mut MEMBERS: [PyMemberDef; 3] =
    [member(c"a", core::mem::offset_of!(Duo, a)), member(c"b", core::mem::offset_of!(Duo, b)), END_OF_MEMBERS];

static mut METHODS: [PyMethodDef; 2] = [function(c"swapped", duo_swapped, METH_NOARGS), PyMethodDef::zeroed()];

static mut DUO: PyTypeObject = PyTypeObject {
    tp_new: Some(duo_new),
    tp_dealloc: Some(duo_dealloc),
    tp_members: &raw mut MEMBERS as *mut PyMemberDef,
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Duo>(c"swapped.Duo", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_swapped, c"swapped", [], [&raw mut DUO]);
