"""转载任务 counted: how many an account carried in time, late or not at all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from scheduler.reposting.models import RepostTask, TaskState
from scheduler.reposting.tasks import overdue, was_late


@dataclass(frozen=True)
class Kept:
    """Tasks opened in a period by what became of them; `waiting` are open and not yet due."""

    on_time: int = 0
    late: int = 0
    missed: int = 0
    waiting: int = 0
    excused: int = 0

    @property
    def share(self) -> float | None:
        """In time of all that were due or done, between 0 and 1; None where there is none."""
        counted = self.on_time + self.late + self.missed
        return self.on_time / counted if counted else None


def kept(session: Session, units: Collection[int], since: datetime, until: datetime, now: datetime) -> Kept:
    """All accounts of these units together."""
    query: Any = select(*_counts(now)).where(*_within(units, since, until))
    return Kept(*session.execute(query).one())


def by_account(
    session: Session, units: Collection[int], since: datetime, until: datetime, now: datetime
) -> list[tuple[int, str, str, Kept]]:
    """Each account by id, name and channel, the one that missed most first."""
    query: Any = select(Account.id, Account.name, Account.channel, *_counts(now)).join(
        Account, Account.id == RepostTask.account_id
    )
    found = session.execute(
        query.where(*_within(units, since, until)).group_by(Account.id, Account.name, Account.channel)
    )
    rows = [(row[0], row[1], row[2], Kept(*row[3:])) for row in found]
    return sorted(rows, key=lambda row: (-row[3].missed, -row[3].late, row[1]))


def _counts(now: datetime) -> tuple[ColumnElement[int], ...]:
    done, late = RepostTask.state == TaskState.DONE, overdue(now)
    return (
        _number(done & ~was_late()),
        _number(was_late()),
        _number(late),
        _number((RepostTask.state == TaskState.OPEN) & ~late),
        _number(RepostTask.state == TaskState.EXCUSED),
    )


def _number(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(RepostTask.id).filter(which)


def _within(units: Collection[int], since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (RepostTask.unit_id.in_(units), RepostTask.opened_at >= since, RepostTask.opened_at <= until)
