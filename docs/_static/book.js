/* Pictures that answer to the reader. Without this file they are pictures all the same. */

"use strict";

document.addEventListener("DOMContentLoaded", () => {
  for (const figure of document.querySelectorAll("figure.picture")) {
    const light = (key) => {
      for (const part of figure.querySelectorAll("[data-on]")) {
        part.classList.toggle("lit", part.dataset.on.split(" ").includes(key));
      }
      for (const part of figure.querySelectorAll("[data-line]")) {
        part.classList.toggle("dim", part.dataset.line !== key);
      }
      for (const button of figure.querySelectorAll("button[data-key]")) {
        button.setAttribute("aria-pressed", String(button.dataset.key === key));
      }
    };
    for (const part of figure.querySelectorAll("[data-key]")) {
      part.addEventListener("click", () => light(part.dataset.key));
      if (part.tagName !== "BUTTON") {
        part.addEventListener("pointerenter", () => light(part.dataset.key));
        part.addEventListener("focus", () => light(part.dataset.key));
      }
    }
  }

  // Parts that move, such as references as discs: each step has the places of all of them.
  for (const figure of document.querySelectorAll("figure.picture:has(.token)")) {
    const steps = [...figure.querySelectorAll(".token-step")];
    const said = figure.querySelector("output");
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    let [now, timer] = [steps.findIndex((step) => "first" in step.dataset), 0];
    const show = (number, quietly) => {
      now = number;
      const state = JSON.parse(steps[number].dataset.state);
      for (const token of figure.querySelectorAll(".token")) {
        const place = state.at[token.dataset.token];
        token.classList.toggle("away", !place);
        if (place) token.style.transform = `translate(${place[0]}px, ${place[1]}px)`;
      }
      figure.querySelector(".token-lent")?.classList.toggle("away", !state.lent);
      steps.forEach((step, other) => step.classList.toggle("lit", other === number));
      if (!quietly) said.textContent = state.said;
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      figure.querySelector("[data-do=play]").textContent = "play";
    };
    const go = {
      back: () => show(Math.max(now - 1, 0)),
      step: () => show((now + 1) % steps.length),
      play: () => {
        show(0);
        figure.querySelector("[data-do=play]").textContent = "stop";
        timer = setInterval(() => (now + 1 < steps.length ? show(now + 1) : stop()), still ? 2500 : 1500);
      },
    };
    for (const button of figure.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => {
        const playing = timer;
        stop();
        if (!(playing && button.dataset.do === "play")) go[button.dataset.do]();
      });
    }
    steps.forEach((step, number) => {
      step.addEventListener("click", () => {
        stop();
        show(number);
      });
    });
    show(now, true);
  }

  // The collector's sum: what owns and what is shown is chosen, and then it is done step by step.
  for (const figure of document.querySelectorAll("figure.picture:has([data-sums])")) {
    const sums = JSON.parse(figure.querySelector("[data-sums]").dataset.sums);
    const part = (name) => figure.querySelector(`[data-part="${name}"]`);
    const button = (name) => figure.querySelector(`[data-choose="${name}"]`);
    const write = (name, text) => {
      figure.querySelector(`[data-number="${name}"]`).textContent = text;
    };
    let [named, shown, step] = [0, 1, 3];
    const show = () => {
      const { counts, steps } = sums[`${named}${shown}`];
      const { visits, said, end } = steps[step];
      part("variable").classList.toggle("away", !named);
      ["table", "function"].forEach((name, number) => {
        write(`${name}-count`, String(counts[number]));
        write(`${name}-visits`, `- ${visits[number]}`);
        write(`${name}-left`, `= ${counts[number] - visits[number]}`);
        part(name).classList.toggle("gone", end === "gone" || (end === "destroyed" && name === "table"));
        part(name).classList.toggle("destroyed", end === "destroyed" && name === "function");
      });
      part("table-shows").classList.toggle("lit", step === 1 && shown > 0);
      part("function-shows").classList.toggle("lit", step === 2);
      button("named").setAttribute("aria-pressed", String(Boolean(named)));
      for (const number of [0, 1, 2]) button(number).setAttribute("aria-pressed", String(number === shown));
      figure.querySelector("output").textContent = said;
    };
    for (const pressed of figure.querySelectorAll("[data-choose]")) {
      pressed.addEventListener("click", () => {
        const chosen = pressed.dataset.choose;
        if (chosen === "step") step = (step + 1) % 4;
        else if (chosen === "start") step = 0;
        else {
          // Another case: its sum at once, and step by step from the start if one likes.
          if (chosen === "named") named = 1 - named;
          else shown = Number(chosen);
          step = 3;
        }
        show();
      });
    }
    show();
  }

  const slider = document.getElementById("sizes-slider");
  if (slider) {
    const buckets = document.getElementById("sizes-buckets");
    const keys = buckets.dataset.keys.split(" ").map(Number);
    const make = (name, attributes, text) => {
      const part = document.createElementNS("http://www.w3.org/2000/svg", name);
      for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
      part.textContent = text || "";
      buckets.appendChild(part);
    };
    slider.addEventListener("input", () => {
      const size = Number(slider.value);
      const [left, base, width] = [10, 150, 440 / size];
      document.getElementById("sizes-shown").textContent = String(size);
      buckets.replaceChildren();
      const height = new Array(size).fill(0);
      for (let bucket = 0; bucket < size; bucket += 1) {
        make("rect", { class: "box library", x: left + bucket * width, y: base, width, height: 24, rx: 5 });
        make("text", { class: "small mid", x: left + (bucket + 0.5) * width, y: base + 16 }, String(bucket));
      }
      for (const key of keys) {
        const bucket = key % size;
        const [x, y] = [left + (bucket + 0.5) * width, base - 15 - Math.min(26, 130 / keys.length + 4) * height[bucket]];
        make("circle", { class: "box extension", cx: x, cy: y, r: 11 });
        make("text", { class: "small mid", x, y: y + 4 }, String(key));
        height[bucket] += 1;
      }
    });
  }
});
