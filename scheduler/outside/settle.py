"""A person's word on a difference: linked to a piece, registered with a later signature, set aside; gone, or there."""

from __future__ import annotations

from sqlalchemy import select, update

from channels.accounts.models import Account
from channels.registry import style_of
from content import compose, public
from content import release as releases
from content.compose import Draft
from content.errors import NoRight
from content.models import Column, Piece, Release
from content.snapshot import Target
from content.states import ReleaseState
from kernel.errors import Invalid
from kernel.people import Permission, Viewer
from kernel.work import Work
from scheduler.errors import TakenMeanwhile
from scheduler.events import WasWithdrawn
from scheduler.models import Placement
from scheduler.outside.models import MissingPlacement, MissingState, OutsidePiece, OutsideState
from scheduler.placements import placement_of
from scheduler.states import PlacementState
from templates.engine import Engine

ORIGIN = "outside"
OUTSIDE_LABELS = {
    OutsideState.OPEN: "待登记",
    OutsideState.LINKED: "已关联",
    OutsideState.REGISTERED: "已登记",
    OutsideState.DISMISSED: "不登记",
}


def link(work: Work, who: Viewer, row: OutsidePiece, piece_id: int) -> Placement:
    """It is a piece of ours, published by hand: its signed release stands for what shows there."""
    _must(who, Permission.DELIVERY_ACT, row.unit_id)
    piece = work.session.get(Piece, piece_id)
    if piece is None or not who.may(Permission.PIECE_READ, piece.unit_id):
        raise Invalid(field="piece", why="没有这篇稿件，或您看不到它。")
    release = work.session.get(Release, piece.release_id) if piece.release_id else None
    if release is None or release.state != ReleaseState.SIGNED:
        raise Invalid(field="piece", why="只能关联已签发的稿件；没有签发过的请登记为外发稿件并补签。")
    before = placement_of(work.session, piece.id, row.account_id)
    if before is not None and before.state == PlacementState.LIVE:
        raise Invalid(field="piece", why="这篇稿件在该账号上已有一条发布记录，不能再关联。")
    _decide(work, who, row, OutsideState.LINKED, piece.id)
    placement = _place(work, row, piece, release, before)
    public.registered_outside(work, piece.id, row.published_at)
    work.audit("outside.linked", row, piece=piece.id, url=row.url)
    return placement


def register(work: Work, who: Viewer, row: OutsidePiece, column_id: int, *, engine: Engine, portal: str) -> Piece:
    """It becomes a piece of its own with the platform's time, and its later signature is asked for."""
    _must(who, Permission.PIECE_WRITE, row.unit_id)
    column = work.session.get(Column, column_id)
    if column is None:
        raise Invalid(field="column", why="请选择栏目。")
    account = work.session.get_one(Account, row.account_id)
    words = Draft(
        title=row.title,
        body=row.body or f"<p>{row.title}</p>",
        summary=row.digest,
        source_url=row.url,
        editor=row.author,
    )
    piece = compose.create(work, who, column, draft=words, unit_id=row.unit_id, origin=ORIGIN)
    _decide(work, who, row, OutsideState.REGISTERED, piece.id)
    action = "publish" if row.notified is False else account.action
    target = Target(account.id, account.name, account.channel, style_of(account.channel), action)
    release = releases.open_outside(work, who, piece, target, engine=engine, portal=portal)
    _place(work, row, piece, release, None)
    public.registered_outside(work, piece.id, row.published_at)
    work.audit("outside.registered", row, piece=piece.id, url=row.url, published=row.published_at.isoformat())
    return piece


def dismiss(work: Work, who: Viewer, row: OutsidePiece, reason: str) -> None:
    """It is nothing to register, for a reason."""
    _must(who, Permission.DELIVERY_ACT, row.unit_id)
    if not reason.strip():
        raise Invalid(field="reason", why="不登记须写明原因。")
    _decide(work, who, row, OutsideState.DISMISSED, None, reason.strip())
    work.audit("outside.dismissed", row, reason=reason.strip())


def settle_missing(work: Work, who: Viewer, row: MissingPlacement, *, gone: bool, reason: str) -> None:
    """A person looked: it is gone there (已撤稿), or it is there after all."""
    _must(who, Permission.DELIVERY_ACT, row.unit_id)
    if not reason.strip():
        raise Invalid(field="reason", why="请写明在平台上看到的情况。")
    state = MissingState.WITHDRAWN if gone else MissingState.THERE
    values = {
        "state": state, "decided_by": who.person_id, "decided_at": work.now, "reason": reason.strip()[:500],
    }  # fmt: skip
    statement = update(MissingPlacement).where(
        MissingPlacement.id == row.id, MissingPlacement.state == MissingState.OPEN
    )
    if work.session.scalar(statement.values(**values).returning(MissingPlacement.id)) is None:
        raise TakenMeanwhile(state="已处理")
    place = work.session.get_one(Placement, row.placement_id)
    if not gone:
        work.audit("placement.found_there", place, reason=reason.strip())
        return
    if place.state != PlacementState.WITHDRAWN:
        place.state, place.withdrawn_at, place.changed_at = PlacementState.WITHDRAWN, work.now, work.now
        work.audit("placement.withdrawn", place, account=place.account_id, piece=place.piece_id, reason=reason.strip())
        account = work.session.get_one(Account, place.account_id)
        work.emit(WasWithdrawn(place.delivery_id or 0, account.id, account.channel, place.piece_id, work.now, ""))


def after_signing(work: Work, piece: Piece) -> None:
    """What was published outside needs no sending once it is signed: it stands where it stood."""
    if piece.origin != ORIGIN:
        return
    live = select(Placement.id).where(Placement.piece_id == piece.id, Placement.state == PlacementState.LIVE)
    if work.session.scalar(live.limit(1)) is not None:
        public.stands_outside(piece, work.now)


def _place(work: Work, row: OutsidePiece, piece: Piece, release: Release, placement: Placement | None) -> Placement:
    if placement is None:
        placement = Placement(
            unit_id=piece.unit_id, piece_id=piece.id, account_id=row.account_id, live_at=row.published_at, correction=""
        )
        work.session.add(placement)
    placement.release_id, placement.revision_id = release.id, release.revision_id
    placement.state, placement.url, placement.remote_id = PlacementState.LIVE, row.url, row.number
    placement.live_at, placement.changed_at, placement.withdrawn_at = row.published_at, work.now, None
    placement.data = {**dict(row.data), "outside": True}
    work.session.flush()
    work.audit("placement.live", placement, account=row.account_id, piece=piece.id, url=row.url, outside=True)
    return placement


def _decide(
    work: Work, who: Viewer, row: OutsidePiece, state: OutsideState, piece_id: int | None, reason: str = ""
) -> None:
    values = {
        "state": state,
        "piece_id": piece_id,
        "decided_by": who.person_id,
        "decided_at": work.now,
        "reason": reason[:500],
    }
    statement = (
        update(OutsidePiece)
        .where(OutsidePiece.id == row.id, OutsidePiece.state == OutsideState.OPEN)
        .values(**values)
        .returning(OutsidePiece)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if work.session.scalars(statement).one_or_none() is None:
        work.session.refresh(row)
        raise TakenMeanwhile(state=OUTSIDE_LABELS[OutsideState(row.state)])


def _must(who: Viewer, permission: Permission, unit_id: int) -> None:
    if not who.may(permission, unit_id):
        raise NoRight(what="登记外发内容")
