"""Pages shown to headless Chromium without a server: every request is answered from memory or the static folder."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, sync_playwright

from templates.engine import FOLDER

CHROMIUM = Path("/usr/bin/chromium")
AXE = FOLDER / "static" / "vendor" / "axe.min.js"
ORIGIN = "http://console.test"
# What the hub sends with every page; a page that needs more breaks here first.
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="160" height="90"><path fill="#8fb2c9" d="M0 0h160v90H0z"/></svg>'
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


class Screen:
    """One browser page that shows HTML given to it, with what it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.pictures_lost = False
        self._html = ""
        page.route("**/*", self._answer)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def show(self, html: str, width: int, height: int = 800) -> None:
        """Opens this HTML in a window of this size, in pixels."""
        self._html = html
        self.complaints.clear()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.goto(f"{ORIGIN}/shown")

    def axe(self) -> list[str]:
        """What axe-core finds against WCAG 2.1 A and AA and its best practices, one line each."""
        # The page's own policy forbids foreign scripts; the checker comes in by the debugging protocol.
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate(
            "async (rules) => (await axe.run(document, {runOnly: rules, iframes: false})).violations", RULES
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

    def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/shown":
            headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": POLICY}
            route.fulfill(body=self._html, headers=headers)
        elif path.startswith("/static/") and (FOLDER / path[1:]).is_file():
            kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
            route.fulfill(body=(FOLDER / path[1:]).read_bytes(), content_type=kind)
        elif self.pictures_lost and route.request.resource_type == "image" and not path.startswith("/static/"):
            route.fulfill(status=404, body="")
        elif path.startswith("/files/") and path.endswith(".svg"):
            route.fulfill(body=PICTURE, content_type="image/svg+xml")
        else:
            route.fulfill(status=204, body="")


@contextmanager
def screen() -> Iterator[Screen]:
    """A Chromium of its own for a group of tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield Screen(browser.new_page())
        browser.close()
