// 我的: whether this browser is subscribed, and to what; nothing about the person is asked for.
"use strict";
(async () => {
  const place = document.getElementById("mine-push");
  if (!place || !("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration("/push-worker.js");
  const held = registration && (await registration.pushManager.getSubscription());
  if (!held) return void (place.textContent = place.dataset.off);
  const body = JSON.stringify({ endpoint: held.endpoint });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch("/push/known", { method: "POST", credentials: "omit", headers, body });
  if (!answer.ok) return void (place.textContent = place.dataset.off);
  const chosen = await answer.json();
  const topics = [...chosen.column, ...chosen.district].join("、") || place.dataset.all;
  place.textContent = place.dataset.on.replace("%(topics)s", topics);
})().catch(() => {});
