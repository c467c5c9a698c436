"""Browser notices: a page to choose topics and agree on, and a browser's wish to be told or left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from pydantic import ConfigDict, Field
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts import subscriptions
from channels.accounts.models import Account
from channels.accounts.subscriptions import CONSENT, MOST_TOPICS, WORDS
from channels.adapters.web_push import public_of
from content.models import Column
from hub.product import Hub
from hub.web.access import HubDep, address_of
from hub.web.portal import portal_page
from hub.web.sent import Body
from kernel.errors import Invalid, NotFound
from kernel.office_rules import value_of
from kernel.work import Actor, Work
from templates.engine import FOLDER

router = APIRouter()

CITIZEN = Actor("citizen")
# So many in so many seconds.
SUBSCRIBES = (30, 600)


class Keys(Body):
    """The browser's public key and its shared secret, base64url (RFC 8291)."""

    model_config = ConfigDict(extra="ignore")  # The object is the browser's own, and browsers add to it.

    p256dh: str = Field(min_length=80, max_length=120, pattern=r"^[A-Za-z0-9_-]+=*$")
    auth: str = Field(min_length=16, max_length=40, pattern=r"^[A-Za-z0-9_-]+=*$")


class Chosen(Body):
    """The topics a browser wants to hear of; an empty list is all of that kind."""

    column: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=MOST_TOPICS)
    district: list[Annotated[str, Field(max_length=60)]] = Field(default_factory=list, max_length=MOST_TOPICS)


class Wish(Body):
    """A browser's PushSubscription as JSON, the topics, and the version of the words that were agreed to."""

    model_config = ConfigDict(extra="ignore")

    endpoint: str = Field(max_length=1000)
    keys: Keys
    topics: Chosen = Field(default_factory=Chosen)
    consent: str = Field(max_length=20)


class Renewed(Body):
    """A browser's new subscription, and the address it had, which is secret and so the proof."""

    model_config = ConfigDict(extra="ignore")

    former: str = Field(max_length=1000)
    endpoint: str = Field(max_length=1000)
    keys: Keys


class Known(Body):
    """The address by which a browser is known; it is secret, and so the proof."""

    endpoint: str = Field(max_length=1000)


@router.get("/push")
def page(request: Request, hub: HubDep) -> HTMLResponse:
    """订阅提醒: what can be chosen, what is agreed to; the browser's own permission is asked on a press."""
    with hub.works.read() as work:
        account = account_of(work)
        columns, districts = offered(work, account)
    return portal_page(
        request, "outbound/portal/push.html", columns=columns, districts=districts, words=CONSENT[WORDS], version=WORDS
    )


@router.get("/push/key")
def public_key(hub: HubDep) -> JSONResponse:
    """The key a subscription is bound to and what may be chosen; 404 where the office has none or no key."""
    with hub.works.read() as work:
        account = account_of(work)
        about = accounts.info(work.session, hub.seal, account)
        columns, districts = offered(work, account)
    try:
        key = public_of(about.credentials.get("vapid_private_key", ""))
    except ValueError:  # Not entered yet, or entered before it was looked at.
        raise NotFound from None
    return key_page(key, columns, districts)


def key_page(key: str, columns: Sequence[tuple[str, str]], districts: Sequence[str]) -> JSONResponse:
    """The key, what may be chosen, and the words to agree to."""
    topics = {"column": dict(columns), "district": list(districts)}
    return JSONResponse({"key": key, "consent": WORDS, "words": CONSENT[WORDS], "topics": topics})


@router.post("/push/subscriptions", status_code=201)
def subscribe(request: Request, hub: HubDep, wish: Wish) -> JSONResponse:
    """Keeps a browser's wish with its consent; the same browser again changes its keys and topics."""
    hub.incoming.limit("push.subscribe", *SUBSCRIBES).take(address_of(request, hub.settings))
    check(hub, wish)
    with hub.works.write(CITIZEN) as work:
        account = account_of(work)
        columns, districts = offered(work, account)
        check_topics(wish.topics, dict(columns), districts)
        topics = subscriptions.Topics(wish.topics.column, wish.topics.district)
        subscriptions.subscribe(work, account.id, wish.endpoint, wish.keys.p256dh, wish.keys.auth, topics, wish.consent)
    return JSONResponse({"subscribed": True}, status_code=201)


def check(hub: Hub, wish: Wish) -> None:
    """Raises Invalid for an address that is none, or for words that are no longer the ones agreed to."""
    check_endpoint(hub, wish.endpoint)
    if wish.consent != WORDS:
        raise Invalid(field="consent", why="订阅说明已更新，请刷新页面，阅读后重新同意。")


@router.post("/push/replacements", status_code=204)
def replace(request: Request, hub: HubDep, renewed: Renewed) -> Response:
    """Puts a browser's new subscription in the place of its former one; 404 where that is not known."""
    hub.incoming.limit("push.subscribe", *SUBSCRIBES).take(address_of(request, hub.settings))
    check_endpoint(hub, renewed.endpoint)
    keys = renewed.keys
    with hub.works.write(CITIZEN) as work:
        account = account_of(work)
        if not subscriptions.replace(work, account.id, renewed.former, renewed.endpoint, keys.p256dh, keys.auth):
            raise NotFound
    return Response(status_code=204)


@router.post("/push/known")
def known(hub: HubDep, browser: Known) -> JSONResponse:
    """What this browser chose; 404 for one that is not known."""
    with hub.works.read() as work:
        topics = subscriptions.topics_of(work.session, account_of(work).id, browser.endpoint)
    if topics is None:
        raise NotFound
    return JSONResponse(topics.as_dict(), headers={"Cache-Control": "no-store"})


@router.post("/push/farewells", status_code=204)
def unsubscribe(hub: HubDep, browser: Known) -> Response:
    """Forgets a browser; one that was never known is forgotten as well."""
    with hub.works.write(CITIZEN) as work:
        subscriptions.unsubscribe(work, account_of(work).id, browser.endpoint)
    return Response(status_code=204)


@router.get("/push-worker.js")
def worker() -> FileResponse:
    """The service worker; it must stand at the root to serve the whole site."""
    return FileResponse(FOLDER / "static" / "push-worker.js", media_type="text/javascript")


def account_of(work: Work) -> Account:
    """The account of browser notices; raises NotFound where there is none."""
    query = select(Account).where(Account.channel == "web_push", Account.active.is_(True)).order_by(Account.id).limit(1)
    account = work.session.scalars(query).one_or_none()
    if account is None:
        raise NotFound
    return account


def offered(work: Work, account: Account) -> tuple[list[tuple[str, str]], list[str]]:
    """The columns (slug, name) and districts somebody may choose."""
    query = select(Column.slug, Column.name).where(Column.active).order_by(Column.position, Column.id)
    columns = [(slug, name) for slug, name in work.session.execute(query)]
    return columns, value_of(work.session, subscriptions.DISTRICTS, account.unit_id, work.now)


def check_topics(chosen: Chosen, columns: Mapping[str, str], districts: Sequence[str]) -> None:
    """Raises Invalid for a topic that is not offered."""
    if not set(chosen.column) <= set(columns):
        raise Invalid(field="column", why="所选栏目不存在，请刷新页面重选。")
    if not set(chosen.district) <= set(districts):
        raise Invalid(field="district", why="所选区县不存在，请刷新页面重选。")


def check_endpoint(hub: Hub, endpoint: str) -> None:
    """Raises Invalid for what is no address of a push service."""
    parts = urlsplit(endpoint)
    named = {entry.strip() for entry in hub.settings.allowed_private.split(",")}
    if not parts.hostname or (parts.scheme != "https" and parts.netloc not in named):
        raise Invalid(field="endpoint", why="推送地址须为浏览器给出的 https 地址。")
