"""The pages of single pieces: drawn with their neighbours and linked pieces, and drawn again when those change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from channels.adapters.portal import files
from channels.adapters.portal.folder import GONE, MOVED
from channels.adapters.portal.press import Press
from channels.base import Item, Placed
from templates.views import PortalLink, PortalWithdrawn

NEAR = 20


def draw(press: Press, item: Item, place: int, published_at: datetime, updated_at: datetime | None) -> None:
    """Draws the item's page with its files; what it says of other pieces is what is public now."""
    files.put(press, item.piece_id, item.content)
    slug, path = item.content["column"]["slug"], item.content["path"]
    before = press.nearest(slug, place - NEAR, place - 1, but=path)
    after = press.nearest(slug, place + 1, place + NEAR, but=path, oldest=True)
    view = press.tools.catalogue.view(
        item,
        published_at,
        previous=PortalLink(before.title, before.path) if before else None,
        following=PortalLink(after.title, after.path) if after else None,
        updated_at=updated_at,
        shows=press.shows,
    )
    press.draw(path, item.content["kind"], item=view)
    press.folder.remove(path + GONE)
    press.folder.remove(path + MOVED)


def draw_around(press: Press, item: Item, place: int) -> None:
    """Draws again what names this piece: its neighbours in the column, and the pieces linked with it."""
    draw_around_all(press, [(item, place)])


def draw_around_all(press: Press, placed: Sequence[tuple[Item, int]]) -> None:
    """Draws again what names some of these pieces, which stand drawn themselves."""
    wanted: dict[int, None] = {}
    for item, place in placed:
        near = _near(press, item.content["column"]["slug"], place)
        wanted.update(dict.fromkeys([*near, *press.tools.catalogue.linked(item.piece_id)]))
    own = {item.piece_id for item, _place in placed}
    for piece_id in wanted:
        if piece_id not in own:
            redraw(press, piece_id)


def draw_near(press: Press, slug: str, place: int) -> None:
    """Draws the neighbours of a place of a column again, which somebody has left."""
    for piece_id in _near(press, slug, place):
        redraw(press, piece_id)


def _near(press: Press, slug: str, place: int) -> list[int]:
    before = press.nearest(slug, place - NEAR, place - 1)
    after = press.nearest(slug, place + 1, place + NEAR, oldest=True)
    return [entry.piece_id for entry in (before, after) if entry]


def redraw(press: Press, piece_id: int) -> bool:
    """Draws a piece's page again as it shows now; False where it does not show."""
    found = press.tools.catalogue.shown(piece_id, press.account.id)
    if found is None or not press.shows(found[0].content["path"]):
        return False
    draw_shown(press, *found)
    return True


def draw_shown(press: Press, item: Item, placed: Placed) -> None:
    """Draws the page of a piece from what is recorded of it."""
    now = press.tools.clock.now()
    draw(press, item, int(placed.data.get("place") or 0), published_at(placed, item, now), updated_at(placed))


def take_back(press: Press, path: str, phrase: str, at: datetime, unit: str) -> None:
    """Puts the public phrase in the place of a page, with the marker that makes the server answer 410."""
    page = PortalWithdrawn(title="", phrase=phrase or "该内容已撤下。", withdrawn_at=at, unit=unit)
    press.draw(path, "withdrawn", page=page)
    press.folder.write(path + GONE, "")


def published_at(placed: Placed | None, item: Item, now: datetime) -> datetime:
    """When the piece was first shown here."""
    said = placed.data.get("published_at") or placed.data.get("live_at") if placed else None
    return datetime.fromisoformat(str(said)) if said else item.first_published_at or now


def updated_at(placed: Placed | None) -> datetime | None:
    """When its words were last corrected here."""
    said = placed.data.get("updated_at") if placed else None
    return datetime.fromisoformat(str(said)) if said else None
