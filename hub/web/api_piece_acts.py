"""The API of what is done with a piece besides writing: taken back, opened, moved, let pass, corrected, retracted."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from content import compose, moving
from content import release as releases
from content.models import Asset, Piece, Release, Revision
from content.snapshot import media_path
from hub import editorial
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_delivery_told import DeliveryBrief, delivery_brief
from hub.web.api_pieces import PieceWhole, ReleaseTold, release_told, whole
from hub.web.api_shapes import DONE, At, Done, told
from hub.web.booking_form import NotBooked
from hub.web.retractions import AllPlaces, book_acts
from hub.web.sent import Body, Moment
from hub.web.validity import mark_in
from kernel.errors import NotFound
from kernel.people import Permission

router = APIRouter(prefix="/api/v1/pieces/{piece_id}")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Lifter = Annotated[Asker, Depends(api_may(P.FINDING_LIFT))]
Signer = Annotated[Asker, Depends(api_may(P.PIECE_SIGN))]
Booker = Annotated[Asker, Depends(api_may(P.BOOKING_WRITE))]


class Relocation(Body):
    """The number of the column to move to: one of the same kind, in the piece's unit or above."""

    column: int


class Lifting(Body):
    """The finding by its key, and why it may stand."""

    finding: str
    reason: str


class Standing(Body):
    """有效性: in force (empty), repealed or lapsed, and on what ground."""

    standing: Literal["", "repealed", "lapsed"]
    note: str = Field("", max_length=300)


class Description(Body):
    """What a picture shows, or that it is decoration."""

    alt: str = ""
    decorative: bool = False


class ActOnAll(Body):
    """One act on several accounts that show the piece: all of them or none.

    `corrections` says, by account, how to correct where a channel has several ways; `at` puts a withdrawal off.
    """

    act: Literal["correct", "withdraw", "refresh"]
    accounts: list[int] = Field(min_length=1, max_length=100)
    phrase: str = ""
    corrections: dict[int, str] = Field(default_factory=dict)
    at: Moment | None = None


class LiftTold(TypedDict):
    """A finding that a signer let pass."""

    finding: str
    message: str
    reason: str
    at: At


class AssetTold(TypedDict):
    """A picture or document of a piece; `src` is a picture's address for the text."""

    id: int
    name: str
    media_type: str
    size: int
    sha256: str
    alt: str
    decorative: bool
    src: str


class Assets(TypedDict):
    """Everything that a piece keeps."""

    cover: int | None
    assets: list[AssetTold]


class RevisionTold(TypedDict):
    """One revision; a frozen one was submitted and never changes."""

    number: int
    title: str
    frozen: bool
    created_by: int | None
    created_at: At


class History(TypedDict):
    """Every revision of a piece, and every release of it."""

    revisions: list[RevisionTold]
    releases: list[ReleaseTold]


class Booked(TypedDict):
    """The deliveries that carry the act to each account."""

    deliveries: list[DeliveryBrief]


@router.post("/recall")
def recall(hub: HubDep, asker: Writer, piece_id: int) -> PieceWhole:
    """撤回送审; 409 when it does not wait for signatures."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        releases.recall(work, asker.viewer, piece)
        return whole(work.session, piece)


@router.post("/reopen")
def reopen(hub: HubDep, asker: Writer, piece_id: int) -> PieceWhole:
    """修改: a new revision of what was submitted, signed or published; a release that waits is void with it."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        compose.reopen(work, asker.viewer, piece)
        return whole(work.session, piece)


@router.post("/trash")
def trash(hub: HubDep, asker: Writer, piece_id: int) -> PieceWhole:
    """Into 回收站; nothing is deleted, and what the public sees has to be withdrawn first."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        compose.trash(work, asker.viewer, piece)
        return whole(work.session, piece)


@router.post("/restore")
def restore(hub: HubDep, asker: Writer, piece_id: int) -> PieceWhole:
    """Out of 回收站, as a draft."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        compose.restore(work, asker.viewer, piece)
        return whole(work.session, piece)


@router.post("/column")
def relocate(hub: HubDep, asker: Writer, piece_id: int, sent: Relocation) -> PieceWhole:
    """移动栏目; what is public changes its address with its next release."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        moving.move(work, asker.viewer, piece, sent.column)
        return whole(work.session, piece)


@router.post("/lift", status_code=201)
def lift(hub: HubDep, asker: Lifter, piece_id: int, sent: Lifting) -> LiftTold:
    """放行: a signer lets a block pass with his reason, never on his own text."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.FINDING_LIFT)
        hosts = editorial.own_hosts(hub.settings)
        made = releases.lift(work, asker.viewer, piece, sent.finding, sent.reason, own_hosts=hosts)
        return {"finding": made.finding_key, "message": made.message, "reason": made.reason, "at": told(made.at)}


@router.post("/standing")
def mark_standing(hub: HubDep, asker: Signer, piece_id: int, sent: Standing) -> PieceWhole:
    """标注有效性 of what is public; its pages are drawn again."""
    with hub.works.write(asker.actor) as work:
        return whole(work.session, mark_in(work, asker, piece_id, sent.standing, sent.note))


@router.post("/retractions", status_code=201)
def act_on_all(hub: HubDep, asker: Booker, piece_id: int, sent: ActOnAll) -> Booked:
    """更正, 撤稿 or 刷新 on every account named, at once or, for a withdrawal, later; either all of them or none."""
    ways = {account: sent.corrections.get(account, "") for account in sent.accounts}
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.BOOKING_WRITE)
        try:
            made = book_acts(hub, work, asker, piece, AllPlaces(sent.act, ways, sent.at, sent.phrase))
        except NotBooked as refused:
            account, error = next(iter(refused.by_account.items()))
            error.field = f"accounts.{list(ways).index(account)}"
            raise error from refused
        return {"deliveries": [delivery_brief(row, work.now) for row in made]}


@router.get("/history")
def history(hub: HubDep, asker: Reader, piece_id: int) -> History:
    """Every revision and every release, the oldest first."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        revisions = work.session.scalars(select(Revision).filter_by(piece_id=piece.id).order_by(Revision.number))
        opened = work.session.scalars(select(Release).filter_by(piece_id=piece.id).order_by(Release.number))
        return {
            "revisions": [
                {
                    "number": one.number,
                    "title": one.title,
                    "frozen": one.frozen,
                    "created_by": one.created_by,
                    "created_at": told(one.created_at),
                }
                for one in revisions
            ],
            "releases": [release_told(work.session, one) for one in opened],
        }


@router.get("/assets")
def assets(hub: HubDep, asker: Writer, piece_id: int) -> Assets:
    """The pictures and documents of a piece, and which of them is its cover."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        cover = work.session.get_one(Revision, piece.revision_id).cover_id
        rows = work.session.scalars(select(Asset).where(Asset.piece_id == piece.id).order_by(Asset.id))
        return {"cover": cover, "assets": [_asset_told(row) for row in rows]}


@router.put("/assets/{asset_id}")
def describe(hub: HubDep, asker: Writer, piece_id: int, asset_id: int, sent: Description) -> AssetTold:
    """Writes what a picture shows, or that it is decoration."""
    with hub.works.write(asker.actor) as work:
        asset = _asset(work.session, asker, piece_id, asset_id)
        compose.describe_picture(work, asker.viewer, asset, sent.alt, sent.decorative)
        return _asset_told(asset)


@router.delete("/assets/{asset_id}")
def remove(hub: HubDep, asker: Writer, piece_id: int, asset_id: int) -> Done:
    """Takes a picture or document off the piece; releases that show it keep it."""
    with hub.works.write(asker.actor) as work:
        compose.remove_asset(work, asker.viewer, _asset(work.session, asker, piece_id, asset_id))
    return DONE


def _asset(session: Session, asker: Asker, piece_id: int, asset_id: int) -> Asset:
    piece: Piece = piece_for(session, asker.viewer, piece_id, P.PIECE_WRITE)
    asset = session.get(Asset, asset_id)
    if asset is None or asset.piece_id != piece.id:
        raise NotFound
    return asset


def _asset_told(asset: Asset) -> AssetTold:
    return {
        "id": asset.id,
        "name": asset.name,
        "media_type": asset.media_type,
        "size": asset.size,
        "sha256": asset.sha256,
        "alt": asset.alt,
        "decorative": asset.decorative,
        "src": media_path(asset) if asset.media_type.startswith("image/") else "",
    }
