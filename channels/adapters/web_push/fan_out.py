"""Calls the browsers of one delivery for a while: several at a time, at most fifty on their way, no service in the way.

It writes what became of those that were called and claims the next in the same work, so that after a crash only what
was on its way is unknown. A push service that is slow holds up its own share of them, and one that asks to wait is left
alone for this round.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from channels.base import Called, Subscription, Walk

log = structlog.get_logger(__name__)

IN_FLIGHT = 50
# What one of several push services may have on its way.
SHARE = 5
# A batch of rows is written when this many answers are there, or after this long.
WRITE_AT = 40
WRITE_AFTER = 0.05


class Calls(Protocol):
    """Calls browsers, each by itself, many at once."""

    def begin(self, one: Subscription) -> None:
        """Begins to call one; waits for nothing."""

    def ended(self, timeout: float | None) -> Sequence[tuple[int, Called]]:
        """Those that were called, by id; where none was, waits for one, at most so many seconds (None: until one)."""


@dataclass
class Round:
    """One attempt's share of the fan-out. `unwelcome` are answers that refuse our key."""

    walk: Walk
    calls: Calls
    in_flight: int = IN_FLIGHT
    accepted: bool = False
    refused: list[tuple[int, Called]] = field(default_factory=list)
    _flying: dict[int, str] = field(default_factory=dict)

    def run(self, seconds: float) -> bool:
        """Calls browsers until nobody is left (True), or the time is over or a person stopped it (False).

        What was begun is waited for.
        """
        ends = time.monotonic() + seconds
        done: dict[int, Called] = {}
        resting: set[str] = set()
        while True:
            settled = self._settled(done)
            room = self._room(resting) if self._goes_on(ends) else {}
            claimed = self.walk.step(settled, room)
            done = {}
            for one in claimed:
                self._begin(one, done)
            if not self._flying and not done:
                if room and not claimed and self._goes_on(ends):
                    continue  # Those services have nobody left and are gone from the walk; the others have their turn.
                return self._goes_on(ends)
            self._gather(done, resting)

    def _begin(self, one: Subscription, done: dict[int, Called]) -> None:
        try:
            self.calls.begin(one)
            self._flying[one.id] = one.origin
        except Exception:  # Nobody knows how far it came, and the others go on.
            log.exception("notice failed", subscription=one.id)
            done[one.id] = Called("unknown")

    def _goes_on(self, ends: float) -> bool:
        return time.monotonic() < ends and len(self.refused) < self.in_flight and not self.walk.stopped

    def _room(self, resting: set[str]) -> dict[str, int]:
        """How many more each push service may have on its way; a lone one may have all."""
        flying = Counter(self._flying.values())
        free = self.in_flight - len(self._flying) - len(self.refused)
        # Nobody takes the last hands of the others: there is always one for a service that answers.
        most = self.in_flight if len(self.walk.origins) == 1 else SHARE
        room = {}
        for origin in self.walk.origins:
            wanted = min(most - flying[origin], free)
            if wanted > 0 and origin not in resting:
                room[origin] = wanted
                free -= wanted
        return room

    def _gather(self, done: dict[int, Called], resting: set[str]) -> None:
        until = time.monotonic() + WRITE_AFTER
        # Not all of what is on its way: a service that hangs must not keep the rows of the others waiting.
        enough = min(WRITE_AT, max(1, len(self._flying) * 3 // 4))
        while self._flying and len(done) < enough:
            ended = self.calls.ended(max(0.0, until - time.monotonic()) if done else None)
            if not ended:
                return
            for number, called in ended:
                origin = self._flying.pop(number)
                if called.until is not None:
                    resting.add(origin)
                done[number] = called

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
