"""The bindings, and how each is built: one function per build system, one line per binding.

A binding has two modules: `hello_NAME`, the smallest wrapping, over src/bindings/hello; and `table_NAME`, the hash table, over the
C ABI of src/c_library. Those whose name begins with `cpp-` are over the C++ classes of src/bindings/cpp/library. Each is built in
a folder of its own, target/bindings/NAME, which is all that a program needs to import it: the libraries and headers are copied
there first, and the modules find the libraries beside themselves.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hashtable_lab.errors import Missing
from hashtable_lab.specimens import apply
from unidiff import PatchSet

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target" / "bindings"
#: One for each kind of Python that the bindings were built with.
VENV = TARGET / "venv" / str(sysconfig.get_config_var("SOABI"))
PYTHON = VENV / "bin" / "python"
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
CXX = [os.environ.get("CXX", "c++"), "-std=c++17"]


class Failed(Exception):
    """Something could not be done; the message, of one line, says why."""


def run(command: list[str | Path], folder: Path = ROOT, **variables: str) -> str:
    """Runs a program to its end. Returns what it printed.

    Raises:
        Failed: it cannot be run, or it ends with an error; the message is the line that says most.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise Failed(f"{words[0]} cannot be run: {error.strerror}") from None
    if done.returncode:
        lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        telling = (
            [line for line in lines if re.search("error|cannot find", line, re.IGNORECASE)] or lines or ["no word"]
        )
        # Without the flag that a compiler names at the end of its line.
        first = textwrap.shorten(re.sub(r" \[-\S+\]$", "", telling[0]), 200, placeholder=" ...")
        raise Failed(f"{Path(words[0]).name} failed: {first}")
    return done.stdout


# ---- the build systems -----------------------------------------------------------------------------------------------

#: Makes a module from its source. Takes the folder, the module's name and the library that it binds.
Build = Callable[[Path, str, str], None]


def nothing_to_build(folder: Path, module: str, library: str) -> None:
    """For what is written in Python alone."""


def compiled(
    folder: Path, module: str, library: str, *more: str | Path, source: str = "", include: tuple[str, ...] = ()
) -> None:
    """A module in C or C++, by the compiler alone."""
    source = source or f"{module}.c"
    plus = source.endswith(".cpp")
    command: list[str | Path] = [*CXX, "-fvisibility=hidden"] if plus else ["cc"]
    command += ["-O2", "-DNDEBUG", "-shared", "-fPIC", "-I.", f"-I{sysconfig.get_paths()['include']}"]
    command += [f"-I{path}" for path in include]
    command += [source, *more, "-o", f"{module}{SUFFIX}", "-L.", f"-l{library}", "-Wl,-rpath,$ORIGIN"]
    run(command, folder)


def cython(folder: Path, module: str, library: str) -> None:
    """Cython writes C."""
    run([PYTHON, "-m", "cython", f"{module}.pyx"], folder)
    compiled(folder, module, library)


def cython_cpp(folder: Path, module: str, library: str) -> None:
    """Cython writes C++."""
    run([PYTHON, "-m", "cython", "--cplus", f"{module}.pyx"], folder)
    compiled(folder, module, library, source=f"{module}.cpp")


def swig(folder: Path, module: str, library: str, *options: str, written: str = "c") -> None:
    """SWIG writes C, and a Python file to go with it."""
    program = VENV / "bin" / "swig"
    made = f"{module}_wrap.{written}"
    run([program if program.exists() else "swig", "-python", *options, "-o", made, f"{module}.i"], folder)
    compiled(folder, f"_{module}", library, source=made)


def swig_cpp(folder: Path, module: str, library: str) -> None:
    """SWIG writes C++. It has to be told how long a long is."""
    swig(folder, module, library, "-c++", "-DSWIGWORDSIZE64", written="cpp")


def extern_c(folder: Path, module: str, library: str) -> None:
    """A library in C++ that behaves like one in C. Python's side of it is text."""
    name = library.replace("cpp", "c")
    command = [*CXX, "-O2", "-fvisibility=hidden", "-shared", "-fPIC", f"{name}.cpp", "-o", f"lib{name}.so"]
    run([*command, "-L.", f"-l{library}", "-Wl,-rpath,$ORIGIN"], folder)


def pybind11(folder: Path, module: str, library: str) -> None:
    """A C++ library of headers."""
    where = run([PYTHON, "-c", "import pybind11; print(pybind11.get_include())"]).strip()
    compiled(folder, module, library, source=f"{module}.cpp", include=(where,))


def nanobind(folder: Path, module: str, library: str) -> None:
    """A C++ library of headers and one source file, which is compiled along."""
    where = Path(run([PYTHON, "-c", "import nanobind; print(nanobind.source_dir())"]).strip())
    include = (str(where.parent / "include"), str(where.parent / "ext" / "robin_map" / "include"))
    more = ("-fno-strict-aliasing", where / "nb_combined.cpp")
    compiled(folder, module, library, *more, source=f"{module}.cpp", include=include)


def boost_python(folder: Path, module: str, library: str) -> None:
    """A C++ library of headers, and a shared one for each version of Python."""
    more = f"-lboost_python{sys.version_info.major}{sys.version_info.minor}"
    compiled(folder, module, library, more, source=f"{module}.cpp")


def cffi_api(folder: Path, module: str, library: str) -> None:
    """cffi writes C and has setuptools compile it."""
    run([PYTHON, "build_hello.py" if library == "hello" else "build_table.py"], folder)


def cargo(folder: Path, module: str, library: str) -> None:
    """A Rust crate. From nothing: the crates that it depends on are compiled along, once for both modules."""
    package, manifest = "table-pyo3", HERE / "Cargo.toml"
    chosen = ["--lib"] if library == "hashtable" else ["--example", module]
    if module.endswith("extension"):
        package, chosen = "hello-extension", ["--lib"]
        if library == "hashtable":
            package, manifest, module = "hashtable-extension", ROOT / "Cargo.toml", "hashtable"
    made = folder / "cargo"
    command = ["cargo", "rustc", "--locked", "--quiet", "--release", "--manifest-path", manifest, "--package", package]
    linking = ["-L", folder, "-C", "link-arg=-Wl,-rpath,$ORIGIN"]
    run(
        [*command, *chosen, "--", *linking],
        CARGO_TARGET_DIR=str(made),
        PYO3_PYTHON=sys.executable,
        PYO3_BUILD_EXTENSION_MODULE="1",
    )
    built = made / "release" / ("examples" if "--example" in chosen else "") / f"lib{module}.so"
    shutil.copyfile(built, folder / f"{module}{SUFFIX}")


# ---- the bindings -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Binding:
    """One binding from Python to the library.

    Attributes:
        name: what it is called on the command line and in the record; also its folder's name, unless that is given.
        title: what it is called in tables.
        build: its build system.
        hello, table: the files that its author writes, for the smallest wrapping and for the hash table.
        tool: what pip installs for it.
        debian: what apt installs for it.
        program: a program without which it cannot be built.
        folder: where its files are.
        libraries: what is wrapped: the library of the hash table, and that of the smallest wrapping.
    """

    name: str
    title: str
    build: Build
    hello: tuple[str, ...]
    table: tuple[str, ...]
    tool: str = ""
    debian: str = ""
    program: str = "cc"
    folder: str = ""
    libraries: tuple[str, str] = ("hashtable", "hello")

    @property
    def source(self) -> Path:
        """The folder of the files that its author writes."""
        return HERE / (self.folder or self.name)

    @property
    def target(self) -> Path:
        """The folder in which it is built, and from which it can be imported."""
        return TARGET / self.name

    @property
    def module(self) -> str:
        """The module of the hash table."""
        return "table_" + self.name.replace("-", "_")

    @property
    def hello_module(self) -> str:
        """The module of the smallest wrapping."""
        return "hello_" + self.name.replace("-", "_")

    @property
    def compiled(self) -> bool:
        """Whether there is anything to build."""
        return self.build is not nothing_to_build

    @property
    def binary(self) -> Path | None:
        """The compiled file that only this binding needs, or None."""
        made = [
            *self.target.glob("*table_*.so"),
            *self.target.glob("_cffi_api*.so"),
            *self.target.glob("hashtable.*.so"),
            *self.target.glob("libtable_c.so"),
        ]
        return made[0] if made else None


def cpp(name: str, title: str, build: Build, hello: tuple[str, ...], table: tuple[str, ...], **more: str) -> Binding:
    """A binding to the library in C++. A file that is named by its ending has the module's name."""
    named = [
        tuple(f"{kind}_cpp_{name}{file}" if file.startswith(".") else file for file in files)
        for kind, files in (("hello", hello), ("table", table))
    ]
    more = {"program": "c++", **more, "folder": f"cpp/{more.get('folder', name)}"}
    return Binding(f"cpp-{name}", title, build, *named, **more, libraries=("table_cpp", "hello_cpp"))  # type: ignore[arg-type]


BINDINGS = [
    Binding("ctypes", "ctypes", nothing_to_build, ("hello_ctypes.py",), ("table_ctypes.py",)),
    Binding(
        "cffi-abi",
        "cffi ABI",
        nothing_to_build,
        ("hello_cffi_abi.py",),
        ("table_cffi_abi.py", "header.py", "table.py"),
        tool="cffi",
        folder="cffi",
    ),
    Binding(
        "cffi-api",
        "cffi API",
        cffi_api,
        ("hello_cffi_api.py", "build_hello.py"),
        ("table_cffi_api.py", "build_table.py", "header.py", "table.py"),
        tool="cffi",
        folder="cffi",
    ),
    Binding("cython", "Cython", cython, ("hello_cython.pyx",), ("table_cython.pyx",), tool="cython"),
    Binding("swig", "SWIG", swig, ("hello_swig.i",), ("table_swig.i",), tool="swig", debian="swig"),
    Binding(
        "boost-python",
        "Boost.Python",
        boost_python,
        ("hello_boost_python.cpp",),
        ("table_boost_python.cpp",),
        debian="libboost-python-dev",
        program="c++",
    ),
    Binding(
        "pybind11",
        "pybind11",
        pybind11,
        ("hello_pybind11.cpp",),
        ("table_pybind11.cpp",),
        tool="pybind11",
        program="c++",
    ),
    Binding(
        "nanobind",
        "nanobind",
        nanobind,
        ("hello_nanobind.cpp",),
        ("table_nanobind.cpp",),
        tool="nanobind",
        program="c++",
    ),
    Binding("pyo3", "PyO3", cargo, ("hello.rs",), ("lib.rs",), program="cargo"),
    Binding("c-api", "C API in C", compiled, ("hello_c_api.c",), ("table_c_api.c",)),
    Binding("extension", "our extension", cargo, ("hello.rs",), ("table_extension.py",), program="cargo"),
    cpp("ctypes", "C++: ctypes", extern_c, (".py", "hello_c.cpp"), (".py", "table_c.cpp"), folder="extern-c"),
    cpp("cython", "C++: Cython", cython_cpp, (".pyx",), (".pyx",), tool="cython"),
    cpp("swig", "C++: SWIG", swig_cpp, (".i",), (".i",), tool="swig", debian="swig"),
    cpp("pybind11", "C++: pybind11", pybind11, (".cpp",), (".cpp",), tool="pybind11"),
    cpp("nanobind", "C++: nanobind", nanobind, (".cpp",), (".cpp",), tool="nanobind"),
]

#: Bindings that are broken on purpose: what each must be caught by, and the difference that breaks the one in C.
CONTROLS = {"leaking": "leaks", "broken": "suite"}


def control(name: str) -> Binding:
    """A broken copy of the binding by the C API: it is patched before it is built."""
    return Binding(name, f"control: {name}", patched, ("hello_c_api.c",), ("table_c_api.c",), folder="c-api")


def patched(folder: Path, module: str, library: str) -> None:
    """The binding in C with a difference applied, under the control's own name."""
    name = module.partition("_")[2]
    kind = module.partition("_")[0]
    if kind == "table":
        difference = (HERE / "controls" / f"{name}.diff").read_text(encoding="utf-8")
        try:
            apply(PatchSet(difference), folder, name)
        except Missing as error:
            raise Failed(str(error)) from None
    source = folder / f"{kind}_c_api.c"
    source.write_text(source.read_text(encoding="utf-8").replace(f"PyInit_{kind}_c_api", f"PyInit_{module}"))
    compiled(folder, module, library, source=source.name)


def libraries() -> Path:
    """Builds the two libraries that are wrapped, libhashtable and libhello. Returns the folder with them and their headers."""
    folder = TARGET / "libraries"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "hello" / "hello.h", folder)
    run(["cc", "-O2", "-shared", "-fPIC", "-Wall", "-Werror", HERE / "hello" / "hello.c", "-o", folder / "libhello.so"])
    run(["make", "--no-print-directory", "c-library"])
    for name in ("libhashtable.so", "hashtable.h"):
        made = Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "c-library" / name
        shutil.copy(ROOT / made, folder)
    return folder


def cpp_libraries(ready: Path) -> None:
    """Builds the two libraries in C++, in the folder of the others, unless they are there: libtable_cpp and libhello_cpp."""
    source = HERE / "cpp" / "library"
    for name in ("hello", "table"):
        made, files = ready / f"lib{name}_cpp.so", [source / f"{name}.cpp", source / f"{name}.hpp"]
        shutil.copy(files[1], ready)
        if made.exists() and all(made.stat().st_mtime > file.stat().st_mtime for file in files):
            continue
        command = [*CXX, "-O2", "-shared", "-fPIC", "-Wall", "-Werror", f"-I{ready}", files[0], "-o", made]
        run([*command, f"-L{ready}", "-lhashtable", "-Wl,-rpath,$ORIGIN"])


def install(requirement: str) -> None:
    """Installs something from the package index into the bindings' own environment, unless it is there.

    Raises:
        Failed: it is not available.
    """
    if not PYTHON.exists():
        run([sys.executable, "-m", "venv", VENV])
    # What is in the environment of the project, the laboratory among it, can be imported here too.
    (site,) = VENV.glob("lib/python*/site-packages")
    (site / "project.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    known = VENV / f"installed-{requirement}"
    if requirement and not known.exists():
        run([PYTHON, "-m", "pip", "install", "--quiet", requirement])
        known.touch()


def install_from_debian(package: str) -> None:
    """Installs a package of Debian, where that can be done.

    Raises:
        Failed: it is not available.
    """
    if (
        shutil.which("dpkg")
        and "install ok installed"
        in subprocess.run(["dpkg", "--status", package], capture_output=True, text=True).stdout
    ):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Failed(f"not here (Debian: apt install {package})")
    run(["apt-get", "update", "-qq"])
    run(["apt-get", "install", "-y", "-qq", package], DEBIAN_FRONTEND="noninteractive")


def prepare(binding: Binding) -> None:
    """Gets what a binding needs.

    Raises:
        Failed: something is missing; the message says what.
    """
    if shutil.which(binding.program) is None:
        raise Failed(f"{binding.program} is missing")
    try:
        install(binding.tool)
    except Failed as error:
        if not binding.debian:
            raise Failed(f"{binding.tool} cannot be installed: {error}") from None
    else:
        if binding.tool:
            return
    if binding.debian:
        install_from_debian(binding.debian)


def build(binding: Binding, ready: Path) -> float:
    """Builds a binding from nothing.

    Args:
        binding: which.
        ready: the folder of the libraries.

    Returns:
        How many seconds of processors the module of the hash table took.

    Raises:
        Failed: it cannot be built.
    """
    table, hello = binding.libraries
    if table == "table_cpp":
        cpp_libraries(ready)
    shutil.rmtree(binding.target, ignore_errors=True)
    shutil.copytree(ready, binding.target)
    for name in {*binding.hello, *binding.table}:
        shutil.copy(binding.source / name, binding.target)
    begin = os.times()
    binding.build(binding.target, binding.module, table)
    end = os.times()
    seconds = end.children_user + end.children_system - begin.children_user - begin.children_system
    binding.build(binding.target, binding.hello_module, hello)
    return seconds if binding.compiled else 0.0
