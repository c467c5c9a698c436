"""Codes to a citizen's telephone: who holds the phone of a ticket may ask how it stands, and nobody learns more.

A number and a telephone that do not belong together get the same answer, and the same limits, as those that do: a row
is kept for them as well, under which no code leaves and none is right.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from bot.dialogue.phrases import mobile_in
from bot.models import PhoneCode, Ticket
from bot.personal import marks
from bot.personal.models import DataRequest
from bot.states import INSIDE, CodeState
from kernel.seal import Seal
from kernel.work import Work

LASTS = timedelta(minutes=10)
TRIES = 5
# So many codes to one telephone in so long a time.
AT_MOST = ((3, timedelta(minutes=10)), (8, timedelta(days=1)))
OPEN_FOR = timedelta(minutes=15)


@dataclass(frozen=True)
class Codes:
    """Makes codes and knows the right one; they are kept sealed, telephones only as fingerprints."""

    seal: Seal

    def ask(self, work: Work, number: str, phone: str) -> bool:
        """Books a code for whoever holds the phone of this ticket; False where this telephone had too many."""
        mark = marks.of_codes(self.seal, phone)
        if _too_many(work, mark):
            return False
        ticket = _ticket(work.session, number, phone)
        request = None if ticket else self._request(work.session, number, phone)
        known = ticket is not None or request is not None
        code = f"{secrets.randbelow(10**6):06}"
        row = PhoneCode(
            ticket_id=ticket.id if ticket else None,
            request_id=request.id if request else None,
            mark=self._mark(number, phone),
            phone_mark=mark,
            sealed=self.seal.close(f"{code} {phone}"),
            tries=0,
            made_at=work.now,
            until_at=work.now + LASTS,
            state=CodeState.BOOKED if known else CodeState.NONE,
            next_at=work.now if known else None,
            attempts=0,
        )
        work.session.add(row)
        work.session.flush()
        if ticket is not None:
            work.audit("ticket.code_asked", ticket, number=ticket.number)
        return True

    def check(self, work: Work, number: str, phone: str, code: str) -> Ticket | None:
        """The ticket, once, for the newest code of this number and telephone; every try counts."""
        row = self._right(work, number, phone, code)
        return work.session.get_one(Ticket, row.ticket_id) if row is not None and row.ticket_id else None

    def enter(self, work: Work, number: str, phone: str, code: str, token: str) -> bool:
        """Opens a short session, once, for the right code to the telephone of a ticket or of a request."""
        row = self._right(work, number, phone, code)
        if row is None:
            return False
        row.opened, row.open_until = self.seal.fingerprint(f"mine\0{token}"), work.now + OPEN_FOR
        return True

    def _right(self, work: Work, number: str, phone: str, code: str) -> PhoneCode | None:
        """The row of the newest code, if this is it."""
        newest = select(func.max(PhoneCode.id)).where(PhoneCode.mark == self._mark(number, phone)).scalar_subquery()
        statement = (
            update(PhoneCode)
            .where(
                PhoneCode.id == newest,
                PhoneCode.used_at.is_(None),
                PhoneCode.until_at > work.now,
                PhoneCode.tries < TRIES,
            )
            .values(tries=PhoneCode.tries + 1)
            .returning(PhoneCode)
            .execution_options(synchronize_session=False, populate_existing=True)
        )
        row = work.session.scalars(statement).one_or_none()
        if row is None:
            return None
        right = secrets.compare_digest(self.seal.open(row.sealed).split(" ")[0].encode(), code.encode())
        if not right or (row.ticket_id is None and row.request_id is None):
            return None
        row.used_at = work.now
        ticket = work.session.get(Ticket, row.ticket_id) if row.ticket_id else None
        if ticket is not None:
            work.audit("ticket.code_right", ticket, number=ticket.number)
        return row

    def opened(self, work: Work, token: str) -> str:
        """The telephone whose session this token is; '' where it is over or was none."""
        row = work.session.scalars(self._session(work, token)).one_or_none()
        return self.address(row)[1] if row is not None else ""

    def leave(self, work: Work, token: str) -> None:
        """Ends the session."""
        row = work.session.scalars(self._session(work, token)).one_or_none()
        if row is not None:
            row.open_until = work.now

    def _session(self, work: Work, token: str) -> Select[PhoneCode]:
        mark = self.seal.fingerprint(f"mine\0{token[:100]}")
        return select(PhoneCode).where(PhoneCode.opened == mark, PhoneCode.open_until > work.now)

    def address(self, row: PhoneCode) -> tuple[str, str]:
        """The code and where it goes."""
        code, phone = self.seal.open(row.sealed).split(" ")
        return code, phone

    def _request(self, session: Session, number: str, phone: str) -> DataRequest | None:
        query = select(DataRequest).where(DataRequest.number == number)
        request = session.scalars(query).one_or_none()
        return request if request is not None and request.mark == marks.of_requests(self.seal, phone) else None

    def _mark(self, number: str, phone: str) -> str:
        return self.seal.fingerprint(f"code\0{number}\0{phone}")


def _too_many(work: Work, mark: str) -> bool:
    for most, within in AT_MOST:
        query = select(func.count(PhoneCode.id)).where(
            PhoneCode.phone_mark == mark, PhoneCode.made_at > work.now - within
        )
        if (work.session.scalar(query) or 0) >= most:
            return True
    return False


def _ticket(session: Session, number: str, phone: str) -> Ticket | None:
    query = select(Ticket).where(Ticket.number == number, Ticket.kind.not_in(INSIDE))
    ticket = session.scalars(query).one_or_none()
    held = mobile_in(ticket.contact) if ticket is not None else ""
    return ticket if held and held == phone else None


def of_phone(session: Session, phone: str) -> list[Ticket]:
    """Every ticket that gives this telephone as its contact, newest first; none that the office made for itself."""
    query = select(Ticket).where(Ticket.contact.contains(phone[-4:], autoescape=True), Ticket.kind.not_in(INSIDE))
    query = query.order_by(Ticket.id.desc())
    return [ticket for ticket in session.scalars(query.limit(500)) if mobile_in(ticket.contact) == phone][:100]
