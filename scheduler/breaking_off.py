"""What goes out in rounds ends between two of them: done for whom it reached, cancelled where nobody was."""

from __future__ import annotations

from channels.abilities.going_on import GoesOn
from channels.accounts.fan_outs import progress_of
from channels.base import Live, Placed, Shown
from channels.registry import channels
from kernel.work import Work
from scheduler import receipts
from scheduler.batch import Batch
from scheduler.models import Delivery
from scheduler.placements import remember
from scheduler.posts import placed_of
from scheduler.states import DeliveryState
from scheduler.windows import goes_on

S = DeliveryState


def is_certain(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """Whether it can be told whom it reached, so that it can end here."""
    if not goes_on(delivery.channel):
        return False
    return progress_of(work.session, delivery.key) is not None or not batch.is_doubtful(delivery)


def end_here(work: Work, delivery: Delivery, why: str, batch: Batch) -> None:
    """Ends it for a row in hand, which nobody else is at; what shows names exactly whom it reached."""
    receipts.close_open_attempts(work, [delivery.id], receipts.LOST, "发送进程中断")
    progress = progress_of(work.session, delivery.key)
    delivery.next_at, delivery.done_at, delivery.code = None, work.now, ""
    if progress is None or not progress.counts:
        delivery.state, delivery.reason = S.CANCELLED, f"{why}，此前没有发给任何人"[:500]
        work.audit("delivery.cancelled", delivery, reason=delivery.reason)
        return
    words = f"{why}：已推送 {progress.counts.get('sent', 0)} 人，其余不再推送"
    delivery.state, delivery.reason, delivery.remark = S.DONE, "", words[:500]
    remember(work, delivery, Live(so_far(work, delivery, batch)), batch)
    batch.save()
    work.audit("delivery.broken_off", delivery, remark=words)


def so_far(work: Work, delivery: Delivery, batch: Batch) -> dict[int, Shown]:
    """By piece what stands for whom a delivery in rounds has reached; nothing where it has no list of them."""
    adapter = channels().get(delivery.channel)
    progress = progress_of(work.session, delivery.key)
    if progress is None or adapter is None or not issubclass(adapter, GoesOn):
        return {}
    found = {}
    for item, _release, _piece in batch.going(delivery):
        place = batch.placement(item.piece_id, delivery.account_id)
        before: Placed | None = placed_of(place) if place else None
        shown = adapter.reached_by(delivery.key, before, progress.counts)
        if shown is not None:
            found[item.piece_id] = shown
    return found
