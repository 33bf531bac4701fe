//! `Pair(one, two)` owns two objects, which may own the pair.
//!
//! A pair that owns itself is never collected.

use course::*;

#[repr(C)]
struct Pair {
    head: PyObject,
    one: Object,
    two: Object,
}

/// `Pair(one, two)`, which are `pair.one` and `pair.two`.
unsafe extern "C" fn pair_init(this: Object, arguments: Object, _keywords: Object) -> c_int {
    let pair: *mut Pair = this.cast();
    // SAFETY: CPython passes a pair and a tuple. The fields own what they hold.
    unsafe {
        let (one, two) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if one.is_null() || two.is_null() {
            return -1;
        }
        let old = ((*pair).one, (*pair).two);
        (*pair).one = Py_NewRef(one);
        (*pair).two = Py_NewRef(two);
        Py_XDECREF(old.0);
        Py_XDECREF(old.1);
        0
    }
}

/// Tells the garbage collector of each reference that the pair owns. What `visit` returns is returned at once if it is not 0.
unsafe extern "C" fn pair_traverse(this: Object, visit: visitproc, argument: *mut c_void) -> c_int {
    let pair: *mut Pair = this.cast();
    // SAFETY: the pair is whole; NULL is not visited.
    unsafe {
        let _ = (pair, visit, argument);
        0
    }
}

/// Gives up what the pair owns, so that a cycle comes apart. The pair itself lives on, empty.
unsafe extern "C" fn pair_clear(this: Object) -> c_int {
    // SAFETY: the pair is whole.
    unsafe {
        Py_CLEAR(&raw mut (*this.cast::<Pair>()).one);
        Py_CLEAR(&raw mut (*this.cast::<Pair>()).two);
        0
    }
}

unsafe extern "C" fn pair_dealloc(this: Object) {
    // SAFETY: the last reference is gone. The collector must not see a pair that is half gone.
    unsafe {
        PyObject_GC_UnTrack(this.cast());
        pair_clear(this);
        free(this);
    }
}

static mut MEMBERS: [PyMemberDef; 3] = [
    member(c"one", core::mem::offset_of!(Pair, one)),
    member(c"two", core::mem::offset_of!(Pair, two)),
    END_OF_MEMBERS,
];

static mut PAIR: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew),
    tp_init: Some(pair_init),
    tp_dealloc: Some(pair_dealloc),
    tp_traverse: Some(pair_traverse),
    tp_clear: Some(pair_clear),
    tp_members: &raw mut MEMBERS as *mut PyMemberDef,
    ..new_type::<Pair>(c"ring_traverse.Pair", Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC)
};

module!(PyInit_ring_traverse, c"ring_traverse", [], [&raw mut PAIR]);
