"""Wires citizens' requests about their own data: who hears of them, and what goes on by itself."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import or_, select, update

from bot.events import CitizenForgotten
from bot.personal import requests
from bot.personal.erasing import Eraser
from bot.personal.events import DataAnswerLate, DataAsked
from hub.notices import Notice
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Permission, Unit, ancestors, holders
from kernel.work import Work

ERASE = "citizens.erase"


def connect(hub: Hub) -> None:
    """Adds the duties and listeners."""
    eraser = Eraser(hub.works, hub.seal)
    hub.duties += [
        Duty(ERASE, timedelta(minutes=1), eraser.round, timedelta(minutes=10)),
        Duty("citizens.late", timedelta(minutes=30), lambda: requests.round_up(hub.works)),
    ]
    hub.listeners.in_work(DataAsked, lambda work, fact: _tell_asked(hub, work, fact))
    hub.listeners.in_work(DataAnswerLate, lambda work, fact: _tell_late(hub, work, fact))
    hub.listeners.in_work(CitizenForgotten, _forget_notices)


def who_handles(work: Work, unit_id: int) -> list[int]:
    """Who handles such requests of a unit; where nobody does, whoever does above it, else in any unit."""
    for one in ancestors(work.session, unit_id):
        people = holders(work.session, Permission.PRIVACY_ACT, one, work.now)
        if people:
            return people
    units = work.session.scalars(select(Unit.id).order_by(Unit.path)).all()
    return next((found for one in units if (found := holders(work.session, Permission.PRIVACY_ACT, one, work.now))), [])


def _tell_asked(hub: Hub, work: Work, fact: DataAsked) -> None:
    hub.notifier.tell(
        work,
        who_handles(work, fact.unit_id),
        "data_request.made",
        f"市民申请{fact.kind}（{fact.number}）",
        "请在办理期限内核实并办理，或写明不予办理的理由。",
        f"/console/citizens/{fact.request_id}",
        f"data_request.{fact.request_id}.made",
    )


def _tell_late(hub: Hub, work: Work, fact: DataAnswerLate) -> None:
    hub.notifier.tell(
        work,
        who_handles(work, fact.unit_id),
        "data_request.late",
        f"个人信息申请已超期：{fact.number}",
        f"{fact.kind}的申请已超过办理期限，请立即办理。",
        f"/console/citizens/{fact.request_id}",
        f"data_request.{fact.request_id}.late",
    )


def _forget_notices(work: Work, fact: CitizenForgotten) -> None:
    """What colleagues were told of these conversations and tickets quotes the citizen."""
    links = [f"/console/desk/{one}" for one in fact.conversations]
    links += [f"/console/tickets/{one}" for one in fact.tickets]
    if links:
        work.session.execute(update(Notice).where(or_(Notice.link.in_(links))).values(text=""))
