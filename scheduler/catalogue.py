"""What the portal's adapter may ask about other pieces, answered from the public table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from channels.base import Entry, Item
from content import public
from content.models import Column, PublicPiece
from content.snapshot import item_view
from kernel.work import Works
from templates.views import PortalItem


class DatabaseCatalogue:
    """The catalogue over the hub's database; each question is a work of its own."""

    def __init__(self, works: Works) -> None:
        self.works = works

    def reserve(self, item: Item) -> int:
        """The item's place in its column, given once."""
        with self.works.write() as work:
            return public.reserve_place(work, item.release_id).place or 0

    def column(self, slug: str) -> Mapping[str, Any]:
        """The column's names and how many places it has given out."""
        with self.works.read() as work:
            return _about(work.session.scalars(select(Column).where(Column.slug == slug)).one())

    def columns(self) -> Sequence[Mapping[str, Any]]:
        """All active columns in the portal's order."""
        with self.works.read() as work:
            query = select(Column).where(Column.active.is_(True)).order_by(Column.position, Column.id)
            return [_about(column) for column in work.session.scalars(query)]

    def page(self, slug: str, first: int, last: int) -> Sequence[Entry]:
        """The column's pieces with these places, newest first."""
        with self.works.read() as work:
            column_id = work.session.scalar(select(Column.id).where(Column.slug == slug))
            if column_id is None:
                return []
            return [
                Entry(
                    piece_id=row.piece_id,
                    title=row.title,
                    path=row.path,
                    summary=row.summary,
                    published_at=row.first_at or work.now,
                    picture=row.picture,
                    place=row.place or 0,
                )
                for row in public.listed(work.session, column_id, first, last)
            ]

    def view(self, item: Item, published_at: datetime, **more: Any) -> PortalItem:
        """The item as the portal's templates show it."""
        return item_view(item.content, published_at=published_at, body=item.html or None, **more)


class RehearsalCatalogue(DatabaseCatalogue):
    """The same for a rehearsed portal, which reads what is public and gives out no place of it."""

    def reserve(self, item: Item) -> int:
        """The place the item has, or would be given next."""
        with self.works.read() as work:
            known = work.session.get(PublicPiece, item.piece_id)
            if known is not None and known.place:
                return known.place
            slug = item.content["column"]["slug"]
            return work.session.scalars(select(Column).where(Column.slug == slug)).one().places + 1


def _about(column: Column) -> Mapping[str, Any]:
    return {
        "slug": column.slug,
        "name": column.name,
        "kind": column.kind,
        "description": column.description,
        "keywords": column.keywords,
        "places": column.places,
    }
