"""When a desk was manned, to reckon with: a day that has shifts follows them, every other the office's hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import chain

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.team.models import Turn
from kernel.workdays import Workdays

Span = tuple[datetime, datetime]
DAY = timedelta(days=1)


class Manned(Workdays):
    """The hours of a desk and what is planned there: `turns` are (day, begin, end).

    It is the time in which a citizen reaches a person (`Hours.open_at`): beyond it he gets a ticket and is not waiting.
    """

    def __init__(self, hours: Workdays, turns: Iterable[tuple[date, datetime, datetime]]) -> None:
        super().__init__(hours.zone, hours.declared, hours.opens, hours.closes, every_day=hours.every_day)
        self.turns = sorted(turns, key=lambda turn: turn[1])
        self.planned = {day for day, _starts, _ends in self.turns}

    def spans(self, first: datetime, last: datetime) -> Iterator[Span]:
        """What of either reaches into the days from one moment to another, in order and without overlap."""
        if not self.turns:
            return super().spans(first, last)
        begin, end = first.astimezone(self.zone).date() - DAY, last.astimezone(self.zone).date()
        usual = (part for span in super().spans(first, last) for part in _by_days(span) if not self._is_planned(part))
        turns = (
            (starts.astimezone(self.zone), ends.astimezone(self.zone))
            for day, starts, ends in self.turns
            if begin <= day <= end
        )
        return _merged(sorted(chain(usual, turns)))

    def _is_planned(self, part: Span) -> bool:
        return part[0].date() in self.planned


def turns_since(session: Session, unit_id: int, since: datetime) -> list[tuple[date, datetime, datetime]]:
    """What is planned at a desk from the day before a moment on; many people on one shift are one."""
    query = select(Turn.day, Turn.starts_at, Turn.ends_at).where(
        Turn.unit_id == unit_id, Turn.day >= since.date() - DAY
    )
    return [(day, starts, ends) for day, starts, ends in session.execute(query.distinct())]


def _by_days(span: Span) -> Iterator[Span]:
    """A span cut at midnight: each day is planned or not by itself."""
    begins, ends = span
    while begins < ends:
        midnight = datetime.combine(begins.date() + DAY, time(), begins.tzinfo)
        yield begins, min(midnight, ends)
        begins = midnight


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """The same time once, however many shifts overlap."""
    held: Span | None = None
    for begins, ends in spans:
        if held is None:
            held = (begins, ends)
        elif begins <= held[1]:
            held = (held[0], max(held[1], ends))
        else:
            yield held
            held = (begins, ends)
    if held is not None:
        yield held
