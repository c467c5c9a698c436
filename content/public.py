"""Which signed revision the public may see, and until when; bot, search, feeds and the app read only this."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from content import public_files
from content.models import Column, FormerAddress, Piece, PublicPiece, Release
from content.relations import relate, stand
from content.states import MOVES, PieceState
from kernel.once import insertion
from kernel.work import Work


def reserve_place(work: Work, release_id: int) -> PublicPiece:
    """Gives a piece its place in its column before the portal draws it; a second time gives the same place.

    The row's title and summary are those of the release about to be shown. It is public only from `went_live`.
    """
    return reserve_places(work, [release_id])[0]


def reserve_places(work: Work, release_ids: Sequence[int]) -> Sequence[PublicPiece]:
    """The same for releases of several pieces, given in their order, in a few statements for all of them."""
    found = {row.id: row for row in work.session.scalars(select(Release).where(Release.id.in_(release_ids)))}
    releases = [found[number] for number in release_ids]
    rows = {row.piece_id: row for row in make_rows(work, release_ids)}
    shown = [(rows[release.piece_id], release) for release in releases]
    for row, release in shown:
        _move(work, row, release)
    # In one order, so that two who give places at once wait for each other instead of in a circle.
    wanted = select(Column).where(Column.id.in_({row.column_id for row, _ in shown})).order_by(Column.id)
    locked = work.session.scalars(wanted.with_for_update().execution_options(populate_existing=True))
    columns = {column.id: column for column in locked}
    for row, release in shown:
        if row.place is None:
            column = columns[row.column_id]
            column.places += 1
            row.place = column.places
        if row.from_at is not None and row.release_id < release.id:
            row.changed_at = work.now
        _describe(row, release)
    relate(work, shown)
    work.session.flush()
    return [row for row, _ in shown]


def went_live(work: Work, release_id: int, at: datetime, decided_at: datetime | None = None) -> None:
    """The release is now what the public sees of its piece; `first_published_at` is set once.

    What was decided (`decided_at`) before the same release was withdrawn, and shows only now, makes nothing public.
    """
    release = work.session.get_one(Release, release_id)
    row = _row(work, release)
    if row.withdrawn_at is not None and row.release_id == release.id and decided_at and decided_at < row.withdrawn_at:
        return
    if row.from_at is not None and row.release_id == release.id and row.withdrawn_at is None:
        return  # On another account before. Many accounts record at one moment, and would wait for this row in turn.
    if row.from_at is not None and row.release_id > release.id and row.withdrawn_at is None:
        return  # A later release went out first elsewhere; the public must not be taken back to the older words.
    _move(work, row, release)
    _describe(row, release)
    stand(row, release)
    if row.from_at is not None and row.release_id != release.id:
        row.changed_at = at
    row.release_id, row.revision_id = release.id, release.revision_id
    row.from_at = at
    row.first_at = row.first_at or at
    row.until_at = _moment(release.content["expires_at"])
    row.expiry_told = False
    row.withdrawn_at, row.withdrawn_phrase = None, ""
    public_files.show(work, release)
    piece = work.session.get_one(Piece, release.piece_id)
    piece.first_published_at = piece.first_published_at or at
    if piece.release_id == release.id and piece.state in MOVES["go_live"][0]:
        piece.state = PieceState.LIVE
        piece.updated_at = work.now


def make_rows(work: Work, releases: Collection[int]) -> Sequence[PublicPiece]:
    """The rows of the pieces of these releases, made where they are missing, in a few statements for all of them."""
    query = select(Release).where(Release.id.in_(releases)).order_by(Release.piece_id, Release.id)
    by_piece = {release.piece_id: release for release in work.session.scalars(query)}
    found = select(PublicPiece).where(PublicPiece.piece_id.in_(by_piece))
    rows = work.session.scalars(found).all()
    missing = by_piece.keys() - {row.piece_id for row in rows}
    if not missing:
        return rows
    # In one order, and nothing where another worker records at this moment that it went out on another account.
    _insert(work, [by_piece[piece] for piece in sorted(missing)])
    rows = work.session.scalars(found).all()
    for row in rows:
        if row.piece_id in missing:
            _describe(row, by_piece[row.piece_id])
    return rows


def registered_outside(work: Work, piece_id: int, at: datetime) -> None:
    """A piece was published elsewhere before it was known here: its first time is the platform's word, never typed.

    It is not public on our own pages, and nothing answers from it, until a signed release goes out there.
    """
    piece = work.session.get_one(Piece, piece_id)
    piece.first_published_at = piece.first_published_at or at


def stands_outside(piece: Piece, now: datetime) -> None:
    """A piece that was published elsewhere has its later signature: it is live, without being sent again."""
    if piece.state in MOVES["go_live"][0]:
        piece.state = PieceState.LIVE
        piece.updated_at = now


def withdrawn(work: Work, piece_id: int, at: datetime, phrase: str) -> None:
    """The piece is no longer public; `phrase` is the only reason the public is ever told."""
    row = work.session.get(PublicPiece, piece_id)
    if row is not None and row.withdrawn_at is None:
        row.withdrawn_at, row.withdrawn_phrase, row.until_at = at, phrase[:200], at
        public_files.hide(work, piece_id)
    piece = work.session.get_one(Piece, piece_id)
    if piece.state == PieceState.LIVE:
        piece.state = PieceState.WITHDRAWN
        piece.updated_at = work.now


def visible(now: datetime | BindParameter[Any]) -> ColumnElement[bool]:
    """The condition under which a row of PublicPiece may be shown at a moment."""
    return and_(
        PublicPiece.from_at.is_not(None),
        PublicPiece.from_at <= now,
        or_(PublicPiece.until_at.is_(None), PublicPiece.until_at > now),
    )


def latest(session: Session, now: datetime, limit: int, column_id: int | None = None) -> Sequence[PublicPiece]:
    """The newest public pieces, of one column or of all."""
    query = select(PublicPiece).where(visible(now)).order_by(PublicPiece.first_at.desc(), PublicPiece.piece_id.desc())
    if column_id is not None:
        query = query.where(PublicPiece.column_id == column_id)
    return session.scalars(query.limit(limit)).all()


def listed(session: Session, column_id: int, first: int, last: int) -> Sequence[PublicPiece]:
    """The pieces with places `first` to `last` of a column, whether live yet or about to be, without withdrawn ones."""
    query = select(PublicPiece).where(
        PublicPiece.column_id == column_id,
        PublicPiece.place.between(first, last),
        PublicPiece.withdrawn_at.is_(None),
    )
    return session.scalars(query.order_by(PublicPiece.place.desc())).all()


def release_shown(session: Session, piece_id: int, now: datetime) -> Release | None:
    """The release the public may see of a piece at a moment, if any."""
    query = (
        select(Release)
        .join(PublicPiece, PublicPiece.release_id == Release.id)
        .where(PublicPiece.piece_id == piece_id, visible(now))
    )
    return session.scalars(query).one_or_none()


def number_shown(session: Session, piece_id: int, now: datetime) -> int | None:
    """The number of the release the public may see of a piece at a moment, for whoever keeps what he read of it."""
    return session.connection().execute(_NUMBER_SHOWN, {"piece": piece_id, "now": now}).scalar()


def _row(work: Work, release: Release) -> PublicPiece:
    row = work.session.get(PublicPiece, release.piece_id)
    return row or make_rows(work, [release.id])[0]


def _insert(work: Work, releases: Sequence[Release]) -> None:
    pieces = select(Piece).where(Piece.id.in_([release.piece_id for release in releases]))
    by_id = {piece.id: piece for piece in work.session.scalars(pieces)}
    rows = [
        {
            "piece_id": piece.id,
            "unit_id": piece.unit_id,
            "column_id": piece.column_id,
            "kind": piece.kind,
            "release_id": release.id,
            "revision_id": release.revision_id,
            "path": release.content["path"],
            "title": release.content["title"],
        }
        for release in releases
        for piece in (by_id[release.piece_id],)
    ]
    work.session.execute(insertion(work.session, PublicPiece), rows)


def _move(work: Work, row: PublicPiece, release: Release) -> None:
    """Follows a piece into the column of its release: the old address is kept, a place it had there comes back."""
    path: str = release.content["path"]
    if row.path == path:
        return
    work.session.add(
        FormerAddress(path=row.path, piece_id=row.piece_id, column_id=row.column_id, place=row.place, at=work.now)
    )
    back = work.session.get(FormerAddress, path)
    slug = release.content["column"]["slug"]
    row.column_id = work.session.scalars(select(Column.id).where(Column.slug == slug)).one()
    row.path, row.place = path, back.place if back else None
    if back is not None:
        work.session.delete(back)
    work.session.flush()


def former_addresses(session: Session, piece_ids: Sequence[int]) -> Sequence[tuple[FormerAddress, Column]]:
    """The addresses that lead to these pieces, each with its column, the oldest first."""
    query = select(FormerAddress, Column).join(Column, Column.id == FormerAddress.column_id)
    rows = session.execute(query.where(FormerAddress.piece_id.in_(piece_ids)).order_by(FormerAddress.at))
    return [(former, column) for former, column in rows]


class Shelved(NamedTuple):
    """Where a public piece has its place, without anything else of it."""

    piece_id: int
    path: str
    place: int | None


def shelved(session: Session, pieces: Sequence[int]) -> list[Shelved]:
    """The places of these pieces."""
    return [Shelved(*row) for row in session.connection().execute(_SHELVED, {"pieces": list(pieces)})]


def _describe(row: PublicPiece, release: Release) -> None:
    content: dict[str, Any] = release.content
    row.title, row.summary, row.picture = content["title"], content["summary"][:500], content["cover_path"]
    row.picture_alt = content.get("cover_alt", "")[:300]
    row.number = str(content["fields"].get("document_number") or "")[:500]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


_NUMBER_SHOWN = select(PublicPiece.release_id).where(
    PublicPiece.piece_id == bindparam("piece"), visible(bindparam("now", type_=PublicPiece.from_at.type))
)
# Both are asked for every answer of the bot's: building a statement costs more than running it.
_T = cast(Table, PublicPiece.__table__).c
_SHELVED = select(_T.piece_id, _T.path, _T.place).where(_T.piece_id.in_(bindparam("pieces", expanding=True)))
