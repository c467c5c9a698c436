"""What was read made into drafts: recognised when it is there already, with its pictures kept beside the text.

Pictures are fetched and made fit by `fit` before a work is opened, so that no transaction waits for the network or
for a photograph to be scaled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import compose
from content.compose import Draft
from content.errors import NotAPicture
from content.importing.docx import Document
from content.importing.feeds import Entry
from content.importing.markup import place
from content.importing.models import Imported
from content.models import Column, Piece, Revision
from content.pictures import Picture, normalise
from content.snapshot import media_path
from kernel.blobs import Blobs
from kernel.people import Permission, Viewer, ancestors
from kernel.typed import tidy
from kernel.work import Work

ORIGIN = "imported"
SAME_TITLE = timedelta(days=90)

State = Literal["new", "known", "changed", "failed"]


@dataclass(frozen=True)
class Row:
    """What became of one entry or document; `piece_id` leads to the draft, new or found."""

    state: State
    title: str
    link: str = ""
    piece_id: int | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """What became of everything in a feed or a pile of documents."""

    rows: Sequence[Row]
    remarks: Sequence[str] = ()

    def count(self, state: State) -> int:
        """How many ended this way."""
        return sum(row.state == state for row in self.rows)


def home_of(session: Session, who: Viewer, column: Column) -> int:
    """The unit that a new piece in this column would belong to: the person's own where that fits, else the column's."""
    fits = who.may(Permission.PIECE_WRITE, who.unit_id) and column.unit_id in ancestors(session, who.unit_id)
    return who.unit_id if fits else column.unit_id


def known(session: Session, unit_id: int, entry: Entry, now: datetime) -> Row | None:
    """What the unit has of an entry already: taken over before, or another with its title from the same source."""
    found = _taken_over(session, unit_id, entry.key)
    if found is not None:
        piece, row = found
        if row.digest == entry.digest:
            return Row("known", entry.title, entry.link, piece.id)
        return Row("changed", entry.title, entry.link, piece.id, ("来源已更新，原稿未改动，请核对。",))
    same = (
        select(Piece.id)
        .join(Revision, Revision.id == Piece.revision_id)
        .where(
            Piece.unit_id == unit_id,
            Piece.title == entry.title,
            Revision.source_name == entry.source,
            Piece.created_at > now - SAME_TITLE,
        )
    )
    piece_id = session.scalars(same.order_by(Piece.id.desc()).limit(1)).first() if entry.source else None
    if piece_id is None:
        return None
    return Row("known", entry.title, entry.link, piece_id, ("90 天内已有同一来源的同题稿件。",))


def import_entry(
    work: Work, who: Viewer, column: Column, entry: Entry, pictures: Mapping[int, Picture], blobs: Blobs
) -> Row:
    """Makes a draft of an entry unless the unit has it already; `pictures` are those `fit` could read, by number."""
    unit_id = home_of(work.session, who, column)
    there = known(work.session, unit_id, entry, work.now)
    if there is not None:
        return there
    draft = Draft(
        title=entry.title,
        summary=entry.summary,
        body=place(entry.html, {}),
        source_name=entry.source,
        source_url=entry.link,
        editor=who.name,
    )
    piece = _create(work, who, column, unit_id, draft, entry.key, entry.digest, entry.link or entry.guid)
    names = {number: (f"{number + 1}", found.alt) for number, found in enumerate(entry.pictures)}
    unread = _with_pictures(work, who, piece, draft, entry.html, names, pictures, blobs)
    return Row("new", entry.title, entry.link, piece.id, (*entry.remarks, *unread))


def known_document(session: Session, unit_id: int, document: Document) -> Row | None:
    """The piece the unit made of the same file before."""
    found = _taken_over(session, unit_id, document.key)
    return None if found is None else Row("known", found[0].title, "", found[0].id, ("同一文件已导入过。",))


def import_docx(
    work: Work,
    who: Viewer,
    column: Column,
    document: Document,
    pictures: Mapping[int, Picture],
    blobs: Blobs,
    title: str = "",
    source: str = "",
) -> Row:
    """Makes a draft of a document unless the unit made one of the same file before.

    `title` stands in for one that the document does not show, as its file's name does; `source` is that name.
    """
    unit_id = home_of(work.session, who, column)
    there = known_document(work.session, unit_id, document)
    if there is not None:
        return there
    named = () if document.title else ("没有找到标题，暂用文件名。",)
    draft = Draft(title=document.title or title, body=place(document.html, {}), editor=who.name)
    piece = _create(work, who, column, unit_id, draft, document.key, document.key, source or title)
    names = {number: (picture.name, picture.alt) for number, picture in enumerate(document.pictures)}
    unread = _with_pictures(work, who, piece, draft, document.html, names, pictures, blobs)
    return Row("new", draft.title, "", piece.id, (*named, *document.remarks, *unread))


def keep_pictures(
    work: Work, who: Viewer, piece: Piece, document: Document, pictures: Mapping[int, Picture], blobs: Blobs
) -> str:
    """Keeps a document's pictures with a piece that is being written; returns the text with them in place."""
    names = {number: (picture.name, picture.alt) for number, picture in enumerate(document.pictures)}
    return place(document.html, _keep(work, who, piece, names, pictures, blobs))


def fit(pictures: Iterable[tuple[int, bytes | None]]) -> dict[int, Picture]:
    """The pictures that can be read, by number, scaled down to what every channel takes."""
    fitted = {}
    for number, data in pictures:
        if data is None:
            continue
        try:
            fitted[number] = normalise(data, str(number))
        except NotAPicture:
            continue
    return fitted


def lost(count: int) -> tuple[str, ...]:
    """What is said when so many pictures could not be read."""
    return (f"有 {count} 张图片未能读取，已用红框标出，请逐一上传。",) if count else ()


def _taken_over(session: Session, unit_id: int, key: str) -> tuple[Piece, Imported] | None:
    query = select(Piece, Imported).join(Imported, Imported.piece_id == Piece.id)
    row = session.execute(query.where(Imported.unit_id == unit_id, Imported.source_key == key)).first()
    return (row[0], row[1]) if row else None


def _create(
    work: Work, who: Viewer, column: Column, unit_id: int, draft: Draft, key: str, digest: str, source: str
) -> Piece:
    piece = compose.create(work, who, column, draft=draft, unit_id=unit_id, origin=ORIGIN, source_key=key)
    row = Imported(
        piece_id=piece.id,
        unit_id=unit_id,
        source_key=key,
        digest=digest,
        source=tidy(source)[:1000],
        at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    return piece


def _with_pictures(
    work: Work,
    who: Viewer,
    piece: Piece,
    draft: Draft,
    html: str,
    names: Mapping[int, tuple[str, str]],
    pictures: Mapping[int, Picture],
    blobs: Blobs,
) -> tuple[str, ...]:
    """Keeps the pictures with a new piece and puts them in its text; says how many could not be read."""
    if names:
        addresses = _keep(work, who, piece, names, pictures, blobs)
        compose.save(work, who, piece, replace(draft, body=place(html, addresses)), piece.version)
    return lost(len(names) - len(pictures))


def _keep(
    work: Work,
    who: Viewer,
    piece: Piece,
    names: Mapping[int, tuple[str, str]],
    pictures: Mapping[int, Picture],
    blobs: Blobs,
) -> dict[int, str]:
    return {
        number: media_path(compose.add_picture(work, who, piece, blobs, names[number][0], picture, names[number][1]))
        for number, picture in sorted(pictures.items())
    }
