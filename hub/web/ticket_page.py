"""One ticket with what may be done with it, for every route that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from bot import forwarding, notices
from bot.casework import alarming, assigning, changing, deputies, extending, merging, returning, signing
from bot.casework.models import WrittenAnswer
from bot.citizen_files import store as citizen_files
from bot.models import Conversation, Ticket
from bot.states import (
    FOLLOW_UPS,
    REPLY_LABELS,
    TICKET_LABELS,
    TICKET_MOVES,
    UNANSWERED,
    ReplyState,
    TicketAct,
    TicketState,
)
from bot.tickets import ALONE
from hub import ticket_sms
from hub.hotline import sending
from hub.hotline.models import HotlineSend
from hub.product import Hub
from hub.web.access import Asker
from hub.web.forms import FormState
from hub.web.pages import page, say
from hub.web.ticket_history import history_of
from kernel.errors import NotFound
from kernel.people import Permission, Person, Unit, named, scoped
from kernel.work import Work

P = Permission
NEEDS = {
    TicketAct.ASSIGN: P.TICKET_ASSIGN,
    TicketAct.FORWARD: P.TICKET_ACT,
    TicketAct.GIVE_BACK: P.TICKET_ACT,
    TicketAct.URGE: P.TICKET_URGE,
    TicketAct.ASK_EXTENSION: P.TICKET_ACT,
    TicketAct.DECIDE_EXTENSION: P.TICKET_EXTEND,
    TicketAct.SUBMIT: P.TICKET_ACT,
    TicketAct.SIGN: P.TICKET_SIGN,
    TicketAct.CLOSE: P.TICKET_ACT,
    TicketAct.FOLLOW_UP: P.TICKET_FOLLOW,
    TicketAct.MERGE: P.TICKET_ACT,
    TicketAct.SEPARATE: P.TICKET_ACT,
    TicketAct.CHANGE_KIND: P.TICKET_ACT,
}
"""Which permission an act on a ticket takes, in the ticket's unit."""
FOLDS = {
    TicketAct.ASSIGN,
    TicketAct.FORWARD,
    TicketAct.GIVE_BACK,
    TicketAct.URGE,
    TicketAct.ASK_EXTENSION,
    TicketAct.MERGE,
    TicketAct.CHANGE_KIND,
}


@dataclass(frozen=True)
class Handling:
    """Who has the ticket, what he may do with it, and what is asked for."""

    handler: str
    sent_from: str
    back_until: object
    extension: object
    asked_by: str
    most_days: int


@dataclass(frozen=True)
class Relayed:
    """A ticket and the 12345 hotline: whether it can be sent now, its words to copy, what was sent."""

    may_send: bool
    words: str
    sends: Sequence[HotlineSend]


def find(work: Work, asker: Asker, ticket_id: int, permission: Permission) -> Ticket:
    """The ticket, where the asker holds the permission in its unit; raises NotFound."""
    query = scoped(select(Ticket).where(Ticket.id == ticket_id), Ticket.unit_id, asker.viewer, permission)
    found = work.session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    return found


def find_as_deputy(work: Work, asker: Asker, ticket_id: int, permission: Permission) -> Ticket:
    """The same, also for whoever stands in for a head of the unit while an answer waits for its signature."""
    found = work.session.get(Ticket, ticket_id)
    if found is not None and TicketState(found.state) == TicketState.SIGNING and _stands_in(work, asker, found):
        return found
    return find(work, asker, ticket_id, permission)


def _stands_in(work: Work, asker: Asker, ticket: Ticket) -> bool:
    return deputies.principal_of(work.session, asker.viewer.person_id, ticket.unit_id, work.now) is not None


def possible(work: Work, asker: Asker, ticket: Ticket) -> frozenset[TicketAct]:
    """The acts that the ticket's state and the asker's roles allow."""
    state = TicketState(ticket.state)
    acts = {
        act
        for act, permission in NEEDS.items()
        if state in TICKET_MOVES[act].sources and asker.may(permission, ticket.unit_id)
    }
    if ticket.main_id is not None and state in UNANSWERED:
        return frozenset(acts & ALONE)
    acts -= {TicketAct.SEPARATE}
    if len(changing.choices(ticket)) == 1:
        acts -= {TicketAct.CHANGE_KIND}
    if state == TicketState.SIGNING and _stands_in(work, asker, ticket):
        acts |= {TicketAct.SIGN}
    return frozenset(acts - {TicketAct.FOLLOW_UP} if ticket.followed_at else acts)


def ticket_page(
    request: Request, hub: Hub, asker: Asker, ticket_id: int, form: FormState, *, opened: str = "", status: int = 200
) -> HTMLResponse:
    """The page of a ticket; `opened` is the act whose form was refused."""
    with hub.works.read() as work:
        ticket = find_as_deputy(work, asker, ticket_id, P.TICKET_READ)
        shown = _shown(hub, asker, work, ticket)
        acts = possible(work, asker, ticket)
    return page(
        request,
        asker,
        "pages/tickets/one.html",
        status=status,
        ticket=ticket,
        form=form,
        opened=opened,
        may=acts,
        folds=acts & FOLDS,
        may_act=asker.may(P.TICKET_ACT, ticket.unit_id),
        label=TICKET_LABELS[TicketState(ticket.state)],
        notice_labels=REPLY_LABELS,
        results=list(FOLLOW_UPS.items()),
        may_relay=asker.may(P.TICKET_RELAY, ticket.unit_id),
        **shown,
    )


def _shown(hub: Hub, asker: Asker, work: Work, ticket: Ticket) -> dict[str, Any]:
    session = work.session
    written = signing.latest(session, ticket)
    talk = session.get(Conversation, ticket.conversation_id) if ticket.conversation_id else None
    return {
        "unit": session.get_one(Unit, ticket.unit_id).name,
        "person": _name(work, ticket.answered_by),
        "danger": alarming.is_alarming(ticket),
        "late": ticket.state in UNANSWERED and ticket.due_at < work.now,
        "notices": notices.of_ticket(session, ticket.id),
        "texts": ticket_sms.of_ticket(session, ticket.id),
        "files": citizen_files.of_conversation(session, ticket.conversation_id) if ticket.conversation_id else [],
        "written": written,
        "writer": _name(work, written.written_by) if written else "",
        "signer": _signer(work, written) if written else "",
        "earlier": signing.earlier(session, ticket),
        "signed": signing.needs_signature(work, ticket),
        "units": forwarding.choices(session, ticket),
        "kinds": [(kind, kind) for kind in changing.choices(ticket) if kind != ticket.kind],
        "people": named(session, assigning.colleagues(work, ticket.unit_id)),
        "history": history_of(session, ticket.id, partial(say, hub, asker)),
        "handling": _handling(hub, work, ticket),
        "main": session.get(Ticket, ticket.main_id) if ticket.main_id else None,
        "joined": merging.of(session, ticket.id),
        "same": merging.candidates(session, ticket),
        "hotline": _hotline(hub, work, ticket),
        # Either may be another unit's by now.
        "may_talk": talk is not None and asker.may(P.CONVERSATION_READ, talk.unit_id),
    }


def _hotline(hub: Hub, work: Work, ticket: Ticket) -> Relayed:
    sends = sending.of_ticket(work.session, ticket.id)
    under_way = bool(sends) and sends[0].state in (ReplyState.BOOKED, ReplyState.SENDING)
    unit = work.session.get_one(Unit, ticket.unit_id).name
    return Relayed(
        may_send=bool(hub.settings.hotline_url) and not under_way and ticket.state in UNANSWERED,
        words=sending.copied(ticket, unit, hub.settings.office_zone),
        sends=sends,
    )


def _handling(hub: Hub, work: Work, ticket: Ticket) -> Handling:
    extension = extending.pending(work.session, ticket)
    until = returning.back_until(work.session, ticket, hub.settings.office_zone, work.now)
    sender = work.session.get(Unit, ticket.sent_from_id) if ticket.sent_from_id else None
    return Handling(
        handler=_name(work, ticket.handler_id),
        sent_from=sender.name if sender else "",
        back_until=until if until and work.now <= until else None,
        extension=extension,
        asked_by=_name(work, extension.asked_by) if extension else "",
        most_days=extending.most_days(work.session, ticket, work.now),
    )


def _signer(work: Work, written: WrittenAnswer) -> str:
    """Who decided on the answer, as 审签 writes a deputy: B 代 A."""
    signer, principal = _name(work, written.decided_by), _name(work, written.on_behalf_of)
    return f"{signer} 代 {principal}" if principal else signer


def _name(work: Work, person_id: int | None) -> str:
    person = work.session.get(Person, person_id) if person_id else None
    return person.name if person else ""
