"""The tables of what goes out: deliveries, their items, every attempt, and where each item shows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from kernel.claim import Claimable
from kernel.model import Base, Json


class Delivery(Claimable, Base):
    """One message to one account at one time. The row is the schedule: it is due when `next_at` has come.

    `identity` makes it one per (items, account, action, occurrence). `key` goes to the platform with every attempt.
    `scheduled_at` is the time that people last decided on; `next_at` is when to look again, None when only a person can
    go on. `handed_on_at` is the first call since that decision: lateness lies between the two.
    `rehearses` is the account in whose stead it goes to the rehearsal platforms (演练); such a one is never counted.
    `through` lets it out while everything else is stopped.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index("ix_delivery_account_id_state_next_at", "account_id", "state", "next_at"),
        Index("ix_delivery_state_next_at", "state", "next_at"),
        Index("ix_delivery_unit_id_scheduled_at", "unit_id", "scheduled_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    rehearses: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    channel: Mapped[str] = mapped_column(String(30))
    action: Mapped[str] = mapped_column(String(20))
    occurrence: Mapped[int] = mapped_column(default=1)
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"), index=True)
    identity: Mapped[str] = mapped_column(String(64), unique=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(12))
    scheduled_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    asked: Mapped[int] = mapped_column(default=0)
    audience: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    note: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    phrase: Mapped[str] = mapped_column(String(200), default="")
    unsigned: Mapped[str] = mapped_column(String(4), default="hold")
    missed_after: Mapped[int | None]
    missed_act: Mapped[str] = mapped_column(String(4), default="send")
    emergency: Mapped[bool] = mapped_column(default=False)
    through: Mapped[bool] = mapped_column(default=False, server_default=false())
    job_id: Mapped[str | None] = mapped_column(String(200), index=True)
    accepted_at: Mapped[datetime | None]
    accepted_until: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
    code: Mapped[str] = mapped_column(String(40), default="")
    remark: Mapped[str] = mapped_column(String(500), default="")
    first_attempt_at: Mapped[datetime | None]
    handed_on_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    late_told_at: Mapped[datetime | None]
    # The signer who decided the order of a bundle; until then it goes in the order in which it was composed.
    ordered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]

    @property
    def signed_account(self) -> int:
        """The account that was signed for: a rehearsal's is the one it stands for."""
        return self.rehearses or self.account_id


class DeliveryItem(Base):
    """One item of a delivery, in its place: 1 is 头条.

    `action` is the delivery's own and never changes: the withdrawals of a piece are found among its thousand messages.
    """

    __tablename__ = "delivery_item"
    __table_args__ = (
        UniqueConstraint("delivery_id", "position"),
        Index("ix_delivery_item_piece_id_action", "piece_id", "action"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    position: Mapped[int]
    action: Mapped[str] = mapped_column(String(20))
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"))
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), index=True)
    dropped: Mapped[str] = mapped_column(String(200), default="")


class Attempt(Base):
    """One call to a platform for a delivery, kept whatever happens; an empty `outcome` is still under way."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    number: Mapped[int]
    act: Mapped[str] = mapped_column(String(12))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(String(14), default="")
    code: Mapped[str] = mapped_column(String(40), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")


class Place(Base):
    """What an account shows of a piece, for the two tables that keep it."""

    __abstract__ = True

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    state: Mapped[str] = mapped_column(String(14))
    remote_id: Mapped[str] = mapped_column(String(300), default="")
    url: Mapped[str] = mapped_column(String(1000), default="")
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    correction: Mapped[str] = mapped_column(String(12), default="")
    live_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class Placement(Place):
    """What an account shows of a piece; the only answer to "what does this channel show"."""

    __tablename__ = "placement"
    __table_args__ = (UniqueConstraint("piece_id", "account_id"),)


class RehearsedPlacement(Place):
    """What a rehearsal shows of a piece. A table of its own, so that nothing rehearsed is ever taken for published."""

    __tablename__ = "rehearsed_placement"
    __table_args__ = (UniqueConstraint("piece_id", "account_id"),)


class Emergency(Base):
    """应急发布: a piece that goes to all its accounts with its last signature, and stands on the portal's banner.

    What is signed of it lies in its release; `banner_until` may only be shortened here. `key` makes a form that is
    sent twice one piece.
    """

    __tablename__ = "emergency"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), unique=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    level: Mapped[str] = mapped_column(String(4))
    banner_until: Mapped[datetime | None] = mapped_column(index=True)
    through: Mapped[bool] = mapped_column(default=False)
    booked_at: Mapped[datetime | None]
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class Freeze(Base):
    """One stop; in force while `ended_at` is empty. Without an account it covers the unit and every one below it."""

    __tablename__ = "freeze"
    __table_args__ = (Index("ix_freeze_ended_at", "ended_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    reason: Mapped[str] = mapped_column(String(200))
    begun_at: Mapped[datetime]
    begun_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))

    @property
    def words(self) -> str:
        """Why something waits, as its task says it."""
        return f"一键停发：{self.reason}"
