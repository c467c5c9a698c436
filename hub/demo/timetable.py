"""The demo's timetable: the moments at which the office publishes by habit, so that there is something to queue for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from kernel.people import Viewer
from kernel.work import Work
from scheduler.recurring import slots
from scheduler.recurring.models import Slot
from scheduler.recurring.pattern import pattern
from scheduler.recurring.slots import SlotForm

By = Callable[[str], AbstractContextManager[tuple[Work, Viewer]]]

# Code of the account, name, days, numbers, hour.
HABITS = (
    ("wechat_news", "晚间推送", "workdays", (), "18:00"),
    ("weibo", "早间播报", "workdays", (), "08:00"),
    ("weibo", "午间提醒", "weekly", (1, 3, 5), "12:00"),
    ("portal", "每日更新", "workdays", (), "10:00"),
)


def keep(by: By, login: str, unit_id: int, accounts: Mapping[str, int]) -> list[Slot]:
    """Adds the unit's slots on those accounts that there are, by code."""
    with by(login) as (work, who):
        return [
            slots.add(work, who, unit_id, SlotForm(name, pattern(days, numbers, hour), accounts[code]))
            for code, name, days, numbers, hour in HABITS
            if code in accounts
        ]
