// Tells this site's own counter that a page was read: its path and nothing else, no cookie, no identity.
"use strict";
if (navigator.doNotTrack !== "1") {
  fetch("/beacon", {
    method: "POST",
    credentials: "omit",
    keepalive: true,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ path: location.pathname }),
  }).catch(() => {});
}
