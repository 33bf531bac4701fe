//! Where something happened: a line of source, and who called the function in which it stands.
//!
//! A line alone is not enough. Real code wraps what it does with references in helpers and in types that count by themselves, and
//! then one line of a helper stands for all who use it. So with each line goes a short chain of return addresses: the function
//! that called the helper, the one that called that, up to the trampoline through which CPython came in.
//!
//! The chain is read off the *frame pointers*. A function that is compiled to keep one (`-fno-omit-frame-pointer` in C,
//! `-C force-frame-pointers` in Rust) leaves on the stack, side by side, the frame pointer of its caller and the address to which
//! it returns: a linked list that costs a few loads to follow. Only addresses are kept at the event; names are looked up when a
//! report is made. Where the ledger itself was compiled without frame pointers, there is no chain.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::panic::Location;
use core::sync::atomic::{AtomicPtr, AtomicU8, Ordering};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

/// So many callers are kept.
const MOST: usize = 8;

/// Return addresses, the innermost first; 0 ends them.
pub(crate) type Callers = [usize; MOST];

/// A place in the source, in one of the forms in which callers name it.
#[derive(Clone, Copy)]
enum Line {
    Rust(&'static Location<'static>),
    /// Where the name of a file begins, and the line; above the low 32 bits of that the length of the name, or 0 if a zero ends it.
    Other(usize, u64),
}

/// A line and who came there.
#[derive(Clone, Copy)]
struct Place {
    line: Line,
    /// To where the call returns that was made there, if the line does not say enough; else 0. See [`Spot::other`], [`Spot::at`].
    back: usize,
    callers: Callers,
}

impl Place {
    /// Where the line's description lies, and the line if that does not say it: two places of one line have the same. (The same line
    /// may be described more than once, and then is another place: no harm.)
    #[inline(always)]
    fn line(&self) -> (usize, u64) {
        match self.line {
            Line::Rust(location) => (&raw const *location as usize, u64::MAX),
            Line::Other(file, line) => (file, line),
        }
    }
}

impl PartialEq for Place {
    #[inline(always)]
    fn eq(&self, other: &Place) -> bool {
        let differ = self.back ^ other.back;
        let differ =
            self.callers.iter().zip(&other.callers).fold(differ, |differ, (one, other)| differ | (one ^ other));
        self.line() == other.line() && differ == 0
    }
}

impl Eq for Place {}

impl std::hash::Hash for Place {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        (self.line(), self.back, self.callers).hash(hasher);
    }
}

/// A line and who came there: one [`Place`] of each is kept, for good, so that a spot is a pointer and no more. A program comes to
/// few places, and to each of them again and again.
#[derive(Clone, Copy)]
pub(crate) struct Spot(&'static Kept);

/// A place that is kept, and its callers as text, once somebody has asked for it.
struct Kept {
    place: Place,
    told: OnceLock<&'static str>,
}

/// So many places are found at once, without a lock.
const AT_ONCE: usize = 4096;

/// Places that were met lately, each where its hash says.
static LATELY: [AtomicPtr<Kept>; AT_ONCE] = [const { AtomicPtr::new(core::ptr::null_mut()) }; AT_ONCE];

impl Place {
    #[inline(always)]
    fn slot(&self) -> usize {
        let (file, line) = self.line();
        let mut hash = file ^ (line as usize).rotate_left(20) ^ self.back.rotate_left(40);
        for &caller in self.callers.iter().take_while(|&&caller| caller != 0) {
            hash = (hash.rotate_left(5) ^ caller).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize);
        }
        hash.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize) >> (usize::BITS - AT_ONCE.ilog2())
    }

    #[inline(always)]
    fn kept(self) -> Spot {
        let at = &LATELY[self.slot()];
        // SAFETY: only what `keep` has made is put there, and that is kept for good.
        match unsafe { at.load(Ordering::Acquire).as_ref() } {
            Some(known) if known.place == self => Spot(known),
            _ => self.keep(at),
        }
    }

    #[cold]
    fn keep(self, at: &AtomicPtr<Kept>) -> Spot {
        static ALL: LazyLock<Mutex<HashMap<Place, &'static Kept>>> = LazyLock::new(Mutex::default);
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = *all.entry(self).or_insert_with(|| Box::leak(Box::new(Kept { place: self, told: OnceLock::new() })));
        at.store((&raw const *kept).cast_mut(), Ordering::Release);
        Spot(kept)
    }
}

impl Spot {
    /// The line from which a function with `#[track_caller]` was called.
    #[track_caller]
    #[inline(always)]
    pub(crate) fn here() -> Spot {
        let line = Line::Rust(Location::caller());
        // The switch is read first: where there are no frame pointers, the register holds anything.
        match KEPT.load(Ordering::Relaxed) {
            YES => Place { line, back: 0, callers: follow(frame_pointer()) }.kept(),
            NO => Spot::alone(line),
            _ => {
                try_it();
                Spot::alone(line)
            }
        }
    }

    /// A line without a chain.
    #[inline(always)]
    fn alone(line: Line) -> Spot {
        Place { line, back: 0, callers: [0; MOST] }.kept()
    }

    /// A line that another language names: see [`Line::Other`]. The name of the file lives as long as the program.
    /// `frame`: the frame pointer of the function in which the line stands, or 0. Where the name has a length it is another Rust's,
    /// which makes small functions a part of their callers. There the frame is that of one that stands in between and never is a part
    /// of another: to where it returns tells of which functions the line has become a part.
    #[inline(always)]
    pub(crate) fn other(file: *const c_char, line: u64, frame: usize) -> Spot {
        let (mut callers, mut back) = (follow(frame), 0);
        if line >> 32 != 0 {
            back = callers[0];
            callers.copy_within(1.., 0);
            callers[MOST - 1] = 0;
        }
        Place { line: Line::Other(file as usize, line), back, callers }.kept()
    }

    /// A place of which only the address is known to which the call returns that was made there, and the frame pointer of the
    /// function in which it stands.
    pub(crate) fn at(back: usize, frame: usize) -> Spot {
        Place { line: Line::Other(0, 0), back, callers: follow(frame) }.kept()
    }

    pub(crate) fn callers(&self) -> &'static Callers {
        &self.0.place.callers
    }

    /// The chain as text: see [`told`].
    pub(crate) fn told(&self) -> &'static str {
        self.0.told.get_or_init(|| told(&self.0.place))
    }

    pub(crate) fn file(&self) -> &'static str {
        match self.0.place.line {
            Line::Rust(location) => location.file(),
            // SAFETY: the caller of `other` has promised a name that lives as long as the program, and said where it ends.
            Line::Other(file, line) => unsafe {
                let bytes = match (line >> 32) as usize {
                    _ if file == 0 => return "",
                    0 => CStr::from_ptr(file as *const c_char).to_bytes(),
                    length => core::slice::from_raw_parts(file as *const u8, length),
                };
                core::str::from_utf8(bytes).unwrap_or("?")
            },
        }
    }

    pub(crate) fn line(&self) -> u32 {
        match self.0.place.line {
            Line::Rust(location) => location.line(),
            Line::Other(_, line) => line as u32,
        }
    }
}

// ---- the chain ---------------------------------------------------------------------------------------------------------------

/// The frame pointer of the function that runs; 0 where it is not known how to read it.
#[inline(always)]
fn frame_pointer() -> usize {
    #[allow(unused_mut, unused_assignments)]
    let mut pointer = 0;
    #[cfg(target_arch = "x86_64")]
    // SAFETY: one register is copied into another that the compiler has chosen; no memory is touched.
    unsafe {
        core::arch::asm!("mov {}, rbp", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: one register is copied into another that the compiler has chosen; no memory is touched.
    unsafe {
        core::arch::asm!("mov {}, x29", out(reg) pointer, options(nomem, nostack, preserves_flags));
    }
    pointer
}

/// Who called the function with this frame pointer.
#[inline(never)]
fn follow(mut pointer: usize) -> Callers {
    let mut found = [0; MOST];
    let end = crate::account::stack_of_call();
    let word = size_of::<usize>();
    let mut number = 0;
    let mut here = &raw const found as usize;
    // Frames lie one above the other, between this one and the trampoline's: whatever a register may hold, nothing else is read.
    while number < MOST && pointer > here && pointer + word < end && pointer.is_multiple_of(word) {
        // SAFETY: both words lie on this thread's stack, between this frame and one that is still in use.
        let (next, back) = unsafe { (*(pointer as *const usize), *((pointer + word) as *const usize)) };
        here = pointer;
        pointer = next;
        if back == 0 {
            break;
        }
        found[number] = back;
        number += 1;
    }
    found
}

const UNKNOWN: u8 = 0;
const NO: u8 = 1;
const YES: u8 = 2;
/// Was the ledger compiled to keep frame pointers?
static KEPT: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Looks whether frame pointers are kept: in a function called from here the register must point to a place below a variable of
/// this function's caller, and what lies there to one above.
#[inline(never)]
fn try_it() {
    #[inline(never)]
    fn inner(above: usize) -> bool {
        let low = 0_usize;
        let low = core::hint::black_box(&raw const low as usize);
        let pointer = frame_pointer();
        if !pointer.is_multiple_of(size_of::<usize>()) || pointer <= low || pointer >= above {
            return false;
        }
        // SAFETY: it lies on the stack between two variables that are in use.
        let next = unsafe { *(pointer as *const usize) };
        next > pointer && next < above + 4096
    }
    let mark = 0_usize;
    let above = core::hint::black_box(&raw const mark as usize);
    let kept = core::hint::black_box(inner(above + 256));
    KEPT.store(if kept { YES } else { NO }, Ordering::Relaxed);
}

#[cfg(unix)]
#[repr(C)]
struct Loaded {
    file: *const c_char,
    start: *mut c_void,
    symbol: *const c_char,
    address: *mut c_void,
}

#[cfg(unix)]
unsafe extern "C" {
    fn dladdr(address: *const c_void, found: *mut Loaded) -> c_int;
}

/// The file that holds the code at this address, and where the address lies in it.
#[cfg(unix)]
fn in_file(address: usize) -> Option<(String, usize)> {
    let mut found = Loaded { file: core::ptr::null(), start: null(), symbol: core::ptr::null(), address: null() };
    fn null() -> *mut c_void {
        core::ptr::null_mut()
    }
    // SAFETY: the struct is ours; what it points to afterwards belongs to the loader and is not changed while the file is loaded.
    unsafe {
        if dladdr(address as *const c_void, &raw mut found) == 0 || found.file.is_null() {
            return None;
        }
        let file = CStr::from_ptr(found.file).to_string_lossy().into_owned();
        Some((file, address - found.start as usize))
    }
}

#[cfg(not(unix))]
fn in_file(_: usize) -> Option<(String, usize)> {
    None
}

/// A chain as text: `file+offset`, one after the other with a `|` between them, without those of the ledger's own file if that is
/// one by itself. The same chain is looked up once.
fn told(place: &Place) -> &'static str {
    static KNOWN: LazyLock<Mutex<HashMap<(usize, Callers), &'static str>>> = LazyLock::new(Mutex::default);
    let chain = (place.back, place.callers);
    let addresses = || [place.back].into_iter().chain(place.callers).filter(|&address| address != 0);
    if addresses().next().is_none() {
        return "";
    }
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(text) = known.get(&chain) {
        return text;
    }
    let own = crate::stands_alone().then(|| in_file(told as *const () as usize)).flatten().map(|(file, _)| file);
    let places = addresses().filter_map(in_file).filter(|(file, _)| Some(file) != own.as_ref());
    // One less than the address to which it returns lies in the call.
    let text: Vec<String> = places.map(|(file, offset)| format!("{file}+{:#x}", offset - 1)).collect();
    let text: &'static str = Box::leak(text.join("|").into_boxed_str());
    known.insert(chain, text);
    text
}
