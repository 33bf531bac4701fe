// @ts-check
/** The page: puts the state at a step into the document, and listens to the keys. */

import { Reel, inOrder, touches } from "./state.js";
import { layerOf, lineOf, objectName, sentence } from "./words.js";
import { filtered, find, next, readLink, writeLink } from "./places.js";
import { element } from "./draw.js";
import { draw, inWords } from "./picture.js";

/** @typedef {import("./film.js").Film} Film */
/** @typedef {import("./places.js").Sort} Sort */

const LIST_LINE = 26;

/** @template {HTMLElement} T @param {string} id @returns {T} */
function by(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return /** @type {T} */ (found);
}

/** Starts the page. @param {Film} film */
export function start(film) {
  const reel = new Reel(film);
  const total = film.steps.length;
  const link = readLink(location.hash, film);
  /** @type {{object: number | null, sort: Sort, among: number[] | null}} */
  const view = { object: link.object, sort: link.sort, among: filtered(film, link.sort, link.object) };
  /** @type {Map<string, import("./table.js").Placed>} */
  let placed = new Map();
  /** @type {number | undefined} */
  let linking;
  // Asking the document how it is laid out costs more than all the rest of a step; so it is asked once.
  const seen = { top: 0, height: 0 };
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");
  const output = new TextEncoder().encode(film.output);

  by("title").textContent = film.title;
  const ending = by("ending");
  ending.textContent = `${film.ending.words}; the ledger says: ${film.verdict}`;
  ending.className = film.exit_code === 0 ? "good" : film.exit_code === 1 ? "bad" : "unknown";
  const notes = [...film.notes];
  if (film.limit.reached) notes.unshift(`the film ends at its limit of ${film.limit.steps.toLocaleString("en")} steps; the script went on`);
  if (film.ending.timed_out) notes.unshift("the script was stopped, and this is what had been recorded until then");
  by("notes").append(...notes.map((note) => element("li", {}, note)));
  const slider = /** @type {HTMLInputElement} */ (by("slider"));
  const number = /** @type {HTMLInputElement} */ (by("number"));
  slider.max = number.max = String(total);
  by("total").textContent = total.toLocaleString("en");
  const search = /** @type {HTMLInputElement} */ (by("search"));
  const only = /** @type {HTMLSelectElement} */ (by("only"));
  only.value = view.sort;
  const problems = film.steps.flatMap((step, at) => (layerOf(step) === "problem" ? [at] : []));
  by("problem").hidden = problems.length === 0;

  // ---- moving ------------------------------------------------------------------------------------------------------------

  /** @param {number | undefined} step */
  function show(step) {
    if (step === undefined || !total) return;
    reel.go(step);
    render();
  }

  /** @param {1 | -1} direction */
  const move = (direction) => show(next(film, view.among, reel.at, direction));
  /** To the next line of Python. @param {1 | -1} direction */
  function line(direction) {
    for (let at = reel.at + direction; at >= 0 && at < total; at += direction)
      if (film.steps[at].kind === "line") return show(at);
    show(direction > 0 ? total - 1 : 0);
  }
  /** @param {1 | -1} direction */
  function look(direction) {
    const at = find(film, view.among, reel.at, direction, search.value);
    by("found").textContent = at === undefined && search.value.trim() ? "not found" : "";
    show(at);
  }
  /** @param {Sort} sort @param {number | null} object */
  function filter(sort, object) {
    Object.assign(view, { sort, object, among: filtered(film, sort, object) });
    only.value = sort;
    const { among } = view;
    if (among?.length && !among.includes(reel.at)) reel.go(next(film, among, reel.at, 1) ?? among[among.length - 1]);
    render();
  }
  const follow = (/** @type {number} */ o) => filter(view.sort, view.object === o ? null : o);

  // ---- drawing -----------------------------------------------------------------------------------------------------------

  function render() {
    const { at, state } = reel;
    const step = film.steps[at];
    const told = sentence(film, step);
    by("sentence").textContent = told;
    by("sentence").className = layerOf(step);
    by("where").textContent = `Step ${(at + 1).toLocaleString("en")}`;
    slider.value = number.value = String(at + 1);
    slider.setAttribute("aria-valuetext", `Step ${at + 1}: ${told}`);
    clearTimeout(linking);
    linking = setTimeout(() => {
      try {
        history.replaceState(null, "", writeLink({ step: reel.at, object: view.object, sort: view.sort }));
      } catch {
        // A page that is shown inside another one may not be allowed to.
      }
    }, 80);
    const { object } = view;
    by("filter").hidden = object === null && view.sort === "all";
    const about = object === null ? "" : `steps that touch ${objectName(film, object)}`;
    const sort = view.sort === "all" ? "" : only.selectedOptions[0]?.textContent ?? "";
    by("filtered").textContent = `${view.among?.length ?? total} steps: ${[sort, about].filter(Boolean).join(", ")}`;

    const result = draw(film, state, at, view.object, follow);
    const focused = document.activeElement?.getAttribute("data-object");
    by("picture").replaceChildren(result.drawn);
    if (focused) /** @type {HTMLElement | null} */ (result.drawn.querySelector(`[data-object="${focused}"]`))?.focus();
    animate(result.cells, step.changes.some((change) => change[0] === "rebuilt"));
    sources(step);
    stack(step);
    by("output").textContent = new TextDecoder().decode(output.subarray(0, state.facts.get("output") ?? 0));
    if (step.kind === "end" || step.kind === "crash") by("output").textContent = film.output;
    by("words").replaceChildren(
      ...inWords(film, state, touches(step), view.object).map(({ text, bad }) => element("li", bad ? { class: "bad" } : {}, text)),
    );
    list(true);
  }

  /** Pairs that lie elsewhere since the table was rebuilt move there. @param {Map<string, import("./table.js").Placed>} cells
   * @param {boolean} rebuilt */
  function animate(cells, rebuilt) {
    for (const [key, { drawn, x, y }] of cells) {
      const there = placed.get(key);
      if (rebuilt && there && !quiet.matches && (x !== there.x || y !== there.y))
        drawn.animate(
          [{ transform: `translate(${there.x - x}px, ${there.y - y}px)` }, { transform: "none" }],
          { duration: 700, easing: "ease-in-out" },
        );
    }
    placed = cells;
  }

  /** Where Python and the extension are: lines, quoted in place. @param {import("./film.js").Step} step */
  function sources(step) {
    const { state } = reel;
    const thread = step.thread ?? 1;
    const stack = state.stacks.get(thread) ?? [];
    const frame = [...stack].reverse().find((it) => it > 0);
    const line = frame === undefined ? 0 : state.frames.get(frame)?.line ?? 0;
    quote("python", film.script, line, step.kind === "exception");
    const call = stack.filter((it) => it < 0).at(-1);
    const place = step.place ?? (call === undefined ? null : state.calls.get(-call)?.place);
    by("native-part").hidden = !place;
    if (place) quote("native", place[0], place[1], layerOf(step) === "problem" || step.kind === "crash");
  }

  /** @param {string} id @param {string} file @param {number} line @param {boolean} bad */
  function quote(id, file, line, bad) {
    by(`${id}-file`).textContent = line ? `${file}, line ${line}` : file;
    const parts = film.files.find((it) => it.name === file)?.parts ?? [];
    const part = parts.find(([first, lines]) => line >= first && line < first + lines.length) ?? parts[0];
    if (!part) {
      by(id).replaceChildren(element("p", { class: "quiet" }, "The source of this file was not found."));
      return;
    }
    const last = part[0] + part[1].length - 1;
    const from = Math.max(part[0], Math.min(line - 6, last - 12));
    const to = Math.min(last, from + 12);
    const lines = [];
    for (let at = from; at <= to; at += 1) {
      const here = at === line;
      const text = element("code", {}, lineOf(film, file, at) || " ");
      const row = element("li", { class: here ? (bad ? "here bad" : "here") : undefined, value: at }, text);
      if (here) row.setAttribute("aria-current", "step");
      lines.push(row);
    }
    by(id).replaceChildren(element("ol", {}, ...lines));
  }

  /** Who has called whom, through the layers. @param {import("./film.js").Step} step */
  function stack(step) {
    const { state } = reel;
    const rows = [];
    const several = state.stacks.size > 1;
    for (const [thread, running] of inOrder(state.stacks)) {
      if (several && running.length) rows.push(element("li", { class: "quiet" }, `thread ${thread}`));
      for (const it of running) {
        const frame = state.frames.get(it);
        const call = state.calls.get(-it);
        if (it > 0 && frame) rows.push(element("li", { class: "python" }, element("b", {}, "Python "), `${frame.name}, line ${frame.line}`));
        if (it < 0 && call) rows.push(element("li", { class: "extension" }, element("b", {}, "extension "), call.name));
      }
    }
    if (layerOf(step) === "library") rows.push(element("li", { class: "library" }, element("b", {}, "library "), step.said ?? "the table"));
    by("stack").replaceChildren(...rows);
  }

  /** The list of steps: only the lines in sight are in the document. @param {boolean} follow scroll to the step */
  function list(follow) {
    const place = by("list");
    const { among } = view;
    const length = among?.length ?? total;
    by("list-inside").style.height = `${length * LIST_LINE}px`;
    let mine = reel.at;
    if (among) mine = Math.max(0, among.findIndex((at) => at >= reel.at));
    if (!seen.height) seen.height = place.clientHeight;
    if (follow) {
      const top = mine * LIST_LINE;
      if (top < seen.top || top > seen.top + seen.height - LIST_LINE) {
        place.scrollTop = Math.max(0, top - seen.height / 2);
        seen.top = place.scrollTop;
      }
    }
    const first = Math.max(0, Math.floor(seen.top / LIST_LINE) - 4);
    const last = Math.min(length, first + Math.ceil(seen.height / LIST_LINE) + 10);
    const rows = [];
    for (let index = first; index < last; index += 1) {
      const at = among ? among[index] : index;
      const step = film.steps[at];
      const row = element(
        "div",
        { class: `${layerOf(step)}${at === reel.at ? " here" : ""}`, role: "option", "aria-selected": String(at === reel.at), "aria-setsize": length, "aria-posinset": index + 1, "data-step": at },
        element("span", { class: "number" }, String(at + 1)),
        element("span", {}, sentence(film, step)),
      );
      row.style.top = `${index * LIST_LINE}px`;
      rows.push(row);
    }
    by("list-inside").replaceChildren(...rows);
  }

  // ---- listening ---------------------------------------------------------------------------------------------------------

  const help = /** @type {HTMLDialogElement} */ (by("help"));
  /** @type {Record<string, () => void>} */
  const actions = {
    first: () => show(view.among?.[0] ?? 0),
    back: () => move(-1),
    forward: () => move(1),
    last: () => show(view.among?.at(-1) ?? total - 1),
    "line-back": () => line(-1),
    "line-forward": () => line(1),
    problem: () => show(problems.find((at) => at > reel.at) ?? problems[0]),
    find: () => look(1),
    "find-back": () => look(-1),
    unfilter: () => filter("all", null),
    theme: () => {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
    },
    help: () => (help.open ? help.close() : help.showModal()),
  };
  /** @type {Record<string, string>} */
  const keys = {
    ArrowRight: "forward", ArrowLeft: "back", l: "forward", h: "back", ArrowDown: "line-forward", ArrowUp: "line-back",
    j: "line-forward", k: "line-back", Home: "first", End: "last", n: "find", N: "find-back", p: "problem",
    a: "unfilter", t: "theme", "?": "help",
  };
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const action = target?.closest("[data-do]")?.getAttribute("data-do");
    if (action) actions[action]?.();
    const row = target?.closest("[data-step]");
    if (row) show(Number(row.getAttribute("data-step")));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const target = event.target;
    const typing = target instanceof HTMLInputElement && target !== slider;
    if (typing || target instanceof HTMLSelectElement) {
      if (event.key === "Escape") {
        event.preventDefault(); // what was searched for stays, for n and N
        target.blur();
      }
      return;
    }
    if (help.open && event.key !== "?") return;
    if (event.key === "/") {
      event.preventDefault();
      search.focus();
      search.select();
      return;
    }
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    actions[action]();
  });
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter") look(event.shiftKey ? -1 : 1);
  });
  slider.addEventListener("input", () => show(Number(slider.value) - 1));
  number.addEventListener("change", () => show(Math.min(Math.max(Number(number.value) || 1, 1), total) - 1));
  only.addEventListener("change", () => filter(/** @type {Sort} */ (only.value), view.object));
  by("list").addEventListener("scroll", () => {
    seen.top = by("list").scrollTop;
    list(false);
  }, { passive: true });
  addEventListener("resize", () => {
    seen.height = 0;
  });
  addEventListener("hashchange", () => {
    const to = readLink(location.hash, film);
    Object.assign(view, { object: to.object, sort: to.sort, among: filtered(film, to.sort, to.object) });
    only.value = view.sort;
    show(to.step);
  });
  show(link.step);
}

if (typeof document !== "undefined") start(JSON.parse(by("film").textContent ?? ""));
