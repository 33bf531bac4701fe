// A panel that runs a program in a Python of its own: a text that can be changed, buttons, and what the program prints.

import { element } from "./element.mjs";
import { Session } from "./session.mjs";

/**
 * @param {object} how
 * @param {string} how.label  what it is, for a screen reader
 * @param {string} how.text  the program, or the command
 * @param {Element} [how.shown]  where the page shows the text already: it is then changed in its place, after a press on Edit
 * @param {{label: string, options: object, details: (text: string) => object}[]} how.ways  a button each: which Python, and what it runs
 * @returns {Element}
 */
export function panel({ label, text, shown, ways }) {
  const lines = text.split("\n").length;
  const editor = element("textarea", { class: "live-editor", spellcheck: "false", autocapitalize: "off", rows: lines + (lines > 1), "aria-label": label, hidden: Boolean(shown) });
  editor.value = text;
  const output = element("div", { class: "live-output", role: "log", "aria-label": `Output of ${label}`, hidden: true });
  const progress = element("progress", { max: 1, value: 0, hidden: true, "aria-label": "Loading Python" });
  let session = null;

  async function run(way) {
    session?.end("Another run was started.");
    const mine = new Session(way.options);
    session = mine;
    const printed = element("pre");
    output.hidden = false;
    output.className = "live-output live-running";
    output.replaceChildren(printed);
    stop.hidden = false;
    mine.watch((state, detail) => {
      progress.hidden = state !== "loading";
      if (state === "loading") progress.value = detail;
    });
    let verdict;
    try {
      const { code } = await mine.program(way.details(editor.value), (words) => printed.append(words));
      verdict = code === 0 ? "It ended well (exit code 0)." : `It ended with exit code ${code}.`;
      output.className = "live-output";
      output.dataset.code = String(code);
    } catch (error) {
      verdict = error.message;
      output.className = "live-output live-died";
      output.dataset.code = "died";
    }
    if (session !== mine) return;
    stop.hidden = true;
    output.append(element("p", { class: "live-verdict" }, verdict));
    mine.end(null);
    session = null;
  }

  const stop = element("button", { type: "button", hidden: true, onclick: () => session?.end("You stopped it.") }, "Stop");
  const buttons = ways.map((way) => element("button", { type: "button", onclick: () => run(way) }, way.label));
  const edit = shown && element("button", { type: "button", "aria-label": `Edit ${label}`, onclick: toggle }, "Edit");

  function toggle() {
    shown.hidden = editor.hidden;
    editor.hidden = !editor.hidden;
    edit.textContent = editor.hidden ? "Edit" : "As in the book";
    if (editor.hidden) editor.value = text;
    else editor.focus();
  }

  return element("div", { class: "live-panel" }, editor, element("div", { class: "live-bar" }, ...buttons, edit, stop, progress), output);
}
