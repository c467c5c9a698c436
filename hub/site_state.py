"""Grey mode by schedule, emergencies until their hour, rebuttals while they hold: the one state file of the site."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from channels.accounts.models import Account
from channels.adapters.portal import state
from channels.adapters.portal.folder import Folder
from content import rebuttals
from hub.product import Hub
from kernel.duties import Duty
from kernel.office_rules import Rule, declare, value_of
from kernel.work import Work
from scheduler import emergency
from scheduler.placements import on_portal

EVERY = timedelta(seconds=10)
STATE = "portal.state"
# The portal's strip has so many lines; emergencies come first.
MOST_ALERTS = 3


def _fault(value: Any) -> str:
    if not isinstance(value, dict):
        return "须为起止时间和原因。"
    try:
        begins, ends = moment_of(value, "from"), moment_of(value, "until")
    except ValueError:
        return "起止时间的写法不对。"
    if bool(begins) != bool(ends):
        return "请同时填写开始和结束时间。"
    return "结束时间须晚于开始时间。" if begins and ends and ends <= begins else ""


GREY = declare(Rule[dict[str, str]]("portal.grey", {}, "网站灰色模式起止时间", _fault))


def moment_of(value: dict[str, Any], name: str) -> datetime | None:
    """One end of the period, aware; None where it is open. Raises ValueError for what is no moment."""
    text = str(value.get(name) or "")
    moment = datetime.fromisoformat(text) if text else None
    if moment is not None and moment.tzinfo is None:
        raise ValueError(text)
    return moment


def is_grey(value: dict[str, Any], now: datetime) -> bool:
    """Whether the period is running."""
    begins, ends = moment_of(value, "from"), moment_of(value, "until")
    return begins is not None and ends is not None and begins <= now < ends


def connect(hub: Hub) -> None:
    """Adds the duty that keeps the file."""
    hub.duties.append(Duty(STATE, EVERY, lambda: follow(hub), timedelta(minutes=1), site=True))


def follow(hub: Hub) -> None:
    """Makes the file say what holds now."""
    with hub.works.read() as work:
        unit_id = portal_unit(work)
        grey = unit_id is not None and is_grey(value_of(work.session, GREY, unit_id, work.now), work.now)
        alerts = [
            state.Alert(f"【应急】{one.title}", one.path, one.level in emergency.GRAVE)
            for one in emergency.banners(work.session, work.now)
        ]
        alerts += [
            state.Alert(f"【辟谣】{shown.title}", shown.path if on_portal(work.session, shown.piece_id) else "")
            for _row, shown in rebuttals.standing(work.session, work.now)
        ]
    if unit_id is not None:
        state.write(Folder(hub.settings.site_folder), grey=grey, alerts=alerts[:MOST_ALERTS])


def portal_unit(work: Work) -> int | None:
    """The unit whose portal this installation serves."""
    query = select(Account.unit_id).where(Account.channel == "portal", Account.active.is_(True)).order_by(Account.id)
    return work.session.scalar(query.limit(1))
