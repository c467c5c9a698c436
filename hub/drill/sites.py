"""Further sites of the office on platforms of others: by HTTP, by SFTP, and by a person's hand."""

from __future__ import annotations

from typing import Any

import httpx
from sqlalchemy import select

from channels.abilities.rehearsing import Seed
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.adapters.site_manual import SiteManualChannel
from channels.adapters.site_push import SitePushChannel
from channels.adapters.site_sftp import SiteSftpChannel
from hub.settings import Settings
from hub.wiring import build
from kernel.work import Actor

Site = type[SitePushChannel | SiteSftpChannel | SiteManualChannel]
SITES: tuple[Site, ...] = (SitePushChannel, SiteSftpChannel, SiteManualChannel)


def open_sites(settings: Settings, platforms: str) -> list[str]:
    """Opens them at the rehearsal and registers an account of each; returns the further addresses that are called."""
    opened = [(adapter, *_opened(adapter, platforms)) for adapter in SITES]
    hub = build(settings)
    try:
        with hub.works.write(Actor("drill")) as work:
            unit = work.session.scalars(select(Account.unit_id).where(Account.code == "portal")).one()
            for adapter, base_url, options, credentials in opened:
                accounts.add(
                    work, hub.seal, unit_id=unit, channel=adapter.name, name=f"云江市{adapter.label}",
                    code=adapter.name, base_url=base_url, settings=options, credentials=credentials,
                )  # fmt: skip
    finally:
        hub.close()
    return [str(options["server"]) for _adapter, _base, options, _credentials in opened if "server" in options]


def _opened(adapter: Site, platforms: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    stand_in = adapter.stand_in(Seed(f"云江市{adapter.label}", {}, "localhost", "drill"))
    options = dict(stand_in.settings)
    for opening in stand_in.openings:
        door = f"{platforms}/control/accounts/{stand_in.platform}"
        answer = httpx.post(door, json=dict(opening), timeout=10).raise_for_status().json()
        options |= answer.get("settings") or {}
    return f"{platforms}/{stand_in.path.lstrip('/')}", options, dict(stand_in.credentials)
