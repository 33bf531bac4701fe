// @ts-check
/**
 * The picture of a state, in columns: names | native owners | objects | tables. Every arrow is one reference; a dashed one is
 * borrowed, a red one belongs to nobody. An object has a row of its own for as long as it is in sight, so it stays where it is.
 */

import { balance, inOrder, owners, touches } from "./state.js";
import { objectName, placeName } from "./words.js";
import { arrow, box, cut, label, svg } from "./draw.js";
import { drawTable, planTable } from "./table.js";

/** @typedef {import("./film.js").Film} Film */
/** @typedef {import("./state.js").State} State */
/** @typedef {import("./table.js").Port} Port */

const NAMES = { x: 0, width: 190 };
const NATIVE = { x: 240, width: 210 };
const OBJECTS = { x: 520, width: 236 };
const TABLES = { x: 830 };
const LINE = 24;
const ROW = 54;
const TOP = 34;
const MOST_ROWS = 60;
const MOST_MARKS = 6;

/** Text of an object's count. @param {number | "immortal" | undefined} count @param {boolean} unfollowed */
export function countText(count, unfollowed) {
  if (count === "immortal") return "immortal";
  if (unfollowed || count === undefined) return "?";
  return count === 0 ? "gone" : String(count);
}

/** @param {Film} film @param {State} state @param {number} at @param {number | null} chosen an object that is followed
 * @param {(o: number) => void} choose @returns {{drawn: SVGSVGElement, cells: Map<string, import("./table.js").Placed>}} */
export function draw(film, state, at, chosen, choose) {
  const step = film.steps[at];
  const now = touches(step);
  const name = (/** @type {number} */ o) => objectName(film, o);
  const drawn = /** @type {SVGSVGElement} */ (svg("svg", { role: "img", class: "picture" }));
  drawn.append(heads());
  const arrows = svg("g", { class: "arrows" });
  const boxes = svg("g", {});
  drawn.append(arrows, boxes);
  for (const [text, { x }] of Object.entries({ names: NAMES, "native owners": NATIVE, objects: OBJECTS, tables: TABLES }))
    boxes.append(label(x, 16, text, "column"));

  const rows = drawnRows(state, now, chosen);
  const held = owners(state, name, (o) => rows.has(o));
  const hidden = state.rows.size - rows.size;
  /** @type {Map<number, number>} */
  const middle = new Map([...rows].map(([o, row]) => [o, TOP + row * ROW + (ROW - 12) / 2]));
  let bottom = TOP + (Math.max(-1, ...rows.values()) + 1) * ROW + (hidden ? 26 : 0);
  /** An arrow to an object, if that is drawn. @param {number} x @param {number} y @param {number} o @param {string} kind */
  const point = (x, y, o, kind) => {
    const to = middle.get(o);
    if (to === undefined) return;
    const dead = state.counts.get(o) === 0 && kind === "name" ? "lost" : kind;
    const strong = now.has(o) || o === chosen ? " strong" : "";
    const end = x > OBJECTS.x ? OBJECTS.x + OBJECTS.width + 4 : OBJECTS.x - 4;
    arrows.append(arrow(x, y, end, to, dead + strong));
  };

  // ---- names
  let top = TOP;
  for (const [id, frame] of inOrder(state.frames)) {
    const running = id === (state.stacks.get(frame.thread) ?? []).at(-1);
    const height = LINE * (frame.names.length + 1) + 8;
    boxes.append(box(NAMES.x, top, NAMES.width, height, running ? "frame running" : "frame"));
    const thread = frame.thread === 1 ? "" : ` (thread ${frame.thread})`;
    boxes.append(label(NAMES.x + 10, top + 18, cut(`${frame.name}${thread}`, 24), "heading"));
    frame.names.forEach(([text, o], index) => {
      const y = top + LINE * (index + 1) + 18;
      boxes.append(label(NAMES.x + 18, y, cut(text, 21), "mono"));
      point(NAMES.x + NAMES.width, y - 4, o, "name");
    });
    top += height + 10;
  }
  bottom = Math.max(bottom, top);

  // ---- native owners
  top = TOP;
  for (const [id, call] of inOrder(state.calls)) {
    /** @type {{text: string, o: number, kind: string, place: string}[]} */
    const lines = [];
    for (const { o, sites } of call.hands)
      for (const site of sites) lines.push({ text: `owns ${name(o)}`, o, kind: "hand", place: placeName(site) });
    const owned = new Set(call.hands.map((hand) => hand.o));
    for (const o of new Set([...call.args, ...call.lent]))
      if (!owned.has(o)) lines.push({ text: `borrows ${name(o)}`, o, kind: "borrows", place: "" });
    if (step.kind === "event" && (step.event === "stolen" || step.event === "returned") && step.object !== undefined) {
      if ((state.stacks.get(call.thread) ?? []).at(-1) === -id)
        lines.push({ text: `${step.event === "stolen" ? "stolen:" : "returns"} ${name(step.object)}`, o: step.object, kind: "moving", place: placeName(step.place) });
    }
    const height = LINE * (lines.length + 1) + 8;
    const running = (state.stacks.get(call.thread) ?? []).at(-1) === -id;
    boxes.append(box(NATIVE.x, top, NATIVE.width, height, running ? "call running" : "call"));
    boxes.append(label(NATIVE.x + 10, top + 18, cut(call.name, 26), "heading"));
    lines.forEach(({ text, o, kind, place }, index) => {
      const y = top + LINE * (index + 1) + 18;
      const line = label(NATIVE.x + 18, y, cut(text, 25), kind === "borrows" ? "mono quiet" : "mono");
      if (place) line.append(svg("title", {}, `taken at ${place}`));
      boxes.append(line);
      point(NATIVE.x + NATIVE.width, y - 4, o, kind);
    });
    top += height + 10;
  }
  const marks = [
    ...inOrder(state.lost).map(([finding, { o }]) => ({ finding, o, text: "never given back", kind: "lost" })),
    ...inOrder(state.owed).map(([finding, { o }]) => ({ finding, o, text: "given away, not owned", kind: "lost owed" })),
  ];
  if (marks.length > MOST_MARKS) boxes.append(label(NATIVE.x + 10, top + 14, `⋯ ${marks.length - MOST_MARKS} more before these`, "bad"));
  if (marks.length > MOST_MARKS) top += 24;
  for (const { finding, o, text, kind } of marks.slice(-MOST_MARKS)) {
    const about = film.findings[finding];
    boxes.append(box(NATIVE.x, top, NATIVE.width, LINE * 2 + 4, "nobody"));
    boxes.append(label(NATIVE.x + 10, top + 18, text, "bad"));
    boxes.append(label(NATIVE.x + 18, top + 40, cut(placeName(about?.place) || (about?.function ?? ""), 25), "mono"));
    point(NATIVE.x + NATIVE.width, top + 26, o, kind);
    top += LINE * 2 + 14;
  }
  bottom = Math.max(bottom, top);

  // ---- objects
  for (const [o, row] of [...rows].sort((one, other) => one[1] - other[1])) {
    const y = TOP + row * ROW;
    const { count, rest } = balance(state, o, held.get(o) ?? []);
    const dead = count === 0 || !state.counts.has(o);
    const kind = ["object", now.has(o) ? "touched" : "", dead ? "dead" : "", o === chosen ? "chosen" : "", count === "immortal" ? "immortal" : ""];
    const group = svg("g", { class: kind.filter(Boolean).join(" "), tabindex: 0, role: "button", "data-object": o });
    const about = film.objects[o];
    const text = about.shown && about.shown !== about.type ? about.shown : `#${o}`;
    const said = countText(dead ? 0 : count, state.unfollowed.has(o));
    group.setAttribute("aria-label", `${about.type} ${text}, count ${said}. Follow it.`);
    group.append(box(OBJECTS.x, y, OBJECTS.width, ROW - 12, "body"));
    group.append(label(OBJECTS.x + 12, y + 18, cut(text, 22), "mono big"));
    const more = state.items.get(o)?.more ? `, ${state.items.get(o)?.more} more items` : "";
    const unseen = !dead && rest !== null && rest > 0 ? `, ${rest} not seen here` : "";
    const missing = !dead && rest !== null && rest < 0 ? `, ${-rest} too few` : "";
    group.append(label(OBJECTS.x + 12, y + 34, cut(`${about.type || "object"}${more}${unseen}${missing}`, 30), missing ? "bad" : "quiet"));
    group.append(svg("text", { x: OBJECTS.x + OBJECTS.width - 10, y: y + 20, "text-anchor": "end", class: `count${said.length > 4 ? " long" : ""}` }, said));
    group.addEventListener("click", () => choose(o));
    group.addEventListener("keydown", (event) => {
      const { key } = /** @type {KeyboardEvent} */ (event);
      if (key === "Enter" || key === " ") {
        event.preventDefault();
        event.stopPropagation();
        choose(o);
      }
    });
    boxes.append(group);
  }
  if (hidden) boxes.append(label(OBJECTS.x, bottom - 6, `⋯ ${hidden} more objects`, "quiet"));

  // ---- from object to object: items and fields
  /** @param {number} from @param {number} to @param {number} nth @param {string} title */
  const within = (from, to, nth, title) => {
    const one = middle.get(from);
    const other = middle.get(to);
    if (one === undefined || other === undefined) return;
    const x = OBJECTS.x + OBJECTS.width;
    const out = 18 + ((nth * 7) % 36);
    const strong = now.has(to) || now.has(from) || to === chosen ? " strong" : "";
    const path = svg("path", {
      d: `M${x} ${one + 8} C${x + out} ${one + 8} ${x + out} ${other} ${x + 4} ${other}`,
      class: `arrow ${state.counts.get(from) === 0 ? "faint" : "owns"} inner${strong}`,
      "marker-end": "url(#head-owns)",
    });
    path.append(svg("title", {}, title));
    arrows.append(path);
  };
  let nth = 0;
  for (const [container, { items }] of inOrder(state.items))
    for (const [text, item] of items) within(container, item, nth++, `${text} of ${name(container)}`);
  for (const [, field] of inOrder(state.fields)) within(field.owner, field.o, nth++, `a field of ${name(field.owner)}`);

  // ---- tables
  top = TOP;
  let width = TABLES.x + 200;
  /** @type {Map<string, import("./table.js").Placed>} */
  const cells = new Map();
  for (const [id, table] of inOrder(state.tables)) {
    const plan = planTable(state, id, at);
    if (!plan) continue;
    const result = drawTable(film, plan, namesOf(state, table.owner) || name(table.owner), TABLES.x, top);
    boxes.append(result.drawn);
    for (const { o, x, y } of result.ports) point(x, y, o, "entry");
    for (const [index, cell] of result.cells) cells.set(`${id}/${index}`, cell);
    top += result.height + 12;
    width = Math.max(width, TABLES.x + result.width);
  }
  bottom = Math.max(bottom, top);
  drawn.setAttribute("viewBox", `-6 -2 ${width + 12} ${bottom + 10}`);
  drawn.setAttribute("width", String(width + 12));
  drawn.setAttribute("height", String(bottom + 12));
  drawn.setAttribute("aria-label", `${rows.size} objects; they are told in words below.`);
  return { drawn, cells };
}

/** The rows that are drawn: the first ones, and below them what the step is about. @param {State} state @param {Set<number>} now
 * @param {number | null} chosen @returns {Map<number, number>} */
export function drawnRows(state, now, chosen) {
  /** @type {Map<number, number>} */
  const rows = new Map();
  for (const [row, o] of state.taken) if (row < MOST_ROWS) rows.set(o, row);
  let last = MOST_ROWS;
  for (const o of [...now, ...(chosen === null ? [] : [chosen])])
    if (state.rows.has(o) && !rows.has(o)) rows.set(o, last++);
  return rows;
}

/** The names that an object has, for a heading. @param {State} state @param {number} o */
function namesOf(state, o) {
  /** @type {string[]} */
  const names = [];
  for (const [, frame] of inOrder(state.frames)) for (const [text, named] of frame.names) if (named === o) names.push(text);
  return [...new Set(names)].join(", ");
}

function heads() {
  const made = svg("defs");
  for (const kind of ["name", "owns", "hand", "borrows", "lost", "entry", "moving", "chain", "faint"]) {
    const marker = svg("marker", { id: `head-${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 10, markerHeight: 10, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" });
    marker.append(svg("path", { d: "M0 0 L8 4 L0 8 z", class: `head ${kind}` }));
    made.append(marker);
  }
  return made;
}

/** The state in words, an object a line: for who does not see the picture, and for who wants it exactly.
 * @param {Film} film @param {State} state @param {Set<number>} now @param {number | null} chosen @returns {{object: number, text: string, bad: boolean}[]} */
export function inWords(film, state, now, chosen) {
  const name = (/** @type {number} */ o) => objectName(film, o);
  const drawn = drawnRows(state, now, chosen);
  const rows = [...drawn].sort((one, other) => one[1] - other[1]);
  const held = owners(state, name, (o) => drawn.has(o));
  const owed = new Set([...state.owed.values()].map((mark) => mark.o));
  return rows.map(([o]) => {
    const holders = held.get(o) ?? [];
    const { count, rest } = balance(state, o, holders);
    const who = holders.map((owner) => (owner.how === "borrows" ? `(borrowed by ${owner.by})` : owner.times > 1 ? `${owner.by}, ${owner.times} times` : owner.by));
    const lost = owed.has(o) || holders.some((owner) => owner.how === "lost");
    let tail = "";
    if (rest !== null && count !== 0 && rest > 0) tail = `; ${rest} more that ${rest === 1 ? "is" : "are"} not seen here, such as the interpreter's own`;
    if (rest !== null && count !== 0 && rest < 0) tail = `; that is ${-rest} too few`;
    const number = count === 0 ? "it is gone" : count === undefined ? "its count is not followed" : count === "immortal" ? "immortal" : `count ${count}`;
    return { object: o, text: `${name(o)}: ${number}. ${who.join("; ") || "No owner is seen"}${tail}.`, bad: lost || (rest !== null && rest < 0 && count !== 0) };
  });
}
