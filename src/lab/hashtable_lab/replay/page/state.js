// @ts-check
/**
 * The state machine: what is there at a step of a film.
 *
 * All of it lies in maps, and a value in a map is never changed, only exchanged for another one. So to go back is to put the old
 * values back: each change of a map is written down as (map, key, what was there). A step costs what it changes, in both
 * directions, however long the film is.
 *
 * Code that draws a state finds in `rows` in which row an object is drawn. A row is given when an object comes into sight (something
 * that is drawn refers to it), and stays its own until it is out of sight. That is a function of the step alone: by whatever
 * way one comes to a step, the picture is the same.
 */

/** @typedef {import("./film.js").Film} Film */
/** @typedef {import("./film.js").Step} Step */
/** @typedef {import("./film.js").Change} Change */
/** @typedef {import("./film.js").Place} Place */
/** @typedef {import("./film.js").Pair} Pair */

/** @typedef {{thread: number, name: string, line: number, names: [string, number][]}} Frame a Python function that runs */
/** @typedef {{o: number, sites: (Place | null)[]}} Hand what a call owns of one object: where each reference was taken */
/** @typedef {{thread: number, name: string, args: number[], hands: Hand[], lent: number[], place: Place | null}} Call a native call
 * that runs, and the line of its source that it has come to */
/** @typedef {{items: [string, number][], more: number}} Items */
/** @typedef {{owner: number, o: number}} Field */
/** @typedef {{hash: string, bucket: number, passed: number[], candidate: number, ended: boolean, step: number}} Walk */
/** @typedef {{owner: number, size: number, length: number, was: number, step: number, touched: number}} Table */
/** @typedef {{o: number, call: number}} Mark */
/** @typedef {{by: string, how: "owns" | "borrows" | "lost", times: number}} Owner */

/** Keys of two numbers in one. */
const WIDE = 2 ** 26;
const NOTHING = Symbol("nothing was there");

export class State {
  constructor() {
    /** @type {Map<number, number | "immortal">} The count of each object that is there; 0: it is being taken apart. */
    this.counts = new Map();
    /** @type {Map<number, boolean>} Objects of which the count is no longer known. */
    this.unfollowed = new Map();
    /** @type {Map<number, Frame>} */
    this.frames = new Map();
    /** @type {Map<number, Call>} */
    this.calls = new Map();
    /** @type {Map<number, Items>} */
    this.items = new Map();
    /** @type {Map<number, Field>} */
    this.fields = new Map();
    /** @type {Map<number, number>} How often a container has an object in its entries: container * WIDE + object. */
    this.entries = new Map();
    /** @type {Map<number, Table>} */
    this.tables = new Map();
    /** @type {Map<number, Pair>} table * WIDE + index. */
    this.cells = new Map();
    /** @type {Map<number, Walk>} */
    this.walks = new Map();
    /** @type {Map<number, Mark>} References never given back, by finding. */
    this.lost = new Map();
    /** @type {Map<number, Mark>} References given away that nobody owned, by finding. */
    this.owed = new Map();
    /** @type {Map<number, number[]>} By thread: what runs, outermost first. A frame is positive, a call negative. */
    this.stacks = new Map();
    /** @type {Map<string, number>} Bytes of output, the thread of the step, and below which all rows are taken. */
    this.facts = new Map();
    /** @type {Map<number, number>} How many references to an object are drawn. */
    this.seen = new Map();
    /** @type {Map<number, number>} The row in which an object is drawn. */
    this.rows = new Map();
    /** @type {Map<number, number>} The object that has a row. */
    this.taken = new Map();
  }
}

/** The objects that a step is about. @param {Step} step @returns {Set<number>} */
export function touches(step) {
  /** @type {Set<number>} */
  const found = new Set(step.arguments ?? []);
  if (step.object !== undefined) found.add(step.object);
  for (const change of step.changes) {
    switch (change[0]) {
      case "name": if (change[3] !== null) found.add(change[3]); break;
      case "hand": case "lend": case "entry": found.add(change[2]); break;
      case "field": if (change[3] !== null) found.add(change[3]); break;
      case "entry at": found.add(change[3][2]).add(change[3][3]); break;
      case "lost": case "owed": found.add(change[1]); break;
    }
  }
  return found;
}

/** A film, and the state at one of its steps. */
export class Reel {
  /** @param {Film} film */
  constructor(film) {
    this.film = film;
    this.state = new State();
    /** The step at which the state is; -1: before the first. */
    this.at = -1;
    /** @type {any[]} Triples: map, key, old value. */
    this.undo = [];
    /** @type {number[]} How long `undo` was before each step. */
    this.marks = [];
    /** @type {Set<number>} Objects whose `seen` this step has changed, or that it is about. */
    this.stirred = new Set();
  }

  /** Goes to a step, forward or back. @param {number} step */
  go(step) {
    const goal = Math.max(-1, Math.min(step, this.film.steps.length - 1));
    while (this.at < goal) this.forward();
    while (this.at > goal) this.back();
  }

  /** @template K, V @param {Map<K, V>} map @param {K} key @param {V} value */
  put(map, key, value) {
    this.undo.push(map, key, map.has(key) ? map.get(key) : NOTHING);
    map.set(key, value);
  }

  /** @template K, V @param {Map<K, V>} map @param {K} key */
  drop(map, key) {
    if (!map.has(key)) return;
    this.undo.push(map, key, map.get(key));
    map.delete(key);
  }

  back() {
    const mark = /** @type {number} */ (this.marks.pop());
    while (this.undo.length > mark) {
      const old = this.undo.pop();
      const key = this.undo.pop();
      const map = this.undo.pop();
      if (old === NOTHING) map.delete(key);
      else map.set(key, old);
    }
    this.at -= 1;
  }

  forward() {
    this.marks.push(this.undo.length);
    this.at += 1;
    const step = this.film.steps[this.at];
    const { state } = this;
    const before = this.at > 0 ? touches(this.film.steps[this.at - 1]) : new Set();
    const now = touches(step);
    this.stirred = new Set([...before, ...now]);
    const thread = step.thread ?? 1;
    if (state.facts.get("thread") !== thread) this.put(state.facts, "thread", thread);
    if (step.output !== undefined) this.put(state.facts, "output", step.output);
    for (const change of step.changes) this.apply(change);
    const frame = step.frame === undefined ? undefined : state.frames.get(step.frame);
    if (frame && step.frame !== undefined && step.line !== undefined)
      this.put(state.frames, step.frame, { ...frame, line: step.line });
    const running = (state.stacks.get(thread) ?? []).filter((it) => it < 0).at(-1);
    if (step.place && running !== undefined) {
      const { place } = step;
      this.change(-running, (call) => ({ ...call, place }));
    }
    // What was looked for is of no interest any more when something else is asked.
    if (step.kind === "enter" || (step.kind === "line" && running === undefined))
      for (const table of [...state.walks.keys()]) this.drop(state.walks, table);
    for (const o of this.stirred) {
      const row = state.rows.get(o);
      const drawn = (state.seen.get(o) ?? 0) > 0 || now.has(o);
      if (drawn && row === undefined) {
        let free = state.facts.get("free row") ?? 0;
        while (state.taken.has(free)) free += 1;
        this.put(state.facts, "free row", free + 1);
        this.put(state.rows, o, free);
        this.put(state.taken, free, o);
      } else if (!drawn && row !== undefined) {
        this.drop(state.rows, o);
        this.drop(state.taken, row);
        if (row < (state.facts.get("free row") ?? 0)) this.put(state.facts, "free row", row);
      }
    }
  }

  /** So many more references to an object are drawn. @param {number} o @param {number} more */
  see(o, more) {
    this.put(this.state.seen, o, (this.state.seen.get(o) ?? 0) + more);
    this.stirred.add(o);
  }

  /** @param {number} call @param {(call: Call) => Call} how */
  change(call, how) {
    const known = this.state.calls.get(call);
    if (known) this.put(this.state.calls, call, how(known));
  }

  /** @param {number} thread @param {number[]} stack */
  stack(thread, stack) {
    this.put(this.state.stacks, thread, stack);
  }

  /** @param {Change} change */
  apply(change) {
    const { state } = this;
    switch (change[0]) {
      case "born":
        break;
      case "count":
        this.put(state.counts, change[1], change[2]);
        this.drop(state.unfollowed, change[1]);
        if (change[2] === 0) this.empty(change[1]);
        break;
      case "unfollowed":
        this.put(state.unfollowed, change[1], true);
        break;
      case "gone":
        this.empty(change[1]);
        this.drop(state.counts, change[1]);
        break;
      case "freed":
        this.give(change[1]);
        break;
      case "push": {
        const [, frame, thread, name] = change;
        this.put(state.frames, frame, { thread, name, line: 0, names: [] });
        this.stack(thread, [...(state.stacks.get(thread) ?? []), frame]);
        break;
      }
      case "pop": {
        const frame = state.frames.get(change[1]);
        if (!frame) break;
        for (const [, o] of frame.names) this.see(o, -1);
        this.drop(state.frames, change[1]);
        this.stack(frame.thread, (state.stacks.get(frame.thread) ?? []).filter((it) => it !== change[1]));
        break;
      }
      case "name": {
        const [, at, name, o] = change;
        const frame = state.frames.get(at);
        if (!frame) break;
        const old = frame.names.find(([known]) => known === name);
        if (old) this.see(old[1], -1);
        if (o !== null) this.see(o, 1);
        /** @type {[string, number][]} */
        let names;
        if (o === null) names = frame.names.filter(([known]) => known !== name);
        else if (old) names = frame.names.map((it) => (it[0] === name ? [name, o] : it));
        else names = [...frame.names, [name, o]];
        this.put(state.frames, at, { ...frame, names });
        break;
      }
      case "items": {
        const [, o, items, more] = change;
        this.empty(o);
        for (const [, item] of items) this.see(item, 1);
        if (items.length || more) this.put(state.items, o, { items, more });
        break;
      }
      case "enter": {
        const [, call, thread, name, args] = change;
        for (const o of args) this.see(o, 1);
        this.put(state.calls, call, { thread, name, args, hands: [], lent: [], place: null });
        this.stack(thread, [...(state.stacks.get(thread) ?? []), -call]);
        break;
      }
      case "leave": {
        const call = state.calls.get(change[1]);
        if (!call) break;
        for (const o of [...call.args, ...call.lent, ...call.hands.map((hand) => hand.o)]) this.see(o, -1);
        this.drop(state.calls, change[1]);
        this.stack(call.thread, (state.stacks.get(call.thread) ?? []).filter((it) => it !== -change[1]));
        break;
      }
      case "hand": {
        const [, at, o, more, place] = change;
        this.change(at, (call) => {
          const known = call.hands.find((hand) => hand.o === o);
          const sites = more > 0 ? [...(known?.sites ?? []), place] : (known?.sites ?? []).slice(0, -1);
          if (!known && sites.length) this.see(o, 1);
          if (known && !sites.length) this.see(o, -1);
          const others = call.hands.filter((hand) => hand.o !== o);
          return { ...call, hands: sites.length ? [...others, { o, sites }] : others };
        });
        break;
      }
      case "lend": {
        const [, at, o] = change;
        this.change(at, (call) => {
          if (call.lent.includes(o) || call.args.includes(o)) return call;
          this.see(o, 1);
          return { ...call, lent: [...call.lent, o] };
        });
        break;
      }
      case "field": {
        const [, field, owner, o] = change;
        const old = state.fields.get(field);
        if (old) this.see(old.o, -1);
        if (o === null || owner === null) {
          this.drop(state.fields, field);
        } else {
          this.see(o, 1);
          this.put(state.fields, field, { owner, o });
        }
        break;
      }
      case "exchange fields": {
        const one = state.fields.get(change[1]);
        const other = state.fields.get(change[2]);
        if (one && other) {
          this.put(state.fields, change[1], { ...one, o: other.o });
          this.put(state.fields, change[2], { ...other, o: one.o });
        }
        break;
      }
      case "entry": {
        const [, container, o, more] = change;
        this.enter(container, o, more);
        break;
      }
      case "exchange entries": {
        const [, one, other] = change;
        const all = [...state.entries].map(([key, times]) => [Math.floor(key / WIDE), key % WIDE, times]);
        for (const [of, o, times] of all.filter(([of]) => of === one || of === other)) {
          this.enter(of, o, -times);
          this.enter(of === one ? other : one, o, times);
        }
        break;
      }
      case "walk": {
        const [, table, owner, hash, bucket] = change;
        const known = state.tables.get(table);
        if (!known) this.put(state.tables, table, { owner, size: bucket + 1, length: 0, was: 0, step: -1, touched: -1 });
        this.put(state.walks, table, { hash, bucket, passed: [], candidate: -1, ended: false, step: this.at });
        break;
      }
      case "passed":
      case "candidate":
      case "end": {
        const walk = state.walks.get(change[1]);
        if (!walk) break;
        /** @type {Walk} */
        const next = { ...walk, candidate: -1 };
        if (walk.candidate >= 0) next.passed = [...walk.passed, walk.candidate];
        if (change[0] === "passed") next.passed = [...next.passed, change[2]];
        else if (change[0] === "candidate") next.candidate = change[2];
        else next.ended = true;
        this.put(state.walks, change[1], next);
        break;
      }
      case "entry at": {
        const [, at, index, pair] = change;
        const table = state.tables.get(at);
        if (!table) break;
        this.put(state.cells, at * WIDE + index, pair);
        this.put(state.tables, at, { ...table, length: Math.max(table.length, index + 1), touched: index });
        break;
      }
      case "hole": {
        const [, at, index, length] = change;
        const table = state.tables.get(at);
        if (!table) break;
        for (let gone = length; gone < table.length; gone += 1) this.drop(state.cells, at * WIDE + gone);
        this.drop(state.cells, at * WIDE + index);
        this.put(state.tables, at, { ...table, length, touched: index });
        break;
      }
      case "rebuilt": {
        const [, at, owner, size, pairs] = change;
        const known = state.tables.get(at);
        for (let index = 0; index < (known?.length ?? 0); index += 1) this.drop(state.cells, at * WIDE + index);
        pairs.forEach((pair, index) => {
          if (pair) this.put(state.cells, at * WIDE + index, pair);
        });
        const was = known?.size ?? size;
        this.put(state.tables, at, { owner, size, length: pairs.length, was, step: this.at, touched: -1 });
        this.drop(state.walks, at);
        break;
      }
      case "no table": {
        const table = state.tables.get(change[1]);
        for (let index = 0; index < (table?.length ?? 0); index += 1) this.drop(state.cells, change[1] * WIDE + index);
        this.drop(state.tables, change[1]);
        this.drop(state.walks, change[1]);
        break;
      }
      case "lost":
      case "owed":
        this.see(change[1], 1);
        this.put(change[0] === "lost" ? state.lost : state.owed, change[2], { o: change[1], call: change[3] });
        break;
    }
  }

  /** What a container held is no longer held by it. @param {number} o */
  empty(o) {
    for (const [, item] of this.state.items.get(o)?.items ?? []) this.see(item, -1);
    this.drop(this.state.items, o);
  }

  /** An object's memory is no more, and with it its fields and entries. @param {number} owner */
  give(owner) {
    for (const [key, field] of [...this.state.fields])
      if (field.owner === owner) {
        this.see(field.o, -1);
        this.drop(this.state.fields, key);
      }
    for (const [key, times] of [...this.state.entries])
      if (Math.floor(key / WIDE) === owner) this.enter(owner, key % WIDE, -times);
  }

  /** @param {number} container @param {number} o @param {number} more */
  enter(container, o, more) {
    const key = container * WIDE + o;
    const times = (this.state.entries.get(key) ?? 0) + more;
    if (times > 0) this.put(this.state.entries, key, times);
    else this.drop(this.state.entries, key);
    this.see(o, more);
  }
}

/** The pairs of a table, by index. @param {State} state @param {number} table @returns {[number, Pair][]} */
export function pairsOf(state, table) {
  /** @type {[number, Pair][]} */
  const found = [];
  const length = state.tables.get(table)?.length ?? 0;
  for (let index = 0; index < length; index += 1) {
    const pair = state.cells.get(table * WIDE + index);
    if (pair) found.push([index, pair]);
  }
  return found;
}

/** Who holds which object: names, containers, entries, fields, native calls. What is borrowed does not count.
 * @param {State} state @param {(o: number) => string} name @param {(o: number) => boolean} wanted @returns {Map<number, Owner[]>} */
export function owners(state, name, wanted = () => true) {
  /** @type {Map<number, Owner[]>} */
  const found = new Map();
  /** @param {number} o @param {() => string} by @param {Owner["how"]} how @param {number} times */
  const add = (o, by, how, times) => {
    if (!wanted(o)) return;
    const known = found.get(o);
    if (known) known.push({ by: by(), how, times });
    else found.set(o, [{ by: by(), how, times }]);
  };
  for (const [, frame] of inOrder(state.frames))
    for (const [label, o] of frame.names)
      add(o, () => (label.startsWith("constant ") ? `the code of ${frame.name}` : `name ${label} in ${frame.name}`), "owns", 1);
  for (const [container, { items }] of inOrder(state.items))
    for (const [label, o] of items) add(o, () => `${label} of ${name(container)}`, "owns", 1);
  for (const [key, times] of state.entries)
    add(key % WIDE, () => `entries of ${name(Math.floor(key / WIDE))}`, "owns", times);
  for (const [, field] of inOrder(state.fields)) add(field.o, () => `a field of ${name(field.owner)}`, "owns", 1);
  for (const [, call] of inOrder(state.calls)) {
    const hands = new Set(call.hands.map((hand) => hand.o));
    for (const hand of call.hands) add(hand.o, () => `${call.name}, which took it`, "owns", hand.sites.length);
    for (const o of new Set([...call.args, ...call.lent]))
      if (!hands.has(o)) add(o, () => (call.args.includes(o) ? `${call.name}, as an argument` : call.name), "borrows", 1);
  }
  for (const [, mark] of inOrder(state.lost)) add(mark.o, () => "nobody: it was never given back", "lost", 1);
  return found;
}

/** How many references of an object's count belong to an owner that is known, and to none that is.
 * @param {State} state @param {number} o @param {Owner[]} holders
 * @returns {{count: number | "immortal" | undefined, known: number, rest: number | null}} */
export function balance(state, o, holders) {
  const count = state.unfollowed.has(o) ? undefined : state.counts.get(o);
  const known = holders.filter((owner) => owner.how !== "borrows").reduce((sum, owner) => sum + owner.times, 0);
  return { count, known, rest: typeof count === "number" ? count - known : null };
}

/** What a map holds, by key: going back puts things into a map in another order. @template V @param {Map<number, V>} map
 * @returns {[number, V][]} */
export function inOrder(map) {
  return [...map].sort((one, other) => one[0] - other[0]);
}
