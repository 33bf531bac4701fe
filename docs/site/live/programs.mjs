// The programs of the laboratory whose output a page shows: each can be run here, with other arguments if the reader likes. Its
// children, if it starts any, are workers (children.py).

import { panel } from "./run.mjs";

const COMMAND = /^python -m (hashtable_lab (?:demo|who|ledger|leakcheck|specimens)\b.*)$/s;

export function revive() {
  for (const source of document.querySelectorAll('template.live-source[data-kind="program"]')) {
    const command = source.content.textContent.trim().match(COMMAND)?.[1];
    if (!command) continue;
    source.after(
      panel({
        label: `arguments for python -m: ${command}`,
        text: command,
        ways: [{ label: "Run it here", options: { lab: true }, details: (text) => ({ command: `-m ${text}` }) }],
      }),
    );
  }
}
