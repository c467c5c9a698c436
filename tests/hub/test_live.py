"""The broker inside a process: who watches what, who is told, and that nobody who left is kept."""

from __future__ import annotations

import asyncio

from hub.live import LONGEST, Live


def test_each_hears_of_what_he_watches_once_however_often_it_was_told() -> None:
    async def watch() -> tuple[set[str], set[str], set[str]]:
        live = Live()
        with live.watching(["a", "b"]) as both, live.watching(["b"]) as one, live.watching(["c"]) as other:
            assert (live.watched(), live.watchers()) == ({"a", "b", "c"}, 3)
            await asyncio.to_thread(live.tell, "a", "b", "d")
            await asyncio.to_thread(live.tell, "b")
            await asyncio.sleep(0)
            return both.more(), one.more(), other.more()

    assert asyncio.run(watch()) == ({"a", "b"}, {"b"}, set())


def test_who_left_is_forgotten_and_who_stays_is_told() -> None:
    async def watch() -> set[str]:
        live = Live()
        with live.watching(["a"]) as stays:
            with live.watching(["a", "b"]):
                pass
            assert (live.watched(), live.watchers()) == ({"a"}, 1)
            live.tell("a", "b")
            await asyncio.sleep(0)
            told = stays.more()
        assert (live.watched(), live.watchers()) == (set(), 0)
        return told

    assert asyncio.run(watch()) == {"a"}


def test_what_was_told_is_known_only_where_somebody_watches_and_once() -> None:
    async def watch() -> list[set[str]]:
        live = Live()
        with live.watching(["a", "b"]):
            first = live.told_since()
            live.tell("a", "c")
            return [first, live.told_since(), live.told_since()]

    assert asyncio.run(watch()) == [set(), {"a"}, set()]


def test_who_does_not_read_is_told_no_more_than_he_can_hold() -> None:
    async def watch() -> int:
        live = Live()
        with live.watching(["a"]) as watcher:
            for _ in range(LONGEST + 50):
                live.tell("a")
            await asyncio.sleep(0)
            return watcher.queue.qsize()

    assert asyncio.run(watch()) == LONGEST
