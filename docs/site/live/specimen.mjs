// A specimen's page: its script runs with the right module, with the broken one, and with the broken one that keeps a ledger. The
// broken one dies as it would on a desktop; what dies is a worker.

import { element } from "./element.mjs";
import { panel } from "./run.mjs";

const FILE = "script.py";

export async function exhibit(name) {
  const symptom = (await (await fetch(new URL("symptoms.json", import.meta.url))).json())[name];
  const shown = document.querySelector("#the-symptom .highlight-python pre, section .highlight-python pre");
  if (!shown) return;
  const script = shown.textContent.replace(/\n+$/, "\n");
  const details = (command) => (text) => ({ command, files: [[FILE, new TextEncoder().encode(text)]] });
  const folder = `specimens/${name}`;
  // A long script is folded; what runs it is not.
  const place = shown.closest("details") ?? shown.closest("div[class*=highlight-]");
  if (symptom?.ends === "not here") {
    place.after(note(`This specimen cannot be met in a browser: ${symptom.says}.`));
    return;
  }
  const exhibited = panel({
    label: `the script of ${name}`,
    text: script,
    shown: place,
    ways: [
      { label: "Run with the right module", options: { folder: "modules" }, details: details(["-u", `/tmp/${FILE}`]) },
      { label: "Run with the broken one", options: { folder, env: { PYTHONMALLOC: "debug" } }, details: details(["-u", `/tmp/${FILE}`]) },
      { label: "Ask the ledger", options: { folder, archive: "lab" }, details: details(["-m", "hashtable_lab", "ledger", `/tmp/${FILE}`]) },
    ],
  });
  if (symptom) exhibited.prepend(note(`Here, where a pointer has 32 bits: ${inWords(symptom)}`));
  place.after(exhibited);
}

const note = (text) => element("p", { class: "live-note" }, text);

/** @param {{ends: string, says: string}} symptom  as tests/site/test_site.py saw it */
function inWords({ ends, says }) {
  if (ends === "nothing") return "the broken module's script ends as if all were well.";
  if (ends === "crash") return `the broken module's script kills its Python. (${says})`;
  return `the broken module's script complains: ${says}`;
}
