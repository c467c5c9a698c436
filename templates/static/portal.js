// The portal's small script: elder version, larger type, printing, asking before a link leaves the site. No cookie.
"use strict";
(() => {
  const root = document.documentElement;
  const kept = (name) => { try { return localStorage.getItem(name) === "1"; } catch { return false; } };
  const keep = (name, on) => { try { localStorage.setItem(name, on ? "1" : "0"); } catch { /* a private window keeps nothing */ } };
  const modes = ["elder", "larger"];
  for (const mode of modes) root.classList.toggle(mode, kept(mode));

  document.addEventListener("DOMContentLoaded", () => {
    const show = () => {
      for (const button of document.querySelectorAll("[data-mode]")) {
        const on = root.classList.contains(button.dataset.mode);
        button.setAttribute("aria-pressed", String(on));
        const words = button.querySelector("[data-word]");
        if (words) words.textContent = on ? button.dataset.off : button.dataset.on;
        button.hidden = false;
      }
    };
    show();
    document.addEventListener("click", (event) => {
      const mode = event.target.closest("[data-mode]")?.dataset.mode;
      if (mode) {
        keep(mode, root.classList.toggle(mode));
        show();
      }
      if (event.target.closest("[data-print]")) window.print();
      const link = event.target.closest("a[href]");
      if (link && leaves(link)) askBeforeLeaving(event, link);
    });
    for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
  });

  function leaves(link) {
    return /^https?:$/.test(link.protocol) && link.hostname !== location.hostname && !link.hasAttribute("data-own");
  }
  function askBeforeLeaving(event, link) {
    const dialog = document.getElementById("leaving");
    if (!dialog?.showModal) return;
    event.preventDefault();
    dialog.querySelector("[data-go]").href = link.href;
    dialog.showModal();
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("#leaving [data-stay], #leaving [data-go]")) document.getElementById("leaving").close();
  });
})();
