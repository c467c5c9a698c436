"""The lists of a column: its front, and archive pages that hold fixed places and keep their addresses for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.adapters.portal.press import Press
from channels.base import Entry
from templates.views import PortalColumn, PortalEntry, PortalPage, PortalPicture

PER_PAGE = 20
LATEST = 20


def draw_column(press: Press, column: Mapping[str, Any], place: int) -> None:
    """Draws what lists the piece at this place of its column: two archive pages at most, and the front."""
    last = chunk_of(int(column["places"]))
    _draw_chunk(press, column, chunk_of(place), last)
    if chunk_of(place) != last:
        _draw_chunk(press, column, last, last)
    elif place == (last - 1) * PER_PAGE + 1 and last > 1:
        _draw_chunk(press, column, last - 1, last)  # Its neighbour has just come into being.
    if column["kind"] != "guide":  # Whose front is the index of its shelves.
        _draw_front(press, column, last)


def draw_chunks(press: Press, column: Mapping[str, Any], first: int, last: int) -> int:
    """Draws some archive pages of a column; returns how many."""
    press.look_through(column["slug"], (first - 1) * PER_PAGE + 1, last * PER_PAGE)
    for chunk in range(first, last + 1):
        _draw_chunk(press, column, chunk, chunk_of(int(column["places"])))
    return last + 1 - first


def draw_front(press: Press, column: Mapping[str, Any]) -> int:
    """Draws the front of a column; returns how many pages that was: that of guides is the index of their shelves."""
    if column["kind"] == "guide":
        return 0
    _draw_front(press, column, chunk_of(int(column["places"])))
    return 1


def draw_empty(press: Press) -> None:
    """A column that has nothing yet still stands in the menu, so its page must be there."""
    for column in press.columns:
        path = f"/{column['slug']}/index.html"
        if not column["places"] and not press.folder.has(path):
            press.draw(path, "column", column=column_view(column), page=PortalPage(entries=()))


def newest(press: Press, column: Mapping[str, Any]) -> list[PortalEntry]:
    """The newest pieces of a column, without those whose time has passed: they stay in the archive, marked."""
    places = int(column["places"])
    found = press.entries(column["slug"], places - LATEST + 1, places)
    return [line(entry, column) for entry in found if not entry.expired]


def line(entry: Entry, column: Mapping[str, Any]) -> PortalEntry:
    """A piece as a list shows it."""
    return PortalEntry(
        title=entry.title,
        href=entry.path,
        published_at=entry.published_at,
        summary=entry.summary,
        mark=entry.mark,
        number=entry.number,
        picture=PortalPicture(entry.picture, entry.picture_alt) if entry.picture else None,
        column=str(column["name"]),
        changed_at=entry.changed_at,
        piece=entry.piece_id,
    )


def column_view(column: Mapping[str, Any]) -> PortalColumn:
    """A column as its pages name it."""
    slug = column["slug"]
    return PortalColumn(
        name=column["name"],
        href=f"/{slug}/",
        description=column["description"],
        keywords=column["keywords"],
        kind=column["label"],
        rss_href=f"/{slug}/rss.xml",
        atom_href=f"/{slug}/atom.xml",
    )


def chunk_of(place: int) -> int:
    """Which archive page holds a place."""
    return (max(place, 1) - 1) // PER_PAGE + 1


def _draw_chunk(press: Press, column: Mapping[str, Any], chunk: int, last: int) -> None:
    slug = column["slug"]
    page = PortalPage(
        entries=_lines(press, column, chunk),
        number=1,
        newer_href=_page_path(slug, chunk + 1) if chunk < last else f"/{slug}/",
        older_href=_page_path(slug, chunk - 1) if chunk > 1 else "",
        href=_page_path(slug, chunk),
        chunk=chunk,
    )
    press.draw(_page_path(slug, chunk), "column", column=column_view(column), page=page)


def _draw_front(press: Press, column: Mapping[str, Any], last: int) -> None:
    slug = column["slug"]
    lines = _lines(press, column, last) + (_lines(press, column, last - 1) if last > 1 else [])
    older = _page_path(slug, last - 2) if last > 2 else ""
    page = PortalPage(entries=lines, number=1, older_href=older, total=len(lines))
    press.draw(f"/{slug}/index.html", "column", column=column_view(column), page=page)


def _lines(press: Press, column: Mapping[str, Any], chunk: int) -> list[PortalEntry]:
    first = (chunk - 1) * PER_PAGE + 1
    return [line(entry, column) for entry in press.entries(column["slug"], first, chunk * PER_PAGE)]


def _page_path(slug: str, chunk: int) -> str:
    return f"/{slug}/page-{chunk}.html"
