"""Open data: every column's catalogue as JSON and CSV in blocks of fixed places, and a page that describes them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from channels.adapters.portal.feeds import PER_SITEMAP
from channels.adapters.portal.press import Press
from channels.base import Entry
from templates.views import PortalGroup, PortalLink

FIELDS = ("title", "url", "number", "status", "published_at", "summary")
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def draw_column(press: Press, column: Mapping[str, Any], place: int) -> None:
    """Draws the block that names this place; what was withdrawn is not in it."""
    draw_block(press, column, (max(1, place) - 1) // PER_SITEMAP)


def draw_block(press: Press, column: Mapping[str, Any], block: int) -> None:
    """One block of a column's catalogue."""
    found = press.entries(column["slug"], block * PER_SITEMAP + 1, (block + 1) * PER_SITEMAP)
    rows = [_row(press, entry) for entry in found]
    name = _name(column["slug"], block + 1)
    about = {"column": column["name"], "publisher": press.site.sponsor, "licence_note": "转载请注明来源", "items": rows}
    press.folder.write(f"{name}.json", json.dumps(about, ensure_ascii=False, indent=1) + "\n")
    press.folder.write(f"{name}.csv", _csv(rows))


def draw_index(press: Press) -> None:
    """The page that says what there is, in which form and with which fields."""
    groups = []
    for column in press.columns:
        blocks = range(1, -(-int(column["places"]) // PER_SITEMAP) + 1)
        links = [
            PortalLink(f"第 {block} 部分（{kind.upper()}）", f"{_name(column['slug'], block)}.{kind}")
            for block in blocks
            for kind in ("json", "csv")
        ]
        if links:
            groups.append(PortalGroup(column["name"], links, icon="download"))
    press.draw("/data/index.html", "open_data", groups=groups)


def _name(slug: str, block: int) -> str:
    return f"/data/{slug}-{block}"


def _row(press: Press, entry: Entry) -> dict[str, str]:
    return {
        "title": entry.title,
        "url": f"{press.tools.public_url}{entry.path}",
        "number": entry.number,
        "status": entry.mark,
        "published_at": entry.published_at.isoformat(timespec="seconds"),
        "summary": entry.summary,
    }


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(FIELDS)
    for row in rows:
        writer.writerow([f"'{row[name]}" if row[name].startswith(_FORMULA) else row[name] for name in FIELDS])
    return "\ufeff" + buffer.getvalue()
