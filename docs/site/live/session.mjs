// A page's conversation with one Python at a time. Python runs in a worker (worker.mjs); ending the worker is how an endless
// loop is stopped, and a crash ends nothing else.

const here = new URL("./", import.meta.url);
let known = null;
// What the first worker of a page has compiled, for the next ones.
let wasm;

/** What there is to load, with sizes: written when the site was built. */
async function assets() {
  known ??= await (await fetch(new URL("assets.json", here))).json();
  return known;
}

/** Asks the service worker to keep all that a page without a network needs: from the first use on, not before. */
function keep() {
  navigator.serviceWorker?.ready.then((registration) => registration.active?.postMessage({ keep: "live" })).catch(() => {});
}

export class Session {
  /** @param {{folder?: string, archive?: string|null}} options  which modules to load, and what Python besides: "lab", "front" */
  constructor(options = {}) {
    this.options = { folder: "modules", archive: null, ...options };
    this.worker = null;
    this.starting = null;
    this.version = null;
    this.waiting = new Map();
    this.next = 1;
    this.watchers = [];
    this.printed = () => {};
  }

  /** @param {(state: "none"|"loading"|"ready"|"running"|"died", detail?: any) => void} watcher */
  watch(watcher) {
    this.watchers.push(watcher);
  }

  say(state, detail) {
    for (const watcher of this.watchers) watcher(state, detail);
  }

  call(name, details) {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call: name, ...details });
    });
  }

  /** Starts Python, unless it is there or under way. */
  start() {
    this.starting ??= this.load();
    return this.starting;
  }

  async load() {
    this.say("loading", 0);
    const worker = new Worker(new URL("worker.mjs", here), { type: "module" });
    this.worker = worker;
    const table = await assets();
    if (this.worker !== worker) throw new Error("Python was stopped while it was being loaded.");
    worker.onmessage = ({ data }) => {
      if (this.worker !== worker) return;
      if (data.progress !== undefined) this.say("loading", data.progress);
      else if (data.wasm) wasm = data.wasm;
      else if (data.printed !== undefined) this.printed(data.printed);
      else if (data.died !== undefined) this.end(`Python died: ${data.died}`);
      else if (data.exited !== undefined) this.exit(data.exited);
      else this.settle(data.id, data.result);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (this.worker === worker) this.end(`Python died: ${event.message || "its thread ended"}`);
    };
    const { python } = await this.call("start", { assets: table, wasm, ...this.options });
    this.version = python;
    keep();
    this.say("ready", python);
  }

  settle(id, result) {
    const one = this.waiting.get(id);
    this.waiting.delete(id);
    one?.resolve(result);
  }

  /** A program left by `os._exit`: it has an exit code, and this Python is gone. */
  exit(code) {
    for (const { resolve } of this.waiting.values()) resolve({ code });
    this.waiting.clear();
    this.end(null);
  }

  /** Runs examples. Resolves to what came of each; rejects if Python ends over it. */
  async run(text, compare, printed) {
    await this.start();
    this.printed = printed;
    this.say("running");
    const result = await this.call("run", { text, compare });
    this.say("ready", this.version);
    return result;
  }

  /** Runs a whole program as `__main__`, with `setup` before it. Resolves to its exit code. */
  async program(details, printed) {
    await this.start();
    this.printed = printed;
    this.say("running");
    const result = await this.call("program", details);
    this.say("ready", this.version);
    return result;
  }

  /** Asks the table of the front page (front.py). Resolves to what there is to see. */
  async front(details) {
    await this.start();
    this.say("running");
    const result = await this.call("front", details);
    this.say("ready", this.version);
    return result;
  }

  /** Ends this Python. The next call starts another. `why` is said, and raised in each call that waits. */
  end(why) {
    this.worker?.terminate();
    this.worker = this.starting = null;
    this.say(why ? "died" : "none", why);
    for (const { reject } of this.waiting.values()) reject(new Error(why ?? "Python was started anew."));
    this.waiting.clear();
  }
}
