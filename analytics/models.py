"""The tables of what comes back: the portal's own reads, the platforms' figures, and advice for a person."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json


class PageRead(Base):
    """How often a page of the portal was opened within one hour (UTC), by the channel that led there.

    A count of openings, never of people: no cookie, no address, no fingerprint is kept.
    """

    __tablename__ = "page_read"
    __table_args__ = (
        UniqueConstraint("piece_id", "channel", "hour"),
        Index("ix_page_read_unit_id_hour", "unit_id", "hour"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"))
    channel: Mapped[str] = mapped_column(String(30))
    hour: Mapped[datetime]
    reads: Mapped[int] = mapped_column(default=0)


class ChannelReading(Base):
    """A platform's figures for one placement as it told them on one day (office zone), summed since publication.

    `article` is which of the placement's articles, counted from 0: published again, the platform counts each by itself.
    """

    __tablename__ = "channel_reading"
    __table_args__ = (UniqueConstraint("placement_id", "article", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    article: Mapped[int] = mapped_column(default=0)
    day: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    read_at: Mapped[datetime]


class Suggestion(Base):
    """Advice with its reason, for a person to accept or dismiss; nothing happens by itself.

    `key` keeps the same advice from standing twice; `facts` are the numbers it rests on, `draft` fills what
    accepting opens. `remark` is why a person did not take it.
    """

    __tablename__ = "suggestion"
    __table_args__ = (Index("ix_suggestion_unit_id_state", "unit_id", "state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    kind: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    reason: Mapped[str] = mapped_column(String(500))
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    draft: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    column_id: Mapped[int | None] = mapped_column(ForeignKey("column.id"))
    state: Mapped[str] = mapped_column(String(10), default="open")
    made_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    remark: Mapped[str] = mapped_column(String(500), default="")
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"))


class AccountDay(Base):
    """A platform's figures for a whole account on one of its days: of that day alone, followers at its end."""

    __tablename__ = "account_day"
    __table_args__ = (UniqueConstraint("account_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    day: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    read_at: Mapped[datetime]


class PlacementDay(Base):
    """What one placement got on one of the platform's days alone; the sums since publication are ChannelReading."""

    __tablename__ = "placement_day"
    __table_args__ = (UniqueConstraint("placement_id", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    placement_id: Mapped[int] = mapped_column(ForeignKey("placement.id"), index=True)
    day: Mapped[date]
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    read_at: Mapped[datetime]


class StatisticsMark(Base):
    """Up to which day a platform's answer about a day was read; a delayed one is asked for again."""

    __tablename__ = "statistics_mark"
    __table_args__ = (UniqueConstraint("account_id", "question", "day"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    question: Mapped[str] = mapped_column(String(20))
    day: Mapped[date]
    until: Mapped[date]
    delayed: Mapped[bool]
    read_at: Mapped[datetime]


class ServiceFigure(Base):
    """好差评 as everybody may read it: one service item in one quarter (`2026Q4`), counted, with nothing of who rated.

    Items with few ratings share the row of their unit without a `piece_id`. `levels` are the five, the best first;
    `righted` of the `low` ones are 整改 that was done, `in_time` of those before their deadline.
    """

    __tablename__ = "service_figure"

    id: Mapped[int] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(String(6), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    # No key to the piece: the row stands where pieces are not known, too.
    piece_id: Mapped[int | None]
    title: Mapped[str] = mapped_column(String(300))
    levels: Mapped[list[int]] = mapped_column(Json)
    low: Mapped[int]
    righted: Mapped[int]
    in_time: Mapped[int]
    counted_at: Mapped[datetime]
