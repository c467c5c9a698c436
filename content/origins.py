"""Where a piece came from (稿件由来), as its signers are told: written here, imported, or published outside first."""

from __future__ import annotations

from sqlalchemy.orm import Session

from content.importing.models import Imported
from content.models import Piece
from templates.views import Origin


def origin_of(session: Session, piece: Piece, source_name: str) -> Origin:
    """The piece's origin; `source_name` is whom the text in question names as its source."""
    if piece.origin != "imported":
        return Origin(piece.origin, reposted=bool(source_name))
    row = session.get(Imported, piece.id)
    return Origin(piece.origin, row.source if row is not None else "")
