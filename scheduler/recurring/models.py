"""The tables of what comes again: slots, who has taken which of their moments, and series."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json
from scheduler.recurring.pattern import Pattern, pattern


class Recurring:
    """Columns for a pattern: which days (`numbers` of the week or the month), at what hour, and on free days what."""

    days: Mapped[str] = mapped_column(String(8))
    numbers: Mapped[list[Any]] = mapped_column(Json, default=list)
    hour: Mapped[str] = mapped_column(String(5))
    free_days: Mapped[str] = mapped_column(String(5))

    @property
    def pattern(self) -> Pattern:
        """The same as a value."""
        return pattern(self.days, self.numbers, self.hour, self.free_days)

    @pattern.setter
    def pattern(self, value: Pattern) -> None:
        self.days, self.numbers, self.free_days = value.days, list(value.numbers), value.free_days
        self.hour = f"{value.hour:%H:%M}"


class Slot(Recurring, Base):
    """栏位: a moment that comes again, at which one thing of the unit, or of one below it, may go out on an account.

    Without an account it is one on each account; with a column it takes that column's pieces only. `version` guards
    a form against a stale save.
    """

    __tablename__ = "slot"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    column_id: Mapped[int | None] = mapped_column(ForeignKey("column.id"))
    name: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SlotTaken(Base):
    """Who has taken a moment on a lane. It counts while its delivery still stands at that moment, so that whoever
    moves or cancels a task frees its slot without knowing of slots."""

    __tablename__ = "slot_taken"
    __table_args__ = (
        UniqueConstraint("account_id", "at"),
        Index("ix_slot_taken_delivery_id", "delivery_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    slot_id: Mapped[int] = mapped_column(ForeignKey("slot.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    at: Mapped[datetime]
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))


class Series(Recurring, Base):
    """系列: one piece that goes out `count` times on an account. Its occurrences are deliveries, the first of them with
    the occurrence `first`; whoever ends it cancels what still waits."""

    __tablename__ = "series"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), index=True)
    action: Mapped[str] = mapped_column(String(20))
    count: Mapped[int]
    first: Mapped[int] = mapped_column(default=1)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
