//! `Table(hash_func)`, with four buckets: set(key, value) returns the table, get(key) the value or None.
use course::*;

#[repr(C)]
struct Table {
    head: PyObject,
    hash_func: Object,
    buckets: Object,
}

/// The table owns its hash function, and a tuple of four lists.
unsafe extern "C" fn table_new(class: *mut PyTypeObject, arguments: Object, _keywords: Object) -> Object {
    unsafe {
        let hash_func = PyTuple_GetItem(arguments, 0);
        let buckets = if hash_func.is_null() { null_mut() } else { PyTuple_New(4) };
        if buckets.is_null() {
            return null_mut();
        }
        for at in 0..4 {
            PyTuple_SET_ITEM(buckets, at, PyList_New(0));
        }
        let table = if PyErr_Occurred().is_null() { allocate(class) } else { null_mut() };
        if table.is_null() {
            Py_DECREF(buckets);
            return null_mut();
        }
        (*table.cast::<Table>()).hash_func = Py_NewRef(hash_func);
        (*table.cast::<Table>()).buckets = buckets;
        table
    }
}

/// The bucket of a key, borrowed from the table; or NULL with an exception set.
unsafe fn bucket(this: Object, key: Object) -> Object {
    unsafe {
        let number = PyObject_CallOneArg((*this.cast::<Table>()).hash_func, key);
        if number.is_null() {
            return null_mut();
        }
        let hash = PyLong_AsLong(number);
        Py_DECREF(number);
        if hash == -1 && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        PyTuple_GetItem((*this.cast::<Table>()).buckets, hash.rem_euclid(4) as Py_ssize_t)
    }
}

/// A new pair at the end of its bucket hides an older one.
unsafe extern "C" fn table_set(this: Object, pair: Object) -> Object {
    unsafe {
        let (key, value) = (PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
        let bucket = if key.is_null() || value.is_null() { null_mut() } else { bucket(this, key) };
        if bucket.is_null() || PyList_Append(bucket, pair) < 0 {
            return null_mut();
        }
        Py_NewRef(this)
    }
}

unsafe extern "C" fn table_get(this: Object, key: Object) -> Object {
    unsafe {
        let bucket = bucket(this, key);
        let mut at = if bucket.is_null() { return null_mut() } else { PyList_GET_SIZE(bucket) };
        while at > 0 && at <= PyList_GET_SIZE(bucket) {
            at -= 1;
            let pair = Py_NewRef(PyList_GetItem(bucket, at));
            let equal = PyObject_RichCompareBool(PyTuple_GetItem(pair, 0), key, Py_EQ);
            let value = if equal > 0 { Py_NewRef(PyTuple_GetItem(pair, 1)) } else { null_mut() };
            Py_DECREF(pair);
            if equal != 0 {
                return value;
            }
        }
        none()
    }
}

unsafe extern "C" fn table_dealloc(this: Object) {
    unsafe {
        Py_XDECREF((*this.cast::<Table>()).hash_func);
        Py_XDECREF((*this.cast::<Table>()).buckets);
        free(this);
    }
}

#[rustfmt::skip]
static mut METHODS: [PyMethodDef; 3] = [function(c"set", table_set, METH_VARARGS), function(c"get", table_get, METH_O), PyMethodDef::zeroed()];
static mut TABLE: PyTypeObject = PyTypeObject {
    tp_new: Some(table_new),
    tp_dealloc: Some(table_dealloc),
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Table>(c"little_table.Table", Py_TPFLAGS_DEFAULT)
};
module!(PyInit_little_table, c"little_table", [], [&raw mut TABLE]);
