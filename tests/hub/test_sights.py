"""One reading serves all who look at the same moment, and nobody is shown less than he asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from hub.sights import Sights


def reader() -> tuple[list[int], Callable[[], int]]:
    """A list of how often it was read, and what reads."""
    read: list[int] = []

    def look() -> int:
        read.append(threading.get_ident())
        return len(read)

    return read, look


def test_many_share_what_was_read_since_their_moment() -> None:
    read, look = reader()

    async def many() -> list[int]:
        sights, now = Sights(), asyncio.get_running_loop().time()
        return await asyncio.gather(*(sights.since("desk", now, look) for _ in range(1000)))

    assert set(asyncio.run(many())) == {1}
    assert len(read) == 1
    assert read != [threading.get_ident()]  # The event loop does not wait for the database.


def test_what_began_before_the_moment_is_read_again() -> None:
    _read, look = reader()

    async def twice() -> list[int]:
        sights, loop = Sights(), asyncio.get_running_loop()
        first = await sights.since("desk", loop.time(), look)
        older = await sights.since("desk", loop.time() - 60, look)
        newer = await sights.since("desk", loop.time() + 0.001, look)
        other = await sights.since("other", loop.time() - 60, look)
        return [first, older, newer, other]

    assert asyncio.run(twice()) == [1, 1, 2, 3]


def test_a_reading_that_fails_is_told_and_the_next_begins_anew() -> None:
    async def failing() -> int:
        sights, loop = Sights(), asyncio.get_running_loop()

        def away() -> int:
            raise ConnectionError("the database is away")

        with pytest.raises(ConnectionError):
            await sights.since("desk", loop.time(), away)
        return await sights.since("desk", loop.time() + 0.001, lambda: 5)

    assert asyncio.run(failing()) == 5
