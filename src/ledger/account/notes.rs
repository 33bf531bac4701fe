//! What a replay needs to know beside the events: calls begin and end, with which objects, and where the fields of an object lie.

use super::Address;
use super::calls::{Borrowed, Returned};
use super::describe::name_of;
use super::follow::follow;
use super::hands::Frame;
use super::report::{is_noting, note, note_numbers};
use super::stored::Fields;

/// Notes that a call begins, and with which objects.
pub(super) fn note_call(frame: &Frame, arguments: Borrowed<'_>) {
    // The collector looks at everything, at any time; that is nobody's step.
    if !is_noting() || frame.function.ends_with("tp_traverse") {
        return;
    }
    for fields in &frame.structs {
        note_fields(fields);
    }
    let mut known: Vec<String> = Vec::new();
    for op in arguments.iter() {
        let address = (op as Address).to_string();
        if !known.contains(&address) {
            // SAFETY: CPython passes living objects; one that is being taken apart is none any more, and its count says so.
            unsafe {
                if pyo3_ffi::Py_REFCNT(op) > 0 {
                    follow(op);
                }
            }
            known.push(address);
        }
    }
    let of = arguments.iter().next().map_or(0, |op| op as Address);
    note(&["call", frame.function, &of.to_string(), &known.join(" ")]);
}

/// Notes where the fields of an object lie.
pub(super) fn note_fields(fields: &Fields) {
    note_numbers("fields", &[fields.of, fields.start, fields.end]);
}

/// Notes that a call has ended, which object it returned, and whether by an exception.
pub(super) fn note_return(frame: &Frame, returned: Returned) {
    if !is_noting() || frame.function.ends_with("tp_traverse") {
        return;
    }
    let result = match returned {
        Returned::Object { op, .. } => op as Address,
        _ => 0,
    };
    // SAFETY: the call has just returned, with the thread still attached. The pointer that comes back is only compared.
    let set = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    let raised = if set == 0 || set == frame.exception { "" } else { name_of(set) };
    note(&["return", frame.function, &result.to_string(), raised]);
}
