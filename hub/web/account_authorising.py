"""授权: an account's own person says yes at the platform and is sent back; what he brings is sealed, once.

The state that travels with him works one time, for him, for this account and for a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response

from channels.abilities.authorising import Authorises, Granted
from channels.accounts import store
from channels.accounts.models import Account
from hub.auth import links
from hub.auth.errors import LinkRefused
from hub.product import Hub
from hub.web.access import Asker, HubDep, signed_in
from hub.web.pages import page, say, see_other
from kernel.errors import NotFound, XuandaError
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts")

Anybody = Annotated[Asker, Depends(signed_in())]

STATE = "account.authorise"
STATE_LASTS = timedelta(minutes=15)


class OtherAccount(XuandaError):
    """You gave the authorisation of another account ({given}); registered here is {wanted}. Nothing was kept. Log out
    at the platform, log in with the right account, and authorise again."""

    zh = (
        "您授权的是另一个账号（{given}），这里登记的是 {wanted}，没有保存。请在平台退出后用正确的账号登录，再授权一次。"
    )
    status = 409


@router.get("/authorised")
def come_back(request: Request, hub: HubDep, asker: Anybody) -> Response:
    """Where the platform sends the person back to, with a code or with a no."""
    query = request.query_params
    with hub.works.read() as work:
        account = _of_state(work, asker, query.get("state", ""))
    with hub.works.write(asker.actor) as work:
        used = links.use(work, query.get("state", ""), STATE)
    if isinstance(used, XuandaError):
        raise used
    if not query.get("code"):
        said = _("您没有同意授权，原授权不变。") if query.get("error") == "access_denied" else _("平台没有给出授权码。")
        return _page(request, hub, asker, account.id, say(hub, asker, said), status=409)
    try:
        granted, learnt = _exchange(hub, account, query["code"])
    except XuandaError as error:
        return _page(request, hub, asker, account.id, error.message(asker.language), status=error.status)
    except httpx.HTTPError as error:
        fault = say(hub, asker, _("连接不上平台（%(why)s）。"), why=type(error).__name__)
        return _page(request, hub, asker, account.id, fault, status=502)
    zone = hub.settings.office_zone
    until = granted.expires_at.astimezone(zone).date()
    with hub.works.write(asker.actor) as work:
        row = work.session.get_one(Account, account.id)
        since = work.now.astimezone(zone).date()
        store.authorised(work, hub.seal, row, granted.credentials, since, until, learnt)
    told = say(hub, asker, _("授权成功，%(day)s 到期；到期前会提醒您。"), day=until.isoformat())
    return see_other(f"/console/accounts/{account.id}/authorise", told)


@router.get("/{account_id}/authorise")
def authorise_page(request: Request, hub: HubDep, asker: Anybody, account_id: int) -> HTMLResponse:
    """How the authorisation stands, for the account's own person only."""
    return _page(request, hub, asker, account_id)


@router.post("/{account_id}/authorise")
def go(request: Request, hub: HubDep, asker: Anybody, account_id: int) -> HTMLResponse:
    """Sends the account's own person to the platform, with a state that works once."""
    account, adapter = _own(hub, asker, account_id)
    if adapter.missing_for_authorising():
        return _page(request, hub, asker, account_id)
    with hub.works.write(asker.actor) as work:
        state = links.issue(work, STATE, asker.viewer.person_id, STATE_LASTS, target=account).token
    address = adapter.authorise_url(redirect_of(hub), state)
    response = page(request, asker, "pages/accounts/leaving.html", account=account, address=address)
    # A form may lead nowhere else (form-action); a page that goes on by itself may.
    response.headers["Refresh"] = f"0; url={address}"
    return response


def redirect_of(hub: Hub) -> str:
    """The address that is entered at the platform as 授权回调页."""
    return f"{hub.settings.console_address}/console/accounts/authorised"


def _exchange(hub: Hub, account: Account, code: str) -> tuple[Granted, Mapping[str, str]]:
    adapter = _adapter(hub, account)
    granted = adapter.exchange(redirect_of(hub), code)
    if adapter.own_handle() and granted.handle != adapter.own_handle():
        raise OtherAccount(given=granted.handle, wanted=adapter.own_handle())
    return granted, adapter.learnt(granted)


def _of_state(work: Work, asker: Asker, state: str) -> Account:
    link = links.find(work.session, state, STATE, work.now)
    if link.person_id != asker.viewer.person_id:
        raise LinkRefused
    return work.session.get_one(Account, link.object_id)


def _own(hub: Hub, asker: Asker, account_id: int) -> tuple[Account, Authorises]:
    with hub.works.read() as work:
        account = work.session.get(Account, account_id)
    if account is None or account.register.get(store.OWN_PERSON) != asker.viewer.person_id:
        raise NotFound
    return account, _adapter(hub, account)


def _adapter(hub: Hub, account: Account) -> Authorises:
    with hub.works.read() as work:
        row = work.session.get_one(Account, account.id)
        made = hub.incoming.make(store.info(work.session, hub.seal, row))
    if not isinstance(made, Authorises):
        raise NotFound
    return made


def _page(
    request: Request, hub: Hub, asker: Asker, account_id: int, fault: str = "", *, status: int = 200
) -> HTMLResponse:
    account, adapter = _own(hub, asker, account_id)
    context: dict[str, Any] = {"missing": adapter.missing_for_authorising(), "redirect": redirect_of(hub)}
    return page(request, asker, "pages/accounts/authorise.html", status=status, account=account, fault=fault, **context)
