// Shows a notice that the office pushed, and opens its page when it is clicked. Keeps nothing but its own push address.
// When the browser changes its subscription, the new one takes the old one's place: whoever knows the old address may say so.
// One that says `silent` takes the place of the notice with its tag without a sound: what was withdrawn may go at night.
"use strict";
self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data ? event.data.json() : {}; } catch { told = { title: event.data.text() }; }
  const options = { body: told.body || "", tag: told.tag || undefined, icon: told.icon || undefined, silent: told.silent === true, data: { url: told.url || "/" } };
  event.waitUntil(self.registration.showNotification(told.title || "通知", options));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(event.notification.data.url));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(replace(event.oldSubscription, event.newSubscription)));
async function replace(old, fresh) {
  const shelf = await self.caches.open("push");
  const kept = await shelf.match("/push/mine");
  const former = old ? old.endpoint : kept && (await kept.text());
  const offered = await fetch("/push/key");
  if (!former || !offered.ok) return; // Nobody can tell what this browser chose: it is asked again on the page.
  const text = (await offered.json()).key.replace(/-/g, "+").replace(/_/g, "/");
  const key = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const made = fresh || (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  const { endpoint, keys } = made.toJSON();
  const answer = await fetch("/push/replacements", { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ former, endpoint, keys }) });
  if (answer.ok) await shelf.put("/push/mine", new Response(endpoint));
  if (answer.status === 404) { await made.unsubscribe(); await shelf.delete("/push/mine"); }
}
