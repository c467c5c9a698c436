"""What search finds of the documents attached to public pieces: by name and by text, as long as the piece is public."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from content.models import PublicFile, PublicPiece
from content.public import visible
from content.search import Stands, Words, in_parts

FILE = "file"
"""The kind by which search groups them; no kind of piece has this name."""


def found(session: Session, keys: Sequence[int]) -> Mapping[int, tuple[PublicFile, PublicPiece]]:
    """Documents by their numbers, each with the piece it is attached to."""
    query = select(PublicFile, PublicPiece).join(PublicPiece, PublicPiece.piece_id == PublicFile.piece_id)
    rows = session.execute(query.where(PublicFile.id.in_(keys)))
    return {file.id: (file, row) for file, row in rows}


class Files:
    """What search finds of them; each is public as long as its piece is."""

    kinds = (FILE,)

    def wanted(self, session: Session, now: datetime) -> Mapping[int, int]:
        """All of public pieces; a document never changes."""
        query = select(PublicFile.id).join(PublicPiece, PublicPiece.piece_id == PublicFile.piece_id)
        rows = session.scalars(query.where(visible(now)).order_by(PublicFile.id.desc()))
        return dict.fromkeys(rows, 0)

    def texts(self, session: Session, keys: Sequence[int]) -> Iterator[tuple[int, int, Words]]:
        """By its name, the title of its piece, and its text."""
        query = select(PublicFile.id, PublicFile.name, PublicFile.text, PublicPiece.title)
        query = query.join(PublicPiece, PublicPiece.piece_id == PublicFile.piece_id)
        for key, name, text, title in session.execute(query.where(PublicFile.id.in_(keys))):
            yield key, 0, (FILE, name, title, text)

    def standing(
        self, session: Session, now: datetime, keys: Sequence[int], only: ColumnElement[bool] | None
    ) -> Mapping[int, Stands]:
        """Where their pieces stand."""
        places: dict[int, Stands] = {}
        columns = (PublicFile.id, PublicPiece.column_id, PublicPiece.unit_id, PublicPiece.first_at)
        query = select(*columns).join(PublicPiece, PublicPiece.piece_id == PublicFile.piece_id).where(visible(now))
        query = query if only is None else query.where(only)
        for part in in_parts(keys):
            rows = session.execute(query.where(PublicFile.id.in_(part)))
            places |= {row.id: Stands(row.column_id, row.unit_id, row.first_at) for row in rows}
        return places
