// 订阅提醒: asks the browser's own permission only after a press, and takes the wish back in the same way.
"use strict";
(() => {
  const button = document.querySelector("[data-push]");
  if (!button || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const say = (on) => {
    button.textContent = on ? button.dataset.off : button.dataset.on;
    button.setAttribute("aria-pressed", String(on));
    button.hidden = false;
  };
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const send = (path, body) => fetch(path, { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const registered = async () => (await navigator.serviceWorker.register("/push-worker.js")).pushManager;

  async function toggle() {
    const manager = await registered();
    const held = await manager.getSubscription();
    if (held) {
      await send("/push/farewells", { endpoint: held.endpoint });
      await held.unsubscribe();
      return say(false);
    }
    const { key } = await (await fetch("/push/key")).json();
    const made = await manager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(key) });
    const kept = await send("/push/subscriptions", made.toJSON());
    if (!kept.ok) await made.unsubscribe();
    say(kept.ok);
  }

  fetch("/push/key").then(async (answer) => {
    if (!answer.ok) return;
    const registration = await navigator.serviceWorker.getRegistration("/push-worker.js");
    say(Boolean(registration && (await registration.pushManager.getSubscription())));
    button.addEventListener("click", () => toggle().catch(() => { button.textContent = button.dataset.failed; }));
  }).catch(() => {});
})();
