// Makes the examples of a page alive: each block of `>>>` gets Run and Edit. The examples of a page share one Python, as at
// a prompt. Nothing is loaded before the reader first asks for it.

import { element } from "./element.mjs";
import { Session } from "./session.mjs";

// ---- one block of examples -------------------------------------------------------------------------------------------

class Block {
  /**
   * @param {Page} page
   * @param {Element} shown  the block as the book shows it
   * @param {string} text  the block as the book's source has it, with what is expected
   * @param {number} number
   */
  constructor(page, shown, text, number) {
    Object.assign(this, { page, shown, text, number });
    this.hasRun = false;
    this.runButton = element("button", { type: "button", onclick: () => page.runTo(this) }, "Run");
    this.editButton = element("button", { type: "button", onclick: () => this.edit() }, "Edit");
    const name = `example ${number}`;
    this.runButton.setAttribute("aria-label", `Run ${name}`);
    this.editButton.setAttribute("aria-label", `Edit ${name}`);
    this.bar = element("div", { class: "live-bar" }, this.runButton, this.editButton);
    this.output = element("div", { class: "live-output", role: "log", "aria-label": `Output of ${name}`, hidden: true });
    shown.after(this.bar, this.output);
    this.editor = null;
  }

  /** The statements without the prompts and without what they print. */
  source() {
    return this.text
      .split("\n")
      .filter((line) => /^\s*(>>>|\.\.\.)( |$)/.test(line))
      .map((line) => line.replace(/^\s*(>>>|\.\.\.) ?/, "").replace(/\s*# doctest:.*$/, ""))
      .join("\n");
  }

  edit() {
    if (this.editor) {
      this.editor.remove();
      this.editor = null;
      this.shown.hidden = false;
      this.editButton.textContent = "Edit";
      return;
    }
    const source = this.source();
    this.editor = element("textarea", {
      class: "live-editor",
      spellcheck: "false",
      autocapitalize: "off",
      "aria-label": `Statements of example ${this.number}; Ctrl-Enter runs them`,
      rows: source.split("\n").length + 1,
      onkeydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          this.page.runTo(this);
        }
      },
    });
    this.editor.value = source;
    this.shown.before(this.editor);
    this.shown.hidden = true;
    this.editButton.textContent = "As in the book";
    this.editor.focus();
  }

  async run(session) {
    const mine = this.editor !== null;
    this.output.hidden = false;
    this.output.replaceChildren();
    this.output.className = "live-output live-running";
    const printed = element("pre");
    this.output.append(printed);
    try {
      const examples = await session.run(mine ? this.editor.value : this.text, !mine, (text) => printed.append(text));
      this.show(examples);
      this.hasRun = true;
      return !examples.some((example) => example.agrees === null && example.raised);
    } catch (error) {
      this.output.className = "live-output live-died";
      this.output.append(element("p", {}, error.message));
      return false;
    }
  }

  show(examples) {
    this.output.className = "live-output";
    this.output.replaceChildren();
    let differing = 0;
    for (const example of examples) {
      const lines = example.source.replace(/\n$/, "").split("\n");
      const prompt = lines.map((line, at) => (at ? "... " : ">>> ") + line).join("\n");
      const row = element("div", { class: example.agrees === false ? "live-example live-differs" : "live-example" });
      row.append(element("pre", { class: "live-source" }, prompt));
      if (example.got) row.append(element("pre", { class: example.raised ? "live-got live-raised" : "live-got" }, example.got));
      if (example.agrees === false) {
        differing += 1;
        row.append(element("p", { class: "live-note" }, example.want ? "The book shows:" : "The book shows no output here."));
        if (example.want) row.append(element("pre", { class: "live-want" }, example.want));
      }
      this.output.append(row);
    }
    const all = examples.length;
    const compared = examples.filter((example) => example.agrees !== null).length;
    const verdict = !compared
      ? "Your own statements: nothing to compare with."
      : differing
        ? `${differing} of ${compared} differ from the book.`
        : "As in the book.";
    this.output.dataset.differing = String(differing);
    this.output.dataset.examples = String(all);
    this.output.append(element("p", { class: "live-verdict" }, verdict));
  }

  forget() {
    this.hasRun = false;
    this.output.hidden = true;
    this.output.replaceChildren();
  }
}

// ---- a page ----------------------------------------------------------------------------------------------------------

class Page {
  constructor() {
    // The laboratory is loaded only where an example uses it.
    const sources = [...document.querySelectorAll("template.live-source")].map((source) => source.content.textContent);
    this.session = new Session({ archive: sources.some((text) => /^>>> .*\bhashtable_lab\b/m.test(text)) ? "lab" : null });
    this.busy = false;
    this.state = element("span", { class: "live-state", role: "status" });
    this.progress = element("progress", { max: 1, value: 0, hidden: true, "aria-label": "Loading Python" });
    this.stopButton = element("button", { type: "button", hidden: true, onclick: () => this.stop() }, "Stop");
    this.resetButton = element("button", { type: "button", onclick: () => this.reset() }, "Reset");
    this.bar = element(
      "div",
      { class: "live-page", role: "region", "aria-label": "Python in this page", hidden: true },
      this.state,
      this.progress,
      this.stopButton,
      this.resetButton,
    );
    document.body.append(this.bar);
    this.session.watch((state, detail) => this.tell(state, detail));
    this.setups = [];
    this.blocks = [];
    for (const source of document.querySelectorAll("template.live-source")) {
      const text = source.content.textContent;
      if (source.dataset.kind === "program") continue;
      if (source.dataset.kind === "setup") this.setups.push({ text, before: this.blocks.length });
      else this.blocks.push(new Block(this, source.previousElementSibling, text, this.blocks.length + 1));
    }
  }

  tell(state, detail) {
    const sentences = {
      loading: "Loading Python …",
      ready: `Python ${detail ?? ""} is ready.`,
      running: "Running …",
      died: detail,
      none: "Python was started anew: run the examples again.",
    };
    this.bar.hidden = false;
    this.bar.dataset.state = state;
    this.state.textContent = sentences[state];
    this.progress.hidden = state !== "loading";
    this.progress.value = state === "loading" ? (detail ?? 0) : 0;
    this.stopButton.hidden = state !== "running" && state !== "loading";
  }

  /** Runs a block, and before it those above it that have not run yet: they may define what it uses. */
  async runTo(block) {
    if (this.busy) return;
    this.busy = true;
    try {
      for (const earlier of this.blocks) {
        if (earlier !== block && (earlier.hasRun || earlier.number > block.number)) continue;
        for (const setup of this.setups.filter((one) => one.before < earlier.number && !one.done)) {
          await this.session.run(setup.text, false, () => {});
          setup.done = true;
        }
        const went = await earlier.run(this.session);
        if (earlier === block || !went) break;
      }
    } catch (error) {
      this.tell("died", error.message);
    } finally {
      this.busy = false;
    }
  }

  stop() {
    this.session.end("You stopped it. What the examples had defined is gone.");
    this.forgetNames();
  }

  reset() {
    this.session.end(null);
    for (const block of this.blocks) block.forget();
    this.forgetNames();
  }

  forgetNames() {
    for (const setup of this.setups) setup.done = false;
    for (const block of this.blocks) block.hasRun = false;
  }
}

// ---- without a network -----------------------------------------------------------------------------------------------

const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
if ("serviceWorker" in navigator && /^https?:$/.test(location.protocol)) {
  navigator.serviceWorker.register(new URL("service-worker.js", root), { scope: root.pathname }).catch(() => {});
}

globalThis.livePage = new Page();

// What only some pages have: programs of the laboratory, a specimen, the table on the front page.
const programs = document.querySelector('template.live-source[data-kind="program"]');
const specimen = location.pathname.match(/\/specimens\/([\w-]+)(?:\.html)?$/)?.[1];
const table = document.getElementById("live-table");
if (programs) import("./programs.mjs").then(({ revive }) => revive());
if (specimen) import("./specimen.mjs").then(({ exhibit }) => exhibit(specimen));
if (table) import("./table.mjs").then(({ show }) => show(table));
