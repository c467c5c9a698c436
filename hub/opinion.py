"""Wires 舆情回应: who is told of clues and clocks, what stops a clock, and rebuttals pinned on the portal."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content.rebuttals import Rebuttal
from hub import site_state
from hub.product import Hub
from kernel.duties import Duty, hasten
from kernel.people import Permission, Role, bearers, holders
from kernel.work import Work
from scheduler.events import WasWithdrawn, WentLive
from scheduler.opinion import cases
from scheduler.opinion.cases import Clock
from scheduler.opinion.events import CaseJudged, CaseReported
from scheduler.opinion.models import CaseState, OpinionCase
from templates.filters import local_time

EVERY = timedelta(minutes=2)


def connect(hub: Hub) -> None:
    """Adds the duty that reminds and the listeners."""
    hub.duties.append(Duty("opinion.remind", EVERY, lambda: remind(hub)))
    hub.listeners.in_work_together(WentLive, cases.went_live)
    hub.listeners.in_work_together(WentLive, lambda work, facts: _pin(hub, work, {fact.piece_id for fact in facts}))
    hub.listeners.in_work(WasWithdrawn, lambda work, fact: _pin(hub, work, {fact.piece_id}))
    hub.listeners.in_work(CaseReported, lambda work, fact: _tell_reported(hub, work, fact))
    hub.listeners.in_work(CaseJudged, lambda work, fact: _tell_judged(hub, work, fact))


def remind(hub: Hub) -> None:
    """Says once that a deadline is near, at once when it has passed, and again every day."""
    with hub.works.write() as work:
        for case, clock in cases.to_remind(work.session, work.now):
            _tell_due(hub, work, case, clock)


def pin(hub: Hub, work: Work) -> None:
    """Makes the portal show what holds now: at once where its folder is, within seconds elsewhere."""
    hasten(work.session, site_state.STATE, work.now)
    work.after_commit(lambda: site_state.follow(hub))


def _pin(hub: Hub, work: Work, pieces: Collection[int]) -> None:
    known = select(Rebuttal.id).where(Rebuttal.piece_id.in_(pieces), Rebuttal.ended_at.is_(None))
    if work.session.scalar(known.limit(1)) is not None:
        pin(hub, work)


def _tell_due(hub: Hub, work: Work, case: OpinionCase, clock: Clock) -> None:
    late = clock.due <= work.now
    day = work.now.astimezone(hub.settings.office_zone).date()
    due = local_time(clock.due, hub.settings.office_zone)
    waits = "尚未研判" if case.state == CaseState.CLUE else "尚未回应"
    hub.notifier.tell(
        work,
        _responsible(work.session, case, work.now),
        "opinion.overdue" if late else "opinion.due",
        f"舆情{clock.label}{'已超时限' if late else '时限将到'}：{case.title}",
        f"须在 {due} 前{clock.label}，{waits}。请立即处理。",
        f"/console/opinion/{case.id}",
        f"opinion.{case.id}.{clock.name}.{f'overdue.{day}' if late else 'soon'}",
    )


def _tell_reported(hub: Hub, work: Work, fact: CaseReported) -> None:
    case = work.session.get_one(OpinionCase, fact.case_id)
    due = local_time(case.first_due, hub.settings.office_zone)
    hub.notifier.tell(
        work,
        {
            *holders(work.session, Permission.PIECE_SIGN, fact.unit_id, work.now),
            *bearers(work.session, Role.MANAGER, fact.unit_id, work.now),
        },
        "opinion.reported",
        f"新舆情线索待研判：{fact.title}",
        f"来源：{case.source}。如属重大舆情，须在 {due} 前首次发声。",
        f"/console/opinion/{fact.case_id}",
        f"opinion.{fact.case_id}.reported",
    )


def _tell_judged(hub: Hub, work: Work, fact: CaseJudged) -> None:
    case = work.session.get_one(OpinionCase, fact.case_id)
    due = min(clock.due for clock in cases.clocks_of(case))
    hub.notifier.tell(
        work,
        holders(work.session, Permission.PIECE_WRITE, fact.handler_id, work.now),
        "opinion.judged",
        f"请起草舆情回应：{fact.title}",
        f"最早须在 {local_time(due, hub.settings.office_zone)} 前发出。",
        f"/console/opinion/{fact.case_id}",
        f"opinion.{fact.case_id}.judged.{work.now:%Y%m%d%H%M%S}",
    )


def _responsible(session: Session, case: OpinionCase, now: datetime) -> set[int]:
    people = {
        *holders(session, Permission.PIECE_SIGN, case.unit_id, now),
        *bearers(session, Role.MANAGER, case.unit_id, now),
    }
    if case.state == CaseState.OPEN:
        people |= set(holders(session, Permission.PIECE_WRITE, case.handler_id or case.unit_id, now))
    return people
