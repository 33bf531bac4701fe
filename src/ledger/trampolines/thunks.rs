//! The trampolines themselves: a few bytes each, which know their number.
//!
//! A trampoline has the signature of the function before which it stands, whichever that is, so it must leave the arguments as
//! they are. No function in question has more than five, and they come in registers, of which there are six. So a trampoline
//! puts its number where a sixth argument would be, and jumps to where a table says: to the function `run` of its signature,
//! which takes the number as its sixth argument and finds by it whom to call.
//!
//! That takes two instructions of the machine, which have to be written for each kind of machine. They are here for 64-bit PCs
//! with the calling convention of Unix. Elsewhere (an ARM, WebAssembly) the compiler makes them: each signature has a pool of
//! functions of its own, one for each number, and so fewer of them. An extension with more functions of one signature has the
//! rest called directly, unjudged, and the report lists them. `--cfg portable_trampolines` tries that way on a PC.

pub(super) use machine::*;

#[cfg(all(target_arch = "x86_64", unix, not(portable_trampolines)))]
mod machine {
    use core::arch::naked_asm;
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// How many trampolines there are.
    pub(crate) const MOST: usize = 4096;
    pub(crate) const NO_MORE: &str = "there are too many functions";
    /// How many bytes each has.
    const SIZE: usize = 12;

    /// Where each goes.
    static GOES_TO: [AtomicUsize; MOST] = [const { AtomicUsize::new(0) }; MOST];

    /// All trampolines, one after the other.
    #[unsafe(naked)]
    unsafe extern "C" fn all() {
        naked_asm!(
            ".set number, 0",
            ".rept {most}",
            "movl $number, %r9d",
            "jmp *({table} + 8 * number)(%rip)",
            ".set number, number + 1",
            ".endr",
            most = const MOST,
            table = sym GOES_TO,
            options(att_syntax)
        )
    }

    /// The trampoline of this number, which goes to `run` from now on.
    pub(crate) fn address(number: usize, run: usize) -> Option<usize> {
        GOES_TO[number].store(run, Ordering::Relaxed);
        Some(all as *const () as usize + SIZE * number)
    }

    /// The number of the trampoline at this address, if there is one.
    pub(crate) fn number(function: usize) -> Option<usize> {
        let number = function.checked_sub(all as *const () as usize)? / SIZE;
        (number < MOST).then_some(number)
    }
}

#[cfg(not(all(target_arch = "x86_64", unix, not(portable_trampolines))))]
mod machine {
    use core::mem::transmute;
    use std::collections::BTreeMap;
    use std::sync::{Mutex, PoisonError};

    /// How many functions can be judged, of all signatures together.
    pub(crate) const MOST: usize = 4096;
    pub(crate) const NO_MORE: &str = "there are too many functions of its signature for this kind of machine";

    /// Every trampoline that is in use, and its number.
    static IN_USE: Mutex<BTreeMap<usize, usize>> = Mutex::new(BTreeMap::new());

    /// The trampoline of this number. `give` is the address of a pool's function `give`, which takes one of its functions for
    /// a number, or gives again the one that it took.
    pub(crate) fn address(number: usize, give: usize) -> Option<usize> {
        // SAFETY: the caller passes the address of a `fn give`, which has this signature.
        let give: fn(usize) -> Option<usize> = unsafe { transmute(give) };
        let address = give(number)?;
        IN_USE.lock().unwrap_or_else(PoisonError::into_inner).insert(address, number);
        Some(address)
    }

    /// The number of the trampoline at this address, if there is one.
    pub(crate) fn number(function: usize) -> Option<usize> {
        IN_USE.lock().unwrap_or_else(PoisonError::into_inner).get(&function).copied()
    }
}
