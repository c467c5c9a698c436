"""The nginx configuration as it is handed out, in front of the site's files and of two hubs, asked over the network."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import iter_route_contexts

from hub.outer.exchange import PATH
from hub.outer.packets import LARGEST_PARCEL
from hub.outer.web.face import ROUTERS
from hub.web import rasa_actions
from hub.web.app import CONSOLE, EVERYWHERE, PUBLIC
from hub.web.columns import TAKEN
from tests.deploy import nginx
from tests.deploy.nginx import COMPOSE, NGINX, OUTER, XUANDA, running
from tests.postgres import free_port

WWW, INSIDE = {"Host": nginx.PUBLIC}, {"Host": nginx.INSIDE}
# What machines inside ask a process itself; nginx passes none of it on under the public name.
NOT_FOR_CITIZENS = {"/healthz", "/readyz", "/metrics", rasa_actions.PATH}

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
    # Where staff come, which is another port in compose and nowhere on the outer host.
    inside: str
    file: Path
    public: list[Upstream]
    console: list[Upstream]

    @property
    def hubs(self) -> list[Upstream]:
        """Of both faces."""
        return [*self.public, *self.console]

    def get(self, path: str, headers: dict[str, str] = WWW) -> httpx.Response:
        """One answer, as it comes."""
        return httpx.get(f"{self.url}{path}", headers=headers, follow_redirects=False, timeout=10, trust_env=False)

    def passes_on(self, path: str) -> bool:
        """Whether a citizen's request for this path reaches a hub of the public face, and comes back."""
        before = sum(len(hub.asked) for hub in self.public)
        said = self.get(path).text
        return said == "hub" and sum(len(hub.asked) for hub in self.public) == before + 1


@pytest.fixture(scope="module", params=[XUANDA, COMPOSE, OUTER], ids=["xuanda", "compose", "outer"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """nginx over a small site, started as a process of its own, with every configuration that is handed out."""
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    site = folder / "site"
    for name, text in {
        "index.html": "首页", "404.html": "找不到这个页面", "notices/index.html": "栏目", "notices/1.html": "通知正文",
        "notices/2.html": "该内容已撤下", "notices/2.html.gone": "", "notices/3.html": "内容已移动",
        "notices/3.html.moved": "/bulletins/3.html", "bulletins/3.html": "移动的通知", "rss.xml": "<rss/>",
        "site-state.css": "html{}", "media/ab.png": "p", "files/cd/list.xlsx": "x",
        "files/ef/片 一.vtt": "WEBVTT",
        "data/notices-1.json": "{}", ".lock": "",
    }.items():  # fmt: skip
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    public, console = [Upstream(), Upstream()], [Upstream(), Upstream()]
    port, inside = free_port(), free_port()
    hubs = {"public": [hub.port for hub in public], "console": [hub.port for hub in console]}
    own = f"http://127.0.0.1:{inside if request.param == COMPOSE else port}"
    try:
        with running(folder, site, port, hubs, file=request.param, inside=inside):
            yield Front(f"http://127.0.0.1:{port}", own, request.param, public, console)
    finally:
        for hub in (*public, *console):
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
        ("/files/ef/片 一.vtt", "no-cache"),
    ],
)
def test_how_long_each_may_be_kept(front: Front, path: str, rule: str) -> None:
    assert front.get(path).headers["cache-control"] == rule


def test_captions_come_with_their_type_and_the_policy(front: Front) -> None:
    answer = front.get("/files/ef/片 一.vtt")
    assert (answer.text, answer.headers["content-type"]) == ("WEBVTT", "text/vtt; charset=utf-8")
    assert "media-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def addresses(routers: Iterable[APIRouter]) -> set[str]:
    """One address of every route."""
    found = {str(context.path) for router in routers for context in iter_route_contexts(router.routes)}
    return {re.sub(r"\{\w+\}", "one", path) for path in found}


def test_every_public_route_reaches_the_hub(front: Front) -> None:
    routes = addresses(ROUTERS if front.file == OUTER else PUBLIC) - addresses(EVERYWHERE)
    assert {"/mine", "/chat/start", "/push-worker.js"} < routes
    lost = {path for path in {*routes, "/static/portal.css"} if not front.passes_on(path)}
    assert not lost


def test_what_every_process_answers_is_not_for_citizens(front: Front) -> None:
    assert addresses(EVERYWHERE) == {*NOT_FOR_CITIZENS, "/site-state.css"}
    assert not {path for path in NOT_FOR_CITIZENS if front.get(path).status_code != 404}
    assert front.get("/site-state.css").text == "html{}"


def test_the_console_and_the_programs_interface_are_not_under_the_public_name(front: Front) -> None:
    beginnings = {"/".join(path.split("/")[:3]) for path in addresses(CONSOLE)}
    assert {"/console/login", "/api/v1"} < beginnings
    assert not {path for path in beginnings - addresses(PUBLIC) if front.get(path).status_code != 404}


def test_the_hub_is_told_the_callers_own_address(front: Front) -> None:
    for _ in range(2):
        assert front.get("/feedback?q=1", {**WWW, "X-Forwarded-For": "203.0.113.9"}).text == "hub"
    assert httpx.post(f"{front.url}/callbacks/wechat/a", headers=WWW, content=b"x", trust_env=False).text == "hub"
    headers = [told for hub in front.public for path, told in hub.asked if path == "/feedback?q=1"][-1]
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["host"] == "www.example.gov.cn"
    assert all(hub.asked for hub in front.public)


def test_the_console_answers_at_its_own_door_only(front: Front) -> None:
    if front.file == OUTER:
        assert "console" not in nginx.upstreams(OUTER)
        return
    for path in ("/console/login", "/api/v1/pieces", "/notices/1.html"):
        answer = httpx.get(f"{front.inside}{path}", headers=INSIDE, trust_env=False)
        assert answer.text == "hub"
    assert {path for hub in front.console for path, _ in hub.asked} >= {"/console/login", "/api/v1/pieces"}


def test_only_the_inside_comes_to_the_outer_hosts_door(front: Front) -> None:
    def knock(address: str, body: bytes = b"parcel") -> int:
        with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=20) as client:
            return client.post(f"{front.url}{PATH}", headers=WWW, content=body).status_code

    if front.file != OUTER:
        assert knock("127.0.0.1") in (404, 405)
        return
    assert knock("127.0.0.1", bytes(LARGEST_PARCEL)) == 200
    assert knock("127.0.0.1", bytes(16 * 1024 * 1024 + 1)) == 413
    assert knock("127.0.0.2") == 403


def test_a_stream_passes_as_it_comes(front: Front) -> None:
    with httpx.stream("GET", f"{front.url}/chat/stream", headers=WWW, timeout=5, trust_env=False) as answer:
        assert next(answer.iter_text()) == "data: one\n\n"
    for hub in front.hubs:
        hub.go.set()


def test_a_column_can_have_no_address_that_a_hub_answers() -> None:
    firsts = {path.split("/")[1] for path in addresses((*PUBLIC, *EVERYWHERE, *CONSOLE, *ROUTERS))}
    # A column's address has no dot in it.
    assert {first for first in firsts if "." not in first} | {"media", "files", "data", "static"} <= TAKEN


def test_without_any_hub_the_files_stand_and_old_addresses_lead_on(front: Front) -> None:
    for hub in front.hubs:
        hub.close()
    assert front.get("/notices/1.html").status_code == 200
    answer = front.get("/notices/3.html")
    assert (answer.status_code, answer.text) == (200, "内容已移动")
    assert front.get("/search").status_code == 502
