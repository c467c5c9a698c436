"""Clients that call one after another, each on a connection of its own: as little as possible of the machine is theirs.

`python -m bench.callers` reads a plan from standard input and writes what it saw to standard output, so that the
clients are a process of their own and never share an interpreter with what they measure.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Call:
    """One POST of a client."""

    path: str
    body: dict[str, object]
    headers: dict[str, str]


@dataclass(frozen=True)
class Seen:
    """What all clients saw together: how long each call took, and all of them; seconds."""

    times: list[float]
    elapsed: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return len(self.times) / self.elapsed


def call(port: int, clients: Sequence[Sequence[Call]]) -> Seen:
    """Lets the clients call side by side from a process of their own; an answer other than 200 ends it."""
    plan = {"port": port, "clients": [[asdict(one) for one in calls] for calls in clients]}
    command = [sys.executable, "-m", "bench.callers"]
    done = subprocess.run(command, input=json.dumps(plan).encode(), stdout=subprocess.PIPE, check=True)
    return Seen(**json.loads(done.stdout))


async def _client(port: int, requests: Sequence[bytes], start: asyncio.Event, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await start.wait()
    for one in requests:
        begun = time.perf_counter()
        writer.write(one)
        await _answer(reader)
        times.append(time.perf_counter() - begun)
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    if b" 200 " not in lines[0]:
        raise RuntimeError(f"{lines[0].decode()}: {body[:300].decode(errors='replace')}")
    return body


def request(path: str, body: dict[str, object], headers: dict[str, str]) -> bytes:
    """A POST as it goes over the wire."""
    data = json.dumps(body, ensure_ascii=False).encode()
    own = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(data)), **headers}
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items()), "", ""]
    return "\r\n".join(lines).encode() + data


async def _all(port: int, clients: Sequence[Sequence[bytes]]) -> Seen:
    times: list[float] = []
    start = asyncio.Event()
    tasks = [asyncio.create_task(_client(port, requests, start, times)) for requests in clients]
    await asyncio.sleep(0.3)  # All connections stand before the first call.
    begun = time.perf_counter()
    start.set()
    await asyncio.gather(*tasks)
    return Seen(times, time.perf_counter() - begun)


def main() -> None:
    """One plan in, what was seen out."""
    plan = json.load(sys.stdin)
    clients = [[request(one["path"], one["body"], one["headers"]) for one in calls] for calls in plan["clients"]]
    json.dump(asdict(asyncio.run(_all(plan["port"], clients))), sys.stdout)


if __name__ == "__main__":
    main()
