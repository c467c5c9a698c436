"""The table of what citizens sent besides words."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from bot.citizen_files.states import FileState
from kernel.claim import Claimable
from kernel.model import Base


class CitizenFile(Claimable, Base):
    """The picture, voice or video of one message; its bytes are kept by `sha256` once it was checked.

    `handle` is what the platform hands it out under, until `until_at`. `account_id` is None for what was sent on a page
    of ours. `reason` says why it is not here, or not yet.
    """

    __tablename__ = "citizen_file"
    __table_args__ = (Index("ix_citizen_file_state_next_at", "state", "next_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    inbound_id: Mapped[int] = mapped_column(ForeignKey("inbound_message.id"), unique=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str] = mapped_column(String(10))
    handle: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(10), default=FileState.WAITING)
    until_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    kept_at: Mapped[datetime | None]
    sha256: Mapped[str] = mapped_column(String(64), default="")
    media_type: Mapped[str] = mapped_column(String(40), default="")
    size: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(300), default="")
