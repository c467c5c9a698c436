"""The tables of people at the live desk."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json


class QuickReply(Base):
    """快捷回复: words an agent puts into his answer by typing / and `code`; he reads them before they leave.

    With `person_id` they are one agent's own; without, they are the unit's, and serve once somebody else than
    `made_by` approved them as they stand. `text` may hold variables such as {工单号}.
    """

    __tablename__ = "quick_reply"
    __table_args__ = (Index("ix_quick_reply_unit_id_person_id", "unit_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    title: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(12))
    text: Mapped[str] = mapped_column(Text)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    approved_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]


class Shift(Base):
    """班次: a name for hours of the day at a unit's desk; `ends` not after `begins` means the next day."""

    __tablename__ = "desk_shift"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str] = mapped_column(String(20))
    begins: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))
    removed_at: Mapped[datetime | None]


class Turn(Base):
    """One person on one shift of one day (排班), with the moments it stood for when it was planned.

    `warned_at`: he was told that it ends while he still has conversations; `over_at`: what he had was handed on.
    """

    __tablename__ = "desk_turn"
    __table_args__ = (
        UniqueConstraint("shift_id", "day", "person_id"),
        Index("ix_desk_turn_unit_id_day", "unit_id", "day"),
        Index("ix_desk_turn_over_at_ends_at", "over_at", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    shift_id: Mapped[int] = mapped_column(ForeignKey("desk_shift.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    day: Mapped[date]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    warned_at: Mapped[datetime | None]
    over_at: Mapped[datetime | None]


class Presence(Base):
    """A spell of an agent at the desk: `on`, or a `break` (小休) with its reason, to be over at `until_at`.

    At most one of a person has not ended; `told_at` says that a break that is too long was told.
    """

    __tablename__ = "desk_presence"
    __table_args__ = (
        Index(
            "uq_desk_presence_person_id_going_on",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index("ix_desk_presence_unit_id_ended_at", "unit_id", "ended_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(20), default="")
    began_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class AgentTopic(Base):
    """专长: a topic that an agent knows at a unit's desk, in the words of guides and questions (their `theme`)."""

    __tablename__ = "desk_topic"
    __table_args__ = (UniqueConstraint("unit_id", "topic", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    topic: Mapped[str] = mapped_column(String(40))


class Handover(Base):
    """交接班: what somebody hands on, with his note; `to_id` None is for whoever is on next.

    `conversations` and `tickets` are their numbers in the tables; `by_itself`: his shift ended before he did it.
    """

    __tablename__ = "desk_handover"
    __table_args__ = (Index("ix_desk_handover_unit_id_taken_at", "unit_id", "taken_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    from_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    note: Mapped[str] = mapped_column(Text, default="")
    conversations: Mapped[list[Any]] = mapped_column(Json, default=list)
    tickets: Mapped[list[Any]] = mapped_column(Json, default=list)
    by_itself: Mapped[bool] = mapped_column(default=False)
    made_at: Mapped[datetime]
    taken_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    taken_at: Mapped[datetime | None]


class Draft(Base):
    """An answer that an agent began and did not send; gone once it was sent or the conversation is over."""

    __tablename__ = "desk_draft"
    __table_args__ = (UniqueConstraint("conversation_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    saved_at: Mapped[datetime]


class MatterClass(Base):
    """归口分类: one class of matters, below another or at the top; a unit uses its own and those of the units above."""

    __tablename__ = "matter_class"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("matter_class.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))
    removed_at: Mapped[datetime | None]
