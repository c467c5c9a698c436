"""How tickets stand, kept outside so that only whoever knows a ticket's number finds and opens it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime
from types import SimpleNamespace

from sqlalchemy.orm import Session

from hub.outer.models import OuterTicket
from hub.outer.packets import Packet, close, opened, public_of
from kernel.work import Work

# A number has only thirty bits: each guess must cost time, also for whoever has the disk.
_COST = {"n": 2**12, "r": 8, "p": 1, "dklen": 64}


@dataclass(frozen=True)
class Stands:
    """What whoever knows the number may see; moments as text."""

    number: str
    kind: str
    state: str
    unit: str
    created_at: str
    due_at: str
    answer: str = ""
    answered_at: str = ""

    def shown(self) -> SimpleNamespace:
        """As the page shows it."""
        moments = {name: _moment(getattr(self, name)) for name in ("created_at", "due_at", "answered_at")}
        return SimpleNamespace(**{**asdict(self), **moments})


def keep(work: Work, stands: Stands) -> None:
    """Closes how a ticket stands to its number."""
    mark, key = _derived(stands.number)
    sealed = close(public_of(key), json.dumps(asdict(stands), ensure_ascii=False).encode())
    work.session.merge(OuterTicket(mark=mark, sealed=sealed))


def take(work: Work, packet: Packet) -> None:
    """What the inside tells of a ticket."""
    keep(work, Stands(**packet.values))


def find(session: Session, number: str) -> Stands | None:
    """How the ticket with this number stands."""
    mark, key = _derived(number)
    row = session.get(OuterTicket, mark)
    return Stands(**json.loads(opened(key, row.sealed))) if row is not None else None


def mark_of(number: str) -> str:
    """Under what a ticket is found."""
    return _derived(number)[0]


def _derived(number: str) -> tuple[str, bytes]:
    made = hashlib.scrypt(number.encode(), salt=b"xuanda ticket", **_COST)
    return made[:32].hex(), made[32:]


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
