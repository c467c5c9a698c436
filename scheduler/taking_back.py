"""A withdrawal and what was under way when it was asked for: whichever answer comes last, it ends withdrawn."""

from __future__ import annotations

from sqlalchemy import select

from kernel.claim import new_claimant
from kernel.work import Work
from scheduler.batch import CHANGES, Batch
from scheduler.events import Booked
from scheduler.identity import next_free
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState

S = DeliveryState
# In a withdrawal's note: by piece, the delivery by which it showed when the withdrawal left.
TAKES_BACK = "takes_back"
CAME_BACK = "撤稿之前已发出的内容现在才有结果，又显示出来了，再次撤下"
CHANGED = "撤稿途中内容有变动，再次撤下"


def escaped(work: Work, delivery: Delivery, piece_id: int) -> Delivery | None:
    """The withdrawal that this delivery, whose result comes only now, was under way for; None when it came later.

    A correction brings nothing back that was withdrawn; what was published anew, by a later decision, does.
    """
    having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id == piece_id)
    query = select(Delivery).where(
        Delivery.account_id == delivery.account_id,
        Delivery.action == "withdraw",
        Delivery.id.in_(having),
    )
    if delivery.action not in CHANGES:
        query = query.where(Delivery.created_at >= delivery.created_at)
    # Asked of the rows in hand: the withdrawal may have succeeded a moment ago, in this very work.
    found = work.session.scalars(query.order_by(Delivery.id.desc()))
    return next((one for one in found if one.state in (S.DONE, S.MANUAL)), None)


def once_more(work: Work, withdrawal: Delivery, piece_id: int) -> Delivery:
    """Books the same withdrawal again for one piece, at once."""
    release_id = work.session.scalars(
        select(DeliveryItem.release_id).where(
            DeliveryItem.delivery_id == withdrawal.id, DeliveryItem.piece_id == piece_id
        )
    ).one()
    made = Delivery(
        unit_id=withdrawal.unit_id,
        account_id=withdrawal.account_id,
        rehearses=withdrawal.rehearses,
        channel=withdrawal.channel,
        action="withdraw",
        occurrence=withdrawal.occurrence + 1,
        key=new_claimant(),
        state=S.BOOKED,
        scheduled_at=work.now,
        next_at=work.now,
        audience=dict(withdrawal.audience),
        note={},
        phrase=withdrawal.phrase,
        emergency=withdrawal.emergency,
        reason=CAME_BACK,
        created_by=withdrawal.created_by,
        created_at=work.now,
    )
    next_free(work.session, made, [release_id])
    work.session.add(made)
    work.session.flush()
    item = DeliveryItem(delivery_id=made.id, position=1, action=made.action, piece_id=piece_id, release_id=release_id)
    work.session.add(item)
    work.session.flush()
    work.audit("delivery.booked", made, action="withdraw", at=work.now.isoformat(), reason=CAME_BACK)
    work.emit(Booked(made.account_id, work.now))
    return made


def leaves(withdrawal: Delivery, batch: Batch) -> None:
    """Notes what a withdrawal that is about to leave takes back: the deliveries by which its pieces show now."""
    shown = {
        str(piece.id): place.delivery_id
        for _item, _release, piece in batch.items(withdrawal)
        if (place := batch.placement(piece.id, withdrawal.account_id)) is not None
    }
    withdrawal.note = {**withdrawal.note, TAKES_BACK: shown}


def is_undone(withdrawal: Delivery, batch: Batch) -> bool:
    """Whether a withdrawal that just succeeded has to be done again: something older than it came between."""
    changed = (_changed_by(withdrawal, piece.id, batch) for _item, _release, piece in batch.items(withdrawal))
    return any(one is not None and not _is_later(one, withdrawal) for one in changed)


def is_outdone(withdrawal: Delivery, piece_id: int, batch: Batch) -> bool:
    """Whether the piece was published anew since the withdrawal left, by a later decision, and so shows."""
    changed = _changed_by(withdrawal, piece_id, batch)
    return changed is not None and _is_later(changed, withdrawal)


def _is_later(delivery: Delivery, withdrawal: Delivery) -> bool:
    return delivery.action not in CHANGES and delivery.created_at > withdrawal.created_at


def _changed_by(withdrawal: Delivery, piece_id: int, batch: Batch) -> Delivery | None:
    """What has changed a piece since the withdrawal left, which it knew nothing of."""
    place = batch.placement(piece_id, withdrawal.account_id)
    known = withdrawal.note.get(TAKES_BACK, {})
    if place is None or place.delivery_id is None or known.get(str(piece_id), place.delivery_id) == place.delivery_id:
        return None
    return batch.session.get_one(Delivery, place.delivery_id)
