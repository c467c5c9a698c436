"""The platforms' own HTTP calls to a callback address, cut off at a hard number of seconds."""

from __future__ import annotations

import asyncio
import http.client
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

# A platform pushes what comes, however many calls are under way: with the handful of threads of the event loop, what
# waits here would count as the callback's own time.
_CALLS = ThreadPoolExecutor(64, thread_name_prefix="call")


@dataclass(frozen=True)
class Answer:
    """What the callback address answered; `status` 0 with `problem` filled when there was no answer."""

    status: int
    body: bytes = b""
    problem: str = ""


async def call(method: str, url: str, body: bytes = b"", content_type: str = "", seconds: float = 5.0) -> Answer:
    """Call `url` and wait at most `seconds` in all; never raises for what the other side does."""
    waiting = asyncio.get_running_loop().run_in_executor(_CALLS, _call, method, url, body, content_type, seconds)
    try:
        return await asyncio.wait_for(waiting, seconds)
    except TimeoutError:
        return Answer(0, problem="timeout")
    except (OSError, ValueError, http.client.HTTPException) as error:
        return Answer(0, problem=f"{type(error).__name__}: {error}")


def _call(method: str, url: str, body: bytes, content_type: str, seconds: float) -> Answer:
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": content_type} if content_type else {}
    try:
        connection.request(method, target, body=body or None, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.read())
    finally:
        connection.close()
