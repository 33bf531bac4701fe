//! Tells the compiler which Python this is built for (`cfg(Py_3_12)`, `cfg(Py_GIL_DISABLED)`, ...).

fn main() {
    // Without this line cargo watches the whole folder and compiles the crate anew on every build.
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(portable_trampolines)");
    pyo3_build_config::use_pyo3_cfgs();
    // macOS only: the interpreter's symbols are found when the module is loaded, not when it is linked.
    pyo3_build_config::add_extension_module_link_args();
}
