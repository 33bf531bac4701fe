//! hashtable.h says what the source says, and says all that it must.
//!
//! The header is written by cbindgen. It is kept with the source, because a C program is compiled without Rust at hand;
//! the tests here fail when the two have drifted. `make header` runs this program, which writes it anew.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the C library.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn main() {
    fs::write(Path::new(HERE).join("hashtable.h"), header()).expect("the source can be written to");
}

#[cfg(test)]
mod tests;

/// The header that follows from these sources.
fn header_of(sources: &[PathBuf]) -> String {
    let config = cbindgen::Config::from_file(Path::new(HERE).join("cbindgen.toml")).expect("the configuration is good");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in sources {
        builder = builder.with_src(source);
    }
    let mut header = Vec::new();
    builder.generate().expect("cbindgen understands the source").write(&mut header);
    String::from_utf8(header).expect("source is UTF-8")
}

const SOURCES: [&str; 3] = ["types.rs", "table.rs", "functions.rs"];

fn header() -> String {
    header_of(&SOURCES.map(|name| Path::new(HERE).join(name)))
}
