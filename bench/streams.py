"""Streams that are held open side by side, and what reaches them.

`python -m bench.streams` reads a plan from standard input and writes what it saw to standard output. The plan names the
streams and one call that changes something; a stream counts when it tells of it afterwards.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bench.callers import Call
from bench.callers import request as written

SPARE = 200
AT_ONCE = 40


@dataclass(frozen=True)
class Held:
    """How long it took each stream that told of the change to tell, in seconds."""

    opened: int
    times: list[float]


@dataclass
class _Stream:
    told: asyncio.Event = field(default_factory=asyncio.Event)
    last: float = 0.0


def room_for(streams: int) -> None:
    """Lets this process, and those it starts, open so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = streams + SPARE
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))


def hold(port: int, path: str, cookies: Sequence[str], seconds: float, change: Call) -> Held:
    """Holds a stream for each cookie for so many seconds, then changes something."""
    plan = {"port": port, "path": path, "cookies": list(cookies), "seconds": seconds, "change": asdict(change)}
    command = [sys.executable, "-m", "bench.streams"]
    done = subprocess.run(command, input=json.dumps(plan).encode(), stdout=subprocess.PIPE, check=True)
    return Held(**json.loads(done.stdout))


async def _listen(port: int, path: str, cookie: str, stream: _Stream, gate: asyncio.Semaphore) -> None:
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.splitlines()[0]:
            raise RuntimeError(head.splitlines()[0].decode())
        await reader.readuntil(b": listening")
        stream.told.set()
    while line := await reader.readline():
        if line.startswith(b"event: desk"):
            stream.last = time.perf_counter()


async def _all(port: int, path: str, cookies: Sequence[str], seconds: float, change: Call) -> Held:
    streams = [_Stream() for _ in cookies]
    gate = asyncio.Semaphore(AT_ONCE)
    listening = [
        asyncio.create_task(_listen(port, path, cookie, stream, gate))
        for cookie, stream in zip(cookies, streams, strict=True)
    ]
    ready = asyncio.gather(*(stream.told.wait() for stream in streams))
    await asyncio.wait({ready, *listening}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(seconds)
    began = time.perf_counter()
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(written(change.path, change.body, change.headers))
    until = began + 15
    while time.perf_counter() < until and any(stream.last < began for stream in streams):
        await asyncio.sleep(0.05)
    writer.close()
    held = Held(
        sum(stream.told.is_set() for stream in streams),
        [stream.last - began for stream in streams if stream.last >= began],
    )
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    ready.cancel()
    return held


def main() -> None:
    """One plan in, what was held out."""
    plan = json.load(sys.stdin)
    plan["change"] = Call(**plan["change"])
    room_for(len(plan["cookies"]))
    json.dump(asdict(asyncio.run(_all(**plan))), sys.stdout)


if __name__ == "__main__":
    main()
