"""Many small posts to few servers: kept connections, each opened past the guard, and no more of HTTP than that needs.

A general client spends several times as long on such a post as its encryption takes. One post is on a connection at a
time. Failures are httpx's own, so that they mean here what they mean everywhere: a ConnectError surely sent nothing,
any other leaves it open whether the server acted.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import httpx

from channels.transport import Guard, tls

KEPT = 8
CONNECT_SECONDS = 10.0
LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 256 * 1024


@dataclass(frozen=True)
class Posted:
    """What the server answered; names of headers in small letters. The body is read and thrown away."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


class Poster(Protocol):
    """Anything that posts."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """One post; raises httpx.HTTPError or PrivateAddress."""


class KeptConnections:
    """Posts over connections that are kept per origin; safe to use from several threads."""

    def __init__(self, guard: Guard, timeout: float = 20.0, context: ssl.SSLContext | None = None) -> None:
        self._guard = guard
        self._timeout = timeout
        self._context = context or tls()
        self._free: dict[str, deque[_Connection]] = defaultdict(deque)
        self._lock = threading.Lock()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """One post; a connection that answered well is kept for the next."""
        parts = urlsplit(url)
        request = _request(parts, headers, body)
        origin = f"{parts.scheme}://{parts.netloc}"
        connection = self._kept(origin) or self._open(parts)
        try:
            posted, reusable = connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        self._give_back(origin, connection, reusable)
        return posted

    def close(self) -> None:
        """Closes what is kept."""
        with self._lock:
            kept = [connection for free in self._free.values() for connection in free]
            self._free.clear()
        for connection in kept:
            connection.close()

    def _kept(self, origin: str) -> _Connection | None:
        while True:
            with self._lock:
                free = self._free.get(origin)
                connection = free.pop() if free else None
            if connection is None or connection.alive():
                return connection
            connection.close()

    def _give_back(self, origin: str, connection: _Connection, reusable: bool) -> None:
        with self._lock:
            if reusable and len(self._free[origin]) < KEPT:
                self._free[origin].append(connection)
                return
        connection.close()

    def _open(self, parts: SplitResult) -> _Connection:
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        last: Exception = OSError("no address")
        try:
            for address in self._guard.addresses(host, port):
                try:
                    plain = socket.create_connection((address, port), min(self._timeout, CONNECT_SECONDS))
                    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    plain.settimeout(self._timeout)
                    wired = self._context.wrap_socket(plain, server_hostname=host) if secure else plain
                    return _Connection(wired)
                except OSError as failure:
                    last = failure
        except OSError as failure:  # The name leads nowhere.
            last = failure
        raise httpx.ConnectError(f"{host}: {last}") from last


class ClientPosts:
    """Posts through a general client, for accounts that go through a proxy."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """One post."""
        answer = self._client.post(url, content=body, headers=dict(headers))
        return Posted(answer.status_code, {name.lower(): value for name, value in answer.headers.items()})


class _Connection:
    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._read = b""

    def alive(self) -> bool:
        """Whether the server has neither closed it nor said something unasked meanwhile."""
        try:
            return not self._read and not select.select([self._wire], [], [], 0)[0]
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        self._wire.close()

    def exchange(self, request: bytes) -> tuple[Posted, bool]:
        """Sends, and reads the whole answer; with it, whether the connection may be used again."""
        try:
            self._wire.sendall(request)
            status, headers = self._head()
            while 100 <= status < 200:
                status, headers = self._head()
            reusable = headers.get("connection", "").lower() != "close" and self._body(status, headers)
        except TimeoutError as failure:
            raise httpx.ReadTimeout("no answer in time") from failure
        except (OSError, ValueError) as failure:
            raise httpx.ReadError(f"the answer broke off: {failure}") from failure
        return Posted(status, headers), reusable

    def _head(self) -> tuple[int, dict[str, str]]:
        while (end := self._read.find(b"\r\n\r\n")) < 0:
            if len(self._read) > LONGEST_HEAD:
                raise ValueError("a head without end")
            self._more()
        head, self._read = self._read[:end].decode("latin-1"), self._read[end + 4 :]
        first, *lines = head.split("\r\n")
        version, _, rest = first.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise ValueError("not an answer of HTTP/1")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if version == "HTTP/1.0":
            headers.setdefault("connection", "close")
        return int(rest[:3]), headers

    def _body(self, status: int, headers: Mapping[str, str]) -> bool:
        """Takes the body off the wire where its length is told; False where the connection must end with it."""
        if status in (204, 304):
            return True
        if "transfer-encoding" in headers:
            return False  # Rare among answers without a body of interest: a new connection is cheaper than a parser.
        length = headers.get("content-length", "")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            return False
        while len(self._read) < int(length):
            self._more()
        self._read = self._read[int(length) :]
        return True

    def _more(self) -> None:
        received = self._wire.recv(65_536)
        if not received:
            raise ValueError("closed before its end")
        self._read += received


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines) or " " in path:
        raise httpx.UnsupportedProtocol("a line of the request holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
