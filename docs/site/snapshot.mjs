// Starts Python once and keeps its memory: what a reader waits for is then no longer Python's start, which compiles some two hundred
// modules of the standard library, but the copying of its outcome.
//
//     node --experimental-wasm-jspi snapshot.mjs PYODIDE FOLDER MODULES OUTPUT
//
// MODULES, with commas between them, are imported before the memory is taken: from FOLDER or the standard library. The output is the
// snapshot as Pyodide makes it, but only as far as it differs from what pyodide.asm.wasm itself puts into the memory (`^`): the
// browser has that anyway. worker.mjs makes it whole again.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , pyodide, folder, modules, output] = process.argv;
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`).href);
const { default: create } = await import(pathToFileURL(`${pyodide}/pyodide.asm.mjs`).href);

// A Python takes note at its start of what its host can do: to wait for a promise is one such thing. The browser's can.
if (!("Suspending" in WebAssembly)) throw new Error("this Node cannot suspend WebAssembly: it takes 24, with --experimental-wasm-jspi");

let before;

function createPyodideModule(settings) {
  const given = settings.instantiateWasm;
  settings.instantiateWasm = (imports, receive) =>
    given(imports, (instance, module) => {
      before = new Uint8Array(instance.exports.memory.buffer).slice();
      return receive(instance, module);
    });
  return create(settings);
}

const python = await loadPyodide({ createPyodideModule, _makeSnapshot: true, args: ["-B"], env: { HOME: "/home/pyodide" } });
python.FS.mkdirTree("/book");
python.FS.mount(python.FS.filesystems.NODEFS, { root: folder }, "/book");
python.globals.set("modules", modules);
python.runPython(`
import gc, importlib, sys

# What a start puts at the front of the path comes anew at each.
sys.path.remove("")
sys.path.insert(0, "/book")
for name in modules.split(","):
    importlib.import_module(name)
sys.path.remove("/book")
sys.path_importer_cache.pop("/book", None)

def wipe():
    """Fills memory that is free with zeros, and frees it again: what was left there would have to be loaded."""
    gc.collect()
    small = [[bytes(size) for _ in range(70_000 // (size + 33))] for size in range(1, 480, 16)]
    large = [[bytearray(size) for _ in range(300_000 // size)] for size in (600, 1000, 2000, 4000, 8000, 16_000, 32_000, 64_000)]
    del small, large
    gc.collect()

wipe()
del gc, importlib, modules, name, wipe
`);
python.FS.unmount("/book");

const snapshot = python.makeMemorySnapshot();
const start = new Uint32Array(snapshot.buffer, snapshot.byteOffset, 2)[1];
if (snapshot.length - start !== before.length) throw new Error("Python's memory has grown: what was imported is too much for a snapshot");
for (let at = 0; at < before.length; at++) snapshot[start + at] ^= before[at];
writeFileSync(output, snapshot);
process.exit(0);
