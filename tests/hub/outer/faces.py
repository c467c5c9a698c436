"""An office inside and its outer host, each whole, between which a test carries what a network would."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.accounts import store as accounts
from hub.outer import outside, pairing
from hub.outer.exchange import ByHttps
from hub.outer.pack_out import PackSender
from hub.outer.site_out import SiteSender
from hub.outer.standing_out import TicketSender
from hub.outer.web.face import create_outer_app
from hub.product import Hub
from hub.settings import Settings
from kernel.clock import StillClock
from tests.bot.citizens import AES_KEY, APPID, TOKEN
from tests.hub.office import Browser, Office, open_office


@dataclass
class Faces:
    """Both sides; `exchange` is one round of what the inside's duties do."""

    office: Office
    outer: Hub
    door: Browser
    site: SiteSender
    pack: PackSender
    tickets: TicketSender
    https: ByHttps

    @property
    def inner(self) -> Hub:
        """The inside's product."""
        return self.office.hub

    def exchange(self) -> int:
        """What is public goes out, and both sides take what waits; returns how many packets came in."""
        self.site.round()
        self.pack.round()
        self.tickets.round()
        return self.https.round()


@contextmanager
def open_faces(template: Path, folder: Path, clock: StillClock, **settings: Any) -> Iterator[Faces]:
    """A paired inside with a portal and a WeChat account, and its outer side, which has taken nothing yet."""
    for name in ("inner", "outer"):
        (folder / name).mkdir()
        shutil.copyfile(template, folder / name / "xuanda.db")
    url = f"sqlite:///{folder / 'inner' / 'xuanda.db'}"
    with open_office(url, folder / "inner", clock, outer_url="http://outer.test", **settings) as office:
        outer = outside.build(Settings(data=folder / "outer", public_url="http://outer.test", link_check=False), clock)
        door = Browser(create_outer_app(outer), base_url="http://outer.test")
        _settle(office)
        _pair(office.hub, outer)
        yield Faces(
            office,
            outer,
            door,
            SiteSender(office.hub.outer, office.hub.settings.site_folder),
            PackSender(office.hub.outer),
            TicketSender(office.hub.outer),
            ByHttps(office.hub.outer, door, "http://outer.test"),
        )
        outer.close()


def _settle(office: Office) -> None:
    with office.hub.works.write() as work:
        root = office.unit("root").id
        accounts.add(work, office.hub.seal, unit_id=root, channel="portal", name="宣州市政府网", code="portal")
        accounts.add(
            work,
            office.hub.seal,
            unit_id=root,
            channel="wechat",
            name="宣州发布",
            code="wx",
            action="mass_send",
            settings={"mode": "secure"},
            credentials={"appid": APPID, "secret": "never-leaves-the-house", "token": TOKEN, "aes_key": AES_KEY},
        )


def _pair(inner: Hub, outer: Hub) -> None:
    with inner.works.write() as work:
        invited = pairing.invite(work, inner.seal)
    with outer.works.write() as work:
        answer = pairing.join(work, outer.seal, invited)
    with inner.works.write() as work:
        pairing.accept(work, answer)


def opened(hub: Hub, sealed: str) -> dict[str, str]:
    """An account's credentials."""
    told: dict[str, str] = json.loads(hub.seal.open(sealed))
    return told
