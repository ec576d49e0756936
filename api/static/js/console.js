/* Draws the curves and speaks the progress; forms and links work without it. */
"use strict";

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw(box) {
  const values = JSON.parse(box.dataset.plot);
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  const points = { show: values.length < 40 };
  new uPlot({
    width: box.clientWidth, height: 220, legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false } },
    axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100] }, { ...axis, size: 60 }],
    series: [{ label: "epoch" }, { label: box.dataset.label, stroke: colour("--brand"), width: 2, points }],
  }, [values.map((_, at) => at + 1), values], box);
}

function drawAll(root) {
  for (const box of root.querySelectorAll("[data-plot]")) {
    box.replaceChildren();
    draw(box);
  }
}

function say(root) {
  const live = document.getElementById("say");
  const speaker = root.matches("[data-say]") ? root : root.querySelector("[data-say]");
  if (live && speaker && live.textContent !== speaker.dataset.say) live.textContent = speaker.dataset.say;
}

/* A swapped fragment brings its own words and curves; focus stays where the same control is. */
document.addEventListener("htmx:load", (event) => {
  drawAll(event.target);
  say(event.target);
});

let width = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === width) return;
  width = window.innerWidth;
  drawAll(document);
});

/* A picker beside a field of six digits: each follows the other, and only the field is sent. */
function pair(picker) {
  const field = document.getElementById(picker.dataset.twin);
  if (!field) return;
  picker.parentElement.hidden = false;
  picker.addEventListener("input", () => { field.value = picker.value; });
  field.addEventListener("input", () => {
    if (/^#[0-9a-f]{6}$/i.test(field.value)) picker.value = field.value;
  });
}
for (const picker of document.querySelectorAll("[data-twin]")) pair(picker);
