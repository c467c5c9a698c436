"""The table of what citizens ask about their own data: a copy, or that it be deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.personal.states import RequestState
from kernel.model import Base, Json


class DataRequest(Base):
    """A citizen's request, with its deadline. `sealed` holds whose data it is about, until it is done.

    `mark` stands for the telephone it was asked from ('' where the desk wrote it down). `kept` are tickets and
    conversations that are not closed yet, `counts` how many rows of what were taken. `words` is what the citizen is
    told, `reason` what the office notes for itself.
    """

    __tablename__ = "data_request"
    __table_args__ = (Index("ix_data_request_state_due_at", "state", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    kind: Mapped[str] = mapped_column(String(6))
    state: Mapped[str] = mapped_column(String(10), default=RequestState.OPEN)
    sealed: Mapped[str] = mapped_column(Text, default="")
    mark: Mapped[str] = mapped_column(String(64), default="", index=True)
    reason: Mapped[str] = mapped_column(String(300), default="")
    words: Mapped[str] = mapped_column(String(300), default="")
    kept: Mapped[list[Any]] = mapped_column(Json, default=list)
    counts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    due_at: Mapped[datetime]
    late_told_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
