"""How public pieces hang together: links that both pages show, shelves of guides, and what is in force (有效性)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from content.errors import NoRight
from content.kinds import kind_of
from content.models import Piece, PublicLink, PublicPiece, Release, Shelf, ShelfPlace
from content.naming import named_pieces
from kernel.errors import Invalid
from kernel.people import Permission, Viewer
from kernel.work import Work

STANDINGS = {"": "有效", "repealed": "废止", "lapsed": "失效"}
# More than any page lists; what names a piece beyond these is redrawn when it changes itself.
MOST_LINKED = 100


def relate(work: Work, shown: Sequence[tuple[PublicPiece, Release]]) -> None:
    """Keeps what the releases about to be shown name, and the shelves they stand on; asks once for all of them."""
    links, stands = _links(work.session, shown), _stands(work.session, shown)
    for row, release in shown:
        _link(work, row.piece_id, release.content, links[row.piece_id])
        _shelve(work, row, release.content, stands[row.piece_id])
        stand(row, release)


def stand(row: PublicPiece, release: Release) -> None:
    """Takes over what a release about to be shown says of being in force: its last day, and what was signed."""
    last_day = kind_of(release.content["kind"]).last_day(release.content["fields"])
    row.standing, row.standing_note = standing_with(row, release.id, release.content)
    row.lapsed_itself = row.lapsed_itself and last_day == row.lapses_on
    row.lapses_on = last_day


def standing_with(row: PublicPiece, release_id: int, content: Mapping[str, Any]) -> tuple[str, str]:
    """How a piece stands, and why, once this release is what shows of it."""
    kind, fields = kind_of(content["kind"]), content["fields"]
    revived = row.lapsed_itself and kind.last_day(fields) != row.lapses_on  # A later day was signed.
    marked = ("", "") if revived else (row.standing, row.standing_note)
    if row.from_at is not None and release_id <= row.release_id:
        return marked  # Drawn again only: what a person marked since it was signed stands.
    signed = kind.standing(fields)
    # What a person marked stays until a person unmarks it; a correction of a word must not revive a policy.
    return (signed, str(fields.get("validity_note") or "")[:300]) if signed else marked


def mark_standing(work: Work, who: Viewer, piece: Piece, standing: str, note: str) -> None:
    """标注有效性: a signer says that a published piece is repealed, lapsed, or in force again; its words stay."""
    if not who.may(Permission.PIECE_SIGN, piece.unit_id):
        raise NoRight(what="标注文件的有效性（须由签发人标注）")
    if standing not in STANDINGS:
        raise Invalid(field="standing", why="请选择有效性。")
    if standing and len(note.strip()) < 2:
        raise Invalid(field="note", why="请写明依据，如由哪份文件废止。")
    row = work.session.get(PublicPiece, piece.id)
    if row is None or row.from_at is None or row.withdrawn_at is not None:
        raise Invalid(field="standing", why="该稿件没有公开，不能标注。")
    if standing or row.standing:  # A person has judged; its last day changes nothing any more.
        row.lapse_told, row.lapsed_itself = row.lapses_on, False
    row.standing, row.standing_note, row.standing_at = standing, note.strip()[:300], work.now
    work.audit("piece.standing", piece, standing=standing or "in_force", note=row.standing_note)


def linked_to(session: Session, piece_id: int) -> Sequence[PublicPiece]:
    """The public pieces that this one names."""
    query = select(PublicPiece).join(PublicLink, PublicLink.to_id == PublicPiece.piece_id)
    return _not_withdrawn(session, query.where(PublicLink.from_id == piece_id))


def linked_from(session: Session, piece_id: int) -> Sequence[PublicPiece]:
    """The public pieces that name this one, the newest first."""
    query = select(PublicPiece).join(PublicLink, PublicLink.from_id == PublicPiece.piece_id)
    return _not_withdrawn(session, query.where(PublicLink.to_id == piece_id))


def link_names(session: Session, piece_id: int) -> dict[str, int]:
    """Which field of the piece names which other."""
    query = select(PublicLink.name, PublicLink.to_id).where(PublicLink.from_id == piece_id)
    return {name: to_id for name, to_id in session.execute(query)}  # noqa: C416  # The rows are no tuples for dict().


def linked_among(session: Session, piece_ids: Sequence[int]) -> set[int]:
    """Those of these pieces that name another or are named, and what is at the other end."""
    query = select(PublicLink.from_id, PublicLink.to_id)
    ends = query.where(or_(PublicLink.from_id.in_(piece_ids), PublicLink.to_id.in_(piece_ids)))
    return {one for pair in session.execute(ends) for one in pair}


def on_shelf(session: Session, shelf_id: int, first: int, last: int) -> Sequence[tuple[PublicPiece, int]]:
    """The pieces with these places on a shelf, newest first."""
    query = (
        select(PublicPiece, ShelfPlace.place)
        .join(ShelfPlace, ShelfPlace.piece_id == PublicPiece.piece_id)
        .where(
            ShelfPlace.shelf_id == shelf_id,
            ShelfPlace.place.between(first, last),
            ShelfPlace.gone.is_(False),
            PublicPiece.withdrawn_at.is_(None),
        )
        .order_by(ShelfPlace.place.desc())
    )
    return [(row, place) for row, place in session.execute(query)]


def _not_withdrawn(session: Session, query: Any) -> Sequence[PublicPiece]:
    shown = query.where(PublicPiece.withdrawn_at.is_(None)).distinct().order_by(PublicPiece.piece_id.desc())
    return session.scalars(shown.limit(MOST_LINKED)).all()


def _links(session: Session, shown: Sequence[tuple[PublicPiece, Release]]) -> Mapping[int, set[tuple[str, int]]]:
    found: dict[int, set[tuple[str, int]]] = defaultdict(set)
    query = select(PublicLink.from_id, PublicLink.name, PublicLink.to_id)
    for from_id, name, to_id in session.execute(
        query.where(PublicLink.from_id.in_([row.piece_id for row, _ in shown]))
    ):
        found[from_id].add((name, to_id))
    return found


def _stands(
    session: Session, shown: Sequence[tuple[PublicPiece, Release]]
) -> Mapping[int, list[tuple[Shelf, ShelfPlace]]]:
    found: dict[int, list[tuple[Shelf, ShelfPlace]]] = defaultdict(list)
    query = select(Shelf, ShelfPlace).join(ShelfPlace, ShelfPlace.shelf_id == Shelf.id)
    for shelf, place in session.execute(query.where(ShelfPlace.piece_id.in_([row.piece_id for row, _ in shown]))):
        found[place.piece_id].append((shelf, place))
    return found


def _link(work: Work, piece_id: int, content: Any, kept: set[tuple[str, int]]) -> None:
    wanted = set(named_pieces(content["kind"], content["fields"]))
    for name, to_id in kept - wanted:
        work.session.execute(delete(PublicLink).filter_by(from_id=piece_id, name=name, to_id=to_id))
    for name, to_id in wanted - kept:
        if work.session.get(Piece, to_id) is not None:
            work.session.add(PublicLink(from_id=piece_id, name=name, to_id=to_id))


def _shelve(work: Work, row: PublicPiece, content: Any, places: Sequence[tuple[Shelf, ShelfPlace]]) -> None:
    wanted = set(kind_of(content["kind"]).shelves(content["fields"]))
    stands = {(shelf.column_id, shelf.facet, shelf.label): place for shelf, place in places}
    for (column_id, facet, label), place in stands.items():
        place.gone = column_id != row.column_id or (facet, label) not in wanted
    for facet, label in sorted(wanted):
        if (row.column_id, facet, label) not in stands:
            shelf = _shelf(work, row.column_id, facet, label[:100])
            shelf.places += 1
            work.session.add(ShelfPlace(shelf_id=shelf.id, piece_id=row.piece_id, place=shelf.places))


def _shelf(work: Work, column_id: int, facet: str, label: str) -> Shelf:
    # The column's row is locked by whoever gives places in it, so no two make the same shelf.
    query = select(Shelf).filter_by(column_id=column_id, facet=facet, label=label).with_for_update()
    found = work.session.scalars(query).one_or_none()
    if found is None:
        found = Shelf(column_id=column_id, facet=facet, label=label, places=0)
        work.session.add(found)
        work.session.flush()
    return found
