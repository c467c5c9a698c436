"""A rehearsal running on a loopback port, a WeChat caller for it, and a callback address that answers as told."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import uvicorn

from channels.rehearsal.app import RehearsalApp, create_app
from channels.rehearsal.config import RehearsalConfig

APPID = "wx1000000000000001"
SECRET = "rehearsal-secret-of-the-subscription-account"
SERVICE_APPID = "wx1000000000000002"
SERVICE_SECRET = "rehearsal-secret-of-the-service-account"
CITIZEN = "oSub_rehearsal_citizen_00001"
SERVICE_CITIZENS = [f"oSrv_rehearsal_citizen_0000{n}" for n in (1, 2, 3)]


class Rehearsal:
    """What a test holds of a running rehearsal."""

    def __init__(self, url: str, app: RehearsalApp) -> None:
        self.url = url
        self.app = app
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    def ledger(self, kind: str = "", **filters: Any) -> list[dict[str, Any]]:
        """Ledger lines."""
        return self.http.get("/ledger", params={"kind": kind, **filters}).json()["entries"]

    def control(self, door: str, /, **body: Any) -> Any:
        """Post to a control door; fails unless it answers 200."""
        answer = self.http.post(f"/control/{door}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def step(self, seconds: float) -> None:
        """Move the platform's clock on."""
        self.control("clock", step=seconds)

    def wait_for(self, kind: str, count: int = 1, seconds: float = 10) -> list[dict[str, Any]]:
        """The ledger's lines of a kind, once there are `count` of them."""
        end = time.monotonic() + seconds
        while len(found := self.ledger(kind)) < count:
            assert time.monotonic() < end, f"only {len(found)} of {count} {kind}"
            time.sleep(0.02)
        return found

    def wechat(self, appid: str = APPID, secret: str = SECRET) -> WeChat:
        """A caller with a fresh stable token."""
        return WeChat(self, appid, secret)


class WeChat:
    """Calls WeChat's interface as its documentation shows, and nothing more."""

    def __init__(self, rehearsal: Rehearsal, appid: str, secret: str) -> None:
        self.rehearsal = rehearsal
        self.appid = appid
        body = {"grant_type": "client_credential", "appid": appid, "secret": secret}
        self.token = self.raw("cgi-bin/stable_token", body, token="")["access_token"]

    def raw(self, path: str, body: Any = None, token: str | None = None, **parts: Any) -> dict[str, Any]:
        """One call and its JSON; POST with a body or a file, GET without."""
        query = {"access_token": self.token if token is None else token} | parts.pop("params", {})
        if body is not None:
            parts["content"] = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        method = "POST" if parts else "GET"
        answer = self.rehearsal.http.request(method, f"/wechat/{path}", params=query, **parts)
        assert answer.status_code == 200
        return json.loads(answer.content)

    def __call__(self, path: str, **body: Any) -> dict[str, Any]:
        """A POST below cgi-bin with these fields."""
        return self.raw(f"cgi-bin/{path}", body)

    def code(self, path: str, **body: Any) -> int:
        """The return code of a POST below cgi-bin, 0 when there is none."""
        return self(path, **body).get("errcode", 0)

    def upload(self, path: str, content: bytes, **query: str) -> dict[str, Any]:
        """Upload a file."""
        return self.raw(f"cgi-bin/{path}", params=query, files={"media": ("a.png", content, "image/png")})

    def thumb(self) -> str:
        """A permanent picture's media_id."""
        return self.upload("material/add_material", png(), type="image")["media_id"]

    def article(self, **changes: Any) -> dict[str, Any]:
        """A proper article with its cover uploaded."""
        thumb = changes.pop("thumb_media_id", None) or self.thumb()
        return {"title": "关于防汛的通知", "content": "<p>请注意安全。</p>", "thumb_media_id": thumb} | changes

    def draft(self, *articles: dict[str, Any]) -> str:
        """A draft's media_id."""
        return self("draft/add", articles=list(articles) or [self.article()])["media_id"]


def png(size: int = 0) -> bytes:
    """A real one-pixel PNG, filled up to `size` bytes with a text chunk."""
    parts = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
        _chunk(b"IDAT", zlib.compress(b"\x00\x10\x20\x30")),
        _chunk(b"IEND", b""),
    ]
    filling = size - 8 - sum(map(len, parts)) - 12
    if filling >= 0:
        parts.insert(1, _chunk(b"tEXt", b"k" * filling))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@contextmanager
def serving(config: RehearsalConfig) -> Iterator[Rehearsal]:
    """Run the rehearsal in a thread on a free loopback port."""
    app = create_app(config)
    # Named TCP, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms longer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    end = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.01)
    rehearsal = Rehearsal(f"http://127.0.0.1:{listening.getsockname()[1]}", app)
    try:
        yield rehearsal
    finally:
        rehearsal.http.close()
        server.should_exit = True
        thread.join(10)
        listening.close()


Answering = Callable[["Received"], bytes | int]


class Received:
    """One request at the callback address."""

    def __init__(self, method: str, path: str, body: bytes) -> None:
        self.method = method
        self.query = dict(parse_qsl(urlsplit(path).query))
        self.body = body
        self.at = time.monotonic()


class CallbackAddress:
    """A web server that keeps what it gets and answers bytes, or a bare status for a number."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Answering = lambda received: received.query.get("echostr", "success").encode()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.take()

            def do_POST(self) -> None:
                self.take()

            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                received = Received(self.command, self.path, body)
                outer.received.append(received)
                answer = outer.answer(received)
                content = b"" if isinstance(answer, int) else answer
                try:
                    self.send_response(answer if isinstance(answer, int) else 200)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    # The platform hung up after its five seconds, as it should.
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/callback"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def posts(self) -> list[Received]:
        """What was pushed."""
        return [received for received in self.received if received.method == "POST"]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
