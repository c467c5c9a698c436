"""The tables of people at the live desk."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base


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
