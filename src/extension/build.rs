//! Tells the compiler which Python this is built for (`cfg(Py_3_12)`, `cfg(Py_GIL_DISABLED)`, ...).

use pyo3_build_config::BuildFlag;

fn main() {
    // Without this line cargo watches the whole folder and compiles the crate anew on every build.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(bare_refcounts)");
    pyo3_build_config::use_pyo3_cfgs();
    // src/forms: only what the limited API has.
    println!("cargo::rustc-check-cfg=cfg(limited_api)");
    if std::env::var_os("CARGO_FEATURE_LIMITED").is_some() {
        println!("cargo::rustc-cfg=limited_api");
    }
    // The same: what is not even known of an object is how its head looks.
    println!("cargo::rustc-check-cfg=cfg(opaque)");
    if std::env::var_os("CARGO_FEATURE_OPAQUE").is_some() {
        println!("cargo::rustc-cfg=opaque");
    }
    // Where src/extension/ffi/two_counts.rs knows how counting goes.
    println!("cargo::rustc-check-cfg=cfg(counts_inline)");
    let flags = &pyo3_build_config::get().build_flags().0;
    let of_target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if flags.contains(&BuildFlag::Py_GIL_DISABLED)
        && !flags.contains(&BuildFlag::Py_REF_DEBUG)
        && of_target("OS") == "linux"
        && ["x86_64", "aarch64"].contains(&of_target("ARCH").as_str())
        && std::env::var_os("CARGO_FEATURE_TRACE").is_none()
        && std::env::var_os("CARGO_FEATURE_LIMITED").is_none()
    {
        println!("cargo::rustc-cfg=counts_inline");
    }
    // macOS only: the interpreter's symbols are found when the module is loaded, not when it is linked.
    pyo3_build_config::add_extension_module_link_args();
}
