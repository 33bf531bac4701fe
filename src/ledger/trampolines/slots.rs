//! Modules and types that are made of an array of slots, as from CPython 3.15 on.
//!
//! Such a module is made without a call. CPython looks in the extension's file for a function `PyModExport_NAME`, which answers
//! with the array, so nothing passes through the ledger. But a file can have functions that the loader runs as soon as the file is in
//! memory, before anybody can look for something in it. Every file that keeps the ledger has one: here for Rust, in the header
//! for C. It asks for the array first, and puts trampolines into it.
//!
//! The array is the extension's own, and its address can be a token by which a module or a type is known. So it stays where it
//! is, and gets a new beginning: one slot that says "and those there", and the end. *There* is a copy with trampolines in it.

use super::{
    c_int, c_ulong, c_void, copy_table, install_in_methods, install_in_module_slot, install_in_slot, last_name,
    leave_out, locked,
};
use super::{leave_out_calls, number_now, takes_calls_itself};
use crate::{account, python};
use core::ffi::{CStr, c_char};
use core::mem::offset_of;
use core::ptr::null_mut;
use pyo3_ffi::{Py_TPFLAGS_HAVE_VECTORCALL, Py_tp_call, PyGILState_Check, PyMethodDef, PyType_Slot};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Mutex;

/// `PySlot` of the C API. Not every pyo3-ffi has it.
#[derive(Clone, Copy)]
#[repr(C)]
struct Slot {
    number: u16,
    flags: u16,
    reserved: u32,
    value: usize,
}

/// `PyType_Slot` and `PyModuleDef_Slot`, which are alike.
#[derive(Clone, Copy)]
#[repr(C)]
struct OldSlot {
    number: c_int,
    value: usize,
}

/// `PySlot_STATIC`: what the value points to is kept for good.
const STATIC: u16 = 2;
/// `Py_slot_subslots` and its like: the value is another array, of such slots, of a type's or of a module's as they were before.
const SLOTS: u16 = 92;
const SLOTS_OF_TYPE: u16 = 93;
const SLOTS_OF_MODULE: u16 = 94;
const NAME_OF_TYPE: c_int = 95;
const FLAGS_OF_TYPE: c_int = 99;
const METHODS_OF_MODULE: c_int = 103;

/// The copies, by their addresses.
static COPIES: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

/// A copy of an array, without the end, in which `change` has seen each slot: its number and its value. What lies in an array within
/// the array is there too; arrays as they were before remain such ones, since CPython asks less of them.
unsafe fn copy(array: *const Slot, change: &mut dyn FnMut(c_int, &mut usize)) -> Vec<Slot> {
    let mut copied = Vec::new();
    let mut at = array;
    // SAFETY: the array is the extension's, and complete: it and the arrays in it end with a slot of number 0.
    unsafe {
        while (*at).number != 0 {
            let mut slot = at.read();
            match slot.number {
                SLOTS | SLOTS_OF_TYPE | SLOTS_OF_MODULE if slot.value == 0 => {}
                SLOTS => copied.extend(copy(slot.value as *const Slot, change)),
                SLOTS_OF_TYPE | SLOTS_OF_MODULE => {
                    let of_type = slot.number == SLOTS_OF_TYPE;
                    let each = |old: &mut OldSlot| {
                        change(if of_type { number_now(old.number) } else { old.number }, &mut old.value);
                    };
                    slot.value =
                        copy_table(slot.value as *mut OldSlot, |old| old.number == 0, each, Vec::new()) as usize;
                    copied.push(slot);
                }
                number => {
                    change(number.into(), &mut slot.value);
                    copied.push(slot);
                }
            }
            at = at.add(1);
        }
    }
    copied
}

/// Has this array been changed already, or is there nothing in it?
unsafe fn is_done(array: *const Slot) -> bool {
    // SAFETY: an array has at least the slot that ends it.
    let first = unsafe { array.read() };
    first.number == 0 || first.number == SLOTS && locked(&COPIES).contains(&first.value)
}

/// Lets an array begin with these slots, and end there. `name` is what it makes.
unsafe fn begin_with(array: *mut Slot, mut slots: Vec<Slot>, name: &str) {
    const END: Slot = Slot { number: 0, flags: 0, reserved: 0, value: 0 };
    slots.push(END);
    let copy = slots.leak().as_ptr() as usize;
    let beginning = [Slot { number: SLOTS, value: copy, ..END }, END];
    // SAFETY: two slots without a byte between their fields, of which all are written.
    let bytes = unsafe { core::slice::from_raw_parts(beginning.as_ptr().cast::<u8>(), size_of_val(&beginning)) };
    const { assert!(offset_of!(Slot, value) == 8 && size_of::<Slot>() == 16) };
    // The array may be constant, in memory that is only to be read. The system writes there as a debugger does. It had a slot that was
    // not the end, so it is long enough.
    let memory = std::fs::File::options().write(true).open("/proc/self/mem");
    if memory.is_ok_and(|memory| memory.write_all_at(bytes, array as u64).is_ok()) {
        locked(&COPIES).insert(copy);
    } else {
        leave_out(name.to_owned(), "its slots cannot be written to");
    }
}

/// A table of a module's functions with trampolines before them, and the ledger's own functions where they belong there.
fn methods(table: usize) -> usize {
    // An extension that has the engine inside shows the books itself; beside the engine there is a module for all.
    let more = if crate::stands_alone() { Vec::new() } else { python::FUNCTIONS.into() };
    install_in_methods(table as *mut PyMethodDef, "", more) as usize
}

/// Puts trampolines into the slots of which a module is about to be made.
///
/// # Safety
/// The array is complete.
pub(crate) unsafe fn install_in_module_slots(array: *mut c_void) {
    let array = array.cast::<Slot>();
    // SAFETY: the array is complete, says the caller, and so are the tables in it. CPython has not read it yet.
    unsafe {
        if array.is_null() || is_done(array) {
            return;
        }
        account::log_from_the_beginning();
        let mut has_methods = false;
        let mut slots = copy(array, &mut |number, value| {
            *value = if number == METHODS_OF_MODULE {
                has_methods = true;
                methods(*value)
            } else {
                install_in_module_slot(number, *value)
            }
        });
        if !has_methods && !crate::stands_alone() {
            slots.push(Slot { number: METHODS_OF_MODULE as u16, flags: STATIC, reserved: 0, value: methods(0) });
        }
        begin_with(array, slots, "a module");
    }
}

/// Puts trampolines into the slots of which a type is about to be made.
///
/// # Safety
/// The array is complete.
pub(crate) unsafe fn install_in_type_slots(array: *mut c_void) {
    let array = array.cast::<Slot>();
    // SAFETY: the array is complete, says the caller, and so are the tables in it. CPython has not read it yet.
    unsafe {
        if array.is_null() || is_done(array) {
            return;
        }
        let (mut name, mut flags, mut has_call) = (0, 0, false);
        copy(array, &mut |number, value| match number {
            NAME_OF_TYPE => name = *value,
            FLAGS_OF_TYPE => flags = *value as c_ulong,
            _ => has_call |= number == Py_tp_call,
        });
        let owner = if name == 0 { String::new() } else { format!("{}.", last_name(name as *const c_char)) };
        let by_field = takes_calls_itself(flags, &owner);
        if by_field && !has_call {
            leave_out_calls(&owner);
        }
        let slots = copy(array, &mut |number, value| {
            let mut slot = PyType_Slot { slot: number, pfunc: *value as *mut c_void };
            install_in_slot(&mut slot, &owner, by_field);
            *value = slot.pfunc as usize;
            if number == FLAGS_OF_TYPE && by_field && has_call {
                *value &= !(Py_TPFLAGS_HAVE_VECTORCALL as usize);
            }
        });
        begin_with(array, slots, &owner);
    }
}

// ---- modules that CPython asks the file for ----------------------------------------------------------------------------------

/// `Dl_info` of the loader: which file an address lies in, and more.
#[repr(C)]
struct Place {
    file: *const c_char,
    start: *mut c_void,
    name: *const c_char,
    address: *mut c_void,
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, place: *mut Place) -> c_int;
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(file: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlclose(file: *mut c_void) -> c_int;
}

/// `RTLD_LAZY | RTLD_NOLOAD` on Linux: only what is loaded already.
const NO_LOADING: c_int = 1 | 4;

/// If the file in which this address lies has a function that answers with a module's slots, trampolines are put into these. The
/// function has to be called as the file is, which it is in any module that is imported by its own name.
pub(crate) fn install_in_exports(within: *const c_void) {
    let mut place = Place { file: core::ptr::null(), start: null_mut(), name: core::ptr::null(), address: null_mut() };
    // SAFETY: the loader fills in a struct of ours, with strings that it keeps while the file is loaded. A function of that name is
    // what CPython calls without arguments, with the thread attached.
    unsafe {
        if dladdr(within, &raw mut place) == 0 || place.file.is_null() {
            return;
        }
        let file = CStr::from_ptr(place.file).to_string_lossy();
        let stem = Path::new(&*file).file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let name = format!("PyModExport_{}", stem.split('.').next().unwrap_or_default().replace('-', "_"));
        let Ok(symbol) = CString::new(name.clone()) else { return };
        let handle = dlopen(place.file, NO_LOADING);
        if handle.is_null() {
            return;
        }
        let function = dlsym(handle, symbol.as_ptr());
        dlclose(handle); // it stays loaded: it was before
        if function.is_null() || pyo3_ffi::Py_IsInitialized() == 0 || PyGILState_Check() == 0 {
            return;
        }
        let export: unsafe extern "C" fn() -> *mut Slot = core::mem::transmute(function);
        let array = export();
        if array.is_null() {
            // It will fail again, and then say so to CPython.
            pyo3_ffi::PyErr_Clear();
        } else if export() != array {
            leave_out(name, "its slots are made anew each time that it is called");
        } else if (*array).number == 0 {
            leave_out(name, "its slots are not filled in when the file is loaded");
        } else {
            install_in_module_slots(array.cast());
        }
    }
}

/// What the loader runs as soon as the file is in memory that this is a part of.
#[used]
#[unsafe(link_section = ".init_array")]
static WHEN_LOADED: extern "C" fn() = when_loaded;

extern "C" fn when_loaded() {
    install_in_exports(when_loaded as *const c_void);
}
