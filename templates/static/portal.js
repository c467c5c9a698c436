// The portal's small script: elder version, larger type, printing, asking before a link leaves the site. No cookie.
"use strict";
(() => {
  const root = document.documentElement;
  const kept = (name) => { try { return localStorage.getItem(name) === "1"; } catch { return false; } };
  const keep = (name, on) => { try { localStorage.setItem(name, on ? "1" : "0"); } catch { /* a private window keeps nothing */ } };
  const modes = ["elder", "larger"];
  for (const mode of modes) root.classList.toggle(mode, kept(mode));
  if (root.lang.startsWith("zh")) root.classList.toggle("english", kept("english"));

  document.addEventListener("DOMContentLoaded", () => {
    const show = () => {
      for (const button of document.querySelectorAll("[data-mode]")) {
        const on = root.classList.contains(button.dataset.mode);
        button.setAttribute("aria-pressed", String(on));
        const words = button.querySelector("[data-word]");
        if (words) words.textContent = say(on ? button.dataset.off : button.dataset.on);
        button.hidden = false;
      }
      reach();
    };
    show();
    addEventListener("resize", reach);
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
      root.classList.toggle("english", english);
      document.dispatchEvent(new Event("skin"));
      if (!english) putBack();
      else if (self.portalEnglish) translate();
      else {
        const list = document.createElement("script");
        list.src = skin.dataset.english;
        list.onload = () => { if (root.classList.contains("english")) { translate(); show(); } };
        document.head.append(list);
      }
      show();
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

  // A table that is wider than its page is scrolled by keyboard as well: not every browser lets one come to it.
  function reach() {
    for (const table of document.querySelectorAll(".body table")) {
      if (table.scrollWidth > table.clientWidth) table.tabIndex = 0;
      else table.removeAttribute("tabindex");
    }
  }

  // What the labels are called in English; what a page puts into one stays as it is.
  const original = new Map();
  // Words of the office, which stay as they were signed.
  const SIGNED = ".body, .qa__answer, .entries__link, .article__title, .results__title, .results__text, .lead__title, .lead__text, "
    + ".shots__link, .asks__link, .way__name, .place__name, #chat, [data-en], [data-word], [data-english], script, style";
  // What is read out, shown by the style sheet, or said by a script later.
  const SPOKEN = ["aria-label", "placeholder", "title", "label", "data-label", "data-on", "data-off", "data-all", "data-saved", "data-denied", "data-failed",
    "data-none", "data-agree", "data-push-on", "data-push-save"];
  const keyOf = (name) => `zh${name.replaceAll("-", "")}`;
  let forms;
  function say(words) {
    if (!root.classList.contains("english") || !self.portalEnglish) return words;
    const known = self.portalEnglish;
    const [, before, text, after] = words.match(/^(\s*)([\s\S]*?)(\s*)$/);
    if (Object.hasOwn(known, text)) return before + known[text] + after;
    const [label, ...rest] = text.split("：");
    if (rest.length && Object.hasOwn(known, label)) return `${before}${known[label]}: ${rest.join("：").trim()}${after}`;
    forms ??= Object.keys(known).filter((one) => one.includes("%(")).map((one) => [form(one.replaceAll("%%", "%")), known[one].replaceAll("%%", "%")]);
    for (const [pattern, english] of forms) {
      const found = pattern.exec(text);
      if (found) return before + english.replace(/%\((\w+)\)s/g, (whole, name) => found.groups[name] ?? whole) + after;
    }
    return words;
  }
  function form(message) {
    const parts = message.split(/%\((\w+)\)s/);
    return new RegExp(`^${parts.map((part, place) => place % 2 ? `(?<${part}>[\\s\\S]+?)` : part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("")}$`);
  }
  function translate() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      const inside = node.parentElement;
      if (original.has(node) || !node.nodeValue.trim() || (inside.closest(SIGNED) && !inside.closest(".mark"))) continue;
      const english = say(node.nodeValue);
      if (english === node.nodeValue) continue;
      const alone = [...inside.childNodes].every((one) => one === node || !one.textContent.trim()) && !inside.lang;
      original.set(node, [node.nodeValue, alone]);
      node.nodeValue = english;
      if (alone) inside.lang = "en";
    }
    for (const name of SPOKEN) {
      for (const one of document.body.querySelectorAll(`[${name}]:not([data-mode])`)) {
        const words = one.getAttribute(name);
        if (say(words) === words || one.closest("#chat")) continue;
        one.dataset[keyOf(name)] = words;
        one.setAttribute(name, say(words));
      }
    }
  }
  function putBack() {
    for (const [node, [words, alone]] of original) {
      node.nodeValue = words;
      if (alone) node.parentElement?.removeAttribute("lang");
    }
    original.clear();
    for (const name of SPOKEN) {
      for (const one of document.body.querySelectorAll(`[data-${keyOf(name)}]`)) {
        one.setAttribute(name, one.dataset[keyOf(name)]);
        delete one.dataset[keyOf(name)];
      }
    }
  }

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
