"""账号数据: an account's followers, who came and went, and the readings of all its articles, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from analytics.account_days import Day, days_of, newest, sum_of
from channels.abilities.statistics import Statistics
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.accounts import account_for
from hub.web.charts import Chart, Series, Sheet, period_of, period_options, workbook
from hub.web.insights import FIGURE_LABELS
from hub.web.lists import listing
from hub.web.pages import page, say
from kernel.people import Permission
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/accounts/{account_id}/figures")

P = Permission
Reader = Annotated[Asker, Depends(may(P.REPORT_READ))]
LABELS = {
    "followers": _("粉丝总数"),
    "joined": _("新增关注"),
    "left": _("取消关注"),
    "articles": _("发布篇数"),
    **FIGURE_LABELS,
}
# What a day adds. The number of followers is a state, and who reads on two days is one reader.
SUMMED = ("joined", "left", "reads", "shares", "comments")


@router.get("")
def figures(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """The period's figures, drawn, with every day in a table."""
    asked = listing(request, "days")
    with hub.works.read() as work:
        account = account_for(work.session, asker, account_id, P.REPORT_READ)
        period = period_of(asked.value("days"), work, hub.settings.office_zone)
        first, last = (at.astimezone(hub.settings.office_zone).date() for at in (period.since, period.until))
        days = days_of(work.session, account_id, first, last)
    base, names = f"/console/accounts/{account_id}/figures", names_of(days)
    return page(
        request,
        asker,
        "pages/accounts/figures.html",
        account=account,
        counts=issubclass(adapter_of(account), Statistics),
        base=base,
        period=period,
        tabs=[
            NavItem(label, f"{base}?days={value}", current=value == str(period.days))
            for value, label in period_options(hub, asker)
        ],
        followers=newest(days, "followers"),
        sums=[(LABELS[name], found) for name in SUMMED if (found := sum_of(days, name)) is not None],
        days=[one for one in reversed(days) if one.figures],
        names=[(name, LABELS.get(name, name)) for name in names],
        columns=[Column(say(hub, asker, _("日期")))]
        + [Column(say(hub, asker, LABELS.get(name, name)), kind="figure") for name in names],
        followers_chart=_chart(hub, asker, "line", _("粉丝总数"), _("人"), days, ("followers",)),
        change_chart=_chart(hub, asker, "bar", _("每天新增和取消关注"), _("人"), days, ("joined", "left")),
        reads_chart=_chart(hub, asker, "line", _("每天的阅读"), _("次"), days, ("reads", "readers")),
    )


@router.get("/workbook")
def figures_workbook(request: Request, hub: HubDep, asker: Reader, account_id: int) -> Response:
    """The same days as a workbook."""
    asked, zone = listing(request, "days"), hub.settings.office_zone
    with hub.works.read() as work:
        account = account_for(work.session, asker, account_id, P.REPORT_READ)
        period = period_of(asked.value("days"), work, zone)
        first, last = (at.astimezone(zone).date() for at in (period.since, period.until))
        days = days_of(work.session, account_id, first, last)
    names = names_of(days)
    heads = [say(hub, asker, _("日期")), *(say(hub, asker, LABELS.get(name, name)) for name in names)]
    rows = [(_text(one.day), *(one.figures.get(name) for name in names)) for one in days if one.figures]
    return workbook(f"account-{account.id}-{_text(last)}", zone, Sheet(say(hub, asker, _("逐日")), heads, rows))


def names_of(days: Sequence[Day]) -> list[str]:
    """The figures that are told at all, in the order of LABELS, a platform's own last."""
    told = {name for one in days for name in one.figures}
    return [name for name in LABELS if name in told] + sorted(told - set(LABELS))


def _chart(
    hub: Hub, asker: Asker, kind: str, label: str, unit: str, days: Sequence[Day], names: Sequence[str]
) -> Chart | None:
    """A drawing; None where nothing of it was told."""
    known = [name for name in names if any(name in one.figures for one in days)]
    if not known:
        return None
    lines = [Series(say(hub, asker, LABELS[name]), [one.figures.get(name) for one in days]) for name in known]
    labels = [_text(one.day)[5:] for one in days]
    return Chart("bar" if kind == "bar" else "line", say(hub, asker, label), say(hub, asker, unit), labels, lines)


def _text(day: date) -> str:
    return day.isoformat()
