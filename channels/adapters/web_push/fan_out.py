"""Calls the browsers of one delivery for a while: several at a time, at most fifty on their way, no service in the way.

It writes what became of those that were called and claims the next in the same work, so that after a crash only what
was on its way is unknown. Anybody may subscribe with a push service of his own: one that never took a notice is tried
with one hand, briefly, and one that does not answer is left alone for a while: docs/why/0025.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from channels.base import Called, Subscription, Walk

log = structlog.get_logger(__name__)

IN_FLIGHT = 50
# A batch of rows is written when this many answers are there, or after this long.
WRITE_AT = 40
WRITE_AFTER = 0.05
# So many failures in a row and a service rests.
FAILURES = 5
# The share of the hands for all services that have not taken a notice yet, and how long each is waited for (s).
TRIED = 5
TRIED_SECONDS = 4.0
# Pauses before what was answered is written once more (s).
AGAIN = (0.0, 0.5, 2.0)


class Calls(Protocol):
    """Calls browsers, each by itself, many at once."""

    def begin(self, one: Subscription, patience: float | None) -> None:
        """Begins to call one, which is given up after so many seconds (None: as others are); waits for nothing."""

    def ended(self, timeout: float | None) -> Sequence[tuple[int, Called]]:
        """Those that were called, by id; where none was, waits for one, at most so many seconds (None: until one)."""


@dataclass
class Round:
    """One attempt's share of the fan-out. `refused` are answers that refuse our key, as long as nobody has taken it."""

    walk: Walk
    calls: Calls
    in_flight: int = IN_FLIGHT
    tried_seconds: float = TRIED_SECONDS
    accepted: bool = False
    refused: list[tuple[int, str, Called]] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    # Services to leave alone: until an hour that they named, or (None) for a while that grows each time.
    rests: dict[str, datetime | None] = field(default_factory=dict)
    _flying: dict[int, str] = field(default_factory=dict)
    _done: dict[int, Called] = field(default_factory=dict)
    _failures: Counter[str] = field(default_factory=Counter)
    _begun: bool = False

    def run(self, seconds: float) -> bool:
        """Calls browsers until nobody is left to ask now (True), or the time is over or a person stopped it (False).

        What was begun is waited for, and whatever was answered is written even where it breaks off.
        """
        try:
            return self._run(time.monotonic() + seconds)
        except Exception:
            self._rescue()
            raise
        finally:
            if self.taken or self.rests:
                self.walk.remember(self.taken, self.rests)

    def _run(self, ends: float) -> bool:
        # Who is only tried is tried early enough that nobody waits for it when the time is over.
        patience, tries_until = self.tried_seconds, max(time.monotonic(), ends - self.tried_seconds)
        while True:
            room = self._room(time.monotonic() <= tries_until or not self._begun) if self._goes_on(ends) else {}
            claimed = self.walk.step(settled := self._settled(), room)
            for number in settled:
                del self._done[number]
            for one in claimed:
                self._begin(one, None if one.origin in self.walk.proven else patience)
            if not self._flying and not self._done:
                if room and not claimed and self._goes_on(ends):
                    continue  # Those services have nobody left and are gone from the walk; the others have their turn.
                return self._goes_on(ends) and not [*self._asked()]
            self._gather()

    def _begin(self, one: Subscription, patience: float | None) -> None:
        self._begun = True
        try:
            self.calls.begin(one, patience)
            self._flying[one.id] = one.origin
        except Exception:  # Nobody knows how far it came, and the others go on.
            log.exception("notice failed", subscription=one.id)
            self._done[one.id] = Called("unknown")

    def _goes_on(self, ends: float) -> bool:
        return time.monotonic() < ends and len(self.refused) < self.in_flight and not self.walk.stopped

    def _asked(self) -> Iterator[str]:
        return (origin for origin in self.walk.origins if origin not in self.rests)

    def _room(self, may_try: bool) -> dict[str, int]:
        """How many more each push service may have on its way.

        Of those that took a notice each has half of the hands that are left, in the order of the walk, and the last the
        rest; the others have one hand each, out of a few for all of them.
        """
        flying = Counter(self._flying.values())
        used = flying + Counter(origin for _, origin, _ in self.refused)
        free = self.in_flight - used.total()
        good, new = self._parted(may_try)
        tries = max(1, self.in_flight // TRIED)
        busy = sum(number for origin, number in flying.items() if origin not in good)
        left = self.in_flight - max(busy, tries if new else 0)
        room: dict[str, int] = {}
        for place, origin in enumerate(good, 1):
            share = left if place == len(good) else (left + 1) // 2
            left -= share
            _give(room, origin, min(share - used[origin], free))
            free -= room.get(origin, 0)
        for origin in new:
            if min(tries - busy, free) <= 0:
                break
            if not used[origin]:
                room[origin] = 1
                busy, free = busy + 1, free - 1
        if not room and not flying and free > 0:
            room = dict.fromkeys([*good, *new][: min(tries, free)], 1)  # All that hold back a refusal: which is right?
        return room

    def _parted(self, may_try: bool) -> tuple[list[str], list[str]]:
        """The services that may be asked: those that have taken a notice, and the others where they may be tried."""
        good: list[str] = []
        new: list[str] = []
        for origin in self._asked():
            (good if origin in self.taken or origin in self.walk.proven else new).append(origin)
        return good, new if may_try else []

    def _gather(self) -> None:
        until = time.monotonic() + WRITE_AFTER
        # Not all of what is on its way: a service that hangs must not keep the rows of the others waiting.
        enough = min(WRITE_AT, max(1, len(self._flying) * 3 // 4))
        while self._flying and len(self._done) < enough:
            ended = self.calls.ended(max(0.0, until - time.monotonic()) if self._done else None)
            if not ended:
                return
            for number, called in ended:
                self._note(number, called)

    def _note(self, number: int, called: Called) -> None:
        """What one answer says of its service."""
        origin = self._flying.pop(number)
        if called.until is not None:
            self.rests[origin] = called.until if called.code else None
        self._failures[origin] = self._failures[origin] + 1 if called.state == "unknown" else 0
        if self._failures[origin] >= self._most_failures(origin, called):
            self.rests.setdefault(origin, None)
        if called.state == "sent":
            self.taken[origin] += 1
            self.accepted = True
        if called.unwelcome and not self.accepted:
            self.refused.append((number, origin, called))
        else:
            self._done[number] = called

    def _most_failures(self, origin: str, called: Called) -> int:
        if origin in self.taken or origin in self.walk.proven:
            return FAILURES
        return 1 if origin in self.walk.failing or not called.code else FAILURES

    def _settled(self) -> dict[int, Called]:
        """What may be written. A refusal of our key is held back until somebody has taken it: then it is theirs."""
        if self.accepted and self.refused:
            self._done.update((number, called) for number, _, called in self.refused)
            self.refused = []
        return dict(self._done)

    def _rescue(self) -> None:
        """Waits for what is on its way and writes what was answered, where a step or a call failed."""
        try:
            while self._flying and (ended := self.calls.ended(None)):
                for number, called in ended:
                    self._note(number, called)
        except Exception:
            log.exception("notices left behind", number=len(self._flying))
        for pause in AGAIN:
            time.sleep(pause)
            try:
                self.walk.step(self._settled(), {})
                return
            except Exception:
                log.exception("answers not written", number=len(self._done))


def _give(room: dict[str, int], origin: str, number: int) -> None:
    if number > 0:
        room[origin] = number
