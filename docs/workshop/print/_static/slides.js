// The arrow keys, space and the page keys go from slide to slide.
"use strict";

const slides = [...document.querySelectorAll("body.slides > section > section")];
const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };

addEventListener("keydown", (event) => {
  const step = steps[event.key];
  if (!step || !slides.length) return;
  event.preventDefault();
  const middle = innerHeight / 2;
  const now = slides.findIndex((slide) => slide.getBoundingClientRect().bottom > middle);
  slides[Math.max(0, Math.min(slides.length - 1, now + step))].scrollIntoView({ block: "center" });
});
