"""A portal of one office to write pages into, with what it wrote."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from channels.adapters.portal import PortalChannel, articles
from channels.adapters.portal.press import Press
from channels.base import Live, Placed, Post
from content import public
from content.models import Column, Piece, Release
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.work import Works
from scheduler.catalogue import DatabaseCatalogue
from scheduler.models import Placement
from scheduler.placements import placement_of
from scheduler.posts import item_of
from templates.engine import Engine
from tests.channels.harness import make_account, make_tools
from tests.factories import PORTAL, Office, make_office


@dataclass
class Site:
    """A portal of one office, with what it wrote."""

    office: Office
    clock: StillClock
    folder: Path
    channel: PortalChannel
    written: list[str] = field(default_factory=list)

    def post(self, release: Release, action: str = "publish", **more: Any) -> Post:
        """A post of one release."""
        with self.office.works.read() as work:
            piece = work.session.get_one(Piece, release.piece_id)
            item = item_of(work.session.get_one(Release, release.id), piece, "portal", PORTAL)
        return Post(key="k", action=action, items=[item], **more)  # type: ignore[arg-type]  # One of the actions.

    def publish(self, release: Release) -> Live:
        """Publishes and records it, as the scheduler does."""
        live = self.channel.publish(self.post(release))
        with self.office.works.write() as work:
            public.went_live(work, release.id, work.now)
            shown = live.shown[release.piece_id]
            place = placement_of(work.session, release.piece_id, self.channel.account.id) or Placement(
                unit_id=release.unit_id, piece_id=release.piece_id, account_id=self.channel.account.id, live_at=work.now
            )
            place.release_id, place.revision_id, place.state = release.id, release.revision_id, "live"
            place.data, place.changed_at, place.url = dict(shown.data), work.now, shown.url
            work.session.add(place)
        return live

    def correct(self, release: Release) -> Live:
        """Shows a further release where the piece stands, and records it."""
        with self.office.works.read() as work:
            place = placement_of(work.session, release.piece_id, self.channel.account.id)
        assert place is not None
        placed = {release.piece_id: Placed(release.piece_id, place.remote_id, place.url, place.data)}
        live = self.channel.correct(self.post(release, "correct", placed=placed))
        with self.office.works.write() as work:
            public.went_live(work, release.id, work.now)
            place = placement_of(work.session, release.piece_id, self.channel.account.id)
            assert place is not None
            place.release_id, place.revision_id = release.id, release.revision_id
            place.data = dict(live.shown[release.piece_id].data)
        return live

    def redraw(self, piece_id: int) -> None:
        """Draws a page again from what is recorded of it."""
        articles.redraw(Press(self.channel.account, self.channel.tools, self.channel.folder), piece_id)

    def withdraw(self, release: Release, phrase: str) -> None:
        """Takes a piece back, and records it."""
        self.channel.withdraw(self.post(release, "withdraw", phrase=phrase))
        with self.office.works.write() as work:
            public.withdrawn(work, release.piece_id, work.now, phrase)
            place = placement_of(work.session, release.piece_id, self.channel.account.id)
            assert place is not None
            place.state, place.withdrawn_at = "withdrawn", work.now

    def column(self, slug: str, name: str, kind: str = "notice") -> Column:
        """Another column of the bureau."""
        with self.office.works.write() as work:
            column = Column(unit_id=self.office.bureau.id, slug=slug, name=name, kind=kind)
            work.session.add(column)
            work.session.flush()
            self.office.columns[slug] = column
        return column

    def released(self, **words: Any) -> Release:
        """A release for the portal; whether it is signed is not the adapter's to ask."""
        return self.office.submit(self.office.piece(**words).id, "portal")

    def text(self, path: str) -> str:
        """A page as a reader gets it."""
        return (self.folder / path.lstrip("/")).read_text("utf-8")

    def files(self) -> dict[str, tuple[int, int]]:
        """Every file with its moment of writing and its number on disk, which tell whether it was written anew."""
        return {
            str(path.relative_to(self.folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
            for path in self.folder.rglob("*")
            if path.is_file() and path.name != ".lock"
        }


@contextmanager
def open_site(works: Works, clock: StillClock, folder: Path, pages: Engine) -> Iterator[Site]:
    """The office's portal in an empty folder."""
    blobs = Blobs(folder / "files")
    office = make_office(works, blobs, pages)
    root = folder / "site"
    tools = make_tools(
        clock=clock,
        files=blobs,
        catalogue=DatabaseCatalogue(works),
        render=pages.render,
        site_folder=root,
        public_url=PORTAL,
    )
    account = make_account("portal", settings={"sponsor": "云州市人民政府", "id_code": "3601000001"})
    account = replace(account, id=office.accounts["portal"].id)
    yield Site(office, clock, root, PortalChannel(account, tools))
    tools.http.close()
