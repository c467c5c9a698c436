"""The tables of 舆情台账: cases with their clocks, what was said in response, and every step on the way."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base


class CaseState(StrEnum):
    """Where a case stands."""

    CLUE = "clue"
    OPEN = "open"
    ANSWERED = "answered"
    DECLINED = "declined"
    CLOSED = "closed"


class OpinionCase(Base):
    """One matter of public opinion (舆情), from the clue on.

    `found_at` is when it was found: every clock counts from it. The deadlines are kept as they were set when it was
    reported or judged; an empty one is not owed. `first_at` is when the first response was public, `press_at` when the
    press was told. `handler_id` is the unit that responds, which sees the case besides its own.
    """

    __tablename__ = "opinion_case"
    __table_args__ = (Index("ix_opinion_case_unit_id_state_found_at", "unit_id", "state", "found_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    handler_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(100))
    url: Mapped[str] = mapped_column(String(1000), default="")
    words: Mapped[str] = mapped_column(Text)
    reporter: Mapped[str] = mapped_column(String(100), default="")
    origin: Mapped[str] = mapped_column(String(60), default="")
    found_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), index=True)
    grade: Mapped[str] = mapped_column(String(4), default="")
    reason: Mapped[str] = mapped_column(String(1000), default="")
    judged_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    judged_at: Mapped[datetime | None]
    first_due: Mapped[datetime | None]
    press_due: Mapped[datetime | None]
    reply_due: Mapped[datetime | None]
    first_at: Mapped[datetime | None]
    press_at: Mapped[datetime | None]
    result: Mapped[str] = mapped_column(String(1000), default="")
    closed_at: Mapped[datetime | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class OpinionResponse(Base):
    """What was, or is to be, said: a piece of ours, public from `at` on, or something said elsewhere with its link."""

    __tablename__ = "opinion_response"
    __table_args__ = (UniqueConstraint("case_id", "piece_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("opinion_case.id"), index=True)
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    press: Mapped[bool] = mapped_column(default=False)
    url: Mapped[str] = mapped_column(String(1000), default="")
    words: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime | None]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]


class OpinionNote(Base):
    """One step of a case for its timeline: what happened, when, by whom (nobody: by itself)."""

    __tablename__ = "opinion_note"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("opinion_case.id"), index=True)
    at: Mapped[datetime]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    act: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(String(1000), default="")
