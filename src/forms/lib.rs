//! The same type in another form. What it does is what `src/extension` does: the files of that folder are compiled here once
//! more, as they are. Only what the form is made of stands in this folder:
//!
//! ```text
//! classic (src/extension)   heap (here)          says
//! lib.rs                    lib.rs               where `import` arrives
//! module.rs                 module.rs            how the module is made
//! state.rs                  state.rs             what it keeps, and how that is found
//! type_object.rs            type_object.rs       how the types are made, who owns them, and how they are found
//! ffi/                      ffi.rs               the door to the C API, and what this form needs besides
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

#![allow(non_snake_case, non_upper_case_globals)]
#![deny(clippy::undocumented_unsafe_blocks)]

#[cfg(not(Py_3_11))]
compile_error!(
    "hashtable_heap needs CPython 3.11 or newer, for PyType_GetModuleByDef; `hashtable`, the classic form, does not."
);

/// The full name of a type: that of the module, a dot, and its own.
macro_rules! name_in_module {
    ($name:literal) => {
        if cfg!(feature = "trace") {
            concat!("hashtable_heap_traced.", $name, "\0").as_ptr().cast()
        } else {
            concat!("hashtable_heap.", $name, "\0").as_ptr().cast()
        }
    };
}

// ---- what is the same in both forms ---------------------------------------------------------------------------------

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

/// Where `import hashtable_heap` arrives. Nothing is made yet: what is returned is the definition, and from it CPython makes
/// a module object, as often as it needs one, and has `module::exec` fill it. Borrowed: the definition is static.
///
/// # Safety
/// Called by CPython, with the thread attached.
#[cfg_attr(not(feature = "trace"), unsafe(export_name = "PyInit_hashtable_heap"))]
#[cfg_attr(feature = "trace", unsafe(export_name = "PyInit_hashtable_heap_traced"))]
pub unsafe extern "C" fn PyInit_hashtable_heap() -> *mut PyObject {
    errors::keep_panics_quiet();
    every_reference_is_entered();
    #[cfg(feature = "trace")]
    announce::tell_the_replay();
    // SAFETY: the definition is static, and complete.
    unsafe { PyModuleDef_Init(module::definition()) }
}
