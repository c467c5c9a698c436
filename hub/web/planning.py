"""选题策划: advice with its reason and figures; a person takes it, which opens a draft, or says why not."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics import plan
from analytics.metrics import METRICS
from analytics.models import Suggestion
from channels.accounts.models import Account
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import Chart, Series
from hub.web.deliveries import channel_label
from hub.web.forms import FormState, refused
from hub.web.lists import Listing, listing
from hub.web.pages import page, say, see_other
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, Unit, scoped
from templates.catalogue import _
from templates.views import Column, NavItem

router = APIRouter(prefix="/console/plan")

P = Permission
Reader = Annotated[Asker, Depends(may(P.REPORT_READ))]
Planner = Annotated[Asker, Depends(may(P.PLAN_ACT))]
Text = Annotated[str, Form()]
DECIDED = ("accepted", "dismissed")
LATEST = 8


@router.get("")
def advice(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Open advice, by kind if asked for; beneath it what was decided last."""
    return _page(request, hub, asker, listing(request, "kind", sort="kind"))


@router.post("/{suggestion_id}/accept")
def accept(hub: HubDep, asker: Planner, suggestion_id: int) -> Response:
    """采纳: opens the draft that comes with it, else notes that it was agreed to."""
    with hub.works.write(asker.actor) as work:
        suggestion = suggestion_for(work.session, asker, suggestion_id)
        piece = plan.accept(work, asker.viewer, suggestion)
        slot = _slot_for(hub, asker, work.session, suggestion)
    if slot:
        return see_other(slot, say(hub, asker, _("已采纳；已按建议的时段填好栏位，请核对后新增。")))
    if piece is None:
        return see_other("/console/plan", say(hub, asker, _("已采纳，安排发布时请按此办理。")))
    return see_other(f"/console/pieces/{piece.id}", say(hub, asker, _("已采纳并建立草稿，请补充内容。")))


@router.post("/{suggestion_id}/dismiss")
def dismiss(request: Request, hub: HubDep, asker: Planner, suggestion_id: int, reason: Text = "") -> Response:
    """不采纳, with the reason."""
    try:
        with hub.works.write(asker.actor) as work:
            plan.dismiss(work, asker.viewer, suggestion_for(work.session, asker, suggestion_id), reason)
    except Invalid as error:
        asked = Listing("/console/plan", {"kind": ""}, "kind", 1)
        form = refused(asker, error, reason=reason)
        return _page(request, hub, asker, asked, form, suggestion_id, status=error.status)
    return see_other("/console/plan", say(hub, asker, _("已记为不采纳；理由变化前不再提出。")))


def suggestion_for(session: Session, asker: Asker, suggestion_id: int) -> Suggestion:
    """The advice, held against a second decision at the same moment; raises NotFound when it is out of reach."""
    suggestion = session.get(Suggestion, suggestion_id, with_for_update=True)
    if suggestion is None:
        raise NotFound
    asker.must(P.PLAN_ACT, suggestion.unit_id)
    return suggestion


def _slot_for(hub: Hub, asker: Asker, session: Session, suggestion: Suggestion) -> str:
    """The form for a recurring slot at the best hour, filled in, for those who keep slots."""
    best = suggestion.facts.get("best") if suggestion.kind == "best_hours" else None
    if not best or not asker.may(P.BOOKING_WRITE, suggestion.unit_id):
        return ""
    hours: dict[str, int] = suggestion.facts["hours"]
    hour = max(best, key=lambda one: hours.get(str(one), 0))
    channel = str(suggestion.facts["channel"])
    query = select(Account.id).where(
        Account.unit_id == suggestion.unit_id,
        Account.channel == channel,
        Account.active,
        Account.stands_for.is_(None),
    )
    accounts = session.scalars(query.limit(2)).all()
    name = f"{say(hub, asker, channel_label(channel))} {hour:02d}:00"
    filled = {"unit": suggestion.unit_id, "name": name, "hour": f"{hour:02d}:00"}
    return f"/console/slots?{urlencode({**filled, **({'account': accounts[0]} if len(accounts) == 1 else {})})}"


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    asked: Listing,
    form: FormState | None = None,
    opened: int = 0,
    *,
    status: int = 200,
) -> HTMLResponse:
    kind = asked.value("kind")
    mine = scoped(select(Suggestion, Unit.name), Suggestion.unit_id, asker.viewer, P.REPORT_READ)
    mine = mine.join(Unit, Unit.id == Suggestion.unit_id)
    waiting = mine.where(Suggestion.state == "open")
    with hub.works.read() as work:
        query = waiting.where(Suggestion.kind == kind) if kind in plan.LABELS else waiting
        found, state = asked.take(work.session, query, {"kind": Suggestion.kind}, Suggestion.id)
        counted = waiting.with_only_columns(Suggestion.kind, func.count()).group_by(Suggestion.kind)
        counts = {row[0]: row[1] for row in work.session.execute(counted)}
        past = scoped(select(Suggestion, Person.name), Suggestion.unit_id, asker.viewer, P.REPORT_READ)
        past = past.join(Person, Person.id == Suggestion.decided_by).where(Suggestion.state.in_(DECIDED))
        decided = work.session.execute(past.order_by(Suggestion.decided_at.desc()).limit(LATEST)).all()
    tabs = [
        ("", _("全部"), sum(counts.values())),
        *((key, text, counts.get(key, 0)) for key, text in plan.LABELS.items()),
    ]
    return page(
        request,
        asker,
        "pages/insights/plan.html",
        status=status,
        rows=[(row[0], row[1], _drawn(hub, asker, row[0])) for row in found],
        decided=[(row[0], row[1]) for row in decided],
        state=state,
        labels=plan.LABELS,
        tabs=[
            NavItem(say(hub, asker, text), f"/console/plan?kind={key}" if key else "/console/plan", count, key == kind)
            for key, text, count in tabs
        ],
        columns=[
            Column(say(hub, asker, text)) for text in (_("建议"), _("结果"), _("处理人"), _("处理时间"), _("说明"))
        ],
        form=form or FormState(),
        opened=opened,
        metric=METRICS["silence"],
    )


def _drawn(hub: Hub, asker: Asker, suggestion: Suggestion) -> Chart | None:
    """The hours of the day behind advice on hours, small; other kinds are one figure and are said in words."""
    facts: dict[str, Any] = suggestion.facts
    if suggestion.kind != "best_hours":
        return None
    hours = facts.get("hours", {})
    return Chart(
        "bar",
        say(hub, asker, _("近四周一天中各时段的打开次数")),
        say(hub, asker, _("次")),
        [str(hour) for hour in range(24)],
        [
            Series(
                say(hub, asker, channel_label(str(facts.get("channel", "")))),
                [hours.get(str(hour), 0) for hour in range(24)],
            )
        ],
        small=True,
    )
