"""How long what people left with the office is kept: a package declares a kind, one duty forgets what is over.

A kind is a row's moment from which its days are counted, whether the row still holds something, and what forgetting it
means. The days are a rule of the office. What was forgotten is noted as a number, never as what it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Index, String, func, select, update
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from kernel.model import Base
from kernel.office_rules import Rule, Values
from kernel.people import Unit
from kernel.work import Work, Works

BATCH = 200
# So many batches of one kind in one run: what is left waits for the next, and nobody waits for the database.
MOST_BATCHES = 25


@dataclass(frozen=True)
class Kind:
    """One kind of what is kept. `since` is the moment the days of `rule` count from; `held` is true of a row that still
    holds something; `unit` is the unit whose rule counts (None: the topmost unit's).

    `why` gives the reason for the default; `left` says what stays when the rest is forgotten.
    """

    rule: Rule[int]
    id: InstrumentedAttribute[int]
    since: ColumnElement[Any] | InstrumentedAttribute[Any]
    held: ColumnElement[bool]
    unit: Any
    forget: Callable[[Work, Sequence[int]], None]
    why: str
    left: str

    @property
    def name(self) -> str:
        """By which it is known, the last part of its rule's name."""
        return self.rule.name.rpartition(".")[2]


@dataclass(frozen=True)
class Standing:
    """How a kind stands: its oldest row, when that is forgotten, and how many are over already."""

    oldest: datetime | None
    next_at: datetime | None
    over: int


class Forgotten(Base):
    """How many rows of one kind were forgotten in one run, those from before `before`."""

    __tablename__ = "forgotten"
    __table_args__ = (Index("ix_forgotten_kind_at", "kind", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    rows: Mapped[int]
    before: Mapped[datetime]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Retention:
    """Forgets what is over, kind by kind, in small works; what one run leaves the next one takes."""

    works: Works
    kinds: Sequence[Kind]

    def run(self) -> Mapping[str, int]:
        """Forgets what is over; returns how many rows of each kind."""
        with self.works.read() as work:
            days = {kind.name: by_days(work, kind, self.kinds) for kind in self.kinds}
        return {kind.name: sum(self._forget(kind, *one) for one in days[kind.name].items()) for kind in self.kinds}

    def _forget(self, kind: Kind, days: int, units: Sequence[int]) -> int:
        gone, note = 0, 0
        for _batch in range(MOST_BATCHES):
            with self.works.write() as work:
                before = work.now - timedelta(days=days)
                ids = work.session.scalars(
                    select(kind.id).where(*_over(kind, units, before)).order_by(kind.since, kind.id).limit(BATCH)
                ).all()
                if ids:
                    kind.forget(work, ids)
                    note = _noted(work, note, kind, len(ids), before)
                    work.audit("retention.forgotten", None, kind=kind.name, rows=len(ids), before=before)
            gone += len(ids)
            if len(ids) < BATCH:
                break
        return gone


def _noted(work: Work, note: int, kind: Kind, rows: int, before: datetime) -> int:
    if note:
        work.session.execute(update(Forgotten).where(Forgotten.id == note).values(rows=Forgotten.rows + rows))
        return note
    row = Forgotten(kind=kind.name, rows=rows, before=before, at=work.now)
    work.session.add(row)
    work.session.flush()
    return row.id


def by_days(work: Work, kind: Kind, kinds: Iterable[Kind]) -> Mapping[int, Sequence[int]]:
    """The units by how many days they keep this kind; what has no unit follows the topmost one (under no number)."""
    values = _values(work, tuple(one.rule for one in kinds))
    if kind.unit is None:
        return {int(next(iter(values.values()))[kind.rule]): ()} if values else {}
    found: dict[int, list[int]] = defaultdict(list)
    for unit_id, of_unit in values.items():
        found[int(of_unit[kind.rule])].append(unit_id)
    return found


def _values(work: Work, rules: Sequence[Rule[Any]]) -> Mapping[int, Values]:
    """What the rules say for every unit, the topmost first."""
    units = work.session.scalars(select(Unit.id).order_by(func.length(Unit.path), Unit.id)).all()
    return {unit_id: Values(work.session, rules, unit_id, work.now) for unit_id in units}


def standing(work: Work, kind: Kind, kinds: Iterable[Kind]) -> Standing:
    """How a kind stands now, over all units."""
    oldest: datetime | None = None
    next_at: datetime | None = None
    over = 0
    for days, units in by_days(work, kind, kinds).items():
        first = work.session.scalar(select(func.min(kind.since)).where(*_of(kind, units)))
        if first is None:
            continue
        end = first + timedelta(days=days)
        oldest, next_at = min(oldest or first, first), min(next_at or end, end)
        before = work.now - timedelta(days=days)
        over += work.session.scalar(select(func.count(kind.id)).where(*_over(kind, units, before))) or 0
    return Standing(oldest, next_at, over)


def last_runs(session: Session, kind: Kind, most: int = 3) -> Sequence[Forgotten]:
    """The newest runs that forgot something of this kind."""
    query = select(Forgotten).where(Forgotten.kind == kind.name).order_by(Forgotten.at.desc(), Forgotten.id.desc())
    return session.scalars(query.limit(most)).all()


def _of(kind: Kind, units: Sequence[int]) -> list[ColumnElement[bool]]:
    return [kind.held, *([kind.unit.in_(units)] if kind.unit is not None else [])]


def _over(kind: Kind, units: Sequence[int], before: datetime) -> list[ColumnElement[bool]]:
    return [*_of(kind, units), kind.since < before]
