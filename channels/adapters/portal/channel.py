"""The adapter for one portal: publishing, correcting and withdrawing are pages drawn into its folder.

A publish writes the article and the few pages that list it, so its cost does not grow with the site. Every act is
repeatable: writing the same page twice leaves the same page, so a lost answer is settled by doing it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.abilities.together import Together
from channels.adapters.portal import articles, feeds, files, front, issue, lists, moves, open_data, shelves
from channels.adapters.portal.articles import Times
from channels.adapters.portal.folder import Folder
from channels.adapters.portal.press import Press
from channels.adapters.portal.site import SETTINGS, site_of
from channels.base import Channel, Item, Limits, Live, Post, Setting, Settlement, Shown
from templates.views import PortalSite


class PortalChannel(Channel, Rehearsing, Together):
    """The adapter for one portal; `tools.site_folder` is where its pages go."""

    name: ClassVar[str] = "portal"
    label: ClassVar[str] = "门户网站"
    limits: ClassVar[Limits] = Limits(
        style="page",
        title=300,
        items=1,
        can=frozenset({"correct", "withdraw", "refresh"}),
        by_column=True,
        notes=("发布后可随时更正、撤稿；撤稿后原地址保留说明。",),
    )
    settings: ClassVar[tuple[Setting, ...]] = SETTINGS
    # In about a second, so that others who draw need not wait long for the folder.
    most_together: ClassVar[int] = 50

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
        return self._show(self._press(), item, Times(published_at))

    def publish_together(self, posts: Sequence[Post]) -> Sequence[Live]:
        """Writes the pages of all these items, and every page that lists some of them once."""
        items = [post.items[0] for post in posts]
        times = [item.first_published_at or self.tools.clock.now() for item in items]
        press = self._press()
        with press.folder.locked():
            places = self.tools.catalogue.reserve_all(items)
            issue.draw(press, [issue.Fresh(*one) for one in zip(items, places, times, strict=True)])
        return [self._shown(item, Times(at)) for item, at in zip(items, times, strict=True)]

    def reconcile(self, post: Post) -> Settlement:
        """Doing it again is asking: the pages come out the same."""
        if post.action == "withdraw":
            self.withdraw(post)
            return Live()
        return self.publish(post) if post.action == "publish" else self.correct(post)

    def correct(self, post: Post) -> Live:
        """Writes the new revision at the same address, with what changed and when unless it is only redrawn."""
        item, press, now = post.items[0], self._press(), self.tools.clock.now()
        times = articles.times_of(post.placed.get(item.piece_id), item, now)
        if post.action == "correct":
            times = articles.corrected(press, times, item, now)
        return self._show(press, item, times)

    def withdraw(self, post: Post) -> Live:
        """Replaces the page by a public phrase; a marker beside it makes the server answer 410."""
        item = post.items[0]
        press = self._press()
        with press.folder.locked():
            articles.take_back(
                press, item.content["path"], post.phrase, self.tools.clock.now(), str(item.content["unit"])
            )
            files.take_away(press, item.piece_id)
            place = self.tools.catalogue.reserve(item)
            articles.draw_around(press, item, place)
            _draw_lists(press, item, place)
        return Live()

    def _press(self) -> Press:
        return Press(self.account, self.tools, self.folder)

    def _show(self, press: Press, item: Item, times: Times) -> Live:
        with press.folder.locked():
            place = self.tools.catalogue.reserve(item)
            articles.draw(press, item, place, times)
            moves.follow(press, item)
            articles.draw_around(press, item, place)
            _draw_lists(press, item, place)
        return self._shown(item, times)

    def _shown(self, item: Item, times: Times) -> Live:
        path = item.content["path"]
        return Live({item.piece_id: Shown(path, f"{self.tools.public_url}{path}", times.told)})


def _draw_lists(press: Press, item: Item, place: int) -> None:
    column = press.tools.catalogue.column(item.content["column"]["slug"])
    lists.draw_column(press, column, place)
    shelves.draw(press, item.piece_id)
    feeds.draw_column(press, column, place)
    open_data.draw_column(press, column, place)
    front.draw(press)
