//! The same type in three other forms. What it does is what `src/extension` does: the files of that folder are compiled here
//! once more, as they are. Only what the forms are made of stands in this folder:
//!
//! ```text
//! classic (src/extension)   the others (here)    says
//! lib.rs                    lib.rs               where `import` arrives
//! module.rs                 module.rs            how the module is made
//! state.rs                  state.rs             what it keeps, and how that is found
//! type_object.rs            type_object.rs       how the types are made, who owns them, and how they are found
//! ffi/                      ffi.rs               the door to the C API, and what these forms need besides
//! ffi/structs.rs            limited.rs           what is read out of CPython's structs, and the calls that stand for it
//! ```
//!
//! Put the two files of a name side by side: the chapter "The same type under five contracts" does so.
//!
//! # The heap form: `hashtable_heap`
//!
//! The types are objects like all others, made when the module is loaded, and each interpreter that loads it makes its own.
//! Nothing that belongs to an interpreter is in a static. So the module also works in an interpreter that has a GIL of its
//! own, of which several run at once.
//!
//! The four facts that make the `unsafe` blocks sound are those of the classic form (see the head of its lib.rs), and one is
//! added, since here a type can go:
//!
//! * **An object owns its type.** `PyType_GenericAlloc` takes a reference to the type for every object of a heap type, and
//!   `tp_dealloc` gives it back. So the type of a living object is alive.
//!
//! # The form for the stable ABI: `hashtable_abi3`
//!
//! It is the heap form but for one file: limited.rs, in the place of `src/extension/ffi/structs.rs`. So it looks into no
//! struct of CPython's, and its file, `hashtable_abi3.abi3.so`, is one for CPython 3.12 and all later versions. The cargo
//! feature `abi3` makes it; `cfg(limited_api)` is all that is seen of that.
//!
//! The ledger looks into structs itself. So the traced build of this form is made of the same source (feature `limited`),
//! but with all that pyo3-ffi has, for one version.
//!
//! # With and without the GIL: `hashtable_abi3t`
//!
//! From CPython 3.15 on there is a stable ABI that does not even say how an object begins (feature `abi3t`, seen as
//! `cfg(opaque)`). `Head` in limited.rs leaves room for it. And since a definition of a module begins like an object, there is
//! none: the module is a list of slots, which `PyModExport` hands out.

#![allow(non_snake_case, non_upper_case_globals)]
#![deny(clippy::undocumented_unsafe_blocks)]

#[cfg(not(Py_3_11))]
compile_error!(
    "hashtable_heap needs CPython 3.11 or newer, for PyType_GetModuleByDef; `hashtable`, the classic form, does not."
);

#[cfg(all(opaque, not(Py_3_15)))]
compile_error!("hashtable_abi3t needs CPython 3.15 or newer, for a module that is a list of slots.");

#[cfg(all(any(feature = "abi3", feature = "abi3t"), feature = "trace"))]
compile_error!(
    "The ledger looks into structs, so there is no traced build for the stable ABI: features limited or opaque, trace."
);

/// The name of the module, with what follows it, as a string of C.
macro_rules! name_in_module {
    ($($rest:literal)?) => {
        if cfg!(opaque) {
            name_in_module!("hashtable_abi3t", "hashtable_abi3t_traced", $($rest)?)
        } else if cfg!(limited_api) {
            name_in_module!("hashtable_abi3", "hashtable_abi3_traced", $($rest)?)
        } else {
            name_in_module!("hashtable_heap", "hashtable_heap_traced", $($rest)?)
        }
    };
    ($normal:literal, $traced:literal, $($rest:literal)?) => {
        if cfg!(feature = "trace") {
            concat!($traced, $($rest,)? "\0").as_ptr().cast()
        } else {
            concat!($normal, $($rest,)? "\0").as_ptr().cast()
        }
    };
}

// ---- what is the same in all forms ----------------------------------------------------------------------------------

#[macro_use]
#[path = "../extension/announce.rs"]
mod announce;
#[path = "../extension/attributes.rs"]
mod attributes;
#[path = "../extension/contents.rs"]
mod contents;
#[path = "../extension/errors.rs"]
mod errors;
#[path = "../extension/fast/mod.rs"]
mod fast;
#[path = "../extension/object.rs"]
mod object;
#[path = "../extension/slots/mod.rs"]
mod slots;
#[path = "../extension/table/mod.rs"]
mod table;
#[path = "../extension/views/mod.rs"]
mod views;

// ---- what is not ----------------------------------------------------------------------------------------------------

mod ffi;
mod module;
mod state;
mod type_object;

use ffi::*;

/// Where `import` arrives in `hashtable_abi3t`, from CPython 3.15 on. What is returned is the list of the module's slots; it
/// is static, and CPython makes as many modules of it as it needs.
///
/// # Safety
/// Called by CPython, with the thread attached.
#[cfg(opaque)]
#[cfg_attr(not(feature = "trace"), unsafe(export_name = "PyModExport_hashtable_abi3t"))]
#[cfg_attr(feature = "trace", unsafe(export_name = "PyModExport_hashtable_abi3t_traced"))]
pub unsafe extern "C" fn PyModExport() -> *mut PySlot {
    errors::keep_panics_quiet();
    every_reference_is_entered();
    #[cfg(feature = "trace")]
    announce::tell_the_replay();
    module::definition()
}

/// And where it arrives in an older CPython, which finds the file if it has another name, and knows nothing of `PyModExport`:
/// NULL, with an `ImportError` set.
///
/// # Safety
/// As above.
#[cfg(all(opaque, not(feature = "trace")))]
#[unsafe(export_name = "PyInit_hashtable_abi3t")]
pub unsafe extern "C" fn PyInit() -> *mut PyObject {
    let message = c"hashtable_abi3t is for CPython 3.15 and newer: here, build `hashtable`, the classic form, \
        `hashtable_heap`, or, with a GIL, `hashtable_abi3`.";
    // SAFETY: the thread is attached, and the message ends with a NUL.
    unsafe { PyErr_SetString(PyExc_ImportError, message.as_ptr()) };
    core::ptr::null_mut()
}

/// Where `import` arrives. Nothing is made yet: what is returned is the definition, and from it CPython makes a module
/// object, as often as it needs one, and has `module::exec` fill it. Borrowed: the definition is static.
///
/// # Safety
/// Called by CPython, with the thread attached.
#[cfg(not(opaque))]
#[cfg_attr(not(any(limited_api, feature = "trace")), unsafe(export_name = "PyInit_hashtable_heap"))]
#[cfg_attr(all(not(limited_api), feature = "trace"), unsafe(export_name = "PyInit_hashtable_heap_traced"))]
#[cfg_attr(all(limited_api, not(feature = "trace")), unsafe(export_name = "PyInit_hashtable_abi3"))]
#[cfg_attr(all(limited_api, feature = "trace"), unsafe(export_name = "PyInit_hashtable_abi3_traced"))]
pub unsafe extern "C" fn PyInit() -> *mut PyObject {
    #[cfg(all(limited_api, not(feature = "trace")))]
    // SAFETY: the thread is attached, and the message ends with a NUL.
    unsafe {
        if let Some(message) = not_served() {
            PyErr_SetString(PyExc_ImportError, message.as_ptr());
            return core::ptr::null_mut();
        }
    }
    errors::keep_panics_quiet();
    every_reference_is_entered();
    #[cfg(feature = "trace")]
    announce::tell_the_replay();
    // SAFETY: the definition is static, and complete.
    unsafe { PyModuleDef_Init(module::definition()) }
}

/// What to say to an interpreter that finds the file for the stable ABI, and is not one of those that it is for.
///
/// Nothing but the text of its version is looked at: an older one lacks what we would ask otherwise. (3.10 and older do not get
/// here: they miss a function that the file needs, and say so.)
#[cfg(all(limited_api, not(any(opaque, feature = "trace"))))]
fn not_served() -> Option<&'static core::ffi::CStr> {
    // SAFETY: CPython keeps the text for ever, and it ends with a NUL: "3.14.4 free-threading build (main, ...) [GCC ...]".
    let version = unsafe { core::ffi::CStr::from_ptr(Py_GetVersion()) }.to_bytes();
    if version.starts_with(b"3.11.") {
        return Some(
            c"hashtable_abi3 is for CPython 3.12 and newer: here, build `hashtable`, the classic form, or `hashtable_heap`.",
        );
    }
    if version.windows(14).any(|word| word == b"free-threading") {
        return Some(
            c"hashtable_abi3 is for a CPython with a GIL: without one, build `hashtable`, the classic form, or \
            `hashtable_heap`; from 3.15 on also `hashtable_abi3t`.",
        );
    }
    None
}
