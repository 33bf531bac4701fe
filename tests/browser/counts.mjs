// Prints the counts that the state machine has: `node counts.mjs FILM QUESTIONS`, where QUESTIONS is a file with a list of pairs, step and
// object.

import { readFileSync } from "node:fs";

const { Reel } = await import(new URL("../../src/lab/hashtable_lab/replay/page/state.js", import.meta.url));
const [film, questions] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
const reel = new Reel(film);
// Not in order: the counts must be right by whatever way one comes to a step.
const answers = new Map();
for (const [step, object] of [...questions].sort((one, other) => (one[0] % 7) - (other[0] % 7))) {
  reel.go(step);
  answers.set(`${step} ${object}`, reel.state.counts.get(object) ?? null);
}
process.stdout.write(JSON.stringify(questions.map(([step, object]) => answers.get(`${step} ${object}`))));
