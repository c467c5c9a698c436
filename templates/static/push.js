// 订阅提醒: a link where the office has notices; on its page, topics and consent. Permission is asked on a press only.
// A subscription that is bound to a key of former days is made anew and takes the place of the old one, on any page.
"use strict";
(() => {
  const able = "serviceWorker" in navigator && "PushManager" in window;
  const link = document.querySelector("[data-push-link]");
  const offered = () => fetch("/push/key").then((answer) => (answer.ok ? answer.json() : null));
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const post = (path, body) => fetch(path, { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const shelf = () => caches.open("push");
  const mine = async () => { const kept = await (await shelf()).match("/push/mine"); return kept ? kept.text() : ""; };
  const remember = async (endpoint) => (await shelf()).put("/push/mine", new Response(endpoint));
  const asked = (key) => ({ userVisibleOnly: true, applicationServerKey: bytes(key) });
  const boundTo = (held, key) => { const bound = held.options && held.options.applicationServerKey; return !bound || String(new Uint8Array(bound)) === String(bytes(key)); };

  // What this browser holds, under today's key; the office is told which address the new one takes the place of.
  async function current(key) {
    const registration = await navigator.serviceWorker.getRegistration("/push-worker.js");
    const held = registration && (await registration.pushManager.getSubscription());
    if (!held || Notification.permission !== "granted") return held;
    const former = (await mine()) || held.endpoint;
    await remember(former);
    let made = held;
    if (!boundTo(held, key)) { await held.unsubscribe(); made = await registration.pushManager.subscribe(asked(key)); }
    if (made.endpoint === former) return made;
    const { endpoint, keys } = made.toJSON();
    const answer = await post("/push/replacements", { former, endpoint, keys });
    if (answer.ok || answer.status === 404) await remember(endpoint);
    return made;
  }

  if (link && able) offered().then(async (found) => { link.hidden = !found; if (found && !document.getElementById("push")) await current(found.key); }).catch(() => {});
  const form = document.getElementById("push");
  if (!form) return;

  const button = form.querySelector("[type=submit]");
  const leave = document.getElementById("push-leave");
  const said = document.getElementById("push-said");
  const say = (words) => { said.textContent = words; };
  const ticked = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((box) => box.value);
  const manager = async () => (await navigator.serviceWorker.register("/push-worker.js")).pushManager;

  function show(subscribed) {
    button.textContent = subscribed ? button.dataset.pushSave : button.dataset.pushOn;
    button.disabled = false;
    leave.hidden = !subscribed;
  }

  async function begin() {
    const found = await offered();
    const held = found && (await current(found.key));
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
    const before = await current(key);
    const made = before || (await pushes.subscribe(asked(key)));
    const wish = { ...made.toJSON(), topics: { column: ticked("column"), district: ticked("district") }, consent: form.dataset.version };
    const kept = await post("/push/subscriptions", { endpoint: wish.endpoint, keys: wish.keys, topics: wish.topics, consent: wish.consent });
    if (!kept.ok) { if (!before) await made.unsubscribe(); return say(form.dataset.failed); }
    const former = await mine();
    if (former && former !== wish.endpoint) await post("/push/farewells", { endpoint: former });
    await remember(wish.endpoint);
    show(true);
    say(before ? form.dataset.saved : form.dataset.on);
  }

  async function forget() {
    const held = await (await manager()).getSubscription();
    if (held) { await post("/push/farewells", { endpoint: held.endpoint }); await held.unsubscribe(); }
    await (await shelf()).delete("/push/mine");
    show(false);
    say(form.dataset.off);
  }

  if (!able) { say(form.dataset.none); return; }
  begin().catch(() => show(false));
  form.addEventListener("submit", (event) => { event.preventDefault(); keep().catch(() => say(form.dataset.failed)); });
  leave.addEventListener("click", () => forget().catch(() => say(form.dataset.failed)));
})();
