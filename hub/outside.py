"""Wires the nightly comparison: who is told of a difference, and what a later signature does."""

from __future__ import annotations

from datetime import timedelta

from content.events import ReleaseSigned
from content.models import Piece
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Permission, holders
from kernel.work import Work
from scheduler.outside import compare, settle
from scheduler.outside.events import DiffersOutside, LaterSignatureDue


def connect(hub: Hub) -> None:
    """Adds the duty, which looks every hour whether a night's comparison is still to be made."""
    make = hub.make_adapter
    hub.duties.append(
        Duty(
            "outside.compare",
            timedelta(hours=1),
            lambda: compare.run(hub.works, hub.seal, make, hub.settings.office_zone),
            timedelta(hours=1),
        )
    )
    hub.listeners.in_work(DiffersOutside, lambda work, fact: _tell(hub, work, fact))
    hub.listeners.in_work(LaterSignatureDue, lambda work, fact: _tell_due(hub, work, fact))
    hub.listeners.in_work(ReleaseSigned, _signed)


def _signed(work: Work, fact: ReleaseSigned) -> None:
    compare.signed(work, fact.release_id)
    settle.after_signing(work, work.session.get_one(Piece, fact.piece_id))


def _tell(hub: Hub, work: Work, fact: DiffersOutside) -> None:
    parts = []
    if fact.outside:
        parts.append(f"{fact.outside} 篇不是由本系统发布")
    if fact.missing:
        parts.append(f"{fact.missing} 篇在平台上已看不到")
    hub.notifier.tell(
        work,
        holders(work.session, Permission.DELIVERY_ACT, fact.unit_id, work.now),
        "outside.differs",
        f"“{fact.account}”与平台实际不一致：{'，'.join(parts)}",
        f"例如：{fact.first}。请到“登记外发”逐条处理。",
        "/console/outside",
        f"outside.{fact.account_id}.{fact.day}",
    )


def _tell_due(hub: Hub, work: Work, fact: LaterSignatureDue) -> None:
    what = "已登记，超过补签时限仍未签发" if fact.registered else "超过时限仍未登记"
    hub.notifier.tell(
        work,
        {
            *holders(work.session, Permission.DELIVERY_ACT, fact.unit_id, work.now),
            *holders(work.session, Permission.PIECE_SIGN, fact.unit_id, work.now),
        },
        "outside.due",
        f"外发内容{what}：《{fact.title}》",
        "请尽快处理；超过时限的计入外发登记的未完成数。",
        f"/console/outside/{fact.outside_id}",
        f"outside.{fact.outside_id}.due.{fact.day}",
    )
