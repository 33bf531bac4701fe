//! The trampolines themselves: a few bytes each, which know their number.
//!
//! A trampoline has the signature of the function before which it stands, whichever that is, so it must leave the arguments as
//! they are. No function in question has more than five, and they come in registers, of which there are six. So a trampoline
//! puts its number where a sixth argument would be, and jumps to where a table says: to the function `run` of its signature,
//! which takes the number as its sixth argument and finds by it whom to call.
//!
//! That takes two instructions of the machine, which have to be written for each kind of machine. They are here for 64-bit PCs
//! with the calling convention of Unix. Elsewhere there are none, nothing is judged, and the report says so.

pub(super) use machine::*;

#[cfg(all(target_arch = "x86_64", unix))]
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

#[cfg(not(all(target_arch = "x86_64", unix)))]
mod machine {
    /// How many functions can be judged.
    pub(crate) const MOST: usize = 4096;
    pub(crate) const NO_MORE: &str = "there are no trampolines for this kind of machine";

    /// None: there is none.
    pub(crate) fn address(_: usize, _: usize) -> Option<usize> {
        None
    }

    /// The number of the trampoline at this address, if there is one.
    pub(crate) fn number(_: usize) -> Option<usize> {
        None
    }
}
