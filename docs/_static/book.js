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
