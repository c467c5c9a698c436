"""The tables of comments: beneath which item, what a citizen wrote, and what was answered."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.comments.states import CommentState
from bot.states import ReplyState
from kernel.claim import Claimable
from kernel.model import Base, Json


class CommentThread(Base):
    """One article of an item on one account, beneath which people write. `unit_id` is whose desk answers there.

    `article` counts an item's articles there from 0: a correction that publishes again makes a further one.

    `remote_id`, `url` and `data` are where it shows; `cursor` is what the platform was asked up to; `fault` is why it
    cannot be heard. `next_at` is when to ask again, None once nobody is to ask any more.
    """

    __tablename__ = "comment_thread"
    __table_args__ = (
        UniqueConstraint("piece_id", "account_id", "article"),
        Index("ix_comment_thread_account_id_next_at", "account_id", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"))
    article: Mapped[int] = mapped_column(default=0)
    title: Mapped[str] = mapped_column(String(300))
    remote_id: Mapped[str] = mapped_column(String(300), default="")
    url: Mapped[str] = mapped_column(String(1000), default="")
    data: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    live_at: Mapped[datetime]
    opened: Mapped[bool | None]
    cursor: Mapped[str] = mapped_column(String(100), default="")
    heard_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    fault: Mapped[str] = mapped_column(String(300), default="")


class Comment(Base):
    """What a citizen wrote beneath an item, once per platform's number; the words stay when the platform drops them."""

    __tablename__ = "comment"
    __table_args__ = (
        UniqueConstraint("thread_id", "remote_id"),
        Index("ix_comment_unit_id_state_due_at", "unit_id", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    thread_id: Mapped[int] = mapped_column(ForeignKey("comment_thread.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    remote_id: Mapped[str] = mapped_column(String(100))
    author: Mapped[str] = mapped_column(String(120), default="")
    name: Mapped[str] = mapped_column(String(60), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(index=True)
    heard_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default=CommentState.OPEN)
    selected: Mapped[bool] = mapped_column(default=False)
    due_at: Mapped[datetime]
    late_told_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(String(200), default="")
    gone_at: Mapped[datetime | None]
    urgent_word: Mapped[str] = mapped_column(String(40), default="")
    urgent_at: Mapped[datetime | None]
    urgent_told: Mapped[int] = mapped_column(default=0)
    urgent_told_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


class CommentAnswer(Claimable, Base):
    """What was answered; without a person when it was written on the platform itself. `removed_at`: taken back."""

    __tablename__ = "comment_answer"
    __table_args__ = (Index("ix_comment_answer_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    comment_id: Mapped[int] = mapped_column(ForeignKey("comment.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=ReplyState.BOOKED)
    attempts: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    remote_id: Mapped[str] = mapped_column(String(100), default="")
    reason: Mapped[str] = mapped_column(String(300), default="")
    code: Mapped[str] = mapped_column(String(40), default="")
    removed_at: Mapped[datetime | None]
