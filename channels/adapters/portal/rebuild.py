"""The whole site drawn again from the database: page by page in place, going on where it was interrupted.

The folder's lock is held for some pages at a time, so that publishing goes on meanwhile, and what is drawn was read
under it. Several processes draw under one lock; should the first die, it ends when the last of them does. A file that
is older than the beginning belongs to nothing any more and is taken away at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, Any, Protocol, TypeAlias, TypeVar

from channels.adapters.portal import articles, feeds, files, front, lists, moves, open_data, shelves, state
from channels.adapters.portal.crew import Crew, crew
from channels.adapters.portal.feeds import PER_SITEMAP
from channels.adapters.portal.folder import Folder
from channels.adapters.portal.press import Press
from channels.base import AccountInfo, Catalogue, Entry, Former, Item, Placed, Tools

STATE = "/.rebuild"
# What one process draws at a time: articles, pages of a list, blocks of sitemap and open data.
AT_ONCE, CHUNKS, BLOCKS = 100, 25, 1
# Several have so many each under one lock: none waits for the others at every one, nor publishing for long.
TURNS = 3
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

    def let_go(self) -> None:
        """Closes what a process forked from this one must not inherit."""

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


@dataclass(frozen=True)
class _Articles:
    """The pages of a stretch of places."""

    slug: str
    first: int
    last: int
    last_chance: bool = False


@dataclass(frozen=True)
class _Lists:
    """Some pages that list a column's pieces: `part` names the function, `first` to `last` its pages."""

    slug: str
    part: str
    first: int
    last: int
    shelf: int = 0


@dataclass(frozen=True)
class _Done:
    """What came of a task: pages drawn, pieces left to their delivery, places to be tried again at the end."""

    pages: int = 0
    skipped: int = 0
    later: Sequence[int] = ()


_Task: TypeAlias = _Articles | _Lists
Hands: TypeAlias = "Crew[_Task, _Done]"
AnyTask = TypeVar("AnyTask")


class _StretchPress(Press):
    """Draws what stands in a stretch; which pages may be linked it learns from the database, not from the folder."""

    def __init__(self, account: AccountInfo, tools: Tools, folder: Folder, stretch: Stretch) -> None:
        super().__init__(account, replace(tools, catalogue=stretch.catalogue), folder)
        self._stretch = stretch

    def shows(self, path: str) -> bool:
        return self._stretch.shows(path)


class _ListPress(Press):
    """Draws lists while nobody else may write: what was asked once stays as it is."""

    def __init__(self, account: AccountInfo, tools: Tools, folder: Folder) -> None:
        super().__init__(account, tools, folder)
        self._found: dict[tuple[str, int, int], list[Entry]] = {}

    def entries(self, slug: str, first: int, last: int) -> list[Entry]:
        key = (slug, first, last)
        if key not in self._found:
            self._found[key] = super().entries(slug, first, last)
        return self._found[key]


class Rebuild:
    """One drawing of the whole site, by as many processes as there are `hands`."""

    def __init__(
        self, account: AccountInfo, tools: Tools, source: Source, tell: Callable[[Progress], None], hands: int = 1
    ) -> None:
        self.account = account
        self.tools = tools
        self.source = source
        self.tell = tell
        self.hands = hands
        self.folder = Folder(tools.site_folder)
        self.progress = Progress()
        self._later: list[_Articles] = []

    def run(self, *, anew: bool = False) -> Progress:
        """Draws everything; goes on where an earlier run was interrupted unless `anew`."""
        self.source.let_go()
        with self.folder.lock() as lock, crew(self._do, self.hands) as hands:
            done = self._begin(anew)
            for column in self.source.columns():
                self._articles(lock, hands, column, int(done.get(column["slug"], 0)))
            listing = [one for column in self.source.columns() for one in self._lists(column)]
            left: list[_Task] = [*self._later, *listing]
            for some in _batches(left, _together(hands)):
                self._all(lock, hands, some)
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

    def _articles(self, lock: IO[str], hands: Hands, column: Mapping[str, Any], done: int) -> None:
        slug, places = str(column["slug"]), int(column["places"])
        stretches = [
            _Articles(slug, first, min(first + AT_ONCE - 1, places)) for first in range(done + 1, places + 1, AT_ONCE)
        ]
        for some in _batches(stretches, _together(hands)):
            for stretch, done_there in zip(some, self._all(lock, hands, some), strict=True):
                self._later += [_Articles(slug, place, place, last_chance=True) for place in done_there.later]
                last = stretch.last
            self._note(slug, last)
            self.progress = replace(self.progress, column=str(column["name"]), place=last, places=places)
            self.tell(self.progress)

    def _all(self, lock: IO[str], hands: Hands, tasks: Sequence[_Task]) -> list[_Done]:
        """Does some tasks under one lock, so that nobody publishes between what they read and what they write."""
        with self.folder.locked(lock):
            found = hands.all(tasks)
        pages, skipped = sum(one.pages for one in found), sum(one.skipped for one in found)
        self.progress = replace(
            self.progress, pages=self.progress.pages + pages, skipped=self.progress.skipped + skipped
        )
        return found

    def _do(self, task: _Task) -> _Done:
        if isinstance(task, _Lists):
            return self._draw_lists(task)
        stretch = self.source.stretch(task.slug, task.first, task.last)
        press = _StretchPress(self.account, self.tools, self.folder, stretch)
        pages = skipped = 0
        later = []
        for standing in stretch.standings:
            if not standing.busy:
                pages += _page(press, standing)
            elif task.last_chance:  # Its delivery draws it when it is done; the old page stays until then.
                _spare(self.folder, standing)
                skipped += 1
            else:
                later.append(standing.place)
        return _Done(pages, skipped, later)

    def _note(self, slug: str, place: int) -> None:
        said = json.loads(self.folder.text(STATE))
        said["places"][slug] = place
        self.folder.write(STATE, json.dumps(said))

    def _lists(self, column: Mapping[str, Any]) -> Iterator[_Lists]:
        slug, places = str(column["slug"]), int(column["places"])
        if places:
            yield from _parts(_Lists(slug, "archive", 1, lists.chunk_of(places)), CHUNKS)
            yield from _parts(_Lists(slug, "blocks", 0, (places - 1) // PER_SITEMAP), BLOCKS)
        for shelf in self.tools.catalogue.shelves(slug):
            yield from _parts(_Lists(slug, "shelf", 1, lists.chunk_of(shelf.places), shelf.id), CHUNKS)
        yield _Lists(slug, "fronts", 0, 0)

    def _draw_lists(self, task: _Lists) -> _Done:
        press = _ListPress(self.account, self.tools, self.folder)
        # Asked for now: something may have been published since the tasks were made.
        column = self.tools.catalogue.column(task.slug)
        if task.part == "archive":
            return _Done(lists.draw_chunks(press, column, task.first, task.last))
        if task.part == "shelf":
            return _Done(shelves.draw_chunks(press, column, task.shelf, task.first, task.last))
        if task.part == "fronts":
            return _Done(_fronts(press, column))
        for block in range(task.first, task.last + 1):
            feeds.draw_block(press, task.slug, block)
            open_data.draw_block(press, column, block)
        return _Done()  # Sitemaps and data are no pages.

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


def _together(hands: Hands) -> int:
    """How many tasks are done under one lock."""
    return hands.hands * TURNS if hands.hands > 1 else 1


def _page(press: Press, standing: Standing) -> int:
    if standing.shown is not None:
        articles.draw_shown(press, *standing.shown)
    elif standing.withdrawn_at is not None:
        articles.take_back(press, standing.path, standing.phrase, standing.withdrawn_at, standing.unit)
        files.take_away(press, standing.piece_id)
    else:
        return 0
    for former in standing.formers:
        title = standing.shown[0].title if standing.shown else ""
        moves.mark(press, former.path, standing.path, title)
    return 1


def _spare(folder: Folder, standing: Standing) -> None:
    for path in (standing.path, f"{standing.path}.gone", f"{standing.path}.moved"):
        folder.keep(path)


def _fronts(press: Press, column: Mapping[str, Any]) -> int:
    """What is drawn of a column's newest: its front, the index of its shelves, its feed."""
    if column["places"]:
        feeds.draw_feeds(press, column)
    return lists.draw_front(press, column) + shelves.draw_index(press, column)


def _parts(whole: _Lists, size: int) -> Iterator[_Lists]:
    for first in range(whole.first, whole.last + 1, size):
        yield replace(whole, first=first, last=min(first + size - 1, whole.last))


def _batches(tasks: Sequence[AnyTask], size: int) -> Iterator[Sequence[AnyTask]]:
    for first in range(0, len(tasks), size):
        yield tasks[first : first + size]
