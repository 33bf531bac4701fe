// The front page: a table to play with. Its picture was drawn when the site was built; from the first touch on, it is alive.

import { element } from "./element.mjs";
import { Session } from "./session.mjs";

const OWN = "def my_hash(key):\n    return len(str(key))\n";

/** @param {HTMLElement} place  holds a first picture, which build.py has drawn */
export function show(place) {
  const session = new Session({ archive: "front" });
  const picture = place.querySelector(".live-picture");
  const says = element("p", { class: "live-says", role: "status" }, picture.dataset.says);
  const size = element("input", { type: "number", min: 1, max: 64, value: 4, id: "live-size" });
  const load = element("input", { type: "range", min: 0.1, max: 1, step: 0.1, value: 0.5, id: "live-load" });
  const loadShown = element("output", { for: "live-load" }, "0.5");
  const choice = element("select", { id: "live-hash" }, ...["hash", "library_hash", "mixed_hash", "my_hash"].map((name) => element("option", {}, name)));
  const own = element("textarea", { class: "live-editor", spellcheck: "false", rows: 3, hidden: true, "aria-label": "Your hash function" });
  const line = element("input", { type: "text", class: "live-line", value: 'h.set("pi", 3)', spellcheck: "false", autocapitalize: "off", "aria-label": "A statement; Enter runs it" });
  const printed = element("pre", { class: "live-printed", role: "log", "aria-label": "What it printed" });
  const progress = element("progress", { max: 1, value: 0, hidden: true, "aria-label": "Loading Python" });
  own.value = OWN;
  session.watch((state, detail) => {
    progress.hidden = state !== "loading";
    if (state === "loading") (progress.value = detail), (says.textContent = "Loading Python …");
    if (state === "died") says.textContent = detail;
  });

  function shown({ svg, says: sentence, printed: text }) {
    if (svg) picture.innerHTML = svg;
    says.textContent = sentence;
    printed.textContent = text;
  }

  // One thing after the other: a knob that is turned while Python is being loaded waits.
  let last = Promise.resolve();
  const ask = (details) => (last = last.then(() => session.front(details)).then(shown, (error) => (says.textContent = error.message)));
  const turn = () => ask({ ask: "turn", arguments: [Number(size.value), Number(load.value), choice.value, own.value] });
  const type = () => ask({ ask: "execute", arguments: [line.value] });

  size.addEventListener("change", turn);
  load.addEventListener("input", () => (loadShown.textContent = load.value));
  load.addEventListener("change", turn);
  choice.addEventListener("change", () => ((own.hidden = choice.value !== "my_hash"), turn()));
  own.addEventListener("change", turn);
  line.addEventListener("keydown", (event) => event.key === "Enter" && type());

  const stop = element("button", { type: "button", onclick: () => session.end("You stopped it. The table is gone; turn a knob for a new one.") }, "Stop");
  place.prepend(
    element(
      "div",
      { class: "live-knobs" },
      element("label", { for: "live-size" }, "size ", size),
      element("label", { for: "live-load" }, "maximum load ", load, loadShown),
      element("label", { for: "live-hash" }, "hash function ", choice),
    ),
    own,
  );
  place.append(says, element("div", { class: "live-prompt" }, element("span", {}, ">>>"), line, element("button", { type: "button", onclick: type }, "Run"), stop, progress), printed);
  place.hidden = false;
}
