"""What every page of one act is drawn with: the site's frame, the catalogue, the templates and the folder."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from channels.adapters.portal.folder import Folder
from channels.adapters.portal.site import site_of
from channels.base import AccountInfo, Entry, ShelfInfo, Tools
from kernel.lazy import lazy
from templates.views import PortalSite


def between(entries: Sequence[Entry], first: int, last: int) -> Sequence[Entry]:
    """Those with these places, of entries that stand newest first."""
    begins = bisect_left(entries, -last, key=lambda entry: -entry.place)
    return entries[begins : bisect_right(entries, -first, lo=begins, key=lambda entry: -entry.place)]


class Press:
    """Draws pages of one site; made anew for every act, so that its menu is asked for once."""

    def __init__(self, account: AccountInfo, tools: Tools, folder: Folder) -> None:
        self.account = account
        self.tools = tools
        self.folder = folder
        self._shelves: dict[str, Sequence[ShelfInfo]] = {}
        self._expected: frozenset[str] = frozenset()
        self._looked_through: dict[str, tuple[int, int, Sequence[Entry]]] = {}

    def expect(self, paths: Iterable[str]) -> None:
        """These pages will stand when the act is over: they may be linked now."""
        self._expected = frozenset(paths)

    def look_through(self, slug: str, first: int, last: int) -> None:
        """Asks once for these places of a column; whoever wants some of them gets them from here."""
        found = self.tools.catalogue.page(slug, max(1, first), last)
        self._looked_through[slug] = (max(1, first), last, found)

    def look_up(self, piece_ids: Sequence[int]) -> None:
        """Asks once for what there is to know of these pieces; it stays as it is while the folder is locked."""
        self.tools = replace(self.tools, catalogue=self.tools.catalogue.about(piece_ids))

    @lazy
    def site(self) -> PortalSite:
        """The frame of every page."""
        return site_of(self.account, self.tools)

    @lazy
    def columns(self) -> Sequence[Mapping[str, Any]]:
        """All columns in the portal's order."""
        return self.tools.catalogue.columns()

    def draw(self, path: str, template: str, suffix: str = "html", /, **context: Any) -> None:
        """Draws a page and puts it in place."""
        text = self.tools.render(f"outbound/portal/{template}.{suffix}", site=self.site, **context)
        self.folder.write(path, text)

    def entries(self, slug: str, first: int, last: int) -> list[Entry]:
        """The pieces with these places of a column that can be read now, newest first.

        A place is given before its page is written, and a withdrawal is recorded after its page is: what has no
        page yet, or only a phrase, must not be linked.
        """
        return self.readable(self._placed(slug, first, last))

    def nearest(self, slug: str, first: int, last: int, *, but: str = "", oldest: bool = False) -> Entry | None:
        """Of the pieces with these places the newest that can be read, or the oldest, other than the one at `but`."""
        found = self._placed(slug, first, last)
        near = reversed(found) if oldest else found
        return next((entry for entry in near if entry.path != but and self.shows(entry.path)), None)

    def readable(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those whose page is there and not withdrawn."""
        return [entry for entry in entries if self.shows(entry.path)]

    def _placed(self, slug: str, first: int, last: int) -> Sequence[Entry]:
        since, until, known = self._looked_through.get(slug, (1, 0, ()))
        if since <= max(1, first) and last <= until:
            return between(known, first, last)
        return self.tools.catalogue.page(slug, max(1, first), last)

    def shows(self, path: str) -> bool:
        """Whether a page stands there that may be linked."""
        return path in self._expected or self.folder.shows(path)

    def shelves(self, slug: str) -> Sequence[ShelfInfo]:
        """The shelves of a column, asked for once."""
        if slug not in self._shelves:
            self._shelves[slug] = self.tools.catalogue.shelves(slug)
        return self._shelves[slug]
