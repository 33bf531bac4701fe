//! `Bag()` holds up to eight things; `bag.each(f)` calls f with each, and raises RuntimeError if f changes the bag.
use course::*;

#[repr(C)]
struct Bag {
    head: PyObject,
    used: usize,
    things: [Object; 8],
}

unsafe extern "C" fn bag_put(this: Object, thing: Object) -> Object {
    let bag: *mut Bag = this.cast();
    // SAFETY: CPython passes a bag; its first `used` places own what they hold.
    unsafe {
        if (*bag).used == 8 {
            PyErr_SetString(PyExc_ValueError, c"the bag is full".as_ptr());
            return null_mut();
        }
        (*bag).things[(*bag).used] = Py_NewRef(thing);
        (*bag).used += 1;
        none()
    }
}

unsafe extern "C" fn bag_take(this: Object, _nothing: Object) -> Object {
    let bag: *mut Bag = this.cast();
    // SAFETY: as above; the last place's reference goes to the caller.
    unsafe {
        if (*bag).used == 0 {
            PyErr_SetString(PyExc_IndexError, c"the bag is empty".as_ptr());
            return null_mut();
        }
        (*bag).used -= 1;
        let thing = (*bag).things[(*bag).used];
        (*bag).things[(*bag).used] = null_mut();
        thing
    }
}

unsafe extern "C" fn bag_each(this: Object, f: Object) -> Object {
    let bag: *mut Bag = this.cast();
    // SAFETY: as above; each thing is ours while f runs.
    unsafe {
        let used = (*bag).used;
        for at in 0..(*bag).used {
            let item = Py_NewRef((*bag).things[at]);
            let result = PyObject_CallOneArg(f, item);
            Py_DECREF(item);
            if result.is_null() {
                return null_mut();
            }
            Py_DECREF(result);
            if (*bag).used != used {
                PyErr_SetString(PyExc_RuntimeError, c"the bag was changed".as_ptr());
                return null_mut();
            }
        }
        none()
    }
}

unsafe extern "C" fn bag_dealloc(this: Object) {
    // SAFETY: the last reference is gone; places that are not used hold NULL.
    unsafe {
        (*this.cast::<Bag>()).things.iter().for_each(|&thing| Py_XDECREF(thing));
        free(this);
    }
}

static mut METHODS: [PyMethodDef; 4] = [
    function(c"put", bag_put, METH_O), function(c"take", bag_take, METH_NOARGS), function(c"each", bag_each, METH_O),
    PyMethodDef::zeroed(),
];
static mut BAG: PyTypeObject = PyTypeObject {
    tp_new: Some(PyType_GenericNew), tp_dealloc: Some(bag_dealloc), tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Bag>(c"versioned.Bag", Py_TPFLAGS_DEFAULT)
};
module!(PyInit_versioned, c"versioned", [], [&raw mut BAG]);
