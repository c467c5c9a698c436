"""A running console with the office of `tests.factories`, and a browser in which its people work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from kernel.clock import Clock
from tests.hub.office import PASSWORD
from tests.hub.web.newsroom import Newsroom, open_newsroom
from tests.templates.browser import AXE

CHROMIUM = Path("/usr/bin/chromium")


@dataclass
class Windows:
    """The server's address, a browser with as many windows as one likes, and what they complained about."""

    address: str
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    def page(self, width: int = 1280, height: int = 900) -> Page:
        """A fresh browser of nobody."""
        context = self.browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url} {error}"))
        page.on("console", lambda message: self._hear(page, message.type, message.text))
        return page

    def desk_of(self, login: str, width: int = 1280, height: int = 900, password: str = PASSWORD) -> Page:
        """A browser in which this person is logged in."""
        page = self.page(width, height)
        page.goto(f"{self.address}/console/login")
        page.fill("#login", login)
        page.fill("#password", password)
        page.click("form button[type=submit]")
        page.wait_for_url("**/console")
        return page

    def _hear(self, page: Page, kind: str, text: str) -> None:
        # Frames of previews run nothing on purpose; the browser says so for every script it did not run.
        if kind == "error" and "sandboxed" not in text and "status of 4" not in text:
            self.complaints.append(f"{page.url} {text}")


@dataclass
class House(Windows):
    """The same with the office behind it."""

    newsroom: Newsroom = field(kw_only=True)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window; skipped where it is missing."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (apt install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


def axe(page: Page) -> list[str]:
    """What axe-core finds on the page against WCAG 2.1 A and AA and its best practices; frames are checked alone."""
    page.evaluate(AXE.read_text("utf-8"))
    # The rich editor's own toolbar and the calendar's grid are third parties' and stay out; the list says the same.
    scope = "{exclude: [['.jodit-toolbar__box'], ['.jodit-status-bar'], ['.fc-view-harness'], ['iframe']]}"
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], iframes: false}"
    found = page.evaluate(f"async () => (await axe.run({scope}, {rules})).violations")
    return [
        f"{rule['id']}: {node['target'][0]} {node.get('failureSummary', '')[:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


@contextmanager
def running(browser: Browser, url: str, folder: Path, clock: Clock, **settings: Any) -> Iterator[House]:
    """Serves the console on a free loopback port; whatever is opened in the browser is closed in the end."""
    with open_newsroom(url, folder, clock, **settings) as newsroom:
        server = uvicorn.Server(uvicorn.Config(newsroom.app, port=0, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield House(f"http://127.0.0.1:{port}", browser, newsroom=newsroom)
        for context in browser.contexts:
            context.close()  # Its open streams would hold the server.
        server.should_exit = True
        thread.join(10)
