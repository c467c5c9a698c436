"""How late items leave that are due at one second, through the real protocols of four channels.

The rehearsal platforms are a process of their own and refuse what the real ones refuse; the office has so many
accounts that none of them comes near a limit.
"""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from sqlalchemy import insert

from bench.dispatch import lateness
from bench.figures import Figure, measure, percentile
from bench.offices import BenchOffice, bench_office, ended, wait_for
from channels.accounts.models import Account, PushSubscription
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
from hub.drill.stage import free_port
from kernel.office_rules import set_rule

# One mass message a day for each WeChat account; the others carry every piece, far below their limits.
PIECES, LANES = 10, 5
BROWSERS = 3
CHANNELS = ("wechat", "weibo", "jpush", "web_push")
AGAINST = "50 each WeChat, Weibo, JPush, Web Push"


@measure("dispatch.due200.rehearsal")
def due200() -> Iterator[Figure]:
    """50 items a channel due at the same second, from due time to the platform's result recorded."""
    yield from measured(PIECES)


def measured(pieces: int) -> Iterator[Figure]:
    """The figures for so many pieces, each to five accounts of each channel."""
    platforms, port = free_port(), free_port()
    with (
        bench_office(allowed_private=f"127.0.0.1:{platforms}") as office,
        _platforms(office, platforms, port, pieces) as address,
    ):
        with office.hub.works.write() as work:
            set_rule(work, "push.quiet_until", office.unit.id, "22:00")  # Figures are taken at any hour.
        lanes = _accounts(office, address, pieces)
        targets = [_targets(lanes, number) for number in range(pieces)]
        signed = [
            office.signed(f"关于第{number}号便民措施的通知", to, covered=True) for number, to in enumerate(targets, 1)
        ]
        with ended(office.serve(port, allowed_private=f"127.0.0.1:{platforms}")):
            with office.timed(pieces * LANES * len(CHANNELS)) as at:
                for piece, to in zip(signed, targets, strict=True):
                    office.book([piece], to, at)
            late = lateness(office, pieces * LANES * len(CHANNELS), at)
    name = "dispatch.due200.rehearsal.lateness"
    yield Figure(f"{name}_p50", round(percentile(late, 0.5), 3), "s", AGAINST)
    yield Figure(f"{name}_p99", round(percentile(late, 0.99), 3), "s", AGAINST)
    yield Figure(f"{name}_max", round(max(late), 3), "s", AGAINST)


def _targets(lanes: Mapping[str, Sequence[Account]], number: int) -> Sequence[Account]:
    own = lanes["wechat"][number * LANES :][:LANES]
    return [*own, *(one for name in CHANNELS[1:] for one in lanes[name])]


@contextmanager
def _platforms(office: BenchOffice, port: int, product: int, pieces: int) -> Iterator[str]:
    """The platforms in their own process, calling back to the product."""
    config = RehearsalConfig(
        wechat=[_wechat(number, product) for number in range(pieces * LANES)],
        weibo=[_weibo(number) for number in range(LANES)],
        jpush=[_jpush(number) for number in range(LANES)],
        data=office.folder / "ledger",
    )
    path = office.folder / "platforms.json"
    path.write_text(config.model_dump_json(), "utf-8")
    command = [sys.executable, "-m", "channels.rehearsal", "--port", str(port), "--config", str(path)]
    with ended(subprocess.Popen(command, stderr=subprocess.DEVNULL)) as process:  # Our own module.
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/ledger", process)
        yield address


def _accounts(office: BenchOffice, address: str, pieces: int) -> Mapping[str, Sequence[Account]]:
    lanes: dict[str, Sequence[Account]] = {}
    lanes["wechat"] = [
        office.add_account(
            "wechat",
            _code("wechat", number),
            base_url=f"{address}/wechat",
            settings={"type": "service", "certified": True, "mode": "secure"},
            credentials={"appid": _appid(number), "secret": "s", "token": "token", "aes_key": _aes_key(number)},
        )
        for number in range(pieces * LANES)
    ]
    lanes["weibo"] = [
        office.add_account(
            "weibo",
            _code("weibo", number),
            base_url=f"{address}/weibo",
            settings={"uid": _uid(number), "rip": "1.2.3.4", "safe_domains": ["127.0.0.1"]},
            credentials={"access_token": f"token-{number}", "app_key": "1", "app_secret": "s"},
        )
        for number in range(LANES)
    ]
    lanes["jpush"] = [
        office.add_account(
            "jpush",
            _code("jpush", number),
            base_url=f"{address}/jpush",
            credentials={"app_key": _app_key(number), "master_secret": "s"},
        )
        for number in range(LANES)
    ]
    lanes["web_push"] = [_web_push(office, address, number) for number in range(LANES)]
    return lanes


def _web_push(office: BenchOffice, address: str, number: int) -> Account:
    private, public = new_key()
    account = office.add_account(
        "web_push",
        _code("web_push", number),
        settings={"subject": "mailto:office@example.org"},
        credentials={"vapid_private_key": private},
    )
    rows = []
    for _ in range(BROWSERS):
        answer = httpx.post(f"{address}/control/accounts/webpush", json={"application_server_key": public}, timeout=10)
        made: dict[str, Any] = answer.raise_for_status().json()
        endpoint = str(made["endpoint"])
        rows.append({
            "account_id": account.id, "endpoint": endpoint, "origin": address,
            "endpoint_hash": hashlib.sha256(endpoint.encode()).hexdigest(), "p256dh": made["keys"]["p256dh"],
            "auth": made["keys"]["auth"], "columns": False, "districts": False,
        })  # fmt: skip
    with office.hub.works.write() as work:
        work.session.execute(insert(PushSubscription), [{**row, "created_at": work.now} for row in rows])
    return account


# --- the platforms' side ------------------------------------------------------------------------------


def _wechat(number: int, product: int) -> WeChatAccount:
    url = f"http://127.0.0.1:{product}/callbacks/wechat/{_code('wechat', number)}"
    return WeChatAccount(
        appid=_appid(number),
        secret="s",  # noqa: S106  # Invented, of the stand-in only.
        name=_code("wechat", number),
        original_id=f"gh_{number}",
        type="service",
        callback=Callback(url=url, token="token", aes_key=_aes_key(number), mode="secure"),  # noqa: S106  # Invented.
        followers=[Follower(openid=f"o{number}_{place}") for place in range(3)],
    )


def _weibo(number: int) -> WeiboAccount:
    return WeiboAccount(
        uid=_uid(number),
        name=_code("weibo", number),
        app_key="1",
        app_secret="s",  # noqa: S106  # Invented, of the stand-in only.
        access_token=f"token-{number}",
        safe_domains=["127.0.0.1"],
        granted=["statuses/user_timeline"],
    )


def _jpush(number: int) -> JPushApp:
    devices = [
        JPushDevice(registration_id="r-android"),
        JPushDevice(registration_id="r-ios", platform="ios"),
    ]
    return JPushApp(app_key=_app_key(number), master_secret="s", devices=devices)  # noqa: S106  # Invented.


def _code(channel: str, number: int) -> str:
    return f"{channel}-{number}"


def _appid(number: int) -> str:
    return f"wx{number + 1:016d}"


def _uid(number: int) -> str:
    return str(7_000_000_001 + number)


def _app_key(number: int) -> str:
    return f"{number:024d}"


def _aes_key(number: int) -> str:
    return base64.b64encode(hashlib.sha256(f"key {number}".encode()).digest()).decode().rstrip("=")
