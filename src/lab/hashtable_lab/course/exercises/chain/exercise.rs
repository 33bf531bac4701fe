//! `Link(value, next)`, with .value and .next. A chain of 5 000 links can go at once.
//!
//! The file is empty: the whole type is yours to write. Look at the exercises before, and at the chapter.

use course::*;

module!(PyInit_chain, c"chain", []);
