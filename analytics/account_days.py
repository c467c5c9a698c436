"""A whole account's figures day by day, as its platform counted them: followers, who came and went, readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from analytics.models import AccountDay


@dataclass(frozen=True)
class Day:
    """One of the platform's days; a name is missing where the platform has not told it."""

    day: date
    figures: Mapping[str, int]


def days_of(session: Session, account_id: int, first: date, last: date) -> Sequence[Day]:
    """Every day from the first to the last, also those of which nothing is known."""
    query = select(AccountDay).where(AccountDay.account_id == account_id, AccountDay.day.between(first, last))
    known = {row.day: row.figures for row in session.scalars(query)}
    count = (last - first).days + 1
    return [Day(day, known.get(day, {})) for day in (first + timedelta(days=n) for n in range(count))]


def sum_of(days: Sequence[Day], name: str) -> int | None:
    """What the days brought together; None where none of them tells it."""
    told = [one.figures[name] for one in days if name in one.figures]
    return sum(told) if told else None


def newest(days: Sequence[Day], name: str) -> int | None:
    """The newest that is known of a figure which is a state, such as the number of followers."""
    return next((one.figures[name] for one in reversed(days) if name in one.figures), None)
