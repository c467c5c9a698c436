"""The portal's pieces read a stretch of places at a time, so that a whole site asks little of the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.adapters.portal.press import between
from channels.adapters.portal.rebuild import Standing
from channels.base import Entry, Item
from content import relations
from content.models import Column, Piece, PublicPiece, Release
from kernel.people import Unit
from kernel.work import Works
from scheduler.catalogue import DatabaseCatalogue, about_column, entry_of, formers_of, unlinked_view
from scheduler.elsewhere import PORTAL
from scheduler.models import Delivery, DeliveryItem, Placement
from scheduler.posts import item_of, placed_of
from scheduler.states import DeliveryState, PlacementState
from templates.views import PortalItem

# How far before and after a stretch its neighbours are looked for; the portal's own reach.
NEAR = 20


class WholeSite:
    """What stands on one portal, as its account's placements say."""

    def __init__(self, works: Works, account_id: int) -> None:
        self.works = works
        self.account_id = account_id

    def let_go(self) -> None:
        """Closes the connections, which a process forked from this one must not inherit; they open again when asked."""
        self.works.engine.dispose()

    def columns(self) -> Sequence[Mapping[str, Any]]:
        """All columns, also those that are no longer in the menu."""
        with self.works.read() as work:
            query = select(Column).order_by(Column.position, Column.id)
            return [about_column(column) for column in work.session.scalars(query)]

    def stretch(self, slug: str, first: int, last: int) -> LoadedStretch:
        """The places `first` to `last` of a column, read now."""
        return LoadedStretch(self.works, self.account_id, slug, first, last)


class LoadedStretch(DatabaseCatalogue):
    """A stretch, and the catalogue over it; what lies outside it is asked of the database as ever."""

    def __init__(self, works: Works, account_id: int, slug: str, first: int, last: int) -> None:
        super().__init__(works)
        self.account_id, self.slug = account_id, slug
        self.reach = (first - NEAR, last + NEAR)
        self._live: dict[str, bool] = {}
        with works.read() as work:
            self._load(work.session, work.now, first, last)

    @property
    def catalogue(self) -> LoadedStretch:
        """Itself."""
        return self

    def shows(self, path: str) -> bool:
        """Whether a placement says that the piece of this address shows."""
        if path not in self._live:
            with self.works.read() as work:
                query = _placed(self.account_id).where(PublicPiece.path == path)
                self._live[path] = work.session.execute(query.limit(1)).first() is not None
        return self._live[path]

    def page(self, slug: str, first: int, last: int) -> Sequence[Entry]:
        """The column's pieces with these places, newest first."""
        if slug != self.slug or first < max(1, self.reach[0]) or last > self.reach[1]:
            return super().page(slug, first, last)
        return between(self._entries, first, last)

    def view(self, item: Item, published_at: datetime, **more: Any) -> PortalItem:
        """The item as the portal's templates show it; only what is linked asks the database."""
        if item.piece_id in self._linked:
            return super().view(item, published_at, **more)
        return unlinked_view(item, self._rows[item.piece_id], published_at, **more)

    def _load(self, session: Session, now: datetime, first: int, last: int) -> None:
        column_id = session.scalars(select(Column.id).where(Column.slug == self.slug)).one()
        rows = session.scalars(
            select(PublicPiece)
            .where(PublicPiece.column_id == column_id, PublicPiece.place.between(*self.reach))
            .order_by(PublicPiece.place.desc())
        ).all()
        self._entries = [entry_of(row, now, row.place) for row in rows if row.withdrawn_at is None]
        self._rows = {row.piece_id: row for row in rows if first <= (row.place or 0) <= last}
        here = (PublicPiece.column_id == column_id, PublicPiece.place.between(*self.reach))
        query = _placed(self.account_id).where(*here)
        placed = {place.piece_id: (place, path) for place, path in session.execute(query)}
        self._live.update({row.path: row.piece_id in placed for row in rows})
        ids = list(self._rows)
        self._linked = relations.linked_among(session, ids)
        self.standings = self._standings(session, {one: place for one, (place, _path) in placed.items()})

    def _standings(self, session: Session, placed: Mapping[int, Placement]) -> list[Standing]:
        ids = list(self._rows)
        releases = _by_id(session, Release, [placed[one].release_id for one in ids if one in placed])
        pieces = _by_id(session, Piece, ids)
        units = {unit.id: unit.name for unit in session.scalars(select(Unit))}
        formers = formers_of(session, ids)
        busy = _busy(session, self.account_id, ids)
        found = []
        for row in sorted(self._rows.values(), key=lambda one: one.place or 0):
            place = placed.get(row.piece_id)
            shown = None
            if place is not None:
                release = releases[place.release_id]
                at = placed_of(place)
                item = item_of(release, pieces[row.piece_id], PORTAL, "")
                shown = (item, replace(at, data={**at.data, "place": row.place or 0}))
            found.append(
                Standing(
                    row.piece_id,
                    str(shown[0].content["path"]) if shown else row.path,
                    row.place or 0,
                    shown,
                    row.withdrawn_phrase,
                    row.withdrawn_at,
                    units[row.unit_id],
                    formers.get(row.piece_id, ()),
                    row.piece_id in busy,
                )
            )
        return found


def _placed(account_id: int) -> Any:
    return (
        select(Placement, PublicPiece.path)
        .join(PublicPiece, PublicPiece.piece_id == Placement.piece_id)
        .where(Placement.account_id == account_id, Placement.state != PlacementState.WITHDRAWN)
    )


def _by_id(session: Session, model: Any, ids: Sequence[int]) -> dict[int, Any]:
    return {row.id: row for row in session.scalars(select(model).where(model.id.in_(ids)))}


def _busy(session: Session, account_id: int, ids: Sequence[int]) -> set[int]:
    """The pieces of which a delivery is on its way: what it draws is not recorded yet."""
    query = (
        select(DeliveryItem.piece_id)
        .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
        .where(
            Delivery.account_id == account_id,
            Delivery.state.in_((DeliveryState.SENDING, DeliveryState.UNKNOWN)),
            DeliveryItem.piece_id.in_(ids),
        )
    )
    return set(session.scalars(query))
