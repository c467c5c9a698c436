// The live desk's small script: newest words in sight, words put into the answer, a message kept when it was not sent.
"use strict";
(() => {
  const log = () => document.querySelector(".desk__log");
  const toEnd = () => {
    const box = log();
    if (box) box.scrollTop = box.scrollHeight;
  };
  let last = Number(log()?.dataset.last ?? 0);
  let atEnd = true;
  let place = 0;
  toEnd();

  document.addEventListener("htmx:beforeSwap", (event) => {
    const box = log();
    if (event.detail.target.id !== "talk" || !box) return;
    atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    place = box.scrollTop;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "talk") return;
    const box = log();
    if (!box) return;
    if (atEnd) toEnd();
    else box.scrollTop = place;
    const now = Number(box.dataset.last ?? 0);
    if (now === last) return;
    last = now;
    const newest = [...box.querySelectorAll(":scope > .talk__line--citizen .talk__text")].pop();
    const line = box.querySelector(":scope > .talk__line:last-child");
    // Read aloud only what the citizen has just written: the whole talk again would be noise.
    if (line?.classList.contains("talk__line--citizen")) document.getElementById("heard").textContent = newest.textContent;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.elt.matches("[data-answer]") || !event.detail.successful) return;
    const field = document.getElementById("answer");
    field.value = "";
    field.focus();
    atEnd = true;
    toEnd();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "answer") {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-insert]");
    const field = document.getElementById("answer");
    if (!button || !field) return;
    const gap = field.value && !field.value.endsWith("\n") ? "\n" : "";
    field.setRangeText(gap + button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
    field.focus();
  });
})();
