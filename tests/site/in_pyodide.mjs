// Runs Python inside Pyodide, under Node; in_pyodide.py calls it, and says what the words of the request mean:
// node in_pyodide.mjs PYODIDE '{"mounts": {INSIDE: OUTSIDE}, "path": [...], "env": {...}, "wheel": null, "command": [...]}'
// The exit code is the program's; 70 if the interpreter died, 71 if the wheel was not installed.

import { pathToFileURL } from "node:url";

const [, , folder, request] = process.argv;
const { mounts, path, env, wheel, command } = JSON.parse(request);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`).href);

function died(error) {
  if (typeof error?.status === "number") process.exit(error.status);
  console.error(`the interpreter died: ${error?.message ?? error}`);
  process.exit(70);
}
process.on("uncaughtException", died);
process.on("unhandledRejection", died);

try {
  const python = await loadPyodide({ args: ["-B"], env: { HOME: "/home/pyodide", ...env } });
  for (const [inside, outside] of Object.entries(mounts)) {
    python.FS.mkdirTree(inside);
    python.FS.mount(python.FS.filesystems.NODEFS, { root: outside }, inside);
  }
  python.globals.set("asked", python.toPy({ path, command }));
  python.runPython(`
import os, sys
sys.path[:0] = asked["path"]
if os.path.isdir("/repo"):
    os.chdir("/repo")
`);
  if (wheel !== null) {
    try {
      await python.pyimport("micropip").install(wheel);
    } catch (error) {
      console.error(error.message);
      process.exit(71);
    }
  }
  const code = python.runPython(`
from prompt import program
program(asked["command"])
`);
  process.exit(code);
} catch (error) {
  died(error);
}
