"""The API of 班次 and 交接班: the plan of a desk, who is there, and what goes from one agent to the next."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from bot.team import handover, presence, shifts, topics
from bot.team.models import Handover, Shift
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import DONE, At, Done, On, moment, told
from hub.web.sent import Body, Day
from kernel.errors import Invalid, NotFound
from kernel.people import Permission
from kernel.typed import LARGEST

router = APIRouter(prefix="/api/v1")

P = Permission
Agent = Annotated[Asker, Depends(api_may(P.CONVERSATION_ANSWER))]
Supervisor = Annotated[Asker, Depends(api_may(P.QUEUE_SUPERVISE))]
Desk = Annotated[int | None, Query(description="The unit of the desk; one's own where none is named")]


class NewShift(Body):
    """Hours of the day under a name, HH:MM in the office's zone; an end that is not later is on the next day."""

    unit: int | None = None
    name: str = Field(max_length=200)
    begins: str = Field(max_length=20)
    ends: str = Field(max_length=20)


class Planned(Body):
    """Who is on a shift from the first to the last day; `workdays_only` leaves out the days that are not worked."""

    people: list[int] = Field(max_length=200)
    first: Day
    last: Day
    workdays_only: bool = True


class Standing(Body):
    """上岗 (`on`), 小休 (`break`, with one of the office's reasons) or 离岗 (`away`)."""

    state: Literal["on", "break", "away"]
    reason: str = Field(default="", max_length=100)


class HandedOver(Body):
    """To a colleague by his number, or (null) to whoever is on next, with a note."""

    to: int | None = None
    note: str = Field(default="", max_length=4000)


class Known(Body):
    """What an agent knows, in the words that guides and questions are sorted by."""

    unit: int | None = None
    person: int = Field(ge=1, le=LARGEST)
    topics: list[Annotated[str, Field(max_length=200)]] = Field(max_length=100)


class KnownTold(TypedDict):
    """An agent and what he knows."""

    person: int
    topics: list[str]


class TopicsTold(TypedDict):
    """Who knows what at a desk."""

    unit: int
    agents: list[KnownTold]


class ShiftTold(TypedDict):
    """A shift."""

    id: int
    unit: int
    name: str
    begins: str
    ends: str


class ShiftsTold(TypedDict):
    """The shifts of a desk, in the order of the day."""

    unit: int
    shifts: list[ShiftTold]


class MadeTold(TypedDict):
    """How many turns are new; whoever was on already stays."""

    made: int


class TurnTold(TypedDict):
    """One person on one shift of one day."""

    id: int
    shift: int
    person: int
    name: str
    day: On
    starts_at: At
    ends_at: At


class TurnsTold(TypedDict):
    """What is planned at a desk."""

    unit: int
    turns: list[TurnTold]


class StandingTold(TypedDict):
    """Where somebody is: `on`, or on a `break` for a reason until a moment."""

    person: int
    name: str
    state: str
    reason: str
    since: At | None
    until: At | None


class PresenceTold(TypedDict):
    """Where one is oneself, and everybody who is at the desk or on a break."""

    unit: int
    own: StandingTold
    there: list[StandingTold]


class HandoverTold(TypedDict):
    """What somebody handed on: its conversations and tickets by number. `to` null is for whoever is on next."""

    id: int
    unit: int
    by: int
    to: int | None
    note: str
    conversations: list[int]
    tickets: list[int]
    by_itself: bool
    made_at: At
    taken_by: int | None
    taken_at: At | None


class HandoversTold(TypedDict):
    """What waits to be taken over, the newest first; at most 20."""

    handovers: list[HandoverTold]


# --- the plan -----------------------------------------------------------------------------------------------------


@router.get("/shifts")
def list_shifts(hub: HubDep, asker: Agent, unit: Desk = None) -> ShiftsTold:
    """The shifts of a desk."""
    place = _desk(asker, unit)
    with hub.works.read() as work:
        return {"unit": place, "shifts": [_shift(row) for row in shifts.of_unit(work.session, place)]}


@router.post("/shifts", status_code=201)
def add_shift(hub: HubDep, asker: Supervisor, sent: NewShift) -> ShiftTold:
    """A new shift of a desk."""
    place = _desk(asker, sent.unit, P.QUEUE_SUPERVISE)
    with hub.works.write(asker.actor) as work:
        return _shift(shifts.add(work, place, sent.name, sent.begins, sent.ends))


@router.get("/agent-topics")
def list_topics(hub: HubDep, asker: Agent, unit: Desk = None) -> TopicsTold:
    """Which topics the agents of a desk know."""
    place = _desk(asker, unit)
    with hub.works.read() as work:
        return _topics(work.session, place)


@router.post("/agent-topics")
def keep_topics(hub: HubDep, asker: Supervisor, sent: Known) -> TopicsTold:
    """The topics an agent knows, instead of those he had."""
    place = _desk(asker, sent.unit, P.QUEUE_SUPERVISE)
    with hub.works.write(asker.actor) as work:
        topics.keep(work, place, sent.person, sent.topics)
        return _topics(work.session, place)


def _topics(session: Session, place: int) -> TopicsTold:
    agents: list[KnownTold] = [
        {"person": person, "topics": list(known)} for person, known in topics.of_unit(session, place).items()
    ]
    return {"unit": place, "agents": agents}


@router.post("/shifts/{shift_id}/remove")
def remove_shift(hub: HubDep, asker: Supervisor, shift_id: int) -> Done:
    """Takes a shift out of use, and what is planned of it and has not begun out of the plan."""
    with hub.works.write(asker.actor) as work:
        shifts.remove(work, shifts.one(work.session, asker.viewer, shift_id))
    return DONE


@router.post("/shifts/{shift_id}/turns", status_code=201)
def plan_turns(hub: HubDep, asker: Supervisor, shift_id: int, sent: Planned) -> MadeTold:
    """Puts people on a shift over a span of days."""
    with hub.works.write(asker.actor) as work:
        shift = shifts.one(work.session, asker.viewer, shift_id)
        wanted = shifts.Plan(shift.id, sent.people, sent.first, sent.last, sent.workdays_only)
        return {"made": shifts.plan(work, shift.unit_id, wanted, hub.settings.office_zone)}


@router.get("/turns")
def list_turns(hub: HubDep, asker: Agent, first: Day, last: Day, unit: Desk = None) -> TurnsTold:
    """Who is on at a desk from the first to the last day, at most 62 days."""
    if not 0 <= (last - first).days < shifts.MOST_DAYS:
        raise Invalid(field="last", why=f"结束日期不能早于开始日期，一次最多查 {shifts.MOST_DAYS} 天。")
    place = _desk(asker, unit)
    with hub.works.read() as work:
        planned = shifts.between(work.session, place, first, last)
        turns: list[TurnTold] = [
            {
                "id": turn.id,
                "shift": turn.shift_id,
                "person": turn.person_id,
                "name": name,
                "day": turn.day.isoformat(),
                "starts_at": told(turn.starts_at),
                "ends_at": told(turn.ends_at),
            }
            for turn, name in planned
        ]
        return {"unit": place, "turns": turns}


@router.post("/turns/{turn_id}/remove")
def remove_turn(hub: HubDep, asker: Supervisor, turn_id: int) -> Done:
    """Takes one person off one shift of one day; what is over stays as it was."""
    with hub.works.write(asker.actor) as work:
        shifts.unplan(work, shifts.turn_for(work.session, asker.viewer, turn_id))
    return DONE


# --- who is there -------------------------------------------------------------------------------------------------


@router.get("/presence")
def who_is_there(hub: HubDep, asker: Agent, unit: Desk = None) -> PresenceTold:
    """Where one is oneself, and who is at a desk."""
    with hub.works.read() as work:
        return _presence(work.session, asker, _desk(asker, unit))


@router.post("/presence")
def be_present(hub: HubDep, asker: Agent, sent: Standing) -> PresenceTold:
    """Comes to the desk, goes on a break, or leaves; what one has going on is handed over by `/handovers`."""
    with hub.works.write(asker.actor) as work:
        presence.change(work, asker.viewer, sent.state, sent.reason)
        return _presence(work.session, asker, presence.seat_of(asker.viewer))


# --- from one to the next -----------------------------------------------------------------------------------------


@router.get("/handovers")
def list_handovers(hub: HubDep, asker: Agent) -> HandoversTold:
    """What waits to be taken over by whoever asks."""
    with hub.works.read() as work:
        return {"handovers": [_handover(made) for made, _name in handover.waiting_for(work.session, asker.viewer)]}


@router.post("/handovers", status_code=201)
def hand_over(hub: HubDep, asker: Agent, sent: HandedOver) -> HandoverTold:
    """交班: everything one has going on goes to a colleague or to the next shift; each citizen is told once."""
    with hub.works.write(asker.actor) as work:
        seat = presence.seat_of(asker.viewer)
        return _handover(handover.hand_over(work, asker.viewer, seat, sent.to, sent.note, hub.incoming.words))


@router.get("/handovers/{handover_id}")
def get_handover(hub: HubDep, asker: Agent, handover_id: int) -> HandoverTold:
    """One hand-over with its note."""
    with hub.works.read() as work:
        return _handover(handover.one(work.session, asker.viewer, handover_id))


@router.post("/handovers/{handover_id}/take")
def take_over(hub: HubDep, asker: Agent, handover_id: int) -> HandoverTold:
    """接班: the note is read, and what it is about goes on."""
    with hub.works.write(asker.actor) as work:
        made = handover.one(work.session, asker.viewer, handover_id)
        handover.take(work, asker.viewer, made)
        return _handover(made)


def _desk(asker: Asker, unit: int | None, permission: Permission = P.CONVERSATION_ANSWER) -> int:
    place = presence.seat_of(asker.viewer) if unit is None else unit
    if not asker.may(permission, place):
        raise NotFound(field="unit")
    return place


def _shift(row: Shift) -> ShiftTold:
    return {"id": row.id, "unit": row.unit_id, "name": row.name, "begins": row.begins, "ends": row.ends}


def _presence(session: Session, asker: Asker, place: int) -> PresenceTold:
    own = presence.of_person(session, asker.viewer.person_id, asker.viewer.name)
    return {"unit": place, "own": _standing(own), "there": [_standing(one) for one in presence.of_unit(session, place)]}


def _standing(one: presence.Standing) -> StandingTold:
    return {
        "person": one.person_id,
        "name": one.name,
        "state": one.state,
        "reason": one.reason,
        "since": moment(one.since),
        "until": moment(one.until),
    }


def _handover(row: Handover) -> HandoverTold:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "by": row.from_id,
        "to": row.to_id,
        "note": row.note,
        "conversations": row.conversations,
        "tickets": row.tickets,
        "by_itself": row.by_itself,
        "made_at": told(row.made_at),
        "taken_by": row.taken_by,
        "taken_at": moment(row.taken_at),
    }
