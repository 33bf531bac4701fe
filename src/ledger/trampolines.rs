//! Functions that stand in front of the extension's own, so that a call's beginning and end are seen.
//!
//! CPython calls an extension through tables of function pointers: a type's slots, its methods, a module's functions. When such a
//! table is handed to CPython, each pointer in it is replaced by one to a *trampoline*: a function of the same signature that
//! opens a frame in the books, calls the extension's function, and closes the frame. C functions cannot carry anything along by which
//! they would know whom to call, so there is a pool of trampolines for each signature, and each has a number, which is where it
//! looks. An extension with more functions of one signature than there are trampolines has the rest called directly, unjudged.

use crate::account::{self, Answer, begin, end};
use crate::python;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::transmute;
use core::slice::from_raw_parts;
use pyo3_ffi::*;
use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Mutex;

/// How many trampolines there are of each signature.
const POOL: usize = 96;

/// Those that are taken: the function behind each, its name, and how often it was called.
struct Targets(Mutex<Vec<(usize, &'static str, u64)>>);

/// Every pool of which a trampoline is in use.
static POOLS: Mutex<Vec<&'static Targets>> = Mutex::new(Vec::new());

/// The functions that have a trampoline before them, and how often each was called. `tp_traverse` is left out: it only shows what an
/// object owns, so nothing of it is judged.
pub(crate) fn judged() -> Vec<(&'static str, u64)> {
    let pools = POOLS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    let mut all = Vec::new();
    for pool in pools {
        let targets = pool.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        all.extend(
            targets.iter().map(|&(_, name, calls)| (name, calls)).filter(|(name, _)| !name.ends_with("tp_traverse")),
        );
    }
    all
}

impl Targets {
    const fn none() -> Targets {
        Targets(Mutex::new(Vec::new()))
    }

    /// The function behind a trampoline and its name, for a call of it that begins: it is counted.
    fn get(&self, number: usize) -> (usize, &'static str) {
        let mut targets = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (function, name, calls) = &mut targets[number];
        *calls += 1;
        (*function, name)
    }

    /// The address of the trampoline in front of `function`, one of `calls`.
    fn install(&'static self, calls: &[usize; POOL], function: usize, name: impl Fn() -> String) -> usize {
        let mut targets = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // CPython's own functions do not take what they do not own, and some slots are known by them.
        if calls.contains(&function) || of_cpython().contains(&function) {
            return function;
        }
        if let Some(number) = targets.iter().position(|&(known, ..)| known == function) {
            return calls[number];
        }
        if targets.len() == POOL {
            static SAID: std::sync::Once = std::sync::Once::new();
            SAID.call_once(|| {
                let _ = writeln!(
                    std::io::stderr(),
                    "refcount ledger: there are more than {POOL} functions of one signature; from {} on they are not judged.",
                    name()
                );
            });
            return function;
        }
        if targets.is_empty() {
            POOLS.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(self);
        }
        targets.push((function, Box::leak(name().into_boxed_str()), 0));
        calls[targets.len() - 1]
    }
}

/// Functions of CPython's that extensions put into slots.
fn of_cpython() -> [usize; 7] {
    [
        PyObject_SelfIter as *const () as usize,
        PyObject_HashNotImplemented as *const () as usize,
        PyObject_GenericGetAttr as *const () as usize,
        PyObject_GenericSetAttr as *const () as usize,
        PyObject_GenericGetDict as *const () as usize,
        PyObject_GenericSetDict as *const () as usize,
        PyType_GenericNew as *const () as usize,
    ]
}

/// An array of one function for each number.
macro_rules! numbered {
    ($call:ident; $($number:literal)*) => { [$($call::<$number> as *const () as usize),*] };
}
macro_rules! all_numbers {
    ($call:ident) => {
        numbered!($call;
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
            64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95)
    };
}

/// A pool: the signature, which of its arguments are borrowed objects, and what the answer says.
macro_rules! pool {
    ($pool:ident($($argument:ident: $type:ty),*) -> $result:ty; $objects:expr; $answer:expr) => {
        mod $pool {
            use super::*;
            static TARGETS: Targets = Targets::none();

            unsafe extern "C" fn call<const N: usize>($($argument: $type),*) -> $result {
                let (function, name) = TARGETS.get(N);
                // SAFETY: `install` was given a function of this signature.
                let function: unsafe extern "C" fn($($type),*) -> $result = unsafe { transmute(function) };
                #[allow(clippy::redundant_closure_call)]
                begin(name, &$objects);
                // SAFETY: CPython calls with what the signature promises, and this hands it on.
                let result = unsafe { function($($argument),*) };
                let answer = $answer;
                end(answer(result));
                result
            }

            /// The trampoline in front of `function`, which has this pool's signature.
            pub(super) fn install(function: usize, name: impl Fn() -> String) -> usize {
                TARGETS.install(&all_numbers!(call), function, name)
            }
        }
    };
}

type Op = *mut PyObject;
const NULL: Op = core::ptr::null_mut();

fn object(op: Op) -> Answer {
    Answer::Object { op, ends: false }
}

pool!(unary(op: Op) -> Op; [op]; object);
pool!(next(op: Op) -> Op; [op]; |op| Answer::Object { op, ends: true });
pool!(binary(one: Op, other: Op) -> Op; with_items(one, other, NULL); object);
pool!(ternary(one: Op, other: Op, third: Op) -> Op; with_items(one, other, third); object);
pool!(compare(one: Op, other: Op, operator: c_int) -> Op; [one, other]; object);
pool!(item(op: Op, at: Py_ssize_t) -> Op; [op]; object);
pool!(fast(op: Op, arguments: *const Op, count: Py_ssize_t) -> Op; with_arguments(op, arguments, count, NULL); object);
pool!(fast_keywords(op: Op, arguments: *const Op, count: Py_ssize_t, names: Op) -> Op;
      with_arguments(op, arguments, count, names); object);
pool!(method(op: Op, class: Op, arguments: *const Op, count: Py_ssize_t, names: Op) -> Op;
      { let _ = class; with_arguments(op, arguments, count, names) }; object);
pool!(getter(op: Op, closure: *mut c_void) -> Op; [op]; object);
pool!(text_getter(op: Op, name: *mut c_char) -> Op; [op]; object);
pool!(text_setter(op: Op, name: *mut c_char, value: Op) -> c_int; [op, value]; |result| Answer::Number { failed: result < 0 });
pool!(setter(op: Op, value: Op, closure: *mut c_void) -> c_int; [op, value]; |result| Answer::Number { failed: result < 0 });
pool!(unary_status(op: Op) -> c_int; [op]; |result| Answer::Number { failed: result < 0 });
pool!(binary_status(one: Op, other: Op) -> c_int; [one, other]; |result| Answer::Number { failed: result < 0 });
pool!(ternary_status(one: Op, other: Op, third: Op) -> c_int; with_items(one, other, third);
      |result| Answer::Number { failed: result < 0 });
pool!(item_status(op: Op, at: Py_ssize_t, value: Op) -> c_int; [op, value]; |result| Answer::Number { failed: result < 0 });
pool!(length(op: Op) -> Py_ssize_t; [op]; |result| Answer::Number { failed: result < 0 });
// A hash may be any number but -1.
pool!(hash(op: Op) -> Py_hash_t; [op]; |result| Answer::Number { failed: result == -1 });
// The garbage collector visits at any time, in the middle of other calls: what is borrowed for it is not theirs.
pool!(traverse(op: Op, visit: *mut c_void, argument: *mut c_void) -> c_int; [op]; |_| Answer::Nothing);
// It leaves a reference in the buffer's description, which whoever asked for it gives back.
pool!(buffer(op: Op, view: *mut Py_buffer, flags: c_int) -> c_int; [op]; |result| {
    if result == 0 && !view.is_null() {
        // SAFETY: it has been filled in.
        account::settle(unsafe { (*view).obj }, "returned");
    }
    Answer::Number { failed: result < 0 }
});
pool!(release(op: Op, view: *mut Py_buffer) -> (); [op]; |()| Answer::Nothing);
pool!(finalize(op: Op) -> (); [op]; |()| Answer::Nothing);
pool!(dealloc(op: Op) -> (); [Dying::begins(op)]; |()| Dying::ended());

/// The arguments, and the items of those that are tuples: they are borrowed too.
fn with_items(one: Op, other: Op, third: Op) -> Vec<Op> {
    let mut objects = vec![one, other, third];
    for tuple in [other, third] {
        // SAFETY: CPython passes living objects or NULL, and a tuple keeps its items alive.
        unsafe {
            if !tuple.is_null() && PyTuple_CheckExact(tuple) != 0 {
                objects.extend((0..PyTuple_GET_SIZE(tuple)).map(|at| PyTuple_GET_ITEM(tuple, at)));
            }
        }
    }
    objects
}

/// The object that is called, and the arguments in the array: `count` of them, and one for each of `names`.
fn with_arguments(op: Op, arguments: *const Op, count: Py_ssize_t, names: Op) -> Vec<Op> {
    // SAFETY: CPython passes as many arguments as it says.
    unsafe {
        let named = if names.is_null() { 0 } else { PyTuple_GET_SIZE(names) };
        let all = (count + named) as usize;
        let mut objects = vec![op];
        if all > 0 {
            objects.extend_from_slice(from_raw_parts(arguments, all));
        }
        objects
    }
}

/// The objects whose `tp_dealloc` is running on this thread, innermost last, with the sizes of those whose memory goes unseen: objects
/// of a subclass are freed by the subclass's `tp_free`, which is not the ledger's.
struct Dying;

thread_local! {
    static DYING: core::cell::RefCell<Vec<Option<(Op, usize)>>> = const { core::cell::RefCell::new(Vec::new()) };
}

impl Dying {
    fn begins(op: Op) -> Op {
        // SAFETY: CPython calls `tp_dealloc` with an object whose struct is whole.
        let unseen = unsafe {
            let type_object = Py_TYPE(op);
            let seen = (*type_object).tp_free.is_some_and(|free| {
                let free = free as *const () as usize;
                free == gc_del as *const () as usize || free == object_free as *const () as usize
            });
            (!seen).then_some((op, (*type_object).tp_basicsize as usize))
        };
        let _ = DYING.try_with(|dying| dying.borrow_mut().push(unseen));
        op
    }

    fn ended() -> Answer {
        if let Ok(Some(Some((op, size)))) = DYING.try_with(|dying| dying.borrow_mut().pop()) {
            account::freed(op, size);
        }
        Answer::Nothing
    }
}

// ---- memory ------------------------------------------------------------------------------------------------------------------

pub(crate) unsafe extern "C" fn generic_alloc(type_object: *mut PyTypeObject, items: Py_ssize_t) -> *mut PyObject {
    // SAFETY: called with what `tp_alloc` is called with.
    let op = unsafe { PyType_GenericAlloc(type_object, items) };
    account::made(op, None);
    op
}

pub(crate) unsafe extern "C" fn gc_del(op: *mut c_void) {
    // SAFETY: called with what `tp_free` is called with: an object whose head is still whole.
    unsafe {
        account::freed(op.cast(), size_of(op.cast()));
        PyObject_GC_Del(op);
    }
}

pub(crate) unsafe extern "C" fn object_free(op: *mut c_void) {
    // SAFETY: as above.
    unsafe {
        if !op.is_null() {
            account::freed(op.cast(), size_of(op.cast()));
        }
        PyObject_Free(op);
    }
}

unsafe fn size_of(op: *mut PyObject) -> usize {
    // SAFETY: the head is whole, so it has a type.
    unsafe { (*Py_TYPE(op)).tp_basicsize as usize }
}

// ---- tables ------------------------------------------------------------------------------------------------------------------

/// A copy of a table that ends with an entry of zeros, kept for good, with every entry changed by `change` and `more` before the end.
unsafe fn copy_table<T>(
    table: *mut T,
    ends: impl Fn(&T) -> bool,
    mut change: impl FnMut(&mut T),
    more: Vec<T>,
) -> *mut T {
    let mut copy = Vec::new();
    let mut entry = table;
    // SAFETY: the table is the extension's, complete and ended as CPython demands; entries are plain data, which may be read twice.
    unsafe {
        while !entry.is_null() && !ends(&*entry) {
            copy.push(entry.read());
            entry = entry.add(1);
        }
        copy.iter_mut().for_each(&mut change);
        copy.extend(more);
        copy.push(core::mem::zeroed());
    }
    Box::leak(copy.into_boxed_slice()).as_mut_ptr()
}

/// What follows the last dot of a C string.
unsafe fn last_name(name: *const core::ffi::c_char) -> String {
    // SAFETY: the caller passes a string of C.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

fn install_in_methods(methods: *mut PyMethodDef, owner: &str, more: Vec<PyMethodDef>) -> *mut PyMethodDef {
    let change = |entry: &mut PyMethodDef| {
        let function = entry.ml_meth.as_ptr() as usize;
        // SAFETY: the method has a name, since it is not the end of the table.
        let name = || format!("{owner}{}", unsafe { last_name(entry.ml_name) });
        let kind = entry.ml_flags & (METH_VARARGS | METH_KEYWORDS | METH_FASTCALL | METH_NOARGS | METH_O);
        let installed = match kind {
            _ if entry.ml_flags & METH_METHOD != 0 => method::install(function, name),
            METH_NOARGS | METH_O | METH_VARARGS => binary::install(function, name),
            METH_FASTCALL => fast::install(function, name),
            _ if kind == METH_VARARGS | METH_KEYWORDS => ternary::install(function, name),
            _ if kind == METH_FASTCALL | METH_KEYWORDS => fast_keywords::install(function, name),
            _ => function,
        };
        // SAFETY: a trampoline has the signature of the function before which it stands; the union is one pointer.
        entry.ml_meth = unsafe { transmute::<usize, PyMethodDefPointer>(installed) };
    };
    // SAFETY: a table of methods ends with an entry without a name.
    unsafe { copy_table(methods, |method| method.ml_name.is_null(), change, more) }
}

fn install_in_attributes(attributes: *mut PyGetSetDef, owner: &str) -> *mut PyGetSetDef {
    let change = |attribute: &mut PyGetSetDef| {
        // SAFETY: the attribute has a name; a trampoline has the signature of what it stands before.
        unsafe {
            let name = format!("{owner}{}", last_name(attribute.name));
            attribute.get = transmute::<usize, Option<_>>(match attribute.get {
                Some(get) => getter::install(get as *const () as usize, || name.clone()),
                None => 0,
            });
            attribute.set = transmute::<usize, Option<_>>(match attribute.set {
                Some(set) => setter::install(set as *const () as usize, || name.clone()),
                None => 0,
            });
        }
    };
    // SAFETY: a table of attributes ends with an entry without a name.
    unsafe { copy_table(attributes, |attribute| attribute.name.is_null(), change, Vec::new()) }
}

/// Puts trampolines before the functions of a module, and adds the ledger's.
///
/// # Safety
/// The definition is complete and may be written to.
pub(crate) unsafe fn install_in_module(definition: *mut PyModuleDef) {
    // SAFETY: the definition is complete, so its tables end with an entry of zeros, which bounds each walk along them. CPython
    // has not read it yet: nobody else reads what is written here.
    unsafe {
        let known = (*definition).m_methods;
        // A module that is made again has been here before.
        if MODULES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(definition as usize) {
            (*definition).m_methods = install_in_methods(known, "", python::FUNCTIONS.into());
            let mut slot = (*definition).m_slots;
            while !slot.is_null() && (*slot).slot != 0 {
                if (*slot).slot == Py_mod_exec {
                    (*slot).value = unary_status::install((*slot).value as usize, || "exec".to_owned()) as *mut c_void;
                }
                slot = slot.add(1);
            }
        }
    }
}

/// The definitions of modules that have been changed.
static MODULES: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

/// Puts a trampoline into one field of a struct of function pointers, if it is not empty.
macro_rules! slots {
    ($table:expr, $owner:expr; $($pool:ident: $($field:ident)*;)*) => {$($(
        if let Some(function) = (*$table).$field {
            let installed = $pool::install(function as *const () as usize, || format!("{}{}", $owner, stringify!($field)));
            (*$table).$field = transmute::<usize, Option<_>>(installed);
        }
    )*)*};
}

/// Puts trampolines into the slots of a static type, before `PyType_Ready` has added those that it inherits.
///
/// # Safety
/// The struct is complete and may be written to, and so may the tables that it points to.
pub(crate) unsafe fn install_in_type(type_object: *mut PyTypeObject) {
    // SAFETY: the struct is complete and not yet known to CPython, so nobody reads it while it is written. A trampoline has the
    // signature of the slot that it is put into: the pool is chosen by the slot.
    unsafe {
        let owner = format!("{}.", last_name((*type_object).tp_name));
        slots!(type_object, owner;
            dealloc: tp_dealloc;
            finalize: tp_finalize tp_del;
            unary: tp_repr tp_str tp_iter;
            next: tp_iternext;
            hash: tp_hash;
            ternary: tp_call tp_new tp_descr_get;
            binary: tp_getattro;
            text_getter: tp_getattr;
            text_setter: tp_setattr;
            compare: tp_richcompare;
            ternary_status: tp_setattro tp_init tp_descr_set;
            unary_status: tp_clear;
            traverse: tp_traverse;
        );
        let number = (*type_object).tp_as_number;
        if !number.is_null() {
            slots!(number, owner;
                binary: nb_add nb_subtract nb_multiply nb_remainder nb_divmod nb_lshift nb_rshift nb_and nb_xor nb_or
                    nb_inplace_add nb_inplace_subtract nb_inplace_multiply nb_inplace_remainder nb_inplace_lshift
                    nb_inplace_rshift nb_inplace_and nb_inplace_xor nb_inplace_or nb_floor_divide nb_true_divide
                    nb_inplace_floor_divide nb_inplace_true_divide nb_matrix_multiply nb_inplace_matrix_multiply;
                ternary: nb_power nb_inplace_power;
                unary: nb_negative nb_positive nb_absolute nb_invert nb_int nb_float nb_index;
                unary_status: nb_bool;
            );
        }
        let sequence = (*type_object).tp_as_sequence;
        if !sequence.is_null() {
            slots!(sequence, owner;
                length: sq_length;
                binary: sq_concat sq_inplace_concat;
                item: sq_repeat sq_item sq_inplace_repeat;
                item_status: sq_ass_item;
                binary_status: sq_contains;
            );
        }
        let mapping = (*type_object).tp_as_mapping;
        if !mapping.is_null() {
            slots!(mapping, owner;
                length: mp_length;
                binary: mp_subscript;
                ternary_status: mp_ass_subscript;
            );
        }
        let asynchronous = (*type_object).tp_as_async;
        if !asynchronous.is_null() {
            slots!(asynchronous, owner;
                unary: am_await am_aiter;
                next: am_anext;
            );
        }
        let buffers = (*type_object).tp_as_buffer;
        if !buffers.is_null() {
            slots!(buffers, owner;
                buffer: bf_getbuffer;
                release: bf_releasebuffer;
            );
        }
        if !(*type_object).tp_methods.is_null() {
            (*type_object).tp_methods = install_in_methods((*type_object).tp_methods, &owner, Vec::new());
        }
        if !(*type_object).tp_getset.is_null() {
            (*type_object).tp_getset = install_in_attributes((*type_object).tp_getset, &owner);
        }
    }
}

/// After CPython has made the type ready: its memory is seen to come and go.
///
/// # Safety
/// The type is ready.
pub(crate) unsafe fn finish_type(type_object: *mut PyTypeObject) {
    account::own_type(type_object);
    // SAFETY: a ready type has its struct filled in. No instance exists yet, so none can be freed by another function than the
    // one that allocated it.
    unsafe {
        let alloc = (*type_object).tp_alloc.map_or(0, |alloc| alloc as *const () as usize);
        if alloc == PyType_GenericAlloc as *const () as usize {
            (*type_object).tp_alloc = Some(generic_alloc);
        }
        let free = (*type_object).tp_free.map_or(0, |free| free as *const () as usize);
        if free == PyObject_GC_Del as *const () as usize {
            (*type_object).tp_free = Some(gc_del);
        } else if free == PyObject_Free as *const () as usize {
            (*type_object).tp_free = Some(object_free);
        }
    }
}

/// The trampoline before a function of a heap type, by the number of its slot.
macro_rules! by_number {
    ($slot:expr, $owner:expr; $($pool:ident: $($number:ident)*;)*) => {
        match $slot.slot {
            $($($number => {
                let name = || format!("{}{}", $owner, &stringify!($number)["Py_".len()..]);
                $slot.pfunc = $pool::install($slot.pfunc as usize, name) as *mut c_void;
            })*)*
            _ => {}
        }
    };
}

/// A copy of the specification of a heap type with trampolines in its slots, kept for good.
///
/// # Safety
/// The specification is complete.
pub(crate) unsafe fn install_in_spec(spec: *mut PyType_Spec) -> *mut PyType_Spec {
    // SAFETY: the specification is complete, so its slots end with one of zeros. What is changed is a copy. A trampoline has the
    // signature of the slot that it is put into: the pool is chosen by the slot.
    unsafe {
        let owner = format!("{}.", last_name((*spec).name));
        let change = |slot: &mut PyType_Slot| {
            match slot.slot {
                Py_tp_methods => slot.pfunc = install_in_methods(slot.pfunc.cast(), &owner, Vec::new()).cast(),
                Py_tp_getset => slot.pfunc = install_in_attributes(slot.pfunc.cast(), &owner).cast(),
                _ => {}
            }
            by_number!(slot, owner;
                dealloc: Py_tp_dealloc;
                finalize: Py_tp_finalize Py_tp_del;
                unary: Py_tp_repr Py_tp_str Py_tp_iter Py_am_await Py_am_aiter Py_nb_negative Py_nb_positive Py_nb_absolute
                    Py_nb_invert Py_nb_int Py_nb_float Py_nb_index;
                next: Py_tp_iternext Py_am_anext;
                hash: Py_tp_hash;
                ternary: Py_tp_call Py_tp_new Py_tp_descr_get Py_nb_power Py_nb_inplace_power;
                binary: Py_tp_getattro Py_mp_subscript Py_sq_concat Py_sq_inplace_concat Py_nb_add Py_nb_subtract Py_nb_multiply
                    Py_nb_remainder Py_nb_divmod Py_nb_lshift Py_nb_rshift Py_nb_and Py_nb_xor Py_nb_or Py_nb_inplace_add
                    Py_nb_inplace_subtract Py_nb_inplace_multiply Py_nb_inplace_remainder Py_nb_inplace_lshift
                    Py_nb_inplace_rshift Py_nb_inplace_and Py_nb_inplace_xor Py_nb_inplace_or Py_nb_floor_divide
                    Py_nb_true_divide Py_nb_inplace_floor_divide Py_nb_inplace_true_divide Py_nb_matrix_multiply
                    Py_nb_inplace_matrix_multiply;
                text_getter: Py_tp_getattr;
                text_setter: Py_tp_setattr;
                compare: Py_tp_richcompare;
                ternary_status: Py_tp_setattro Py_tp_init Py_tp_descr_set Py_mp_ass_subscript;
                unary_status: Py_tp_clear Py_nb_bool;
                traverse: Py_tp_traverse;
                length: Py_sq_length Py_mp_length;
                item: Py_sq_item Py_sq_repeat Py_sq_inplace_repeat;
                item_status: Py_sq_ass_item;
                binary_status: Py_sq_contains;
            );
        };
        let slots = copy_table((*spec).slots, |slot| slot.slot == 0, change, Vec::new());
        Box::leak(Box::new(PyType_Spec { slots, ..*spec }))
    }
}
