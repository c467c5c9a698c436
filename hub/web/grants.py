"""授权: the security administrator gives and withdraws roles; nobody does so for himself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.auth import grants as rules
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import day_end, like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import ROLE_LABELS, Grant, Permission, Person, Role, Unit, scoped
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/grants")

Granter = Annotated[Asker, Depends(may(Permission.GRANT_WRITE))]
Text = Annotated[str, Form()]
COLUMNS = ((_("姓名"), "name"), (_("角色"), "role"), (_("单位"), "unit"), (_("截止"), "ends"), (_("操作"), ""))


@router.get("")
def grants(request: Request, hub: HubDep, asker: Granter, person: str = "") -> HTMLResponse:
    """Who holds which role in the units in reach, and the form for one more."""
    return _page(request, hub, asker, FormState({"person": person[:100], "unit": str(asker.viewer.unit_id)}))


@router.post("")
def give(
    request: Request,
    hub: HubDep,
    asker: Granter,
    person: Text = "",
    role: Text = "",
    unit: Text = "",
    below: Text = "",
    ends: Text = "",
) -> Response:
    """Gives a role in a unit, with or without the units below, with or without an end."""
    try:
        wanted = rules.read_role(role)
        ends_at = day_end(ends, hub.settings.office_zone, "ends")
        with hub.works.write(asker.actor) as work:
            who = _person(work.session, asker, person)
            give_role(hub, work, asker, who, wanted, unit, below=bool(below), ends_at=ends_at)
    except XuandaError as error:
        form = refused(asker, error, person=person, role=role, unit=unit, below=below, ends=ends)
        return _page(request, hub, asker, form, status=error.status)
    told = say(hub, asker, _("已授予 %(name)s %(role)s。"), name=who.name, role=say(hub, asker, ROLE_LABELS[wanted]))
    return see_other("/console/grants", told)


@router.post("/{grant_id}/withdraw")
def withdraw(hub: HubDep, asker: Granter, grant_id: int) -> Response:
    """Takes a role away at once."""
    with hub.works.write(asker.actor) as work:
        withdraw_role(hub, work, asker, grant_id)
    return see_other("/console/grants", say(hub, asker, _("已撤销授权。")))


def give_role(
    hub: Hub, work: Work, asker: Asker, who: Person, role: Role, unit: str, *, below: bool, ends_at: datetime | None
) -> Grant:
    """Gives the role in a unit in reach, and tells the person."""
    where = unit_in_reach(work.session, asker, Permission.GRANT_WRITE, unit)
    grant = rules.give(work, asker.viewer, who, role, where, below=below, ends_at=ends_at)
    _tell(hub, work, who, _("您被授予角色：%(role)s（%(unit)s）"), role, where)
    return grant


def withdraw_role(hub: Hub, work: Work, asker: Asker, grant_id: int) -> None:
    """Takes a role in reach away, and tells the person; raises NotFound."""
    query = scoped(select(Grant).where(Grant.id == grant_id), Grant.unit_id, asker.viewer, Permission.GRANT_WRITE)
    grant = work.session.scalars(query).one_or_none()
    if grant is None:
        raise NotFound
    who, where = work.session.get_one(Person, grant.person_id), work.session.get_one(Unit, grant.unit_id)
    rules.withdraw(work, asker.viewer, grant)
    _tell(hub, work, who, _("您的角色已撤销：%(role)s（%(unit)s）"), Role(grant.role), where)


def _page(request: Request, hub: Hub, asker: Asker, form: FormState, status: int = 200) -> HTMLResponse:
    asked = listing(request, "q", "role", "unit", sort="name")
    query = scoped(select(Grant, Person, Unit.name), Grant.unit_id, asker.viewer, Permission.GRANT_WRITE)
    query = query.join(Person, Person.id == Grant.person_id).join(Unit, Unit.id == Grant.unit_id)
    if asked.value("q"):
        words = like(asked.value("q"))
        query = query.where(or_(Person.name.like(words, escape="\\"), Person.login.like(words, escape="\\")))
    if asked.value("role"):
        query = query.where(Grant.role == asked.value("role"))
    if asked.number("unit") is not None:
        query = query.where(Grant.unit_id == asked.number("unit"))
    sorts = {"name": Person.name, "role": Grant.role, "unit": Unit.path, "ends": Grant.ends_at}
    with hub.works.read() as work:
        rows, state = asked.take(work.session, query, sorts, Grant.id)
        units = units_in_reach(work.session, asker, Permission.GRANT_WRITE)
        now = work.now
    return page(
        request,
        asker,
        "pages/people/grants.html",
        status=status,
        grants=[(row[0], row[1], row[2], ROLE_LABELS[Role(row[0].role)], _ended(row[0], now)) for row in rows],
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        units=units,
        roles=[(role.value, say(hub, asker, label)) for role, label in ROLE_LABELS.items()],
        form=form,
    )


def _person(session: Session, asker: Asker, login: str) -> Person:
    query = select(Person).where(Person.login == login.strip().lower(), Person.active)
    person = session.scalars(scoped(query, Person.unit_id, asker.viewer, Permission.PERSON_READ)).one_or_none()
    if person is None:
        raise Invalid(field="person", why="没有这个登录名，或此人已停用、不在您的管理范围内。")
    return person


def _tell(hub: Hub, work: Work, who: Person, message: str, role: Role, unit: Unit) -> None:
    title = hub.pages.translate(
        message, who.language, role=hub.pages.translate(ROLE_LABELS[role], who.language), unit=unit.name
    )
    key = f"role:{role}:{unit.id}:{work.now.isoformat()}"
    hub.notifier.tell(work, [who.id], "role", title, "", "/console/me", key)


def _ended(grant: Grant, now: datetime) -> bool:
    return grant.ends_at is not None and grant.ends_at <= now
