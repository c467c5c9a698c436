"""The way in and out: log-in, log-out, the own account, passwords, the second factor, the language."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from hub.auth import links, passwords, totp
from hub.auth.errors import CodeNeeded, LinkRefused, WrongCode, WrongLogin
from hub.auth.models import Credential, LoginSession, OneTimeLink
from hub.product import Hub
from hub.web.access import (
    LANGUAGE_COOKIE,
    LANGUAGES,
    Asker,
    HubDep,
    address_of,
    check_origin,
    cookie_name,
    language_of,
    origin_of,
    signed_in,
)
from hub.web.pages import columns, page, plain_page, say, see_other
from hub.web.platform_previews import readers_of
from kernel.errors import Invalid, XuandaError
from kernel.people import ROLE_LABELS, Grant, Person, Role, Unit
from kernel.work import Actor
from templates.catalogue import _

router = APIRouter()
# Only where no portal stands at the bare address: the console's own face.
front = APIRouter()

RESET = "password.reset"
HOME = "/console"
A_YEAR = 365 * 24 * 3600

# Marks in the order to look for them: every browser also claims to be an older one.
BROWSERS = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)
LOGIN_COLUMNS = ((_("地址"), ""), (_("浏览器"), ""), (_("登录时间"), ""), (_("最近使用"), ""))

Anybody = Annotated[Asker, Depends(signed_in())]
EvenBeforeChange = Annotated[Asker, Depends(signed_in(before_change=True))]


@front.get("/")
def front_door() -> RedirectResponse:
    """The bare address leads to the workbench."""
    return RedirectResponse(HOME, status_code=303)


@router.get("/console/login")
def login_page(request: Request, hub: HubDep, next: str = "", language: str = "") -> Response:  # noqa: A002  # The address's own word.
    """The log-in page; somebody already logged in goes on."""
    if language in LANGUAGES:
        response: Response = RedirectResponse(_with_next("/console/login", next), status_code=303)
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax")
        return response
    if hub.sessions.recognise(request.cookies.get(cookie_name(hub.settings), "")) is not None:
        return RedirectResponse(_safe(next), status_code=303)
    return _login_page(request, next=next)


@router.post("/console/login")
def log_in(
    request: Request,
    hub: HubDep,
    login: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "",  # noqa: A002  # The form's own word.
) -> Response:
    """Checks name and password; the cookie of an earlier log-in stops working."""
    check_origin(request, hub.settings)
    previous = request.cookies.get(cookie_name(hub.settings), "")
    try:
        token = hub.sessions.log_in(login, password, origin_of(request, hub.settings), code=code, previous=previous)
    except (WrongLogin, CodeNeeded) as refusal:
        return _login_page(request, refusal, login=login, next=next)
    return _let_in(hub, RedirectResponse(_safe(next), status_code=303), token)


@router.post("/console/logout")
def log_out(request: Request, hub: HubDep, asker: EvenBeforeChange) -> Response:
    """Ends this log-in."""
    hub.sessions.log_out(request.cookies.get(cookie_name(hub.settings), ""), asker.actor)
    response = RedirectResponse("/console/login", status_code=303)
    response.delete_cookie(cookie_name(hub.settings), path="/", secure=hub.settings.secure_cookies)
    return response


@router.post("/console/language")
def choose_language(
    hub: HubDep,
    asker: EvenBeforeChange,
    language: Annotated[str, Form()],
    next: Annotated[str, Form()] = "",  # noqa: A002  # The form's own word.
) -> Response:
    """Changes the language of the person's pages."""
    if language not in LANGUAGES:
        raise Invalid(field="language", why="没有这种语言。")
    with hub.works.write(asker.actor) as work:
        work.session.get_one(Person, asker.viewer.person_id).language = language
    response = RedirectResponse(_safe(next), status_code=303)
    response.set_cookie(LANGUAGE_COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax")
    return response


@router.get("/console/me")
def account(request: Request, hub: HubDep, asker: Anybody) -> HTMLResponse:
    """The own account: roles, log-ins, password and second factor."""
    return _account_page(request, hub, asker)


@router.post("/console/me/sessions/end")
def end_other_sessions(request: Request, hub: HubDep, asker: Anybody) -> Response:
    """Ends every other log-in of the person."""
    hub.sessions.end_others(request.cookies.get(cookie_name(hub.settings), ""), asker.actor)
    return see_other("/console/me", say(hub, asker, _("其他设备上的登录已全部退出。")))


@router.get("/console/me/password")
def password_page(request: Request, asker: EvenBeforeChange) -> HTMLResponse:
    """The form for a new password."""
    return page(request, asker, "pages/account/password.html", error=None)


@router.post("/console/me/password")
def change_password(
    request: Request,
    hub: HubDep,
    asker: EvenBeforeChange,
    current: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Changes the own password; every log-in ends, and this browser gets a fresh one."""
    token = request.cookies.get(cookie_name(hub.settings), "")
    try:
        _check_same(password, again)
        fresh = hub.sessions.change_password(token, current, password, origin_of(request, hub.settings))
    except XuandaError as refusal:
        return page(request, asker, "pages/account/password.html", status=refusal.status, error=_fault(refusal, asker))
    done = see_other(HOME, say(hub, asker, _("密码已修改，其他设备上的登录已全部退出。")))
    return _let_in(hub, done, fresh)


@router.get("/console/password/{token}")
def reset_page(request: Request, hub: HubDep, token: str) -> HTMLResponse:
    """The page behind a link that sets a password; looking at it does not use it up."""
    with hub.works.read() as work:
        links.find(work.session, token, RESET, work.now)
    return plain_page(request, "pages/account/reset.html", token=token, error=None, csrf="")


@router.post("/console/password/{token}")
def reset_password(
    request: Request,
    hub: HubDep,
    token: str,
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Sets a password with a link that works once, and leads to the log-in page."""
    check_origin(request, hub.settings)
    try:
        _check_same(password, again)
        _use_reset_link(hub, token, password, address_of(request, hub.settings))
    except (LinkRefused, WrongCode):
        raise
    except XuandaError as refusal:
        error = (refusal.field, refusal.message(language_of(request)))
        return plain_page(request, "pages/account/reset.html", status=refusal.status, token=token, error=error, csrf="")
    return _login_page(request, notice=_("密码已设置，请登录。"))


@router.get("/console/me/code")
def code_page(request: Request, hub: HubDep, asker: Anybody) -> HTMLResponse:
    """Offers a fresh secret for an authenticator app."""
    return _code_page(request, hub, asker, totp.new_secret())


@router.post("/console/me/code")
def enrol_code(
    request: Request,
    hub: HubDep,
    asker: Anybody,
    sealed: Annotated[str, Form()],
    code: Annotated[str, Form()] = "",
) -> Response:
    """Switches the second factor on once the app shows a right code."""
    secret = hub.seal.open(sealed)
    with hub.works.write(asker.actor) as work:
        step = totp.matching_step(secret, code, work.now)
        if step is not None:
            person = work.session.get_one(Person, asker.viewer.person_id)
            credential = work.session.get_one(Credential, person.id)
            credential.totp, credential.totp_step = hub.seal.close(secret), step
            work.audit("second_factor.enabled", person)
    if step is None:
        return _code_page(request, hub, asker, secret, error=_("动态口令不对，请核对手机时间后重试。"))
    return see_other("/console/me", say(hub, asker, _("动态口令已启用，下次登录时需要输入。")))


@router.post("/console/me/code/off")
def remove_code(
    request: Request,
    hub: HubDep,
    asker: Anybody,
    password: Annotated[str, Form()] = "",
) -> Response:
    """Switches the second factor off, against the password."""
    with hub.works.read() as work:
        kept = work.session.get_one(Credential, asker.viewer.person_id).hash
    if not passwords.matches(password, kept):
        return _account_page(request, hub, asker, status=422, error=_("密码不对，动态口令未关闭。"))
    with hub.works.write(asker.actor) as work:
        person = work.session.get_one(Person, asker.viewer.person_id)
        work.session.get_one(Credential, person.id).totp = None
        work.audit("second_factor.disabled", person)
    return see_other("/console/me", say(hub, asker, _("动态口令已关闭。")))


def browser_name(agent: str) -> str:
    """A browser's own long name in two words, as people know it; the beginning of the name when it is unknown."""
    browser = next((word for mark, word in BROWSERS if mark in agent), "")
    system = next((word for mark, word in SYSTEMS if mark in agent), "")
    return " · ".join(part for part in (browser, system) if part) or agent[:40] or "—"


def _account_page(request: Request, hub: Hub, asker: Asker, *, status: int = 200, error: str = "") -> HTMLResponse:
    person_id = asker.viewer.person_id
    with hub.works.read() as work:
        person = work.session.get_one(Person, person_id)
        credential = work.session.get_one(Credential, person_id)
        readers = readers_of(work.session, person_id)
        held = work.session.execute(
            select(Grant, Unit.name).join(Unit, Unit.id == Grant.unit_id).where(Grant.person_id == person_id)
        ).all()
        logins = work.session.scalars(
            select(LoginSession)
            .where(LoginSession.person_id == person_id, LoginSession.expires_at > work.now)
            .order_by(LoginSession.seen_at.desc())
        ).all()
    return page(
        request,
        asker,
        "pages/account/me.html",
        status=status,
        readers=readers,
        person=person,
        roles=[(ROLE_LABELS[Role(grant.role)], unit, grant.below, grant.ends_at) for grant, unit in held],
        logins=[
            (login, browser_name(login.agent), asker.session is not None and login.id == asker.session.id)
            for login in logins
        ],
        changed_at=credential.changed_at,
        second_factor=credential.totp is not None,
        columns=columns(hub, asker, *LOGIN_COLUMNS),
        error=error,
    )


def _code_page(request: Request, hub: Hub, asker: Asker, secret: str, error: str = "") -> HTMLResponse:
    with hub.works.read() as work:
        login = work.session.get_one(Person, asker.viewer.person_id).login
    picture = segno.make(totp.address(secret, login), error="m")
    return page(
        request,
        asker,
        "pages/account/code.html",
        status=422 if error else 200,
        picture=picture.svg_data_uri(scale=5, border=2),
        secret=secret,
        sealed=hub.seal.close(secret),
        error=error,
    )


def _login_page(
    request: Request,
    refusal: XuandaError | None = None,
    *,
    login: str = "",
    next: str = "",  # noqa: A002  # The form's own word.
    notice: str = "",
) -> HTMLResponse:
    language = language_of(request)
    other = "en" if language == "zh" else "zh"
    joint = "&" if next else "?"
    return plain_page(
        request,
        "pages/login.html",
        status=refusal.status if refusal else 200,
        csrf="",
        error=refusal.message(language) if refusal else "",
        ask_code=isinstance(refusal, CodeNeeded),
        login=login,
        next=next,
        notice=notice,
        language_href=f"{_with_next('/console/login', next)}{joint}language={other}",
    )


def _let_in(hub: Hub, response: RedirectResponse, token: str) -> RedirectResponse:
    response.set_cookie(
        cookie_name(hub.settings),
        token,
        path="/",
        httponly=True,
        samesite="lax",
        secure=hub.settings.secure_cookies,
    )
    return response


def _use_reset_link(hub: Hub, token: str, password: str, address: str) -> None:
    with hub.works.read() as work:
        link = links.find(work.session, token, RESET, work.now)
        person = work.session.get_one(Person, link.person_id)
    passwords.check_strength(password, person.login)
    hashed = passwords.hash_password(password)
    with hub.works.write(Actor(person.name, person.id, person.unit_id, address)) as work:
        used = links.use(work, token, RESET)
        if isinstance(used, OneTimeLink):
            person = work.session.get_one(Person, used.person_id)
            passwords.set_password(work, person, hashed)
            work.audit("password.changed", person, by="link")
    if not isinstance(used, OneTimeLink):
        raise used


def _check_same(password: str, again: str) -> None:
    if password != again:
        raise Invalid(field="again", why="两次输入的新密码不一致。")


def _fault(refusal: XuandaError, asker: Asker) -> tuple[str | None, str]:
    return refusal.field, refusal.message(asker.language)


def _safe(target: str) -> str:
    # Only our own console: "//host" and "/\host" would lead a browser elsewhere.
    inside = target == HOME or target.startswith((f"{HOME}/", f"{HOME}?"))
    return target if inside and "\\" not in target and "\n" not in target else HOME


def _with_next(path: str, target: str) -> str:
    return f"{path}?next={quote(target)}" if target else path
