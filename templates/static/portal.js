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
    // English skin: the menu and the labels, in the words the page brings along; what was published stays as it is.
    const skin = document.querySelector("[data-english]");
    const words = document.querySelectorAll("[data-en]");
    const speak = (english) => {
      for (const one of words) {
        one.dataset.zh ??= one.textContent;
        one.textContent = english ? one.dataset.en : one.dataset.zh;
        if (english) one.lang = "en"; else one.removeAttribute("lang");
      }
      skin.textContent = english ? "中文" : "English";
      skin.lang = english ? "zh-CN" : "en";
    };
    if (skin && root.lang.startsWith("zh")) {
      skin.hidden = false;
      if (kept("english")) speak(true);
      skin.addEventListener("click", () => {
        const english = !kept("english");
        keep("english", english);
        speak(english);
      });
    }
    for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
    alerted();
  });

  // The emergency banner: its words and addresses stand in the site's state file, so that pages drawn long ago show it.
  function alerted() {
    const style = getComputedStyle(root);
    const main = document.querySelector("main");
    const lines = [1, 2, 3].map((number) => style.getPropertyValue(`--alert-${number}`).trim().replace(/^"|"$/g, "").split(" "));
    const found = lines.filter(([words]) => words);
    if (!found.length || !main) return;
    const strip = document.createElement("aside");
    strip.className = "strip strip--alert";
    strip.setAttribute("aria-label", "应急信息");
    for (const [words, place] of found) {
      const line = document.createElement("p");
      const link = document.createElement(place ? "a" : "strong");
      if (place) link.href = place;
      link.textContent = decodeURIComponent(words);
      line.append(link);
      strip.append(line);
    }
    main.before(strip);
    root.dataset.alerted = "";
  }

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
