//! `Stack()`: push(x), pop(), which raises IndexError when it is empty, and len().

use course::*;

#[repr(C)]
struct Stack {
    head: PyObject,
    items: Object,
}

unsafe extern "C" fn stack_new(class: *mut PyTypeObject, _arguments: Object, _keywords: Object) -> Object {
    // SAFETY: CPython passes a type. The list is ours until the stack has it.
    unsafe {
        let items = PyList_New(0);
        if items.is_null() {
            return null_mut();
        }
        let stack = allocate(class);
        if stack.is_null() {
            Py_DECREF(items);
            return null_mut();
        }
        (*stack.cast::<Stack>()).items = items;
        stack
    }
}

unsafe extern "C" fn stack_push(this: Object, x: Object) -> Object {
    // SAFETY: CPython passes a stack, which has a list.
    unsafe { if PyList_Append((*this.cast::<Stack>()).items, x) < 0 { null_mut() } else { none() } }
}

unsafe extern "C" fn stack_pop(this: Object, _nothing: Object) -> Object {
    // SAFETY: as above.
    unsafe {
        let items = (*this.cast::<Stack>()).items;
        let last = PyList_GET_SIZE(items) - 1;
        let item = Py_XNewRef(PyList_GetItem(items, last));
        if !item.is_null() && PyList_SetSlice(items, last, last + 1, null_mut()) < 0 {
            Py_DECREF(item);
            return null_mut();
        }
        item
    }
}

unsafe extern "C" fn stack_length(this: Object) -> Py_ssize_t {
    // SAFETY: as above.
    unsafe { PyList_GET_SIZE((*this.cast::<Stack>()).items) }
}

unsafe extern "C" fn stack_traverse(this: Object, visit: visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: as above. The list empties itself when the collector breaks a ring, so the stack needs no tp_clear.
    unsafe {
        visit((*this.cast::<Stack>()).items, argument)
    }
}

unsafe extern "C" fn stack_dealloc(this: Object) {
    // SAFETY: the last reference is gone.
    unsafe {
        PyObject_GC_UnTrack(this.cast());
        Py_XDECREF((*this.cast::<Stack>()).items);
        free(this);
    }
}

#[rustfmt::skip]
static mut SEQUENCE: PySequenceMethods = PySequenceMethods { sq_length: Some(stack_length), ..unsafe { core::mem::zeroed() } };
#[rustfmt::skip]
static mut METHODS: [PyMethodDef; 3] = [function(c"push", stack_push, METH_O), function(c"pop", stack_pop, METH_NOARGS), PyMethodDef::zeroed()];
static mut STACK: PyTypeObject = PyTypeObject {
    tp_new: Some(stack_new),
    tp_dealloc: Some(stack_dealloc),
    tp_traverse: Some(stack_traverse),
    tp_as_sequence: &raw mut SEQUENCE,
    tp_methods: &raw mut METHODS as *mut PyMethodDef,
    ..new_type::<Stack>(c"stack.Stack", Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC)
};

module!(PyInit_stack, c"stack", [], [&raw mut STACK]);
