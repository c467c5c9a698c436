"""Whether a claimed delivery may leave now; if not, it is held or dropped, and somebody is told."""

from __future__ import annotations

from datetime import timedelta

from kernel.work import Work
from scheduler import receipts
from scheduler.batch import Batch
from scheduler.models import Delivery
from scheduler.posts import hindrance
from scheduler.states import DeliveryState

S = DeliveryState


def kept_back(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """Whether the delivery may not leave now: unsigned, outside its window, or missed by too much."""
    kept = _missed(work, delivery, batch) or _hindered(work, delivery, batch)
    if kept:
        delivery.claimed_by = delivery.claimed_until = None
    return kept


def spoiled(work: Work, delivery: Delivery, batch: Batch, failure: Exception) -> None:
    """Keeps a delivery whose release this version cannot read; one sent already is only no longer asked about."""
    why = f"发布内容无法读取：{type(failure).__name__}: {failure}"
    if delivery.state == S.SENDING:
        delivery.attempts -= 1
    waiting = delivery.state in (S.BOOKED, S.SENDING)
    _stop(work, delivery, batch, S.HELD if waiting else S(delivery.state), why, "content")
    delivery.claimed_by = delivery.claimed_until = None


def _hindered(work: Work, delivery: Delivery, batch: Batch) -> bool:
    going = batch.going(delivery)
    hindered = [(item, found) for item, release, _ in going if (found := hindrance(delivery, release, work.now))]
    if not hindered:
        return False
    if delivery.unsigned == "drop" and len(going) > len(hindered):
        for item, found in hindered:
            item.dropped = found.reason
            work.audit("delivery.item_dropped", delivery, piece=item.piece_id, reason=found.reason)
        return False
    first = hindered[0][1]
    state = S.CANCELLED if delivery.unsigned == "drop" else S.HELD
    _stop(work, delivery, batch, state, first.reason, first.code)
    return True


def _missed(work: Work, delivery: Delivery, batch: Batch) -> bool:
    if delivery.missed_after is None or delivery.missed_act == "send" or delivery.attempts:
        return False
    late = work.now - delivery.scheduled_at
    if late <= timedelta(minutes=delivery.missed_after):
        return False
    why = f"超过预定时间 {int(late.total_seconds() // 60)} 分钟"
    _stop(work, delivery, batch, S.HELD if delivery.missed_act == "hold" else S.CANCELLED, why, "missed")
    return True


def _stop(work: Work, delivery: Delivery, batch: Batch, state: DeliveryState, why: str, code: str) -> None:
    delivery.state, delivery.next_at, delivery.reason, delivery.code = state, None, why, code
    if state == S.CANCELLED:
        delivery.done_at = work.now
    work.audit(f"delivery.{state.value}", delivery, reason=why)
    receipts.needs_person(work, delivery, batch)
