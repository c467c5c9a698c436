"""The running hub over the office of `tests.factories`: its people can log in and work at their desks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from content import public
from content.models import Release
from hub.auth.models import Credential
from hub.settings import Settings
from hub.web.app import create_app
from hub.wiring import build
from kernel.clock import Clock, SystemClock
from scheduler.models import Placement
from templates.engine import Engine
from tests.factories import Office, make_office
from tests.hub import office as web
from tests.hub.office import password_hash


class Present:
    """Whose clock the shared pages read; templates are compiled once for a whole run."""

    clock: Clock = SystemClock()


@cache
def pages(brought: tuple[tuple[str, Path], ...] = ()) -> Engine:
    """The engine of every newsroom with the same channels from outside."""
    return Engine(now=_now, outbound=dict(brought))


def _now() -> datetime:
    return Present.clock.now()


class Newsroom(web.Office):
    """A running hub and the office in it; `desk_of(login)` is that person's browser."""

    def __init__(self, hub: Any, app: Any, office: Office) -> None:
        super().__init__(hub, app)
        self.office = office

    def go_live(self, release: Release, *, on: str = "portal", url: str = "") -> None:
        """Shows a signed release on one account of the office, as the scheduler would."""
        account = self.office.accounts[on]
        with self.hub.works.write() as work:
            if on == "portal":
                public.reserve_place(work, release.id)
            public.went_live(work, release.id, work.now)
            work.session.add(
                Placement(
                    unit_id=release.unit_id, piece_id=release.piece_id, account_id=account.id, release_id=release.id,
                    revision_id=release.revision_id, state="live", url=url, live_at=work.now, changed_at=work.now,
                )
            )  # fmt: skip


@contextmanager
def open_newsroom(url: str, folder: Path, clock: Clock, **settings: Any) -> Iterator[Newsroom]:
    """The hub on a fresh database with the whole office, everybody with the same password."""
    hub = build(Settings(data=folder, database_url=url, **settings), clock)
    Present.clock, hub.pages = clock, pages(tuple(hub.pages.outbound.items()))
    office = make_office(hub.works, hub.blobs, hub.pages)
    with hub.works.write() as work:
        for person in office.people.values():
            work.session.add(Credential(person_id=person.id, hash=password_hash(), changed_at=work.now))
    yield Newsroom(hub, create_app(hub), office)
    hub.close()
