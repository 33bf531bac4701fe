//! Gives the shared library the name by which programs look for it, since cargo builds it under another one (see
//! Cargo.toml).

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    match target.as_str() {
        "linux" => println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libhashtable.so"),
        "macos" => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libhashtable.dylib"),
        _ => {}
    }
}
