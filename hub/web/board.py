"""接待看板: who waits and for how long, who is there with how much to do; for the supervisor, live without a reload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import expecting
from bot.casework import alarming
from bot.models import Conversation, Ticket
from bot.states import UNANSWERED, ConversationState
from bot.team import presence, shifts
from bot.team.presence import PRESENCE_LABELS
from hub.web.access import Asker, HubDep, may
from hub.web.conversations import WHENEVER
from hub.web.pages import fragment, page
from kernel.people import Permission, Unit, named
from kernel.work import Work

router = APIRouter(prefix="/console/board")

P = Permission
S = ConversationState
Supervisor = Annotated[Asker, Depends(may(P.QUEUE_SUPERVISE))]
TEMPLATE = "pages/desk/board.html"


@dataclass(frozen=True)
class Queue:
    """Those who wait at one unit's desk; `longest` is how long the first of them has, `expected` what whoever comes
    now is told in minutes (0: nothing)."""

    unit_id: int
    unit: str
    waiting: int
    longest: timedelta | None
    expected: int
    danger: int
    putting_off: int
    danger_tickets: int
    late_tickets: int


@dataclass(frozen=True)
class Sitting:
    """One agent: where he stands, since when, and what he has."""

    name: str
    unit: str
    state: str
    reason: str
    since: datetime | None
    on_shift: bool
    open: int
    put_off: int


@router.get("")
def the_board(request: Request, hub: HubDep, asker: Supervisor) -> HTMLResponse:
    """The board."""
    with hub.works.read() as work:
        shown = board(work, asker)
    return page(request, asker, TEMPLATE, **shown)


@router.get("/now")
def now(request: Request, hub: HubDep, asker: Supervisor) -> HTMLResponse:
    """The board as it is now."""
    with hub.works.read() as work:
        shown = board(work, asker)
    return fragment(request, asker, TEMPLATE, "board", **shown)


def board(work: Work, asker: Asker) -> dict[str, Any]:
    """Queues and agents of every unit this person supervises that has either."""
    session = work.session
    units = asker.viewer.units(P.QUEUE_SUPERVISE)
    query = select(Unit.id, Unit.name).where(Unit.id.in_(units)).order_by(Unit.path)
    led = {row.id: row.name for row in session.execute(query)}
    queues = [_queue(session, unit, name, work.now) for unit, name in led.items()]
    agents = [one for unit, name in led.items() for one in _agents(session, unit, name, work.now)]
    return {
        "queues": queues,
        "agents": agents,
        "labels": PRESENCE_LABELS,
        "most_told": expecting.LONGEST,
        "whenever": WHENEVER,
        "waiting": sum(one.waiting for one in queues),
        "longest": max((one.longest for one in queues if one.longest is not None), default=None),
        "there": sum(1 for one in agents if one.state == presence.ON),
        "open": sum(one.open for one in agents),
        "at": work.now,
    }


def _queue(session: Session, unit_id: int, name: str, now: datetime) -> Queue:
    of_unit = (Conversation.unit_id == unit_id) & Conversation.merged_into_id.is_(None)
    counted = select(func.count(Conversation.id), func.min(Conversation.waiting_since))
    waiting, since = session.execute(counted.where(of_unit, Conversation.state == S.WAITING)).one()
    danger = select(func.count(Conversation.id)).where(
        of_unit, Conversation.urgent_at.is_not(None), Conversation.acknowledged_at.is_(None)
    )
    snoozed = select(func.count(Conversation.id)).where(of_unit, Conversation.state == S.SNOOZED)
    tickets = select(func.count(Ticket.id)).where(Ticket.unit_id == unit_id)
    return Queue(
        unit_id=unit_id,
        unit=name,
        waiting=waiting,
        longest=now - since if since is not None else None,
        expected=expecting.minutes(session, unit_id, waiting, now),
        danger=session.scalar(danger) or 0,
        danger_tickets=session.scalar(tickets.where(*alarming.ALARMING)) or 0,
        putting_off=session.scalar(snoozed) or 0,
        late_tickets=session.scalar(tickets.where(Ticket.state.in_(UNANSWERED), Ticket.due_at < now)) or 0,
    )


def _agents(session: Session, unit_id: int, unit: str, now: datetime) -> Sequence[Sitting]:
    standing = {one.person_id: one for one in presence.of_unit(session, unit_id)}
    on = set(shifts.on_now(session, unit_id, now))
    query = (
        select(Conversation.agent_id, Conversation.state, func.count(Conversation.id))
        .where(
            Conversation.unit_id == unit_id,
            Conversation.state.in_((S.OPEN, S.SNOOZED)),
            Conversation.agent_id.is_not(None),
            Conversation.merged_into_id.is_(None),
        )
        .group_by(Conversation.agent_id, Conversation.state)
    )
    loads = {(agent, state): count for agent, state, count in session.execute(query)}
    people = {*standing, *on, *(agent for agent, _state in loads if agent is not None)}
    return [
        Sitting(
            name=name,
            unit=unit,
            state=standing[one].state if one in standing else presence.AWAY,
            reason=standing[one].reason if one in standing else "",
            since=standing[one].since if one in standing else None,
            on_shift=one in on,
            open=loads.get((one, S.OPEN), 0),
            put_off=loads.get((one, S.SNOOZED), 0),
        )
        for one, name in named(session, people)
    ]
