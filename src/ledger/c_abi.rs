//! The ledger for other languages: what `ffi.rs` is for Rust, as functions of C.
//!
//! A header made for one CPython (`hashtable_lab.foreign.header`) puts a macro before each function of the C API that concerns
//! ownership. The macro calls the function and one of these. Each of them takes the line it was called from, as the name of a file
//! and a number, and the frame pointer of the function in which that line stands: see [`Spot::other`].
//!
//! # Safety
//!
//! What the C API asks of its callers, these ask too: the thread is attached, and objects are alive. Names are strings of C
//! that live as long as the program.

use crate::account::{self, Site};
use crate::faults;
use crate::layout::{self, Py_buffer, PyMem_RawCalloc, PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc};
use crate::spot::Spot;
use crate::trampolines;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicBool, Ordering};
use pyo3_ffi::*;
use std::sync::Mutex;

type Op = *mut PyObject;
type Text = *const c_char;
const NULL: Op = core::ptr::null_mut();

#[inline(always)]
fn spot(file: Text, line: u64, frame: usize) -> Site {
    Some(Spot::other(file, line, frame))
}

/// A string of C as one of Rust's.
unsafe fn text(text: Text) -> &'static str {
    // SAFETY: a string of C that lives as long as the program.
    unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("?")
}

macro_rules! exported {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? $body:block)*) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// As at the head of this file.
        #[cfg_attr(feature = "c-abi", unsafe(no_mangle))]
        #[allow(unused_unsafe)]
        pub unsafe extern "C" fn $name($($argument: $type,)*) $(-> $result)? {
            // SAFETY: what is asked of the caller stands at the head of this file, and the body relies on nothing else.
            unsafe { $body }
        }
    )*};
}

exported! {
    /// One more owner of `op`, which is not NULL.
    rl_took(op: Op, file: Text, line: u64, frame: usize) {
        account::take(op, "incref", spot(file, line, frame));
        if WAITING.load(Ordering::Relaxed) {
            let_in();
        }
    }
    /// A new reference was received, or NULL. Returns it.
    rl_new(op: Op, file: Text, line: u64, frame: usize) -> Op {
        account::take(op, "new", spot(file, line, frame));
        op
    }
    /// A new object of a type that may be the extension's own, or NULL. Returns it.
    rl_made(op: Op, file: Text, line: u64, frame: usize) -> Op {
        account::made(op, spot(file, line, frame));
        if !op.is_null() && is_of_cython(Py_TYPE(op)) {
            WAITING_FUNCTIONS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(op as usize);
            WAITING.store(true, Ordering::Relaxed);
        }
        op
    }
    /// A reference was borrowed, or NULL. `mutable`: what lends it can release it. Returns it.
    rl_lend(op: Op, mutable: c_int, file: Text, line: u64, frame: usize) -> Op {
        if mutable == 0 {
            // Here it is not known whether this came out of a tuple or is `Py_None`: it is taken for what was named.
            account::name(op, spot(file, line, frame));
        } else {
            account::lend(op, true, spot(file, line, frame));
        }
        op
    }
    /// A reference is given back. May be NULL.
    rl_gave(op: Op, file: Text, line: u64, frame: usize) {
        account::give(op, "decref", spot(file, line, frame));
        if account::is_lent() {
            account::may_run_python("Py_DECREF", &[], spot(file, line, frame));
        }
    }
    /// A reference is given to a call that steals it. May be NULL.
    rl_stolen(op: Op, file: Text, line: u64, frame: usize) {
        account::give(op, "stolen", spot(file, line, frame));
    }
    /// A call is about to be made that may run Python code, with these arguments, of which any may be NULL. Not 0: it is to
    /// fail, and an exception is set.
    rl_before(call: Text, one: Op, other: Op, third: Op, file: Text, line: u64, frame: usize) -> c_int {
        if account::is_lent() {
            let arguments = [one as usize, other as usize, third as usize];
            account::may_run_python(text(call), &arguments, spot(file, line, frame));
        }
        if faults::are_on() { c_int::from(faults::due(text(call), spot(file, line, frame))) } else { 0 }
    }
    /// Is this call to fail? Then an exception is set.
    rl_fails(call: Text, file: Text, line: u64, frame: usize) -> c_int {
        if faults::are_on() { c_int::from(faults::due(text(call), spot(file, line, frame))) } else { 0 }
    }
    /// A new reference was received, or NULL, from a call whose arguments are not known. If it is to fail, it is given back, an
    /// exception is set, and the answer is NULL.
    rl_new_or_fails(call: Text, op: Op, file: Text, line: u64, frame: usize) -> Op {
        if account::is_lent() {
            account::may_run_python(text(call), &[], spot(file, line, frame));
        }
        if faults::are_on() && !op.is_null() && faults::due(text(call), spot(file, line, frame)) {
            let (mut kind, mut value, mut traceback) = (NULL, NULL, NULL);
            #[allow(deprecated)]
            PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
            Py_DECREF(op);
            #[allow(deprecated)]
            PyErr_Restore(kind, value, traceback);
            return NULL;
        }
        account::take(op, "new", spot(file, line, frame));
        op
    }
    /// A field is about to be emptied whose content is then given back.
    rl_emptied(field: *mut Op, op: Op, file: Text, line: u64, frame: usize) {
        account::emptied(field, op, spot(file, line, frame));
    }
    /// A description of a buffer has been filled in, with a reference in it, or not.
    rl_got_buffer(view: *mut Py_buffer, failed: c_int) -> c_int {
        if failed == 0 && !view.is_null() {
            account::got_buffer((*view).obj);
        }
        failed
    }
    /// The reference in a description of a buffer is about to be given back, if there is one. Returns the description.
    rl_release_buffer(view: *mut Py_buffer) -> *mut Py_buffer {
        if !view.is_null() {
            account::release_buffer((*view).obj);
        }
        view
    }
    /// A module is about to be made.
    rl_module(definition: *mut PyModuleDef) -> *mut PyModuleDef {
        if !definition.is_null() {
            trampolines::install_in_module(definition);
        }
        definition
    }
    /// A heap type is about to be made. Returns the specification that is to be used instead.
    rl_spec(spec: *mut PyType_Spec) -> *mut PyType_Spec {
        if spec.is_null() { spec } else { trampolines::install_in_spec(spec) }
    }
    /// A static type is about to be made ready. Returns it.
    rl_type(class: *mut PyTypeObject) -> *mut PyTypeObject {
        if !class.is_null() && (*class).tp_flags_now() & Py_TPFLAGS_READY == 0 {
            trampolines::install_in_type(class);
        }
        class
    }
    /// A type has been made ready, or not: `class` may be NULL.
    rl_type_is_ready(class: *mut PyTypeObject) {
        if !class.is_null() && (*class).tp_flags_now() & Py_TPFLAGS_READY != 0 {
            trampolines::finish_type(class);
        }
    }
    /// A module is about to be made of these slots. Returns them.
    rl_module_slots(slots: *mut c_void) -> *mut c_void {
        trampolines::install_in_module_slots(slots);
        slots
    }
    /// A heap type is about to be made of these slots. Returns them.
    rl_type_slots(slots: *mut c_void) -> *mut c_void {
        trampolines::install_in_type_slots(slots);
        slots
    }
    /// The file in which this address lies has been loaded. It may have a function that answers with a module's slots.
    rl_loaded(within: *const c_void) {
        trampolines::install_in_exports(within);
    }
    /// A function is about to be made of this definition. Returns the one that is to be used instead.
    rl_function(definition: *mut PyMethodDef) -> *mut PyMethodDef {
        if definition.is_null() { definition } else { trampolines::install_in_function(definition, "") }
    }
    /// Functions are about to be added to a module. Returns the table that is to be used instead.
    rl_functions(table: *mut PyMethodDef) -> *mut PyMethodDef {
        trampolines::install_in_methods(table, "", Vec::new())
    }
    /// Memory is about to be given back that may have been an object of the extension's. Returns it.
    rl_freed(memory: *mut c_void) -> *mut c_void {
        account::freed_memory(memory.cast());
        memory
    }
}

/// What says that a type is ready: CPython's own mark.
const Py_TPFLAGS_READY: u64 = 1 << 12;

/// The flags of a type, in whatever way this CPython keeps them.
trait Flags {
    unsafe fn tp_flags_now(&self) -> u64;
}

impl Flags for PyTypeObject {
    unsafe fn tp_flags_now(&self) -> u64 {
        // SAFETY: the type is borrowed for this call, so it is alive; the function only reads its flags.
        unsafe { PyType_GetFlags((&raw const *self).cast_mut()) as u64 }
    }
}

// ---- Cython ------------------------------------------------------------------------------------------------------------------

// A function of Cython's is an object of its own type, that is filled in after it was made. So it waits until the next reference
// is taken, which is while it is filled in, and after its definition is there.

static WAITING: AtomicBool = AtomicBool::new(false);
static WAITING_FUNCTIONS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

unsafe fn is_of_cython(class: *mut PyTypeObject) -> bool {
    // SAFETY: the type is alive; its name is a string of C.
    unsafe { CStr::from_ptr((*layout::open(class)).tp_name) }.to_bytes().ends_with(b"cython_function_or_method")
}

/// How a function object of CPython's begins, and one of Cython's with it.
#[repr(C)]
struct Function {
    head: PyObject,
    definition: *mut PyMethodDef,
}

#[cold]
unsafe fn let_in() {
    let mut waiting = WAITING_FUNCTIONS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    waiting.retain(|&function| {
        let function = function as *mut Function;
        // SAFETY: it was made a moment ago, and is being filled in; its first word after the head is zeroed or written.
        unsafe {
            let definition = (*function).definition;
            if definition.is_null() {
                return true;
            }
            (*function).definition = trampolines::install_in_function(definition, "");
        }
        false
    });
    WAITING.store(!waiting.is_empty(), Ordering::Relaxed);
}

// ---- memory ------------------------------------------------------------------------------------------------------------------

// The linker puts these in the place of the functions of the same names without `__wrap_`, when it makes the extension's file.

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn calloc(number: usize, size: usize) -> *mut c_void;
    fn realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
}

macro_rules! allocators {
    ($($new:ident $zeroed:ident $again:ident $back:ident: $malloc:ident $calloc:ident $realloc:ident $free:ident;)*) => {
        exported! {$(
            /// Allocates a block, which is entered.
            $new(size: usize) -> *mut c_void {
                let block = $malloc(size);
                account::allocated(block as usize, size);
                block
            }
            /// Allocates a block of zeros, which is entered.
            $zeroed(number: usize, size: usize) -> *mut c_void {
                let block = $calloc(number, size);
                account::allocated(block as usize, number * size);
                block
            }
            /// Changes the size of a block. What lies in it may lie elsewhere then.
            $again(block: *mut c_void, size: usize) -> *mut c_void {
                let new = $realloc(block, size);
                if !new.is_null() {
                    account::given_back(block as usize);
                    account::allocated(new as usize, size);
                }
                new
            }
            /// Gives a block back.
            $back(block: *mut c_void) {
                account::given_back(block as usize);
                $free(block);
            }
        )*}
    };
}

allocators! {
    __wrap_malloc __wrap_calloc __wrap_realloc __wrap_free: malloc calloc realloc free;
    __wrap_PyMem_Malloc __wrap_PyMem_Calloc __wrap_PyMem_Realloc __wrap_PyMem_Free:
        PyMem_Malloc PyMem_Calloc PyMem_Realloc PyMem_Free;
    __wrap_PyMem_RawMalloc __wrap_PyMem_RawCalloc __wrap_PyMem_RawRealloc __wrap_PyMem_RawFree:
        PyMem_RawMalloc PyMem_RawCalloc PyMem_RawRealloc PyMem_RawFree;
}
