"""The tables of importing: what was taken over from where, and each run with what became of every part of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json


class Imported(Base):
    """A text taken over: recognised again by `source_key`, compared with what its source shows now by `digest`.

    `source` is what it was taken from: an address, or a file's name.
    """

    __tablename__ = "imported"
    __table_args__ = (UniqueConstraint("unit_id", "source_key"),)

    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    source_key: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(1000), default="")
    at: Mapped[datetime]


class ImportRun(Base):
    """One import that a person started in the console; `rows` grow while it runs, so that it can be left."""

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("column.id"))
    source: Mapped[str] = mapped_column(String(1000))
    total: Mapped[int] = mapped_column(default=0)
    rows: Mapped[list[dict[str, Any]]] = mapped_column(Json, default=list)
    remarks: Mapped[list[str]] = mapped_column(Json, default=list)
    fault: Mapped[str] = mapped_column(String(1000), default="")
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
