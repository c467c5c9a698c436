"""The tables of the comparison: what was published outside, what is gone, and when each account was last looked at."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json


class OutsideState(StrEnum):
    """What a person decided about something that was published outside."""

    OPEN = "open"
    LINKED = "linked"
    REGISTERED = "registered"
    DISMISSED = "dismissed"


class MissingState(StrEnum):
    """What a person decided about something that is no longer where we believe it."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    THERE = "there"


class OutsidePiece(Base):
    """Something an account shows that was not published by us; `due_at` is when its later signature is due."""

    __tablename__ = "outside_piece"
    __table_args__ = (
        UniqueConstraint("account_id", "number"),
        Index("ix_outside_piece_unit_id_state", "unit_id", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    number: Mapped[str] = mapped_column(String(300))
    title: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(1000))
    author: Mapped[str] = mapped_column(String(60), default="")
    digest: Mapped[str] = mapped_column(String(500), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    notified: Mapped[bool | None]
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    published_at: Mapped[datetime]
    found_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12))
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    signed_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500), default="")


class MissingPlacement(Base):
    """A placement that the platform says is gone, for a person to look at."""

    __tablename__ = "missing_placement"
    __table_args__ = (Index("ix_missing_placement_unit_id_state", "unit_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    why: Mapped[str] = mapped_column(String(300))
    found_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(12))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500), default="")


class InventoryRun(Base):
    """The last comparison of an account, by the office's day."""

    __tablename__ = "inventory_run"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, autoincrement=False)
    day: Mapped[date]
    at: Mapped[datetime]
    outside: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)
    fault: Mapped[str] = mapped_column(String(500), default="")
