"""The API of the editorial desks: what a person does in the console, a program may do with that person's token."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, UploadFile
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from channels.registry import channels as installed
from content import attachments, compose, review
from content import release as releases
from content.compose import Draft, VariantDraft
from content.kinds import kind_of
from content.models import Asset, Column, Piece, Release, Revision
from content.origins import origin_of
from content.pictures import normalise
from content.snapshot import Window, media_path
from hub import editorial
from hub.editorial import Choice, piece_for, release_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.piece_form import draft_of
from hub.web.sent import Body, Moment
from kernel.errors import Invalid
from kernel.people import Permission, scoped

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Reviewer = Annotated[Asker, Depends(api_may(P.PIECE_REVIEW))]


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
    cover_x: int | None = None
    cover_y: int | None = None
    source_name: str = ""
    source_url: str = ""
    editor: str = ""
    keywords: str = ""
    expires_at: Moment | None = None
    variants: dict[str, VariantWords] = Field(default_factory=dict)

    def over(self, before: Draft) -> Draft:
        """The words before with what was sent in its place; what was not named stays as it was."""
        sent = {name: getattr(self, name) for name in self.model_fields_set & set(vars(before))}
        if sent.get("cover_id", before.cover_id) != before.cover_id:  # Another picture has a focus of its own.
            sent = {"cover_x": None, "cover_y": None, **sent}
        sent["fields"] = {**before.fields, **self.fields}
        sent["variants"] = {
            **before.variants,
            **{
                name: replace(before.variants.get(name, VariantDraft()), **own.model_dump(exclude_unset=True))
                for name, own in self.variants.items()
            },
        }
        return replace(before, **sent)


class NewPiece(Words):
    """A piece to begin; `column` is a slug."""

    column: str


class SavedPiece(Words):
    """Words to save over the version that was read: only what is named changes, also among `fields` and `variants`."""

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


# --- what is answered ------------------------------------------------------------------------------------------


class PieceBrief(TypedDict):
    """A piece in a list."""

    id: int
    title: str
    kind: str
    origin: str
    state: str
    unit: int
    column: int
    author: int
    release: int | None
    version: int
    updated_at: At
    first_published_at: At | None


class VariantTold(TypedDict):
    """A channel's own words."""

    title: str
    digest: str
    body: str
    layout: bool


class PieceWhole(PieceBrief):
    """A piece with its newest words."""

    imported_from: str
    revision: int
    summary: str
    body: str
    fields: dict[str, Any]
    cover_id: int | None
    cover_x: int | None
    cover_y: int | None
    source_name: str
    source_url: str
    editor: str
    keywords: str
    expires_at: At | None
    variants: dict[str, VariantTold]


class Pieces(Page):
    """One page of pieces."""

    pieces: list[PieceBrief]


class PictureKept(TypedDict):
    """A picture that was kept; `src` is its address for the text."""

    id: int
    src: str
    sha256: str
    version: int


class FileKept(TypedDict):
    """A document that was kept."""

    id: int
    name: str
    sha256: str
    version: int


class FindingTold(TypedDict):
    """What a check found: `lifted` is the signer's reason where he let it pass."""

    rule: str
    level: str
    place: str
    message: str
    key: str
    lifted: str | None


class Findings(TypedDict):
    """Everything that the checks found."""

    findings: list[FindingTold]


class AccountOffered(TypedDict):
    """An account that a piece may be submitted to, with the acts it offers."""

    id: int
    name: str
    channel: str
    action: str
    actions: list[str]


class AccountsOffered(TypedDict):
    """The accounts that a piece may be submitted to."""

    accounts: list[AccountOffered]


class ReleaseTold(TypedDict):
    """A release: how far its signatures are, and the hash that the next one is given over."""

    id: int
    piece: int
    number: int
    state: str
    levels: int
    next_level: int
    proofs: int
    emergency: bool
    hash: str
    submitted_at: At
    signed_at: At | None


class ReleaseWhole(ReleaseTold):
    """A release with everything that its hash covers."""

    content: dict[str, Any]


class ProofTold(TypedDict):
    """A proof pass that was recorded, and how many are needed."""

    release: int
    number: int
    needed: int


# --- pieces ----------------------------------------------------------------------------------------------------


@router.get("/pieces")
def list_pieces(hub: HubDep, asker: Reader, state: str = "", column: str = "", page: PageNumber = 1) -> Pieces:
    """Pieces in reach, the newest change first, 50 to a page."""
    query = scoped(select(Piece), Piece.unit_id, asker.viewer, P.PIECE_READ)
    if state:
        query = query.where(Piece.state == state)
    if column:
        query = query.join(Column, Column.id == Piece.column_id).where(Column.slug == column)
    with hub.works.read() as work:
        head, rows = one_page(work.session, query, page, Piece.updated_at.desc(), Piece.id.desc())
        return {**head, "pieces": [brief(row) for row in rows]}


@router.post("/pieces", status_code=201)
def create_piece(hub: HubDep, asker: Writer, new: NewPiece) -> PieceWhole:
    """Begins a piece in a column."""
    with hub.works.write(asker.actor) as work:
        offered = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
        column = next((one for one in offered if one.slug == new.column), None)
        if column is None:
            raise Invalid(field="column", why=f"没有标识为“{new.column[:60]}”且您可以撰稿的栏目。")
        _must_know(new, column.kind)
        if new.cover_id is not None:
            raise Invalid(field="cover_id", why="新稿件还没有图片，请先上传图片再设封面。")
        piece = compose.create(work, asker.viewer, column, draft=new.over(Draft()))
        return whole(work.session, piece)


@router.get("/pieces/{piece_id}")
def get_piece(hub: HubDep, asker: Reader, piece_id: int) -> PieceWhole:
    """A piece with its newest words; `version` goes back with a save."""
    with hub.works.read() as work:
        return whole(work.session, piece_for(work.session, asker.viewer, piece_id))


@router.put("/pieces/{piece_id}")
def save_piece(hub: HubDep, asker: Writer, piece_id: int, words: SavedPiece) -> PieceWhole:
    """Saves new words, what is not named stays; 409 when somebody saved since `version`."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        _must_know(words, piece.kind)
        cover = work.session.get(Asset, words.cover_id) if words.cover_id is not None else None
        if words.cover_id is not None and (cover is None or cover.piece_id != piece.id):
            raise Invalid(field="cover_id", why="封面须是本稿件的图片。")
        before = draft_of(work.session, work.session.get_one(Revision, piece.revision_id))
        compose.save(work, asker.viewer, piece, words.over(before), words.version)
        return whole(work.session, piece)


@router.post("/pieces/{piece_id}/pictures", status_code=201)
def add_picture(
    hub: HubDep,
    asker: Writer,
    piece_id: int,
    file: Annotated[UploadFile, File()],
    alt: Annotated[str, Form()] = "",
    decorative: Annotated[bool, Form()] = False,
) -> PictureKept:
    """Keeps a picture; `src` is its address for the text."""
    name = file.filename or "picture"
    picture = normalise(file.file.read(), name)
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_picture(work, asker.viewer, piece, hub.blobs, name, picture, alt, decorative)
        return {"id": asset.id, "src": media_path(asset), "sha256": asset.sha256, "version": piece.version}


@router.post("/pieces/{piece_id}/attachments", status_code=201)
def add_attachment(hub: HubDep, asker: Writer, piece_id: int, file: Annotated[UploadFile, File()]) -> FileKept:
    """Keeps a document with the piece."""
    attachment = attachments.read(file.filename or "file", file.file.read())
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_attachment(work, asker.viewer, piece, hub.blobs, attachment)
        return {"id": asset.id, "name": asset.name, "sha256": asset.sha256, "version": piece.version}


@router.get("/pieces/{piece_id}/findings")
def findings(hub: HubDep, asker: Reader, piece_id: int) -> Findings:
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
def accounts(hub: HubDep, asker: Reader, piece_id: int) -> AccountsOffered:
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
def submit(hub: HubDep, asker: Writer, piece_id: int, sent: Submission) -> ReleaseTold:
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
        return release_told(work.session, release)


@router.get("/releases/{release_id}")
def get_release(hub: HubDep, asker: Reader, release_id: int) -> ReleaseWhole:
    """A release with everything that its hash covers."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        return {**release_told(work.session, release), "content": release.content}


@router.post("/releases/{release_id}/sign")
def sign(hub: HubDep, asker: Reviewer, release_id: int, verdict: Verdict) -> ReleaseTold:
    """同意 over the hash that was read."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        on_behalf_of = verdict.on_behalf_of
        review.sign(work, asker.viewer, release, verdict.hash, verdict.opinion, on_behalf_of=on_behalf_of)
        return release_told(work.session, release)


@router.post("/releases/{release_id}/return")
def send_back(hub: HubDep, asker: Reviewer, release_id: int, sent: Return) -> ReleaseTold:
    """退回 with a reason."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        review.send_back(work, asker.viewer, release, sent.reason, on_behalf_of=sent.on_behalf_of)
        return release_told(work.session, release)


@router.post("/releases/{release_id}/proofs", status_code=201)
def record_proof(hub: HubDep, asker: Reviewer, release_id: int) -> ProofTold:
    """登记校对 by the token's person."""
    with hub.works.write(asker.actor) as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        proof = review.record_proof(work, asker.viewer, release)
        return {"release": release.id, "number": proof.number, "needed": release.proofs}


def _must_know(words: Words, kind: str) -> None:
    """Raises Invalid at the first element or channel that there is none of."""
    compose.must_know(kind_of(kind), words.fields)
    for name in words.variants:
        if name not in installed():
            raise Invalid(field=f"variants.{name}", why=f"没有“{name[:60]}”这一渠道。")


def brief(piece: Piece) -> PieceBrief:
    """A piece as a list shows it."""
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
        "updated_at": told(piece.updated_at),
        "first_published_at": moment(piece.first_published_at),
    }


def whole(session: Session, piece: Piece) -> PieceWhole:
    """A piece with its newest words."""
    revision = session.get_one(Revision, piece.revision_id)
    draft = draft_of(session, revision)
    return {
        **brief(piece),
        "imported_from": origin_of(session, piece, revision.source_name).source,
        "revision": revision.number,
        "title": draft.title,
        "summary": draft.summary,
        "body": draft.body,
        "fields": dict(draft.fields),
        "cover_id": draft.cover_id,
        "cover_x": draft.cover_x,
        "cover_y": draft.cover_y,
        "source_name": draft.source_name,
        "source_url": draft.source_url,
        "editor": draft.editor,
        "keywords": draft.keywords,
        "expires_at": moment(draft.expires_at),
        "variants": {
            name: {"title": own.title, "digest": own.digest, "body": own.body, "layout": own.layout}
            for name, own in draft.variants.items()
        },
    }


def release_told(session: Session, release: Release) -> ReleaseTold:
    """A release and how far its signatures are."""
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
        "submitted_at": told(release.submitted_at),
        "signed_at": moment(release.signed_at),
    }
