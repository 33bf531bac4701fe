//! What the layers announce in the traced build.
//!
//! `announce!` queues a line for the extension, as its namesake in the library does for the library (hashtable-core,
//! announce.rs, says why they queue). [`flush`] prints them, in Python, to `sys.stdout`, so that they come in the right
//! order among the lines that the user's own functions print. Without the cargo feature `trace`, all of it compiles to
//! nothing.

/// Announces one step of the extension, as `format!` takes it. Nothing in the normal build.
macro_rules! announce {
    ($($message:tt)*) => {
        #[cfg(feature = "trace")]
        {
            #[allow(unused_imports, reason = "not every line shows an object")]
            use $crate::announce::describe;
            // Describing an object takes references and makes calls that can fail; those are no part of the step.
            if hashtable_core::announce::is_heard() {
                hashtable_core::announce::line("extension", format_args!($($message)*));
            }
        }
    };
}

/// Does anyone listen? Then every step is taken one by one, so that it can be announced, and the fast ways are left
/// out. While nobody listens, the traced build goes exactly the same ways as the normal one.
#[cfg(not(feature = "trace"))]
#[inline(always)]
pub(crate) const fn is_heard() -> bool {
    false
}

#[cfg(feature = "trace")]
pub(crate) use hashtable_core::announce::is_heard;

/// Prints the lines that have queued up. Called only where Python code may run.
#[cfg(not(feature = "trace"))]
#[inline(always)]
pub(crate) fn flush() {}

#[cfg(feature = "trace")]
pub(crate) use traced::{describe, flush, tell_the_replay};

#[cfg(feature = "trace")]
mod traced {
    use crate::ffi::*;
    use hashtable_core::announce::{Anatomy, Listener, TableStep};
    use std::ffi::CString;

    /// From now on, while the ledger records its events, every announcement and every step of a table is recorded among
    /// them.
    pub(crate) fn tell_the_replay() {
        hashtable_core::announce::tell(Listener {
            listens: noting(),
            line: |layer, message| {
                note(&["said", layer, &message.to_string()]);
            },
            step: note_step,
        });
    }

    /// Records one step of a table. The table is named by its address, which lies inside the object that it belongs to.
    fn note_step(table: &dyn Anatomy, step: TableStep) {
        let name = core::ptr::from_ref(table).cast::<()>() as usize;
        let text = match step {
            TableStep::Walk(hash, bucket) => format!("walk {hash} {bucket}"),
            TableStep::Passed(at) => format!("passed {at}"),
            TableStep::Candidate(at) => format!("candidate {at}"),
            TableStep::End => "end".to_owned(),
            TableStep::Added(at, hash) => format!("added {at} {hash} {}", entry_in_words(table, at)),
            TableStep::Replaced(at) => format!("replaced {at} {}", entry_in_words(table, at)),
            TableStep::Removed(at) => format!("removed {at} {}", table.entries()),
            TableStep::Freed => "freed".to_owned(),
            TableStep::Rebuilt => {
                let mut text = format!("rebuilt {}", table.size());
                for at in 0..table.entries() {
                    text += ";";
                    text += &entry_in_words(table, at);
                }
                text
            }
        };
        note(&["table", &name.to_string(), &text]);
    }

    /// Bucket, hash (`-` if the table does not know it), and the addresses of key and value; nothing for a hole.
    fn entry_in_words(table: &dyn Anatomy, at: usize) -> String {
        let Some((bucket, hash, key, value)) = table.entry(at) else { return String::new() };
        // SAFETY: the tables of this crate have a `Stored` for a key and one for a value, and the entry is there until
        // the table changes, which it cannot while it is borrowed.
        let (key, value) = unsafe { (*key.cast::<Stored>(), *value.cast::<Stored>()) };
        let hash = hash.map_or("-".to_owned(), |hash| hash.to_string());
        format!("{bucket} {hash} {} {}", key.taken() as usize, value.taken() as usize)
    }

    /// Prints the lines that have queued up. An exception that is set stays so, and one that printing causes is
    /// dropped.
    #[inline]
    pub(crate) fn flush() {
        if hashtable_core::announce::is_any() {
            print_all();
        }
    }

    #[cold]
    fn print_all() {
        for line in hashtable_core::announce::take() {
            // Announcements show objects by their repr, which has no NUL in it.
            let line = CString::new(line).unwrap_or_default();
            // SAFETY: `%s` takes one C string, and `line` is one, owned here until the loop's next turn, so also while
            // `sys.stdout` runs Python code. The lines were taken out of the queue before: nothing is borrowed from it.
            unsafe { PySys_FormatStdout(c"%s\n".as_ptr(), line.as_ptr()) }; // [R20]
        }
    }

    /// An object in a few characters. No user code runs for it: an object of a type that is not built in is shown by
    /// the name of its type. (`PyObject_Repr` would not do: it calls the handlers of signals that have come in, and
    /// from 3.12 on it can start the garbage collector. Nor does the repr of an int, for the same reason.) Borrows the
    /// object.
    ///
    /// # Safety
    /// `op` is a living object.
    pub(crate) unsafe fn describe(op: *mut PyObject) -> String {
        // SAFETY: the caller keeps `op` alive, and `aside` calls the function at once, on this thread.
        aside(|| unsafe { in_characters(op) })
    }

    /// # Safety
    /// As for [`describe`].
    unsafe fn in_characters(op: *mut PyObject) -> String {
        const LONGEST: usize = 40;
        // SAFETY: the object is alive, so is its type, whose name is a C string. The repr is ours until the DECREF; its
        // UTF-8 form is borrowed from it and copied before.
        unsafe {
            let type_object = Py_TYPE(op);
            if op == Py_None() {
                return "None".to_owned();
            }
            if type_object == &raw mut PyBool_Type {
                return if op == Py_True() { "True".to_owned() } else { "False".to_owned() };
            }
            if type_object == &raw mut PyLong_Type {
                let mut overflow = 0;
                let value = PyLong_AsLongLongAndOverflow(op, &mut overflow);
                return if overflow == 0 { value.to_string() } else { "<int beyond 64 bits>".to_owned() };
            }
            if type_object == &raw mut PyFloat_Type || type_object == &raw mut PyUnicode_Type {
                let pending = SetAside::exception();
                let repr = tp_repr(type_object).expect("floats and strs have a repr");
                let repr = received(repr(op));
                let utf8 = if repr.is_null() { core::ptr::null() } else { PyUnicode_AsUTF8(repr) };
                let text = (!utf8.is_null()).then(|| core::ffi::CStr::from_ptr(utf8).to_string_lossy().into_owned());
                Py_XDECREF(repr);
                PyErr_Clear();
                pending.put_back();
                if let Some(text) = text {
                    return match text.char_indices().nth(LONGEST) {
                        None => text,
                        Some((end, _)) => format!("{}...", &text[..end]),
                    };
                }
            }
            format!("<{} object>", core::ffi::CStr::from_ptr(tp_name(type_object)).to_string_lossy())
        }
    }
}
