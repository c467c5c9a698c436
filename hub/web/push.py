"""Browser notices: the public key to subscribe with, and a browser's wish to be told or left alone."""

from __future__ import annotations

from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import APIRouter
from fastapi.responses import FileResponse, JSONResponse, Response
from py_vapid import Vapid02
from py_vapid.utils import b64urlencode
from pydantic import BaseModel, Field
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts import subscriptions
from channels.accounts.models import Account
from hub.product import Hub
from hub.web.access import HubDep
from kernel.errors import Invalid, NotFound
from kernel.work import Actor, Work
from templates.engine import FOLDER

router = APIRouter()

CITIZEN = Actor("citizen")


class Keys(BaseModel):
    """The browser's public key and its shared secret, base64url (RFC 8291)."""

    p256dh: str = Field(min_length=80, max_length=120, pattern=r"^[A-Za-z0-9_-]+=*$")
    auth: str = Field(min_length=16, max_length=40, pattern=r"^[A-Za-z0-9_-]+=*$")


class Wish(BaseModel):
    """A browser's PushSubscription as JSON."""

    endpoint: str = Field(max_length=1000)
    keys: Keys


class Farewell(BaseModel):
    """The address a browser no longer wants to be told at."""

    endpoint: str = Field(max_length=1000)


@router.get("/push/key")
def public_key(hub: HubDep) -> JSONResponse:
    """The key a subscription is bound to; 404 where the office has no browser notices."""
    with hub.works.read() as work:
        about = accounts.info(work.session, hub.seal, _account(work))
    key = Vapid02.from_string(about.credentials.get("vapid_private_key", "")).public_key
    if key is None:
        raise NotFound
    raw = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return JSONResponse({"key": b64urlencode(raw)})


@router.post("/push/subscriptions", status_code=201)
def subscribe(hub: HubDep, wish: Wish) -> JSONResponse:
    """Keeps a browser's wish; the same browser again changes nothing but its keys."""
    _check_endpoint(hub, wish.endpoint)
    with hub.works.write(CITIZEN) as work:
        account = _account(work)
        subscriptions.subscribe(work, account.id, wish.endpoint, wish.keys.p256dh, wish.keys.auth)
    return JSONResponse({"subscribed": True}, status_code=201)


@router.post("/push/farewells", status_code=204)
def unsubscribe(hub: HubDep, farewell: Farewell) -> Response:
    """Forgets a browser; one that was never known is forgotten as well."""
    with hub.works.write(CITIZEN) as work:
        subscriptions.unsubscribe(work, _account(work).id, farewell.endpoint)
    return Response(status_code=204)


@router.get("/push-worker.js")
def worker() -> FileResponse:
    """The service worker; it must stand at the root to serve the whole site."""
    return FileResponse(FOLDER / "static" / "push-worker.js", media_type="text/javascript")


def _account(work: Work) -> Account:
    query = select(Account).where(Account.channel == "web_push", Account.active.is_(True)).order_by(Account.id).limit(1)
    account = work.session.scalars(query).one_or_none()
    if account is None:
        raise NotFound
    return account


def _check_endpoint(hub: Hub, endpoint: str) -> None:
    parts = urlsplit(endpoint)
    named = {entry.strip() for entry in hub.settings.allowed_private.split(",")}
    if not parts.hostname or (parts.scheme != "https" and parts.netloc not in named):
        raise Invalid(field="endpoint", why="推送地址须为浏览器给出的 https 地址。")
