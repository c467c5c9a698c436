"""The platforms' own HTTP calls to a callback address, cut off at a hard number of seconds."""

from __future__ import annotations

import asyncio
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

# A platform pushes what comes, however many calls are under way: what waited here would count as the callback's own
# time. Threads are made when they are needed.
_CALLS = ThreadPoolExecutor(1000, thread_name_prefix="call")


@dataclass(frozen=True)
class Answer:
    """What the callback address answered; `status` 0 with `problem` filled when there was no answer."""

    status: int
    body: bytes = b""
    problem: str = ""


async def call(method: str, url: str, body: bytes = b"", content_type: str = "", seconds: float = 5.0) -> Answer:
    """Call `url`, wait at most `seconds` in all and hang up then; never raises for what the other side does."""
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.hostname or "", parts.port, timeout=seconds)
        waiting = asyncio.get_running_loop().run_in_executor(
            _CALLS, _call, connection, method, target, body or None, headers
        )
        try:
            return await asyncio.wait_for(waiting, seconds)
        except TimeoutError:
            _hang_up(connection)
            return Answer(0, problem="timeout")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(0, problem=f"{type(error).__name__}: {error}")


def _call(
    connection: http.client.HTTPConnection, method: str, target: str, body: bytes | None, headers: dict[str, str]
) -> Answer:
    try:
        connection.request(method, target, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """The other side sees it at once, and the thread that reads goes on to its end."""
    line = connection.sock
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
