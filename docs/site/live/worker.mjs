// A Python of its own, in a thread of its own. The page talks to it by messages; whatever happens in here - an endless
// loop, a crash - the page lives on, and can end this worker and start another.
//
// In:  {id, call: "start", assets, folder, lab, env}          out: {progress: {loaded}} ..., {id, result}
//      {id, call: "run", text, compare}                       out: {printed} ..., {id, result: [examples]}
//      {id, call: "front", ask, arguments}                    out: {id, result}, see front.py
//      {id, call: "program", command, files}                  out: {printed} ..., {id, result: {code, files}}
// If the interpreter itself ends, by a crash or by `os._exit`: {died: why, files} or {exited: code, files}.

import { loadPyodide } from "./pyodide/pyodide.mjs";

let python, prompt, mine, files;

// ---- loading: each byte is counted, and what was packed when the site was built is unpacked on the way --------------

const network = globalThis.fetch.bind(globalThis);
let loaded = 0;
let assets = {};

function counted(response) {
  const count = new TransformStream({
    transform(chunk, controller) {
      loaded += chunk.byteLength;
      postMessage({ progress: { loaded } });
      controller.enqueue(chunk);
    },
  });
  return response.body.pipeThrough(count);
}

globalThis.fetch = async (resource, options) => {
  const url = new URL(resource.url ?? resource, import.meta.url);
  const name = url.href.slice(new URL("./", import.meta.url).href.length);
  const packed = assets[name]?.packed;
  const response = await network(packed ? url.href + ".packed" : url.href, options);
  if (!response.ok) throw new Error(`${url.pathname}: ${response.status} ${response.statusText}`);
  let body = counted(response);
  if (packed) body = body.pipeThrough(new DecompressionStream("gzip"));
  const type = name.endsWith(".wasm") ? "application/wasm" : (response.headers.get("Content-Type") ?? "");
  return new Response(body, { headers: { "Content-Type": type } });
};

async function bytes(path) {
  return new Uint8Array(await (await fetch(new URL(path, import.meta.url))).arrayBuffer());
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

async function start({ assets: known, folder = "modules", lab = false, env = {} }) {
  assets = known;
  mine = folder;
  // All of it at once: what is waited for is the slowest of them.
  const folders = lab ? [folder, "lab"] : [folder];
  const modules = Object.keys(known).filter((name) => name.endsWith(".so") && folders.includes(known[name].folder));
  const arriving = Promise.all([
    Promise.all(modules.map(async (name) => [name.split("/").pop(), await bytes(`./${name}`)])),
    bytes("./prompt.py"),
    lab ? bytes("./lab.zip") : null,
  ]);
  const { default: createPyodideModule } = await unpacked("./pyodide/pyodide.asm.mjs");
  const indexURL = new URL("./pyodide/", import.meta.url).href;
  const interpreter = loadPyodide({ createPyodideModule, indexURL, args: ["-B"], env: { HOME: "/home/pyodide", ...env } });
  const [built, prompts, archive] = await arriving;
  python = await interpreter;
  // Its files outlive a crash; `python` itself refuses to be used after one.
  files = python.FS;
  write(BOOK, built);
  write(BOOK, [["prompt.py", prompts]]);
  if (archive) python.unpackArchive(archive, "zip", { extractDir: BOOK });
  python.runPython(`import importlib, sys; sys.path.insert(0, "${BOOK}"); importlib.invalidate_caches()`);
  prompt = python.pyimport("prompt").Prompt(tell);
  if (lab) python.pyimport("children").install();
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
    child.postMessage({ id: 1, call: "start", assets, folder: mine, lab: true, env });
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
  write(folder, [[file.split("/").pop(), await bytes(`./${file}`)]]);
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
