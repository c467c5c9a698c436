"""Which tickets a list asks for: the same for the page and for what is taken away from it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, or_, select

from bot.casework import alarming
from bot.models import Ticket
from bot.states import INSIDE, TICKET_KINDS, UNANSWERED, TicketState
from hub.web.access import Asker
from hub.web.lists import Listing, like
from kernel.people import Permission, Person, Unit, scoped

FILTERS = ("q", "kind", "state", "handler", "unit")


def asked_for(asked: Listing, asker: Asker, now: datetime) -> Select[Ticket, str, str]:
    """The tickets in reach, each with its unit's and its handler's name, that the list's filters let through."""
    query: Select[Ticket, str, str] = scoped(
        select(Ticket, Unit.name, Person.name), Ticket.unit_id, asker.viewer, Permission.TICKET_READ
    )
    query = query.join(Unit, Unit.id == Ticket.unit_id).outerjoin(Person, Person.id == Ticket.handler_id)
    if asked.value("q"):
        pattern = like(asked.value("q"))
        query = query.where(or_(Ticket.number.ilike(pattern, escape="\\"), Ticket.text.ilike(pattern, escape="\\")))
    if asked.value("kind") in TICKET_KINDS:
        query = query.where(Ticket.kind == asked.value("kind"))
    if unit := asked.number("unit"):
        query = query.where(Ticket.unit_id == unit)
    if asked.value("handler") == "mine":
        query = query.where(Ticket.handler_id == asker.viewer.person_id)
    elif asked.value("handler") == "nobody":
        query = query.where(Ticket.handler_id.is_(None))
    return _standing(query, asked.value("state"), now)


def _standing(query: Select[Ticket, str, str], state: str, now: datetime) -> Select[Ticket, str, str]:
    if state == "late":
        return query.where(Ticket.state.in_(UNANSWERED), Ticket.due_at < now)
    if state == "danger":
        return query.where(*alarming.ALARMING)
    if state == "follow":
        closed = Ticket.state == TicketState.CLOSED
        return query.where(closed, Ticket.followed_at.is_(None), Ticket.kind.not_in(INSIDE))
    return query.where(Ticket.state == state) if state in set(TicketState) else query
