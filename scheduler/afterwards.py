"""What a platform's event tells of a job whose poll was the first to settle it: added, and never a step backwards."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from channels.base import JobResult, Live, Post, Shown
from channels.errors import ChannelError
from kernel.work import Work
from scheduler.batch import Batch
from scheduler.models import Attempt, Delivery, Place
from scheduler.posts import post_of
from scheduler.states import DeliveryState

S = DeliveryState


def add_told(
    work: Work, account_id: int, result: JobResult, settle: Callable[[Post, JobResult], Live], public_url: str
) -> bool:
    """Keeps what the event knows and the poll did not: counts and addresses of what is done, the cause of a failure.

    False when no delivery ended with that job.
    """
    ended = S.DONE if result.done else S.FAILED
    query = select(Delivery).where(
        Delivery.account_id == account_id, Delivery.job_id == result.job_id, Delivery.state == ended
    )
    delivery = work.session.scalars(query.with_for_update()).one_or_none()
    if delivery is None:
        return False
    batch = Batch(work.session, [delivery])
    try:
        live = settle(post_of(batch, delivery, public_url), result)
    except ChannelError as refusal:
        _cause(work, delivery, refusal)
        return True
    for item, _release, _piece in batch.going(delivery):
        place = batch.placement(item.piece_id, account_id)
        shown = live.shown.get(item.piece_id)
        if place is not None and shown is not None and place.delivery_id == delivery.id:
            _add(work, delivery, place, shown, result)
    if _by_platform(work, delivery):
        delivery.remark = live.remark[:500]
    return True


def _add(work: Work, delivery: Delivery, place: Place, shown: Shown, result: JobResult) -> None:
    told = {name: value for name, value in result.data.items() if place.data.get(name) != value}
    address = "" if place.url else shown.url[:1000]
    if not told and not address:
        return
    place.data = {**place.data, **told}
    place.url = place.url or address
    work.audit("placement.told_later", place, account=delivery.account_id, piece=place.piece_id, url=place.url)


def _by_platform(work: Work, delivery: Delivery) -> bool:
    """Whether the platform's word ended it; what a person who looked there wrote stays."""
    query = select(Attempt.id).where(Attempt.delivery_id == delivery.id, Attempt.outcome == "live")
    return work.session.scalar(query.limit(1)) is not None


def _cause(work: Work, delivery: Delivery, refusal: ChannelError) -> None:
    reason = refusal.message("zh")[:500]
    if reason == delivery.reason:
        return
    delivery.reason, delivery.code = reason, refusal.platform_code
    work.audit("delivery.told_later", delivery, reason=refusal.reason, code=refusal.platform_code)
