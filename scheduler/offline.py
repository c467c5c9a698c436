"""定时下线: a withdrawal booked for its time, and what that means for what has not gone out by then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from kernel.errors import Invalid
from kernel.work import Work
from scheduler.batch import Batch
from scheduler.breaking_off import is_certain
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import ON_ITS_WAY, DeliveryState, PlacementState
from scheduler.windows import STOPPED

S = DeliveryState
WAITS = (S.BOOKED, S.HELD)
LOOK_AGAIN = timedelta(seconds=10)
LOOK_SOON = timedelta(seconds=1)
# A correction under way for longer than this is not waited for: what shows is taken back at once.
NOT_LONGER = timedelta(minutes=1)
OFFLINE = "offline"
TOO_LATE = "已到预定的下线时间，不再自动发布"
WAITS_FOR_RESULT = "该稿件正在发布，有了结果再撤下"
WAITS_FOR_CHANGE = "该稿件正在更正或再次发出，有了结果马上撤下"
NOTHING = "到下线时间，该稿件没有在此账号显示，不必撤下"


def planned(session: Session, lane: int, pieces: Sequence[int]) -> Delivery | None:
    """The withdrawal of these pieces that waits on an account, if one does."""
    query = _of(lane, pieces).where(Delivery.action == "withdraw", Delivery.state.in_(WAITS))
    return session.scalars(query.order_by(Delivery.scheduled_at).limit(1)).one_or_none()


def coming(session: Session, lane: int, pieces: Sequence[int], until: datetime | None = None) -> Sequence[Delivery]:
    """What brings these pieces to an account and is not out yet; `until` leaves out what is booked for later.

    What was tried before is not left out: its later time is that of a second try.
    """
    query = _of(lane, pieces).where(Delivery.action.in_(STOPPED), Delivery.state.in_((*WAITS, *ON_ITS_WAY)))
    if until is not None:
        query = query.where(or_(Delivery.scheduled_at <= until, Delivery.first_attempt_at.is_not(None)))
    return session.scalars(query.order_by(Delivery.scheduled_at, Delivery.id)).all()


def on_its_way(session: Session, lane: int, pieces: Sequence[int]) -> Sequence[Delivery]:
    """What is bringing these pieces to an account at this moment, its result unknown yet."""
    return [one for one in coming(session, lane, pieces) if one.state in ON_ITS_WAY]


def on_its_way_anywhere(session: Session, piece_id: int) -> Sequence[Delivery]:
    """The same for one piece on all accounts."""
    having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id == piece_id, DeliveryItem.dropped == "")
    query = select(Delivery).where(
        Delivery.id.in_(having), Delivery.action.in_(STOPPED), Delivery.state.in_(ON_ITS_WAY)
    )
    return session.scalars(query.order_by(Delivery.id)).all()


def unfinished(session: Session, piece_id: int) -> Sequence[Delivery]:
    """Everything about a piece that is not over yet, on whatever account: booked, held, on its way, a person's task."""
    having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id == piece_id, DeliveryItem.dropped == "")
    query = select(Delivery).where(Delivery.id.in_(having), Delivery.state.in_((*WAITS, *ON_ITS_WAY, S.MANUAL)))
    return session.scalars(query.order_by(Delivery.scheduled_at, Delivery.id)).all()


def must_fit(at: datetime, now: datetime, awaited: Sequence[Delivery]) -> None:
    """Raises Invalid for a time that has passed, or that comes before the piece is out."""
    if at <= now:
        raise Invalid(field="at", why="下线时间须晚于现在；要马上撤下，请选“立即”。")
    if awaited and at <= awaited[0].scheduled_at:
        raise Invalid(field="at", why="下线时间须晚于发布时间。")


def held_up(work: Work, delivery: Delivery, batch: Batch) -> str:
    """For a withdrawal that is due: '' when there is something to take back, "wait" while that is just being changed.

    Where nothing shows: "wait" while it may be going out, else "nothing". What was to bring it there before is held
    from then on: nothing would take it back any more.
    """
    pieces = [item.piece_id for item, _release, _piece in batch.items(delivery)]
    places = [batch.placement(piece, delivery.account_id) for piece in pieces]
    if any(place is not None and place.state != PlacementState.WITHDRAWN for place in places):
        return "wait" if _is_being_changed(work, delivery, pieces) else ""
    awaited = coming(work.session, delivery.account_id, pieces, delivery.scheduled_at)
    left = [one for one in awaited if one.state in ON_ITS_WAY or (one.state in WAITS and not _hold(work, one))]
    if left:
        in_rounds = _hurry(work, left)
        delivery.next_at = work.now + (LOOK_SOON if in_rounds else LOOK_AGAIN)
        delivery.reason = WAITS_FOR_RESULT
        return "wait"
    return "nothing"


def _is_being_changed(work: Work, delivery: Delivery, pieces: Sequence[int]) -> bool:
    """Whether what shows is just being corrected, drawn or sent again, so that it is better taken back after that.

    Not waited for long: what has its result later is taken back once more (`taking_back`).
    """
    # One that another process is claiming at this moment is locked by it, and still looks as if it waited.
    changing = _of(delivery.account_id, pieces).where(
        Delivery.action != "withdraw", Delivery.state.in_((S.BOOKED, *ON_ITS_WAY)), Delivery.next_at.is_not(None)
    )
    found = work.session.scalars(changing).all()
    free = set(work.session.scalars(changing.with_for_update(skip_locked=True))) if found else set()
    left = [one for one in found if one.state in ON_ITS_WAY or one not in free]
    in_rounds = _hurry(work, left)
    fresh = [one for one in left if one not in free or (one.handed_on_at or work.now) > work.now - NOT_LONGER]
    if not (in_rounds or fresh):
        return False
    delivery.next_at, delivery.reason = work.now + LOOK_SOON, WAITS_FOR_CHANGE
    return True


def _hurry(work: Work, going: Sequence[Delivery]) -> bool:
    """Has what goes out in rounds looked at now, so that it ends there; False when nothing does of which that is sure.

    It may wait for an hour, for the end of a stop or for a person.
    """
    batch = Batch(work.session, going) if going else None
    in_rounds = [one.id for one in going if batch is not None and is_certain(work, one, batch)]
    statement = update(Delivery).where(
        Delivery.id.in_(in_rounds),
        Delivery.state.in_((S.ACCEPTED, S.UNKNOWN)),
        Delivery.claimed_by.is_(None),
        or_(Delivery.next_at.is_(None), Delivery.next_at > work.now),
    )
    if in_rounds:
        work.session.execute(statement.values(next_at=work.now).execution_options(synchronize_session=False))
    return bool(in_rounds)


def _hold(work: Work, delivery: Delivery) -> bool:
    """Holds one that waits; False when the engine has just taken it."""
    statement = (
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state.in_(WAITS))
        .values(state=S.HELD, next_at=None, reason=TOO_LATE, code=OFFLINE, claimed_by=None, claimed_until=None)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if work.session.scalars(statement).one_or_none() is None:
        return False
    work.audit("delivery.held", delivery, reason=TOO_LATE)
    return True


def _of(lane: int, pieces: Sequence[int]) -> Select[Delivery]:
    having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id.in_(pieces), DeliveryItem.dropped == "")
    return select(Delivery).where(Delivery.account_id == lane, Delivery.id.in_(having))
