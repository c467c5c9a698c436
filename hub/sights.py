"""One reading of the rows for all streams of a process that look at once: a thousand cost little more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool

Seen = TypeVar("Seen")
Asked = TypeVar("Asked", bound=Hashable)
Read = Callable[[Collection[Asked]], Awaitable[Mapping[Asked, Seen]]]


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


@dataclass
class _Gathering(Generic[Asked, Seen]):
    waiting: dict[Asked, asyncio.Future[Seen]] = field(default_factory=dict)
    reader: asyncio.Task[None] | None = None


class Gathered(Generic[Asked, Seen]):
    """What is asked for while a reading runs is read together by the next one.

    Whoever looks alone waits for nobody, and the more there are, the less each costs. Between two readings there are
    `pause` seconds.
    """

    def __init__(self, pause: float = 0.0) -> None:
        self._pause = pause
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Gathering[Asked, Seen]] = WeakKeyDictionary()

    async def of(self, asked: Asked, read: Read[Asked, Seen]) -> Seen:
        """What `read` finds for it from now on; raises what `read` raises, and KeyError where it found nothing."""
        loop = asyncio.get_running_loop()
        gathering = self._loops.setdefault(loop, _Gathering())
        future = gathering.waiting.get(asked)
        if future is None:
            future = gathering.waiting[asked] = loop.create_future()
            future.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        if gathering.reader is None:
            gathering.reader = loop.create_task(self._read_on(gathering, read))
        return await asyncio.shield(future)

    async def _read_on(self, gathering: _Gathering[Asked, Seen], read: Read[Asked, Seen]) -> None:
        try:
            while gathering.waiting:
                asked, gathering.waiting = gathering.waiting, {}
                await self._read(asked, read)
                await asyncio.sleep(self._pause)
        finally:
            gathering.reader = None

    async def _read(self, asked: Mapping[Asked, asyncio.Future[Seen]], read: Read[Asked, Seen]) -> None:
        try:
            found = await read(list(asked))
        except Exception as failure:  # noqa: BLE001  # Theirs who asked, each of whom gets it.
            for future in asked.values():
                future.set_exception(failure)
            return
        except BaseException:
            for future in asked.values():
                future.cancel()
            raise
        for one, future in asked.items():
            if one in found:
                future.set_result(found[one])
            else:
                future.set_exception(KeyError(one))
