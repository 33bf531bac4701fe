"""Builds src/ledger/example with a ledger, and runs a command that finds it: `python programs/example.py -m hashtable_lab ...`."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

root = Path(os.environ["HASHTABLE_SOURCE"])
base = root / "target" / "ledger-example" / sysconfig.get_config_var("SOABI")
chosen = {
    "CARGO_TARGET_DIR": str(base / "cargo"),
    "PYO3_PYTHON": sys.executable,
    "PYO3_BUILD_EXTENSION_MODULE": "1",
}
command = ["cargo", "build", "--quiet", "--locked", "--package", "ledger-example", "--features", "ledger"]
command += ["--message-format", "json-render-diagnostics"]
built = subprocess.run(command, cwd=root, env={**os.environ, **chosen}, stdout=subprocess.PIPE, check=True, text=True)
artifacts = [json.loads(line) for line in built.stdout.splitlines()]
libraries = [
    file
    for artifact in artifacts
    if artifact.get("target", {}).get("name") == "ledger_example"
    for file in artifact.get("filenames", [])
    if file.endswith((".so", ".dylib"))
]
folder = base / "docs"
folder.mkdir(exist_ok=True)
shutil.copyfile(libraries[0], folder / f"ledger_example{sysconfig.get_config_var('EXT_SUFFIX')}")
# Standard output is not a pipe to us: what comes is in the order in which it was printed.
sys.exit(subprocess.run([sys.executable, *sys.argv[1:]], env={**os.environ, "PYTHONPATH": str(folder)}).returncode)
