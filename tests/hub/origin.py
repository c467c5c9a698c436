"""A small web server on this machine that plays the site of another office."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Origin:
    """What the site answers, by path: status, headers, body; and what it was asked for."""

    port: int = 0
    answers: dict[str, tuple[int, Mapping[str, str], bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        """The site's address without a closing slash."""
        return f"http://127.0.0.1:{self.port}"

    def put(self, path: str, body: bytes, kind: str = "text/xml", status: int = 200, **headers: str) -> None:
        """Answers this at a path from now on."""
        self.answers[path] = (status, {"Content-Type": kind, **headers}, body)


@contextmanager
def origin() -> Iterator[Origin]:
    """The site, running."""
    site = Origin()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            status, headers, body = site.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
