//! `Tally()`: add(key) counts a key and returns the tally itself; tally[key] is how often, 0 if never.
//!
//! The file is empty: the whole type is yours to write. Look at the exercises before, and at the chapter.

use course::*;

module!(PyInit_tally, c"tally", []);
