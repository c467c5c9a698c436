"""延期: a unit asks in time for more working days, and somebody else grants or refuses them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot import rules
from bot.casework.errors import NoMoreTime
from bot.casework.models import Extension
from bot.casework.own import not_own
from bot.casework.reasons import given
from bot.events import ExtensionAsked, ExtensionDecided
from bot.models import Ticket
from bot.states import TicketAct
from bot.tickets import move
from kernel.errors import Invalid, WrongState
from kernel.office_rules import value_of
from kernel.people import Permission, holders
from kernel.work import Work


def ask(work: Work, ticket: Ticket, days: int, reason: str) -> Extension:
    """Asks for more days; asked again while nobody has decided, it is the same request."""
    most = int(value_of(work.session, rules.EXTEND_DAYS, ticket.unit_id, work.now))
    if not 1 <= days <= most:
        raise Invalid(field="days", why=f"延期天数须为 1 到 {most} 个工作日。")
    reason = given(reason, "延期理由", "extend_reason")
    # The row of the ticket is locked by this, so that two requests at once become one.
    move(work, ticket, TicketAct.ASK_EXTENSION, Ticket.unit_id == ticket.unit_id)
    waiting = pending(work.session, ticket)
    if waiting is not None:
        return waiting
    if why := _hindrance(work, ticket):
        raise NoMoreTime(why=why)
    row = Extension(
        ticket_id=ticket.id,
        unit_id=ticket.unit_id,
        days=days,
        reason=reason,
        asked_by=work.actor.person_id,
        asked_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("ticket.extension_asked", ticket, days=days, reason=reason)
    work.emit(ExtensionAsked(ticket.id, ticket.unit_id, ticket.number, row.asked_by, days, reason))
    return row


def decide(work: Work, ticket: Ticket, *, grant: bool, words: str, zone: ZoneInfo) -> None:
    """Grants what was asked, counted on from the deadline in working days, or refuses it with the reason."""
    row = pending(work.session, ticket)
    if row is None:
        raise WrongState(state="没有待审批的延期申请", act="审批延期")
    not_own(work, Permission.TICKET_EXTEND, ticket.unit_id, row.asked_by)
    words = words.strip()[:300] if grant else given(words, "不同意的理由", "extend_words")
    days = rules.hours_of(work.session, ticket.unit_id, zone, work.now).workdays
    due_at = days.deadline(ticket.due_at, row.days) if grant else ticket.due_at
    told = {"late_told_at": None, "warned_at": None} if grant else {}
    move(work, ticket, TicketAct.DECIDE_EXTENSION, Ticket.unit_id == row.unit_id, due_at=due_at, **told)
    decided = (
        update(Extension)
        .where(Extension.id == row.id, Extension.granted.is_(None))
        .values(granted=grant, words=words, decided_by=work.actor.person_id, decided_at=work.now)
        .returning(Extension.id)
        .execution_options(synchronize_session=False)
    )
    if work.session.scalar(decided) is None:
        raise WrongState(state="已审批", act="审批延期")
    local = f"{due_at.astimezone(zone):%Y-%m-%d}"
    act = "ticket.extension_granted" if grant else "ticket.extension_refused"
    work.audit(act, ticket, days=row.days, due=local, reason=words)
    work.emit(ExtensionDecided(ticket.id, ticket.unit_id, ticket.number, row.asked_by, grant, due_at, words))


def pending(session: Session, ticket: Ticket) -> Extension | None:
    """The request of the unit that has the ticket which nobody has decided on yet."""
    query = select(Extension).where(Extension.ticket_id == ticket.id, Extension.unit_id == ticket.unit_id)
    return session.scalars(query.where(Extension.granted.is_(None)).order_by(Extension.id.desc()).limit(1)).first()


def most_days(session: Session, ticket: Ticket, now: datetime) -> int:
    """How many working days may be asked for at once."""
    return int(value_of(session, rules.EXTEND_DAYS, ticket.unit_id, now))


def _hindrance(work: Work, ticket: Ticket) -> str:
    if work.now > ticket.due_at:
        return "已超过答复期限"
    granted = select(func.count(Extension.id)).where(Extension.ticket_id == ticket.id, Extension.granted.is_(True))
    most = int(value_of(work.session, rules.EXTENSIONS, ticket.unit_id, work.now))
    if (work.session.scalar(granted) or 0) >= most:
        return f"已延期 {most} 次" if most else "本单位的工单不延期"
    others = set(holders(work.session, Permission.TICKET_EXTEND, ticket.unit_id, work.now))
    return "" if others else "没有人有权审批，请联系安全管理员授权"
