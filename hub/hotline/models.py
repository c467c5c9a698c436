"""The table of the hotline: each sending of a ticket to the 12345 system."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.states import ReplyState
from kernel.claim import Claimable
from kernel.model import Base


class HotlineSend(Claimable, Base):
    """One sending; `unknown` went out without an answer, and only a person sends it again or writes the number down."""

    __tablename__ = "hotline_send"
    __table_args__ = (Index("ix_hotline_send_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(10), default=ReplyState.BOOKED)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    booked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    booked_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")
