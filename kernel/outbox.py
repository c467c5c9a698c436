"""Rows that leave the house one call at a time: claimed before the network, recorded by who still holds the claim."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

from sqlalchemy import ColumnElement, select

from kernel.claim import claim, free, new_claimant, run_out, still_mine
from kernel.model import Base
from kernel.work import Work, Works

Row = TypeVar("Row", bound=Base)
Job = TypeVar("Job")
Answer = TypeVar("Answer")


class Outbox(ABC, Generic[Row, Job, Answer]):
    """Sends what is booked in one table; no transaction is open while the network is.

    The table has `id`, `state`, `next_at` and `attempts` beside the columns of a claim. `booked` and `sending` are
    its states before and during a call, `lease` bounds one call, `batch` the calls of one run.
    """

    table: type[Row]
    booked: ClassVar[str]
    sending: ClassVar[str]
    batch: ClassVar[int] = 20

    works: Works
    lease: timedelta

    def due(self, work: Work) -> Sequence[ColumnElement[bool]]:
        """What must hold for a row besides being booked, due and nobody's."""
        return ()

    def marks(self) -> dict[str, object]:
        """What is written with the claim besides its state and the count of attempts."""
        return {}

    @abstractmethod
    def prepare(self, work: Work, row: Row) -> Job | None:
        """What the call needs, read while the claim is made; None when the row was ended without one."""

    @abstractmethod
    def call(self, job: Job) -> Answer:
        """The call itself; never raises."""

    @abstractmethod
    def record(self, work: Work, row: Row, job: Job, answer: Answer) -> None:
        """Writes down what came of it; the claim is given back already."""

    @abstractmethod
    def lost(self, work: Work, row: Row) -> None:
        """A process died between claim and record: nobody knows whether this row left."""

    def send_due(self) -> int:
        """Looks for what a dead process held, and sends what is due; returns how many calls were made."""
        self.find_lost()
        return self.send_waiting()

    def send_waiting(self) -> int:
        """Sends what is due, the oldest first; returns how many calls were made."""
        calls = 0
        while calls < self.batch and self._send_one():
            calls += 1
        return calls

    def find_lost(self) -> int:
        """Ends or books again what a dead process held; returns how many rows that were."""
        of = self.table.__table__.c
        if not self._is_any(self._held_too_long, [of.claimed_until]):
            return 0
        with self.works.write() as work:
            query = select(self.table).where(*self._held_too_long(work))
            rows = work.session.scalars(query.with_for_update(skip_locked=True)).all()
            for row in rows:
                _give_back(row)
                self.lost(work, row)
            return len(rows)

    def take(self, claimant: str) -> tuple[int, Job] | None:
        """Claims the row that has waited longest; its id and what its call needs, or None when nothing is due."""
        of = self.table.__table__.c
        while self._is_any(self._waits, [of.next_at, of.id]):
            with self.works.write() as work:
                taken = self._claim(work, claimant)
            if taken is None:
                return None
            row_id, job = taken
            if job is not None:
                return row_id, job
        return None

    def keep(self, row_id: int, claimant: str, job: Job, answer: Answer) -> None:
        """Records what came of a call, unless the claim was lost meanwhile."""
        with self.works.write() as work:
            row = still_mine(work.session, self.table, row_id, claimant)
            if row is not None:
                _give_back(row)
                self.record(work, row, job, answer)

    def _is_any(
        self, these: Callable[[Work], Sequence[ColumnElement[bool]]], order: Sequence[ColumnElement[Any]]
    ) -> bool:
        """Whether there is anything to be done: whoever is woken for nothing does not wait for his turn to write.

        The first in an index's order is asked for: for any at all PostgreSQL reads the table from its beginning, where
        a plan that serves every state takes each for a frequent one.
        """
        with self.works.read() as work:
            first = select(self.table.__table__.c.id).where(*these(work)).order_by(*order).limit(1)
            return work.session.scalar(first) is not None

    def _waits(self, work: Work) -> list[ColumnElement[bool]]:
        of = self.table.__table__.c
        return [
            of.state == self.booked,
            of.next_at <= work.now,
            free(self.table, work.now, self.lease),
            *self.due(work),
        ]

    def _held_too_long(self, work: Work) -> list[ColumnElement[bool]]:
        of = self.table.__table__.c
        run = run_out(self.table, work.now, self.lease)
        return [of.state == self.sending, of.claimed_until.is_not(None), run]

    def _claim(self, work: Work, claimant: str) -> tuple[int, Job | None] | None:
        """The row that has waited longest and what its call needs, if it was not ended without one."""
        of = self.table.__table__.c
        rows = claim(
            work.session,
            self.table,
            self._waits(work),
            [of.next_at, of.id],
            limit=1,
            claimant=claimant,
            now=work.now,
            lease=self.lease,
            state=self.sending,
            attempts=of.attempts + 1,
            **self.marks(),
        )
        if not rows:
            return None
        row_id: int = rows[0].id  # type: ignore[attr-defined]  # Every table of an outbox has it.
        job = self.prepare(work, rows[0])
        if job is None:
            _give_back(rows[0])
        return row_id, job

    def _send_one(self) -> bool:
        claimant = new_claimant()
        taken = self.take(claimant)
        if taken is None:
            return False
        row_id, job = taken
        self.keep(row_id, claimant, job, self.call(job))
        return True


def _give_back(row: Base) -> None:
    row.claimed_by = row.claimed_until = None  # type: ignore[attr-defined]  # The columns of a claim.
