//! References that lie in static variables, and in those of which each thread has its own.
//!
//! Extensions keep much in static variables: interned strings, types, a module that was imported. No line says that a reference
//! was put there, and nobody gives it back. So when a call ends with something in hand, the static variables of the extension's
//! file are looked through for it, and the memory to which they lead (`blocks`). That takes long, compared with everything else
//! here, so a line of which nothing was ever found there is soon believed to be a leak.

use super::{Address, Site};
use crate::spot::Spot;
use crate::trampolines;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// After this many fruitless searches on behalf of one line, no more are made.
const MOST_IN_VAIN: u32 = 8;

/// For each line (the name of its file by address, and the number): how often its references were looked for in vain since one
/// was found.
static IN_VAIN: LazyLock<Mutex<HashMap<(usize, u32), u32>>> = LazyLock::new(Mutex::default);

/// Where each begins and ends.
type Areas = Vec<(Address, Address)>;

/// Where the static variables of the extensions lie, whether their files have some of which each thread has its own, and with how many
/// functions before which there are trampolines that was found out.
static AREAS: Mutex<(usize, Areas, bool)> = Mutex::new((0, Vec::new(), false));

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod loaded {
    use super::Areas;
    use core::ffi::{c_char, c_int, c_void};

    #[repr(C)]
    struct Segment {
        kind: u32,
        flags: u32,
        offset: u64,
        address: u64,
        physical: u64,
        in_file: u64,
        in_memory: u64,
        alignment: u64,
    }

    #[repr(C)]
    struct Loaded {
        start: u64,
        name: *const c_char,
        segments: *const Segment,
        number: u16,
        added: u64,
        removed: u64,
        /// Which file with variables of threads it is, and where those of the calling thread lie, if that has used any.
        number_for_threads: usize,
        of_this_thread: *const c_void,
    }

    unsafe extern "C" {
        fn dl_iterate_phdr(
            each: unsafe extern "C" fn(*const Loaded, usize, *mut c_void) -> c_int,
            data: *mut c_void,
        ) -> c_int;
    }

    struct Search<'a> {
        functions: &'a [usize],
        areas: Areas,
        of_this_thread: Areas,
        has_any_of_threads: bool,
    }

    const LOADED: u32 = 1;
    const OF_THREADS: u32 = 7;
    const WRITABLE: u32 = 2;

    unsafe extern "C" fn look(loaded: *const Loaded, size: usize, search: *mut c_void) -> c_int {
        // SAFETY: the loader passes a struct that describes a file which it has loaded, and `areas` its own.
        unsafe {
            let (loaded, search) = (&*loaded, &mut *search.cast::<Search<'_>>());
            let segments = core::slice::from_raw_parts(loaded.segments, loaded.number.into());
            let place = |segment: &Segment| {
                let start = (loaded.start + segment.address) as usize;
                (start, start + segment.in_memory as usize)
            };
            let of_threads = segments.iter().find(|segment| segment.kind == OF_THREADS);
            let segments = || segments.iter().filter(|segment| segment.kind == LOADED);
            let holds_one = segments().map(place).any(|(start, end)| {
                let first = search.functions.partition_point(|&function| function < start);
                search.functions.get(first).is_some_and(|&function| function < end)
            });
            if holds_one {
                search.areas.extend(segments().filter(|segment| segment.flags & WRITABLE != 0).map(place));
                if let Some(segment) = of_threads
                    && size >= size_of::<Loaded>()
                {
                    search.has_any_of_threads = true;
                    let start = loaded.of_this_thread as usize;
                    if start != 0 {
                        search.of_this_thread.push((start, start + segment.in_memory as usize));
                    }
                }
            }
        }
        0
    }

    /// Where the static variables lie of the files that hold these functions, which are in order; and, if these files have variables of
    /// which each thread has its own, where those of this thread lie.
    pub(super) fn areas(functions: &[usize]) -> (Areas, Option<Areas>) {
        let mut search = Search { functions, areas: Vec::new(), of_this_thread: Vec::new(), has_any_of_threads: false };
        // SAFETY: the function calls `look` once for each loaded file and passes the pointer on: to `search`, which outlives the
        // call and which nobody else touches meanwhile.
        unsafe { dl_iterate_phdr(look, (&raw mut search).cast()) };
        (search.areas, search.has_any_of_threads.then_some(search.of_this_thread))
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod loaded {
    use super::{Address, Areas};

    pub(super) fn areas(_: &[usize]) -> (Areas, Option<Areas>) {
        (Vec::new(), None)
    }
}

/// Where the static variables of the extensions lie, and those of this thread.
pub(super) fn areas() -> Areas {
    let mut known = AREAS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let functions = trampolines::functions();
    if known.0 != functions.len() {
        let (all, of_this_thread) = loaded::areas(&functions);
        *known = (functions.len(), all, of_this_thread.is_some());
    }
    // A thread's variables get their memory when the thread first uses one.
    let of_this_thread = if known.2 { loaded::areas(&functions).1 } else { None };
    known.1.iter().copied().chain(of_this_thread.unwrap_or_default()).collect()
}

fn in_vain() -> MutexGuard<'static, HashMap<(usize, u32), u32>> {
    IN_VAIN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn line(spot: &Spot) -> (usize, u32) {
    (spot.file().as_ptr() as usize, spot.line())
}

/// Should a reference that was taken here be looked for?
pub(super) fn is_worth_it(site: Site) -> bool {
    site.is_none_or(|spot| in_vain().get(&line(&spot)).is_none_or(|&times| times < MOST_IN_VAIN))
}

/// A reference that was taken here was looked for and not found.
pub(super) fn looked_in_vain(site: Site) {
    if let Some(spot) = site {
        *in_vain().entry(line(&spot)).or_default() += 1;
    }
}

/// A reference that was taken here was found.
pub(super) fn looked_well(site: Site) {
    if let Some(spot) = site {
        in_vain().remove(&line(&spot));
    }
}
