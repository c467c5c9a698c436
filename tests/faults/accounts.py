"""The kinds of account that the fault suite breaks: how one is registered on both sides, and what arrived there.

A lane is an account's place in the list; by it the platform's own number of the account is known.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from sqlalchemy import func, select

from channels.accounts import store, subscriptions
from channels.accounts.models import PushReach
from channels.adapters.web_push import new_key
from channels.rehearsal.config import (
    Callback,
    Follower,
    JPushApp,
    JPushDevice,
    RehearsalConfig,
    WeChatAccount,
    WeiboAccount,
)
from content.snapshot import Style
from kernel.seal import Seal
from kernel.work import Work
from tests.factories import PORTAL

HOST = PORTAL.removeprefix("https://")
CALLBACK_TOKEN = "token-of-the-callback-address"  # Invented, of the stand-in only.
UNLIMITED = 1_000_000
VAPID, VAPID_PUBLIC = new_key()


@dataclass(frozen=True)
class Kind:
    """One kind of account: its act, and the call that readers see (`path`), which is the one to be broken."""

    channel: str
    action: str
    style: Style
    path: str
    # Which lines of the platforms' ledger say that something reached somebody.
    seen: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    # The platform says by itself what became of it, and says it twice; else only whoever asks is told.
    called_back: bool = False
    # Of a push service: how many browsers listen, and how many of these to a service that never answers.
    browsers: int = 0
    hanging: int = 0


# One attempt has to fit into the suite's short claims.
_BRIEF = {
    "prepare_seconds": 1,
    "act_within_seconds": 1,
    "settle_minutes": 1,
    "mass_per_day": 100,
    "mass_calls_per_day": 10_000,
}
_BROWSERS = {"subject": "mailto:office@yunzhou.example", "ttl": 60, "seconds": 1}

_POSTS = {"rip": "1.2.3.4", "requests_per_day": UNLIMITED, "safe_domains": [HOST]}

WEIBO = Kind("weibo", "publish", "text", "2/statuses/share.json", "post", _POSTS)
PUBLISHING = Kind("wechat", "publish", "layout", "cgi-bin/freepublish/submit", "publish", _BRIEF)
PUBLISHING_TOLD = Kind("wechat", "publish", "layout", "cgi-bin/freepublish/submit", "publish", _BRIEF, called_back=True)
MASS = Kind("wechat", "mass_send", "layout", "cgi-bin/message/mass/sendall", "mass_send", _BRIEF)
MASS_TOLD = Kind("wechat", "mass_send", "layout", "cgi-bin/message/mass/sendall", "mass_send", _BRIEF, called_back=True)
PHONES = Kind("jpush", "push", "text", "v3/push", "push")
# Worth a day, so that nobody is given up because the suite waits and moves its clocks on.
_FOR_A_DAY = {**_BROWSERS, "ttl": 86_400}
BROWSERS = Kind("web_push", "push", "text", "*", "notification", _FOR_A_DAY, browsers=12)
BROWSERS_HANGING = Kind("web_push", "push", "text", "*", "notification", _BROWSERS, browsers=12, hanging=4)
MANY_BROWSERS = Kind("web_push", "push", "text", "*", "notification", _FOR_A_DAY, browsers=160)


def number_of(kind: Kind, lane: int) -> str:
    """The account's number on its platform."""
    numbers = {"weibo": 7_000_000_001 + lane, "wechat": f"wx{lane:016d}", "jpush": f"{lane:024d}"}
    return str(numbers.get(kind.channel, f"browsers-{lane}"))


def config_of(kinds: Sequence[Kind], callbacks: str) -> RehearsalConfig:
    """The platforms with an account for every lane, without limits and without refusing repeats."""
    config = RehearsalConfig()
    config.weibo_rules.duplicate_seconds = 0
    config.wechat_rules.doubled_events = True
    config.wechat_rules.mass_calls_per_minute = config.wechat_rules.mass_calls_per_day = UNLIMITED
    for lane, kind in enumerate(kinds):
        number = number_of(kind, lane)
        if kind.channel == "weibo":
            config.weibo.append(_weibo(number, lane))
        elif kind.channel == "wechat":
            config.wechat.append(_wechat(number, kind, f"{callbacks}/callbacks/wechat/{number}"))
        elif kind.channel == "jpush":
            phones = [JPushDevice(registration_id=f"r-{lane}")]
            config.jpush.append(JPushApp(app_key=number, master_secret="s", devices=phones))
    return config


def register(work: Work, seal: Seal, unit_id: int, platforms: str, kind: Kind, lane: int) -> int:
    """The account as an administrator would enter it; returns its id."""
    number = number_of(kind, lane)
    row = store.add(
        work,
        seal,
        unit_id=unit_id,
        channel=kind.channel,
        name=number,
        code=number,
        action=kind.action,
        base_url="" if kind.channel == "web_push" else f"{platforms}/{kind.channel}",
        settings={**kind.settings, **({"uid": number} if kind is WEIBO else {})},
        credentials=_credentials(kind, number, lane),
    )
    return row.id


@dataclass(frozen=True)
class Browser:
    """Somebody's browser: its number at the platform, its address and keys, whether its push service never answers."""

    number: str
    endpoint: str
    keys: Mapping[str, str]
    hangs: bool
    # What the product calls it.
    id: int = 0


def opened(platforms: httpx.Client, many: int, deaf: str = "") -> list[Browser]:
    """So many browsers, at a push service that never answers where its address is given, else at the platform's."""
    made = []
    for _ in range(many):
        answer = platforms.post("/control/accounts/webpush", json={"application_server_key": VAPID_PUBLIC}).json()
        number = str(answer["id"])
        endpoint = f"{deaf}/{number}" if deaf else str(answer["endpoint"])
        made.append(Browser(number, endpoint, answer["keys"], bool(deaf)))
    return made


def subscribe(work: Work, account_id: int, browsers: Sequence[Browser]) -> list[Browser]:
    """The same, known to the product."""
    known = []
    for one in browsers:
        row = subscriptions.subscribe(work, account_id, one.endpoint, one.keys["p256dh"], one.keys["auth"])
        known.append(replace(one, id=row.id))
    return known


@dataclass(frozen=True)
class Arrival:
    """One thing that reached somebody: on which account (of a browser: its own number), and its words."""

    account: str
    words: str


def arrivals(line: Mapping[str, Any]) -> list[Arrival]:
    """What a line of the ledger says; none for a line that tells of something else."""
    data, account = line["data"], str(line["account"])
    if line["kind"] == "post":
        return [Arrival(account, data["text"])]
    if line["kind"] in ("mass_send", "publish"):
        return [Arrival(account, article["title"]) for article in data["articles"]]
    if line["kind"] == "push":
        return [Arrival(account, data["body"]["notification"]["android"]["title"])]
    return [Arrival(account, data["json"]["title"])] if line["kind"] == "notification" else []


def told(work: Work, key: str) -> dict[int, str]:
    """What is written of each browser of a delivery."""
    rows = work.session.query(PushReach).where(PushReach.key == key)
    return {row.subscription_id: row.state for row in rows}


def unsure(work: Work) -> Counter[str]:
    """By delivery, of how many browsers nobody knows whether they got its notice, those on their way included."""
    query = select(PushReach.key, func.count()).where(PushReach.state == "unknown").group_by(PushReach.key)
    return Counter(dict(work.session.execute(query).all()))


@contextmanager
def deaf_service() -> Iterator[str]:
    """A push service that takes connections and never says a word; its address."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(64)
        yield f"http://127.0.0.1:{deaf.getsockname()[1]}"


def _credentials(kind: Kind, number: str, lane: int) -> dict[str, str]:
    if kind.channel == "weibo":
        return {"access_token": f"token-{lane}", "app_key": "1", "app_secret": "s"}
    if kind.channel == "wechat":
        return {"appid": number, "secret": "s", **({"token": CALLBACK_TOKEN} if kind.called_back else {})}
    if kind.channel == "jpush":
        return {"app_key": number, "master_secret": "s"}
    return {"vapid_private_key": VAPID}


def _weibo(number: str, lane: int) -> WeiboAccount:
    """One that may read its own posts, so that a lost answer can be asked for."""
    return WeiboAccount(
        uid=number,
        name=f"微博{lane}",
        app_key="1",
        app_secret="s",
        access_token=f"token-{lane}",
        safe_domains=[HOST],
        granted=["statuses/user_timeline"],
        requests_per_day=UNLIMITED,
        posts_per_hour=UNLIMITED,
    )


def _wechat(number: str, kind: Kind, callback: str) -> WeChatAccount:
    return WeChatAccount(
        appid=number,
        secret="s",
        name=f"公众号{number}",
        original_id=f"gh_{number}",
        mass_per_day=UNLIMITED,
        followers=[Follower(openid=f"o-{number}")],
        callback=Callback(url=callback, token=CALLBACK_TOKEN) if kind.called_back else None,
    )
