"""Gets the CPythons that a machine lacks: `make interpreters`.

    3.14, 3.15    with their debug builds, as Debian's unstable suite has them (less than a minute, 750 MB)
    3.14t         without the GIL, built from CPython's source as Debian keeps it (some three minutes)
    3.15t         the same (only when it is named)
    3.14t-tsan    the same, watched by ThreadSanitizer (longer; only when it is named)

They go into the first folder of PYTHONS_UNDER, target/pythons if that is not set. There every other command finds them: see
hashtable_lab.children.interpreters. Nothing else on the machine changes, except for Debian's packages that this needs, which are
installed where we are root.

Debian's programs want a newer C library than the machine may have. So they are unpacked together with their own, and each
interpreter is told to use that one and no other. What it loads besides, such as an extension built here, was linked against an
older C library, and works with a newer one.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from commands import ROOT, console, last_lines, run_command, watch
from hashtable_lab.children.interpreters import interpreters, pythons_under

DEBIAN = ("3.14", "3.15")
KINDS = ["3.14", "3.15", "3.14t", "3.15t", "3.14t-tsan"]
DEFAULT = ["3.14", "3.15", "3.14t"]

# A release of Debian's unstable suite is valid for a week; a mirror that lags behind is good enough here.
STALE_IS_FINE = "Acquire::Check-Valid-Until=false"

#: The version whose source is taken if the mirror has none of those that the suite lists; and what its archive must be.
KNOWN = {
    "3.14": ("3.14.4", "d923c51303e38e249136fc1bdf3568d56ecb03214efdef48516176d3d7faaef8"),
    "3.15": ("3.15.0~rc2", "8d93af5eaaaea5adfd41bd786a7ba3f03f2ad1ab57c6a65e0b963deab91d5ad7"),
}

#: For zlib, ssl, ctypes and bz2 and lzma, without which pip or a test does not work.
LIBRARIES = ["zlib1g-dev", "libssl-dev", "libffi-dev", "libbz2-dev", "liblzma-dev"]
CLANG = "clang-19"


def need(programs: Sequence[str], packages: Sequence[str]) -> None:
    """Sees to it that programs are there: by installing Debian's packages, or it says in a line what is missing."""
    if all(map(shutil.which, programs)):
        return
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        command = f"apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq {' '.join(packages)}"
        watch(f"installing {', '.join(packages)}", ["sh", "-c", command], dict(os.environ))
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise click.ClickException(f"{', '.join(missing)} missing (Debian: apt install {' '.join(packages)}).")


def run(what: str, command: Sequence[str | Path], folder: Path = ROOT, **variables: str) -> str:
    """Runs a program, which must succeed. Returns what it printed."""
    code, output, seconds = watch(what, command, {**os.environ, **variables}, folder)
    if code != 0:
        raise click.ClickException(f"{what} failed; its last lines:\n{last_lines(output)}")
    console.print(f"{what}: {seconds:.0f} s")
    return output


# ---- from Debian's unstable suite ---------------------------------------------------------------------------------------


def from_debian(kind: str, under: Path) -> None:
    """Unpacks a CPython and its debug build, with the libraries that they need, into `under`/debian-KIND."""
    need(["mmdebstrap", "patchelf"], ["mmdebstrap", "patchelf"])
    folder, unpacked = under / f"debian-{kind}", under / f"debian-{kind}.new"
    shutil.rmtree(unpacked, ignore_errors=True)
    packages = [
        f"python{kind}",
        f"python{kind}-dbg",
        f"python{kind}-venv",
        f"libpython{kind}-dev",
        f"libpython{kind}-testsuite",
    ]
    command = ["mmdebstrap", "--variant=extract", f"--include={','.join(packages)}", "sid", unpacked]
    name, _, value = STALE_IS_FINE.partition("=")
    run(f"unpacking Debian's CPython {kind}", [*command, f'--aptopt={name} "{value}"'])
    for place in ("usr/share/doc", "usr/share/man", "usr/lib/debug", "var", "dev"):
        shutil.rmtree(unpacked / place, ignore_errors=True)
    # Where it will lie must be right in the end: it is moved first, and then told.
    shutil.rmtree(folder, ignore_errors=True)
    unpacked.rename(folder)
    # `venv` looks for pip where Debian keeps it.
    for file in (folder / "usr" / "lib" / f"python{kind}").glob("_sysconfigdata*.py"):
        if not file.is_symlink():
            text = file.read_text("utf-8")
            file.write_text(text.replace("/usr/share/python-wheels", f"{folder}/usr/share/python-wheels"), "utf-8")
    # A C compiler looks for what Debian's pyconfig.h includes among the machine's own headers: here it finds it beside that file.
    headers = folder / "usr" / "include"
    for python in headers.glob("*-linux-gnu*/python3.*"):
        (headers / python.name / python.parent.name).symlink_to(Path("..") / python.parent.name)
    loader = next((folder / "usr").glob("lib*/ld-linux*.so.*"))
    libraries = next((folder / "usr" / "lib").glob("*-linux-gnu*"))
    for program in (f"python{kind}", f"python{kind}d"):
        told = ["patchelf", "--set-interpreter", loader, "--force-rpath", "--set-rpath", libraries]
        subprocess.run([*told, folder / "usr" / "bin" / program], check=True)


# ---- from source --------------------------------------------------------------------------------------------------------


def apt_options(folder: Path) -> list[str]:
    """Options with which apt knows the sources of the unstable suite, and keeps what it learns in `folder`."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True, exist_ok=True)
    mirror = re.compile(r"(?:^URIs: |^deb )(?:\[.*\] )?(\S+/debian)/?(?:\s|$)", re.M)
    texts = [
        file.read_text(errors="replace")
        for file in sorted(Path("/etc/apt").rglob("*"))
        if file.suffix in (".list", ".sources")
    ]
    found = [match[1] for text in texts for match in mirror.finditer(text)]
    if not found:
        raise click.ClickException("apt knows no mirror of Debian; name an archive of CPython's source: SOURCE=FILE.")
    (folder / "sources.list").write_text(f"deb-src {found[0]} sid main\n")
    chosen = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": lists,
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in chosen.items() for word in ("-o", f"{name}={value}")] + ["-o", STALE_IS_FINE]


def archive_of_the_source(version: str, folder: Path) -> Path:
    """An archive of this CPython's source, fetched into `folder` with apt, which also sees to it that it is the right one."""
    need(["apt-get", "curl"], ["apt", "curl"])
    folder.mkdir(parents=True, exist_ok=True)
    package = f"python{version}"
    apt = ["apt-get", *apt_options(folder)]
    run("reading the list of Debian's sources", [*apt, "update"])
    fetch = [*apt, "source", "--download-only", package]
    code, _, _ = watch(f"fetching the source of CPython {version}", fetch, dict(os.environ), folder)
    if code == 0:
        return max(folder.glob(f"{package}_*.orig.tar.*z"), key=lambda file: file.stat().st_mtime)
    # A mirror may list a version before it has it. An older one of the same folder will do, if it is what it should be.
    listed = run("looking for an older one", [*apt, "--print-uris", "source", "--download-only", package])
    address = re.search(rf"'(\S+/{re.escape(package)}_)[^/']+\.orig\.tar\.xz'", listed)
    if address is None:
        raise click.ClickException(f"Debian lists no source of CPython {version}; name an archive of it: SOURCE=FILE.")
    known, checksum = KNOWN[version]
    archive = folder / f"{package}_{known}.orig.tar.xz"
    command = ["curl", "--fail", "--silent", "--show-error", "--output", archive, f"{address[1]}{known}.orig.tar.xz"]
    run(f"fetching the source of CPython {known}", command)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != checksum:
        archive.unlink()
        raise click.ClickException(f"what was fetched is not the source of CPython {known}: its SHA-256 is another.")
    return archive


def from_source(kind: str, under: Path, source: str) -> None:
    """Builds CPython without the GIL, and installs it into `under`/KIND. What the build printed is in `under`/KIND.log."""
    need(["cc", "make", "xz", "pkg-config"], ["gcc", "libc6-dev", "make", "xz-utils", "pkgconf", *LIBRARIES])
    sanitized = kind.endswith("-tsan")
    if sanitized:
        need([CLANG, "setarch"], [CLANG, "util-linux"])
    version = kind.partition("t")[0]
    archive = Path(source).expanduser().resolve() if source else archive_of_the_source(version, under / "source")
    work = under / f"build-{kind}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    run("unpacking the source", ["tar", "--extract", "--strip-components=1", "--file", archive], work)
    options = ["--disable-gil", f"--prefix={under / kind}", "--quiet"]
    # An address space that is laid out at random may lie where ThreadSanitizer keeps its own memory.
    plainly = ["setarch", "-R"] if sanitized else []
    variables = {"CC": CLANG, "CXX": CLANG.replace("clang", "clang++")} if sanitized else {}
    if sanitized:
        # Nothing is installed into it, and pip would take minutes to unpack.
        options += ["--with-thread-sanitizer", "--without-pymalloc", "--without-ensurepip"]
        variables["TSAN_OPTIONS"] = "report_bugs=0"
    run(f"configuring CPython {kind}", [*plainly, work / "configure", *options], work, **variables)
    jobs = f"--jobs={len(os.sched_getaffinity(0))}"
    run(f"building CPython {kind}", [*plainly, "make", "--silent", jobs], work, **variables)
    # The library is not compiled in advance: watched by ThreadSanitizer that takes longer than the build, and imports do it anyway.
    install = [*plainly, "make", "--silent", "install", "COMPILEALL_OPTS=-r 0"]
    run(f"installing CPython {kind}", install, work, **variables)
    shutil.rmtree(work)


# ---- the command --------------------------------------------------------------------------------------------------------


@click.command(help=__doc__)
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS), metavar="[KIND]...")
@click.option("--source", default="", metavar="FILE", help="An archive of the source of CPython, instead of Debian's.")
@click.option("--again", is_flag=True, help="Get them also if they are there.")
def main(kinds: tuple[str, ...], source: str, again: bool) -> int:
    """The command line."""
    if sys.platform != "linux":
        raise click.ClickException(
            "this gets interpreters for Linux; elsewhere install them, and name their folder: PYTHONS_UNDER="
        )
    under = (pythons_under() or [ROOT / "target" / "pythons"])[0].resolve()
    os.environ.setdefault("PYTHONS_UNDER", str(under))
    there = interpreters(sanitized=True)
    for kind in kinds or DEFAULT:
        if kind in there and not again:
            console.print(f"CPython {kind} is there: {there[kind]}")
            continue
        under.mkdir(parents=True, exist_ok=True)
        if kind in DEBIAN:
            from_debian(kind, under)
        else:
            from_source(kind, under, source)
    there = interpreters(sanitized=True)
    missing = [kind for kind in kinds or DEFAULT if kind not in there]
    for kind, path in there.items():
        console.print(f"{kind:12} {path}")
    if missing:
        raise click.ClickException(f"what was made does not run: CPython {', '.join(missing)}.")
    return 0


if __name__ == "__main__":
    run_command(main)
