// The programs of the laboratory whose output a page shows: each can be run here, with other arguments if the reader likes, or
// another script. Its children, if it starts any, are workers (children.py).

import { panel } from "./run.mjs";

const COMMAND = /^python -m (hashtable_lab (?:demo|who|ledger|leakcheck|specimens)\b.*)$/s;
// The one takes two engines of JavaScript, which the site does not have; the other shows keys that collide in the low bits of a hash
// of 64 bits, and here it has 32.
const ELSEWHERE = /^hashtable_lab demo (v8|knobs)\b/;

export function revive() {
  for (const source of document.querySelectorAll('template.live-source[data-kind="program"]')) {
    const command = source.content.textContent.trim().match(COMMAND)?.[1];
    if (!command || ELSEWHERE.test(command)) continue;
    const { script, name } = source.dataset;
    source.after(script ? withScript(command, script, name) : byItself(command));
  }
}

function byItself(command) {
  return panel({
    label: `arguments for python -m: ${command}`,
    text: command,
    ways: [{ label: "Run it here", options: { archive: "lab" }, details: (text) => ({ command: `-m ${text}` }) }],
  });
}

function withScript(command, script, name) {
  const details = (text) => ({ command: `-m ${command} /tmp/${name}`, files: [[name, new TextEncoder().encode(text)]] });
  return panel({ label: `the script ${name} for ${command}`, text: script, ways: [{ label: "Run it here", options: { archive: "lab" }, details }] });
}
