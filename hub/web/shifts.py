"""班次 and 交接班: who is on at the desk and when, who is there now, and what goes from one shift to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import store
from bot.models import Conversation, Ticket
from bot.states import CONVERSATION_LABELS
from bot.team import handover, presence, shifts, topics
from bot.team.models import Turn
from bot.team.shifts import Plan
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.people import units_in_reach
from hub.web.piece_form import text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.office_rules import value_of
from kernel.people import Permission, Person, Unit, holders, named
from kernel.typed import day_in, row_in
from kernel.work import Work
from kernel.workdays import Workdays, declared_days
from templates.catalogue import _

router = APIRouter(prefix="/console/shifts")

P = Permission
Agent = Annotated[Asker, Depends(may(P.CONVERSATION_ANSWER))]
Supervisor = Annotated[Asker, Depends(may(P.QUEUE_SUPERVISE))]
Text = Annotated[str, Form()]
TopicsText = Annotated[str, Form(alias="topics")]

ADDRESS = "/console/shifts"
WEEK = timedelta(days=7)
WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
TAKEN = 20


@dataclass(frozen=True)
class Day:
    """One day of the plan: its name, whether it is worked, and who is on each shift."""

    day: date
    weekday: str
    worked: bool
    turns: dict[int, list[tuple[Turn, str]]]


@router.get("")
def the_plan(request: Request, hub: HubDep, asker: Agent) -> HTMLResponse:
    """A week of the plan, who is there now, and what waits to be taken over."""
    return _page(request, hub, asker)


@router.post("")
def add_shift(
    request: Request,
    hub: HubDep,
    asker: Supervisor,
    unit: Text = "",
    name: Text = "",
    begins: Text = "",
    ends: Text = "",
) -> Response:
    """A new shift."""
    try:
        with hub.works.write(asker.actor) as work:
            place = _unit(work.session, asker, unit, P.QUEUE_SUPERVISE)
            shifts.add(work, place.id, name, begins, ends)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, name=name, begins=begins, ends=ends)
        return _page(request, hub, asker, shift_form=form, unit=unit, status=error.status)
    return see_other(_of(place.id), say(hub, asker, _("班次已添加，现在可以排班。")))


@router.post("/plan")
def plan(request: Request, hub: HubDep, asker: Supervisor, sent: Sent) -> Response:
    """Puts people on a shift over a span of days."""
    unit = text(sent, "unit")
    try:
        wanted = _wanted(sent)
        with hub.works.write(asker.actor) as work:
            place = _unit(work.session, asker, unit, P.QUEUE_SUPERVISE)
            made = shifts.plan(work, place.id, wanted, hub.settings.office_zone)
    except NotFound:
        raise
    except XuandaError as error:
        typed = {name: text(sent, name) for name in ("shift", "first", "last", "workdays")}
        typed["people"] = " ".join(str(one) for one in sent.getlist("people"))
        form = FormState(typed, error.field, refused(asker, error).fault)
        return _page(request, hub, asker, plan_form=form, unit=unit, status=error.status)
    return see_other(_of(place.id, wanted.first), say(hub, asker, _("已排 %(n)s 个班。"), n=made))


@router.post("/topics")
def keep_topics(
    request: Request, hub: HubDep, asker: Supervisor, unit: Text = "", person: Text = "", topics_: TopicsText = ""
) -> Response:
    """The topics an agent knows, instead of those he had."""
    try:
        with hub.works.write(asker.actor) as work:
            place = _unit(work.session, asker, unit, P.QUEUE_SUPERVISE)
            topics.keep(work, place.id, row_in(person) or 0, re.split(r"[、，,；;\n]", topics_))
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, person=person, topics=topics_)
        return _page(request, hub, asker, topic_form=form, unit=unit, status=error.status)
    return see_other(_of(place.id), say(hub, asker, _("专长已保存。")))


@router.post("/presence")
def be_present(hub: HubDep, asker: Agent, state: Text = "", reason: Text = "", back: Text = "") -> Response:
    """上岗, 小休 or 离岗."""
    address = "/console/desk" if back == "desk" else ADDRESS
    try:
        with hub.works.write(asker.actor) as work:
            presence.change(work, asker.viewer, state, reason)
            seat, person_id = presence.seat_of(asker.viewer), asker.viewer.person_id
            left = len(handover.load_of(work.session, seat, person_id).conversations)
    except XuandaError as error:
        return see_other(address, error.message(asker.language), "bad")
    if state == presence.AWAY and left:
        return see_other(f"{ADDRESS}/handover", say(hub, asker, _("您已离岗，还有 %(n)s 个会话，请交班。"), n=left))
    return see_other(address, say(hub, asker, _("状态已更新。")))


@router.get("/handover")
def prepare(request: Request, hub: HubDep, asker: Agent) -> HTMLResponse:
    """What one has going on, to be handed over with a note."""
    return _prepare(request, hub, asker, FormState({}))


@router.post("/handover")
def hand_over(request: Request, hub: HubDep, asker: Agent, to: Text = "", note: Text = "") -> Response:
    """交班."""
    try:
        with hub.works.write(asker.actor) as work:
            colleague = row_in(to)
            if to.strip() and colleague is None:
                raise Invalid(field="to", why="请从名单中选择同事；不选则交给下一班。")
            made = handover.hand_over(
                work, asker.viewer, presence.seat_of(asker.viewer), colleague, note, hub.incoming.words
            )
            count = len(made.conversations)
    except NotFound:
        raise
    except XuandaError as error:
        return _prepare(request, hub, asker, refused(asker, error, to=to, note=note), status=error.status)
    return see_other(ADDRESS, say(hub, asker, _("已交班，%(n)s 个会话有人接着办。"), n=count))


@router.get("/handovers/{handover_id}")
def one_handover(request: Request, hub: HubDep, asker: Agent, handover_id: int) -> HTMLResponse:
    """A note with the conversations and tickets it is about."""
    with hub.works.read() as work:
        made = handover.one(work.session, asker.viewer, handover_id)
        names = {one: _name(work.session, one) for one in (made.from_id, made.to_id, made.taken_by) if one}
        rows = select(Conversation).where(Conversation.id.in_(made.conversations)).order_by(Conversation.id)
        talks = _talks(work.session, work.session.scalars(rows).all())
        matters = select(Ticket).where(Ticket.id.in_(made.tickets)).order_by(Ticket.due_at)
        tickets = work.session.scalars(matters).all()
    return page(
        request,
        asker,
        "pages/desk/handed_over.html",
        takes=handover.may_take(asker.viewer, made),
        made=made,
        names=names,
        talks=talks,
        tickets=tickets,
    )


@router.post("/handovers/{handover_id}/take")
def take(hub: HubDep, asker: Agent, handover_id: int) -> Response:
    """接班."""
    try:
        with hub.works.write(asker.actor) as work:
            handover.take(work, asker.viewer, handover.one(work.session, asker.viewer, handover_id))
    except NotFound:
        raise
    except XuandaError as error:
        return see_other(ADDRESS, error.message(asker.language), "bad")
    return see_other("/console/desk", say(hub, asker, _("已接班。")))


@router.post("/{shift_id}/remove")
def remove_shift(hub: HubDep, asker: Supervisor, shift_id: int) -> Response:
    """Takes a shift out of use."""
    with hub.works.write(asker.actor) as work:
        shift = shifts.one(work.session, asker.viewer, shift_id)
        shifts.remove(work, shift)
        unit_id = shift.unit_id
    return see_other(_of(unit_id), say(hub, asker, _("班次已停用，未开始的排班已取消。")))


@router.post("/turns/{turn_id}/remove")
def unplan(hub: HubDep, asker: Supervisor, turn_id: int) -> Response:
    """Takes one person off one shift of one day."""
    try:
        with hub.works.write(asker.actor) as work:
            turn = shifts.turn_for(work.session, asker.viewer, turn_id)
            unit_id, day = turn.unit_id, turn.day
            shifts.unplan(work, turn)
    except NotFound:
        raise
    except XuandaError as error:
        return see_other(_of(unit_id, day), error.message(asker.language), "bad")
    return see_other(_of(unit_id, day), say(hub, asker, _("已取消这个班。")))


def presence_of(work: Work, asker: Asker) -> dict[str, Any]:
    """What the desk shows of the agent himself: where he stands, and why he may go on a break."""
    if not asker.may(P.CONVERSATION_ANSWER):
        return {"standing": None, "reasons": [], "handovers": [], "may_record": False}
    reasons: list[str] = value_of(work.session, presence.REASONS, presence.seat_of(asker.viewer), work.now)
    return {
        "may_record": True,
        "standing": presence.of_person(work.session, asker.viewer.person_id),
        "presence_labels": presence.PRESENCE_LABELS,
        "reasons": reasons,
        "handovers": handover.waiting_for(work.session, asker.viewer),
    }


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    *,
    shift_form: FormState | None = None,
    plan_form: FormState | None = None,
    topic_form: FormState | None = None,
    unit: str = "",
    status: int = 200,
) -> HTMLResponse:
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        session = work.session
        place = _unit(session, asker, unit or request.query_params.get("unit", ""), P.CONVERSATION_ANSWER)
        today = work.now.astimezone(zone).date()
        first = _week(request.query_params.get("week", ""), today)
        kept = shifts.of_unit(session, place.id)
        planned = shifts.between(session, place.id, first, first + WEEK - timedelta(days=1))
        calendar = Workdays(zone, declared_days(session))
        days = [_day(hub, asker, first + timedelta(days=ahead), planned, calendar) for ahead in range(7)]
        people = named(session, holders(session, P.CONVERSATION_ANSWER, place.id, work.now))
        known = topics.of_unit(session, place.id)
        context = presence_of(work, asker) | {
            "units": units_in_reach(session, asker, P.CONVERSATION_ANSWER),
            "there": presence.of_unit(session, place.id),
            "topics": known,
            "supervises": asker.may(P.QUEUE_SUPERVISE, place.id),
            "provisional": calendar.provisional(first.year),
            "at": work.now,
        }
    begin = max(today, first)
    return page(
        request,
        asker,
        "pages/desk/shifts.html",
        status=status,
        unit=place,
        shifts=kept,
        days=days,
        week=first,
        before=first - WEEK,
        after=first + WEEK,
        today=today,
        people=people,
        topic_form=topic_form or _topics_of(row_in(request.query_params.get("person", "")), people, known),
        shift_form=shift_form or FormState({"begins": "09:00", "ends": "17:30"}),
        plan_form=plan_form
        or FormState({"first": str(begin), "last": str(begin + timedelta(days=6)), "workdays": "1"}),
        **context,
    )


def _topics_of(person_id: int | None, people: Sequence[tuple[int, str]], known: Mapping[int, list[str]]) -> FormState:
    """The form of the agent in the address with what he knows; none where the address names nobody of the desk."""
    if person_id not in dict(people):
        return FormState({})
    return FormState({"person": str(person_id), "topics": "、".join(known.get(person_id or 0, ()))})


def _prepare(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        session, unit_id = work.session, presence.seat_of(asker.viewer)
        load = handover.load_of(session, unit_id, asker.viewer.person_id)
        others = holders(session, P.CONVERSATION_ANSWER, unit_id, work.now)
        on = set(shifts.on_now(session, unit_id, work.now)) | set(presence.present(session, unit_id))
        takers = named(session, [one for one in others if one != asker.viewer.person_id])
        talks = _talks(session, load.conversations)
    there = say(hub, asker, _("（在岗）"))
    return page(
        request,
        asker,
        "pages/desk/handover.html",
        status=status,
        form=form,
        talks=talks,
        tickets=load.tickets,
        colleagues=[(one, name + (there if one in on else "")) for one, name in takers],
    )


def _wanted(sent: FormData) -> Plan:
    days = []
    for field in ("first", "last"):
        try:
            days.append(day_in(text(sent, field)))
        except ValueError:
            raise Invalid(field=field, why="日期应写作 年-月-日，例如 2026-03-02。") from None
    people = [number for one in sent.getlist("people") if (number := row_in(str(one)))]
    return Plan(row_in(text(sent, "shift")) or 0, people, days[0], days[1], bool(text(sent, "workdays")))


def _week(typed: str, today: date) -> date:
    try:
        day = day_in(typed) if typed else today
    except ValueError:
        day = today
    return day - timedelta(days=day.weekday())


def _day(hub: Hub, asker: Asker, day: date, planned: Sequence[tuple[Turn, str]], calendar: Workdays) -> Day:
    turns: dict[int, list[tuple[Turn, str]]] = {}
    for turn, name in planned:
        if turn.day == day:
            turns.setdefault(turn.shift_id, []).append((turn, name))
    return Day(day, say(hub, asker, WEEKDAYS[day.weekday()]), calendar.is_workday(day), turns)


def _unit(session: Session, asker: Asker, typed: str, permission: Permission) -> Unit:
    unit = session.get(Unit, row_in(typed) or presence.seat_of(asker.viewer))
    if unit is None or not asker.may(permission, unit.id):
        raise NotFound(field="unit")
    return unit


def _of(unit_id: int, week: date | None = None) -> str:
    return f"{ADDRESS}?unit={unit_id}" + (f"&week={week.isoformat()}" if week else "")


def _name(session: Session, person_id: int) -> str:
    return session.get_one(Person, person_id).name


def _talks(session: Session, rows: Sequence[Conversation]) -> list[tuple[Conversation, str, str, str]]:
    """Each with its title, the citizen's last words, and where it stands."""
    labels = {state.value: label for state, label in CONVERSATION_LABELS.items()}
    return [(one, one.name or one.sender[-6:], store.last_words(session, one.id), labels[one.state]) for one in rows]
