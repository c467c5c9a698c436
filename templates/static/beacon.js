// Tells this site's own counter that a page was read: its path and the channel whose link led here, no cookie, no
// identity. The channel is cut from the visible address, so that a link passed on does not carry it further.
"use strict";
(() => {
  const here = new URL(location.href);
  const from = here.searchParams.get("from") ?? undefined;
  if (from !== undefined) {
    here.searchParams.delete("from");
    history.replaceState(history.state, "", here);
  }
  if (navigator.doNotTrack === "1") return;
  fetch("/beacon", {
    method: "POST",
    credentials: "omit",
    keepalive: true,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ path: here.pathname, from }),
  }).catch(() => {});
})();
