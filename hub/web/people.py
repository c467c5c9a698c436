"""人员: who works here; the system administrator takes people in, but gives no roles and knows no passwords."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hub.auth import links, permits, persons
from hub.auth.errors import SecondNeeded
from hub.auth.models import Credential
from hub.auth.permits import Deed
from hub.auth.persons import Card
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.login import RESET
from hub.web.pages import columns, page, say, see_other
from kernel.errors import Forbidden, Invalid, NotFound, XuandaError
from kernel.people import ROLE_LABELS, Grant, Permission, Person, Role, Unit, holders, scoped
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/people")

LINK_LASTS = timedelta(hours=48)
Reader = Annotated[Asker, Depends(may(Permission.PERSON_READ))]
Writer = Annotated[Asker, Depends(may(Permission.PERSON_WRITE))]
Second = Annotated[Asker, Depends(may(Permission.GRANT_WRITE))]
Text = Annotated[str, Form()]
CONTACT = {"phone": "手机", "email": "邮箱"}
DEEDS = {Deed.RESET: _("重置密码"), Deed.CONTACT: _("更改手机或邮箱")}
COLUMNS = ((_("姓名"), "name"), (_("登录名"), "login"), (_("单位"), "unit"), (_("角色"), ""), (_("状态"), ""))


@router.get("")
def people(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Everybody of the units in reach."""
    asked = listing(request, "q", "unit", "role", "state", sort="name")
    query = scoped(select(Person, Unit.name), Person.unit_id, asker.viewer, Permission.PERSON_READ)
    query = query.join(Unit, Unit.id == Person.unit_id)
    if asked.value("q"):
        words = like(asked.value("q"))
        query = query.where(or_(Person.name.like(words, escape="\\"), Person.login.like(words, escape="\\")))
    if asked.number("unit") is not None:
        query = query.where(Person.unit_id == asked.number("unit"))
    if asked.value("role"):
        query = query.where(Person.id.in_(select(Grant.person_id).where(Grant.role == asked.value("role"))))
    if asked.value("state"):
        query = query.where(Person.active == (asked.value("state") == "active"))
    sorts = {"name": Person.name, "login": Person.login, "unit": Unit.path}
    with hub.works.read() as work:
        rows, state = asked.take(work.session, query, sorts, Person.id)
        roles = _role_labels(work.session, [row[0].id for row in rows])
        units = units_in_reach(work.session, asker, Permission.PERSON_READ)
    return page(
        request,
        asker,
        "pages/people/list.html",
        people=[(row[0], row[1], roles.get(row[0].id, [])) for row in rows],
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        units=units,
        roles=[(role.value, say(hub, asker, label)) for role, label in ROLE_LABELS.items()],
    )


@router.get("/new")
def new_person(request: Request, hub: HubDep, asker: Writer) -> HTMLResponse:
    """The form for somebody new."""
    return _form_page(request, hub, asker, FormState({"unit": str(asker.viewer.unit_id)}))


@router.post("")
def create_person(
    request: Request,
    hub: HubDep,
    asker: Writer,
    name: Text = "",
    login: Text = "",
    unit: Text = "",
    phone: Text = "",
    email: Text = "",
) -> Response:
    """Takes somebody in and shows, once, the link with which the person sets a password."""
    try:
        with hub.works.write(asker.actor) as work:
            home = unit_in_reach(work.session, asker, Permission.PERSON_WRITE, unit)
            person = persons.add_person(work, home, login, Card(name, phone, email))
            link = links.issue(work, RESET, person.id, LINK_LASTS)
    except XuandaError as error:
        state = refused(asker, error, name=name, login=login, unit=unit, phone=phone, email=email)
        return _form_page(request, hub, asker, state, status=error.status)
    return _link_page(request, hub, asker, person, link)


@router.get("/{person_id}")
def one_person(request: Request, hub: HubDep, asker: Reader, person_id: int) -> HTMLResponse:
    """One person with his roles."""
    with hub.works.read() as work:
        person = person_for(work.session, asker, person_id, Permission.PERSON_READ)
        values = {"name": person.name, "phone": person.phone, "email": person.email, "unit": str(person.unit_id)}
    return _person_page(request, hub, asker, person_id, FormState(values))


@router.post("/{person_id}")
def change_person(
    request: Request,
    hub: HubDep,
    asker: Writer,
    person_id: int,
    name: Text = "",
    unit: Text = "",
    phone: Text = "",
    email: Text = "",
) -> Response:
    """Changes name, contact and unit."""
    try:
        with hub.works.write(asker.actor) as work:
            person = person_for(work.session, asker, person_id, Permission.PERSON_WRITE)
            home = unit_in_reach(work.session, asker, Permission.PERSON_WRITE, unit)
            alter_person(hub, asker, work, person, home, Card(name, phone, email))
    except NotFound:
        raise
    except SecondNeeded as error:
        ask_second(hub, asker, person_id, Deed.CONTACT)
        state = refused(asker, error, name=name, unit=unit, phone=phone, email=email)
        return _person_page(request, hub, asker, person_id, state, status=error.status)
    except XuandaError as error:
        state = refused(asker, error, name=name, unit=unit, phone=phone, email=email)
        return _person_page(request, hub, asker, person_id, state, status=error.status)
    return see_other(f"/console/people/{person_id}", say(hub, asker, _("已保存。")))


@router.post("/{person_id}/reset")
def reset_password(request: Request, hub: HubDep, asker: Writer, person_id: int) -> Response:
    """Makes a link with which the person sets a new password: shown once, or sent to whoever signs or answers.

    Not for administrators: whoever resets their passwords could take over their roles. Where no message reaches
    somebody who signs or answers, the link is shown only when a second administrator has agreed.
    """
    with hub.works.write(asker.actor) as work:
        person = person_for(work.session, asker, person_id, Permission.PERSON_WRITE)
        if person.id != asker.viewer.person_id and persons.is_administrator(work, person):
            raise Forbidden(what=say(hub, asker, _("重置管理员的密码；请在服务器上执行 xuanda person password")))
        if not person.active:
            raise Forbidden(what=say(hub, asker, _("为已停用人员重置密码")))
        guarded = person.id != asker.viewer.person_id and _is_guarded(work, person)
        sent = guarded and hub.notifier.reaches(person)
        agreed = not guarded or sent or permits.use(work, asker.viewer, person, Deed.RESET)
        if agreed:
            link = links.issue(work, RESET, person.id, LINK_LASTS)
            work.audit("password.reset", person, shown=not sent)
            _tell_reset(hub, asker, work, person, password_address(hub, link) if sent else "")
    back = f"/console/people/{person_id}"
    if not agreed:
        ask_second(hub, asker, person_id, Deed.RESET)
        return see_other(back, SecondNeeded(name=person.name).message(asker.language), "warn")
    if sent:
        told = _("链接已发到%(name)s本人的手机或邮箱，此处不显示。设置之前原密码仍可使用。")
        return see_other(back, say(hub, asker, told, name=person.name))
    return _link_page(request, hub, asker, person, link)


@router.post("/{person_id}/agree")
def agree(hub: HubDep, asker: Second, person_id: int, deed: Text = "") -> Response:
    """The second administrator agrees to what another wants to do to somebody who signs or answers."""
    if deed not in DEEDS:
        raise Invalid(field="deed", why="请选择同意的事项。")
    chosen = Deed(deed)
    with hub.works.write(asker.actor) as work:
        person = person_for(work.session, asker, person_id, Permission.GRANT_WRITE)
        permits.give(work, asker.viewer, person, chosen)
        title = f"安全管理员已同意：{DEEDS[chosen]}（{person.name}）"
        who = {person.id, *holders(work.session, Permission.PERSON_WRITE, person.unit_id, work.now)}
        text = f"由{asker.viewer.name}同意，24 小时内有效，限一次。"
        key = f"permit:{deed}:{person.id}:{work.now.isoformat()}"
        hub.notifier.tell(work, who, "permit", title, text, f"/console/people/{person.id}", key)
    return see_other(
        f"/console/people/{person_id}", say(hub, asker, _("已同意，24 小时内可操作一次；本人会收到通知。"))
    )


@router.post("/{person_id}/deactivate")
def deactivate(hub: HubDep, asker: Writer, person_id: int) -> Response:
    """Switches a person off; nobody does so to himself."""
    with hub.works.write(asker.actor) as work:
        person = person_for(work.session, asker, person_id, Permission.PERSON_WRITE)
        if person.id == asker.viewer.person_id:
            raise Forbidden(what=say(hub, asker, _("停用自己")))
        persons.deactivate(work, person)
    return see_other(f"/console/people/{person_id}", say(hub, asker, _("已停用，其登录和接口令牌全部失效。")))


@router.post("/{person_id}/activate")
def activate(hub: HubDep, asker: Writer, person_id: int) -> Response:
    """Switches a person on again."""
    with hub.works.write(asker.actor) as work:
        persons.activate(work, person_for(work.session, asker, person_id, Permission.PERSON_WRITE))
    return see_other(f"/console/people/{person_id}", say(hub, asker, _("已启用。")))


def units_in_reach(session: Session, asker: Asker, permission: Permission) -> list[tuple[int, str]]:
    """Units for a choice, children set in under their parents."""
    query = scoped(select(Unit), Unit.id, asker.viewer, permission).order_by(Unit.path)
    units = sorted(session.scalars(query), key=lambda unit: [int(part) for part in unit.path.strip("/").split("/")])
    top = min((unit.path.count("/") for unit in units), default=0)
    return [(unit.id, "　" * (unit.path.count("/") - top) + unit.name) for unit in units]


def unit_in_reach(session: Session, asker: Asker, permission: Permission, text: str) -> Unit:
    """The unit named by a form's field; raises NotFound when it is out of reach."""
    unit = session.get(Unit, row_in(text) or 0)
    if unit is None or not asker.may(permission, unit.id):
        raise NotFound(field="unit")
    return unit


def person_for(session: Session, asker: Asker, person_id: int, permission: Permission) -> Person:
    """The person where one may do this in his unit; raises NotFound otherwise."""
    query = scoped(select(Person).where(Person.id == person_id), Person.unit_id, asker.viewer, permission)
    person = session.scalars(query).one_or_none()
    if person is None:
        raise NotFound
    return person


def _role_labels(session: Session, person_ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for grant in session.scalars(select(Grant).where(Grant.person_id.in_(person_ids)).order_by(Grant.id)):
        label = ROLE_LABELS[Role(grant.role)]
        if label not in found.setdefault(grant.person_id, []):
            found[grant.person_id].append(label)
    return found


def _form_page(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        units = units_in_reach(work.session, asker, Permission.PERSON_WRITE)
    return page(request, asker, "pages/people/new.html", status=status, form=form, units=units)


def _person_page(
    request: Request, hub: Hub, asker: Asker, person_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        person = person_for(work.session, asker, person_id, Permission.PERSON_READ)
        unit = work.session.get_one(Unit, person.unit_id)
        held = work.session.execute(
            select(Grant, Unit.name)
            .join(Unit, Unit.id == Grant.unit_id)
            .where(Grant.person_id == person.id)
            .order_by(Grant.id)
        ).all()
        credential = work.session.get(Credential, person.id)
        locked = (
            credential.locked_until
            if credential is not None and credential.locked_until is not None and credential.locked_until > work.now
            else None
        )
        writes = asker.may(Permission.PERSON_WRITE, person.unit_id)
        units = units_in_reach(work.session, asker, Permission.PERSON_WRITE) if writes else []
        administrator = persons.is_administrator(work, person)
        guarded = person.id != asker.viewer.person_id and _is_guarded(work, person)
        sent = guarded and hub.notifier.reaches(person)
        agreed = {deed: permits.holds(work, person, deed) for deed in Deed}
    seconds = guarded and person.active and asker.may(Permission.GRANT_WRITE, person.unit_id)
    return page(
        request,
        asker,
        "pages/people/one.html",
        status=status,
        person=person,
        unit=unit,
        grants=[(grant, name, ROLE_LABELS[Role(grant.role)]) for grant, name in held],
        has_password=credential is not None,
        locked=locked,
        form=form,
        units=units,
        writes=writes,
        grants_roles=asker.may(Permission.GRANT_WRITE) and person.id != asker.viewer.person_id,
        may_reset=writes and person.active and (not administrator or person.id == asker.viewer.person_id),
        myself=person.id == asker.viewer.person_id,
        guarded=guarded,
        sent=sent,
        agreed=[say(hub, asker, DEEDS[deed]) for deed in Deed if agreed[deed]],
        to_agree=[(deed.value, say(hub, asker, DEEDS[deed])) for deed in Deed if not agreed[deed]] if seconds else [],
    )


def _is_guarded(work: Work, person: Person) -> bool:
    """Whether no single administrator may come to this account: it signs or answers, and has been set up."""
    return persons.is_trusted(work, person) and work.session.get(Credential, person.id) is not None


def alter_person(hub: Hub, asker: Asker, work: Work, person: Person, home: Unit, card: Card) -> None:
    """Changes who he is; raises SecondNeeded where his contact needs a second administrator's agreement."""
    before = Person(phone=person.phone, email=person.email, name=person.name)
    guarded = person.id != asker.viewer.person_id and _is_guarded(work, person)
    contact = [field for field in persons.change_person(work, person, home, card) if field in CONTACT]
    if not contact:
        return
    if guarded and not permits.use(work, asker.viewer, person, Deed.CONTACT):
        raise SecondNeeded(field=contact[0], name=before.name)
    what = "、".join(CONTACT[field] for field in contact)
    text = f"由{asker.viewer.name}更改。此后通知、审签链接和验证码发到新地址。若非您本人要求，请立即联系安全管理员。"
    key = f"contact:{person.id}:{work.now.isoformat()}"
    hub.notifier.tell(work, [person.id], "contact", f"您的{what}已被更改", text, "/console/me", key, [before])


def _tell_reset(hub: Hub, asker: Asker, work: Work, person: Person, address: str) -> None:
    text = f"由{asker.viewer.name}发起。设置之前原密码仍可使用。若非您本人要求，请勿打开，并立即联系安全管理员。"
    if address:
        text = f"{text}\n设置新密码（48 小时内有效，仅限本人）：{address}"
    key = f"reset:{person.id}:{work.now.isoformat()}"
    hub.notifier.tell(work, [person.id], "password.reset", "有人为您重置密码", text, "/console/me", key)


def ask_second(hub: Hub, asker: Asker, person_id: int, deed: Deed) -> None:
    """Asks the security administrators to agree to what another wants to do to somebody who signs or answers."""
    with hub.works.write(asker.actor) as work:
        person = work.session.get_one(Person, person_id)
        work.audit("person.agreement_asked", person, deed=deed.value)
        title = f"请确认：{asker.viewer.name}要对{person.name}{DEEDS[deed]}"
        text = "此人承担审签或接待，须经您同意。请先向本人核实，再到人员页同意；不同意可不处理。"
        who = set(holders(work.session, Permission.GRANT_WRITE, person.unit_id, work.now))
        key = f"permit.asked:{deed}:{person.id}:{work.now:%Y%m%d%H}"
        hub.notifier.tell(work, who - {person.id}, "permit", title, text, f"/console/people/{person.id}", key)


def password_address(hub: Hub, link: links.NewLink) -> str:
    """Where a person sets his password with this link."""
    return f"{hub.settings.console_address}/console/password/{link.token}"


def _link_page(request: Request, hub: Hub, asker: Asker, person: Person, link: links.NewLink) -> HTMLResponse:
    return page(
        request,
        asker,
        "pages/people/link.html",
        person=person,
        address=password_address(hub, link),
        expires_at=link.link.expires_at,
    )
