// The state machine that turns a film into pictures: forward, back, owners, rows, searching. `node --test` runs it; the films that
// were recorded for it lie in the folder that FILMS names (see test_state.py).

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

const PAGE = new URL("../../src/lab/hashtable_lab/replay/page/", import.meta.url);
const { Reel, State, balance, owners, pairsOf, touches } = await import(new URL("state.js", PAGE));
const { objectName, searched, sentence, layerOf } = await import(new URL("words.js", PAGE));
const { filtered, find, next, readLink, writeLink } = await import(new URL("places.js", PAGE));
const { planTable } = await import(new URL("table.js", PAGE));
const { countText, drawnRows, inWords } = await import(new URL("picture.js", PAGE));

const folder = process.env.FILMS;
const recorded = folder
  ? readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => [name, JSON.parse(readFileSync(join(folder, name), "utf8"))])
  : [];

/** A film of such steps, with so many objects. */
function film(steps, objects = 6) {
  return {
    format: "hashtable-replay", version: 1, title: "t", script: "s.py", module: "m", python: "3", verdict: "balanced", exit_code: 0,
    ending: { words: "", crashed: false, timed_out: false, well: true }, limit: { steps: 1, reached: false }, notes: [],
    files: [{ name: "s.py", language: "python", parts: [[1, ["h.set(1, 2)", "print()"]]] }, { name: "a/b.rs", language: "rust", parts: [[10, ["Py_INCREF(x);"]]] }],
    output: "", objects: Array.from({ length: objects }, (_, at) => ({ type: "T", shown: `o${at}`, address: "0x1" })), findings: [],
    steps: steps.map((step) => ({ kind: "line", changes: [], ...step })),
  };
}

/** All that a state has, in an order that does not depend on the way. */
function all(state) {
  const sorted = (map) => [...map].sort((one, other) => String(one[0]).localeCompare(String(other[0])));
  return JSON.stringify(Object.fromEntries(Object.keys(state).map((name) => [name, sorted(state[name])])));
}

function at(story, step) {
  const reel = new Reel(story);
  reel.go(step);
  return reel.state;
}

const name = (o) => `o${o}`;
const STORY = film([
  { kind: "line", line: 1, frame: 1, changes: [["push", 1, 1, "the script"], ["name", 1, "h", 0], ["name", 1, "k", 1], ["count", 0, 1], ["count", 1, 2]] },
  { kind: "enter", function: "set", object: 0, arguments: [0, 1, 2], changes: [["enter", 7, 1, "set", [0, 1, 2]], ["count", 2, 1]] },
  { kind: "table", table: "rebuilt", changes: [["rebuilt", 0, 0, 2, []]] },
  { kind: "said", layer: "library", said: "walk", changes: [["walk", 0, 0, "5", 1]] },
  { kind: "event", event: "incref", function: "set", object: 1, place: ["a/b.rs", 10], changes: [["hand", 7, 1, 1, ["a/b.rs", 10]], ["count", 1, 3]] },
  { kind: "event", event: "stored", function: "set", object: 1, place: ["a/b.rs", 10], changes: [["hand", 7, 1, -1, ["a/b.rs", 10]], ["entry", 0, 1, 1]] },
  { kind: "said", layer: "library", said: "added", changes: [["entry at", 0, 0, [1, "5", 1, 2], true]] },
  { kind: "leave", function: "set", object: 0 },
  { kind: "line", line: 2, frame: 1, changes: [["leave", 7], ["name", 1, "k", null], ["count", 1, 1]] },
]);

test("a step back is the state before, at every step of every film", () => {
  for (const [title, story] of [["story", STORY], ...recorded]) {
    const reel = new Reel(story);
    const some = Math.min(story.steps.length, 150);
    const seen = [];
    for (let step = 0; step < some; step += 1) {
      reel.go(step);
      seen.push(all(reel.state));
    }
    for (let step = some - 1; step >= 0; step -= 1) {
      reel.go(step);
      assert.equal(all(reel.state), seen[step], `${title}, step ${step}`);
    }
    reel.go(-1);
    assert.equal(all(reel.state), all(new State()), title);
  }
});

test("the way does not matter: forth and back and forth again", () => {
  for (const [title, story] of [["story", STORY], ...recorded]) {
    const reel = new Reel(story);
    let seed = 7;
    for (let jump = 0; jump < 25; jump += 1) {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      const to = seed % story.steps.length;
      reel.go(to);
      assert.equal(reel.at, to);
      if (jump % 5 === 0) assert.equal(all(reel.state), all(at(story, to)), `${title}, step ${to}`);
    }
  }
});

test("a state that is not put back is noticed", () => {
  const reel = new Reel(STORY);
  reel.go(5);
  reel.state.counts.set(0, 99);
  reel.go(2);
  assert.notEqual(all(reel.state), all(at(STORY, 2)));
});

test("owners: names, hands, entries, and what is only borrowed", () => {
  assert.deepEqual(owners(at(STORY, 0), name).get(1), [{ by: "name k in the script", how: "owns", times: 1 }]);
  const inCall = at(STORY, 4);
  assert.deepEqual(owners(inCall, name).get(1).map((it) => [it.by, it.how, it.times]), [["name k in the script", "owns", 1], ["set, which took it", "owns", 1]]);
  assert.deepEqual(owners(inCall, name).get(2), [{ by: "set, as an argument", how: "borrows", times: 1 }]);
  assert.deepEqual(balance(inCall, 1, owners(inCall, name).get(1)), { count: 3, known: 2, rest: 1 });
  const after = at(STORY, 8);
  assert.deepEqual(owners(after, name).get(1), [{ by: "entries of o0", how: "owns", times: 1 }]);
  assert.deepEqual(balance(after, 1, owners(after, name).get(1)), { count: 1, known: 1, rest: 0 });
});

test("an object keeps its row while something drawn refers to it, and a row is used again", () => {
  const rows = STORY.steps.map((_, step) => at(STORY, step).rows.get(1));
  assert.equal(new Set(rows).size, 1);
  const story = film([
    { line: 1, frame: 1, changes: [["push", 1, 1, "s"], ["name", 1, "a", 0], ["name", 1, "b", 1]] },
    { line: 1, frame: 1, changes: [["name", 1, "a", null]] },
    { line: 1, frame: 1 },
    { line: 1, frame: 1, changes: [["name", 1, "c", 2]] },
  ]);
  assert.deepEqual([...at(story, 0).rows], [[0, 0], [1, 1]]);
  assert.deepEqual([...at(story, 2).rows], [[1, 1]]);
  assert.deepEqual([...at(story, 3).rows].sort(), [[1, 1], [2, 0]]);
});

test("a reference that is never given back stays, without an owner; a deficit stays marked", () => {
  const story = film([
    { kind: "enter", function: "f", arguments: [], changes: [["enter", 1, 1, "f", []], ["hand", 1, 0, 1, ["a/b.rs", 10]], ["count", 0, 1]] },
    { kind: "finding", object: 0, finding: 0, changes: [["lost", 0, 0, 1]] },
    { kind: "leave", function: "f" },
    { kind: "line", line: 1, changes: [["leave", 1]] },
    { kind: "finding", object: 1, finding: 1, changes: [["owed", 1, 1, 0]] },
    { kind: "crash", said: "it died" },
  ]);
  story.findings = [{ kind: "surplus", what: "never given back", function: "f", type: "T", shown: "", place: ["a/b.rs", 10], object: 0, step: 1 }];
  const state = at(story, 5);
  assert.deepEqual(owners(state, name).get(0), [{ by: "nobody: it was never given back", how: "lost", times: 1 }]);
  assert.equal(state.owed.get(1).o, 1);
  assert.ok(state.rows.has(0) && state.rows.has(1));
  const words = inWords(story, state, new Set(), null);
  assert.ok(words.every((line) => line.bad) && words[0].text.includes("nobody"));
  assert.match(sentence(story, story.steps[1]), /A reference is lost: o0: never given back \(f, b\.rs:10\)/);
  assert.match(sentence(story, story.steps[5]), /dies here: it died/);
});

test("what an object held goes with it", () => {
  const story = film([
    { line: 1, frame: 1, changes: [["push", 1, 1, "s"], ["name", 1, "l", 0], ["items", 0, [["[0]", 1], ["[1]", 1]], 3], ["count", 0, 1], ["count", 1, 2]] },
    { line: 1, frame: 1, changes: [["name", 1, "l", null], ["count", 0, 0], ["count", 1, 0]] },
    { line: 1, frame: 1, changes: [["gone", 0]] },
  ]);
  assert.equal(owners(at(story, 0), name).get(1).length, 2);
  assert.equal(owners(at(story, 1), name).get(1), undefined);
  assert.equal(at(story, 2).counts.has(0), false);
  const freed = film([
    { line: 1, changes: [["entry", 0, 1, 1], ["entry", 0, 1, 1], ["field", 3, 0, 2]] },
    { line: 1, changes: [["freed", 0]] },
  ]);
  assert.deepEqual(owners(at(freed, 0), name).get(1), [{ by: "entries of o0", how: "owns", times: 2 }]);
  assert.equal(owners(at(freed, 1), name).size, 0);
});

test("tables that exchange their entries and fields", () => {
  const story = film([
    { changes: [["entry", 0, 2, 1], ["entry", 1, 3, 1], ["field", 0, 0, 4], ["field", 1, 1, 5]] },
    { changes: [["exchange entries", 0, 1], ["exchange fields", 0, 1]] },
  ]);
  const held = owners(at(story, 1), name);
  assert.equal(held.get(2)[0].by, "entries of o1");
  assert.equal(held.get(3)[0].by, "entries of o0");
  assert.equal(held.get(4)[0].by, "a field of o1");
});

test("a table: chains, newest first; a walk; holes; a resize", () => {
  const pair = (bucket, hash) => [bucket, hash, 1, 2];
  const story = film([
    { kind: "table", changes: [["rebuilt", 0, 0, 2, [pair(1, "1"), pair(1, "3")]]] },
    { kind: "said", layer: "library", changes: [["walk", 0, 0, "3", 1]] },
    { kind: "said", layer: "library", changes: [["candidate", 0, 1]] },
    { kind: "said", layer: "library", changes: [["passed", 0, 0]] },
    { kind: "said", layer: "library", changes: [["end", 0]] },
    { kind: "said", layer: "library", changes: [["hole", 0, 0, 2]] },
    { kind: "table", changes: [["rebuilt", 0, 0, 4, [pair(3, "3")]]] },
    { kind: "said", layer: "library", changes: [["no table", 0]] },
  ]);
  const plan = (step) => planTable(at(story, step), 0, step);
  assert.deepEqual(plan(0).lines.map((line) => line.chain.map((cell) => cell.index)), [[], [1, 0]]);
  assert.deepEqual([plan(1).chosen, plan(1).hash], [1, "3"]);
  assert.deepEqual(plan(2).lines[1].chain.map((cell) => cell.mark), ["candidate", ""]);
  assert.deepEqual(plan(4).lines[1].chain.map((cell) => cell.mark), ["passed", "passed"]);
  assert.ok(plan(4).ended && !plan(3).ended);
  assert.deepEqual(plan(5).entries, [{ index: 0, hole: true }, { index: 1, hole: false }]);
  assert.deepEqual([plan(6).rebuilt, plan(6).was, plan(6).size, plan(6).pairs], [true, 2, 4, 1]);
  assert.equal(plan(7), null);
  assert.equal(pairsOf(at(story, 7), 0).length, 0);
});

test("of a large table and of many objects so much is drawn as one can look at", () => {
  const many = 5000;
  const story = film([
    { kind: "table", changes: [["rebuilt", 0, 0, 8192, Array.from({ length: many }, (_, n) => [n, String(n), 2 * n + 1, 2 * n + 2])], ...Array.from({ length: many }, (_, n) => ["entry", 0, n + 1, 1])] },
    { kind: "said", layer: "library", object: 4999, changes: [["walk", 0, 0, "4000", 4000]] },
  ], 3 * many);
  const plan = planTable(at(story, 1), 0, 1);
  assert.ok(plan.lines.length < 40 && plan.lines.some((line) => line.bucket === 4000) && plan.entries.length < 20);
  assert.equal(plan.lines.reduce((sum, line) => sum + (line.skipped || 1), 0), 8192);
  const rows = drawnRows(at(story, 1), touches(story.steps[1]), null);
  assert.ok(rows.size <= 61 && rows.has(4999));
});

test("a step costs what it changes, however long the film is", () => {
  const long = film(Array.from({ length: 100_000 }, (_, n) => ({ kind: "line", line: 1, frame: 1, changes: n ? [["count", n % 5, n]] : [["push", 1, 1, "s"]] })));
  const reel = new Reel(long);
  reel.go(50_000);
  let applied = 0;
  const apply = reel.apply.bind(reel);
  reel.apply = (change) => {
    applied += 1;
    apply(change);
  };
  const before = reel.undo.length;
  reel.go(50_001);
  assert.equal(applied, 1);
  assert.ok(reel.undo.length - before <= 30);
  reel.go(50_000);
  assert.equal(applied, 1);
  assert.equal(reel.undo.length, before);
});

test("filters, the next step among some, search, links", () => {
  assert.deepEqual(filtered(STORY, "all", null), null);
  assert.deepEqual(filtered(STORY, "python", null), [0, 8]);
  assert.deepEqual(filtered(STORY, "library", null), [2, 3, 6]);
  assert.deepEqual(filtered(STORY, "all", 2), [1, 6]);
  assert.deepEqual([next(STORY, null, 0, -1), next(STORY, null, 0, 1), next(STORY, null, 8, 1)], [undefined, 1, undefined]);
  const among = [2, 3, 6];
  assert.deepEqual([0, 2, 3, 5, 6].map((from) => next(STORY, among, from, 1)), [2, 3, 6, 6, undefined]);
  assert.deepEqual([0, 2, 3, 5, 8].map((from) => next(STORY, among, from, -1)), [undefined, undefined, 2, 3, 6]);
  assert.equal(find(STORY, null, 0, 1, "INCREF"), 4);
  assert.equal(find(STORY, null, 4, 1, "print()"), 8);
  assert.equal(find(STORY, null, 8, 1, "h.set"), 0);
  assert.equal(find(STORY, null, 0, -1, "print()"), 8);
  assert.equal(find(STORY, null, 0, 1, "no such thing"), undefined);
  assert.equal(find(STORY, [2], 0, 1, "print"), undefined);
  assert.equal(find(STORY, null, 0, 1, "  "), undefined);
  for (const link of [{ step: 3, object: 2, sort: "library" }, { step: 0, object: null, sort: "all" }]) assert.deepEqual(readLink(writeLink(link), STORY), link);
  assert.deepEqual(readLink("#step=99999&object=77&only=<b>", STORY), { step: 8, object: null, sort: "all" });
  assert.deepEqual(readLink("#step=x", STORY), { step: 0, object: null, sort: "all" });
});

test("each step of each film has its sentence", () => {
  for (const [title, story] of [["story", STORY], ...recorded])
    for (const step of story.steps) {
      const said = sentence(story, step);
      assert.ok(said && !/undefined|\[object|NaN/.test(said), `${title}: ${said}`);
      assert.ok(searched(story, step).includes(said.toLowerCase()));
      assert.ok(["python", "extension", "library", "problem"].includes(layerOf(step)));
    }
  assert.equal(sentence(STORY, STORY.steps[4]), "set takes a reference to o1 at b.rs:10: its count is 3 now.");
  assert.equal(objectName(STORY, undefined), "nothing");
  assert.deepEqual([countText(3, false), countText(0, false), countText("immortal", false), countText(3, true)], ["3", "gone", "immortal", "?"]);
});

test("no film ever has more owners of an object than its count, but where the ledger says that something is wrong", () => {
  for (const [title, story] of recorded) {
    const reel = new Reel(story);
    const some = Math.min(story.steps.length, 400);
    for (let step = 0; step < some; step += 1) {
      reel.go(step);
      const { state } = reel;
      if (story.steps[step].kind === "finding" || state.owed.size) break;
      // Between two lines names are as they were at the first, and a call may have released what they name.
      if (story.steps[step].kind !== "line") continue;
      for (const [o, holders] of owners(state, name)) {
        const { rest } = balance(state, o, holders);
        assert.ok(rest === null || rest >= 0, `${title}, step ${step + 1}: ${JSON.stringify([story.objects[o], state.counts.get(o), holders])}`);
      }
    }
  }
});
