"""The pages of single pieces: drawn with their neighbours and linked pieces, and drawn again when those change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from channels.adapters.portal import files
from channels.adapters.portal.folder import GONE, MOVED
from channels.adapters.portal.press import Press
from channels.base import Item, Placed
from templates.views import Correction, PortalLink, PortalWithdrawn

NEAR = 20
MOST_CORRECTIONS = 20


@dataclass(frozen=True)
class Times:
    """When a page was first shown, when its words were last corrected, and what each correction changed."""

    published_at: datetime
    updated_at: datetime | None = None
    corrections: Sequence[Correction] = ()

    @property
    def told(self) -> dict[str, Any]:
        """The same as it is kept with the placement."""
        kept: dict[str, Any] = {"published_at": self.published_at.isoformat()}
        if self.updated_at:
            kept["updated_at"] = self.updated_at.isoformat()
        if self.corrections:
            kept["corrections"] = [[one.at.isoformat(), *one.parts] for one in self.corrections]
        return kept


def draw(press: Press, item: Item, place: int, times: Times) -> None:
    """Draws the item's page with its files; what it says of other pieces is what is public now."""
    files.put(press, item.piece_id, item.content)
    slug, path = item.content["column"]["slug"], item.content["path"]
    before = press.nearest(slug, place - NEAR, place - 1, but=path)
    after = press.nearest(slug, place + 1, place + NEAR, but=path, oldest=True)
    view = press.tools.catalogue.view(
        item,
        times.published_at,
        previous=PortalLink(before.title, before.path) if before else None,
        following=PortalLink(after.title, after.path) if after else None,
        updated_at=times.updated_at,
        corrections=times.corrections,
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
    draw(press, item, int(placed.data.get("place") or 0), times_of(placed, item, press.tools.clock.now()))


def take_back(press: Press, path: str, phrase: str, at: datetime, unit: str) -> None:
    """Puts the public phrase in the place of a page, with the marker that makes the server answer 410."""
    page = PortalWithdrawn(title="", phrase=phrase or "该内容已撤下。", withdrawn_at=at, unit=unit)
    press.draw(path, "withdrawn", page=page)
    press.folder.write(path + GONE, "")


def published_at(placed: Placed | None, item: Item, now: datetime) -> datetime:
    """When the piece was first shown here."""
    said = placed.data.get("published_at") or placed.data.get("live_at") if placed else None
    return datetime.fromisoformat(str(said)) if said else item.first_published_at or now


def times_of(placed: Placed | None, item: Item, now: datetime) -> Times:
    """What is recorded of a page that was drawn before."""
    data = placed.data if placed else {}
    said = data.get("updated_at")
    corrected = [Correction(datetime.fromisoformat(str(at)), parts) for at, *parts in data.get("corrections", ())]
    return Times(published_at(placed, item, now), datetime.fromisoformat(str(said)) if said else None, corrected)


def corrected(press: Press, times: Times, item: Item, now: datetime) -> Times:
    """The same once this item takes the place of what stands there; the newest corrections are told."""
    parts = press.tools.catalogue.changes(item, press.account.id)
    more = [Correction(now, parts)] if parts else []
    return replace(times, updated_at=now, corrections=[*times.corrections, *more][-MOST_CORRECTIONS:])
