"""移动栏目: a piece is given another column of its kind; its address changes with its next signed release."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from content.compose import reopen
from content.errors import NoRight
from content.models import Column, Piece
from kernel.errors import Invalid
from kernel.people import Permission, Viewer, ancestors
from kernel.work import Work


def choices(session: Session, piece: Piece) -> Sequence[Column]:
    """The columns that the piece may be moved to: active, of the same kind, of its unit or one above it."""
    own = session.get_one(Column, piece.column_id)
    query = select(Column).where(
        Column.active.is_(True),
        Column.kind == own.kind,
        Column.id != own.id,
        Column.unit_id.in_(ancestors(session, piece.unit_id)),
    )
    return session.scalars(query.order_by(Column.position, Column.id)).all()


def move(work: Work, who: Viewer, piece: Piece, column_id: int) -> None:
    """Moves the piece; one that is public is opened for a new revision, whose release carries the new address."""
    if not who.may(Permission.PIECE_WRITE, piece.unit_id):
        raise NoRight(what="移动此稿件")
    column = next((one for one in choices(work.session, piece) if one.id == column_id), None)
    if column is None:
        raise Invalid(field="column", why="请选择一个同类别、启用中的其他栏目。")
    reopen(work, who, piece)
    before = work.session.get_one(Column, piece.column_id)
    piece.column_id, piece.updated_at = column.id, work.now
    piece.version += 1
    work.audit("piece.relocated", piece, before=before.slug, column=column.slug)
