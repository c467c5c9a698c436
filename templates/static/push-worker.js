// Shows a notice that the office pushed, and opens its page when it is clicked. Keeps nothing.
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
