//! What is written down: findings and events, in memory and in a file.

use super::Address;
use super::Site;
use super::describe::name_of;
use super::follow::{follow, forget, look};
use super::hands::{OUTSIDE, in_frame};
use super::ledger::{Event, MOST_EVENTS, MOST_FINDINGS, MOST_LOGGED, RECORDING, SPEAKING, go_blind, is_blind, ledger};
use super::pieces::Pieces;
use crate::peek;
use crate::spot::Spot;
use crate::trampolines;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pyo3_ffi::PyObject;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;

/// Something that did not balance.
pub(crate) struct Finding {
    /// `surplus`, `deficit`, `borrowed` or `exception`.
    pub(crate) kind: &'static str,
    /// What was done, in a few words.
    pub(crate) what: String,
    pub(crate) site: Site,
    /// The method or slot in which it happened.
    pub(crate) function: &'static str,
    pub(crate) address: Address,
    pub(crate) type_name: String,
    /// The object in a few characters, as far as they can be made without running code.
    pub(crate) repr: String,
}

impl Finding {
    /// Who called the function in which the line stands: see [`crate::spot`]. Where no line is known, after two `|`, where the
    /// function begins in which it happened.
    pub(crate) fn callers(&self) -> Cow<'static, str> {
        let callers = self.site.map_or("", |spot| spot.told());
        if !crate::stands_alone() || self.site.is_some_and(|spot| spot.line() != 0) {
            return callers.into();
        }
        // As if it called from its first byte on.
        let begins = trampolines::function_called(self.function).map(|function| Spot::at(function + 1, 0));
        begins.map_or(callers.into(), |spot| format!("{callers}||{}", spot.told()).into())
    }
}

/// Where findings are written as they come, and whether events are too.
static LOG: Mutex<Option<Log>> = Mutex::new(None);
static LOGGING: AtomicBool = AtomicBool::new(false);
pub(super) static LOGGING_EVENTS: AtomicBool = AtomicBool::new(false);
/// How many more events and notes are written.
static ROOM: AtomicUsize = AtomicUsize::new(0);
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The number of this thread: the first that writes something is 1.
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed) + 1;
}

struct Log {
    file: File,
    pieces: Option<Pieces>,
}

/// From now on each finding is written to this file as soon as it comes, so that none is lost in a crash; with `events`, each
/// event and each note too, but at most so many of them together. None: no longer.
pub(crate) fn log_to(file: Option<File>, events: bool, most: usize) {
    log_in(file.map(|file| Log { file, pieces: None }), events, most);
}

fn log_in(to: Option<Log>, events: bool, most: usize) {
    LOGGING.store(to.is_some(), Ordering::Relaxed);
    ROOM.store(most, Ordering::Relaxed);
    LOGGING_EVENTS.store(events && to.is_some(), Ordering::Relaxed);
    forget();
    *LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = to;
}

/// Opens the file that the environment names, if it names one: what happens while a module is loaded comes before anybody in
/// Python can ask for anything.
pub(crate) fn log_from_the_beginning() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        if let Some(path) = std::env::var_os(LOG_FROM_THE_BEGINNING)
            && let Ok(file) = File::options().create(true).append(true).open(path)
        {
            SPEAKING.store(false, Ordering::Relaxed);
            log_in(Some(Log { file, pieces: Pieces::from_the_environment() }), false, 0);
            KEEPING_COUNT.store(true, Ordering::Relaxed);
        }
    });
}

/// The environment variable with the path of that file.
const LOG_FROM_THE_BEGINNING: &str = "LEDGER_LOG";

/// Is it also written down, for the process that has set that variable, what is called and how often, and where calls may fail?
pub(crate) fn is_keeping_count() -> bool {
    KEEPING_COUNT.load(Ordering::Relaxed)
}

static KEEPING_COUNT: AtomicBool = AtomicBool::new(false);

/// One line: fields with a unit separator between them. What cannot be written is lost; that is no reason to stop a program.
pub(crate) fn log(fields: &[&str]) {
    if !LOGGING.load(Ordering::Relaxed) {
        return;
    }
    write(&line(fields));
}

/// Several lines at once.
pub(super) fn log_all(lines: &[[String; 3]]) {
    if !lines.is_empty() {
        write(&lines.iter().map(|[kind, one, other]| line(&[kind, one, other])).collect::<String>());
    }
}

fn line(fields: &[&str]) -> String {
    let mut line = String::with_capacity(fields.iter().map(|field| field.len() + 1).sum::<usize>() + 8);
    for field in fields {
        // A field can hold no line and no separator.
        if field.bytes().any(|it| matches!(it, b'\n' | b'\x1f')) {
            line.extend(field.chars().map(|it| if matches!(it, '\n' | '\x1f') { ' ' } else { it }));
        } else {
            line.push_str(field);
        }
        line.push('\x1f');
    }
    let _ = THREAD.try_with(|number| write!(line, "{number}"));
    line.push('\n');
    line
}

/// Writes it at once and as a whole: whatever happens to the process, it is in the file.
fn write(text: &str) {
    if let Some(log) = &mut *LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
        && !log.pieces.as_mut().is_some_and(|pieces| pieces.write(text.as_bytes()))
    {
        let _ = log.file.write_all(text.as_bytes());
    }
}

/// Is anything written down that is not a finding?
pub fn is_noting() -> bool {
    LOGGING_EVENTS.load(Ordering::Relaxed)
}

/// Where that is said, for those that ask often.
pub fn noting() -> &'static AtomicBool {
    &LOGGING_EVENTS
}

/// Writes a line of the caller's own among the events, if they are written down: what a replay needs to know and no event says.
/// The first field says what it is. False: nothing more will be written.
pub fn note(fields: &[&str]) -> bool {
    if !is_noting() {
        return false;
    }
    if ROOM.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(1)).is_err() {
        LOGGING_EVENTS.store(false, Ordering::Relaxed);
        log(&["full"]);
        return false;
    }
    log(fields);
    match fields {
        // What only explains the line before or after it is no step.
        ["fields" | "field" | "from field" | "entry" | "from entry" | "entries exchanged" | "fields exchanged", ..] => {
        }
        ["event", _, _, _, _, address, _, count] => look(address.parse().ok().zip(count.parse().ok())),
        _ => look(None),
    }
    true
}

/// The same, of a line whose fields are numbers: they are written out only if it is wanted.
#[inline(always)]
pub(super) fn note_numbers(what: &str, numbers: &[Address]) {
    if is_noting() {
        write_numbers(what, numbers);
    }
}

#[cold]
fn write_numbers(what: &str, numbers: &[Address]) {
    let numbers: Vec<String> = numbers.iter().map(Address::to_string).collect();
    let fields: Vec<&str> = [what].into_iter().chain(numbers.iter().map(String::as_str)).collect();
    note(&fields);
}

/// File and line as text.
pub(super) fn place(site: Site) -> (&'static str, String) {
    site.map_or(("", "0".to_owned()), |site| (site.file(), site.line().to_string()))
}

/// Adds a finding. A deficit is also written to standard error, at once.
pub(super) fn find(finding: Finding) {
    if is_blind() {
        return;
    }
    let (file, line) = place(finding.site);
    let callers = finding.callers();
    let Finding { kind, what, function, address, type_name, repr, .. } = &finding;
    log(&["finding", kind, what, file, &line, function, &address.to_string(), type_name, repr, &callers]);
    if *kind != "surplus" && SPEAKING.load(Ordering::Relaxed) {
        let place = if file.is_empty() { String::new() } else { format!("{file}:{line}: ") };
        let object = if repr.is_empty() { type_name } else { repr };
        let object = if object.is_empty() { String::new() } else { format!("{object}: ") };
        // Nobody may be listening.
        let _ = writeln!(std::io::stderr(), "refcount ledger: {place}in {function}: {object}{what}");
    }
    let mut ledger = ledger();
    ledger.found += 1;
    ledger.findings.push_back(finding);
    if ledger.findings.len() > MOST_FINDINGS {
        ledger.findings.pop_front();
    }
    if ledger.found >= MOST_LOGGED && LOGGING.load(Ordering::Relaxed) {
        drop(ledger);
        go_blind("there were more findings than are written down");
    }
}

/// Adds an event to the raw record, if anybody wants it. `count`: the object's count afterwards. `alive`: it certainly is.
#[inline(always)]
pub(super) fn record(what: &'static str, op: *mut PyObject, site: Site, count: isize, alive: bool) {
    if RECORDING.load(Ordering::Relaxed) > 0 || is_noting() {
        enter(what, op, site, count, alive);
    }
}

#[cold]
fn enter(what: &'static str, op: *mut PyObject, site: Site, count: isize, alive: bool) {
    let (function, aside) = in_frame(|frame| (frame.function, frame.aside)).unwrap_or((OUTSIDE, false));
    if aside {
        return;
    }
    // The collector looks at everything, at any time; that is nobody's step.
    let logging = is_noting() && !function.ends_with("tp_traverse");
    let type_object = if alive {
        // SAFETY: with `alive` the caller says that somebody owns the object, so it has a type.
        unsafe { pyo3_ffi::Py_TYPE(op) as usize }
    } else {
        peek::head(op as Address).map_or(0, |head| head.1)
    };
    let type_name = if type_object == 0 { "" } else { name_of(type_object) };
    let event = Event { what, site, function, address: op as Address, type_name, count };
    if logging {
        if alive {
            // SAFETY: with `alive` the caller says that somebody owns the object, and nothing has run since that could free it.
            unsafe { follow(op) };
        }
        let (file, line) = place(site);
        let (address, count) = (event.address.to_string(), event.count.to_string());
        note(&["event", what, file, &line, function, &address, type_name, &count]);
    }
    let mut ledger = ledger();
    if RECORDING.load(Ordering::Relaxed) > 0 && ledger.events.len() < MOST_EVENTS {
        ledger.events.push(event);
    }
}
