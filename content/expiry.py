"""What ends by itself: a policy's last day makes it 失效, whatever has passed its hour is marked; each told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from content.models import Piece, PublicPiece
from kernel.work import Work


def waits(session: Session, work: Work, today: date) -> bool:
    """Whether anything has ended that was not marked yet."""
    return session.scalar(select(PublicPiece.piece_id).where(_ended(work, today)).limit(1)) is not None


def mark(work: Work, today: date, limit: int) -> Sequence[Piece]:
    """Marks what has ended, the oldest pieces first; whoever calls has their pages drawn again."""
    query = select(PublicPiece).where(_ended(work, today)).order_by(PublicPiece.piece_id).limit(limit)
    marked = []
    for row in work.session.scalars(query.with_for_update()).all():
        piece = work.session.get_one(Piece, row.piece_id)
        if row.lapses_on is not None and row.lapses_on < today and row.lapse_told != row.lapses_on:
            _lapse(work, row, piece)
        if row.until_at is not None and row.until_at <= work.now and not row.expiry_told:
            row.expiry_told = True
            work.audit("piece.expired", piece, until=row.until_at.isoformat())
        marked.append(piece)
    return marked


def _lapse(work: Work, row: PublicPiece, piece: Piece) -> None:
    last = row.lapse_told = row.lapses_on
    if row.standing or last is None:  # Signed so, or marked by a person.
        return
    row.standing, row.standing_at, row.lapsed_itself = "lapsed", work.now, True
    row.standing_note = f"有效期至{last:%Y年%-m月%-d日}，已期满。"
    work.audit("piece.lapsed", piece, until=last.isoformat())


def _ended(work: Work, today: date) -> ColumnElement[bool]:
    return and_(
        PublicPiece.from_at.is_not(None),
        PublicPiece.withdrawn_at.is_(None),
        or_(
            and_(
                PublicPiece.lapses_on < today,
                or_(PublicPiece.lapse_told.is_(None), PublicPiece.lapse_told != PublicPiece.lapses_on),
            ),
            and_(PublicPiece.until_at <= work.now, PublicPiece.expiry_told.is_(False)),
        ),
    )
