//! Who owns what: the words that C has no words for.
//!
//! A reference changes its owner without its count changing: when a call hands one out, when one is put into a struct
//! or taken out of it, when a function returns one. C leaves all that in the programmer's head. Here each has a
//! function, so that it can be read in the source, and so that the traced build can enter it in its ledger, with the
//! line. In the normal build these functions move a pointer, or do nothing at all.
//!
//! ```text
//! allocate(type)              a new object: a new reference
//! received(call(...))         a new reference came from a call that the ledger does not know by itself
//! fill_field(field, op)       steals op into a field that owned nothing
//! replace_field(field, op)    steals op into the field, returns what was in it: a new reference
//! swap_fields(one, other)     two fields exchange what they own
//! replace_in_tuple(t, n, op)  steals op for the tuple, returns what was in it: a new reference
//! Stored::store(op, table)    steals op for an entry of the table
//! stored.take(table)          a new reference: what the entry owned
//! stored.borrowed()           what the entry owns, borrowed
//! give(op)                    steals op for the caller of the method or slot
//! ```

use super::{PyObject, PyTypeObject, Raised};
use core::ptr::NonNull;

#[cfg(feature = "trace")]
use entered as ledger;
#[cfg(not(feature = "trace"))]
use untold as ledger;

/// What the ledger is told of.
#[cfg(feature = "trace")]
mod entered {
    pub(super) use refcount_ledger::faults::{failed, fails};
    pub(super) use refcount_ledger::ffi::allocate;
    pub(super) use refcount_ledger::{
        entries_exchanged, fields_exchanged, given, judge_everything, lent, received, stored_in_entry, stored_in_field,
        taken_from_entry, taken_from_field,
    };
}

/// The same, where there is no ledger.
#[cfg(not(feature = "trace"))]
#[rustfmt::skip]
mod untold {
    use super::{PyObject, PyTypeObject};

    #[inline(always)]
    pub(super) unsafe fn allocate(type_object: *mut PyTypeObject) -> *mut PyObject {
        // SAFETY: a ready type has a `tp_alloc`: its own, or one that `PyType_Ready` has handed down to it. It may be
        // called with that type.
        unsafe { super::super::tp_alloc(type_object).expect("a type that is ready has tp_alloc")(type_object, 0) }
    }
    #[inline(always)]
    pub(super) fn received(op: *mut PyObject) -> *mut PyObject { op }
    #[inline(always)]
    pub(super) fn given(_: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn lent(_: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn stored_in_field(_: *mut *mut PyObject, _: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn taken_from_field(_: *mut *mut PyObject, _: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn fields_exchanged(_: *mut *mut PyObject, _: *mut *mut PyObject) {}
    #[inline(always)]
    pub(super) fn stored_in_entry(_: *mut PyObject, _: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn taken_from_entry(_: *mut PyObject, _: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn entries_exchanged(_: *mut PyObject, _: *mut PyObject) {}
    #[inline(always)]
    pub(super) fn judge_everything() {}
    #[inline(always)]
    pub(super) fn fails(_: &'static str) -> bool { false }
    #[inline(always)]
    pub(super) fn failed(_: &'static str) {}
}

/// For a replay: whether events are being written down, and a line of one's own between them. And how to do something
/// that is not to be in the books.
#[cfg(feature = "trace")]
pub(crate) use refcount_ledger::{aside, note, noting};

/// Says that everything in this crate that takes a reference enters it, so that the ledger may judge every object.
#[inline(always)]
pub(crate) fn every_reference_is_entered() {
    ledger::judge_everything();
}

// ---- from and to others ---------------------------------------------------------------------------------------------

/// Memory for a new object of this type, by its `tp_alloc`: zeroed, with the head filled in, and known to the garbage
/// collector from now on. A new reference, or NULL with an exception set.
///
/// # Safety
/// The type is ready.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn allocate(type_object: *mut PyTypeObject) -> *mut PyObject {
    // SAFETY: the caller says that the type is ready; `PyType_Ready` gives every type a `tp_alloc`, which is all that
    // is used of it.
    unsafe { ledger::allocate(type_object) }
}

/// Says that `op` is a new reference, or NULL with an exception set. For variadic functions and calls through a
/// pointer, which the ledger cannot know by themselves.
///
/// # Safety
/// `op` is NULL, or the caller owns it.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn received(op: *mut PyObject) -> *mut PyObject {
    if !op.is_null() && ledger::fails("received") {
        // SAFETY: the caller owns it, and is told that it does not exist.
        unsafe { pyo3_ffi::Py_DECREF(op) };
        return core::ptr::null_mut();
    }
    ledger::received(op)
}

/// The answer of `PyArg_ParseTuple` and its like: 0, with an exception set, if it failed.
#[track_caller]
#[inline(always)]
pub(crate) fn parsed(answer: super::c_int) -> Result<(), Raised> {
    if answer == 0 || ledger::fails("PyArg_Parse") { Err(Raised) } else { Ok(()) }
}

/// Whether a request for memory of Rust's, made on this line, is to fail: then an exception is set.
#[track_caller]
#[inline(always)]
pub(crate) fn refused() -> bool {
    ledger::fails("memory for Rust")
}

/// Says that something failed on this line which cannot be made to fail there: a request for memory of Rust's.
#[track_caller]
#[inline(always)]
pub(crate) fn failed(what: &'static str) {
    ledger::failed(what);
}

/// A reference on its way to the caller of a method or slot, or NULL where that says "no more". Only [`give`] and
/// [`no_more`] make one, and nothing but the edge in `errors.rs` opens it.
pub(crate) struct Given(*mut PyObject);

impl Given {
    /// What C hears.
    #[inline(always)]
    pub(crate) fn in_c(self) -> *mut PyObject {
        self.0
    }
}

/// Steals `op` for the caller of this method or slot: from here on it is the caller's.
///
/// # Safety
/// The reference is owned.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn give(op: *mut PyObject) -> Result<Given, Raised> {
    ledger::given(op);
    Ok(Given(op))
}

/// What `tp_iternext` says at the end: NULL, and no exception.
#[inline(always)]
pub(crate) fn no_more() -> Given {
    Given(core::ptr::null_mut())
}

// ---- in a field -----------------------------------------------------------------------------------------------------

/// Steals `op` into a field that owns nothing yet.
///
/// # Safety
/// The field can be written to; the caller owns `op`, which is not NULL.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn fill_field(field: *mut *mut PyObject, op: *mut PyObject) {
    ledger::stored_in_field(field, op);
    // SAFETY: the field can be written to, and owns nothing that the write would lose. From now on it owns `op`.
    unsafe { field.write(op) }
}

/// Steals `op`, which may be NULL, into a field, and returns what the field owned, or NULL: a new reference.
///
/// # Safety
/// The field is valid and owns what it holds, if that is not NULL; the caller owns `op`.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn replace_field(field: *mut *mut PyObject, op: *mut PyObject) -> *mut PyObject {
    // SAFETY: the field can be read and written. What it owned goes to the caller, and it owns `op` instead: each
    // reference has one owner, before and after.
    unsafe {
        let old = write(field, op);
        if !old.is_null() {
            ledger::taken_from_field(field, old);
        }
        if !op.is_null() {
            ledger::stored_in_field(field, op);
        }
        old
    }
}

/// Two fields exchange what they own. No reference is taken or given up.
///
/// # Safety
/// Both are valid.
#[inline(always)]
pub(crate) unsafe fn swap_fields(one: *mut *mut PyObject, other: *mut *mut PyObject) {
    ledger::fields_exchanged(one, other);
    // SAFETY: both can be read and written, and both own something afterwards as they did before.
    unsafe { write(other, write(one, *other)) };
}

/// Writes `op` into a field, and returns what was in it. CPython itself reads a field that is an attribute (a member),
/// without the GIL also while we write: so the whole pointer is written at once.
#[inline(always)]
unsafe fn write(field: *mut *mut PyObject, op: *mut PyObject) -> *mut PyObject {
    // SAFETY: the caller says that the field can be read and written; we alone write into it.
    unsafe {
        let old = *field;
        #[cfg(not(Py_GIL_DISABLED))]
        field.write(op);
        #[cfg(Py_GIL_DISABLED)]
        core::sync::atomic::AtomicPtr::from_ptr(field).store(op, core::sync::atomic::Ordering::Release);
        old
    }
}

// ---- in a tuple -----------------------------------------------------------------------------------------------------

/// Steals `new` for the tuple, and returns what was in its place: a new reference. Tuples do not change, so nobody else
/// may have this one.
///
/// # Safety
/// `tuple` is a tuple with an item at `place`, and the caller its only owner but for those it is about to be given to;
/// it owns `new`.
#[track_caller]
#[inline(always)]
pub(crate) unsafe fn replace_in_tuple(
    tuple: *mut PyObject,
    place: super::Py_ssize_t,
    new: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: the caller says that there is an item. The tuple owned it, and hands it out with its reference when
    // another takes its place.
    unsafe {
        let old = super::PyTuple_GET_ITEM(tuple, place);
        super::PyTuple_SET_ITEM(tuple, place, new);
        // From 3.14 on a tuple remembers its hash.
        #[cfg(all(Py_3_14, not(limited_api)))]
        {
            (*tuple.cast::<pyo3_ffi::PyTupleObject>()).ob_hash = -1;
        }
        ledger::received(old)
    }
}

// ---- in the table ---------------------------------------------------------------------------------------------------

/// A reference that a table owns: a key or a value in one of its entries.
///
/// It is a bare pointer that can be copied, and copying it is not taking a reference: it is *the table* that owns one,
/// from [`Stored::store`] to [`Stored::take`].
#[derive(Clone, Copy)]
pub(crate) struct Stored(NonNull<PyObject>);

impl Stored {
    /// Steals `op` for an entry of `table`.
    ///
    /// # Safety
    /// `op` is not NULL, and the caller owns the reference.
    #[track_caller]
    #[inline(always)]
    pub(crate) unsafe fn store(op: *mut PyObject, table: *mut PyObject) -> Stored {
        ledger::stored_in_entry(table, op);
        // SAFETY: `op` is not NULL, says the caller, as is no reference that was checked with `new_reference`.
        Stored(unsafe { NonNull::new_unchecked(op) })
    }

    /// The object, borrowed from the table: good until Python code can run, unless `Py_INCREF` comes first.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn borrowed(self) -> *mut PyObject {
        ledger::lent(self.0.as_ptr());
        self.0.as_ptr()
    }

    /// A new reference: the very one that `table` owned. The entry it lay in must be gone from the table.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn take(self, table: *mut PyObject) -> *mut PyObject {
        ledger::taken_from_entry(table, self.0.as_ptr());
        self.0.as_ptr()
    }

    /// The object again, after [`Stored::take`].
    #[inline(always)]
    pub(crate) fn taken(self) -> *mut PyObject {
        self.0.as_ptr()
    }

    /// Says that two tables have exchanged all their entries.
    #[inline(always)]
    pub(crate) fn exchanged(one: *mut PyObject, other: *mut PyObject) {
        ledger::entries_exchanged(one, other);
    }
}
