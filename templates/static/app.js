// The console's small script: menu, dialogs, counters, drafts saved by themselves, messages. No framework, no inline code.
"use strict";
(() => {
  const words = (name, values = {}) => {
    const text = document.getElementById("words")?.dataset[name] ?? "";
    return text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  };
  const csrf = () => document.querySelector("meta[name=csrf]")?.content ?? "";

  // --- messages ---------------------------------------------------------------------------------------------------
  const STAYS_MS = 6000;
  function toast(text, tone = "good") {
    const box = document.getElementById("toasts");
    if (!box || !text) return;
    // What stands there already is not said again below itself.
    for (const line of box.querySelectorAll(".toast__text")) if (line.textContent === text) line.parentElement.remove();
    const item = document.createElement("div");
    item.className = `toast toast--${tone}`;
    const line = document.createElement("span");
    line.className = "toast__text";
    line.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast__close";
    close.setAttribute("aria-label", words("close"));
    close.textContent = "×";
    close.addEventListener("click", () => item.remove());
    item.append(line, close);
    box.append(item);
    if (tone !== "bad") setTimeout(() => item.remove(), STAYS_MS);
  }
  // The server sends HX-Trigger: {"toast": {"text": "…", "tone": "good"}}.
  document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.tone));
  document.addEventListener("htmx:responseError", (event) => {
    // Most failures bring their own words.
    if (!event.detail.xhr.getResponseHeader("HX-Trigger")) toast(words("failed"), "bad");
  });
  document.addEventListener("htmx:sendError", () => toast(words("offline"), "bad"));
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-CSRF-Token"] = csrf();
  });

  // --- menu on a phone --------------------------------------------------------------------------------------------
  function setMenu(open) {
    const menu = document.getElementById("menu");
    const button = document.querySelector("[data-menu]");
    if (!menu || !button) return;
    menu.classList.toggle("menu--open", open);
    button.setAttribute("aria-expanded", String(open));
    document.querySelector("[data-menu-close]").hidden = !open;
    if (open) menu.querySelector("a, summary")?.focus();
    else if (menu.contains(document.activeElement)) button.focus();
  }

  // --- asking before a dangerous act ------------------------------------------------------------------------------
  function ask(text, title, label) {
    return new Promise((resolve) => {
      const dialog = document.createElement("dialog");
      dialog.className = "dialog";
      dialog.setAttribute("aria-labelledby", "ask-title");
      dialog.setAttribute("aria-describedby", "ask-text");
      const head = document.createElement("div");
      head.className = "dialog__head";
      const name = document.createElement("h2");
      name.className = "dialog__title";
      name.id = "ask-title";
      name.textContent = title || words("title");
      head.append(name);
      const body = document.createElement("div");
      body.className = "dialog__body";
      const line = document.createElement("p");
      line.className = "dialog__text";
      line.id = "ask-text";
      line.textContent = text;
      const acts = document.createElement("div");
      acts.className = "dialog__acts";
      const no = document.createElement("button");
      no.type = "button";
      no.className = "button button--plain";
      no.textContent = words("no");
      const yes = document.createElement("button");
      yes.type = "button";
      yes.className = "button button--main";
      yes.textContent = label || words("yes");
      no.addEventListener("click", () => dialog.close(""));
      yes.addEventListener("click", () => dialog.close("yes"));
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
      acts.append(no, yes);
      body.append(line, acts);
      dialog.append(head, body);
      document.body.append(dialog);
      dialog.showModal();
      no.focus();
    });
  }
  const asked = new WeakSet();
  async function confirmFirst(event, holder, goOn) {
    if (asked.delete(holder)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { confirm, confirmTitle, confirmLabel } = holder.dataset;
    if (await ask(confirm, confirmTitle, confirmLabel)) {
      asked.add(holder);
      goOn();
    }
  }
  document.addEventListener("submit", (event) => {
    const holder = event.submitter?.matches("[data-confirm]") ? event.submitter : event.target;
    if (holder.matches("[data-confirm]")) {
      confirmFirst(event, holder, () => event.target.requestSubmit(event.submitter ?? undefined));
    }
  }, true);
  document.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    const { confirmTitle, confirmLabel } = event.detail.elt.dataset;
    ask(event.detail.question, confirmTitle, confirmLabel).then((yes) => yes && event.detail.issueRequest(true));
  });

  // --- clicks -----------------------------------------------------------------------------------------------------
  // Pages that do not come over HTTPS, as on an inner network, have no clipboard but the selection's.
  function copySelected(source) {
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    return document.execCommand("copy");
  }
  async function copy(button) {
    const source = document.querySelector(button.dataset.copy);
    if (navigator.clipboard) await navigator.clipboard.writeText(source.value ?? source.innerText);
    else if (!copySelected(source)) throw new Error("copy");
    toast(button.dataset.copied);
  }
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    const link = at("a[data-confirm]");
    if (link) confirmFirst(event, link, () => link.click());
    else if (at("[data-menu]")) setMenu(at("[data-menu]").getAttribute("aria-expanded") !== "true");
    else if (at("[data-menu-close]")) setMenu(false);
    else if (at("[data-open]")) document.getElementById(at("[data-open]").dataset.open)?.showModal();
    else if (at("[data-close]")) at("dialog")?.close();
    else if (at("[data-print]")) window.print();
    else if (at("[data-copy]")) copy(at("[data-copy]")).catch(() => toast(words("failed"), "bad"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") setMenu(false);
  });
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-check-all]");
    if (!all) return;
    for (const box of document.querySelectorAll(`input[name="${all.dataset.checkAll}"]`)) box.checked = all.checked;
  });

  // --- counting what is written -----------------------------------------------------------------------------------
  // "char" counts code points; "wide" counts as platforms do: two half-width units make one Chinese character.
  function written(text, unit) {
    const points = Array.from(text);
    if (unit !== "wide") return points.length;
    return Math.ceil(points.reduce((sum, point) => sum + (point.codePointAt(0) < 0x100 ? 1 : 2), 0) / 2);
  }
  function count(input) {
    const place = document.querySelector(`[data-count-of="${input.id}"]`);
    if (!place) return;
    const limit = Number(input.dataset.limit);
    const n = written(input.value, input.dataset.limitUnit);
    const over = Math.max(0, n - limit);
    place.textContent = words(over ? "over" : "count", { n, limit, over });
    place.classList.toggle("field__count--over", over > 0);
  }

  // --- drafts that save themselves --------------------------------------------------------------------------------
  const PAUSE_MS = 1500;
  const RETRY_MS = 10000;
  const unsaved = new Map();
  function say(form, name, bad = false, after = "") {
    const place = form.querySelector("[data-autosave-state]");
    if (!place) return;
    place.textContent = words(name) + after;
    place.classList.toggle("form-end__state--bad", bad);
  }
  async function save(form) {
    const version = unsaved.get(form);
    say(form, "saving");
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-CSRF-Token": csrf(), "X-Autosave": "1" },
      });
      if (!answer.ok && answer.status < 500) return say(form, "refused", true);
      if (!answer.ok) throw new Error(String(answer.status));
      if (unsaved.get(form) === version) unsaved.delete(form);
      const clock = new Date().toTimeString().slice(0, 5);
      say(form, "saved", false, ` ${clock}`);
      form.dispatchEvent(new CustomEvent("autosaved", { bubbles: true }));
    } catch {
      say(form, "unsaved", true);
      form.saving = setTimeout(save, RETRY_MS, form);
    }
  }
  function changed(form) {
    unsaved.set(form, (unsaved.get(form) ?? 0) + 1);
    clearTimeout(form.saving);
    form.saving = setTimeout(save, PAUSE_MS, form);
  }
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-limit]")) count(event.target);
    const form = event.target.form;
    if (form?.dataset.autosave) changed(form);
  });
  document.addEventListener("submit", (event) => {
    clearTimeout(event.target.saving);
    unsaved.delete(event.target);
  });
  window.addEventListener("beforeunload", (event) => {
    // A few words are saved while the page is left; whatever is larger has to be waited for.
    for (const form of [...unsaved.keys()].filter((one) => "autosaveLeave" in one.dataset)) {
      const body = new FormData(form);
      fetch(form.dataset.autosave, { method: "POST", body, headers: { "X-CSRF-Token": csrf(), "X-Autosave": "1" }, keepalive: true });
      clearTimeout(form.saving);
      unsaved.delete(form);
    }
    if (unsaved.size) event.preventDefault();
  });

  // --- start ------------------------------------------------------------------------------------------------------
  function prepare(root) {
    for (const input of root.querySelectorAll("[data-limit]")) count(input);
    root.querySelector("[data-focus]")?.focus();
  }
  prepare(document);
  // htmx tells of the whole page a moment later, when somebody may already type in another field.
  document.addEventListener("htmx:load", (event) => event.detail.elt === document.body || prepare(event.detail.elt));
  document.querySelector('.menu [aria-current="page"]')?.scrollIntoView({ block: "nearest" });
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  window.xuanda = { toast, ask, written };
})();
