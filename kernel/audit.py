"""The audit log: every act is a line, each line carries the hash of the one before it.

Lines are numbered and chained under one lock, held from the chaining to the commit: without it, writers
at the same moment would follow the same predecessor and fork the chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ForeignKey, Index, String, Table, Text, bindparam, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from kernel.masking import mask_line
from kernel.model import Base
from kernel.once import insertion

if TYPE_CHECKING:
    from kernel.work import Work

GENESIS = "0" * 64
# How many lines are read at a time.
BLOCK = 1000
# What a line's hash covers, in this order: an order changed here would break every chain already written.
HASHED = (
    "seq", "at", "actor_id", "actor_name", "address", "unit_id",
    "act", "object_kind", "object_id", "details", "previous",
)  # fmt: skip


class AuditLine(Base):
    """One act: who, when, what, on which object of which unit."""

    __tablename__ = "audit_line"
    __table_args__ = (Index("ix_audit_line_object_kind_object_id", "object_kind", "object_id"),)

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)
    actor_name: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(64), default="")
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    act: Mapped[str] = mapped_column(String(80), index=True)
    object_kind: Mapped[str] = mapped_column(String(60), default="")
    object_id: Mapped[int | None]
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the chain: one row, whose lock is the chain's lock."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


@dataclass
class Draft:
    """A line before it has its place in the chain."""

    act: str
    target: Base | None
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: how many lines hold, and the first fault, if any."""

    lines: int
    head: str
    fault: str | None


def chain(work: Work) -> None:
    """Writes the work's lines at the end of the chain; must be the last statement before the commit."""
    if not work.lines:
        return
    session = work.session
    # On PostgreSQL all who write wait for the head: nothing is reckoned while it is held that could be before.
    drafts = [_content(work, draft) for draft in work.lines]
    head = _locked_head(session)
    if head is None:
        # Two writers may find the log empty at once: one makes the head, the other waits for it and goes on from it.
        session.execute(insertion(session, AuditHead).values(id=1, seq=0, hash=GENESIS))
        head = _locked_head(session) or (0, GENESIS)
    seq, previous = head
    rows = []
    for content in drafts:
        seq += 1
        row = {**content, "seq": seq, "previous": previous}
        previous = row["hash"] = _digest(row)
        rows.append(row)
    session.execute(_LINES, rows)
    session.execute(_FORWARD, {"last": seq, "its": previous})
    work.lines.clear()


def _locked_head(session: Session) -> tuple[int, str] | None:
    row = session.execute(_HEAD_LOCKED).one_or_none()
    return None if row is None else (row[0], row[1])


def verify(session: Session, expected: tuple[int, str] | None = None) -> Verdict:
    """Walks the whole chain; `expected` is a (number, hash) noted down earlier that must still hold.

    Finds a changed, removed, inserted or reordered line, and a cut-off end.
    """
    previous, count = GENESIS, 0
    while True:
        before = count
        for line in _lines_after(session, count):
            count += 1
            fault = _fault(line, count, previous, expected)
            if fault:
                return Verdict(count - 1, previous, fault)
            previous = line.hash
        kept = _head(session)
        # Somebody may have written meanwhile: it ends where both agree, or where no more lines come.
        if kept == (count, previous) or count == before:
            break
    if kept != (count, previous):
        return Verdict(count, previous, f"the log ends at line {count}, but line {kept[0]} was the last")
    if expected and expected[0] > count:
        return Verdict(count, previous, f"line {expected[0]}, noted down, is gone")
    return Verdict(count, previous, None)


def digest(line: AuditLine) -> str:
    """The SHA-256 of a line's content and its predecessor's hash, in hexadecimal."""
    return _digest({name: getattr(line, name) for name in HASHED})


def _digest(row: Mapping[str, Any]) -> str:
    content = [row[name] for name in HASHED]
    content[HASHED.index("at")] = row["at"].astimezone(UTC).isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()


def _fault(line: AuditLine, number: int, previous: str, expected: tuple[int, str] | None) -> str:
    if line.seq != number:
        return f"line {number} is missing"
    if line.previous != previous:
        return f"line {line.seq} does not follow line {line.seq - 1}"
    if digest(line) != line.hash:
        return f"line {line.seq} was changed"
    if expected and expected[0] == line.seq and expected[1] != line.hash:
        return f"line {line.seq} is not the one noted down"
    return ""


def _lines_after(session: Session, last: int) -> Iterator[AuditLine]:
    """Some at a time: a log of years is not to stand in memory."""
    query = select(AuditLine).order_by(AuditLine.seq).limit(BLOCK)
    while lines := session.scalars(query.where(AuditLine.seq > last)).all():
        yield from lines
        last = lines[-1].seq


def _head(session: Session) -> tuple[int, str]:
    row = session.execute(select(AuditHead.seq, AuditHead.hash)).one_or_none()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def _content(work: Work, draft: Draft) -> dict[str, Any]:
    target = draft.target
    return {
        "at": work.now,
        "actor_id": work.actor.person_id,
        "actor_name": work.actor.name,
        "address": work.actor.address,
        "unit_id": getattr(target, "unit_id", None) or work.actor.unit_id,
        "act": draft.act,
        "object_kind": target.__tablename__ if target is not None else "",
        "object_id": getattr(target, "id", None),
        # Kept for good, so numbers of people are masked before they are hashed.
        "details": mask_line(json.dumps(draft.details, ensure_ascii=False, sort_keys=True, default=str)),
    }


# Made once: building a statement costs more than running it. The tables, for one plain executemany.
_lines, _head_table = cast(Table, AuditLine.__table__), cast(Table, AuditHead.__table__)
_HEAD_LOCKED = select(AuditHead.seq, AuditHead.hash).with_for_update()
_LINES = insert(_lines)
_FORWARD = update(_head_table).where(_head_table.c.id == 1).values(seq=bindparam("last"), hash=bindparam("its"))
