//! The header is what the source says, and each function in it says all that a caller must know.

use super::*;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(HERE).join(name)).expect("it is part of the crate")
}

/// The header of a crate in which one passage of one file reads differently.
fn header_with(file: &str, passage: &str, instead: &str) -> String {
    let folder = std::env::temp_dir().join(format!("hashtable-header-{}-{}", std::process::id(), instead.len()));
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
    let sources = SOURCES.map(|name| {
        let mut text = read(name);
        if name == file {
            assert_eq!(text.matches(passage).count(), 1, "{passage} is there once");
            text = text.replace(passage, instead);
        }
        fs::write(folder.join(name), text).expect("the folder can be written to");
        folder.join(name)
    });
    let header = header_of(&sources);
    fs::remove_dir_all(folder).expect("the folder is ours");
    header
}

#[test]
fn the_header_follows_from_the_source() {
    assert!(
        header() == read("hashtable.h"),
        "src/c_library/hashtable.h is not what the source says: run `make header`"
    );
}

#[test]
fn a_changed_signature_is_noticed() {
    let changed =
        header_with("functions.rs", "ht_hash(key: *const ht_item, hash: *mut i64)", "ht_hash(key: *const ht_item)");
    assert!(changed != read("hashtable.h"));
    assert!(changed.contains("ht_status ht_hash(const struct ht_item *key);"));
}

#[test]
fn a_changed_code_and_a_changed_comment_are_noticed() {
    assert!(header_with("types.rs", "HT_NULL: ht_status = 3", "HT_NULL: ht_status = 33") != read("hashtable.h"));
    assert!(header_with("functions.rs", "/// Removes everything.", "/// Removes some.") != read("hashtable.h"));
}

/// The functions of a header: each one's name and the comment before it.
fn functions(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some(begin) = rest.find("/**") {
        let (comment, behind) = rest[begin..].split_once("*/").expect("a comment ends");
        let declaration = behind.split(';').next().expect("split yields something").trim();
        // A declaration begins with a type of ours or of C; "typedef", "#define" and members of structs are none.
        let name = declaration.split('(').next().expect("split yields something");
        let name = name.rsplit([' ', '*']).next().expect("split yields something");
        let one = !declaration.contains("/**") && !declaration.starts_with("typedef");
        if one && declaration.ends_with(')') && name.starts_with("ht_") {
            found.push((name.to_owned(), comment.to_owned()));
        }
        rest = behind;
    }
    found
}

/// What the comments of a header leave unsaid, as "function: heading".
fn unsaid(header: &str) -> Vec<String> {
    let mut unsaid = Vec::new();
    for (name, comment) in functions(header) {
        for heading in ["# Errors", "# Ownership", "# Threads"] {
            if !comment.contains(heading) {
                unsaid.push(format!("{name}: {heading}"));
            }
        }
    }
    unsaid
}

#[test]
fn every_function_says_who_owns_what_in_which_thread_and_what_can_fail() {
    let header = read("hashtable.h");
    let source = read("functions.rs");
    assert_eq!(functions(&header).len(), source.matches("#[unsafe(no_mangle)]").count(), "all functions are seen");
    assert_eq!(unsaid(&header), [""; 0]);
}

#[test]
fn a_function_that_says_too_little_is_noticed() {
    let passage = "/// # Ownership\n/// The text is a constant, ended by a NUL; not to be freed.\n";
    assert_eq!(unsaid(&header_with("functions.rs", passage, "/// Nothing.\n")), ["ht_error_message: # Ownership"]);
}

/// The functions of functions.rs that C can call and that could panic, since not all of what they do happens inside
/// `guarded`.
fn unguarded(source: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for function in source.split("#[unsafe(no_mangle)]").skip(1) {
        let name = function.split("fn ").nth(1).and_then(|rest| rest.split('(').next()).expect("a function follows");
        let body = function.split_once("{\n").expect("a function has a body").1;
        let first = body.lines().map(str::trim).find(|line| !line.starts_with("//")).expect("a body says something");
        if !first.starts_with("guarded(") {
            found.push(name);
        }
    }
    found
}

/// These only put a struct together or pick a constant.
const CANNOT_PANIC: [&str; 5] = ["ht_int", "ht_float", "ht_string", "ht_pointer", "ht_error_message"];

#[test]
fn no_panic_can_reach_c() {
    assert_eq!(unguarded(&read("functions.rs")), CANNOT_PANIC);
}

#[test]
fn an_unguarded_function_is_noticed() {
    let source = read("functions.rs");
    let at = source.find("extern \"C\" fn ht_clear").expect("there is such a function");
    let broken = format!("{}{}", &source[..at], source[at..].replacen("guarded(", "unguarded(", 1));
    assert!(unguarded(&broken).contains(&"ht_clear"));
}
