"""Inside: how tickets stand is told outside, so that the portal's page of progress answers there."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot.models import Ticket
from bot.states import INSIDE, shown_outside
from hub.outer.log import PacketLog, is_paired
from hub.outer.models import OuterRow
from hub.outer.standing import Stands
from kernel.audit import AuditLine
from kernel.people import Unit
from kernel.work import Work

# Of what is over, only what somebody may still look for.
LOOKED_FOR = timedelta(days=60)
BATCH = 200


@dataclass
class TicketSender:
    """Sends what changed; looks only where something was done."""

    log: PacketLog
    _seen: int = -1

    def round(self) -> int:
        """Tells how tickets stand that changed since; returns how many."""
        with self.log.works.read() as work:
            done = work.session.scalar(select(func.max(AuditLine.seq))) or 0
            if done == self._seen or not is_paired(work.session):
                return 0
            found = _changed(work)
        for start in range(0, len(found), BATCH):
            with self.log.works.write() as work:
                for name, digest, stands in found[start : start + BATCH]:
                    self.log.put(work, "ticket", asdict(stands))
                    work.session.merge(OuterRow(name=name, digest=digest))
        self._seen = done
        return len(found)


def _changed(work: Work) -> list[tuple[str, str, Stands]]:
    known = _known(work.session)
    query = select(Ticket, Unit.name).join(Unit, Unit.id == Ticket.unit_id)
    recent = work.now - LOOKED_FOR
    query = query.where(Ticket.forgotten_at.is_(None), Ticket.kind.not_in(INSIDE))
    rows = work.session.execute(query.where(or_(Ticket.created_at > recent, Ticket.answered_at > recent)))
    changed = []
    for ticket, unit in rows:
        name, stands = f"ticket/{ticket.id}", _stands(ticket, unit)
        digest = hashlib.sha256(repr(stands).encode()).hexdigest()
        if known.get(name) != digest:
            changed.append((name, digest, stands))
    return changed


def _known(session: Session) -> dict[str, str]:
    query = select(OuterRow.name, OuterRow.digest).where(OuterRow.name.startswith("ticket/"))
    return dict(session.execute(query).all())


def _stands(ticket: Ticket, unit: str) -> Stands:
    return Stands(
        number=ticket.number,
        kind=ticket.kind,
        state=shown_outside(ticket.state).value,
        unit=unit,
        created_at=ticket.created_at.isoformat(),
        due_at=ticket.due_at.isoformat(),
        answer=ticket.answer,
        answered_at=ticket.answered_at.isoformat() if ticket.answered_at else "",
    )
