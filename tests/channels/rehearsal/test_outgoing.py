"""The platforms' own calls: cut off and hung up at their seconds, however many are under way, and never raising."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from channels.rehearsal.outgoing import Answer, call

Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def at(act: Act, ask: Callable[[str], Awaitable[list[Answer]]]) -> list[Answer]:
    """What comes of calls to a server that does this with each."""
    server = await asyncio.start_server(act, "127.0.0.1", 0, backlog=500)
    async with server:
        return await ask(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x?y=1")


def test_who_waits_too_long_hangs_up_also_on_one_who_keeps_talking() -> None:
    ended: list[bool] = []

    async def trickling(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        closed = asyncio.create_task(reader.read())
        writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not closed.done():  # Never silent for as long as a socket waits.
            writer.write(b"a")
            await asyncio.sleep(0.05)
        ended.append(True)
        writer.close()

    async def ask(url: str) -> list[Answer]:
        answer = await call("GET", url, seconds=0.3)
        async with asyncio.timeout(10):
            while not ended:
                await asyncio.sleep(0.01)
        return [answer]

    assert asyncio.run(at(trickling, ask)) == [Answer(0, problem="timeout")]


def test_no_call_waits_for_another() -> None:
    together = 0

    async def patient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal together
        await reader.readuntil(b"\r\n\r\n")
        together += 1
        while together < 150:  # Nobody is answered before all are there.
            await asyncio.sleep(0.01)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def ask(url: str) -> list[Answer]:
        return await asyncio.gather(*(call("POST", url, b"body", "text/xml", seconds=60) for _ in range(150)))

    assert asyncio.run(at(patient, ask)) == [Answer(200, b"ok")] * 150


@pytest.mark.parametrize("url", ["http://[bad/", "http://127.0.0.1:99999/", "http://127.0.0.1:9/"])
def test_what_cannot_be_called_is_told_and_not_raised(url: str) -> None:
    answer = asyncio.run(call("GET", url))
    assert (answer.status, bool(answer.problem)) == (0, True)
