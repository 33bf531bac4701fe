// @ts-check
/** A table: its buckets, each with its chain, and the array of entries. */

import { pairsOf } from "./state.js";
import { objectName } from "./words.js";
import { box, cut, label, svg } from "./draw.js";

/** @typedef {import("./film.js").Film} Film */
/** @typedef {import("./state.js").State} State */

export const BUCKET = 34;
const PAIR = 132;
const MOST_BUCKETS = 16;
const MOST_CHAINED = 4;
const MOST_ENTRIES = 14;

/** What is drawn of a table: which buckets, and where each pair lies.
 * @typedef {{size: number, pairs: number, was: number, lines: Line[], chosen: number, ended: boolean, rebuilt: boolean,
 *   hash: string, entries: {index: number, hole: boolean}[], hiddenEntries: number}} Plan */
/** A bucket, or so many buckets that are not drawn. @typedef {{bucket: number, chain: Cell[], more: number, skipped: number}} Line */
/** @typedef {{index: number, key: number, value: number, hash: string | null, mark: "" | "passed" | "candidate" | "touched"}} Cell */

/** Decides what is drawn. A function of the state alone. @param {State} state @param {number} table @param {number} step
 * @returns {Plan | null} */
export function planTable(state, table, step) {
  const it = state.tables.get(table);
  if (!it) return null;
  const walk = state.walks.get(table);
  const pairs = pairsOf(state, table);
  /** @type {Map<number, Cell[]>} */
  const chains = new Map();
  // A pair comes to the front of its chain, so those that came later are passed first.
  for (const [index, [bucket, hash, key, value]] of [...pairs].reverse()) {
    /** @type {Cell["mark"]} */
    let mark = "";
    if (walk?.candidate === index) mark = "candidate";
    else if (walk?.passed.includes(index)) mark = "passed";
    else if (it.touched === index) mark = "touched";
    const chain = chains.get(bucket) ?? [];
    chains.set(bucket, [...chain, { index, key, value, hash, mark }]);
  }
  const chosen = walk ? walk.bucket : -1;
  const touched = state.cells.get(table * 2 ** 26 + it.touched)?.[0] ?? -1;
  const size = Math.max(it.size, chosen + 1);
  const shown = chosenBuckets(size, chains, [chosen, touched].filter((bucket) => bucket >= 0));
  /** @type {Line[]} */
  const lines = [];
  let last = -1;
  for (const bucket of [...shown, size]) {
    if (bucket > last + 1) lines.push({ bucket: last + 1, chain: [], more: 0, skipped: bucket - last - 1 });
    if (bucket < size) {
      const chain = chains.get(bucket) ?? [];
      lines.push({ bucket, chain: chain.slice(0, MOST_CHAINED), more: Math.max(chain.length - MOST_CHAINED, 0), skipped: 0 });
    }
    last = bucket;
  }
  const first = Math.max(0, Math.min(it.length - MOST_ENTRIES, it.touched - Math.floor(MOST_ENTRIES / 2)));
  const full = new Set(pairs.map(([index]) => index));
  const entries = [];
  for (let index = first; index < Math.min(first + MOST_ENTRIES, it.length); index += 1)
    entries.push({ index, hole: !full.has(index) });
  return {
    size: it.size,
    pairs: pairs.length,
    was: it.was,
    lines,
    chosen,
    ended: walk?.ended ?? false,
    rebuilt: it.step === step && it.was !== it.size,
    hash: walk?.hash ?? "",
    entries,
    hiddenEntries: it.length - entries.length,
  };
}

/** Which buckets are drawn: all of a small table; of a large one those around the places that matter, then the first that are used.
 * @param {number} size @param {Map<number, Cell[]>} chains @param {number[]} important */
function chosenBuckets(size, chains, important) {
  if (size <= MOST_BUCKETS) return Array.from({ length: size }, (_, bucket) => bucket);
  const shown = new Set(important);
  for (const bucket of important)
    for (const near of [bucket - 1, bucket + 1]) if (near >= 0 && near < size) shown.add(near);
  for (const bucket of [...chains.keys()].sort((one, other) => one - other)) {
    if (shown.size >= MOST_BUCKETS) break;
    shown.add(bucket);
  }
  return [...shown].sort((one, other) => one - other);
}

/** A pair, and where it is drawn. @typedef {{drawn: SVGElement, x: number, y: number}} Placed */
/** Where a cell begins, for arrows. @typedef {{o: number, x: number, y: number}} Port */

/** Draws a table. @param {Film} film @param {Plan} plan @param {string} name @param {number} x @param {number} y
 * @returns {{drawn: SVGElement, height: number, width: number, ports: Port[], cells: Map<number, Placed>}} */
export function drawTable(film, plan, name, x, y) {
  const drawn = svg("g", { class: "table" });
  /** @type {Port[]} */
  const ports = [];
  /** @type {Map<number, Placed>} */
  const cells = new Map();
  let width = 260;
  drawn.append(label(x, y + 14, cut(name, 34), "heading"));
  const grown = plan.rebuilt ? `, ${plan.was} → ${plan.size} buckets` : `, ${plan.size} buckets`;
  drawn.append(label(x, y + 31, `${plan.pairs} ${plan.pairs === 1 ? "pair" : "pairs"}${grown}`, plan.rebuilt ? "news" : "quiet"));
  let top = y + 42;
  for (const line of plan.lines) {
    if (line.skipped) {
      drawn.append(label(x + 4, top + 16, `⋯ ${line.skipped} more ${line.skipped === 1 ? "bucket" : "buckets"}`, "quiet"));
      top += 24;
      continue;
    }
    const here = line.bucket === plan.chosen;
    drawn.append(box(x, top, 44, BUCKET - 6, here ? "bucket chosen" : "bucket"));
    drawn.append(svg("text", { x: x + 22, y: top + 19, "text-anchor": "middle", class: "mono" }, String(line.bucket)));
    let right = x + 44;
    line.chain.forEach((cell) => {
      drawn.append(svg("path", { d: `M${right} ${top + 14} h12`, class: "chain", "marker-end": "url(#head-chain)" }));
      const group = svg("g", { class: `pair ${cell.mark}` });
      group.append(box(right + 16, top, PAIR - 20, BUCKET - 6, "entry"));
      const text = cut(`${objectName(film, cell.key)}: ${objectName(film, cell.value)}`, 14);
      group.append(label(right + 23, top + 19, text, "mono"));
      group.append(svg("title", {}, `entry ${cell.index}, hash ${cell.hash ?? "not kept"}`));
      drawn.append(group);
      cells.set(cell.index, { drawn: group, x: right, y: top });
      ports.push({ o: cell.key, x: right + 17, y: top + 10 }, { o: cell.value, x: right + 17, y: top + 20 });
      right += PAIR;
    });
    if (line.more) drawn.append(label(right + 12, top + 19, `⋯ ${line.more} more`, "quiet"));
    if (here && plan.ended) drawn.append(label(right + 10, top + 19, "✗ the chain ends", "news"));
    width = Math.max(width, right - x + (line.more || (here && plan.ended) ? 136 : 8));
    top += BUCKET;
  }
  if (plan.chosen >= 0) {
    drawn.append(label(x, top + 14, cut(`hash ${plan.hash} mod ${plan.size} = ${plan.chosen}`, 44), "quiet mono"));
    top += 22;
  }
  if (plan.entries.length) {
    drawn.append(label(x, top + 14, "entries, in the order of insertion:", "quiet"));
    top += 20;
    plan.entries.forEach(({ index, hole }, at) => {
      const cell = x + (at % 7) * 36;
      const line = top + Math.floor(at / 7) * 30;
      drawn.append(box(cell, line, 32, 24, hole ? "slot hole" : "slot"));
      drawn.append(svg("text", { x: cell + 16, y: line + 16, "text-anchor": "middle", class: hole ? "quiet" : "mono" }, hole ? "hole" : String(index)));
    });
    top += Math.ceil(plan.entries.length / 7) * 30;
    if (plan.hiddenEntries > 0) {
      drawn.append(label(x, top + 14, `⋯ ${plan.hiddenEntries} more entries`, "quiet"));
      top += 20;
    }
  }
  return { drawn, height: top - y + 12, width, ports, cells };
}
