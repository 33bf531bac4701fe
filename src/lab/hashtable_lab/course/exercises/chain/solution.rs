//! `Link(value, next)`, with .value and .next. A chain of 5 000 links can go at once.

use course::*;

#[repr(C)]
struct Link {
    head: PyObject,
    value: Object,
    next: Object,
}

/// `Link(value, next)`: made and filled in one step.
unsafe extern "C" fn link_new(class: *mut PyTypeObject, arguments: Object, _keywords: Object) -> Object {
    // SAFETY: CPython passes a type and a tuple.
    unsafe {
        let (value, next) = (PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1));
        if value.is_null() || next.is_null() {
            return null_mut();
        }
        let link: *mut Link = allocate(class).cast();
        if !link.is_null() {
            (*link).value = Py_NewRef(value);
            (*link).next = Py_NewRef(next);
        }
        link.cast()
    }
}

/// What comes after a link: its reference is the caller's now, and the link has none.
unsafe fn take_next(this: Object) -> Object {
    // SAFETY: the caller passes a link.
    unsafe {
        let next = Py_XNewRef((*this.cast::<Link>()).next);
        Py_CLEAR(&raw mut (*this.cast::<Link>()).next);
        next
    }
}

unsafe extern "C" fn link_dealloc(this: Object) {
    // SAFETY: the last reference is gone. A next link that only we own is taken apart here, and not by a call in a call.
    unsafe {
        let mut next = take_next(this);
        while !next.is_null() && Py_REFCNT(next) == 1 && Py_TYPE(next) == &raw mut LINK {
            let after = take_next(next);
            Py_DECREF(next);
            next = after;
        }
        Py_XDECREF(next);
        Py_XDECREF((*this.cast::<Link>()).value);
        free(this);
    }
}

static mut MEMBERS: [PyMemberDef; 3] = [
    member(c"value", core::mem::offset_of!(Link, value)),
    member(c"next", core::mem::offset_of!(Link, next)),
    END_OF_MEMBERS,
];

static mut LINK: PyTypeObject = PyTypeObject {
    tp_new: Some(link_new),
    tp_dealloc: Some(link_dealloc),
    tp_members: &raw mut MEMBERS as *mut PyMemberDef,
    ..new_type::<Link>(c"chain.Link", Py_TPFLAGS_DEFAULT)
};

module!(PyInit_chain, c"chain", [], [&raw mut LINK]);
