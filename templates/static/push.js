// 订阅提醒: a link where the office has notices; on its page, topics and consent. Permission is asked on a press only.
"use strict";
(() => {
  const able = "serviceWorker" in navigator && "PushManager" in window;
  const link = document.querySelector("[data-push-link]");
  const offered = () => fetch("/push/key").then((answer) => (answer.ok ? answer.json() : null));
  if (link && able) offered().then((found) => { link.hidden = !found; }).catch(() => {});
  const form = document.getElementById("push");
  if (!form) return;

  const button = form.querySelector("[type=submit]");
  const leave = document.getElementById("push-leave");
  const said = document.getElementById("push-said");
  const say = (words) => { said.textContent = words; };
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const post = (path, body) => fetch(path, { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const ticked = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  const manager = async () => (await navigator.serviceWorker.register("/push-worker.js")).pushManager;

  function show(subscribed) {
    button.textContent = subscribed ? button.dataset.pushSave : button.dataset.pushOn;
    button.disabled = false;
    leave.hidden = !subscribed;
  }

  async function begin() {
    const registration = await navigator.serviceWorker.getRegistration("/push-worker.js");
    const held = registration && (await registration.pushManager.getSubscription());
    const answer = held ? await post("/push/known", { endpoint: held.endpoint }) : null;
    if (!answer || !answer.ok) return show(false);
    const chosen = await answer.json();
    for (const kind of ["column", "district"]) for (const box of form.querySelectorAll(`[name=${kind}]`)) box.checked = chosen[kind].includes(box.value);
    form.elements.consent.checked = true;
    show(true);
  }

  async function keep() {
    if (!form.elements.consent.checked) { form.elements.consent.focus(); return say(form.dataset.agree); }
    if ((await Notification.requestPermission()) !== "granted") return say(form.dataset.denied);
    const { key } = await offered();
    const pushes = await manager();
    const before = await pushes.getSubscription();
    const made = before || (await pushes.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) }));
    const wish = { ...made.toJSON(), topics: { column: ticked("column"), district: ticked("district") }, consent: form.dataset.version };
    const kept = await post("/push/subscriptions", { endpoint: wish.endpoint, keys: wish.keys, topics: wish.topics, consent: wish.consent });
    if (!kept.ok) { if (!before) await made.unsubscribe(); return say(form.dataset.failed); }
    show(true);
    say(before ? form.dataset.saved : form.dataset.on);
  }

  async function forget() {
    const held = await (await manager()).getSubscription();
    if (held) { await post("/push/farewells", { endpoint: held.endpoint }); await held.unsubscribe(); }
    show(false);
    say(form.dataset.off);
  }

  if (!able) { say(form.dataset.none); return; }
  begin().catch(() => show(false));
  form.addEventListener("submit", (event) => { event.preventDefault(); keep().catch(() => say(form.dataset.failed)); });
  leave.addEventListener("click", () => forget().catch(() => say(form.dataset.failed)));
})();
