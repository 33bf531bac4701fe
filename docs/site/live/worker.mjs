// A Python of its own, in a thread of its own. The page talks to it by messages; whatever happens in here - an endless
// loop, a crash - the page lives on, and can end this worker and start another.
//
// In:  {id, call: "start", assets, folder, archive, env, wasm}    out: {progress: part} ..., {wasm: what was compiled}, {id, result}
//      {id, call: "run", text, compare}                       out: {printed} ..., {id, result: [examples]}
//      {id, call: "front", ask, arguments}                    out: {id, result}, see front.py
//      {id, call: "program", command, files}                  out: {printed} ..., {id, result: {code, files}}
// If the interpreter itself ends, by a crash or by `os._exit`: {died: why, files} or {exited: code, files}.

import { loadPyodide } from "./pyodide/pyodide.mjs";

let python, prompt, mine, files;

// ---- loading: each byte is counted, and what was packed when the site was built is unpacked on the way --------------

const network = globalThis.fetch.bind(globalThis);
let assets = {};
let loaded = 0;
let total = 0;

function counted(response) {
  const count = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      postMessage({ progress: Math.min(1, loaded / total) });
      controller.enqueue(chunk);
    },
  });
  return response.body.pipeThrough(count);
}

async function load(resource, options) {
  const url = new URL(resource.url ?? resource, import.meta.url);
  const name = url.href.slice(new URL("./", import.meta.url).href.length);
  const packed = assets[name]?.packed;
  const response = await network(packed ? url.href + ".packed" : url.href, options);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status} ${response.statusText}`);
  let body = counted(response);
  if (packed) body = body.pipeThrough(new DecompressionStream("gzip"));
  const type = name.endsWith(".wasm") ? "application/wasm" : (response.headers.get("Content-Type") ?? "");
  return new Response(body, { headers: { "Content-Type": type } });
}

async function bytes(path) {
  return new Uint8Array(await (await load(path)).arrayBuffer());
}

/** Imports a module that was packed: the browser's own import would look for it as it is. */
async function unpacked(path) {
  const url = URL.createObjectURL(new Blob([await bytes(path)], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** A module. A specimen's is told by how it differs from the right one, as build.py writes it. */
async function moduleFile(name) {
  const { differsFrom } = assets[name];
  if (!differsFrom) return bytes(name);
  const [right, difference] = await Promise.all([bytes(differsFrom), bytes(name)]);
  return patched(right, difference);
}

/** Puts a file together: pieces of the right one with something added to each byte, and pieces that are new. */
function patched(right, difference) {
  const word = new DataView(difference.buffer, difference.byteOffset);
  const steps = word.getInt32(0, true);
  let [from, added, made] = [0, 4 + 12 * steps, 0];
  let fresh = added;
  for (let step = 0; step < steps; step++) fresh += word.getInt32(4 + 12 * step, true);
  const file = new Uint8Array(difference.length - added);
  for (let step = 0; step < steps; step++) {
    const [alike, other, skipped] = [0, 4, 8].map((at) => word.getInt32(4 + 12 * step + at, true));
    for (let at = 0; at < alike; at++) file[made++] = right[from++] + difference[added++];
    file.set(difference.subarray(fresh, fresh + other), made);
    [fresh, made, from] = [fresh + other, made + other, from + skipped];
  }
  return file;
}

/** The files of an archive: the length of a list, the list of names and sizes, and then the files (build.py). */
function* filesOf(archive) {
  const length = new DataView(archive.buffer, archive.byteOffset).getUint32(0, true);
  let at = 4 + length;
  for (const [name, size] of JSON.parse(new TextDecoder().decode(archive.subarray(4, at)))) {
    yield [name, archive.subarray(at, at + size)];
    at += size;
  }
}

// ---- starting Python: its memory after a start was kept when the site was built, see snapshot.mjs --------------------

// What these variables ask for is settled when Python starts. With one of them it has to start as it does elsewhere.
const SETTLED = ["PYTHONMALLOC", "PYTHONHASHSEED", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "PYTHONFAULTHANDLER"];
const WASM = "pyodide/pyodide.asm.wasm";
let wasm;

/** Adds to a snapshot what was left out of it, since pyodide.asm.wasm has just put that into the memory. */
function complete(snapshot, memory) {
  const [, start] = new Uint32Array(snapshot.buffer, 0, 2);
  const kept = new Uint32Array(snapshot.buffer, start);
  const there = new Uint32Array(memory.buffer, 0, kept.length);
  for (let at = 0; at < there.length; at++) kept[at] ^= there[at];
}

async function interpreter(env, withSnapshot) {
  const compiling = wasm ?? WebAssembly.compileStreaming(load(WASM));
  const snapshot = withSnapshot ? bytes("snapshot") : undefined;
  // Pyodide would fetch and compile for itself, when the snapshot is there. Here that is done meanwhile, and once for all the
  // workers of a page.
  globalThis.fetch = async (resource, options) => (String(resource.url ?? resource).endsWith(WASM) ? new Response() : load(resource, options));
  WebAssembly.instantiateStreaming = async (_, imports) => {
    const module = await compiling;
    const instance = await WebAssembly.instantiate(module, imports);
    if (snapshot) complete(await snapshot, instance.exports.memory);
    return { module, instance };
  };
  const { default: createPyodideModule } = await unpacked("pyodide/pyodide.asm.mjs");
  const indexURL = new URL("pyodide/", import.meta.url).href;
  const started = await loadPyodide({ createPyodideModule, indexURL, _loadSnapshot: snapshot, args: ["-B"], env: { HOME: "/home/pyodide", ...env } });
  if (!wasm) postMessage({ wasm: (wasm = await compiling) });
  return started;
}

// ---- what the page asks for ------------------------------------------------------------------------------------------

const BOOK = "/book";
const SHARED = "/tmp";
const tell = (text) => postMessage({ printed: text });

function write(folder, given) {
  for (const [name, content] of given) {
    const path = `${folder}/${name}`;
    files.mkdirTree(content === null ? path : path.slice(0, path.lastIndexOf("/")));
    if (content !== null) files.writeFile(path, content);
  }
}

/** All files and folders below a folder, a folder without content. A child gets those of its parent, and the parent those of its child: they share SHARED. */
function read(folder) {
  const found = [];
  (function walk(at) {
    for (const name of files.readdir(at)) {
      if (name === "." || name === "..") continue;
      const path = `${at}/${name}`;
      const isFolder = files.isDir(files.stat(path).mode);
      found.push([path.slice(folder.length + 1), isFolder ? null : files.readFile(path)]);
      if (isFolder) walk(path);
    }
  })(folder);
  return found;
}

async function start({ assets: known, folder = "modules", archive = null, env = {}, wasm: compiled }) {
  assets = known;
  mine = folder;
  wasm = compiled;
  const withSnapshot = !SETTLED.some((name) => env[name]);
  const folders = ["pyodide", "prompt", folder, archive, withSnapshot && "snapshot"];
  const wanted = Object.keys(assets).filter((name) => folders.includes(assets[name].folder) && !(wasm && name === WASM));
  const sources = new Set(wanted.flatMap((name) => [name, assets[name].differsFrom ?? name]));
  total = [...sources].reduce((sum, name) => sum + assets[name].size, 0);
  // All of it at once: what is waited for is the slowest of them.
  const arriving = Promise.all([
    Promise.all(wanted.filter((name) => name.endsWith(".so")).map(async (name) => [name.split("/").pop(), await moduleFile(name)])),
    bytes("prompt.py"),
    archive ? bytes(archive) : null,
  ]);
  python = await interpreter(env, withSnapshot);
  const [built, prompts, packed] = await arriving;
  // Its files outlive a crash; `python` itself refuses to be used after one.
  files = python.FS;
  write(BOOK, built);
  write(BOOK, [["prompt.py", prompts]]);
  if (packed) write(BOOK, filesOf(packed));
  python.globals.set("environment", python.toPy(env));
  python.runPython(`
import importlib, sys
sys.path.insert(0, "${BOOK}")
importlib.invalidate_caches()
import prompt
prompt.take_up(environment)
del environment
`);
  prompt = python.pyimport("prompt").Prompt(tell);
  if (archive === "lab") python.pyimport("children").install();
  return { python: python.runPython("sys.version.split()[0]") };
}

function run({ text, compare }) {
  return JSON.parse(prompt.run(text, compare));
}

let front;

function showFront({ ask, arguments: words }) {
  if (!front) {
    front = python.pyimport("front").Front();
    front.turn(4, 0.5, "hash", "");
    front.execute("h.set(6, 36); h.set(2, 4)");
  }
  return JSON.parse(front[ask](...words));
}

/** Runs a program as `__main__`: what follows `python` on a command line. Without an exception it resolves to its exit code. */
async function program({ command, files: given = [] }) {
  write(SHARED, given);
  python.setStdout({ write: (bytes) => (tell(decoder.decode(bytes, { stream: true })), bytes.length) });
  python.setStderr({ write: (bytes) => (tell(decoder.decode(bytes, { stream: true })), bytes.length) });
  python.globals.set("command_line", typeof command === "string" ? command : python.toPy(command));
  const code = await python.runPythonAsync("import prompt; prompt.program(command_line)");
  return { code, files: read(SHARED) };
}
const decoder = new TextDecoder();

// ---- children of this worker: see children.py ------------------------------------------------------------------------

globalThis.startChild = (command, env) => {
  const child = new Worker(import.meta.url, { type: "module" });
  const ended = new Promise((resolve) => {
    const gone = (result) => (child.terminate(), resolve(result));
    child.onerror = (event) => (event.preventDefault(), gone)({ died: event.message || "its thread ended", output, files: [] });
    child.onmessage = ({ data }) => {
      if (data.printed !== undefined) output += data.printed;
      else if (data.died !== undefined) gone({ died: data.died, output, files: data.files ?? [] });
      else if (data.exited !== undefined) gone({ code: data.exited, output, files: data.files });
      else if (data.id === 1) child.postMessage({ id: 2, call: "program", command, files: read(SHARED) });
      else if (data.id === 2) gone({ code: data.result.code, output, files: data.result.files });
    };
    let output = "";
    child.postMessage({ id: 1, call: "start", assets, folder: mine, archive: "lab", env, wasm });
  });
  return {
    kill: () => child.terminate(),
    /** Resolves to how the child ended, or to null if it has not after so many seconds. */
    wait: async (seconds) => {
      const late = seconds === undefined ? new Promise(() => {}) : new Promise((resolve) => setTimeout(resolve, seconds * 1000, null));
      const ending = await Promise.race([ended, late]);
      if (ending) write(SHARED, ending.files);
      return ending;
    },
  };
};

/** Puts a specimen's module into a folder, from which its children import it. */
globalThis.fetchSpecimen = async (name, module, folder) => {
  const file = Object.keys(assets).find((asset) => assets[asset].folder === `specimens/${name}` && asset.startsWith(`specimens/${name}/${module}.`));
  if (!file) throw new Error(`the site has no specimen ${name}`);
  write(folder, [[file.split("/").pop(), await moduleFile(file)]]);
};

const calls = { start, run, program, front: showFront };

// ---- the end ---------------------------------------------------------------------------------------------------------

// What Python raises is caught in Python. What arrives here ended the interpreter: a crash, or `os._exit`.
function end(error) {
  const left = files ? read(SHARED) : [];
  if (typeof error?.status === "number") postMessage({ exited: error.status, files: left });
  else postMessage({ died: String(error?.message ?? error).trim(), files: left });
}

addEventListener("error", (event) => (event.preventDefault(), end(event.error ?? event.message)));
addEventListener("unhandledrejection", (event) => (event.preventDefault(), end(event.reason)));

onmessage = async ({ data: { id, call, ...details } }) => {
  try {
    postMessage({ id, result: await calls[call](details) });
  } catch (error) {
    end(error);
  }
};
