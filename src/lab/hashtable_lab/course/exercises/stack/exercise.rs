//! `Stack()`: push(x), pop(), which raises IndexError when it is empty, and len(). It may be part of a cycle.
//!
//! The file is empty: the whole type is yours to write. Look at the exercises before, and at the chapter.

use course::*;

module!(PyInit_stack, c"stack", []);
