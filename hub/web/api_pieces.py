"""The API of the editorial desks: what a person does in the console, a program may do with that person's token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Query, UploadFile
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import attachments, compose, review
from content import release as releases
from content.compose import Draft, VariantDraft
from content.models import Column, Piece, Release, Revision
from content.origins import origin_of
from content.pictures import normalise
from content.snapshot import Window, media_path
from hub import editorial
from hub.editorial import Choice, piece_for, release_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.piece_form import draft_of
from hub.web.sent import Body, Moment
from kernel.errors import Invalid
from kernel.people import Permission, scoped

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Reviewer = Annotated[Asker, Depends(api_may(P.PIECE_REVIEW))]
PAGE_SIZE = 50


class VariantWords(Body):
    """A channel's own words; empty fields follow the common text."""

    title: str = ""
    digest: str = ""
    body: str = ""
    layout: bool = False


class Words(Body):
    """The text of a piece."""

    title: str = ""
    summary: str = ""
    body: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)
    cover_id: int | None = None
    source_name: str = ""
    source_url: str = ""
    editor: str = ""
    keywords: str = ""
    expires_at: Moment | None = None
    variants: dict[str, VariantWords] = Field(default_factory=dict)

    def draft(self) -> Draft:
        """The same as content takes it."""
        variants = {name: VariantDraft(**own.model_dump()) for name, own in self.variants.items()}
        return Draft(**{**self.model_dump(exclude={"version", "column"}), "variants": variants})


class NewPiece(Words):
    """A piece to begin; `column` is a slug."""

    column: str


class SavedPiece(Words):
    """Words to save over the version that was read."""

    version: int


class TargetWords(Body):
    """One account to submit to; an empty action is the account's own."""

    account: int
    action: str = ""
    audience: dict[str, Any] = Field(default_factory=dict)


class Submission(Body):
    """What is submitted for signing."""

    version: int
    targets: list[TargetWords]
    earliest: Moment | None = None
    latest: Moment | None = None
    emergency: bool = False


class Verdict(Body):
    """A signature: the hash of the content that was read, and a few words."""

    hash: str
    opinion: str = ""
    on_behalf_of: int | None = None


class Return(Body):
    """Why a release goes back."""

    reason: str
    on_behalf_of: int | None = None


@router.get("/pieces")
def list_pieces(
    hub: HubDep,
    asker: Reader,
    state: str = "",
    column: str = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> dict[str, Any]:
    """Pieces in reach, the newest change first, 50 to a page."""
    query = scoped(select(Piece), Piece.unit_id, asker.viewer, P.PIECE_READ)
    if state:
        query = query.where(Piece.state == state)
    if column:
        query = query.join(Column, Column.id == Piece.column_id).where(Column.slug == column)
    with hub.works.read() as work:
        total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
        order = query.order_by(Piece.updated_at.desc(), Piece.id.desc())
        rows = work.session.scalars(order.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
        return {"total": total, "page": page, "pieces": [_brief(row) for row in rows]}


@router.post("/pieces", status_code=201)
def create_piece(hub: HubDep, asker: Writer, new: NewPiece) -> dict[str, Any]:
    """Begins a piece in a column."""
    with hub.works.write(asker.actor) as work:
        offered = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
        column = next((one for one in offered if one.slug == new.column), None)
        if column is None:
            raise Invalid(field="column", why=f"没有标识为“{new.column[:60]}”且您可以撰稿的栏目。")
        piece = compose.create(work, asker.viewer, column, draft=new.draft())
        return _whole(work.session, piece)


@router.get("/pieces/{piece_id}")
def get_piece(hub: HubDep, asker: Reader, piece_id: int) -> dict[str, Any]:
    """A piece with its newest words; `version` goes back with a save."""
    with hub.works.read() as work:
        return _whole(work.session, piece_for(work.session, asker.viewer, piece_id))


@router.put("/pieces/{piece_id}")
def save_piece(hub: HubDep, asker: Writer, piece_id: int, words: SavedPiece) -> dict[str, Any]:
    """Saves new words; 409 when somebody saved since `version`."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        compose.save(work, asker.viewer, piece, words.draft(), words.version)
        return _whole(work.session, piece)


@router.post("/pieces/{piece_id}/pictures", status_code=201)
def add_picture(
    hub: HubDep,
    asker: Writer,
    piece_id: int,
    file: Annotated[UploadFile, File()],
    alt: Annotated[str, Form()] = "",
    decorative: Annotated[bool, Form()] = False,
) -> dict[str, Any]:
    """Keeps a picture; `src` is its address for the text."""
    name = file.filename or "picture"
    picture = normalise(file.file.read(), name)
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_picture(work, asker.viewer, piece, hub.blobs, name, picture, alt, decorative)
        return {"id": asset.id, "src": media_path(asset), "sha256": asset.sha256, "version": piece.version}


@router.post("/pieces/{piece_id}/attachments", status_code=201)
def add_attachment(hub: HubDep, asker: Writer, piece_id: int, file: Annotated[UploadFile, File()]) -> dict[str, Any]:
    """Keeps a document with the piece."""
    attachment = attachments.read(file.filename or "file", file.file.read())
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_attachment(work, asker.viewer, piece, hub.blobs, attachment)
        return {"id": asset.id, "name": asset.name, "sha256": asset.sha256, "version": piece.version}


@router.get("/pieces/{piece_id}/findings")
def findings(hub: HubDep, asker: Reader, piece_id: int) -> dict[str, Any]:
    """What the checks say about the newest words."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        revision = work.session.get_one(Revision, piece.revision_id)
        pairs = releases.check(work.session, piece, revision, own_hosts=editorial.own_hosts(hub.settings))
        return {
            "findings": [
                {
                    "rule": finding.rule,
                    "level": finding.level,
                    "place": finding.place,
                    "message": finding.message,
                    "key": finding.key,
                    "lifted": lift.reason if lift else None,
                }
                for finding, lift in pairs
            ]
        }


@router.get("/pieces/{piece_id}/accounts")
def accounts(hub: HubDep, asker: Reader, piece_id: int) -> dict[str, Any]:
    """The accounts the piece may be submitted to."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        offered = editorial.offers(work.session, piece.unit_id)
        return {
            "accounts": [
                {
                    "id": offer.account.id,
                    "name": offer.account.name,
                    "channel": offer.account.channel,
                    "action": offer.account.action,
                    "actions": [name for name, _label in offer.actions],
                }
                for offer in offered
            ]
        }


@router.post("/pieces/{piece_id}/submit", status_code=201)
def submit(hub: HubDep, asker: Writer, piece_id: int, sent: Submission) -> dict[str, Any]:
    """送审; 422 with the first finding when something blocks."""
    with hub.works.read() as work:
        piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
    hub.patrol.settle(piece_id)
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        chosen = [Choice(target.account, target.action, target.audience) for target in sent.targets]
        window = Window(sent.earliest, sent.latest)
        release = editorial.submit(
            hub, work, asker.viewer, piece, chosen, window, emergency=sent.emergency, version=sent.version
        )
        return _release(work.session, release)


@router.get("/releases/{release_id}")
def get_release(hub: HubDep, asker: Reader, release_id: int) -> dict[str, Any]:
    """A release with everything that its hash covers."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        return {**_release(work.session, release), "content": release.content}


@router.post("/releases/{release_id}/sign")
def sign(hub: HubDep, asker: Reviewer, release_id: int, verdict: Verdict) -> dict[str, Any]:
    """同意 over the hash that was read."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        on_behalf_of = verdict.on_behalf_of
        review.sign(work, asker.viewer, release, verdict.hash, verdict.opinion, on_behalf_of=on_behalf_of)
        return _release(work.session, release)


@router.post("/releases/{release_id}/return")
def send_back(hub: HubDep, asker: Reviewer, release_id: int, sent: Return) -> dict[str, Any]:
    """退回 with a reason."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        review.send_back(work, asker.viewer, release, sent.reason, on_behalf_of=sent.on_behalf_of)
        return _release(work.session, release)


@router.post("/releases/{release_id}/proofs", status_code=201)
def record_proof(hub: HubDep, asker: Reviewer, release_id: int) -> dict[str, Any]:
    """登记校对 by the token's person."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        proof = review.record_proof(work, asker.viewer, release)
        return {"release": release.id, "number": proof.number, "needed": release.proofs}


def _brief(piece: Piece) -> dict[str, Any]:
    return {
        "id": piece.id,
        "title": piece.title,
        "kind": piece.kind,
        "origin": piece.origin,
        "state": piece.state,
        "unit": piece.unit_id,
        "column": piece.column_id,
        "author": piece.author_id,
        "release": piece.release_id,
        "version": piece.version,
        "updated_at": _moment(piece.updated_at),
        "first_published_at": _moment(piece.first_published_at),
    }


def _whole(session: Session, piece: Piece) -> dict[str, Any]:
    revision = session.get_one(Revision, piece.revision_id)
    draft = draft_of(session, revision)
    variants: Mapping[str, Any] = {name: vars(own) for name, own in draft.variants.items()}
    words = {**vars(draft), "expires_at": _moment(draft.expires_at), "variants": variants}
    origin = origin_of(session, piece, revision.source_name)
    return {**_brief(piece), "imported_from": origin.source, "revision": revision.number, **words}


def _release(session: Session, release: Release) -> dict[str, Any]:
    return {
        "id": release.id,
        "piece": release.piece_id,
        "number": release.number,
        "state": release.state,
        "levels": release.levels,
        "next_level": review.next_level(session, release),
        "proofs": release.proofs,
        "emergency": release.emergency,
        "hash": release.hash,
        "submitted_at": _moment(release.submitted_at),
        "signed_at": _moment(release.signed_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
