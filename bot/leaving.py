"""Whether the answers to pushes left: a process that dies between deciding one and sending it leaves a row that tells.

An answer counts as delivered from the commit that decided it, since nearly all leave within milliseconds and a second
write for each would cost as much as the first. What makes that safe is one row per process that answers pushes: up to
which moment all that it decided has left. Where the row is no longer kept up, whatever the process decided after that
moment is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import delete, select, update

from bot import reply
from bot.models import PushProcess
from kernel.claim import new_claimant
from kernel.once import insert_once
from kernel.work import Work, Works

EVERY_SECONDS = 5.0
# Four beats missed: the process is dead, or has not reached the database for as long.
GONE = timedelta(seconds=20)
# Works that share a commit share its moment, which may be a little before a push came.
MARGIN = timedelta(seconds=1)
# Longer than any push is held and its note tried: of one that is older nothing will be told any more.
STUCK = timedelta(minutes=5)


@dataclass
class Leaving:
    """The answers of this process that are on their way."""

    works: Works
    _name: str = field(default_factory=new_claimant)
    _since: dict[object, datetime] = field(default_factory=dict)
    _kept: bool = False
    _stirred: bool = False
    _lock: Lock = field(default_factory=Lock)

    def enter(self) -> object:
        """A push begins to be dealt with: whatever it decides has not left until `left` is told."""
        push = object()
        with self._lock:
            self._since[push] = self.works.clock.now()
            self._stirred = True
        return push

    def left(self, push: object) -> None:
        """What the push was answered has left, or it is noted that it came too late."""
        with self._lock:
            self._since.pop(push, None)

    @contextmanager
    def failing(self, push: object) -> Iterator[None]:
        """A push that ends without an answer leaves nothing behind; the platform repeats it."""
        try:
            yield
        except BaseException:
            self.left(push)
            raise

    def mark(self, work: Work) -> str:
        """Under which name an answer is decided in this work; the first brings this process's row with it."""
        with self._lock:
            name, kept = self._name, self._kept
        if not kept:
            insert_once(work.session, PushProcess, name=name, clear_until=work.now - MARGIN, seen_at=work.now)
            work.after_commit(lambda: self._is_kept(name))
        return name

    def beat(self) -> None:
        """Writes down up to when all has left; where nothing has been to do since, the row goes until there is."""
        with self._lock:
            now = self.works.clock.now()
            self._since = {push: at for push, at in self._since.items() if at > now - STUCK}
            name, busy = self._name, self._stirred or bool(self._since)
            self._stirred = False
            if not busy and not self._kept:
                return
            if not busy:
                self._name, self._kept = new_claimant(), False
            until = min(self._since.values(), default=now) - MARGIN
        if not busy:
            self._end(name)
            return
        try:
            with self.works.write() as work:
                stands = {"clear_until": until, "seen_at": work.now}
                here = update(PushProcess).where(PushProcess.name == name).values(**stands).returning(PushProcess.name)
                if work.session.scalar(here) is None:
                    insert_once(work.session, PushProcess, name=name, **stands)
                work.after_commit(lambda: self._is_kept(name))
        except BaseException:
            with self._lock:
                self._stirred = True
            raise

    def close(self) -> None:
        """The process ends: what is still on its way is found by the sweep, else there is nothing to find."""
        with self._lock:
            name, clear = self._name, not self._since and self._kept
        if clear:
            self._end(name)

    def _is_kept(self, name: str) -> None:
        with self._lock:
            self._kept = self._kept or name == self._name

    def _end(self, name: str) -> None:
        with self.works.write() as work:
            work.session.execute(delete(PushProcess).where(PushProcess.name == name))


def sweep(works: Works) -> int:
    """What processes that are gone decided and perhaps did not send is unknown from now on; returns how many."""
    with works.write() as work:
        gone = select(PushProcess).where(PushProcess.seen_at < work.now - GONE).with_for_update(skip_locked=True)
        lost = 0
        for process in work.session.scalars(gone).all():
            lost += reply.never_left(work, process.name, process.clear_until)
            work.session.delete(process)
        return lost
