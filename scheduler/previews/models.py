"""The tables of previews at the platform: what was made there, to whom it was sent, and who wants it on his phone."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.claim import Claimable
from kernel.model import Base, Json


class PreviewState(StrEnum):
    """Where a preview stands; an outdated one shows words that are no longer those to be signed."""

    WANTED = "wanted"
    READY = "ready"
    FAILED = "failed"
    OUTDATED = "outdated"


class SendState(StrEnum):
    """Whether a preview reached one person's phone; an unknown one is sent again only by himself."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Preview(Claimable, Base):
    """One item shown on one account's platform. `hash` is over what its reader sees, `key` marks it at the platform.

    `item` is what was sent; `losses` is what the platform took away. `clean_at` is when to look next for what lies at
    the platform and has to go; None when nothing does.
    """

    __tablename__ = "preview"
    __table_args__ = (Index("ix_preview_piece_id_account_id", "piece_id", "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id"), index=True)
    version: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    item: Mapped[dict[str, Any]] = mapped_column(Json)
    note: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    done: Mapped[int] = mapped_column(default=0)
    of: Mapped[int] = mapped_column(default=0)
    draft: Mapped[str] = mapped_column(String(200), default="")
    url: Mapped[str] = mapped_column(String(1000), default="")
    losses: Mapped[list[dict[str, str]]] = mapped_column(Json, default=list)
    reason: Mapped[str] = mapped_column(String(500), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime | None]
    clean_at: Mapped[datetime | None] = mapped_column(index=True)
    wanted_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    wanted_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]


class PreviewSend(Base):
    """A preview on its way to one person's own phone, written before the platform is called."""

    __tablename__ = "preview_send"
    __table_args__ = (UniqueConstraint("preview_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    preview_id: Mapped[int] = mapped_column(ForeignKey("preview.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[datetime]


class PreviewReader(Base):
    """A person's own address at a kind of channel, entered by himself, who agreed to get previews there."""

    __tablename__ = "preview_reader"
    __table_args__ = (UniqueConstraint("person_id", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    channel: Mapped[str] = mapped_column(String(30))
    reader: Mapped[str] = mapped_column(String(100))
    agreed_at: Mapped[datetime]
