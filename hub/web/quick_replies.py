"""快捷回复: an agent's own ready words and the unit's; the unit's are approved by another person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import or_
from sqlalchemy.orm import Session

from bot.team import quick
from bot.team.models import QuickReply
from bot.team.quick import OF_UNIT, OWN, WAITING, Wording
from bot.team.variables import VARIABLES
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Person, Unit
from templates.catalogue import _

router = APIRouter(prefix="/console/quick-replies")

P = Permission
Agent = Annotated[Asker, Depends(may(P.CONVERSATION_ANSWER))]
Supervisor = Annotated[Asker, Depends(may(P.QUEUE_SUPERVISE))]
Text = Annotated[str, Form()]

WHOSE = ((OWN, _("我自己")), (OF_UNIT, _("本单位（须核准）")))
SHOWN = ((OWN, _("我的")), (OF_UNIT, _("单位的")), (WAITING, _("待核准")))
COLUMNS = (
    (_("快捷码"), "code"),
    (_("名称"), "title"),
    (_("内容"), ""),
    (_("归属"), ""),
    (_("状态"), ""),
    (_("操作"), ""),
)
SORTS = {"code": QuickReply.code, "title": QuickReply.title}
ADDRESS = "/console/quick-replies"


@router.get("")
def the_replies(request: Request, hub: HubDep, asker: Agent) -> HTMLResponse:
    """One's own replies and those of one's units, and a form for a new one."""
    return _list(request, hub, asker, FormState({"whose": OWN, "unit": str(asker.viewer.unit_id)}))


@router.post("")
def add_reply(
    request: Request,
    hub: HubDep,
    asker: Agent,
    title: Text = "",
    code: Text = "",
    text: Text = "",
    whose: Text = OWN,
    unit: Text = "",
) -> Response:
    """A new reply; the unit's waits for its approval."""
    own = whose != OF_UNIT
    try:
        with hub.works.write(asker.actor) as work:
            only = str(min(asker.viewer.units(P.CONVERSATION_ANSWER)))
            place = unit_in_reach(work.session, asker, P.CONVERSATION_ANSWER, unit or only)
            quick.write(work, asker.viewer, place.id, Wording(title, code, text), own=own)
    except XuandaError as error:
        form = refused(asker, error, title=title, code=code, text=text, whose=whose, unit=unit)
        return _list(request, hub, asker, form, status=error.status)
    return see_other(ADDRESS, _said(hub, asker, own=own))


@router.get("/{quick_id}")
def one_reply(request: Request, hub: HubDep, asker: Agent, quick_id: int) -> HTMLResponse:
    """One reply, to be changed."""
    return _one(request, hub, asker, quick_id)


@router.post("/{quick_id}")
def change_reply(
    request: Request, hub: HubDep, asker: Agent, quick_id: int, title: Text = "", code: Text = "", text: Text = ""
) -> Response:
    """Changes a reply; the unit's waits for its approval again."""
    try:
        with hub.works.write(asker.actor) as work:
            row = quick.one(work.session, asker.viewer, quick_id)
            quick.change(work, asker.viewer, row, Wording(title, code, text))
            own = row.person_id is not None
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, title=title, code=code, text=text)
        return _one(request, hub, asker, quick_id, form, status=error.status)
    return see_other(ADDRESS, _said(hub, asker, own=own))


@router.post("/{quick_id}/approve")
def approve_reply(hub: HubDep, asker: Supervisor, quick_id: int) -> Response:
    """Puts a reply of the unit in force."""
    try:
        with hub.works.write(asker.actor) as work:
            quick.approve(work, asker.viewer, quick.one(work.session, asker.viewer, quick_id))
    except NotFound:
        raise
    except XuandaError as error:
        return see_other(ADDRESS, error.message(asker.language), "bad")
    return see_other(ADDRESS, say(hub, asker, _("已核准，坐席现在可以使用。")))


@router.post("/{quick_id}/remove")
def remove_reply(hub: HubDep, asker: Agent, quick_id: int) -> Response:
    """Takes a reply away."""
    with hub.works.write(asker.actor) as work:
        quick.remove(work, asker.viewer, quick.one(work.session, asker.viewer, quick_id))
    return see_other(ADDRESS, say(hub, asker, _("已删除；已发出的答复不变。")))


def _list(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    asked = listing(request, "q", "show", sort="code")
    query = quick.in_reach(asker.viewer, asked.value("show"))
    if asked.value("q"):
        pattern = like(asked.value("q"))
        found = [column.like(pattern, escape="\\") for column in (QuickReply.title, QuickReply.text, QuickReply.code)]
        query = query.where(or_(*found))
    with hub.works.read() as work:
        rows, state = asked.take(work.session, query, SORTS, QuickReply.id)
        told = [(row[0], *_names(work.session, row[0])) for row in rows]
        offered = units_in_reach(work.session, asker, P.CONVERSATION_ANSWER)
    return page(
        request,
        asker,
        "pages/desk/quick_replies.html",
        status=status,
        rows=told,
        state=state,
        form=form,
        shown=[(name, say(hub, asker, label)) for name, label in SHOWN],
        whose=[(name, say(hub, asker, label)) for name, label in WHOSE],
        units=offered,
        approves=asker.viewer.units(P.QUEUE_SUPERVISE),
        columns=columns(hub, asker, *COLUMNS),
        **_variables(),
    )


def _one(
    request: Request, hub: Hub, asker: Asker, quick_id: int, form: FormState | None = None, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        row = quick.one(work.session, asker.viewer, quick_id)
        unit, made, approved = _names(work.session, row)
    return page(
        request,
        asker,
        "pages/desk/quick_reply.html",
        status=status,
        row=row,
        unit=unit,
        made=made,
        approved=approved,
        form=form or FormState({"title": row.title, "code": row.code, "text": row.text}),
        approves=asker.viewer.units(P.QUEUE_SUPERVISE),
        **_variables(),
    )


def _names(session: Session, row: QuickReply) -> Sequence[str]:
    people = [session.get(Person, one) if one else None for one in (row.made_by, row.approved_by)]
    return (session.get_one(Unit, row.unit_id).name, *(one.name if one else "" for one in people))


def _variables() -> dict[str, Any]:
    return {"variables": [(name, label) for name, (label, _take) in VARIABLES.items()]}


def _said(hub: Hub, asker: Asker, *, own: bool) -> str:
    return say(hub, asker, _("已保存，可以使用。") if own else _("已保存，须由另一位班长核准后可用。"))
