"""Keeps where each item shows; the only answer to what a channel shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import Live, Placed, Shown, Uncorrectable
from channels.registry import channels
from content.models import Release
from kernel.work import Work
from scheduler import taking_back
from scheduler.batch import Batch, place_kind
from scheduler.elsewhere import PORTAL
from scheduler.events import WasWithdrawn, WentLive
from scheduler.models import Delivery, Place, Placement
from scheduler.states import PlacementState

# In a placement's data: the articles that stood there before the present one. No adapter uses this word for its own;
# `earlier` is what WeChat and Weibo call those that still stand and are to be taken back with it.
EARLIER, STILL_STAND = "stood_before", "earlier"

P = TypeVar("P", bound=Place)


@dataclass(frozen=True)
class Article:
    """One of the articles by which a piece has come to show on an account, counted from 0; the last is the present one.

    A correction that publishes again makes a further one; `stands` says whether the platform still shows it.
    """

    number: int
    placed: Placed
    live_at: datetime
    stands: bool


def remember(work: Work, delivery: Delivery, live: Live, batch: Batch | None = None) -> None:
    """Writes what now shows, or no longer shows, after a delivery was done; whoever hands in a batch saves it."""
    rows = batch or Batch(work.session, [delivery])
    for item, release, _piece in rows.going(delivery):
        if delivery.action == "withdraw":
            _withdrawn(work, delivery, rows.placement(item.piece_id, delivery.account_id), rows)
        else:
            shown = live.shown.get(item.piece_id, Shown("", ""))
            _live(work, delivery, release, shown, rows)
    if batch is None:
        rows.save()


def remember_uncorrectable(work: Work, delivery: Delivery, answer: Uncorrectable, batch: Batch) -> None:
    """Notes that a correction or withdrawal is a person's task there, or impossible."""
    for item, _release, _piece in batch.items(delivery):
        placement = batch.placement(item.piece_id, delivery.account_id)
        if placement is None:
            continue
        placement.correction = "by_hand" if answer.by_hand else "impossible"
        placement.changed_at = work.now
        if not answer.by_hand:
            placement.state = PlacementState.UNCORRECTABLE


def placement_of(session: Session, piece_id: int, account_id: int) -> Placement | None:
    """Where a piece shows on an account, if it ever did."""
    return place_on(session, Placement, piece_id, account_id)


def place_of(session: Session, piece_id: int, delivery: Delivery) -> Place | None:
    """Where the delivery's account shows a piece; for a rehearsal, what was rehearsed."""
    return place_on(session, place_kind(delivery), piece_id, delivery.account_id)


def place_on(session: Session, kind: type[P], piece_id: int, account_id: int) -> P | None:
    """The same by what is shown there: real or rehearsed."""
    query = select(kind).where(kind.piece_id == piece_id, kind.account_id == account_id)
    return session.scalars(query).one_or_none()


def articles_of(row: Place) -> list[Article]:
    """Every article of a placement, the present one last: people read and answer those that stand."""
    found, live_at = [], row.live_at
    for number, one in enumerate(row.data.get(EARLIER, ())):
        data = {**one.get("data", {}), "live_at": live_at.isoformat()}
        placed = Placed(row.piece_id, str(one.get("remote_id", "")), str(one["url"]), data)
        # Of one from before this was kept there is only its address: nobody can ask for it any more.
        shown = row.state == PlacementState.LIVE and bool(one.get("stands"))
        found.append(Article(number, placed, live_at, shown))
        live_at = datetime.fromisoformat(one["ended_at"]) if one.get("ended_at") else live_at
    data = {name: value for name, value in row.data.items() if name != EARLIER}
    placed = Placed(row.piece_id, row.remote_id, row.url, {**data, "live_at": live_at.isoformat()})
    return [*found, Article(len(found), placed, live_at, row.state == PlacementState.LIVE)]


def on_portal(session: Session, piece_id: int) -> bool:
    """Whether a portal shows a piece now, so that a link to its page leads somewhere."""
    query = select(Placement.id).join(Account, Account.id == Placement.account_id)
    shown = query.where(Placement.piece_id == piece_id, Placement.state == PlacementState.LIVE)
    return session.scalar(shown.where(Account.channel == PORTAL).limit(1)) is not None


def placements_of(session: Session, piece_id: int) -> Sequence[Placement]:
    """Everywhere a piece shows or showed."""
    return session.scalars(select(Placement).where(Placement.piece_id == piece_id).order_by(Placement.id)).all()


def _live(work: Work, delivery: Delivery, release: Release, shown: Shown, batch: Batch) -> None:
    # The page that was drawn carries its own time of publication; the record must show the same one.
    said = shown.data.get("published_at")
    at = datetime.fromisoformat(str(said)) if said else work.now
    piece_id = release.piece_id
    placement = batch.placement(piece_id, delivery.account_id)
    withdrawn = placement is not None and placement.state == PlacementState.WITHDRAWN
    escaped = taking_back.escaped(work, delivery, piece_id) if withdrawn else None
    if placement is None:
        placement = place_kind(delivery)(
            unit_id=delivery.unit_id,
            piece_id=piece_id,
            account_id=delivery.account_id,
            live_at=at,
            data={},
            correction="",
        )
        batch.add(placement)
    placement.release_id, placement.revision_id = release.id, release.revision_id
    placement.delivery_id = delivery.id
    placement.state = PlacementState.LIVE
    earlier = {}
    if _publishes_again(delivery, shown):
        earlier = _earlier(placement, delivery, shown, work.now, taken_back=withdrawn)
    placement.remote_id, placement.url = shown.remote_id[:300], shown.url[:1000]
    placement.data = {**placement.data, **shown.data, **earlier}
    placement.changed_at, placement.withdrawn_at = work.now, None
    if delivery.action == "correct":
        placement.correction = "corrected"
    if escaped is not None:
        # Said to nobody above: it is not to show, and goes again at once.
        work.audit("placement.live", placement, account=delivery.account_id, piece=piece_id, url=shown.url)
        taking_back.once_more(work, escaped, piece_id)
        return
    if delivery.rehearses:
        # Said to nobody above: what was rehearsed is not published.
        work.audit("placement.rehearsed", placement, account=delivery.account_id, piece=piece_id, url=shown.url)
        return
    work.audit("placement.live", placement, account=delivery.account_id, piece=piece_id, url=shown.url)
    work.emit(
        WentLive(delivery.id, delivery.account_id, delivery.channel, piece_id, release.id, shown.url, placement.live_at)
    )


def _publishes_again(delivery: Delivery, shown: Shown) -> bool:
    """A correction may; 再发一次 does where the platform's adapter tells what stands beside the new article."""
    if delivery.action == "publish":
        return STILL_STAND in shown.data
    adapter = channels().get(delivery.channel)
    return delivery.action == "correct" and adapter is not None and "republish" in adapter.limits.corrections


def _earlier(placement: Place, delivery: Delivery, shown: Shown, now: datetime, *, taken_back: bool) -> dict[str, Any]:
    """What stood there before it was published again, with all that is needed to go on asking for it while it stands.

    The platform counts the new article from nothing, and its readers write beneath either.
    """
    if not placement.remote_id or not placement.url or placement.url == shown.url[:1000]:
        return {}
    told = shown.data.get(STILL_STAND)
    stands = bool(told) if told is not None else delivery.note.get("correction") != "republish"
    stands = stands and not taken_back
    ended = {
        "url": placement.url,
        "remote_id": placement.remote_id,
        "ended_at": now.isoformat(),
        "data": {name: value for name, value in placement.data.items() if name not in (EARLIER, STILL_STAND)},
    }
    # Who deletes and publishes again deletes the notices of earlier corrections too.
    before = [{**one, "stands": bool(one.get("stands")) and stands} for one in placement.data.get(EARLIER, [])]
    return {EARLIER: [*before, {**ended, "stands": stands}]}


def _withdrawn(work: Work, delivery: Delivery, placement: Place | None, batch: Batch) -> None:
    if placement is None or taking_back.is_outdone(delivery, placement.piece_id, batch):
        return
    piece_id = placement.piece_id
    placement.state, placement.withdrawn_at, placement.changed_at = PlacementState.WITHDRAWN, work.now, work.now
    work.audit("placement.withdrawn", placement, account=delivery.account_id, piece=piece_id)
    if not delivery.rehearses:
        work.emit(_fact(work, delivery, piece_id))


def _fact(work: Work, delivery: Delivery, piece_id: int) -> WasWithdrawn:
    return WasWithdrawn(delivery.id, delivery.account_id, delivery.channel, piece_id, work.now, delivery.phrase)
