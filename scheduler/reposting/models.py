"""The tables of re-posting: watched feeds, what they brought, and one task per account that must carry an item."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json


class TaskState(StrEnum):
    """Where a task stands; whether it is late is a question of its times."""

    OPEN = "open"
    DONE = "done"
    EXCUSED = "excused"


class NoTask(StrEnum):
    """Why an item of a feed opened no task."""

    BEFORE = "before"
    WORDS = "words"
    TWIN = "twin"


class WatchedFeed(Base):
    """An authority's feed, and which accounts must carry what it brings.

    `hours` overrules the office's rule; `words` (one of them in the title) narrow what must be carried. `next_at` is
    when to look again: moving it on is the claim of whoever looks. `good_at` is the last reading that succeeded,
    `broken_since` the first that failed after it.
    """

    __tablename__ = "watched_feed"
    __table_args__ = (UniqueConstraint("unit_id", "address"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(500))
    column_id: Mapped[int] = mapped_column(ForeignKey("column.id"))
    role: Mapped[str] = mapped_column(String(40))
    hours: Mapped[int | None]
    words: Mapped[str] = mapped_column(String(300), default="")
    active: Mapped[bool] = mapped_column(default=True)
    next_at: Mapped[datetime] = mapped_column(index=True)
    checked_at: Mapped[datetime | None]
    good_at: Mapped[datetime | None]
    broken_since: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(String(300), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class FeedAccount(Base):
    """An account that must carry what a feed brings."""

    __tablename__ = "feed_account"

    feed_id: Mapped[int] = mapped_column(ForeignKey("watched_feed.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)


class FeedItem(Base):
    """One item of a feed, kept as it was read, so that a draft can be made when the feed shows it no longer."""

    __tablename__ = "feed_item"
    __table_args__ = (UniqueConstraint("feed_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    feed_id: Mapped[int] = mapped_column(ForeignKey("watched_feed.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    key: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300))
    link: Mapped[str] = mapped_column(String(1000), default="")
    published_at: Mapped[datetime | None]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    counts_from: Mapped[datetime]
    entry: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    no_task: Mapped[str] = mapped_column(String(8), default="")


class RepostTask(Base):
    """One item that one account must carry by `due_at`; done by what went live there, or by a person's word.

    The task is of the account's unit. `assignee_id` is a person it was given to; without one it is everybody's who
    holds `role` there. `decided_by` is empty where the placement itself closed it.
    """

    __tablename__ = "repost_task"
    __table_args__ = (
        UniqueConstraint("account_id", "source_key"),
        Index("ix_repost_task_unit_id_state_due_at", "unit_id", "state", "due_at"),
        Index("ix_repost_task_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("feed_item.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    source_key: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(40))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(8), default=TaskState.OPEN)
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    url: Mapped[str] = mapped_column(String(1000), default="")
    done_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(String(500), default="")
