// The questions at the end of a chapter: shows what belongs to the choice that was taken. Nothing is sent or stored.
"use strict";

for (const question of document.querySelectorAll("fieldset.quiz")) {
  question.querySelector("details.answer").hidden = true;
  for (const why of question.querySelectorAll(".why")) why.setAttribute("aria-live", "polite");
  question.addEventListener("change", (event) => {
    for (const choice of question.querySelectorAll("label.choice")) {
      const taken = choice.contains(event.target);
      choice.classList.toggle("taken", taken);
      choice.nextElementSibling.hidden = !taken;
    }
    question.classList.toggle("solved", event.target.dataset.is === "right");
    question.querySelector("details.answer").hidden = false;
  });
}
