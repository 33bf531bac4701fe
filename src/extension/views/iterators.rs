//! Iterators over a table: keys, values or pairs, forwards or backwards, in insertion order.
//!
//! An iterator owns a reference to its table: the table must not be freed while somebody walks through it. It releases
//! the table at the end, so that an exhausted iterator keeps nothing alive.
//!
//! Between two steps anything may happen to the table. The iterator keeps the version that the table had when it was
//! made, and refuses to go on when that has changed. (Comparing lengths is not enough: a removal followed by an
//! insertion leaves the length the same.)

use crate::errors::{entry, entry_alone, runtime_error};
use crate::fast::tuples::{pair_of, pair_reusing};
use crate::ffi::*;
use crate::object::HashTable;
use crate::type_object::iterator_type;
use core::ptr;
use hashtable_core::prefetch;

/// An iterator takes a reference to each object, so it needs the object's memory, which may lie anywhere. It prefetches
/// it this many pairs ahead.
const AHEAD: usize = 8;

/// What an iterator yields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Yields {
    /// The keys.
    Keys,
    /// The values.
    Values,
    /// Tuples of a key and its value.
    Items,
}

/// Which way an iterator goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the oldest pair to the newest.
    Forwards,
    /// From the newest pair to the oldest.
    Backwards,
}

/// The object struct of an iterator.
#[repr(C)]
pub(crate) struct TableIterator {
    ob_base: Head,
    /// Owned. NULL when the iterator is exhausted.
    table: *mut HashTable,
    /// The tuple that was yielded last, owned; NULL before the first and with the last.
    pair: *mut PyObject,
    /// The version of the table when the iterator was made.
    version: u64,
    /// Where to look for the next pair: from here upwards, or below here.
    position: usize,
    /// How many pairs are still to come.
    left: usize,
    yields: Yields,
    direction: Direction,
    /// The thread that made it.
    #[cfg(Py_GIL_DISABLED)]
    thread: usize,
}

/// A new iterator over `table`: a new reference.
///
/// # Safety
/// `table` is a living table.
pub(crate) unsafe fn iterate(
    table: *mut HashTable,
    yields: Yields,
    direction: Direction,
) -> Result<*mut PyObject, Raised> {
    // SAFETY: the type is ready and made for this struct; all fields are written before the collector can run. The
    // table is alive, and its version is read after the allocation, which can run Python code.
    unsafe {
        let op = new_reference(allocate(iterator_type(table.cast())?))?; // [R10]
        let iterator = op.cast::<TableIterator>();
        (*iterator).version = (*table).pairs.version();
        (*iterator).position = if direction == Direction::Forwards { 0 } else { usize::MAX };
        (*iterator).left = (*table).pairs.load();
        (*iterator).yields = yields;
        (*iterator).direction = direction;
        (*iterator).pair = ptr::null_mut();
        #[cfg(Py_GIL_DISABLED)]
        (&raw mut (*iterator).thread).write(this_thread());
        fill_field((&raw mut (*iterator).table).cast(), Py_NewRef(table.cast()));
        Ok(op)
    }
}

/// `iter(h)`: over the keys, forwards.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn iterate_keys(op: *mut PyObject) -> *mut PyObject {
    entry_alone(op, || {
        announce!("iter(h)");
        // SAFETY: the right object, kept for the call, also while the iterator is allocated.
        unsafe { give(iterate(op.cast(), Yields::Keys, Direction::Forwards)?) }
    })
}

/// `reversed(h)`: over the keys, backwards.
///
/// # Safety
/// Called by CPython, with a `HashTable`.
pub(crate) unsafe extern "C" fn iterate_backwards(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the right object, kept for the call, also while the iterator is allocated.
    entry_alone(op, || unsafe { give(iterate(op.cast(), Yields::Keys, Direction::Backwards)?) })
}

/// `next(iterator)`: a new reference; NULL without an exception says that there are no more.
///
/// # Safety
/// Called by CPython, with an iterator. So are all functions that follow.
pub(crate) unsafe extern "C" fn tp_iternext(op: *mut PyObject) -> *mut PyObject {
    entry(|| {
        announce!("next(iterator)");
        // SAFETY: the right object, an iterator, kept for the call. What `next` returns is a new reference.
        unsafe {
            match next(op.cast())? {
                Some(object) => give(object),
                None => Ok(no_more()),
            }
        }
    })
}

/// What `body` says, alone with the iterator and its table; None if the iterator is exhausted.
///
/// # Safety
/// The iterator is alive, and is kept so by the caller.
#[inline(always)]
unsafe fn alone_with_its_table<R>(
    iterator: *mut TableIterator,
    body: impl FnOnce(*mut HashTable) -> Result<Option<R>, Raised>,
) -> Result<Option<R>, Raised> {
    // SAFETY: the caller keeps the iterator alive, and it its table, as long as it has one. Without the GIL another
    // thread may take the last step meanwhile: so the table gets a reference while we are alone with the iterator.
    unsafe {
        #[cfg(not(Py_GIL_DISABLED))]
        {
            let table = (*iterator).table;
            if table.is_null() { Ok(None) } else { body(table) }
        }
        #[cfg(Py_GIL_DISABLED)]
        {
            let table = alone(iterator.cast(), || {
                let table = (*iterator).table;
                if table.is_null() { table } else { Py_NewRef(table.cast::<PyObject>()).cast() }
            });
            if table.is_null() {
                return Ok(None);
            }
            let answer = alone_with(iterator.cast(), table.cast(), || {
                let exhausted = (*iterator).table.is_null();
                if exhausted { Ok(None) } else { body(table) }
            });
            Py_DECREF(table.cast()); // [R17]
            answer
        }
    }
}

/// The next object, a new reference, or None at the end.
unsafe fn next(iterator: *mut TableIterator) -> Result<Option<*mut PyObject>, Raised> {
    // SAFETY: the iterator is alive. What a step yields is a new reference, or two, which go to the caller. Only the
    // thread that made the iterator uses its tuple, and ends it.
    unsafe {
        let ours = is_this_threads(iterator);
        let stepped = match step_at_once(iterator, ours) {
            Some(stepped) => stepped,
            None => {
                alone_with_its_table(iterator, |table| Ok(Some(step(iterator, table))))?.unwrap_or(Stepped::ToTheEnd)
            }
        };
        match stepped {
            Stepped::On(object) => Ok(Some(object)),
            Stepped::OnPair(key, value) if ours => pair_reusing(&raw mut (*iterator).pair, key, value).map(Some),
            Stepped::OnPair(key, value) => pair_of(key, value).map(Some),
            Stepped::ToTheEnd if ours => Ok(end(iterator)),
            Stepped::ToTheEnd => Ok(None),
            Stepped::Moved => Err(runtime_error(c"HashTable changed size during iteration")),
        }
    }
}

/// Where a step has led.
enum Stepped {
    /// To a key or a value: a new reference.
    On(*mut PyObject),
    /// To a key and its value: new references.
    OnPair(*mut PyObject, *mut PyObject),
    /// There is nothing more.
    ToTheEnd,
    /// Nowhere, as the table has changed.
    Moved,
}

/// A step, if it can be made without a critical section. That is what the thread that made the iterator does, which can be
/// only one: the lock of the table is enough for it, since nobody else ends the iterator.
#[inline(always)]
unsafe fn step_at_once(iterator: *mut TableIterator, ours: bool) -> Option<Stepped> {
    #[cfg(Py_GIL_DISABLED)]
    if ours {
        // SAFETY: the iterator is alive and keeps its table until this thread ends it.
        unsafe {
            let table = (*iterator).table;
            if table.is_null() {
                return Some(Stepped::ToTheEnd);
            }
            return briefly(table.cast(), || step(iterator, table));
        }
    }
    let _ = (iterator, ours);
    None
}

/// Does the iterator belong to the thread that is running? With the GIL there is no difference.
#[inline(always)]
unsafe fn is_this_threads(iterator: *mut TableIterator) -> bool {
    #[cfg(Py_GIL_DISABLED)]
    // SAFETY: the iterator is alive; the field was written when it was made.
    return unsafe { (*iterator).thread == this_thread() };
    #[cfg(not(Py_GIL_DISABLED))]
    {
        let _ = iterator;
        true
    }
}

/// Takes a step.
#[inline(always)]
unsafe fn step(iterator: *mut TableIterator, table: *mut HashTable) -> Stepped {
    // SAFETY: the table is the iterator's, so it is alive. Key and value are borrowed from the table and become references
    // before anything runs.
    unsafe {
        let pairs = &raw const (*table).pairs;
        if (*pairs).version() != (*iterator).version {
            return Stepped::Moved;
        }
        // The pair, and where to look for the one after it.
        let found = match (*iterator).direction {
            Direction::Forwards => {
                (*pairs).pair_from((*iterator).position).map(|(at, key, value)| (at, at + 1, key, value))
            }
            Direction::Backwards => {
                (*pairs).pair_before((*iterator).position).map(|(at, key, value)| (at, at, key, value))
            }
        };
        let Some((at, next, key, value)) = found else { return Stepped::ToTheEnd };
        let (key, value) = (key.borrowed(), value.borrowed());
        if let Some((key, value)) = (*pairs).pair_if_any(at + AHEAD) {
            prefetch(if (*iterator).yields == Yields::Keys { key } else { value }.borrowed());
        }
        (*iterator).position = next;
        (*iterator).left -= 1;
        match (*iterator).yields {
            Yields::Keys => Stepped::On(Py_NewRef(key)),
            Yields::Values => Stepped::On(Py_NewRef(value)),
            Yields::Items => Stepped::OnPair(Py_NewRef(key), Py_NewRef(value)),
        }
    }
}

/// None, with the table released.
#[cold]
unsafe fn end(iterator: *mut TableIterator) -> Option<*mut PyObject> {
    // SAFETY: the iterator is alive during the call, and owns both. It is at its end before the first of them is
    // released.
    unsafe {
        alone(iterator.cast(), || {
            (*iterator).left = 0;
            Py_CLEAR((&raw mut (*iterator).table).cast()); // [R17]
        });
        Py_CLEAR(&raw mut (*iterator).pair); // [R22]
    }
    None
}

/// `iterator.__length_hint__()`: how many are still to come; 0 if the table has changed. A new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn length_hint(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: `op` is an iterator, and owns its table unless it is exhausted.
    entry(|| unsafe {
        let iterator = op.cast::<TableIterator>();
        let left = alone_with_its_table(iterator, |table| {
            Ok(((*table).pairs.version() == (*iterator).version).then_some((*iterator).left))
        })?;
        give(new_reference(PyLong_FromSsize_t(left.unwrap_or(0) as Py_ssize_t))?)
    })
}

/// `iterator.__reduce__()`: `(iter, ([what is still to come],))`, for `copy` and `pickle`. The iterator itself does not
/// advance. A new reference.
///
/// # Safety
/// Called by CPython.
pub(crate) unsafe extern "C" fn reduce(op: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: `op` is an iterator, alive during the call. `twin`, `list`, `builtins` and `iter` are ours until their
    // DECREFs. So is the table while the twin is made: that can run Python code, which can bring the iterator to its
    // end.
    entry(|| unsafe {
        let iterator = op.cast::<TableIterator>();
        let twin = alone_with_its_table(iterator, |table| {
            Py_INCREF(table.cast());
            let twin = iterate(table, (*iterator).yields, (*iterator).direction);
            Py_DECREF(table.cast()); // [R17]
            let twin = twin?;
            (*twin.cast::<TableIterator>()).version = (*iterator).version;
            (*twin.cast::<TableIterator>()).position = (*iterator).position;
            (*twin.cast::<TableIterator>()).left = (*iterator).left;
            Ok(Some(twin))
        })?;
        let list = match twin {
            None => PyList_New(0),
            Some(twin) => {
                let list = PySequence_List(twin);
                Py_DECREF(twin);
                list
            }
        };
        let list = new_reference(list)?;
        let arguments = received(PyTuple_Pack(1, list));
        Py_DECREF(list);
        let arguments = new_reference(arguments)?;
        let builtins = PyImport_ImportModule(c"builtins".as_ptr()); // [R19]
        let iter =
            if builtins.is_null() { ptr::null_mut() } else { PyObject_GetAttrString(builtins, c"iter".as_ptr()) };
        Py_XDECREF(builtins);
        let reduced = if iter.is_null() { ptr::null_mut() } else { received(PyTuple_Pack(2, iter, arguments)) };
        Py_XDECREF(iter);
        Py_DECREF(arguments);
        give(new_reference(reduced)?)
    })
}

/// Shows the garbage collector the table.
///
/// # Safety
/// Called by CPython's garbage collector.
pub(crate) unsafe extern "C" fn tp_traverse(op: *mut PyObject, visit: visitproc, arg: *mut c_void) -> c_int {
    // SAFETY: `op` is an iterator whose fields were written before the collector could know it. It owns what is
    // visited, and visiting runs no Python code.
    unsafe {
        let iterator = op.cast::<TableIterator>();
        match Py_VISIT((*iterator).table.cast(), visit, arg) {
            0 => Py_VISIT((*iterator).pair, visit, arg),
            stop => stop,
        }
    }
}

/// Releases the table and the tuple; the iterator is then exhausted.
///
/// # Safety
/// Called by CPython's garbage collector.
pub(crate) unsafe extern "C" fn tp_clear(op: *mut PyObject) -> c_int {
    // SAFETY: `op` is an iterator, kept by the collector meanwhile. It owns both, and each field is empty before what
    // it held goes.
    entry(|| unsafe {
        Py_CLEAR((&raw mut (*op.cast::<TableIterator>()).table).cast());
        Py_CLEAR(&raw mut (*op.cast::<TableIterator>()).pair);
        Ok::<_, Raised>(())
    })
}

/// The last reference to the iterator has gone.
///
/// # Safety
/// Called by CPython, once.
pub(crate) unsafe extern "C" fn tp_dealloc(op: *mut PyObject) {
    // SAFETY: the last reference has gone, so nobody else can reach the iterator once the collector has forgotten it;
    // that comes before its fields are emptied. Its memory goes last, and came from the allocator that
    // `PyObject_GC_Del` belongs to, as the type has no subclasses.
    entry(|| unsafe {
        PyObject_GC_UnTrack(op.cast());
        Py_CLEAR((&raw mut (*op.cast::<TableIterator>()).table).cast());
        Py_CLEAR(&raw mut (*op.cast::<TableIterator>()).pair);
        PyObject_GC_Del(op.cast());
    });
}

/// What an iterator has by name.
pub(crate) static mut ITERATOR_METHODS: [PyMethodDef; 3] = [
    no_arguments(
        c"__length_hint__",
        length_hint,
        c"__length_hint__($self, /)
--

Return how many are still to come.",
    ),
    no_arguments(
        c"__reduce__",
        reduce,
        c"__reduce__($self, /)
--

Return what copy and pickle need: a list of what is still to come.",
    ),
    PyMethodDef::zeroed(),
];
