// What is sent after the log-in has ended: the server shows the log-in instead, and what was typed would be gone with its
// page. It is kept in this tab until the next page, and put back where the same person comes back to the same form.
"use strict";
(() => {
  const KEPT = "unsent";
  const LOGIN = "/console/login";
  const UNTYPED = ["hidden", "password", "file", "submit", "button", "reset", "image"];
  const { person } = document.body.dataset;
  const fields = (form) => [...form.elements].filter((one) => one.name && !UNTYPED.includes(one.type));
  const here = () => location.pathname + location.search;

  function keep(form) {
    const typed = fields(form).map(({ name, value, checked }) => ({ name, value, checked: Boolean(checked) }));
    if (typed.length) sessionStorage.setItem(KEPT, JSON.stringify({ person, at: here(), to: form.getAttribute("action"), typed }));
  }
  function take() {
    const text = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    const cameFromLogin = document.referrer && new URL(document.referrer).pathname.startsWith(LOGIN);
    const kept = text && cameFromLogin ? JSON.parse(text) : null;
    // A form that was refused stands at an address below its page.
    const back = kept && (kept.at === here() || kept.at.startsWith(`${location.pathname}/`));
    return back && kept.person === person ? kept : null;
  }
  function putBack({ to, typed }) {
    const form = [...document.forms].find((one) => one.method === "post" && one.getAttribute("action") === to);
    const rest = [...typed];
    const changed = [];
    for (const field of form ? fields(form) : []) {
      const chosen = ["radio", "checkbox"].includes(field.type);
      const at = rest.findIndex(({ name, value }) => name === field.name && (!chosen || value === field.value));
      if (at < 0) continue;
      const [{ value, checked }] = rest.splice(at, 1);
      if (chosen ? field.checked === checked : field.value === value) continue;
      if (chosen) field.checked = checked;
      else field.value = value;
      changed.push(field);
    }
    if (!changed.length) return;
    // The other scripts are told once all of them listen.
    document.addEventListener("DOMContentLoaded", () => {
      for (const field of changed) for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
      form.scrollIntoView({ block: "start" });
      window.xuanda.toast(document.getElementById("words").dataset.back, "warn");
    });
  }
  if (!person) return;
  document.addEventListener("submit", ({ target }) => target.method === "post" && keep(target));
  const kept = take();
  if (kept) putBack(kept);
})();
