"""What machines read of the site: feeds of the newest, and sitemaps in blocks of fixed places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from channels.adapters.portal import lists, shelves
from channels.adapters.portal.press import Press
from templates.views import PortalEntry

PER_SITEMAP = 500
FIXED = "/sitemap/pages.xml"
ROBOTS = "User-agent: *\nDisallow: /console\nDisallow: /api/\nSitemap: {address}/sitemap.xml\n"


def draw_column(press: Press, column: Mapping[str, Any], place: int) -> None:
    """The column's feed, and the block of its sitemap that names this place."""
    draw_feeds(press, column)
    draw_block(press, column["slug"], (place - 1) // PER_SITEMAP)


def draw_feeds(press: Press, column: Mapping[str, Any]) -> None:
    """The column's feed in both forms."""
    _feeds(press, f"/{column['slug']}/", str(column["name"]), lists.newest(press, column))


def draw_block(press: Press, slug: str, block: int) -> None:
    """One block of a column's sitemap; one that names nothing is no sitemap, and is taken away."""
    found = press.entries(slug, block * PER_SITEMAP + 1, (block + 1) * PER_SITEMAP)
    pages = [(entry.path, entry.as_of) for entry in found]
    path = f"/sitemap/{slug}-{block + 1}.xml"
    if pages:
        press.draw(path, "sitemap", "xml", pages=pages)
    else:
        press.folder.remove(path)


def draw_site(press: Press, entries: Sequence[PortalEntry]) -> None:
    """The site's own feed, the sitemap of its fixed pages, the index of all sitemaps, and where robots find that."""
    _feeds(press, "/", press.site.name, entries)
    blocks = [
        f"/sitemap/{column['slug']}-{block}.xml"
        for column in press.columns
        for block in range(1, -(-int(column["places"]) // PER_SITEMAP) + 1)
    ]
    press.draw(FIXED, "sitemap", "xml", pages=[(href, None) for href in _fixed(press)])
    named = [FIXED, *(path for path in blocks if press.folder.has(path))]
    press.draw("/sitemap.xml", "sitemap_index", "xml", blocks=named)
    press.folder.write("/robots.txt", ROBOTS.format(address=press.site.address))


def _fixed(press: Press) -> list[str]:
    """The front of the site and of every column and shelf, and the pages that lead to all of them."""
    fronts = [f"/{column['slug']}/" for column in press.columns]
    places = [
        shelves.address(column["slug"], shelf)
        for column in press.columns
        if column["kind"] == "guide"
        for shelf in press.shelves(column["slug"])
    ]
    return ["/", *fronts, *places, "/site-map.html", "/data/"]


def _feeds(press: Press, href: str, title: str, entries: Sequence[PortalEntry]) -> None:
    for kind in ("rss", "atom"):
        press.draw(
            f"{href}{kind}.xml", kind, "xml", title=title, href=href, self_href=f"{href}{kind}.xml", entries=entries
        )
