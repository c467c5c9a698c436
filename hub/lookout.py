"""A process that serves pages looks whether anything that sends still lives; where nothing does, it tells people.

What alarms people is done where what is due is done. Were that the only place, all would fall silent together.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from hub.product import HEARTBEAT, Hub
from kernel.duties import DutyMark, run_due
from kernel.people import Permission, Unit, holders
from kernel.work import Work

OLDEST_HEARTBEAT = timedelta(seconds=60)
EVERY_SECONDS = 20.0
# What tells people and calls no platform of the channels: late deliveries and tickets, danger that nobody acknowledged.
TELLING = (
    "delivery.sweep",
    "desk.watch",
    "comments.danger",
    "tickets.danger",
    "tickets.late",
    "comments.late",
    "notices.send",
)


def look(hub: Hub) -> bool:
    """Tells that nothing sends, once an hour, and does the duties that tell people; says whether it was so."""
    with hub.works.read() as work:
        since = engine_silent_since(hub, work)
    if since is None:
        return False
    _tell(hub, since)
    run_due(hub.works, [duty for duty in hub.duties if duty.name in TELLING])
    return True


def engine_silent_since(hub: Hub, work: Work) -> datetime | None:
    """Since when nothing that sends what is due has been heard of; None while it beats.

    Where the machine's own process sends, it beats from its first seconds on; workers may never have been started.
    """
    last = last_beat(work)
    if last is None:
        return work.now if hub.settings.uses_queue else None
    return last if work.now - last > OLDEST_HEARTBEAT else None


def last_beat(work: Work) -> datetime | None:
    """When what sends was last heard of."""
    return work.session.scalar(select(DutyMark.done_at).where(DutyMark.name == HEARTBEAT))


def _tell(hub: Hub, since: datetime) -> None:
    with hub.works.write() as work:
        hours = int((work.now - since) / timedelta(hours=1))
        # Of workers that were never started there is no hour since when: told once a day.
        silence = f"{since:%Y%m%d%H%M%S}.{hours}" if last_beat(work) else f"never.{work.now:%Y%m%d}"
        hub.notifier.tell(
            work,
            _concerned(work),
            "engine.silent",
            "自动发布没有运行",
            f"自 {since.astimezone(hub.settings.office_zone):%m-%d %H:%M} 起没有发送程序在运行，到点的内容发不出去。"
            "请系统管理员启动发送进程；急的请改人工发布。恢复后，到点未发的按各自预约时的选择处理。",
            "/console/deliveries",
            f"engine.silent.{silence}",
        )


def _concerned(work: Work) -> set[int]:
    roots = list(work.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))))
    rights = (Permission.SYSTEM_READ, Permission.DELIVERY_ACT)
    return {one for root in roots for right in rights for one in holders(work.session, right, root, work.now)}
