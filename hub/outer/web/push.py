"""Browser notices on the outer host: a browser's wish goes inside, where notices are sent from."""

from __future__ import annotations

import hashlib
import json

from fastapi import APIRouter
from fastapi.requests import Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response

from channels.accounts import store as accounts
from hub.outer import sessions
from hub.outer.models import OuterTicket
from hub.outer.packets import close, opened, public_of
from hub.web import push
from hub.web.access import HubDep, address_of
from hub.web.push import CITIZEN, SUBSCRIBES, Known, Renewed, Wish
from kernel.errors import NotFound

router = APIRouter()
router.add_api_route("/push", push.page, methods=["GET"], response_class=HTMLResponse)
router.add_api_route("/push-worker.js", push.worker, methods=["GET"], response_class=FileResponse)


@router.get("/push/key")
def public_key(hub: HubDep) -> JSONResponse:
    """The public half of the key, which alone is known here, and what may be chosen."""
    with hub.works.read() as work:
        account = push.account_of(work)
        key = accounts.info(work.session, hub.seal, account).credentials.get("vapid_public_key", "")
        columns, districts = push.offered(work, account)
    if not key:
        raise NotFound
    return push.key_page(key, columns, districts)


@router.post("/push/subscriptions", status_code=201)
def subscribe(request: Request, hub: HubDep, wish: Wish) -> JSONResponse:
    """Hands a browser's wish on; here only the browser itself can read what it chose."""
    hub.incoming.limit("push.subscribe", *SUBSCRIBES).take(address_of(request, hub.settings))
    push.check(hub, wish)
    with hub.works.write(CITIZEN) as work:
        account = push.account_of(work)
        columns, districts = push.offered(work, account)
        push.check_topics(wish.topics, dict(columns), districts)
        hub.outer.put(work, "subscribed", {"account": account.code, **wish.model_dump()})
        mark, key = _known_by(wish.endpoint)
        chosen = close(public_of(key), json.dumps(wish.topics.model_dump()).encode())
        work.session.merge(OuterTicket(mark=mark, sealed=chosen))
    return JSONResponse({"subscribed": True}, status_code=201)


@router.post("/push/replacements", status_code=204)
def replace(request: Request, hub: HubDep, renewed: Renewed) -> Response:
    """Hands a browser's new subscription on, and keeps what it chose under the new address; 404 for an unknown one."""
    hub.incoming.limit("push.subscribe", *SUBSCRIBES).take(address_of(request, hub.settings))
    push.check_endpoint(hub, renewed.endpoint)
    former, former_key = _known_by(renewed.former)
    mark, key = _known_by(renewed.endpoint)
    with hub.works.write(CITIZEN) as work:
        account = push.account_of(work)
        row = work.session.get(OuterTicket, former)
        if row is None:
            raise NotFound
        hub.outer.put(work, "replaced", {"account": account.code, **renewed.model_dump()})
        if mark != former:
            chosen = opened(former_key, row.sealed)
            work.session.merge(OuterTicket(mark=mark, sealed=close(public_of(key), chosen)))
            work.session.delete(row)
    return Response(status_code=204)


@router.post("/push/known")
def known(hub: HubDep, browser: Known) -> JSONResponse:
    """What this browser chose here; 404 for one that is not known."""
    mark, key = _known_by(browser.endpoint)
    with hub.works.read() as work:
        row = work.session.get(OuterTicket, mark)
    if row is None:
        raise NotFound
    return JSONResponse(json.loads(opened(key, row.sealed)), headers={"Cache-Control": "no-store"})


@router.post("/push/farewells", status_code=204)
def unsubscribe(hub: HubDep, browser: Known) -> Response:
    """Forgets a browser; one that was never known is forgotten as well."""
    with hub.works.write(CITIZEN) as work:
        account = push.account_of(work)
        hub.outer.put(work, "unsubscribed", {"account": account.code, "endpoint": browser.endpoint})
        row = work.session.get(OuterTicket, _known_by(browser.endpoint)[0])
        if row is not None:
            work.session.delete(row)
    return Response(status_code=204)


def _known_by(endpoint: str) -> tuple[str, bytes]:
    """A browser's address is secret and long enough to be its own proof."""
    return hashlib.sha256(f"push\0{endpoint}".encode()).hexdigest(), sessions.key_of(f"push {endpoint}")
