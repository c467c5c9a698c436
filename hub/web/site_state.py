"""网站状态: grey mode of the portal, from when until when and why; no page is drawn anew for it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from hub import site_state
from hub.product import Hub
from hub.site_state import GREY
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.piece_form import moment
from kernel.errors import Invalid, NotFound
from kernel.office_rules import set_rule, value_of
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/site-state")

Keeper = Annotated[Asker, Depends(may(Permission.RULE_WRITE))]
Text = Annotated[str, Form()]


@router.get("")
def shown(request: Request, hub: HubDep, asker: Keeper) -> HTMLResponse:
    """How the site stands, and the period."""
    return _page(request, hub, asker, None)


@router.post("")
def change(
    request: Request, hub: HubDep, asker: Keeper, begins: Text = "", ends: Text = "", reason: Text = ""
) -> Response:
    """Sets the period, or ends it where both times are left empty."""
    values = {"begins": begins, "ends": ends, "reason": reason}
    try:
        first, last = (moment(values, name, hub.settings.office_zone) for name in ("begins", "ends"))
        with hub.works.write(asker.actor) as work:
            set_grey(work, asker, first, last, reason)
    except Invalid as error:
        return _page(request, hub, asker, refused(asker, error, **values), status=error.status)
    site_state.follow(hub)
    return see_other("/console/site-state", say(hub, asker, _("已保存，网站页面十秒内按此显示。")))


def set_grey(work: Work, asker: Asker, first: datetime | None, last: datetime | None, reason: str) -> None:
    """Makes the portal grey for a period, or ends it where neither time is given."""
    if first and len(reason.strip()) < 2:
        raise Invalid(field="reason", why="请写明依据，如上级通知的名称。")
    value = {
        "from": first.isoformat() if first else "",
        "until": last.isoformat() if last else "",
        "reason": reason.strip()[:200],
    }
    if fault := GREY.check(value):
        raise Invalid(field="ends", why=fault)
    set_rule(work, GREY.name, keeper_unit(work, asker), value)


def keeper_unit(work: Work, asker: Asker) -> int:
    """The unit whose portal it is; raises NotFound for who does not keep its rules."""
    unit_id = site_state.portal_unit(work)
    if unit_id is None:
        raise NotFound
    asker.must(Permission.RULE_WRITE, unit_id)
    return unit_id


def _page(request: Request, hub: Hub, asker: Asker, form: FormState | None, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        value = value_of(work.session, GREY, keeper_unit(work, asker), work.now)
        grey = site_state.is_grey(value, work.now)
    if form is None:
        zone = hub.settings.office_zone
        times = {name: site_state.moment_of(value, key) for name, key in (("begins", "from"), ("ends", "until"))}
        kept = {name: f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" if at else "" for name, at in times.items()}
        form = FormState({**kept, "reason": str(value.get("reason", ""))})
    return page(request, asker, "pages/system/site_state.html", status=status, grey=grey, form=form)
