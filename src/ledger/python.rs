//! Reading the books from Python: functions that are added to the extension's module, all with names that begin with `ledger_`.
//!
//! They answer with plain tuples; `hashtable_lab.ledger` makes something of them.

use crate::account::{self, RECORDING, SPEAKING, Site};
use crate::faults;
use crate::trampolines;
use core::ffi::{CStr, c_char, c_long, c_longlong};
use core::ptr::null_mut;
use core::sync::atomic::Ordering;
use pyo3_ffi::*;
use std::ffi::CString;

const fn function(
    name: &'static CStr,
    function: unsafe extern "C" fn(*mut PyObject, *mut PyObject) -> *mut PyObject,
    flags: i32,
    doc: &'static CStr,
) -> PyMethodDef {
    PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: PyMethodDefPointer { PyCFunction: function },
        ml_flags: flags,
        ml_doc: doc.as_ptr(),
    }
}

/// The functions, without an end mark.
pub(crate) const FUNCTIONS: [PyMethodDef; 15] = [
    function(
        c"ledger_position",
        position,
        METH_NOARGS,
        c"ledger_position($module, /)
--

Return how many findings and how many events there have been.",
    ),
    function(
        c"ledger_findings",
        findings,
        METH_O,
        c"ledger_findings($module, since, /)
--

Return the findings from number since on, as tuples
(kind, what, file, line, function, address, type, repr, callers); the line is 0 where only the function is known. The callers are
places in files of machine code, \"file+offset\", innermost first, with \"|\" between them.",
    ),
    function(
        c"ledger_record",
        record,
        METH_O,
        c"ledger_record($module, on, /)
--

Record events from now on, or no longer. Calls nest; the record is emptied when nobody wants it any more.",
    ),
    function(
        c"ledger_events",
        events,
        METH_O,
        c"ledger_events($module, since, /)
--

Return the recorded events from number since on, as tuples (what, file, line, function, address, type, count).",
    ),
    function(
        c"ledger_stored",
        stored,
        METH_O,
        c"ledger_stored($module, container, /)
--

Return what the books say that an object of the extension's owns, as tuples (file, line, address). `tp_traverse` has to show
each of them to the garbage collector: compare with `gc.get_referents`.",
    ),
    function(
        c"ledger_outside",
        outside,
        METH_NOARGS,
        c"ledger_outside($module, /)
--

Return what is in hand outside any call, as tuples (file, line, address, type, repr).",
    ),
    function(
        c"ledger_judged",
        judged,
        METH_NOARGS,
        c"ledger_judged($module, /)
--

Return the functions that are judged, as tuples (function, calls so far).",
    ),
    function(
        c"ledger_unjudged",
        unjudged,
        METH_NOARGS,
        c"ledger_unjudged($module, /)
--

Return the functions that are called without being judged, as tuples (function, why).",
    ),
    function(
        c"ledger_blind",
        blind,
        METH_NOARGS,
        c"ledger_blind($module, /)
--

Return why nothing has been judged since some call, in a few words, or \"\" if all is.",
    ),
    function(
        c"ledger_speak",
        speak,
        METH_O,
        c"ledger_speak($module, on, /)
--

Write deficits to standard error as they are found, or do not. Return what it was.",
    ),
    function(
        c"ledger_log",
        log,
        METH_VARARGS,
        c"ledger_log($module, path, events=False, most=None, /)
--

Append each finding to this file as soon as it comes, so that none is lost in a crash; with events, each event too, and notes
about what happens between them: so many at most, then comes the line \"full\". None: no longer.
A line each: \"finding\" or \"event\" and its fields as above, and last the number of the thread, with \"\\x1f\" between them.",
    ),
    function(
        c"ledger_note",
        note,
        METH_O,
        c"ledger_note($module, text, /)
--

Write a line of one's own among the events, if they are written down: \"note\" and the text. Return whether it was written.",
    ),
    function(
        c"ledger_follow",
        follow,
        METH_O,
        c"ledger_follow($module, object, /)
--

While events and notes are written down: write what the object is, and from now on after each of them its count, if that has changed.
Return whether it was not followed yet.",
    ),
    function(
        c"ledger_fail",
        fail,
        METH_VARARGS,
        c"ledger_fail($module, nth, exception=None, /)
--

Make the nth call from now on that may fail, fail with this exception; 0 only counts; None takes it back.
Return what was left of the last order: 0 if it was carried out.",
    ),
    function(
        c"ledger_places",
        places,
        METH_NOARGS,
        c"ledger_places($module, /)
--

Return the places at which calls may fail, as far as they were reached while faults were on, as tuples
(file, line, call, times reached, times failed, the how manieth call it was first).",
    ),
];

/// A list of what `build` makes of each item: a new reference, or NULL with an exception set. `build` returns a new reference
/// or NULL.
unsafe fn list_of<T>(items: impl IntoIterator<Item = T>, build: impl Fn(T) -> *mut PyObject) -> *mut PyObject {
    // SAFETY: the list is ours; it takes a reference of its own to each item, and ours is given back.
    unsafe {
        let list = PyList_New(0);
        if list.is_null() {
            return null_mut();
        }
        for item in items {
            let object = build(item);
            let failed = object.is_null() || PyList_Append(list, object) < 0;
            Py_XDECREF(object);
            if failed {
                Py_DECREF(list);
                return null_mut();
            }
        }
        list
    }
}

/// A new reference to None. (`Py_NewRef` came in CPython 3.10.)
unsafe fn none() -> *mut PyObject {
    // SAFETY: None is a static object of the interpreter that called us, so its count may be raised.
    unsafe {
        Py_INCREF(Py_None());
        Py_None()
    }
}

/// A site as C strings and a number: file (empty if it is not known) and line (or 0).
fn in_c(site: Site) -> (CString, c_long) {
    (text(site.map_or("", |site| site.file())), site.map_or(0, |site| c_long::from(site.line() as i32)))
}

fn text(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

unsafe extern "C" fn position(_: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    let (found, events) = {
        let ledger = account::ledger();
        (ledger.found as Py_ssize_t, ledger.events.len() as Py_ssize_t)
    };
    // SAFETY: the format takes two sizes and gets them; the tuple is new, and the caller's.
    unsafe { Py_BuildValue(c"(nn)".as_ptr(), found, events) }
}

unsafe extern "C" fn findings(_: *mut PyObject, since: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a living object; each format gets what it asks for.
    unsafe {
        let since = PyLong_AsSize_t(since);
        if since == usize::MAX && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let wanted: Vec<_> = {
            let ledger = account::ledger();
            let first_kept = ledger.found - ledger.findings.len();
            let rows = ledger.findings.iter().skip(since.saturating_sub(first_kept));
            rows.map(|finding| {
                let (file, line) = in_c(finding.site);
                let texts = [
                    finding.kind,
                    &finding.what,
                    finding.function,
                    &finding.type_name,
                    &finding.repr,
                    &finding.callers(),
                ]
                .map(text);
                (texts, file, line, finding.address as c_longlong)
            })
            .collect()
        };
        list_of(wanted, |([kind, what, function, type_name, repr, callers], file, line, address)| {
            Py_BuildValue(
                c"(ssslsLsss)".as_ptr(),
                kind.as_ptr(),
                what.as_ptr(),
                file.as_ptr(),
                line,
                function.as_ptr(),
                address,
                type_name.as_ptr(),
                repr.as_ptr(),
                callers.as_ptr(),
            )
        })
    }
}

unsafe extern "C" fn record(_: *mut PyObject, on: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps `on` alive for the call, also while its `__bool__` runs; no lock is held then.
    unsafe {
        match PyObject_IsTrue(on) {
            0 => {
                let before = RECORDING.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |depth| depth.checked_sub(1));
                if before == Ok(1) {
                    account::ledger().events = Vec::new();
                }
            }
            1 => {
                RECORDING.fetch_add(1, Ordering::Relaxed);
            }
            _ => return null_mut(),
        }
        none()
    }
}

unsafe extern "C" fn events(_: *mut PyObject, since: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a living object; each format gets what it asks for.
    unsafe {
        let since = PyLong_AsSize_t(since);
        if since == usize::MAX && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let wanted: Vec<_> = {
            let ledger = account::ledger();
            let row = |event: &account::Event| {
                let (file, line) = in_c(event.site);
                let texts = [event.what, event.function, event.type_name].map(text);
                (texts, file, line, event.address as c_longlong, event.count as Py_ssize_t)
            };
            ledger.events.iter().skip(since).map(row).collect()
        };
        list_of(wanted, |([what, function, type_name], file, line, address, count)| {
            Py_BuildValue(
                c"(sslsLsn)".as_ptr(),
                what.as_ptr(),
                file.as_ptr(),
                line,
                function.as_ptr(),
                address,
                type_name.as_ptr(),
                count,
            )
        })
    }
}

unsafe extern "C" fn stored(_: *mut PyObject, container: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a living object; the format gets what it asks for.
    unsafe {
        list_of(account::stored_in(container), |(address, site)| {
            let (file, line) = in_c(site);
            Py_BuildValue(c"(slL)".as_ptr(), file.as_ptr(), line, address as c_longlong)
        })
    }
}

unsafe extern "C" fn outside(_: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the format takes a string, a number, a number and two strings, and gets them; the strings are locals that outlive
    // the call.
    unsafe {
        list_of(account::outside(), |(site, address, type_name, repr)| {
            let (file, line) = in_c(site);
            let [type_name, repr] = [type_name, repr].map(|string| text(&string));
            let address = address as c_longlong;
            Py_BuildValue(c"(slLss)".as_ptr(), file.as_ptr(), line, address, type_name.as_ptr(), repr.as_ptr())
        })
    }
}

unsafe extern "C" fn judged(_: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: each format gets what it asks for: a C string, which lives until the tuple is made, and a long long.
    unsafe {
        list_of(trampolines::judged(), |(function, calls)| {
            let function = text(function);
            Py_BuildValue(c"(sL)".as_ptr(), function.as_ptr(), calls as c_longlong)
        })
    }
}

unsafe extern "C" fn unjudged(_: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: the format gets what it asks for: two C strings, which live until the tuple is made.
    unsafe {
        list_of(trampolines::unjudged(), |(function, why)| {
            let (function, why) = (text(&function), text(why));
            Py_BuildValue(c"(ss)".as_ptr(), function.as_ptr(), why.as_ptr())
        })
    }
}

unsafe extern "C" fn blind(_: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    let why = text(account::why_blind());
    // SAFETY: the format gets what it asks for: a string of C, which lives until the str is made. That is new, and the caller's.
    unsafe { Py_BuildValue(c"s".as_ptr(), why.as_ptr()) }
}

unsafe extern "C" fn speak(_: *mut PyObject, on: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps `on` alive for the call, also while its `__bool__` runs. What is returned is a new reference.
    unsafe {
        match PyObject_IsTrue(on) {
            -1 => null_mut(),
            on => PyBool_FromLong(SPEAKING.swap(on == 1, Ordering::Relaxed).into()),
        }
    }
}

unsafe extern "C" fn log(_: *mut PyObject, args: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a tuple that it keeps alive; what is parsed is borrowed from it. None always exists.
    unsafe {
        let (mut path, mut events, mut most) = (core::ptr::null::<c_char>(), 0, Py_None());
        if PyArg_ParseTuple(args, c"z|pO:ledger_log".as_ptr(), &raw mut path, &raw mut events, &raw mut most) == 0 {
            return null_mut();
        }
        let most = if most == Py_None() { usize::MAX } else { PyLong_AsSize_t(most) };
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        if path.is_null() {
            account::log_to(None, false, 0);
            return none();
        }
        let name = CStr::from_ptr(path).to_string_lossy();
        match std::fs::File::options().create(true).append(true).open(name.as_ref()) {
            Ok(file) => account::log_to(Some(file), events != 0, most),
            Err(error) => {
                let message = text(&format!("{name}: {error}"));
                PyErr_SetString(PyExc_OSError, message.as_ptr());
                return null_mut();
            }
        }
        none()
    }
}

unsafe extern "C" fn note(_: *mut PyObject, line: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a living object; the text is borrowed from it.
    unsafe {
        let mut length = 0;
        let utf8 = crate::layout::PyUnicode_AsUTF8AndSize(line, &raw mut length);
        if utf8.is_null() {
            return null_mut();
        }
        let bytes = core::slice::from_raw_parts(utf8.cast::<u8>(), length as usize);
        PyBool_FromLong(account::note(&["note", &String::from_utf8_lossy(bytes)]).into())
    }
}

unsafe extern "C" fn follow(_: *mut PyObject, object: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython keeps the object alive for the call. What is returned is a new reference.
    unsafe { PyBool_FromLong(account::follow(object).into()) }
}

unsafe extern "C" fn fail(_: *mut PyObject, args: *mut PyObject) -> *mut PyObject {
    // SAFETY: CPython passes a tuple that it keeps alive; what is parsed is borrowed from it.
    unsafe {
        let (mut nth, mut exception) = (null_mut::<PyObject>(), null_mut::<PyObject>());
        if PyArg_ParseTuple(args, c"O|O:ledger_fail".as_ptr(), &raw mut nth, &raw mut exception) == 0 {
            return null_mut();
        }
        let wanted = if nth == Py_None() {
            None
        } else {
            let wanted = PyLong_AsSize_t(nth);
            if wanted == usize::MAX && !PyErr_Occurred().is_null() {
                return null_mut();
            }
            Some(wanted as u64)
        };
        if !exception.is_null() && exception != Py_None() && PyExceptionInstance_Check(exception) == 0 {
            PyErr_SetString(PyExc_TypeError, c"exception must be an exception or None".as_ptr());
            return null_mut();
        }
        let stolen = if exception.is_null() || exception == Py_None() { null_mut() } else { exception };
        Py_XINCREF(stolen);
        let (left, unused) = faults::order(wanted, stolen);
        Py_XDECREF(unused);
        PyLong_FromSize_t(left as usize)
    }
}

unsafe extern "C" fn places(_: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    let places: Vec<_> = faults::faults().places.iter().map(|(&place, &counts)| (place, counts)).collect();
    // SAFETY: the format takes a string, a number, a string and three numbers, and gets them; the strings are locals that
    // outlive the call.
    unsafe {
        list_of(places, |(place, counts)| {
            let (file, call) = (text(place.file), text(place.call));
            let line = c_long::from(place.line as i32);
            let numbers = [counts.reached, counts.failed, counts.first].map(|number| number as c_longlong);
            let [reached, failed, first] = numbers;
            Py_BuildValue(c"(slsLLL)".as_ptr(), file.as_ptr(), line, call.as_ptr(), reached, failed, first)
        })
    }
}
