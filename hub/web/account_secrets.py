"""An account's secrets: entered by its own person through a link that works once, sealed, and never shown again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from starlette.datastructures import FormData

from channels.abilities.authorising import Authorises
from channels.abilities.own_keys import MakesOwnKey
from channels.accounts import store
from channels.accounts.models import Account
from channels.base import Channel
from hub.auth import links
from hub.product import Hub
from hub.web.access import Asker, HubDep, may, signed_in
from hub.web.account_form import adapter_of, secrets_of
from hub.web.accounts import account_for, account_page
from hub.web.deliveries import Sent, channel_label
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.piece_form import text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts")

P = Permission
Keeper = Annotated[Asker, Depends(may(P.ACCOUNT_WRITE))]
Anybody = Annotated[Asker, Depends(signed_in())]
Text = Annotated[str, Form()]

SECRET = "account.secret"  # noqa: S105  # A link's purpose.
LINK_LASTS = timedelta(hours=48)


@router.post("/{account_id}/link")
def make_link(request: Request, hub: HubDep, asker: Keeper, account_id: int, login: Text = "") -> Response:
    """Shows, once, a link with which one named person enters the secrets."""
    try:
        with hub.works.write(asker.actor) as work:
            account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
            person = work.session.scalars(
                select(Person).where(Person.login == login.strip().lower(), Person.active)
            ).one_or_none()
            if person is None or person.unit_id not in asker.viewer.units(P.ACCOUNT_WRITE):
                raise Invalid(field="login", why="没有这个登录名，或此人已停用、不在您的管理范围内。")
            link = links.issue(work, SECRET, person.id, LINK_LASTS, target=account)
    except NotFound:
        raise
    except XuandaError as error:
        return account_page(request, hub, asker, account_id, refused(asker, error, login=login), status=error.status)
    return page(
        request,
        asker,
        "pages/accounts/link.html",
        account=account,
        person=person,
        address=f"{hub.settings.console_address}/console/accounts/secret/{link.token}",
        expires_at=link.link.expires_at,
    )


@router.get("/secret/{token}")
def secret_page(request: Request, hub: HubDep, asker: Anybody, token: str) -> HTMLResponse:
    """The form for secrets: only for the person whom the link was made for, who must be logged in."""
    return _secret_page(request, hub, asker, token)


@router.post("/secret/{token}")
def keep_secret(request: Request, hub: HubDep, asker: Anybody, token: str, sent: Sent) -> Response:
    """Seals what was entered and uses the link up."""
    with hub.works.read() as work:
        account = _account_of_link(work, asker, token)
        filled = store.credential_names(hub.seal, account)
    adapter = adapter_of(account)
    given = _given(adapter, account, sent)
    error = _fault(adapter, account, given, filled)
    if error is not None:
        return _secret_page(request, hub, asker, token, refused(asker, error), status=error.status)
    _seal(hub, asker, account, token, given)
    if issubclass(adapter, Authorises):
        return see_other(f"/console/accounts/{account.id}/authorise", say(hub, asker, _("密钥已封存，请继续授权。")))
    return see_other(
        "/console", say(hub, asker, _("密钥已封存，今后不再显示。请系统管理员测试账号“%(name)s”。"), name=account.name)
    )


def _given(adapter: type[Channel], account: Account, sent: FormData) -> dict[str, str]:
    """What was entered; at the press of 生成密钥 a new key besides, which nobody sees."""
    given = {setting.name: text(sent, setting.name) for setting in secrets_of(adapter, account)}
    if issubclass(adapter, MakesOwnKey) and text(sent, "make_key"):
        given[adapter.own_key] = adapter.make_key()
    return given


def _fault(
    adapter: type[Channel], account: Account, given: Mapping[str, str], filled: Collection[str]
) -> Invalid | None:
    for one in secrets_of(adapter, account):
        if one.required and not given[one.name].strip() and one.name not in filled:
            return Invalid(field=one.name, why=f"请填写{one.label}。")
    if not any(value.strip() for value in given.values()):
        return Invalid(why="请至少填写一项。")
    if issubclass(adapter, MakesOwnKey) and (why := adapter.key_fault(given)):
        return Invalid(field=adapter.own_key, why=why)
    return None


def _seal(hub: Hub, asker: Asker, account: Account, token: str, given: Mapping[str, str]) -> None:
    """Closes the secrets and uses the link up; raises what is wrong with the link."""
    with hub.works.write(asker.actor) as work:
        used = links.use(work, token, SECRET)
        if not isinstance(used, XuandaError):
            row = work.session.get_one(Account, account.id)
            store.set_credentials(work, hub.seal, row, given)
            row.register = {**row.register, store.OWN_PERSON: asker.viewer.person_id}
    if isinstance(used, XuandaError):
        raise used


def _account_of_link(work: Work, asker: Asker, token: str) -> Account:
    link = links.find(work.session, token, SECRET, work.now)
    if link.person_id != asker.viewer.person_id:
        raise NotFound
    return work.session.get_one(Account, link.object_id)


def _secret_page(
    request: Request, hub: Hub, asker: Asker, token: str, form: FormState | None = None, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        account = _account_of_link(work, asker, token)
        filled = store.credential_names(hub.seal, account)
    adapter = adapter_of(account)
    return page(
        request,
        asker,
        "pages/accounts/secret.html",
        status=status,
        account=account,
        channel=channel_label(account.channel),
        settings=secrets_of(adapter, account),
        own_key=adapter.own_key if issubclass(adapter, MakesOwnKey) else "",
        filled=filled,
        token=token,
        form=form or FormState(),
    )
