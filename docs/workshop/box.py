"""Puts a workshop into a folder: slides, handout, exercises, and all that a room without a network needs. `make workshop` runs it.

The parts can be made one by one: `python docs/workshop/box.py slides wheels`. What cannot be made is said, in one line, and the
exit code is 1 then.
"""

import argparse
import html
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
BOX = ROOT / "target" / "workshop"

SET_UP = """\
#!/bin/sh
# Sets a computer up for the workshop, without a network: sh set-up.sh FOLDER [rust|c]
set -eu
box=$(cd "$(dirname "$0")" && pwd)
folder=${1:?say where: sh set-up.sh FOLDER}
began=$(date +%s)
for tool in python3 cargo cc; do
  command -v $tool >/dev/null || { echo "$tool is missing: see the page about the room." >&2; exit 2; }
done
mkdir -p "$folder/.cargo"
folder=$(cd "$folder" && pwd)
python3 -m venv "$folder/.venv"
"$folder/.venv/bin/python" -m pip install --quiet --no-index --find-links "$box/wheels" "hashtable[lab]"
cat >"$folder/.cargo/config.toml" <<END
# The crates of the box, in place of a registry.
[source.crates-io]
replace-with = "box"
[source.box]
directory = "$box/crates"
[net]
offline = true
END
# The laboratory finds the ledger's source by this variable; `activate` sets it from now on.
echo "export HASHTABLE_SOURCE='$box/source'" >>"$folder/.venv/bin/activate"
export HASHTABLE_SOURCE="$box/source"
"$folder/.venv/bin/hashtable-lab" course start "$folder" --language "${2:-rust}"
"$folder/.venv/bin/hashtable-lab" course start "$folder" --offline-check
echo "It took $(($(date +%s) - began)) seconds. Then, for each learner:"
echo "  . $folder/.venv/bin/activate && cd $folder && hashtable-lab course watch"
"""


class Trouble(Exception):
    """A part cannot be made; the message says why."""


def run(*command, **options):
    """Runs a command.

    Raises:
        Trouble: it failed.
    """
    done = subprocess.run(
        command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if done.returncode != 0:
        raise Trouble(f"`{' '.join(map(str, command[:6]))} …` failed:\n{done.stdout[-2000:]}")
    return done.stdout


def chromium():
    """The browser that prints.

    Raises:
        Trouble: there is none.
    """
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise Trouble("no chromium to print with (Debian: apt install chromium): the pages are there as HTML.")
    return found


def slides():
    """Slides and handout: HTML, and PDF."""
    out = BOX / "print"
    shutil.rmtree(out, ignore_errors=True)
    run(sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", HERE / "print", out, cwd=ROOT)
    for name in ("slides", "handout"):
        page = (out / f"{name}.html").read_text(encoding="utf-8")
        (BOX / f"{name}.html").write_text(inlined(page, out), encoding="utf-8")
    shutil.rmtree(out)
    browser = chromium()
    for name in ("slides", "handout"):
        with tempfile.TemporaryDirectory(prefix="workshop-") as profile:
            switches = [
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-sync",
            ]
            switches += ["--disable-component-update", f"--user-data-dir={profile}", "--no-pdf-header-footer"]
            run(browser, *switches, f"--print-to-pdf={BOX / name}.pdf", (BOX / f"{name}.html").as_uri(), timeout=180)
        if not (BOX / f"{name}.pdf").is_file():
            raise Trouble(f"chromium made no {name}.pdf.")


def inlined(page, folder):
    """A page with its styles and its script in it, so that it is one file."""
    for name in ("pygments.css", "print.css"):
        style = (folder / "_static" / name).read_text(encoding="utf-8")
        page = page.replace(f'<link rel="stylesheet" href="_static/{name}">', f"<style>\n{style}</style>")
    script = (folder / "_static" / "slides.js").read_text(encoding="utf-8")
    page = page.replace('<script defer src="_static/slides.js"></script>', "")
    page = page.replace("</body>", f"<script>\n{script}</script></body>")
    if "_static/" in page:
        raise Trouble(f"the page is not whole: {html.escape(page[page.index('_static/') - 60 :][:120])}")
    return page


def wheels():
    """The laboratory and what it needs, as wheels for this Python."""
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", BOX / "wheels", f"{ROOT}[lab]", cwd=ROOT)


def crates():
    """The crates that the exercises need, and the ledger's source."""
    shutil.rmtree(BOX / "source", ignore_errors=True)
    tracked = run(
        "git", "ls-files", "-z", "Cargo.toml", "Cargo.lock", "src/ledger", "src/extension/Cargo.toml", cwd=ROOT
    )
    for name in filter(None, tracked.split("\0")):
        target = BOX / "source" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    # The members of the workspace that are not in the box.
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    kept = [line for line in members(manifest) if (BOX / "source" / line / "Cargo.toml").is_file() and "ledger" in line]
    lines = [
        f"members = {json.dumps(kept)}" if line.startswith("members = ") else line for line in manifest.splitlines()
    ]
    lines = [line for line in lines if not line.startswith(("exclude = ", "hashtable-core = "))]
    (BOX / "source" / "Cargo.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="workshop-") as folder:
        made = Path(folder)
        run(sys.executable, "-c", CRATE, made, cwd=ROOT, env={**os.environ, "HASHTABLE_SOURCE": str(BOX / "source")})
        run("cargo", "vendor", "--quiet", "--manifest-path", made / "Cargo.toml", BOX / "crates", cwd=made)


CRATE = """
import sys
from pathlib import Path
from hashtable_lab.course.folder import write_crate
write_crate(Path(sys.argv[1]), [])
"""


def members(manifest):
    """The members of a workspace, as its manifest lists them."""
    line = next(line for line in manifest.splitlines() if line.startswith("members = "))
    return json.loads(line.removeprefix("members = "))


def site():
    """The book, as it was built last."""
    built = ROOT / "target" / "docs" / "html"
    if not (built / "index.html").is_file():
        raise Trouble("the book is not built yet: `make docs` builds it.")
    shutil.rmtree(BOX / "site", ignore_errors=True)
    shutil.copytree(built, BOX / "site")


def set_up():
    """The script for each computer."""
    (BOX / "set-up.sh").write_text(SET_UP, encoding="utf-8")
    (BOX / "set-up.sh").chmod(0o755)


PARTS = {"slides": slides, "wheels": wheels, "crates": crates, "site": site, "set-up": set_up}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or list(PARTS)
    for name in chosen:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}: {', '.join(PARTS)}")
    BOX.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in chosen:
        began = time.monotonic()
        print(f"{name} ...", flush=True)
        try:
            PARTS[name]()
        except Trouble as trouble:
            failed = True
            print(f"  {trouble}", file=sys.stderr)
        else:
            print(f"  done, in {time.monotonic() - began:.0f} seconds")
    for file in sorted(BOX.iterdir()):
        print(f"  {file.relative_to(ROOT)}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
