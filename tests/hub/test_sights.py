"""One reading serves all who look at the same moment, and nobody is shown less than he asked for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping

import pytest

from hub.sights import Gathered, Sights


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


# --- gathered ---------------------------------------------------------------------------------------


class Slow:
    """Reads what it is asked for and keeps what came together; `broken` fails, `nothing` is not found."""

    def __init__(self) -> None:
        self.read: list[list[str]] = []
        self.going_on = asyncio.Event()

    async def __call__(self, asked: Collection[str]) -> Mapping[str, str]:
        self.read.append(sorted(asked))
        await self.going_on.wait()
        if "broken" in asked:
            raise ConnectionError("the database is away")
        return {one: f"{one} {len(self.read)}" for one in asked if one != "nothing"}


async def gathered(*later: str) -> tuple[Slow, list[object]]:
    """Asks for one thing, and for the others while that is read."""
    gathering: Gathered[str, str] = Gathered()
    slow = Slow()
    first = asyncio.create_task(gathering.of("first", slow))
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathering.of(one, slow)) for one in later]
    await asyncio.sleep(0.01)
    slow.going_on.set()
    return slow, await asyncio.gather(first, *others, return_exceptions=True)


def test_what_is_asked_for_while_a_reading_runs_is_read_together_by_the_next() -> None:
    slow, got = asyncio.run(gathered("first", "second", "third", "second"))
    assert slow.read == [["first"], ["first", "second", "third"]]
    # Whoever asks again is not shown what was read before he asked.
    assert got == ["first 1", "first 2", "second 2", "third 2", "second 2"]


def test_a_failure_and_what_is_not_there_are_told_to_those_who_asked() -> None:
    _slow, got = asyncio.run(gathered("nothing", "second"))
    assert (type(got[1]), got[2]) == (KeyError, "second 2")
    _slow, got = asyncio.run(gathered("broken", "second"))
    assert [type(one) for one in got[1:]] == [ConnectionError, ConnectionError]

    async def afterwards() -> str:
        gathering: Gathered[str, str] = Gathered()
        slow = Slow()
        slow.going_on.set()
        with pytest.raises(ConnectionError):
            await gathering.of("broken", slow)
        return await gathering.of("second", slow)

    assert asyncio.run(afterwards()) == "second 2"


def test_between_two_readings_there_is_a_pause_for_others_to_join() -> None:
    async def one_after_another() -> list[list[str]]:
        gathering: Gathered[str, str] = Gathered(0.2)
        slow = Slow()
        slow.going_on.set()
        await gathering.of("first", slow)
        second = asyncio.create_task(gathering.of("second", slow))
        await asyncio.sleep(0.05)
        third = asyncio.create_task(gathering.of("third", slow))
        await asyncio.gather(second, third)
        return slow.read

    assert asyncio.run(one_after_another()) == [["first"], ["second", "third"]]


def test_one_who_leaves_takes_no_answer_from_the_others() -> None:
    async def left() -> str:
        gathering: Gathered[str, str] = Gathered()
        slow = Slow()
        impatient, patient = (asyncio.create_task(gathering.of("same", slow)) for _ in range(2))
        await asyncio.sleep(0.01)
        impatient.cancel()
        slow.going_on.set()
        return await patient

    assert asyncio.run(left()) == "same 1"
