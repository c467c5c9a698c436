"""Pages shown to headless Chromium by a small server of their own; nothing else can be reached.

It keeps scripts and style sheets as any browser does; answering by the debugging protocol would forbid that.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Page, sync_playwright

from templates.engine import FOLDER

CHROMIUM = Path("/usr/bin/chromium")
CHECKER = "/static/vendor/axe.min.js"
AXE = FOLDER / CHECKER[1:]
BRING_IN = """
(address) => new Promise((come, fail) => {
  const script = document.createElement("script");
  script.src = address;
  script.onload = () => { script.remove(); come(); };
  script.onerror = () => fail(new Error(`${address} did not come`));
  document.head.append(script);
})
"""
ORIGIN = "http://console.test"
# What the hub sends with every page; a page that needs more breaks here first.
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="90"><path fill="#8fb2c9" d="M0 0h160v90H0z"/></svg>'
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


class Server(ThreadingHTTPServer):
    """Gives out the HTML that is shown, the static folder, and the files of a site where there is one."""

    daemon_threads = True

    def __init__(self, site: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.html = ""
        self.site = site
        self.pictures_lost = False

    def file(self, path: str) -> Path | None:
        """The file that stands there, if one does."""
        places = [self.site / path[1:]] if self.site else []
        places += [FOLDER / path[1:]] if path.startswith("/static/") else []
        return next((one for one in places if one.is_file()), None)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        lost = self.server.pictures_lost and self.headers.get("accept", "").startswith("image/")
        if path == "/shown":
            self._say(200, self.server.html.encode(), "text/html; charset=utf-8")
        elif lost and not path.startswith("/static/"):
            self._say(404)
        elif found := self.server.file(path):
            self._say(200, found.read_bytes(), mimetypes.guess_type(path)[0] or "application/octet-stream")
        elif path.startswith("/files/") and path.endswith(".svg"):
            self._say(200, PICTURE.encode(), "image/svg+xml")
        else:
            self._say(204)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._say(204)

    def _say(self, code: int, body: bytes = b"", kind: str = "") -> None:
        self.send_response(code)
        if code != 204:
            self.send_header("Content-Length", str(len(body)))
        if kind:
            self.send_header("Content-Type", kind)
        if kind.startswith("text/html"):
            self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "max-age=3600" if self.path.startswith("/static/") else "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_said: object) -> None:
        """Says nothing."""


class Screen:
    """One browser page that shows HTML given to it, with what it complained about."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._server = server
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def lose_pictures(self, lost: bool) -> None:
        """From now on no picture and no film's poster comes, or they do again."""
        self._server.pictures_lost = lost

    def show(self, html: str, width: int, height: int = 800) -> None:
        """Opens this HTML in a window of this size, in pixels."""
        self._server.html = html
        self.complaints.clear()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.goto(f"{ORIGIN}/shown")

    def axe(self) -> list[str]:
        """What axe-core finds against WCAG 2.1 A and AA and its best practices, one line each."""
        # It comes as one of the page's own scripts: so it is compiled once, and not anew for every page.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(BRING_IN, CHECKER)
        # Of what a page does right, one node a rule would do: it is not looked at.
        found = self.page.evaluate(
            "async (options) => (await axe.run(document, options)).violations",
            {"runOnly": RULES, "iframes": False, "resultTypes": ["violations"]},
        )
        return [
            f"{rule['id']}: {node['target'][0]} {node.get('failureSummary', '')[:200]}"
            for rule in found
            for node in rule["nodes"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            self.complaints.append(text)


@contextmanager
def screen(site: Path | None = None) -> Iterator[Screen]:
    """A Chromium of its own for a group of tests; the files of a site stand where they stand in that folder."""
    with Server(site) as server, sync_playwright() as playwright:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        known = f"MAP console.test:80 127.0.0.1:{server.server_port}, MAP * ~NOTFOUND"
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", f"--host-resolver-rules={known}"]
        )
        yield Screen(browser.new_page(), server)
        browser.close()
        server.shutdown()
