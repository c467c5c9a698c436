"""What the portal's adapter may ask about other pieces, answered from the public table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import Entry, Former, Item, Placed, ShelfInfo
from content import corrections, public, relations
from content.kinds import kind_of
from content.models import Column, Piece, PublicPiece, Release, Shelf, ShelfPlace
from content.snapshot import item_view
from content.standing import content_now, fields_now
from kernel.work import Works
from scheduler.models import Place, Placement, RehearsedPlacement
from scheduler.placements import place_on
from scheduler.posts import item_of, placed_of
from scheduler.states import PlacementState
from templates.views import PortalItem


class DatabaseCatalogue:
    """The catalogue over the hub's database; each question is a work of its own.

    What stands on an account is told by the placements of one kind: real ones, or those of a rehearsal.
    """

    places: type[Place] = Placement

    def __init__(self, works: Works) -> None:
        self.works = works

    def reserve(self, item: Item) -> int:
        """The item's place in its column, given once."""
        with self.works.write() as work:
            return public.reserve_place(work, item.release_id).place or 0

    def reserve_all(self, items: Sequence[Item]) -> Sequence[int]:
        """The place of each of these items, given in their order."""
        with self.works.write() as work:
            rows = public.reserve_places(work, [item.release_id for item in items])
            return [row.place or 0 for row in rows]

    def about(self, piece_ids: Sequence[int]) -> DatabaseCatalogue:
        """The catalogue with what there is to know of these pieces now, read for all of them at once."""
        return KnownPieces(self.works, piece_ids)

    def column(self, slug: str) -> Mapping[str, Any]:
        """The column's names and how many places it has given out."""
        with self.works.read() as work:
            return about_column(work.session.scalars(select(Column).where(Column.slug == slug)).one())

    def columns(self) -> Sequence[Mapping[str, Any]]:
        """All active columns in the portal's order."""
        with self.works.read() as work:
            query = select(Column).where(Column.active.is_(True)).order_by(Column.position, Column.id)
            return [about_column(column) for column in work.session.scalars(query)]

    def page(self, slug: str, first: int, last: int) -> Sequence[Entry]:
        """The column's pieces with these places, newest first."""
        with self.works.read() as work:
            column_id = work.session.scalar(select(Column.id).where(Column.slug == slug))
            if column_id is None:
                return []
            return [entry_of(row, work.now, row.place) for row in public.listed(work.session, column_id, first, last)]

    def view(self, item: Item, published_at: datetime, **more: Any) -> PortalItem:
        """The item as the portal's templates show it, with the pieces it names and is named by as they are now."""
        shows = more.pop("shows", lambda _path: True)
        with self.works.read() as work:
            related = _related(work.session, item.piece_id, work.now, shows)
            content = content_now(work.session.get(PublicPiece, item.piece_id), item.content)
        return item_view(content, published_at=published_at, body=item.html or None, related=related, **more)

    def linked(self, piece_id: int) -> Sequence[int]:
        """The public pieces that this one names or that name it."""
        with self.works.read() as work:
            found = [*relations.linked_to(work.session, piece_id), *relations.linked_from(work.session, piece_id)]
            return list(dict.fromkeys(row.piece_id for row in found))

    def shown(self, piece_id: int, account_id: int) -> tuple[Item, Placed] | None:
        """A piece as it shows on an account now: the release that is placed there, and with which times."""
        with self.works.read() as work:
            place = place_on(work.session, self.places, piece_id, account_id)
            if place is None or place.state == PlacementState.WITHDRAWN:
                return None
            release = work.session.get_one(Release, place.release_id)
            piece = work.session.get_one(Piece, piece_id)
            account = work.session.get_one(Account, account_id)
            public_row = work.session.get(PublicPiece, piece_id)
            placed = placed_of(place)
            known = {**placed.data, "place": public_row.place if public_row else 0}
            return item_of(release, piece, account.channel, ""), replace(placed, data=known)

    def changes(self, item: Item, account_id: int) -> Sequence[str]:
        """The parts that a correction changes for the readers of an account; none where nothing shows yet."""
        with self.works.read() as work:
            account = work.session.get_one(Account, account_id)
            place = place_on(work.session, self.places, item.piece_id, account_id)
            if place is None or place.state == PlacementState.WITHDRAWN or place.release_id == item.release_id:
                return ()
            # As both were signed: whether it is in force today is no correction.
            shown, given = (work.session.get_one(Release, one) for one in (place.release_id, item.release_id))
            return corrections.changed(shown.content, given.content, account.channel)

    def elements(self, slug: str) -> Sequence[tuple[str, str]]:
        """The open fields of a column's kind."""
        with self.works.read() as work:
            kind = kind_of(work.session.scalars(select(Column.kind).where(Column.slug == slug)).one())
        return [(spec.name, spec.label) for spec in kind.fields] if kind.open_elements else []

    def element_values(self, piece_ids: Sequence[int]) -> Mapping[int, Mapping[str, str]]:
        """The open fields of these pieces, of their public releases, with the standing of today."""
        query = (
            select(PublicPiece, Release.content["fields"])
            .join(Release, Release.id == PublicPiece.release_id)
            .where(PublicPiece.piece_id.in_(piece_ids))
        )
        with self.works.read() as work:
            rows = work.session.execute(query).all()
        return {row.piece_id: kind_of(row.kind).plain_elements(fields_now(row, fields or {})) for row, fields in rows}

    def formers(self, piece_id: int) -> Sequence[Former]:
        """Where a piece stood before it was moved."""
        with self.works.read() as work:
            return formers_of(work.session, [piece_id]).get(piece_id, ())

    def shelves(self, slug: str) -> Sequence[ShelfInfo]:
        """The shelves of a column, by what they are called."""
        with self.works.read() as work:
            query = select(Shelf).join(Column, Column.id == Shelf.column_id).where(Column.slug == slug)
            rows = work.session.scalars(query.order_by(Shelf.facet, Shelf.id))
            return [ShelfInfo(row.id, row.facet, row.label, row.places, column=slug) for row in rows]

    def shelves_of(self, piece_id: int) -> Sequence[ShelfInfo]:
        """The shelves that a piece stands on, or stood on."""
        with self.works.read() as work:
            return shelves_of(work.session, [piece_id]).get(piece_id, ())

    def shelf(self, shelf_id: int, first: int, last: int) -> Sequence[Entry]:
        """The pieces with these places on a shelf, newest first."""
        with self.works.read() as work:
            found = relations.on_shelf(work.session, shelf_id, first, last)
            return [entry_of(row, work.now, place) for row, place in found]


def formers_of(session: Session, piece_ids: Sequence[int]) -> Mapping[int, Sequence[Former]]:
    """The addresses that lead to these pieces, by piece, the oldest first."""
    found: dict[int, list[Former]] = {}
    for row, column in public.former_addresses(session, piece_ids):
        found.setdefault(row.piece_id, []).append(Former(row.path, column.slug, row.place or 0))
    return found


def shelves_of(session: Session, piece_ids: Sequence[int]) -> Mapping[int, Sequence[ShelfInfo]]:
    """The shelves that these pieces stand on, or stood on, by piece."""
    query = (
        select(Shelf, ShelfPlace, Column.slug)
        .join(ShelfPlace, ShelfPlace.shelf_id == Shelf.id)
        .join(Column, Column.id == Shelf.column_id)
    )
    found: dict[int, list[ShelfInfo]] = {}
    for row, at, slug in session.execute(query.where(ShelfPlace.piece_id.in_(piece_ids)).order_by(Shelf.id)):
        shelf = ShelfInfo(row.id, row.facet, row.label, row.places, at.place, slug)
        found.setdefault(at.piece_id, []).append(shelf)
    return found


def unlinked_view(item: Item, row: PublicPiece | None, published_at: datetime, **more: Any) -> PortalItem:
    """An item that names no piece and is named by none, as the portal's templates show it."""
    more.pop("shows", None)
    related: Mapping[str, Any] = {"links": {}, "linked": [], "incoming": []}
    return item_view(
        content_now(row, item.content), published_at=published_at, body=item.html or None, related=related, **more
    )


def entry_of(row: PublicPiece, now: datetime, place: int | None) -> Entry:
    """A public piece as lists show it."""
    return Entry(
        piece_id=row.piece_id,
        title=row.title,
        path=row.path,
        summary=row.summary,
        published_at=row.first_at or now,
        picture=row.picture,
        place=place or 0,
        picture_alt=row.picture_alt,
        number=row.number,
        mark=mark_of(row, now),
        expired=_expired(row, now),
        changed_at=max(filter(None, (row.changed_at, row.standing_at)), default=None),
    )


def _expired(row: PublicPiece, now: datetime) -> bool:
    return row.until_at is not None and row.until_at <= now


def mark_of(row: PublicPiece, now: datetime) -> str:
    """The short label beside a title: why it is no longer in force, if it is not."""
    if row.standing:
        return f"已{relations.STANDINGS[row.standing]}"
    return "已过期" if _expired(row, now) else ""


def _related(session: Session, piece_id: int, now: datetime, shows: Callable[[str], bool]) -> Mapping[str, Any]:
    named = {row.piece_id: _about_link(row, now) for row in relations.linked_to(session, piece_id) if shows(row.path)}
    incoming = [_about_link(row, now) for row in relations.linked_from(session, piece_id) if shows(row.path)]
    names = relations.link_names(session, piece_id)
    return {
        "links": {name: named[to_id] for name, to_id in names.items() if to_id in named},
        "linked": list(named.values()),
        "incoming": incoming,
    }


def _about_link(row: PublicPiece, now: datetime) -> Mapping[str, Any]:
    return {
        "piece": row.piece_id,
        "kind": row.kind,
        "title": row.title,
        "path": row.path,
        "number": row.number,
        "mark": mark_of(row, now),
        "summary": row.summary,
        "picture": row.picture,
        "picture_alt": row.picture_alt,
        "published_at": row.first_at or now,
    }


class KnownPieces(DatabaseCatalogue):
    """What was read of some pieces; about those that are linked, and about others, it asks the database as ever."""

    def __init__(self, works: Works, piece_ids: Sequence[int]) -> None:
        super().__init__(works)
        with works.read() as work:
            query = select(PublicPiece).where(PublicPiece.piece_id.in_(piece_ids))
            self.rows = {row.piece_id: row for row in work.session.scalars(query)}
            self.known = set(piece_ids) - relations.linked_among(work.session, piece_ids)
            self._formers = formers_of(work.session, piece_ids)
            self._shelves = shelves_of(work.session, piece_ids)
        self._asked = frozenset(piece_ids)

    def view(self, item: Item, published_at: datetime, **more: Any) -> PortalItem:
        """The item as the portal's templates show it."""
        if item.piece_id not in self.known:
            return super().view(item, published_at, **more)
        return unlinked_view(item, self.rows.get(item.piece_id), published_at, **more)

    def linked(self, piece_id: int) -> Sequence[int]:
        """The public pieces that this one names or that name it."""
        return () if piece_id in self.known else super().linked(piece_id)

    def formers(self, piece_id: int) -> Sequence[Former]:
        """Where a piece stood before it was moved."""
        return self._formers.get(piece_id, ()) if piece_id in self._asked else super().formers(piece_id)

    def shelves_of(self, piece_id: int) -> Sequence[ShelfInfo]:
        """The shelves that a piece stands on, or stood on."""
        return self._shelves.get(piece_id, ()) if piece_id in self._asked else super().shelves_of(piece_id)


class RehearsalCatalogue(DatabaseCatalogue):
    """The same for a rehearsed portal, which reads what is public and gives out no place of it."""

    places = RehearsedPlacement

    def about(self, piece_ids: Sequence[int]) -> DatabaseCatalogue:
        """The catalogue with what there is to know of these pieces now, still giving out no place."""
        return KnownRehearsedPieces(self.works, piece_ids)

    def reserve(self, item: Item) -> int:
        """The place the item has, or would be given next."""
        with self.works.read() as work:
            known = work.session.get(PublicPiece, item.piece_id)
            if known is not None and known.place:
                return known.place
            slug = item.content["column"]["slug"]
            return work.session.scalars(select(Column).where(Column.slug == slug)).one().places + 1

    def reserve_all(self, items: Sequence[Item]) -> Sequence[int]:
        """The place of each of these items by itself."""
        return [self.reserve(item) for item in items]


class KnownRehearsedPieces(KnownPieces, RehearsalCatalogue):
    """What was read of some pieces, for a rehearsed portal."""


def about_column(column: Column) -> Mapping[str, Any]:
    """A column as the portal is told of it."""
    return {
        "slug": column.slug,
        "name": column.name,
        "kind": column.kind,
        "label": kind_of(column.kind).label,
        "description": column.description,
        "keywords": column.keywords,
        "places": column.places,
    }
