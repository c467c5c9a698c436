"""The nginx configuration as it is handed out, in front of the site's files and of two hubs, asked over the network."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.web.columns import TAKEN
from tests.deploy import nginx
from tests.deploy.nginx import CONFIG, NGINX, running
from tests.postgres import free_port

WWW, INSIDE = {"Host": nginx.PUBLIC}, {"Host": nginx.INSIDE}

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed (apt install nginx-light)")


class Upstream:
    """A hub that tells which one it is and what it was asked; it answers 301 for what moved, and streams slowly."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
                if self.path.startswith("/notices/3.html"):
                    self.send_response(301)
                    self.send_header("Location", "/bulletins/3.html" + self.path.removeprefix("/notices/3.html"))
                    self.send_header("Content-Length", "0")
                    self.send_header("Connection", "close")
                    self.end_headers()
                elif self.path == "/chat/stream":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/event-stream")
                    self.send_header("Connection", "close")
                    self.end_headers()
                    self.wfile.write(b"data: one\n\n")
                    self.wfile.flush()
                    outer.go.wait(10)
                else:
                    self._say(b"hub")

            def do_POST(self) -> None:
                outer.asked.append((self.path, {}))
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._say(b"hub")

            def _say(self, words: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(words)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(words)

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self.go = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stops serving."""
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Front:
    """A running nginx."""

    url: str
    site: Path
    hubs: list[Upstream] = field(default_factory=list)

    def get(self, path: str, headers: dict[str, str] = WWW) -> httpx.Response:
        """One answer, as it comes."""
        return httpx.get(f"{self.url}{path}", headers=headers, follow_redirects=False, timeout=10, trust_env=False)

    def asked(self) -> list[str]:
        """Every path that reached a hub."""
        return [path for hub in self.hubs for path, _ in hub.asked]


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx over a small site, started as a process of its own."""
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    site = folder / "site"
    for name, text in {
        "index.html": "首页", "404.html": "找不到这个页面", "notices/index.html": "栏目", "notices/1.html": "通知正文",
        "notices/2.html": "该内容已撤下", "notices/2.html.gone": "", "notices/3.html": "内容已移动",
        "notices/3.html.moved": "/bulletins/3.html", "bulletins/3.html": "移动的通知", "rss.xml": "<rss/>",
        "site-state.css": "html{}", "media/ab.png": "p", "files/cd/list.xlsx": "x",
        "data/notices-1.json": "{}", ".lock": "",
    }.items():  # fmt: skip
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    hubs = [Upstream(), Upstream()]
    port = free_port()
    try:
        with running(folder, site, port, [hub.port for hub in hubs]):
            yield Front(f"http://127.0.0.1:{port}", site, hubs)
    finally:
        for hub in hubs:
            hub.close()


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/", 200, "首页"),
        ("/notices/", 200, "栏目"),
        ("/notices/1.html?from=wechat", 200, "通知正文"),
        ("/notices/2.html", 410, "该内容已撤下"),
        ("/notices/9.html", 404, "找不到这个页面"),
        ("/nothing", 404, "找不到这个页面"),
        ("/notices/2.html.gone", 404, "找不到这个页面"),
        ("/notices/3.html.moved", 404, "找不到这个页面"),
        ("/.lock", 404, "找不到这个页面"),
        ("/console", 404, "找不到这个页面"),
        ("/console/login", 404, "找不到这个页面"),
        ("/rss.xml", 200, "<rss/>"),
    ],
)
def test_pages_and_what_is_none(front: Front, path: str, status: int, words: str) -> None:
    answer = front.get(path)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_moved_is_told_by_the_hub_with_its_query(front: Front) -> None:
    answer = front.get("/notices/3.html?from=wechat")
    assert (answer.status_code, answer.headers["location"]) == (301, "/bulletins/3.html?from=wechat")
    assert front.get(answer.headers["location"]).text == "移动的通知"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/notices/1.html", "no-cache"),
        ("/notices/2.html", "no-cache"),
        ("/", "no-cache"),
        ("/rss.xml", "no-cache"),
        ("/data/notices-1.json", "no-cache"),
        ("/site-state.css", "no-cache"),
        ("/media/ab.png", "public, max-age=3600"),
        ("/files/cd/list.xlsx", "no-cache"),
    ],
)
def test_how_long_each_may_be_kept(front: Front, path: str, rule: str) -> None:
    assert front.get(path).headers["cache-control"] == rule


def test_what_needs_the_hub_reaches_it_with_the_callers_own_address(front: Front) -> None:
    for path in (
        "/search?q=1",
        "/feedback",
        "/chat/start",
        "/api/app/v1/columns",
        "/s/t",
        "/static/portal.css",
        "/push",
    ):
        assert front.get(path, {**WWW, "X-Forwarded-For": "203.0.113.9"}).text == "hub", path
    assert httpx.post(f"{front.url}/callbacks/wechat/a", headers=WWW, content=b"x", trust_env=False).text == "hub"
    headers = [told for hub in front.hubs for path, told in hub.asked if path == "/feedback"][-1]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["host"] == "www.example.gov.cn"
    assert all(hub.asked for hub in front.hubs)


def test_the_console_answers_under_its_own_name_only(front: Front) -> None:
    assert front.get("/console/login", INSIDE).text == "hub"
    assert front.get("/notices/1.html", INSIDE).text == "hub"


def test_a_stream_passes_as_it_comes(front: Front) -> None:
    with httpx.stream("GET", f"{front.url}/chat/stream", headers=WWW, timeout=5, trust_env=False) as answer:
        assert next(answer.iter_text()) == "data: one\n\n"
    for hub in front.hubs:
        hub.go.set()


def test_a_column_can_have_no_address_that_the_hub_answers(front: Front) -> None:
    words = (CONFIG / "xuanda.conf").read_text().partition("location ~ ^/(")[2].partition(")")[0].split("|")
    assert set(words) | {"media", "files", "data", "console"} <= TAKEN


def test_without_any_hub_the_files_stand_and_old_addresses_lead_on(front: Front) -> None:
    for hub in front.hubs:
        hub.close()
    assert front.get("/notices/1.html").status_code == 200
    answer = front.get("/notices/3.html")
    assert (answer.status_code, answer.text) == (200, "内容已移动")
    assert front.get("/search").status_code == 502
