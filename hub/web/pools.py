"""Threads kept apart by what they are for: a crowd of one sort uses up its own and leaves the others theirs.

Whatever is not named here shares the forty of the framework. Threads that work at once share one interpreter, so that
more of them than a few make each other slower.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar, TypeVarTuple, Unpack

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from anyio.to_thread import run_sync

Told = TypeVar("Told")
Given = TypeVarTuple("Given")

# A platform waits five seconds for its answer, whoever else there is.
PUSHES = 8
# Citizens in the chat mostly wait for a commit that they share; the more of them reckon at once, the longer each of
# them holds up everybody's.
TALKS = 12
# A page that is told of what changed a moment later has lost nothing.
LOOKS = 4


class Pool:
    """So many threads at once for each event loop, on which alone whoever waits can be woken."""

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._limiter: RunVar[CapacityLimiter] = RunVar(f"xuanda.{name}")

    def run(self, call: Callable[[Unpack[Given]], Told], *given: *Given) -> Awaitable[Told]:
        """Runs the call in one of these threads, in its turn."""
        limiter = self._limiter.get(None)
        if limiter is None:
            limiter = CapacityLimiter(self._most)
            self._limiter.set(limiter)
        return run_sync(call, *given, limiter=limiter)


pushes = Pool("pushes", PUSHES)
talks = Pool("talks", TALKS)
looks = Pool("looks", LOOKS)
