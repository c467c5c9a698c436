"""Which other pieces a piece may name in a field of its kind, and by what title: only one that was signed.

What another unit has not made public is nobody else's to see; it is neither offered, nor kept, nor signed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import String, and_, cast, or_, select
from sqlalchemy.orm import Session

from content.kinds import all_kinds, kind_of
from content.kinds.base import FieldSpec
from content.models import Piece, PublicLink, PublicPiece, Release, Revision
from content.states import PieceState, ReleaseState
from kernel.errors import Invalid
from kernel.people import ancestors
from kernel.typed import row_in

# More than a person looks through; what lies beyond is named by its number.
MOST_OFFERED = 500
_PICKED = re.compile(r"〔(\d{1,10})〕\s*$")


@dataclass(frozen=True)
class Named:
    """A piece that a field names; `title` is the one that was signed, '' while none was."""

    field: str
    spec: FieldSpec
    piece: Piece
    title: str


def pick_label(title: str, piece_id: int) -> str:
    """What stands in the field for a piece; read back by `number_in`."""
    return f"{title}〔{piece_id}〕"


def number_in(spec: FieldSpec, value: Any) -> int | None:
    """The number of the piece that was picked or typed; None when the field is empty."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    picked = _PICKED.search(text)
    number = row_in(picked[1] if picked else text)
    if number is None:
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”须从列表中选择，或填写稿件编号。")
    return number


def specs_naming(kind: str) -> list[tuple[str, FieldSpec]]:
    """The fields of a kind that name pieces, those in rows under the name of the rows."""
    found = [(spec.name, spec) for spec in kind_of(kind).fields if spec.type == "piece"]
    rows = [spec for spec in kind_of(kind).fields if spec.type == "rows"]
    return found + [(spec.name, column) for spec in rows for column in spec.columns if column.type == "piece"]


def named_pieces(kind: str, fields: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Which other pieces the fields name: by the field's name, in rows by `<field>.<piece>`."""
    found: list[tuple[str, int]] = []
    for spec in kind_of(kind).fields:
        value = fields.get(spec.name)
        if spec.type == "piece" and (number := row_in(str(value))):
            found.append((spec.name, number))
        elif spec.type == "rows":
            named = [column.name for column in spec.columns if column.type == "piece"]
            rows = [row for row in value or [] if isinstance(row, dict)]
            cells = [row.get(name) for row in rows for name in named]
            found += [(f"{spec.name}.{number}", number) for cell in cells if (number := row_in(str(cell)))]
    return list(dict.fromkeys(found))


def named(session: Session, piece: Piece, fields: Mapping[str, Any]) -> list[Named]:
    """The pieces in reach that the fields name, of the kind that the field asks for."""
    specs = dict(specs_naming(piece.kind))
    found = []
    for name, piece_id in named_pieces(piece.kind, fields):
        spec = specs[name.partition(".")[0]]
        other = session.get(Piece, piece_id)
        title = None if other is None or not _fits(spec, other) else signed_title(session, piece.unit_id, other)
        if other is not None and title is not None:
            found.append(Named(name, spec, other, title))
    return found


def naming(session: Session, piece: Piece) -> list[dict[str, str]]:
    """Pieces that name this one, public ones and its own unit's unpublished, as (kind, title, path); one of a kind."""
    public = (
        select(PublicPiece.kind, PublicPiece.title)
        .join(PublicLink, PublicLink.from_id == PublicPiece.piece_id)
        .where(PublicLink.to_id == piece.id, PublicPiece.withdrawn_at.is_(None))
    )
    found = {str(kind): str(title) for kind, title in session.execute(public)}
    for kind, spec in _kinds_naming(piece.kind):
        if kind not in found and (title := _unpublished(session, piece, kind, spec)) is not None:
            found[kind] = title
    return [{"kind": kind, "title": title, "path": ""} for kind, title in found.items()]


def _kinds_naming(kind: str) -> list[tuple[str, FieldSpec]]:
    kinds = all_kinds().items()
    return [(name, spec) for name, one in kinds for spec in one.fields if spec.type == "piece" and kind in spec.of]


def _unpublished(session: Session, piece: Piece, kind: str, spec: FieldSpec) -> str | None:
    # A number is kept bare; what compares it as text reads it alike on both databases.
    names = cast(Revision.fields[spec.name].as_string(), String) == str(piece.id)
    query = select(Piece.title).join(Revision, Revision.id == Piece.revision_id)
    own = query.where(Piece.unit_id == piece.unit_id, Piece.state != PieceState.TRASH, Piece.kind == kind)
    return session.scalars(own.where(names).limit(1)).one_or_none()


def must_be_in_reach(session: Session, piece: Piece, fields: Mapping[str, Any]) -> None:
    """Raises Invalid at the first field that names what this piece may not name; whether it is there stays unsaid."""
    reached = {one.field for one in named(session, piece, fields)}
    for name, piece_id in named_pieces(piece.kind, fields):
        if name not in reached:
            field = name.partition(".")[0]
            spec = dict(specs_naming(piece.kind))[field]
            kinds = "、".join(kind_of(one).label for one in spec.of) or "稿件"
            why = (
                f"“{spec.label}”中的 {piece_id} 不是可以关联的{kinds}：须已公开，或属于本单位及上级单位。"
                "请从列表中重新选择，或清空此项。"
            )
            raise Invalid(field=f"fields.{field}", why=why)


def signed_title(session: Session, unit_id: int, other: Piece) -> str | None:
    """The title by which a piece of the unit may name the other: '' for its own unit's unsigned one, else None."""
    if other.state == PieceState.TRASH:
        return None
    shown = session.get(PublicPiece, other.id)
    if shown is not None and shown.from_at is not None and shown.withdrawn_at is None:
        return shown.title
    own = other.unit_id == unit_id
    if shown is not None and shown.withdrawn_at is not None:
        return "" if own else None
    if own or other.unit_id in ancestors(session, unit_id):
        signed = select(Release).where(Release.piece_id == other.id, Release.state == ReleaseState.SIGNED)
        release = session.scalars(signed.order_by(Release.number.desc()).limit(1)).one_or_none()
        if release is not None:
            return str(release.content["title"])
    return "" if own else None


def offered(session: Session, piece: Piece) -> dict[str, list[tuple[int, str]]]:
    """What each naming field of a piece offers, the newest first, as (number, title)."""
    return {name: _choices(session, piece, spec) for name, spec in specs_naming(piece.kind)}


def title_shown(session: Session, unit_id: int, other: Piece) -> str | None:
    """The title that a writer of the unit reads: the signed one, of his own unit's unsigned piece the written one."""
    title = signed_title(session, unit_id, other)
    return other.title if title == "" else title


def _choices(session: Session, piece: Piece, spec: FieldSpec) -> list[tuple[int, str]]:
    public = and_(PublicPiece.from_at.is_not(None), PublicPiece.withdrawn_at.is_(None))
    query = (
        select(Piece, PublicPiece.title, public)
        .outerjoin(PublicPiece, PublicPiece.piece_id == Piece.id)
        .where(Piece.state != PieceState.TRASH, Piece.id != piece.id)
        .where(or_(public, Piece.unit_id.in_(ancestors(session, piece.unit_id))))
        .order_by(Piece.updated_at.desc(), Piece.id.desc())
        .limit(MOST_OFFERED)
    )
    if spec.of:
        query = query.where(Piece.kind.in_(spec.of))
    found = []
    for other, title, is_public in session.execute(query):
        shown = title if is_public else title_shown(session, piece.unit_id, other)
        if shown:
            found.append((other.id, str(shown)))
    return found


def _fits(spec: FieldSpec, other: Piece) -> bool:
    return not spec.of or other.kind in spec.of
