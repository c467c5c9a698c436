"""Where a ticket has been: each hand-over from unit to unit with its reason, out of the audit log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.audit import AuditLine

MOST = 50


@dataclass(frozen=True)
class Move:
    """One hand-over."""

    at: datetime
    who: str
    came_from: str
    to: str
    reason: str


def moves_of(session: Session, ticket_id: int) -> list[Move]:
    """The hand-overs of a ticket, the newest first."""
    query = select(AuditLine).where(
        AuditLine.object_kind == "ticket", AuditLine.object_id == ticket_id, AuditLine.act == "ticket.forwarded"
    )
    return [_move(line) for line in session.scalars(query.order_by(AuditLine.seq.desc()).limit(MOST))]


def _move(line: AuditLine) -> Move:
    told = json.loads(line.details)
    return Move(line.at, line.actor_name, told["came_from"], told["to"], told["reason"])
