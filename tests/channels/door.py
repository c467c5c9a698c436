"""The sample channel of `docs/how-to/add-a-channel.md`: installed as a package, and the receiver it talks to."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from channels import registry
from channels.base import Channel, Pushed
from tests.channels.harness import make_account, make_tools
from tests.channels.side import Side

PLUGIN = Path(__file__).parents[1] / "plugins/webhook"
SECRET = "shared-between-office-and-receiver"


@contextmanager
def plugged_in() -> Iterator[None]:
    """As after `pip install xuanda-webhook`: the package and its metadata lie on the path."""
    sys.path.insert(0, str(PLUGIN))
    registry.channels.cache_clear()
    try:
        yield
    finally:
        sys.path.remove(str(PLUGIN))
        registry.channels.cache_clear()


def signature(stamp: str, body: bytes) -> str:
    """What proves that somebody knows the secret."""
    return hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class Receiver:
    """A receiver as its own documentation describes it; it misbehaves as told for the next calls."""

    def __init__(self) -> None:
        self.acts: dict[str, dict[str, Any]] = {}
        self.order: list[dict[str, Any]] = []
        self.faults: list[tuple[str, dict[str, Any]]] = []
        self.later = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.answer(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))

            def do_GET(self) -> None:
                outer.answer(self, b"")

            def log_message(self, *_: Any) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: Any, body: bytes) -> None:
        """One call, broken as the next fault says."""
        kind, about = self._fault(call.command)
        if kind == "cut_before":
            return self._cut(call)
        if kind == "timeout":
            time.sleep(float(about.get("seconds", 1.2)))
            return self._cut(call)
        if kind in ("http_5xx", "throttle", "errcode", "credential"):
            status = {"http_5xx": 502, "throttle": 429, "credential": 401}.get(kind, 422)
            return self._say(call, status, {"error": kind}, {"Retry-After": str(about.get("seconds", 1))})
        if signature(call.headers["X-Timestamp"], body) != call.headers["X-Signature"]:
            return self._say(call, 401, {"error": "signature"})
        status, told = self._take(call, body)
        return self._cut(call) if kind == "cut_after" else self._say(call, status, told)

    def _fault(self, method: str) -> tuple[str, dict[str, Any]]:
        wanted = next((one for one in self.faults if one[1].get("method", "POST") == method), None)
        if wanted is None:
            return "", {}
        self.faults.remove(wanted)
        return wanted

    def receipt(self, key: str) -> Pushed:
        """The receipt for an act, as it is pushed to the office."""
        act = self.acts[key]
        body = json.dumps({"job": key, "done": True, "id": act["id"], "url": act["url"]}).encode()
        stamp = str(int(time.time()))
        return Pushed("POST", {}, body, {"X-Timestamp": stamp, "X-Signature": signature(stamp, body)})

    def _take(self, call: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        key = call.headers["Idempotency-Key"]
        if call.command == "GET":
            known = self.acts.get(key)
            return (200, {"id": known["id"], "url": known["url"]}) if known else (404, {"error": "unknown"})
        if key not in self.acts:
            act = json.loads(body)
            number = act["items"][0]["id"] or f"p{len(self.acts) + 1}"
            self.acts[key] = {**act, "id": number, "url": f"{self.url}/posts/{number}"}
            self.order.append(self.acts[key])
        act = self.acts[key]
        return (202, {"job": key}) if self.later else (200, {"id": act["id"], "url": act["url"]})

    def _say(self, call: Any, status: int, told: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        content = json.dumps(told).encode()
        call.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            call.send_header(name, value)
        call.end_headers()
        call.wfile.write(content)

    def _cut(self, call: Any) -> None:
        call.close_connection = True
        call.connection.shutdown(2)


class WebhookSide(Side):
    """The sample channel, found through its entry point."""

    name = "webhook"
    channel_name = "webhook"
    can = frozenset(
        {"shows", "lost", "asks", "http", "throttle", "withdraw", "correct", "refuse", "credential", "key", "callback"}
    )
    later: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self._plugged = plugged_in()
        self._plugged.__enter__()
        self.receiver = Receiver()
        self.receiver.later = self.later
        super().__post_init__()
        self.tools = make_tools(self.receiver.url.removeprefix("http://"), clock=self.clock, timeout=1.0)
        self.connect()

    def make(self) -> Channel:
        account = make_account("webhook", self.receiver.url, credentials={"secret": SECRET})
        return registry.channel("webhook")(account, self.tools)

    def close(self) -> None:
        super().close()
        self.receiver.close()
        self._plugged.__exit__(None, None, None)

    def arrived(self) -> int:
        return sum(act["act"] == "publish" for act in self.receiver.order)

    def gone(self) -> int:
        return sum(act["act"] == "withdraw" for act in self.receiver.order)

    def words(self) -> str:
        return str(self.receiver.order[0]["items"][0]["text"])

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        method = {"method": "GET"} if more.get("path") else {}
        self.receiver.faults += [(kind, {**more, **method})] * int(more.get("count", 1))

    @contextmanager
    def pushes(self) -> Iterator[list[Pushed]]:
        self.receiver.later = True
        kept: list[Pushed] = []
        yield kept
        self.receiver.later = self.later

    def pushed(self, kept: list[Pushed]) -> None:
        kept += [self.receiver.receipt(key) for key in self.receiver.acts]


class LateWebhookSide(WebhookSide):
    """The same receiver, which tells each result later."""

    name = "webhook-later"
    later = True
    can = WebhookSide.can | {"poll"}
