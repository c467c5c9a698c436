// Dragging the pieces of a bundle into order. The buttons beside them do the same without a mouse or this script.
"use strict";
(() => {
  let dragged = null;
  const item = (event) => event.target.closest?.("[data-bundle] [data-piece]");
  document.addEventListener("dragstart", (event) => {
    dragged = item(event);
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    dragged.classList.add("bundle__item--moving");
  });
  document.addEventListener("dragover", (event) => {
    const over = dragged && item(event);
    if (!over || over === dragged) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  document.addEventListener("drop", (event) => dragged && event.preventDefault());
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("bundle__item--moving");
    const list = dragged.closest("[data-bundle]");
    const button = document.querySelector("[data-reorder]");
    dragged = null;
    if (!list || !button) return;
    button.value = `set:${[...list.querySelectorAll("[data-piece]")].map((one) => one.dataset.piece).join(",")}`;
    button.click();
  });
})();
