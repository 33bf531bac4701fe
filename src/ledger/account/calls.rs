//! A call begins and ends, and is judged.

use super::Address;
use super::Site;
use super::book::{STRICT, book};
use super::describe::{describe, name_of};
use super::hands::{FRAMES, Frame, Hand, OUTSIDE, give, in_frame};
use super::notes::{note_call, note_return};
use super::report::{Finding, find};
use super::stored::{Fields, fields_of, keep_in_field};
use crate::peek;
use core::sync::atomic::Ordering;
use pyo3_ffi::PyObject;

/// A call from CPython into the extension begins. It has borrowed its arguments, of which any may be NULL.
pub(crate) fn begin(function: &'static str, arguments: &[*mut PyObject]) {
    let mut frame = Frame::new(function);
    for &argument in arguments.iter().filter(|argument| !argument.is_null()) {
        // SAFETY: CPython passes living objects, or one that is being taken apart and still has its memory.
        let hand = Hand { kept: true, ..unsafe { Hand::of(argument, true) } };
        frame.hands.insert(argument as Address, hand);
        frame.structs.extend(fields_of(argument));
    }
    // SAFETY: the GIL is held.
    frame.exception = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    note_call(&frame, arguments);
    let _ = FRAMES.try_with(|frames| {
        let mut frames = frames.borrow_mut();
        if frames.is_empty() {
            frames.push(Frame::new(OUTSIDE));
        }
        frames.push(frame);
    });
}

/// What a call can answer, as far as the books are concerned.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// An object or NULL; `ends` if NULL without an exception is an answer too, as it is for `tp_iternext`.
    Object { op: *mut PyObject, ends: bool },
    /// A number, and whether it is the one that says "failed".
    Number { failed: bool },
    /// Nothing: the function cannot report a failure.
    Nothing,
}

/// The call ends: what it returns goes out of hand, and then hands must be empty.
pub(crate) fn end(answer: Answer) {
    if let Answer::Object { op, .. } = answer
        && !op.is_null()
        && in_frame(|frame| frame.given) != Some(op as Address)
    {
        give(op, "returned", None);
    }
    let Some(Some(mut frame)) = FRAMES.try_with(|frames| frames.borrow_mut().pop()).ok() else { return };
    check_exception(&frame, answer);
    frame.close(answer);
    note_return(&frame, answer);
}

impl Frame {
    /// The hands of a call that has ended must be empty.
    pub(super) fn close(&mut self, answer: Answer) {
        if self.hands.values().all(|hand| hand.taken.is_empty()) {
            return;
        }
        let result = match answer {
            Answer::Object { op, .. } if !op.is_null() => op,
            _ => core::ptr::null_mut(),
        };
        if !result.is_null() {
            self.structs.extend(fields_of(result));
        }
        self.look_into_structs();
        for (&address, hand) in &self.hands {
            if hand.taken.is_empty() || (!STRICT.load(Ordering::Relaxed) && went_unseen(address, hand, result)) {
                continue;
            }
            for &site in &hand.taken {
                let (type_name, repr) = describe(address, hand.type_object);
                let what = "never given back".to_owned();
                find(Finding { kind: "surplus", what, site, function: self.function, address, type_name, repr });
            }
        }
    }
}

/// Has the reference been stolen by a call that the ledger does not know (`Py_BuildValue` with an `N` is one)? Then the object is gone
/// since, or it lies in the result, which has taken no reference of its own.
pub(super) fn went_unseen(address: Address, hand: &Hand, result: *mut PyObject) -> bool {
    let Some((count, type_object)) = peek::head(address) else { return true };
    if type_object != hand.type_object {
        return true;
    }
    if result.is_null() {
        return false;
    }
    // SAFETY: the result is alive, and so are its items.
    let lies_in_result = unsafe {
        let items: Vec<_> = if pyo3_ffi::PyTuple_CheckExact(result) != 0 {
            (0..pyo3_ffi::PyTuple_GET_SIZE(result)).map(|at| pyo3_ffi::PyTuple_GET_ITEM(result, at)).collect()
        } else if pyo3_ffi::PyList_CheckExact(result) != 0 {
            (0..pyo3_ffi::PyList_GET_SIZE(result)).map(|at| pyo3_ffi::PyList_GET_ITEM(result, at)).collect()
        } else {
            Vec::new()
        };
        items.into_iter().filter(|&item| item as Address == address).count()
    };
    lies_in_result > 0 && count < hand.expected + lies_in_result as isize
}

/// Failure must be reported with an exception and success without one.
pub(super) fn check_exception(frame: &Frame, answer: Answer) {
    // SAFETY: the GIL is held.
    let set = unsafe { pyo3_ffi::PyErr_Occurred() } as Address;
    let what = match answer {
        Answer::Nothing if set != frame.exception => "the exception that was set is not what it was",
        // Called while an exception is on its way: nothing can be said.
        _ if frame.exception != 0 => return,
        Answer::Object { op, ends: false } if op.is_null() && set == 0 => "failed without an exception",
        Answer::Object { op, .. } if !op.is_null() && set != 0 => "succeeded with an exception set",
        Answer::Number { failed: true } if set == 0 => "failed without an exception",
        Answer::Number { failed: false } if set != 0 => "succeeded with an exception set",
        _ => return,
    };
    let type_name = if set == 0 { String::new() } else { name_of(set).to_owned() };
    let what = what.to_owned();
    let function = frame.function;
    find(Finding { kind: "exception", what, site: None, function, address: set, type_name, repr: String::new() });
}

impl Frame {
    /// Looks for what is still in hand in the structs that the call can have written into, and takes what it finds for stored there.
    pub(super) fn look_into_structs(&mut self) {
        let mut seen: Vec<Fields> = Vec::new();
        for &fields in &self.structs {
            if seen.contains(&fields) {
                continue;
            }
            seen.push(fields);
            let words = peek::words(fields.start, fields.end);
            let holds = |address| words.contains(&address);
            for (&object, hand) in self.hands.iter_mut().filter(|(address, _)| holds(**address)) {
                let places = words.iter().enumerate().filter(|&(_, &word)| word == object);
                for field in places.map(|(number, _)| fields.start + number * size_of::<usize>()) {
                    if hand.taken.is_empty() || book().holds(field, object) {
                        continue;
                    }
                    let site = hand.taken.pop().expect("it is not empty");
                    keep_in_field(field, object, site, self.function, Some((fields, &words)));
                    book().found_in.entry(object).or_default().push(field);
                }
            }
        }
    }
}

/// What is in hand outside any call, on this thread: nothing, once the module has been made.
pub(crate) fn outside() -> Vec<(Site, Address, String, String)> {
    let held = FRAMES.try_with(|frames| {
        let frames = frames.borrow();
        let hands = frames.first().into_iter().flat_map(|frame| &frame.hands);
        let each = |(&address, hand): (&Address, &Hand)| {
            hand.taken.iter().map(|&site| (site, address, hand.type_object)).collect::<Vec<_>>()
        };
        hands.flat_map(each).collect::<Vec<_>>()
    });
    let held = held.unwrap_or_default();
    held.into_iter()
        .map(|(site, address, type_object)| {
            let (type_name, repr) = describe(address, type_object);
            (site, address, type_name, repr)
        })
        .collect()
}
