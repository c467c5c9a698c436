"""办事指南 by audience, theme and department: shelves with fixed places, and the index that leads to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from channels.adapters.portal import lists
from channels.adapters.portal.press import Press
from channels.base import Entry, ShelfInfo
from templates.views import PortalColumn, PortalEntry, PortalGroup, PortalGuideIndex, PortalLink, PortalPage

FACETS = {"personal": "个人办事", "legal": "法人办事", "department": "按部门"}
_SHOWN = 6


def draw(press: Press, piece_id: int) -> None:
    """Draws the pages of the shelves that this piece stands on or stood on, and the index of their columns."""
    touched = press.tools.catalogue.shelves_of(piece_id)
    columns = {shelf.column: press.tools.catalogue.column(shelf.column) for shelf in touched}
    for shelf in touched:
        column = columns[shelf.column]
        last = lists.chunk_of(shelf.places)
        for chunk in sorted({lists.chunk_of(shelf.place), last, max(1, last - 1)}):
            _draw_page(press, column, shelf, chunk, last)
    for slug, column in columns.items():
        press.draw(f"/{slug}/index.html", "guides_index", index=_index(press, column))


def draw_chunks(press: Press, column: Mapping[str, Any], shelf_id: int, first: int, last: int) -> int:
    """Draws some pages of a shelf; returns how many."""
    shelf = next(one for one in press.shelves(column["slug"]) if one.id == shelf_id)
    for chunk in range(first, last + 1):
        _draw_page(press, column, shelf, chunk, lists.chunk_of(shelf.places))
    return last + 1 - first


def draw_index(press: Press, column: Mapping[str, Any]) -> int:
    """Draws the index of a column's shelves, where it has any; returns how many pages that was."""
    if not press.shelves(column["slug"]) and column["kind"] != "guide":
        return 0
    press.draw(f"/{column['slug']}/index.html", "guides_index", index=_index(press, column))
    return 1


def links(press: Press, facet: str, limit: int) -> list[PortalLink]:
    """The themes of an audience as links, over all columns."""
    found = [
        PortalLink(shelf.label, address(column["slug"], shelf))
        for column in press.columns
        if column["kind"] == "guide"
        for shelf in press.shelves(column["slug"])
        if shelf.facet == facet
    ]
    return found[:limit]


def address(slug: str, shelf: ShelfInfo) -> str:
    """The front of a shelf."""
    return f"/{slug}/{shelf.facet}-{shelf.id}/"


def _draw_page(press: Press, column: Mapping[str, Any], shelf: ShelfInfo, chunk: int, last: int) -> None:
    front = address(column["slug"], shelf)
    parent = lists.column_view(column)
    about = PortalColumn(
        name=f"{FACETS[shelf.facet]}：{shelf.label}",
        href=front,
        description=f"{column['name']}，{shelf.label}",
        keywords=shelf.label,
        kind=parent.kind,
        parents=[PortalLink(parent.name, parent.href)],
    )
    page = PortalPage(
        entries=[_line(entry, column) for entry in _entries(press, shelf, chunk)],
        newer_href=f"{front}page-{chunk + 1}.html" if chunk < last else front,
        older_href=f"{front}page-{chunk - 1}.html" if chunk > 1 else "",
        href=f"{front}page-{chunk}.html",
        chunk=chunk,
    )
    press.draw(f"{front}page-{chunk}.html", "column", column=about, page=page)
    if chunk == last:
        rest = [_line(entry, column) for entry in _entries(press, shelf, chunk - 1)] if chunk > 1 else []
        older = f"{front}page-{chunk - 2}.html" if chunk > 2 else ""
        whole = PortalPage(entries=[*page.entries, *rest], older_href=older)
        press.draw(f"{front}index.html", "column", column=about, page=whole)


def _index(press: Press, column: Mapping[str, Any]) -> PortalGuideIndex:
    shelves = press.shelves(column["slug"])
    groups = {facet: _groups(press, column, [one for one in shelves if one.facet == facet]) for facet in FACETS}
    faqs = next((one for one in press.columns if one["kind"] == "faq" and one["places"]), None)
    asked = lists.newest(press, faqs)[:8] if faqs else []
    return PortalGuideIndex(
        column=lists.column_view(column),
        personal=groups["personal"],
        legal=groups["legal"],
        departments=groups["department"],
        faqs=[PortalLink(entry.title, entry.href) for entry in asked],
        faqs_href=f"/{faqs['slug']}/" if faqs else "",
        total=int(column["places"]),
    )


def _groups(press: Press, column: Mapping[str, Any], shelves: Sequence[ShelfInfo]) -> list[PortalGroup]:
    found = []
    for shelf in shelves:
        entries = press.readable(press.tools.catalogue.shelf(shelf.id, max(1, shelf.places - 2 * _SHOWN), shelf.places))
        shown = [PortalLink(entry.title, entry.path) for entry in entries if not entry.expired][:_SHOWN]
        if shown:
            front = address(column["slug"], shelf)
            found.append(PortalGroup(shelf.label, shown, href=front, total=shelf.places))
    return found


def _entries(press: Press, shelf: ShelfInfo, chunk: int) -> list[Entry]:
    first = (chunk - 1) * lists.PER_PAGE + 1
    return press.readable(press.tools.catalogue.shelf(shelf.id, first, chunk * lists.PER_PAGE))


def _line(entry: Entry, column: Mapping[str, Any]) -> PortalEntry:
    return lists.line(entry, column)
