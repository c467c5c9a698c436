"""Wires 死链巡查: the patrol with its own client, its duty, and who is told of a link that died."""

from __future__ import annotations

from datetime import timedelta

from channels.transport import Guard, allowed_of, client
from content.events import LinksDied
from hub.patrol import PATIENCE, Patrol
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Permission, holders
from kernel.work import Work


def connect(hub: Hub) -> None:
    """Adds the patrol and its duty to the product."""
    guard = Guard(allowed_of(hub.settings.allowed_private))
    hub.patrol = Patrol(hub.works, client(guard, PATIENCE), hub.settings.link_check)
    hub.closing.append(hub.patrol.close)
    hub.duties.append(Duty("links.patrol", timedelta(minutes=10), hub.patrol.round, timedelta(minutes=30)))
    hub.listeners.in_work(LinksDied, lambda work, fact: _tell(hub, work, fact))


def _tell(hub: Hub, work: Work, fact: LinksDied) -> None:
    day = work.now.astimezone(hub.settings.office_zone).date()
    hub.notifier.tell(
        work,
        holders(work.session, Permission.PIECE_WRITE, fact.unit_id, work.now),
        "links.died",
        f"已发布的稿件中有 {fact.count} 个链接打不开",
        f"例如：{fact.first[:200]}。请到“死链巡查”查看所在稿件并更正。",
        "/console/links",
        f"links.{fact.unit_id}.{day}",
    )
