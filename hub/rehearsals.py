"""演练: opens accounts' stand-ins on the rehearsal platforms and switches accounts there and back.

The platforms are called first, with no transaction open; only then is the account switched, so that an account in
rehearsal always has somewhere to go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.accounts import doubles
from channels.accounts.models import Account, PushSubscription
from channels.accounts.subscriptions import subscribe
from channels.registry import channel
from channels.transport import Guard, PrivateAddress, client
from hub.outgoing import allowed_hosts
from hub.product import Hub
from kernel.errors import Invalid, XuandaError
from kernel.work import SYSTEM, Actor, Work
from scheduler import booking
from scheduler.models import Delivery
from scheduler.states import DeliveryState

log = structlog.get_logger(__name__)

ENTERED = "账号已进入演练，真实发布暂缓；退出演练后请由人恢复"
LEFT = "演练已结束，演练任务不再发送；要真实发布请重新安排"


class PlatformsAway(XuandaError):
    """The rehearsal platforms do not answer ({why}). Start them with `xuanda rehearsal`, set XUANDA_REHEARSAL_URL to
    their address, and try again."""

    zh = (
        "演练平台没有应答（{why}）。请由系统管理员运行 xuanda rehearsal，"
        "并把 XUANDA_REHEARSAL_URL 设为其地址，再试一次。"
    )
    status = 502


@dataclass(frozen=True)
class Switched:
    """What switching did: how many accounts, and how many deliveries were kept back.

    `deaf`: names of doubles whose platform does not reach this product. Their results are asked for instead.
    """

    accounts: int
    held: int
    deaf: Sequence[str] = ()


@dataclass(frozen=True)
class _Opened:
    account_id: int
    stand_in: StandIn
    answers: Sequence[dict[str, Any]]

    @property
    def browsers(self) -> list[dict[str, Any]]:
        """The answers that are browsers which want notices."""
        return [answer for answer in self.answers if {"endpoint", "keys"} <= answer.keys()]

    @property
    def settings(self) -> dict[str, Any]:
        """The double's settings, with what only the platform could tell (a port, a key)."""
        told = [answer.get("settings") for answer in self.answers]
        return {**self.stand_in.settings, **{name: one[name] for one in told if one for name in one}}


def enter(hub: Hub, actor: Actor, account_ids: Sequence[int]) -> Switched:
    """Switches these accounts to rehearsal, all of them or none; what waited to be published really is kept back.

    Raises PlatformsAway, and Invalid for an account that is out of use.
    """
    with hub.works.read() as work:
        wanted = [_planned(hub, work.session.get_one(Account, one)) for one in account_ids]
    opened = _open(hub, wanted)
    with hub.works.write(actor) as work:
        held = sum(_enter(hub, work, one) for one in opened)
    return Switched(len(opened), held, _connect(hub, opened))


def leave(hub: Hub, actor: Actor, account_ids: Sequence[int]) -> Switched:
    """Switches these accounts back. Rehearsals that still wait are kept back with the reason, never sent for real."""
    with hub.works.write(actor) as work:
        left = [doubles.leave(work, work.session.get_one(Account, one)) for one in account_ids]
        held = sum(booking.hold_account(work, double.id, LEFT, "rehearsal") for double in left if double)
    return Switched(sum(double is not None for double in left), held)


def waiting(session: Session, account_id: int) -> int:
    """How many deliveries wait on an account and would be kept back."""
    query = select(Delivery.id).where(Delivery.account_id == account_id, Delivery.state == DeliveryState.BOOKED)
    return len(session.scalars(query).all())


def _planned(hub: Hub, account: Account) -> tuple[int, StandIn]:
    if not account.active or account.stands_for:
        raise Invalid(field="accounts", why=f"账号“{account.name}”已停用，不能演练。")
    adapter = channel(account.channel)
    if not issubclass(adapter, Rehearsing):
        return account.id, StandIn(settings=account.settings)
    site = urlsplit(hub.settings.address).hostname or "localhost"
    # The installation's own key goes into the seed, so that nobody outside can tell a stand-in's credentials.
    name = doubles.NAME.format(name=account.name[:90])
    seed = Seed(name, account.settings, site, hub.seal.fingerprint(f"rehearsal of account {account.id}"))
    return account.id, adapter.stand_in(seed)


def _open(hub: Hub, wanted: Sequence[tuple[int, StandIn]]) -> list[_Opened]:
    if not any(stand_in.openings for _, stand_in in wanted):
        return [_Opened(account_id, stand_in, ()) for account_id, stand_in in wanted]
    if not hub.settings.rehearsal_url:
        raise PlatformsAway(why="没有设置地址")
    with client(Guard(allowed_hosts(hub.settings)), hub.settings.send_timeout) as http:
        return [_Opened(account_id, one, _post(http, hub.settings.rehearsal_url, one)) for account_id, one in wanted]


def _post(http: httpx.Client, address: str, stand_in: StandIn) -> list[dict[str, Any]]:
    door = f"{address.rstrip('/')}/control/accounts/{stand_in.platform}"
    try:
        answers = [http.post(door, json=dict(opening)).raise_for_status().json() for opening in stand_in.openings]
    except (httpx.HTTPError, ValueError, PrivateAddress) as failure:
        raise PlatformsAway(why=type(failure).__name__) from failure
    return [answer for answer in answers if isinstance(answer, dict)]


def _connect(hub: Hub, opened: Sequence[_Opened]) -> list[str]:
    """Tells each platform that pushes where its double is heard; it looks at once whether somebody answers there.

    Gives the names of the doubles whose platform heard no answer. They lose the keys of what is pushed: whoever has
    them waits for a push before asking.
    """
    pushing = {one.account_id: one.stand_in for one in opened if one.stand_in.told_at}
    if not pushing:
        return []
    with hub.works.read() as work:
        found = work.session.scalars(select(Account).where(Account.stands_for.in_(pushing)).order_by(Account.id))
        heard = [(one.id, pushing[one.stands_for or 0], f"/callbacks/{one.channel}/{one.code}") for one in found]
    with client(Guard(allowed_hosts(hub.settings)), hub.settings.send_timeout) as http:
        deaf = {one: stand_in for one, stand_in, path in heard if not _reached(hub, http, stand_in, path)}
    if not deaf:
        return []
    with hub.works.write(SYSTEM) as work:
        doubled = [work.session.get_one(Account, one) for one in deaf]
        for double in doubled:
            given, told = deaf[double.id].credentials, deaf[double.id].told
            doubles.key(hub.seal, double, {name: given[name] for name in given if name not in told})
        return [double.name for double in doubled]


def _reached(hub: Hub, http: httpx.Client, stand_in: StandIn, path: str) -> bool:
    """Whether the platform has found us at this address of ours."""
    door = f"{hub.settings.rehearsal_url.rstrip('/')}/control/{stand_in.told_at}"
    told = {**stand_in.told, "url": hub.settings.rehearsal_calls_back + path}
    try:
        http.post(door, json=told).raise_for_status()
    except (httpx.HTTPError, PrivateAddress) as failure:
        log.warning("the rehearsal platforms do not reach us", address=told["url"], why=type(failure).__name__)
        return False
    return True


def _enter(hub: Hub, work: Work, opened: _Opened) -> int:
    account = work.session.get_one(Account, opened.account_id)
    one = opened.stand_in
    base = f"{hub.settings.rehearsal_url.rstrip('/')}/{one.path}" if one.path else ""
    double = doubles.enter(work, hub.seal, account, base, opened.settings, one.credentials)
    _renew_browsers(work, double, opened.browsers)
    return booking.hold_account(work, account.id, ENTERED, "rehearsal")


def _renew_browsers(work: Work, double: Account, browsers: Sequence[dict[str, Any]]) -> None:
    if not browsers:
        return
    old = select(PushSubscription).where(PushSubscription.account_id == double.id, PushSubscription.gone_at.is_(None))
    for row in work.session.scalars(old):
        row.gone_at, row.endpoint, row.p256dh, row.auth = work.now, "", "", ""
    for browser in browsers:
        keys = browser["keys"]
        subscribe(work, double.id, browser["endpoint"], keys["p256dh"], keys["auth"])
