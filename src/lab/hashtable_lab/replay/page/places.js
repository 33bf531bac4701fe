// @ts-check
/** Moving about in a film: searching, filtering, and what a link to a step looks like. */

import { touches } from "./state.js";
import { layerOf, searched } from "./words.js";

/** @typedef {import("./film.js").Film} Film */

/** Which steps one goes through. @typedef {"all" | "python" | "extension" | "library" | "problems"} Sort */

/** The steps that a filter lets through, in order; null: all of them.
 * @param {Film} film @param {Sort} sort @param {number | null} object @returns {number[] | null} */
export function filtered(film, sort, object) {
  if (sort === "all" && object === null) return null;
  /** @type {number[]} */
  const found = [];
  film.steps.forEach((step, at) => {
    const layer = layerOf(step);
    const right = sort === "all" || layer === sort || (sort === "problems" && layer === "problem");
    if (right && (object === null || touches(step).has(object))) found.push(at);
  });
  return found;
}

/** The next step among some, from a step on; undefined: there is none.
 * @param {Film} film @param {number[] | null} among @param {number} from @param {1 | -1} direction */
export function next(film, among, from, direction) {
  if (among === null) {
    const to = from + direction;
    return to >= 0 && to < film.steps.length ? to : undefined;
  }
  let low = 0;
  let high = among.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (among[middle] <= from - (direction < 0 ? 1 : 0)) low = middle + 1;
    else high = middle;
  }
  return among[direction > 0 ? low : low - 1];
}

/** The next step that has a text in it, going round at the end; undefined: none has.
 * @param {Film} film @param {number[] | null} among @param {number} from @param {1 | -1} direction @param {string} text */
export function find(film, among, from, direction, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return undefined;
  const steps = film.steps;
  const allowed = among === null ? null : new Set(among);
  for (let count = 1; count <= steps.length; count += 1) {
    const at = (from + direction * count + steps.length * 2) % steps.length;
    if ((!allowed || allowed.has(at)) && searched(film, steps[at]).includes(wanted)) return at;
  }
  return undefined;
}

/** What a link says. @typedef {{step: number, object: number | null, sort: Sort}} Link */

/** @param {string} hash @param {Film} film @returns {Link} */
export function readLink(hash, film) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const number = (/** @type {string} */ name) => {
    const value = parts.get(name);
    return value !== null && /^\d{1,9}$/.test(value) ? Number(value) : null;
  };
  const step = Math.min(Math.max((number("step") ?? 1) - 1, 0), Math.max(film.steps.length - 1, 0));
  const object = number("object");
  const sort = /** @type {Sort} */ (parts.get("only") ?? "all");
  return {
    step,
    object: object !== null && object < film.objects.length ? object : null,
    sort: ["python", "extension", "library", "problems"].includes(sort) ? sort : "all",
  };
}

/** @param {Link} link */
export function writeLink({ step, object, sort }) {
  const parts = [`step=${step + 1}`];
  if (object !== null) parts.push(`object=${object}`);
  if (sort !== "all") parts.push(`only=${sort}`);
  return `#${parts.join("&")}`;
}
