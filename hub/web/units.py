"""机构: the tree of units that everything belongs to."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from kernel.errors import Invalid, XuandaError
from kernel.people import Permission, Person, Unit, add_unit, scoped
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/units")

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
Reader = Annotated[Asker, Depends(may(Permission.PERSON_READ))]
Writer = Annotated[Asker, Depends(may(Permission.UNIT_WRITE))]
Text = Annotated[str, Form()]
COLUMNS = ((_("名称"), ""), (_("层级"), ""), (_("代码"), ""), (_("在用人员"), ""))


@router.get("")
def units(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The units in reach, as a tree, with how many people each has."""
    return _page(request, hub, asker, FormState())


@router.post("")
def create_unit(
    request: Request, hub: HubDep, asker: Writer, name: Text = "", code: Text = "", parent: Text = ""
) -> Response:
    """Adds a unit under another one."""
    try:
        with hub.works.write(asker.actor) as work:
            unit = found_unit(work, asker, name, code, parent)
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error, name=name, code=code, parent=parent), error.status)
    return see_other("/console/units", say(hub, asker, _("已新增机构“%(name)s”。"), name=unit.name))


@router.get("/{unit_id}")
def one_unit(request: Request, hub: HubDep, asker: Writer, unit_id: int) -> HTMLResponse:
    """The form for a unit's name."""
    with hub.works.read() as work:
        unit = unit_in_reach(work.session, asker, Permission.UNIT_WRITE, str(unit_id))
    return page(request, asker, "pages/people/unit.html", unit=unit, form=FormState({"name": unit.name}))


@router.post("/{unit_id}")
def rename_unit(request: Request, hub: HubDep, asker: Writer, unit_id: int, name: Text = "") -> Response:
    """Gives a unit another name; its code stays, because other systems know it."""
    with hub.works.read() as work:
        unit = unit_in_reach(work.session, asker, Permission.UNIT_WRITE, str(unit_id))
    try:
        with hub.works.write(asker.actor) as work:
            unit = name_unit(work, asker, unit_id, name)
    except XuandaError as error:
        form = refused(asker, error, name=name)
        return page(request, asker, "pages/people/unit.html", status=error.status, unit=unit, form=form)
    return see_other("/console/units", say(hub, asker, _("已保存。")))


def found_unit(work: Work, asker: Asker, name: str, code: str, parent: str) -> Unit:
    """A new unit under another one."""
    above = unit_in_reach(work.session, asker, Permission.UNIT_WRITE, parent)
    unit = add_unit(work.session, _name(name), _code(work.session, code), above)
    work.audit("unit.created", unit, code=unit.code, parent=above.code)
    return unit


def name_unit(work: Work, asker: Asker, unit_id: int, name: str) -> Unit:
    """The unit under another name."""
    unit = unit_in_reach(work.session, asker, Permission.UNIT_WRITE, str(unit_id))
    before, unit.name = unit.name, _name(name)
    work.audit("unit.renamed", unit, before=before, after=unit.name)
    return unit


def _page(request: Request, hub: Hub, asker: Asker, form: FormState, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        heads = dict(
            work.session.execute(
                select(Person.unit_id, func.count()).where(Person.active).group_by(Person.unit_id)
            ).all()
        )
        query = scoped(select(Unit), Unit.id, asker.viewer, Permission.PERSON_READ)
        found = sorted(work.session.scalars(query), key=lambda unit: [int(p) for p in unit.path.strip("/").split("/")])
        parents = units_in_reach(work.session, asker, Permission.UNIT_WRITE)
    top = min((unit.path.count("/") for unit in found), default=0)
    rows = [(unit, unit.path.count("/") - top, heads.get(unit.id, 0)) for unit in found]
    writable = {unit_id for unit_id, _label in parents}
    return page(
        request,
        asker,
        "pages/people/units.html",
        status=status,
        units=rows,
        parents=parents,
        writable=writable,
        form=form,
        columns=columns(hub, asker, *COLUMNS),
    )


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 100:
        raise Invalid(field="name", why="请填写机构名称（不超过 100 字）。")
    return name


def _code(session: Session, text: str) -> str:
    code = text.strip().lower()
    if not CODE.fullmatch(code):
        raise Invalid(field="code", why="机构代码为 1 至 40 位的小写字母、数字或横线，以字母或数字开头。")
    if session.scalars(select(Unit.id).where(Unit.code == code)).first() is not None:
        raise Invalid(field="code", why=f"机构代码“{code}”已被使用。")
    return code
