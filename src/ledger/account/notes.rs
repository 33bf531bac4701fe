//! What a replay needs to know beside the events: calls begin and end, with which objects, and where the fields of an object lie.

use super::Address;
use super::calls::Answer;
use super::describe::{describe_living, name_of};
use super::hands::Frame;
use super::report::{is_noting, note};
use super::stored::Fields;
use pyo3_ffi::PyObject;

/// Notes that a call begins: with which objects, and what each of them counts now.
pub(super) fn note_call(frame: &Frame, arguments: &[*mut PyObject]) {
    // The collector looks at everything, at any time; that is nobody's step.
    if !is_noting() || frame.function.ends_with("tp_traverse") {
        return;
    }
    for fields in &frame.structs {
        note_fields(fields);
    }
    let mut known: Vec<String> = Vec::new();
    for &op in arguments.iter().filter(|op| !op.is_null()) {
        let address = (op as Address).to_string();
        if !known.contains(&address) {
            // SAFETY: CPython passes living objects, or one that is being taken apart and still has its memory.
            let (count, type_now) = unsafe { (pyo3_ffi::Py_REFCNT(op), pyo3_ffi::Py_TYPE(op) as usize) };
            // SAFETY: as above.
            let shown = if count > 0 { unsafe { describe_living(op, type_now) }.1 } else { String::new() };
            note(&["object", &address, &count.to_string(), name_of(type_now), &shown]);
            known.push(address);
        }
    }
    let of = arguments.first().map_or(0, |&op| op as Address);
    note(&["call", frame.function, &of.to_string(), &known.join(" ")]);
}

/// Notes where the fields of an object lie.
pub(super) fn note_fields(fields: &Fields) {
    note(&["fields", &fields.of.to_string(), &fields.start.to_string(), &fields.end.to_string()]);
}

/// Notes that a call has ended, with which object as its answer, and whether by an exception.
pub(super) fn note_return(frame: &Frame, answer: Answer) {
    if !is_noting() || frame.function.ends_with("tp_traverse") {
        return;
    }
    let result = match answer {
        Answer::Object { op, .. } => op as Address,
        _ => 0,
    };
    // SAFETY: the GIL is held.
    let set = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    let raised = if set == 0 || set == frame.exception { "" } else { name_of(set) };
    note(&["return", frame.function, &result.to_string(), raised]);
}
