"""归口分类: the classes a matter can be put into when its conversation ends, in several levels, kept as data."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from bot.team import classes
from bot.team.models import MatterClass
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/classes")

P = Permission
Reader = Annotated[Asker, Depends(may(P.CONVERSATION_READ))]
Supervisor = Annotated[Asker, Depends(may(P.QUEUE_SUPERVISE))]
Text = Annotated[str, Form()]
ADDRESS = "/console/classes"


@router.get("")
def the_classes(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The classes a unit uses, and a form for a new one."""
    return _page(request, hub, asker, FormState({}))


@router.post("")
def add_class(
    request: Request, hub: HubDep, asker: Supervisor, unit: Text = "", parent: Text = "", name: Text = ""
) -> Response:
    """A new class."""
    try:
        with hub.works.write(asker.actor) as work:
            only = str(min(asker.viewer.units(P.QUEUE_SUPERVISE)))
            place = unit_in_reach(work.session, asker, P.QUEUE_SUPERVISE, unit or only)
            above = row_in(parent)
            if parent.strip() and above is None:
                raise Invalid(field="parent", why="请选择上级分类。")
            classes.add(work, place.id, name, above)
    except XuandaError as error:
        form = refused(asker, error, unit=unit, parent=parent, name=name)
        return _page(request, hub, asker, form, status=error.status)
    return see_other(f"{ADDRESS}?unit={place.id}", say(hub, asker, _("分类已添加，结束会话时可选。")))


@router.post("/{class_id}/remove")
def remove_class(hub: HubDep, asker: Supervisor, class_id: int) -> Response:
    """Takes a class out of use, with everything below it."""
    with hub.works.write(asker.actor) as work:
        row = class_for(work, asker, class_id)
        classes.remove(work, row)
        unit_id = row.unit_id
    return see_other(f"{ADDRESS}?unit={unit_id}", say(hub, asker, _("分类已停用，以前的会话不变。")))


def class_for(work: Work, asker: Asker, class_id: int) -> MatterClass:
    """A class in use that one keeps; raises NotFound."""
    row = work.session.get(MatterClass, class_id)
    if row is None or row.removed_at is not None or not asker.may(P.QUEUE_SUPERVISE, row.unit_id):
        raise NotFound
    return row


def _page(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        units = units_in_reach(work.session, asker, P.CONVERSATION_READ)
        ids = [one for one, _name in units]
        wanted = row_in(form.value("unit") or request.query_params.get("unit", ""))
        first = asker.viewer.unit_id if asker.viewer.unit_id in ids else ids[0]
        unit = work.session.get_one(Unit, wanted if wanted in ids and wanted is not None else first)
        kept = classes.in_use(work.session, unit.id)
    return page(
        request,
        asker,
        "pages/desk/classes.html",
        status=status,
        unit=unit,
        units=units,
        kept=kept,
        form=form,
        parents=[(one.id, one.path) for one in kept if one.depth < classes.DEEPEST],
        keeps=asker.viewer.units(P.QUEUE_SUPERVISE),
    )
