"""Threads kept apart: so many at once, none of another pool's, and each event loop its own."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from hub.web.pools import Pool


def test_no_more_run_at_once_than_there_are() -> None:
    pool, inside, most, lock = Pool("few", 3), 0, 0, threading.Lock()

    def call() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1

    async def crowd() -> None:
        await asyncio.gather(*(pool.run(call) for _ in range(20)))

    asyncio.run(crowd())
    assert most == 3


def test_a_crowd_of_one_sort_leaves_the_others_their_threads() -> None:
    crowded, free, go_on = Pool("crowded", 1), Pool("free", 1), threading.Event()

    async def both() -> str:
        waiting = [asyncio.ensure_future(crowded.run(go_on.wait, 20)) for _ in range(3)]
        await asyncio.sleep(0.01)
        told = await asyncio.wait_for(asyncio.ensure_future(free.run(str.upper, "served")), 10)
        assert not any(one.done() for one in waiting)
        go_on.set()
        await asyncio.gather(*waiting)
        return told

    assert asyncio.run(both()) == "SERVED"


def test_several_event_loops_use_one_pool_and_none_waits_for_another() -> None:
    pool = Pool("loops", 1)

    async def some() -> list[int]:
        return list(await asyncio.gather(*(pool.run(int, number) for number in range(50))))

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(asyncio.run, some()) for _ in range(8)]
        assert [one.result(timeout=30) for one in running] == [list(range(50))] * 8
