"""Calls the browsers of one delivery for a while: several at a time, at most fifty on their way, no service in the way.

One thread keeps the rows: it writes what became of those that were called and claims the next in the same work, so that
after a crash only what was on its way is unknown. The others encrypt and post. A push service that is slow holds up its
own share of them, and one that asks to wait is left alone for this round.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import structlog

from channels.base import Called, Subscription, Walk

log = structlog.get_logger(__name__)

IN_FLIGHT = 50
AT_ONCE = 16
# What one of several push services may have on its way.
SHARE = 5
# A batch of rows is written when this many answers are there, or after this long.
WRITE_AT = 20
WRITE_AFTER = 0.05


@dataclass
class Round:
    """One attempt's share of the fan-out. `call` posts one notice; `unwelcome` are answers that refuse our key."""

    walk: Walk
    call: Callable[[Subscription], Called]
    in_flight: int = IN_FLIGHT
    accepted: bool = False
    refused: list[tuple[int, Called]] = field(default_factory=list)
    _answers: SimpleQueue[tuple[Subscription, Called]] = field(default_factory=SimpleQueue)

    def run(self, seconds: float) -> bool:
        """Calls browsers until nobody is left (True) or the time is over (False); what was begun is waited for."""
        ends = time.monotonic() + seconds
        flying: Counter[str] = Counter()
        done: dict[int, Called] = {}
        resting: set[str] = set()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while True:
                room = self._room(flying, resting) if self._goes_on(ends) else {}
                for one in self.walk.step(self._settled(done), room):
                    flying[one.origin] += 1
                    pool.submit(self._call, one)
                done.clear()
                if not flying.total():
                    return self._goes_on(ends)
                self._gather(flying, done, resting)

    def _call(self, one: Subscription) -> None:
        try:
            called = self.call(one)
        except Exception:  # The edge of a thread: nobody knows how far it came, and the others go on.
            log.exception("notice failed", subscription=one.id)
            called = Called("unknown")
        self._answers.put((one, called))

    def _goes_on(self, ends: float) -> bool:
        return time.monotonic() < ends and len(self.refused) < self.in_flight

    def _room(self, flying: Counter[str], resting: set[str]) -> dict[str, int]:
        """How many more each push service may have on its way; a lone one may have all."""
        free = self.in_flight - flying.total() - len(self.refused)
        # Nobody takes the last hands of the others: there is always one for a service that answers.
        most = self.in_flight if len(self.walk.origins) == 1 else SHARE
        room = {}
        for origin in self.walk.origins:
            wanted = min(most - flying[origin], free)
            if wanted > 0 and origin not in resting:
                room[origin] = wanted
                free -= wanted
        return room

    def _gather(self, flying: Counter[str], done: dict[int, Called], resting: set[str]) -> None:
        until = time.monotonic() + WRITE_AFTER
        # Half of what is on its way: a service that hangs must not keep the rows of the others waiting.
        enough = min(WRITE_AT, max(1, flying.total() // 2))
        while len(done) < enough:
            try:
                one, called = self._answers.get(timeout=max(0.0, until - time.monotonic()) if done else None)
            except Empty:
                return
            flying[one.origin] -= 1
            if called.until is not None:
                resting.add(one.origin)
            done[one.id] = called

    def _settled(self, done: dict[int, Called]) -> dict[int, Called]:
        """What may be written. A refusal of our key is held back until somebody has taken it: then it is theirs."""
        written = {}
        for number, called in done.items():
            self.accepted = self.accepted or called.state == "sent"
            if called.unwelcome:
                self.refused.append((number, called))
            else:
                written[number] = called
        if self.accepted and self.refused:
            written.update(self.refused)
            self.refused = []
        return written
