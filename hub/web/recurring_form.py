"""What a form says of days that come again, and how such days read in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData

from hub.product import Hub
from hub.web.access import Asker
from hub.web.pages import say
from hub.web.piece_form import text
from kernel.errors import Invalid
from kernel.typed import number_in
from scheduler.recurring.pattern import LAST_OF_MONTH, Pattern, pattern
from templates.catalogue import _

DAYS: Mapping[str, str] = {"workdays": _("每个工作日"), "weekly": _("每周"), "monthly": _("每月")}
FREE_DAYS: Mapping[str, str] = {
    "skip": _("跳过这一次"),
    "after": _("顺延到下一个工作日"),
    "keep": _("照常"),
}
WEEKDAYS = (_("周一"), _("周二"), _("周三"), _("周四"), _("周五"), _("周六"), _("周日"))
DIGITS = ("1", "2", "3", "4", "5", "6", "7")
FIELDS = ("days", "hour", "free_days", "month_days")


def read_pattern(form: FormData) -> Pattern:
    """The days and the hour as they were typed; raises Invalid at the field that makes none."""
    days = text(form, "days")
    numbers: list[int] = []
    if days == "weekly":
        numbers = [int(one) for one in form.getlist("weekdays") if isinstance(one, str) and one in DIGITS]
    elif days == "monthly":
        numbers = _numbers(text(form, "month_days"))
    return pattern(days, numbers, text(form, "hour"), text(form, "free_days") or "skip")


def typed_pattern(form: FormData) -> dict[str, str]:
    """The same fields as typed, for a form that was refused; weekdays one behind another."""
    days = ",".join(one for one in form.getlist("weekdays") if isinstance(one, str))
    return {**{name: text(form, name) for name in FIELDS}, "weekdays": days}


def values_of_pattern(one: Pattern) -> dict[str, str]:
    """A pattern as the fields of its form."""
    numbers = [str(number) for number in one.numbers]
    return {
        "days": one.days,
        "hour": f"{one.hour:%H:%M}",
        "free_days": one.free_days,
        "weekdays": ",".join(numbers) if one.days == "weekly" else "",
        "month_days": "、".join(numbers) if one.days == "monthly" else "",
    }


def pattern_choices(hub: Hub, asker: Asker) -> dict[str, Any]:
    """What the form offers."""
    return {
        "days": [(key, say(hub, asker, label)) for key, label in DAYS.items()],
        "weekdays": [(str(n), say(hub, asker, name)) for n, name in enumerate(WEEKDAYS, start=1)],
        "free_days": [(key, say(hub, asker, label)) for key, label in FREE_DAYS.items()],
    }


def pattern_words(hub: Hub, asker: Asker, one: Pattern) -> str:
    """A pattern as people say it: 每周一、周四 09:00."""
    hour = f"{one.hour:%H:%M}"
    if one.days == "workdays":
        return f"{say(hub, asker, DAYS['workdays'])} {hour}"
    if one.days == "weekly":
        names = "、".join(say(hub, asker, WEEKDAYS[number - 1]) for number in one.numbers)
        words = say(hub, asker, _("每%(names)s"), names=names)
    else:
        dates = "、".join(
            say(hub, asker, _("末")) if number == LAST_OF_MONTH else str(number) for number in one.numbers
        )
        words = say(hub, asker, _("每月 %(dates)s 日"), dates=dates)
    free = {
        "skip": _("遇休息日跳过"),
        "after": _("遇休息日顺延"),
        "keep": _("休息日照常"),
    }[one.free_days]
    return f"{words} {hour} · {say(hub, asker, free)}"


def _numbers(typed: str) -> list[int]:
    parts = typed.replace("，", " ").replace("、", " ").replace(",", " ").split()
    if not all(number_in(part, 99) is not None for part in parts):
        raise Invalid(field="month_days", why="请填写每月几日（1 至 31，31 为月末），用逗号分开。")
    return [int(part) for part in parts]
