"""One reading of the rows for all streams of a process that look at the same: a thousand cost as much as one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class _Reading:
    began: float
    task: asyncio.Task[Any]


class Sights:
    """The latest reading of each key; whoever needs one that began no earlier than a moment shares it."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Hashable, _Reading]] = WeakKeyDictionary()

    async def since(self, key: Hashable, moment: float, read: Callable[[], Seen]) -> Seen:
        """What `read` finds, read at that moment of the loop's clock or later; raises what `read` raises."""
        loop = asyncio.get_running_loop()
        readings = self._loops.setdefault(loop, {})
        while True:
            latest = readings.get(key)
            if latest is not None and latest.began >= moment:
                done = latest.task.done()
                return cast(Seen, latest.task.result() if done else await asyncio.shield(latest.task))
            if latest is not None and not latest.task.done():  # It began too early, and two at once help nobody.
                await asyncio.wait({latest.task})
                continue
            task = loop.create_task(run_in_threadpool(read))
            task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            readings[key] = _Reading(max(moment, loop.time()), task)
