"""The whole site drawn again from the database: page by page in place, going on where it was interrupted.

The folder's lock is held for some pages at a time, so that publishing goes on meanwhile, and what is drawn was read
under it. A file that is older than the beginning belongs to nothing any more and is taken away at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from channels.adapters.portal import articles, feeds, front, lists, moves, open_data, shelves, state
from channels.adapters.portal.feeds import PER_SITEMAP
from channels.adapters.portal.folder import Folder
from channels.adapters.portal.press import Press
from channels.base import AccountInfo, Catalogue, Former, Item, Placed, Tools

STATE = "/.rebuild"
AT_ONCE = 100
# Written by others than the press, and not for a column.
KEPT = ("/.", state.PATH)


@dataclass(frozen=True)
class Standing:
    """How a piece stands at its place: shown, withdrawn, or `busy` while a delivery of it is on its way."""

    piece_id: int
    path: str
    place: int
    shown: tuple[Item, Placed] | None = None
    phrase: str = ""
    withdrawn_at: datetime | None = None
    unit: str = ""
    formers: Sequence[Former] = ()
    busy: bool = False


class Stretch(Protocol):
    """Some places of a column as they are now: its pieces, and a catalogue that answers about them without asking."""

    @property
    def standings(self) -> Sequence[Standing]:
        """The pieces that have these places."""

    @property
    def catalogue(self) -> Catalogue:
        """Answers about them, as it was read."""

    def shows(self, path: str) -> bool:
        """Whether the site shows that piece now, whatever lies in the folder."""


class Source(Protocol):
    """Where the whole site is read from."""

    def columns(self) -> Sequence[Mapping[str, Any]]:
        """All columns, also those that are no longer in the menu: their pages keep their addresses."""

    def stretch(self, slug: str, first: int, last: int) -> Stretch:
        """The places `first` to `last` of a column."""


@dataclass(frozen=True)
class Progress:
    """How far it is: which column, up to which of its places, pages drawn by this run, files taken away."""

    column: str = ""
    place: int = 0
    places: int = 0
    pages: int = 0
    removed: int = 0
    skipped: int = 0


class _StretchPress(Press):
    """Draws what stands in a stretch; which pages may be linked it learns from the database, not from the folder."""

    def __init__(self, account: AccountInfo, tools: Tools, folder: Folder, stretch: Stretch) -> None:
        super().__init__(account, replace(tools, catalogue=stretch.catalogue), folder)
        self._stretch = stretch

    def shows(self, path: str) -> bool:
        return self._stretch.shows(path)


class Rebuild:
    """One drawing of the whole site."""

    def __init__(self, account: AccountInfo, tools: Tools, source: Source, tell: Callable[[Progress], None]) -> None:
        self.account = account
        self.tools = tools
        self.source = source
        self.tell = tell
        self.folder = Folder(tools.site_folder)
        self.progress = Progress()
        self._later: list[tuple[str, int]] = []

    def run(self, *, anew: bool = False) -> Progress:
        """Draws everything; goes on where an earlier run was interrupted unless `anew`."""
        done = self._begin(anew)
        for column in self.source.columns():
            self._articles(column, int(done.get(column["slug"], 0)))
        for slug, place in self._later:
            self._draw(slug, place, place, last_chance=True)
        for column in self.source.columns():
            self._lists(column)
        with self.folder.locked():
            front.draw(Press(self.account, self.tools, self.folder))
        self._remove()
        return self.progress

    def _begin(self, anew: bool) -> Mapping[str, Any]:
        with self.folder.locked():
            said = self.folder.text(STATE)
            if said and not anew:
                done: Mapping[str, Any] = json.loads(said)["places"]
                return done
            # The file's own time is the beginning: it and the pages are written by one clock.
            self.folder.write("/.rebuild-begun", "")
            self.folder.write(STATE, json.dumps({"places": {}}))
        return {}

    def _articles(self, column: Mapping[str, Any], done: int) -> None:
        slug, places = str(column["slug"]), int(column["places"])
        for first in range(done + 1, places + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, places)
            self._draw(slug, first, last)
            self._note(slug, last)
            self.progress = replace(self.progress, column=str(column["name"]), place=last, places=places)
            self.tell(self.progress)

    def _draw(self, slug: str, first: int, last: int, *, last_chance: bool = False) -> None:
        with self.folder.locked():
            stretch = self.source.stretch(slug, first, last)
            press = _StretchPress(self.account, self.tools, self.folder, stretch)
            for standing in stretch.standings:
                if not standing.busy:
                    self._page(press, standing)
                elif last_chance:  # Its delivery draws it when it is done; the old page stays until then.
                    self._spare(standing)
                else:
                    self._later.append((slug, standing.place))

    def _page(self, press: Press, standing: Standing) -> None:
        if standing.shown is not None:
            articles.draw_shown(press, *standing.shown)
        elif standing.withdrawn_at is not None:
            articles.take_back(press, standing.path, standing.phrase, standing.withdrawn_at, standing.unit)
        else:
            return
        for former in standing.formers:
            title = standing.shown[0].title if standing.shown else ""
            moves.mark(press, former.path, standing.path, title)
        self.progress = replace(self.progress, pages=self.progress.pages + 1)

    def _spare(self, standing: Standing) -> None:
        for path in (standing.path, f"{standing.path}.gone", f"{standing.path}.moved"):
            self.folder.keep(path)
        self.progress = replace(self.progress, skipped=self.progress.skipped + 1)

    def _note(self, slug: str, place: int) -> None:
        said = json.loads(self.folder.text(STATE))
        said["places"][slug] = place
        self.folder.write(STATE, json.dumps(said))

    def _lists(self, column: Mapping[str, Any]) -> None:
        press = Press(self.account, self.tools, self.folder)
        steps = _steps(press, column)
        while True:
            with self.folder.locked():
                drawn = sum(1 for _ in islice(steps, AT_ONCE))
            self.progress = replace(self.progress, pages=self.progress.pages + drawn)
            if drawn < AT_ONCE:
                return

    def _remove(self) -> None:
        with self.folder.locked():
            begun = self.folder.moment("/.rebuild-begun")
            for path in list(self.folder.older_than(begun)):
                if not path.startswith(KEPT):
                    self.folder.remove(path)
                    self.progress = replace(self.progress, removed=self.progress.removed + 1)
            self.folder.sweep()
            self.folder.remove(STATE)
            self.folder.remove("/.rebuild-begun")
        self.tell(self.progress)


def _steps(press: Press, column: Mapping[str, Any]) -> Iterator[None]:
    yield from lists.draw_whole(press, column)
    yield from shelves.draw_whole(press, column)
    places = int(column["places"])
    for block in range(-(-places // PER_SITEMAP)):
        feeds.draw_block(press, column["slug"], block)
        yield
        open_data.draw_block(press, column, block)
        yield
    if places:
        feeds.draw_column(press, column, places)
        yield
