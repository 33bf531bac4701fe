//! Functions that stand in front of the extension's own, so that a call's beginning and end are seen.
//!
//! CPython calls an extension through tables of function pointers: a type's slots, its methods, a module's functions. When such a
//! table is handed to CPython, each pointer in it is replaced by one to a *trampoline*: a function of the same signature that
//! opens a frame in the books, calls the extension's function, and closes the frame. A C function cannot carry data that
//! would tell it which function to call. So there are as many trampolines as functions, each with a number, under which it finds
//! its function ([`thunks`]). An extension with more functions has the rest called directly, unjudged, and the report lists them.

use crate::account::{self, Borrowed, Returned, begin, end};
use crate::layout::{
    self, METH_FASTCALL, METH_METHOD, Py_TPFLAGS_HAVE_VECTORCALL, Py_buffer, PyObject_GenericGetDict, PyTuple_GET_SIZE,
    PyVectorcall_Call,
};
use crate::python;
use crate::spot::Spot;
use core::cell::Cell;
use core::ffi::{CStr, c_char, c_int, c_uint, c_ulong, c_void};
use core::mem::transmute;
use core::slice::from_raw_parts;
use core::sync::atomic::{AtomicU64, Ordering};
use pyo3_ffi::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, OnceLock};

#[cfg(all(Py_3_15, target_os = "linux", target_pointer_width = "64"))]
mod slots;
#[cfg(not(all(Py_3_15, target_os = "linux", target_pointer_width = "64")))]
mod slots {
    //! CPythons and machines on which no modules and types are made of slots, or none are judged.
    use core::ffi::c_void;

    pub(crate) unsafe fn install_in_module_slots(_: *mut c_void) {}
    pub(crate) unsafe fn install_in_type_slots(_: *mut c_void) {}
    pub(crate) fn install_in_exports(_: *const c_void) {}
}
mod thunks;

pub(crate) use slots::{install_in_exports, install_in_module_slots, install_in_type_slots};

/// A function that has a trampoline before it.
#[derive(Clone, Copy)]
struct Target {
    function: usize,
    run: usize,
    name: &'static str,
    calls: &'static AtomicU64,
}

/// The functions that have a trampoline before them, by its number. Only grows, and an entry is written before its trampoline
/// is handed out.
static TARGETS: [OnceLock<Target>; thunks::MOST] = [const { OnceLock::new() }; thunks::MOST];
/// How many there are. Locked while one is added.
static TAKEN: Mutex<usize> = Mutex::new(0);

/// Functions that are called without being judged, and why.
static UNJUDGED: Mutex<Vec<(String, &'static str)>> = Mutex::new(Vec::new());

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The functions that have a trampoline before them, and how often each was called. `tp_traverse` is left out: it only shows
/// what an object owns, so nothing of it is judged.
pub(crate) fn judged() -> Vec<(&'static str, u64)> {
    let targets = TARGETS.iter().map_while(OnceLock::get);
    targets
        .filter(|target| !target.name.ends_with("tp_traverse"))
        .map(|target| (target.name, target.calls.load(Ordering::Relaxed)))
        .collect()
}

/// The functions that are called without being judged, and why.
pub(crate) fn unjudged() -> Vec<(String, &'static str)> {
    locked(&UNJUDGED).clone()
}

/// Enters that a function is called without being judged.
fn leave_out(name: String, why: &'static str) {
    if account::is_keeping_count() {
        account::log(&["unjudged", &name, why]);
    }
    locked(&UNJUDGED).push((name, why));
}

/// All calls that were judged.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Writes down that a function was called for the first time, and the number of all calls whenever it has doubled: so there is
/// a report even if the process is killed.
#[cold]
fn write_down(name: &str, first: bool, all: u64) {
    if !account::is_keeping_count() || name.ends_with("tp_traverse") {
        return;
    }
    let process = std::process::id().to_string();
    if first {
        account::log(&["called", &process, name]);
    }
    account::log(&["calls", &process, &all.to_string()]);
}

/// Counts one more, and returns how many there are. With the interpreter's lock nobody else counts meanwhile, and then an addition that
/// need not be indivisible takes a fraction of the time. Of interpreters with locks of their own, two may count as one at the same
/// moment: then a call was judged that is not in the number of those that were.
#[inline(always)]
fn one_more(counter: &AtomicU64) -> u64 {
    if cfg!(Py_GIL_DISABLED) {
        return counter.fetch_add(1, Ordering::Relaxed) + 1;
    }
    let all = counter.load(Ordering::Relaxed) + 1;
    counter.store(all, Ordering::Relaxed);
    all
}

/// The function behind a trampoline and its name, for a call of it that begins: it is counted.
#[inline]
fn target(number: usize) -> (usize, &'static str) {
    let target = TARGETS[number].get().expect("it was written before the trampoline was handed out");
    if account::is_blind() {
        return (target.function, target.name);
    }
    let first = one_more(target.calls) == 1;
    let all = one_more(&CALLS);
    if first || all.is_power_of_two() {
        write_down(target.name, first, all);
    }
    (target.function, target.name)
}

/// The address of the function that is called by this name. Names are kept once for each function.
pub(crate) fn function_called(name: &'static str) -> Option<usize> {
    let mut targets = TARGETS.iter().map_while(OnceLock::get).filter(|target| !is_by_field(target.function));
    targets.find(|target| core::ptr::eq(target.name, name)).map(|target| target.function)
}

/// Is this the function of CPython's that calls an object by a field of it?
fn is_by_field(function: usize) -> bool {
    function == PyVectorcall_Call as *const () as usize
}

/// The addresses of all functions of extensions behind trampolines, in order.
pub(crate) fn functions() -> Vec<usize> {
    let targets = TARGETS.iter().map_while(OnceLock::get);
    let mut all: Vec<usize> = targets.map(|target| target.function).filter(|&it| !is_by_field(it)).collect();
    all.sort_unstable();
    all
}

/// The function behind a trampoline, or the function itself if it is none.
pub(crate) fn behind(function: usize) -> usize {
    let number = thunks::number(function);
    number.and_then(|number| TARGETS[number].get()).map_or(function, |target| target.function)
}

/// The address of the trampoline in front of `function`, which leads to it by way of `run` (see [`thunks`]: what that is depends
/// on the machine).
fn install(run: usize, function: usize, name: impl Fn() -> String) -> usize {
    // CPython's own functions do not take what they do not own, and some slots are known by them.
    if function == 0 || thunks::number(function).is_some() || of_cpython().contains(&function) {
        return function;
    }
    let mut taken = locked(&TAKEN);
    let name = name();
    let is_known = |it: &OnceLock<Target>| {
        it.get().is_some_and(|known| (known.function, known.run, known.name) == (function, run, name.as_str()))
    };
    let known = TARGETS[..*taken].iter().position(is_known);
    if let Some(address) = known.and_then(|number| thunks::address(number, run)) {
        return address;
    }
    let address = if *taken == thunks::MOST { None } else { thunks::address(*taken, run) };
    let Some(address) = address else {
        leave_out(name, thunks::NO_MORE);
        return function;
    };
    let calls = Box::leak(Box::new(AtomicU64::new(0)));
    let _ = TARGETS[*taken].set(Target { function, run, name: Box::leak(name.into_boxed_str()), calls });
    *taken += 1;
    address
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

/// A pool: an array of the addresses of one function for each number.
#[cfg(not(all(target_arch = "x86_64", unix, not(portable_trampolines))))]
macro_rules! every_number {
    ($call:ident) => {
        every_number!(@ $call;
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
            32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
            64 65 66 67 68 69 70 71 72 73 74 75 76 77 78 79 80 81 82 83 84 85 86 87 88 89 90 91 92 93 94 95)
    };
    (@ $call:ident; $($number:literal)*) => { [$($call::<$number> as *const () as usize),*] };
}

/// A function with these arguments, and after them as many that are not used, so that the number of the trampoline is the sixth.
#[cfg(all(target_arch = "x86_64", unix, not(portable_trampolines)))]
macro_rules! numbered {
    (5 $($rest:tt)*) => { numbered!(@ [] $($rest)*); };
    (4 $($rest:tt)*) => { numbered!(@ [_a: usize,] $($rest)*); };
    (3 $($rest:tt)*) => { numbered!(@ [_a: usize, _b: usize,] $($rest)*); };
    (2 $($rest:tt)*) => { numbered!(@ [_a: usize, _b: usize, _c: usize,] $($rest)*); };
    (1 $($rest:tt)*) => { numbered!(@ [_a: usize, _b: usize, _c: usize, _d: usize,] $($rest)*); };
    (@ [$($unused:ident: $u:ty,)*] $number:ident ($($argument:ident: $type:ty),*) -> $result:ty $body:block) => {
        unsafe extern "C" fn run($($argument: $type,)* $($unused: $u,)* $number: usize) -> $result $body
    };
}

/// What the trampolines of a signature do: how many arguments there are and which, which of them are borrowed objects, and what the
/// result says.
macro_rules! pool {
    ($count:tt $pool:ident($($argument:ident: $type:ty),*) -> $result:ty; $objects:expr; $returned:expr) => {
        pool!($count $pool($($argument: $type),*) -> $result; $objects; $returned; |function| function);
    };
    // `chosen`: from the address of the function before which the trampoline stands, that of the one that is called.
    ($count:tt $pool:ident($($argument:ident: $type:ty),*) -> $result:ty; $objects:expr; $returned:expr; $chosen:expr) => {
        mod $pool {
            use super::*;

            /// A call by way of the trampoline of this number.
            #[inline(always)]
            unsafe fn judge(number: usize, $($argument: $type),*) -> $result {
                let (function, name) = target(number);
                #[allow(clippy::redundant_closure_call)]
                let function: usize = ($chosen)(function);
                // SAFETY: the address under this number was put there by `install` of this pool, which takes functions of this
                // signature only; and so has the one that may be chosen in its place.
                let function: unsafe extern "C" fn($($type),*) -> $result = unsafe { transmute(function) };
                let base = 0_usize;
                #[allow(clippy::redundant_closure_call)]
                begin(name, $objects, &raw const base as usize);
                // SAFETY: CPython calls with what the signature promises, and this hands it on.
                let result = unsafe { function($($argument),*) };
                let returned = $returned;
                end(returned(result), &raw const base as usize);
                result
            }

            #[cfg(all(target_arch = "x86_64", unix, not(portable_trampolines)))]
            mod machine {
                use super::*;

                numbered!($count number ($($argument: $type),*) -> $result {
                    // SAFETY: CPython has called this trampoline with arguments for the function behind it, and they are handed
                    // on unchanged, with the number under which that function is kept.
                    unsafe { judge(number, $($argument),*) }
                });

                pub(super) fn way() -> usize {
                    run as *const () as usize
                }
            }

            #[cfg(not(all(target_arch = "x86_64", unix, not(portable_trampolines))))]
            mod machine {
                use super::*;

                /// The number behind each function of the pool, as far as they are taken.
                static NUMBERS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

                unsafe extern "C" fn call<const N: usize>($($argument: $type),*) -> $result {
                    let number = locked(&NUMBERS)[N];
                    // SAFETY: as `judge` says; `give` has written the number down before it gave this function away.
                    unsafe { judge(number, $($argument),*) }
                }

                fn give(number: usize) -> Option<usize> {
                    let pool = every_number!(call);
                    let mut numbers = locked(&NUMBERS);
                    let at = numbers.iter().position(|&known| known == number).unwrap_or(numbers.len());
                    let address = *pool.get(at)?;
                    if at == numbers.len() {
                        numbers.push(number);
                    }
                    Some(address)
                }

                pub(super) fn way() -> usize {
                    give as *const () as usize
                }
            }

            /// The trampoline in front of `function`, which has this signature.
            pub(super) fn install(function: usize, name: impl Fn() -> String) -> usize {
                super::install(machine::way(), function, name)
            }
        }
    };
}

type Op = *mut PyObject;
const NULL: Op = core::ptr::null_mut();

fn object(op: Op) -> Returned {
    Returned::Object { op, ends: false }
}

pool!(1 unary(op: Op) -> Op; alone([op]); object);
pool!(1 next(op: Op) -> Op; alone([op]); |op| Returned::Object { op, ends: true });
pool!(2 binary(one: Op, other: Op) -> Op; with_items(one, other, NULL); object);
pool!(3 ternary(one: Op, other: Op, third: Op) -> Op; with_items(one, other, third); object);
pool!(3 compare(one: Op, other: Op, operator: c_int) -> Op; alone([one, other]); object);
pool!(2 item(op: Op, at: Py_ssize_t) -> Op; alone([op]); object);
pool!(3 fast(op: Op, arguments: *const Op, count: Py_ssize_t) -> Op; with_arguments(op, arguments, count, NULL); object);
pool!(4 fast_keywords(op: Op, arguments: *const Op, count: Py_ssize_t, names: Op) -> Op;
      with_arguments(op, arguments, count, names); object);
pool!(5 method(op: Op, class: Op, arguments: *const Op, count: Py_ssize_t, names: Op) -> Op;
      { let _ = class; with_arguments(op, arguments, count, names) }; object);
// `count` carries a bit, which says that the place before the arguments may be written to.
pool!(4 vector(op: Op, arguments: *const Op, count: usize, names: Op) -> Op;
      with_arguments(op, arguments, (count & !WRITABLE_BEFORE) as Py_ssize_t, names); object);
// An object with a function of its own is called by that; see `takes_calls_itself`.
pool!(3 by_field(op: Op, arguments: Op, keywords: Op) -> Op; with_items(op, arguments, keywords); object;
      |own| if has_function(op) { PyVectorcall_Call as *const () as usize } else { own });
pool!(2 getter(op: Op, closure: *mut c_void) -> Op; alone([op]); object);
pool!(2 text_getter(op: Op, name: *mut c_char) -> Op; alone([op]); object);
pool!(3 text_setter(op: Op, name: *mut c_char, value: Op) -> c_int; alone([op, value]); |result| Returned::Number { failed: result < 0 });
pool!(3 setter(op: Op, value: Op, closure: *mut c_void) -> c_int; alone([op, value]); |result| Returned::Number { failed: result < 0 });
pool!(1 unary_status(op: Op) -> c_int; alone([op]); |result| Returned::Number { failed: result < 0 });
pool!(2 binary_status(one: Op, other: Op) -> c_int; alone([one, other]); |result| Returned::Number { failed: result < 0 });
pool!(3 ternary_status(one: Op, other: Op, third: Op) -> c_int; with_items(one, other, third);
      |result| Returned::Number { failed: result < 0 });
pool!(3 item_status(op: Op, at: Py_ssize_t, value: Op) -> c_int; alone([op, value]); |result| Returned::Number { failed: result < 0 });
pool!(1 length(op: Op) -> Py_ssize_t; alone([op]); |result| Returned::Number { failed: result < 0 });
// A hash may be any number but -1.
pool!(1 hash(op: Op) -> Py_hash_t; alone([op]); |result| Returned::Number { failed: result == -1 });
// The garbage collector visits at any time, in the middle of other calls: what is borrowed for it is not theirs.
pool!(3 traverse(op: Op, visit: *mut c_void, argument: *mut c_void) -> c_int; alone([op]); |_| Returned::Nothing);
// It leaves a reference in the buffer's description, which the caller that asked for it gives back.
pool!(3 buffer(op: Op, view: *mut Py_buffer, flags: c_int) -> c_int; alone([op]); |result| {
    if result == 0 && !view.is_null() {
        // SAFETY: the function has returned 0, which says that it has filled in the description; it is the caller's, and valid
        // until the caller goes on.
        account::settle(unsafe { (*view).obj }, "returned");
    }
    Returned::Number { failed: result < 0 }
});
// What it yields or returns goes to the caller by way of a pointer. -1: it has failed.
pool!(3 send(op: Op, value: Op, result: *mut Op) -> c_int; alone([op, value]); |answer| {
    if answer != -1 && !result.is_null() {
        // SAFETY: the function has not failed, so it has written there; it is the caller's place for the result.
        account::give(unsafe { *result }, "returned", None);
    }
    Returned::Number { failed: answer == -1 }
});
pool!(2 release(op: Op, view: *mut Py_buffer) -> (); alone([op]); |()| Returned::Nothing);
pool!(1 finalize(op: Op) -> (); alone([op]); |()| Returned::Nothing);
pool!(1 dealloc(op: Op) -> (); alone([Dying::begins(op)]); |()| Dying::ended());

/// `PY_VECTORCALL_ARGUMENTS_OFFSET`: a bit that a number of arguments may carry.
const WRITABLE_BEFORE: usize = 1 << (usize::BITS - 1);

/// Has this object a function of its own, by which it is called?
fn has_function(op: Op) -> bool {
    // SAFETY: CPython calls an object that is alive, so its type is; where that says that there is such a field, it lies within the
    // object, and holds the address of a function or NULL.
    unsafe {
        let offset = (*layout::type_of(op)).tp_vectorcall_offset;
        offset > 0 && op.byte_offset(offset).cast::<usize>().read_unaligned() != 0
    }
}

/// Objects may each have a function of their own by which they are called, in a field that only CPython and they themselves write
/// to: there a trampoline cannot be put. But CPython calls by that field only if the type has a flag, and else by `tp_call`. So the
/// flag is taken away, and the trampoline before `tp_call` calls by the field.
///
/// Is this a type for which that is to be done? Not if it is Cython's: its functions have trampolines before them already.
fn takes_calls_itself(flags: c_ulong, name: &str) -> bool {
    const OF_CYTHON: [&str; 2] = ["cython_function_or_method.", "fused_cython_function."];
    flags & Py_TPFLAGS_HAVE_VECTORCALL != 0 && !OF_CYTHON.contains(&name)
}

/// Says that objects of this type are called unseen: their type has the flag, and inherits how it is called.
fn leave_out_calls(owner: &str) {
    leave_out(format!("{owner}vectorcall"), "it is called through a field of the object, and the type has no tp_call");
}

/// Some objects by themselves, as many as there are, and those of an array or two.
fn alone<'a, const N: usize>(objects: [Op; N]) -> Borrowed<'a> {
    let mut alone = [NULL; 3];
    alone[..N].copy_from_slice(&objects);
    Borrowed { alone, arrays: [&[], &[]] }
}

/// The arguments, and the items of those that are tuples: they are borrowed too.
fn with_items<'a>(one: Op, other: Op, third: Op) -> Borrowed<'a> {
    // SAFETY: CPython passes living objects or NULL, and a tuple keeps its items alive, which lie one after the other.
    let items = |tuple: Op| unsafe {
        if tuple.is_null() || PyTuple_CheckExact(tuple) == 0 {
            return &[][..];
        }
        from_raw_parts(layout::items_of(tuple), PyTuple_GET_SIZE(tuple) as usize)
    };
    Borrowed { alone: [one, other, third], arrays: [items(other), items(third)] }
}

/// The object that is called, and the arguments in the array: `count` of them, and one for each of `names`.
fn with_arguments<'a>(op: Op, arguments: *const Op, count: Py_ssize_t, names: Op) -> Borrowed<'a> {
    // SAFETY: CPython passes as many arguments as it says, and none of them changes before the call has ended.
    let array = unsafe {
        let named = if names.is_null() { 0 } else { PyTuple_GET_SIZE(names) };
        let all = (count + named) as usize;
        if all > 0 { from_raw_parts(arguments, all) } else { &[] }
    };
    Borrowed { alone: [op, NULL, NULL], arrays: [array, &[]] }
}

/// The objects whose `tp_dealloc` is running on this thread, innermost last, each with its size if its memory goes unseen:
/// objects of a subclass are freed by the subclass's `tp_free`, which is not the ledger's.
struct Dying;

thread_local! {
    // A pointer and no more, kept for good, for the reason that `account::hands` gives.
    static DYING: Cell<*mut Vec<(Op, Option<usize>)>> = const { Cell::new(core::ptr::null_mut()) };
}

/// Does something with this thread's list. Nothing here may call Python.
fn with_dying<T>(act: impl FnOnce(&mut Vec<(Op, Option<usize>)>) -> T) -> Option<T> {
    DYING
        .try_with(|place| {
            if place.get().is_null() {
                place.set(Box::into_raw(Box::default()));
            }
            // SAFETY: made here, on this thread, and kept for good; `act` does not come back here.
            act(unsafe { &mut *place.get() })
        })
        .ok()
}

/// The address of the object whose `tp_dealloc` is running on this thread.
pub(crate) fn dying() -> Option<usize> {
    with_dying(|dying| dying.last().map(|&(op, _)| op as usize)).flatten()
}

impl Dying {
    fn begins(op: Op) -> Op {
        // SAFETY: CPython calls `tp_dealloc` with an object whose struct is whole.
        let unseen = unsafe {
            let type_object = layout::type_of(op);
            let seen = (*type_object).tp_free.is_some_and(|free| {
                let free = free as *const () as usize;
                free == gc_del as *const () as usize || free == object_free as *const () as usize
            });
            (!seen).then_some((*type_object).tp_basicsize as usize)
        };
        with_dying(|dying| dying.push((op, unseen)));
        op
    }

    fn ended() -> Returned {
        if let Some((op, Some(size))) = with_dying(|dying| dying.last().copied()).flatten() {
            account::freed(op, size);
        }
        if let Some((op, _)) = with_dying(Vec::pop).flatten() {
            account::taken_apart(op);
        }
        Returned::Nothing
    }
}

// ---- memory ------------------------------------------------------------------------------------------------------------------

/// In the place of `PyType_GenericAlloc`. It is called through a pointer, so no line is known; but the address to which it
/// returns is, and the frame pointer of its caller: they are handed on as two more arguments.
#[cfg(all(target_arch = "x86_64", unix))]
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn generic_alloc(type_object: *mut PyTypeObject, items: Py_ssize_t) -> *mut PyObject {
    core::arch::naked_asm!("mov rdx, [rsp]", "mov rcx, rbp", "jmp {0}", sym generic_alloc_from)
}

/// In the place of `PyType_GenericAlloc`.
#[cfg(not(all(target_arch = "x86_64", unix)))]
pub(crate) unsafe extern "C" fn generic_alloc(type_object: *mut PyTypeObject, items: Py_ssize_t) -> *mut PyObject {
    // SAFETY: this stands in `tp_alloc`, or is called in its place: with a type that is ready, and a number of items.
    unsafe { generic_alloc_from(type_object, items, 0, 0) }
}

unsafe extern "C" fn generic_alloc_from(
    type_object: *mut PyTypeObject,
    items: Py_ssize_t,
    back: usize,
    frame: usize,
) -> *mut PyObject {
    // SAFETY: a type that is ready and a number of items, as `tp_alloc` is called with: handed on unchanged.
    let op = unsafe { PyType_GenericAlloc(type_object, items) };
    account::made(op, Some(Spot::at(back, frame)));
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
    // SAFETY: this stands in `tp_free`, or is called in its place: with NULL, or with an object whose last reference is gone and
    // whose head is still whole. Its memory is looked at before it is freed.
    unsafe {
        if !op.is_null() {
            account::freed(op.cast(), size_of(op.cast()));
        }
        PyObject_Free(op);
    }
}

unsafe fn size_of(op: *mut PyObject) -> usize {
    // SAFETY: the callers free the object only after this, so its head is whole; an object of a heap type keeps its type until
    // its `tp_free` has returned.
    unsafe { (*layout::type_of(op)).tp_basicsize as usize }
}

// ---- tables ------------------------------------------------------------------------------------------------------------------

/// A copy of a table that ends with an entry of zeros, kept for good, with every entry changed by `change` and `more` before
/// the end.
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
    // SAFETY: the name comes from a type or a table of methods that CPython accepted: it ends with a NUL, and is there as long
    // as that. It is copied here.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

pub(crate) fn install_in_methods(methods: *mut PyMethodDef, owner: &str, more: Vec<PyMethodDef>) -> *mut PyMethodDef {
    // SAFETY: a table of methods ends with an entry without a name.
    unsafe { copy_table(methods, |method| method.ml_name.is_null(), |entry| install_in_entry(entry, owner), more) }
}

fn install_in_entry(entry: &mut PyMethodDef, owner: &str) {
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
        _ => {
            leave_out(name(), "its way of being called is not known");
            function
        }
    };
    // SAFETY: a trampoline has the signature of the function before which it stands; the union is one pointer.
    entry.ml_meth = unsafe { transmute::<usize, PyMethodDefPointer>(installed) };
}

/// A copy of one function's definition with a trampoline in it, kept for good. The same definition is copied once.
///
/// # Safety
/// The definition is complete.
pub(crate) unsafe fn install_in_function(definition: *mut PyMethodDef, owner: &str) -> *mut PyMethodDef {
    static COPIES: Mutex<BTreeMap<(usize, usize), usize>> = Mutex::new(BTreeMap::new());
    // SAFETY: the definition is complete, says the caller, so all its fields can be read; it is plain data, so it may be copied.
    unsafe {
        let key = (definition as usize, (*definition).ml_meth.as_ptr() as usize);
        let mut copies = locked(&COPIES);
        let copy = *copies.entry(key).or_insert_with(|| {
            let mut copy = Box::new(definition.read());
            install_in_entry(&mut copy, owner);
            Box::into_raw(copy) as usize
        }) as *mut PyMethodDef;
        let made_again = (copy as usize, (*copy).ml_meth.as_ptr() as usize);
        copies.insert(made_again, copy as usize);
        copy
    }
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
            // An extension that has the engine inside shows the books itself; beside the engine there is a module for all.
            let more = if crate::stands_alone() { Vec::new() } else { python::FUNCTIONS.into() };
            account::log_from_the_beginning();
            (*definition).m_methods = install_in_methods(known, "", more);
            let mut slot = (*definition).m_slots;
            while !slot.is_null() && (*slot).slot != 0 {
                let function = (*slot).value as usize;
                (*slot).value = install_in_module_slot((*slot).slot, function) as *mut c_void;
                slot = slot.add(1);
            }
        }
    }
}

/// The trampoline before the function of a module's slot of this number, or what stands there if it is no such function.
fn install_in_module_slot(number: c_int, value: usize) -> usize {
    // The small numbers are those of the stable ABI.
    if number == Py_mod_create || number == 1 {
        binary::install(value, || "create".to_owned())
    } else if number == Py_mod_exec || number == 2 {
        unary_status::install(value, || "exec".to_owned())
    } else {
        value
    }
}

/// The definitions of modules that have been changed.
static MODULES: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

/// There are no static types where their struct is not known: a type is made of a specification.
///
/// # Safety
/// None is asked.
#[cfg(Py_LIMITED_API)]
pub(crate) unsafe fn install_in_type(_: *mut PyTypeObject) {}

/// Puts a trampoline into one field of a struct of function pointers, if it is not empty.
#[cfg(not(Py_LIMITED_API))]
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
#[cfg(not(Py_LIMITED_API))]
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
            ternary: tp_new tp_descr_get;
            vector: tp_vectorcall;
            binary: tp_getattro;
            text_getter: tp_getattr;
            text_setter: tp_setattr;
            compare: tp_richcompare;
            ternary_status: tp_setattro tp_init tp_descr_set;
            unary_status: tp_clear;
            traverse: tp_traverse;
        );
        let flags = (&raw mut (*type_object).tp_flags).cast::<c_ulong>();
        if !takes_calls_itself(*flags, &owner) {
            slots!(type_object, owner; ternary: tp_call;);
        } else if (*type_object).tp_call.is_some() {
            slots!(type_object, owner; by_field: tp_call;);
            *flags &= !Py_TPFLAGS_HAVE_VECTORCALL;
        } else {
            leave_out_calls(&owner);
        }
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
            #[cfg(Py_3_10)]
            slots!(asynchronous, owner; send: am_send;);
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
    let type_object = layout::open(type_object);
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

// Slots that not every pyo3-ffi has.
const Py_am_send: c_int = 81;
const Py_tp_vectorcall: c_int = 82;
const Py_tp_token: c_int = 83;

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

/// Puts a trampoline into a slot of a heap type: it has the signature of that slot. `by_field`: see [`takes_calls_itself`].
fn install_in_slot(slot: &mut PyType_Slot, owner: &str, by_field: bool) {
    match slot.slot {
        Py_tp_methods => slot.pfunc = install_in_methods(slot.pfunc.cast(), owner, Vec::new()).cast(),
        Py_tp_getset => slot.pfunc = install_in_attributes(slot.pfunc.cast(), owner).cast(),
        Py_tp_call if by_field => by_number!(slot, owner; by_field: Py_tp_call;),
        Py_tp_call => by_number!(slot, owner; ternary: Py_tp_call;),
        _ => {}
    }
    by_number!(slot, owner;
        dealloc: Py_tp_dealloc;
        finalize: Py_tp_finalize Py_tp_del;
        unary: Py_tp_repr Py_tp_str Py_tp_iter Py_am_await Py_am_aiter Py_nb_negative Py_nb_positive Py_nb_absolute
            Py_nb_invert Py_nb_int Py_nb_float Py_nb_index;
        next: Py_tp_iternext Py_am_anext;
        hash: Py_tp_hash;
        ternary: Py_tp_new Py_tp_descr_get Py_nb_power Py_nb_inplace_power;
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
        vector: Py_tp_vectorcall;
        send: Py_am_send;
        buffer: Py_bf_getbuffer;
        release: Py_bf_releasebuffer;
    );
}

/// A copy of the specification of a heap type with trampolines in its slots, kept for good.
///
/// # Safety
/// The specification is complete.
pub(crate) unsafe fn install_in_spec(spec: *mut PyType_Spec) -> *mut PyType_Spec {
    // SAFETY: the specification is complete, so its slots end with one of zeros. What is changed is a copy.
    unsafe {
        let owner = format!("{}.", last_name((*spec).name));
        let by_field = takes_calls_itself((*spec).flags.into(), &owner);
        let mut has_call = false;
        let change = |slot: &mut PyType_Slot| {
            has_call |= slot.slot == Py_tp_call;
            let number = slot.slot;
            slot.slot = number_now(number);
            install_in_slot(slot, &owner, by_field);
            slot.slot = number;
            // "This specification" is a token by which the type is known.
            if number == Py_tp_token && slot.pfunc.is_null() {
                slot.pfunc = spec.cast();
            }
        };
        let slots = copy_table((*spec).slots, |slot| slot.slot == 0, change, Vec::new());
        let mut copy = Box::new(PyType_Spec { slots, ..*spec });
        if by_field {
            if has_call {
                copy.flags &= !(Py_TPFLAGS_HAVE_VECTORCALL as c_uint);
            } else {
                leave_out_calls(&owner);
            }
        }
        Box::leak(copy)
    }
}

/// The number that a slot of a type has in the header of this CPython: one with the numbers of the stable ABI may have an older one.
fn number_now(number: c_int) -> c_int {
    match number {
        1 => Py_bf_getbuffer,
        2 => Py_bf_releasebuffer,
        3 => Py_mp_ass_subscript,
        4 => Py_mp_length,
        _ => number,
    }
}
