"""Clients that ask on a schedule, as people at their desks do; how late an answer is counts from when it was due.

`python -m bench.paced` reads a plan from standard input and writes what it saw to standard output.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Client:
    """What one person asks for in turn, under his log-in."""

    paths: Sequence[str]
    cookie: str


def ask(port: int, clients: Sequence[Client], every: float, seconds: float) -> list[float]:
    """The time of every answer, in seconds, clients beginning one after the other; one that is not 200 ends it."""
    plan = {"port": port, "every": every, "seconds": seconds, "clients": [asdict(one) for one in clients]}
    command = [sys.executable, "-m", "bench.paced"]
    done = subprocess.run(command, input=json.dumps(plan).encode(), stdout=subprocess.PIPE, check=True)
    times: list[float] = json.loads(done.stdout)
    return times


async def _client(port: int, client: Client, begin: float, every: float, count: int, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(count):
        due = begin + number * every
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        path = client.paths[number % len(client.paths)]
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {client.cookie}\r\n\r\n".encode())
        await _answer(reader, path)
        times.append(time.perf_counter() - due)
    writer.close()


async def _answer(reader: asyncio.StreamReader, path: str) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:")), 0)
    await reader.readexactly(length)
    if b" 200 " not in lines[0]:
        raise RuntimeError(f"{path}: {lines[0].decode()}")


async def _all(plan: dict[str, Any]) -> list[float]:
    times: list[float] = []
    every, seconds, port = float(plan["every"]), float(plan["seconds"]), int(plan["port"])
    clients = [Client(**one) for one in plan["clients"]]
    begin = time.perf_counter() + 1.0
    await asyncio.gather(*(
        _client(port, one, begin + every * place / len(clients), every, max(1, round(seconds / every)), times)
        for place, one in enumerate(clients)
    ))  # fmt: skip
    return times


def main() -> None:
    """One plan in, the times out."""
    json.dump(asyncio.run(_all(json.load(sys.stdin))), sys.stdout)


if __name__ == "__main__":
    main()
