"""What is told to a person: rows for the console's bell, and rows for each message that leaves by mail or gateway."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.claim import Claimable
from kernel.model import Base


class SendState(StrEnum):
    """Where one outgoing notice stands; `unknown` is never sent again by itself."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


_UNREAD = text("read_at IS NULL")


class Notice(Base):
    """Something one person should know; `key` keeps the same thing from being told twice."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("person_id", "key"),
        # What is read leaves them: telling fifty agents that a citizen waits writes into a few pages, not into fifty.
        Index("ix_notice_person_id_unread", "person_id", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
        Index("ix_notice_link_unread", "link", sqlite_where=_UNREAD, postgresql_where=_UNREAD),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    kind: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(String(2000), default="")
    link: Mapped[str] = mapped_column(String(500), default="")
    key: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(index=True)
    read_at: Mapped[datetime | None]


class NoticeSend(Claimable, Base):
    """One notice on its way out by one channel, `smtp` or `gateway`."""

    __tablename__ = "notice_send"
    __table_args__ = (Index("ix_notice_send_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), default=SendState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(300), default="")
