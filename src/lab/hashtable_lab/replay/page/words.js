// @ts-check
/** Every step in a sentence, and objects in a few characters. Nothing here depends on the state: a sentence can be searched for. */

/** @typedef {import("./film.js").Film} Film */
/** @typedef {import("./film.js").Step} Step */

/** An object in a few characters. @param {Film} film @param {number | undefined | null} o */
export function objectName(film, o) {
  if (o === undefined || o === null) return "nothing";
  const it = film.objects[o];
  if (!it) return "an object";
  if (!it.shown || it.shown === it.type) return `${article(it.type || "object")} #${o}`;
  return it.shown;
}

/** @param {string} word */
function article(word) {
  return `${/^[aeiouAEIOU]/.test(word) ? "an" : "a"} ${word}`;
}

/** The text of a line of source, or "". @param {Film} film @param {string} file @param {number} line */
export function lineOf(film, file, line) {
  const parts = film.files.find((it) => it.name === file)?.parts ?? [];
  for (const [first, lines] of parts) if (line >= first && line < first + lines.length) return lines[line - first];
  return "";
}

/** `methods.rs:28`. @param {import("./film.js").Place | null | undefined} place */
export function placeName(place) {
  return place ? `${place[0].slice(place[0].lastIndexOf("/") + 1)}:${place[1]}` : "";
}

/** @type {Record<string, (what: string) => string>} */
const EVENTS = {
  incref: (what) => `takes a reference to ${what}`,
  decref: (what) => `gives back a reference to ${what}`,
  new: (what) => `receives a new reference to ${what}`,
  returned: (what) => `hands its reference to ${what} to its caller`,
  stolen: (what) => `passes ${what} to a call that steals the reference`,
  stored: (what) => `stores its reference to ${what}`,
  taken: (what) => `takes ${what} out of where it was stored; the reference is now in its hands`,
  borrowed: (what) => `borrows ${what}: it looks at it without owning a reference`,
};

/** @param {number | "immortal"} count */
function counted(count) {
  if (count === "immortal") return "it is immortal";
  if (count === 0) return "its count is 0 now, and it is taken apart";
  return `its count is ${count} now`;
}

/** @param {Film} film @param {Step} step */
export function sentence(film, step) {
  const what = objectName(film, step.object);
  const at = step.place ? ` at ${placeName(step.place)}` : "";
  switch (step.kind) {
    case "line":
      return `Python is about to run line ${step.line}: ${lineOf(film, film.script, step.line ?? 0).trim()}`;
    case "call":
      return `Python enters ${step.function}, at line ${step.line}.`;
    case "return":
      return step.object === undefined ? `Python leaves a function, at line ${step.line}.` : `Python returns ${what}, at line ${step.line}.`;
    case "exception":
      return `${step.raised || "An exception"} is raised at line ${step.line}.`;
    case "enter": {
      const given = (step.arguments ?? []).map((o) => objectName(film, o)).join(", ");
      return `The interpreter calls ${step.function}(${given}). Arguments are borrowed.`;
    }
    case "leave":
      if (step.raised) return `${step.function} ends, with a ${step.raised} raised.`;
      return step.object === undefined ? `${step.function} ends.` : `${step.function} ends and returns ${what}.`;
    case "event": {
      const tell = EVENTS[step.event ?? ""] ?? ((it) => `does something with ${it}`);
      const count = step.changes.find((it) => it[0] === "count" && it[1] === step.object);
      const now = count && count[0] === "count" && (step.event === "incref" || step.event === "decref") ? `: ${counted(count[2])}` : "";
      return `${step.function} ${tell(what)}${at}${now}.`;
    }
    case "said":
      return `The ${step.layer} says: ${step.said}`;
    case "table": {
      const change = step.changes.find((it) => it[0] === "rebuilt");
      return change && change[0] === "rebuilt" ? `The table is laid out anew, in ${change[3]} buckets.` : "The table changes.";
    }
    case "finding": {
      const finding = film.findings[step.finding ?? -1];
      if (!finding) return "Something does not balance.";
      const object = finding.object === null ? finding.shown || finding.type : objectName(film, finding.object);
      const head = finding.kind === "surplus" ? "A reference is lost" : finding.kind === "deficit" ? "A reference that nobody owned" : "A mistake";
      const where = finding.place ? `, ${placeName(finding.place)}` : "";
      return `${head}: ${object}${object ? ": " : ""}${finding.what} (${finding.function}${where}).`;
    }
    case "crash":
      return `The process dies here: ${step.said}.`;
    case "end":
      return `The end: ${step.said}.`;
  }
}

/** What one may search in: the sentence, and the line of source. @param {Film} film @param {Step} step */
export function searched(film, step) {
  const source = step.place ? lineOf(film, step.place[0], step.place[1]) : "";
  return `${sentence(film, step)} ${source}`.toLowerCase();
}

/** The sort of a step: which layer acts. @param {Step} step @returns {"python" | "extension" | "library" | "problem"} */
export function layerOf(step) {
  switch (step.kind) {
    case "line": case "call": case "return": case "exception": case "end": return "python";
    case "said": return step.layer === "library" ? "library" : "extension";
    case "table": return "library";
    case "finding": case "crash": return "problem";
    default: return "extension";
  }
}
