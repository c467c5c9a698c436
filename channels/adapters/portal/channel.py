"""The adapter for one portal: publishing, correcting and withdrawing are pages drawn into its folder.

A publish writes the article and the few pages that list it, so its cost does not grow with the site. Every act is
repeatable: writing the same page twice leaves the same page, so a lost answer is settled by doing it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters.portal import feeds, front, lists
from channels.adapters.portal.folder import GONE, Folder
from channels.adapters.portal.press import Press
from channels.adapters.portal.site import SETTINGS, site_of
from channels.base import Channel, Item, Limits, Live, Placed, Post, Setting, Settlement, Shown
from templates.views import PortalItem, PortalLink, PortalSite, PortalWithdrawn


class PortalChannel(Channel, Rehearsing):
    """The adapter for one portal; `tools.site_folder` is where its pages go."""

    name: ClassVar[str] = "portal"
    label: ClassVar[str] = "门户网站"
    limits: ClassVar[Limits] = Limits(
        style="page",
        title=300,
        items=1,
        can=frozenset({"correct", "withdraw", "refresh"}),
        notes=("发布后可随时更正、撤稿；撤稿后原地址保留说明。",),
    )
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """A folder of its own, which only the console shows."""
        return StandIn(settings=seed.settings)

    @property
    def folder(self) -> Folder:
        """The site's pages."""
        return Folder(Path(self.tools.site_folder))

    def site(self) -> PortalSite:
        """The site's name, menu and marks, for pages that are not written to its folder."""
        return site_of(self.account, self.tools)

    def publish(self, post: Post) -> Live:
        """Writes the item's page and every page that lists it."""
        item = post.items[0]
        published_at = item.first_published_at or self.tools.clock.now()
        return self._show(item, published_at, updated_at=None)

    def reconcile(self, post: Post) -> Settlement:
        """Doing it again is asking: the pages come out the same."""
        if post.action == "withdraw":
            self.withdraw(post)
            return Live()
        return self.publish(post) if post.action == "publish" else self.correct(post)

    def correct(self, post: Post) -> Live:
        """Writes the new revision at the same address, with the time of the change unless it is only redrawn."""
        item = post.items[0]
        published_at = self._published_at(post.placed.get(item.piece_id), item)
        updated_at = self.tools.clock.now() if post.action == "correct" else None
        return self._show(item, published_at, updated_at)

    def withdraw(self, post: Post) -> Live:
        """Replaces the page by a public phrase; a marker beside it makes the server answer 410."""
        item = post.items[0]
        page = PortalWithdrawn(
            title="",
            phrase=post.phrase or "该内容已撤下。",
            withdrawn_at=self.tools.clock.now(),
            unit=item.content["unit"],
        )
        press = self._press()
        with press.folder.locked():
            path = item.content["path"]
            press.draw(path, "withdrawn", page=page)
            press.folder.write(path + GONE, "")
            _draw_lists(press, item, self.tools.catalogue.reserve(item))
        return Live()

    def _press(self) -> Press:
        return Press(self.account, self.tools, self.folder)

    def _show(self, item: Item, published_at: datetime, updated_at: datetime | None) -> Live:
        press = self._press()
        path = item.content["path"]
        with press.folder.locked():
            place = self.tools.catalogue.reserve(item)
            _copy_files(press, item.content)
            earlier = press.entries(item.content["column"]["slug"], place - lists.PER_PAGE, place - 1)
            before = [entry for entry in earlier if entry.path != path]
            previous = PortalLink(before[0].title, before[0].path) if before else None
            view: PortalItem = self.tools.catalogue.view(item, published_at, previous=previous, updated_at=updated_at)
            press.draw(path, item.content["kind"], item=view)
            press.folder.remove(path + GONE)
            _draw_lists(press, item, place)
        data = {"published_at": published_at.isoformat()}
        return Live({item.piece_id: Shown(path, f"{self.tools.public_url}{path}", data)})

    def _published_at(self, placed: Placed | None, item: Item) -> datetime:
        said = placed.data.get("published_at") or placed.data.get("live_at") if placed else None
        return datetime.fromisoformat(str(said)) if said else item.first_published_at or self.tools.clock.now()


def _draw_lists(press: Press, item: Item, place: int) -> None:
    column = press.tools.catalogue.column(item.content["column"]["slug"])
    lists.draw_column(press, column, place)
    feeds.draw_column(press, column, place)
    front.draw(press)


def _copy_files(press: Press, content: Mapping[str, Any]) -> None:
    for sha256, about in content["pictures"].items():
        suffix = "png" if about["media_type"] == "image/png" else "jpg"
        _copy(press, f"/media/{sha256}.{suffix}", sha256)
    for file in content["attachments"]:
        _copy(press, file["href"], file["sha256"])


def _copy(press: Press, path: str, sha256: str) -> None:
    if not press.folder.has(path):
        press.folder.write_bytes(path, press.tools.files.get(sha256))
