"""The tables of content: columns, pieces, revisions, variants, assets, releases, signatures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from kernel.model import Base, Json


class Column(Base):
    """栏目: a section of the portal, owned by a unit, with its own limit of silence."""

    __tablename__ = "column"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(30))
    description: Mapped[str] = mapped_column(String(300), default="")
    keywords: Mapped[str] = mapped_column(String(300), default="")
    freshness_days: Mapped[int | None]
    position: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    places: Mapped[int] = mapped_column(default=0)


class Piece(Base):
    """稿件: what is written once; its text is in revisions. `version` guards a form against a stale save."""

    __tablename__ = "piece"
    __table_args__ = (Index("ix_piece_unit_id_state_updated_at", "unit_id", "state", "updated_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("column.id"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    title: Mapped[str] = mapped_column(String(300), default="")
    revision_id: Mapped[int | None] = mapped_column(ForeignKey("revision.id", use_alter=True))
    release_id: Mapped[int | None] = mapped_column(ForeignKey("release.id", use_alter=True))
    origin: Mapped[str] = mapped_column(String(20), default="own")
    source_key: Mapped[str | None] = mapped_column(String(64), index=True)
    first_published_at: Mapped[datetime | None] = mapped_column(index=True)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(default=1)


class Revision(Base):
    """One text of a piece. Once a release is made from it, it is frozen and never changes again."""

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("piece_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), index=True)
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(300), default="")
    summary: Mapped[str] = mapped_column(String(500), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    fields: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    cover_id: Mapped[int | None] = mapped_column(ForeignKey("asset.id", use_alter=True))
    cover_x: Mapped[int | None]
    cover_y: Mapped[int | None]
    source_name: Mapped[str] = mapped_column(String(100), default="")
    source_url: Mapped[str] = mapped_column(String(1000), default="")
    editor: Mapped[str] = mapped_column(String(60), default="")
    keywords: Mapped[str] = mapped_column(String(300), default="")
    expires_at: Mapped[datetime | None]
    frozen: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class Variant(Base):
    """What one kind of channel shows instead of the common text; empty fields follow the revision."""

    __tablename__ = "variant"
    __table_args__ = (UniqueConstraint("revision_id", "channel"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), index=True)
    channel: Mapped[str] = mapped_column(String(30))
    title: Mapped[str] = mapped_column(String(300), default="")
    digest: Mapped[str] = mapped_column(String(1000), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    layout: Mapped[bool] = mapped_column(default=False)


class Asset(Base):
    """A picture or attachment of a piece; the bytes are in the blobs under `sha256`."""

    __tablename__ = "asset"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    piece_id: Mapped[int | None] = mapped_column(ForeignKey("piece.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    alt: Mapped[str] = mapped_column(String(300), default="")
    decorative: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(Text, default="")
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class ListedWord(Base):
    """A word of the office's list (错敏词): blocked, or pointed out, with what to write instead."""

    __tablename__ = "listed_word"
    __table_args__ = (UniqueConstraint("unit_id", "word"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    word: Mapped[str] = mapped_column(String(100))
    level: Mapped[str] = mapped_column(String(10))
    instead: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(String(300), default="")


class Lift(Base):
    """A block lifted by the signer, with his reason; it holds for this revision and this finding only."""

    __tablename__ = "lift"
    __table_args__ = (UniqueConstraint("revision_id", "finding_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"), index=True)
    finding_key: Mapped[str] = mapped_column(String(64))
    message: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(500))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class Release(Base):
    """发布件: what is signed. `content` holds every variant, account, mode, audience and the window.

    `hash` covers all of it; a changed word is another release.
    """

    __tablename__ = "release"
    __table_args__ = (UniqueConstraint("piece_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), index=True)
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20), index=True)
    levels: Mapped[int]
    proofs: Mapped[int]
    emergency: Mapped[bool] = mapped_column(default=False)
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    hash: Mapped[str] = mapped_column(String(64))
    submitted_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    submitted_at: Mapped[datetime]
    signed_at: Mapped[datetime | None]


class Signature(Base):
    """One level's word on a release: agreed or returned, by whom, in whose place, how, over which hash."""

    __tablename__ = "signature"

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), index=True)
    level: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    on_behalf_of: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verdict: Mapped[str] = mapped_column(String(10))
    opinion: Mapped[str] = mapped_column(String(1000), default="")
    method: Mapped[str] = mapped_column(String(10), default="console")
    scan: Mapped[str | None] = mapped_column(String(64))
    filed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    release_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class ProofPass(Base):
    """One of the three proof passes (三校), by a named person."""

    __tablename__ = "proof_pass"
    __table_args__ = (UniqueConstraint("release_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), index=True)
    number: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime]


class LaterSigning(Base):
    """补签: what an emergency release still owes of the ordinary signatures and proof passes, and by when.

    Its signatures are rows like all others, above the release's own levels up to `levels`. `verdict` is empty while
    it is owed, then `agreed` or `objected`.
    """

    __tablename__ = "later_signing"
    __table_args__ = (Index("ix_later_signing_unit_id_verdict_due_at", "unit_id", "verdict", "due_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"), unique=True)
    levels: Mapped[int]
    proofs: Mapped[int]
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(10), default="")
    done_at: Mapped[datetime | None]


class PublicPiece(Base):
    """Which signed revision the public may see, from when and until when; bot, search and feeds read only this.

    `place` is its number among the column's pieces on the portal, given once and never again, so that the
    pages of the archive keep their addresses. Without `from_at` it has not gone live yet; `changed_at` is when later
    words took the place of those that were public. `standing` is empty for what is in force, else `repealed` (废止) or
    `lapsed` (失效).
    """

    __tablename__ = "public_piece"
    __table_args__ = (UniqueConstraint("column_id", "place"),)

    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), primary_key=True, autoincrement=False)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("column.id"), index=True)
    place: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(30), index=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    revision_id: Mapped[int] = mapped_column(ForeignKey("revision.id"))
    path: Mapped[str] = mapped_column(String(200))
    title: Mapped[str] = mapped_column(String(300))
    summary: Mapped[str] = mapped_column(String(500), default="")
    picture: Mapped[str] = mapped_column(String(100), default="")
    picture_alt: Mapped[str] = mapped_column(String(300), default="")
    number: Mapped[str] = mapped_column(String(500), default="")
    standing: Mapped[str] = mapped_column(String(10), default="")
    standing_note: Mapped[str] = mapped_column(String(300), default="")
    standing_at: Mapped[datetime | None]
    from_at: Mapped[datetime | None] = mapped_column(index=True)
    until_at: Mapped[datetime | None] = mapped_column(index=True)
    first_at: Mapped[datetime | None] = mapped_column(index=True)
    changed_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_phrase: Mapped[str] = mapped_column(String(200), default="")
    # The revision whose links are in `LinkPlace`.
    links_of: Mapped[int | None]
    # The last day on which it is in force, the one dealt with already, and whether that made it lapse without a person;
    # and whether it was dealt with that `until_at` has passed.
    lapses_on: Mapped[date | None] = mapped_column(index=True)
    lapse_told: Mapped[date | None]
    lapsed_itself: Mapped[bool] = mapped_column(default=False, server_default=false())
    expiry_told: Mapped[bool] = mapped_column(default=False, server_default=false())


class PublicFile(Base):
    """A document attached to the public release of a piece, with as much of its text as the search reads.

    Nothing is read anew for it: the text is the one that was checked when the document was uploaded.
    """

    __tablename__ = "public_file"
    # A number is given once: what follows the table knows a document by it.
    __table_args__ = (UniqueConstraint("release_id", "number"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), index=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("release.id"))
    number: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    href: Mapped[str] = mapped_column(String(300))
    size: Mapped[int]
    text: Mapped[str] = mapped_column(Text, default="")


class FormerAddress(Base):
    """An address that a piece had before it was moved, and its place in that column: it leads to where the piece is."""

    __tablename__ = "former_address"

    path: Mapped[str] = mapped_column(String(200), primary_key=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), index=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("column.id"))
    place: Mapped[int | None]
    at: Mapped[datetime]


class LinkCheck(Base):
    """What an address outside answered when it was asked last; `digest` is its SHA-256, `dead_since` when it died."""

    __tablename__ = "link_check"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")
    at: Mapped[datetime] = mapped_column(index=True)
    dead_since: Mapped[datetime | None]


class LinkPlace(Base):
    """A public piece shows this address to its readers; what has no check yet is in `address` only."""

    __tablename__ = "link_place"

    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True, index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    address: Mapped[str] = mapped_column(Text)


class PublicLink(Base):
    """A public piece names another in a field of its kind: both pages show it, a change of one redraws the other."""

    __tablename__ = "public_link"

    from_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), primary_key=True, index=True)


class Shelf(Base):
    """A list across a column: guides for one audience and theme, or of one department. `facet` says which sort."""

    __tablename__ = "shelf"
    __table_args__ = (UniqueConstraint("column_id", "facet", "label"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    column_id: Mapped[int] = mapped_column(ForeignKey("column.id"))
    facet: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(100))
    places: Mapped[int] = mapped_column(default=0)


class ShelfPlace(Base):
    """A piece's place on a shelf, given once; `gone` is one that a correction took to another shelf."""

    __tablename__ = "shelf_place"
    __table_args__ = (UniqueConstraint("shelf_id", "place"),)

    shelf_id: Mapped[int] = mapped_column(ForeignKey("shelf.id"), primary_key=True)
    piece_id: Mapped[int] = mapped_column(ForeignKey("piece.id"), primary_key=True, index=True)
    place: Mapped[int]
    gone: Mapped[bool] = mapped_column(default=False)
