//! A log that takes no call of the system for each line, and loses nothing when the process is killed.
//!
//! A file of a fixed size is mapped into memory, shared: what is written to this memory is in the file at once, as everybody else
//! reads it, and stays there whatever becomes of the process. When it is full, the next file is begun. So the log is in pieces, in a
//! folder that the environment names, and zeros follow the end of each. A process that was forked off would write over what the
//! first one writes, so it begins pieces of its own: a page of memory that the system wipes in the fork tells it that it is one.
//!
//! Where no piece can be made, each line is written by itself, into the file that the environment names besides.

use core::ffi::{c_int, c_void};
use core::ptr::null_mut;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

/// The environment variable with the path of that folder.
const FOLDER: &str = "LEDGER_LOG_PIECES";

/// How many bytes a piece has.
const SIZE: usize = 1 << 20;
const PAGE: usize = 4096;

unsafe extern "C" {
    fn mmap(at: *mut c_void, size: usize, access: c_int, kind: c_int, file: c_int, offset: i64) -> *mut c_void;
    fn munmap(at: *mut c_void, size: usize) -> c_int;
    fn madvise(at: *mut c_void, size: usize, advice: c_int) -> c_int;
    fn posix_fallocate(file: c_int, offset: i64, size: i64) -> c_int;
}

const READ_AND_WRITE: c_int = 3;
const SHARED: c_int = 1;
const PRIVATE_AND_EMPTY: c_int = 0x22;
const WIPE_ON_FORK: c_int = 18;

/// New memory, or NULL.
unsafe fn map(size: usize, kind: c_int, file: c_int) -> *mut u8 {
    // SAFETY: the system chooses where; nothing that is mapped is replaced. The file, if there is one, has that size.
    let memory = unsafe { mmap(null_mut(), size, READ_AND_WRITE, kind, file, 0) };
    if memory as isize == -1 { null_mut() } else { memory.cast() }
}

pub(super) struct Pieces {
    folder: PathBuf,
    number: usize,
    /// The piece that is written to, as an address, and how much of it is used; 0: there is none.
    memory: usize,
    used: usize,
    /// The address of a byte that is 1, and 0 in a process that was forked off since.
    ours: usize,
}

impl Pieces {
    /// In the folder that the environment names, if it names one.
    pub(super) fn from_the_environment() -> Option<Pieces> {
        let folder = PathBuf::from(std::env::var_os(FOLDER)?);
        // SAFETY: the page is new, and nobody else's.
        let ours = unsafe {
            let page = map(PAGE, PRIVATE_AND_EMPTY, -1);
            if page.is_null() || madvise(page.cast(), PAGE, WIPE_ON_FORK) != 0 {
                return None;
            }
            page.write(1);
            page as usize
        };
        Some(Pieces { folder, number: 0, memory: 0, used: 0, ours })
    }

    /// Writes something as a whole. False: it cannot be written here.
    pub(super) fn write(&mut self, text: &[u8]) -> bool {
        let ours = self.ours as *mut u8;
        // SAFETY: the page is mapped for good. The compiler cannot know that a fork changes it, so it is read as what may change.
        let forked = unsafe { ours.read_volatile() } == 0;
        if (forked || self.memory == 0 || self.used + text.len() > SIZE) && (text.len() > SIZE || !self.begin()) {
            return false;
        }
        // SAFETY: as above; and the piece has room for the text.
        unsafe {
            ours.write_volatile(1);
            (self.memory as *mut u8).add(self.used).copy_from_nonoverlapping(text.as_ptr(), text.len());
        }
        self.used += text.len();
        true
    }

    /// Begins the next piece. Whether that was possible.
    #[cold]
    fn begin(&mut self) -> bool {
        if self.memory != 0 {
            // SAFETY: it was mapped by `begin`, and nobody has its address but `self`.
            unsafe { munmap(self.memory as *mut c_void, SIZE) };
            self.memory = 0;
        }
        self.number += 1;
        let path = self.folder.join(format!("{:010}.{:06}", std::process::id(), self.number));
        let Ok(file) = File::options().read(true).write(true).create_new(true).open(path) else { return false };
        // The system sets all of it aside now: to write where there is no room would end the process.
        // SAFETY: the descriptor is that of an open file, which is not shared before it is mapped.
        self.memory = unsafe {
            let room = posix_fallocate(file.as_raw_fd(), 0, SIZE as i64) == 0;
            if room { map(SIZE, SHARED, file.as_raw_fd()) as usize } else { 0 }
        };
        self.used = 0;
        self.memory != 0
    }
}
