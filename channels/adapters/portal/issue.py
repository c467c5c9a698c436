"""An issue: several pieces published in one go, each page drawn once, and every list that names some of them once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from channels.adapters.portal import articles, feeds, front, lists, moves, open_data, shelves
from channels.adapters.portal.press import Press
from channels.base import Item

# New pieces stand side by side; where old ones are among them, each is asked about by itself.
WIDEST = 500


@dataclass(frozen=True)
class Fresh:
    """A piece about to be shown, with its place in its column."""

    item: Item
    place: int
    at: datetime

    @property
    def slug(self) -> str:
        """Its column's."""
        return str(self.item.content["column"]["slug"])


def draw(press: Press, pieces: Sequence[Fresh]) -> None:
    """Draws the pieces, what names them, and what lists them."""
    press.expect(one.item.content["path"] for one in pieces)
    press.look_up([one.item.piece_id for one in pieces])
    by_column: Mapping[str, list[Fresh]] = _by_column(pieces)
    for slug, fresh in by_column.items():
        places = [one.place for one in fresh]
        if max(places) - min(places) < WIDEST:
            press.look_through(slug, min(places) - articles.NEAR, max(places) + articles.NEAR)
        for one in fresh:
            articles.draw(press, one.item, one.place, articles.Times(one.at))
            moves.follow(press, one.item)
    articles.draw_around_all(press, [(one.item, one.place) for one in pieces])
    for slug, fresh in by_column.items():
        _draw_lists(press, slug, sorted(one.place for one in fresh))
    for one in pieces:
        shelves.draw(press, one.item.piece_id)
    front.draw(press)


def _draw_lists(press: Press, slug: str, places: Sequence[int]) -> None:
    column = press.tools.catalogue.column(slug)
    for place in _one_of_each(places, lists.PER_PAGE):
        lists.draw_column(press, column, place)
    for place in _one_of_each(places, feeds.PER_SITEMAP):
        feeds.draw_column(press, column, place)
        open_data.draw_column(press, column, place)


def _one_of_each(places: Iterable[int], size: int) -> list[int]:
    """The first of these places in every block of so many that has one."""
    first: dict[int, int] = {}
    for place in places:
        first.setdefault((max(place, 1) - 1) // size, place)
    return list(first.values())


def _by_column(pieces: Iterable[Fresh]) -> Mapping[str, list[Fresh]]:
    found: dict[str, list[Fresh]] = defaultdict(list)
    for one in pieces:
        found[one.slug].append(one)
    return found
