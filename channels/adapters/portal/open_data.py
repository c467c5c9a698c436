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

# The schema of every file: these, then the fields of the column's kind, always all of them and in this order.
LABELS = {
    "title": "标题", "url": "网址", "number": "发文字号", "status": "有效性（空为有效）", "published_at": "发布时间",
    "summary": "摘要",
}  # fmt: skip
FIELDS = tuple(LABELS)
# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def draw_column(press: Press, column: Mapping[str, Any], place: int) -> None:
    """Draws the block that names this place; what was withdrawn is not in it."""
    draw_block(press, column, (max(1, place) - 1) // PER_SITEMAP)


def draw_block(press: Press, column: Mapping[str, Any], block: int) -> None:
    """One block of a column's catalogue."""
    found = press.entries(column["slug"], block * PER_SITEMAP + 1, (block + 1) * PER_SITEMAP)
    elements = press.tools.catalogue.elements(column["slug"])
    values = press.tools.catalogue.element_values([entry.piece_id for entry in found]) if elements else {}
    rows = [_row(press, entry) | _elements(elements, values.get(entry.piece_id, {})) for entry in found]
    name = _name(column["slug"], block + 1)
    about: dict[str, Any] = {
        "column": column["name"],
        "publisher": press.site.sponsor,
        "licence_note": "转载请注明来源",
        "items": rows,
    }
    about["fields"] = dict([*LABELS.items(), *elements])
    press.folder.write(f"{name}.json", json.dumps(about, ensure_ascii=False, indent=1) + "\n")
    press.folder.write(f"{name}.csv", _csv([*FIELDS, *(name for name, _label in elements)], rows))


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


def _elements(elements: Sequence[tuple[str, str]], values: Mapping[str, str]) -> dict[str, str]:
    # A field of a kind that is called like one of every file's would change what a reader of the file relies on.
    return {name: values.get(name, "") for name, _label in elements if name not in LABELS}


def _csv(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(names)
    for row in rows:
        writer.writerow([f"'{row[name]}" if row[name].startswith(_FORMULA) else row[name] for name in names])
    return "\ufeff" + buffer.getvalue()
