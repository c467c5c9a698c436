"""The editorial part of the workbench: what came back, what waits, what is being written, what goes out today."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import Piece, Release
from content.states import PieceState, ReleaseState
from hub import editorial
from hub.product import Hub
from hub.web.access import Asker
from hub.web.piece_editor import EDITABLE
from hub.web.sections import Section
from kernel.people import Permission, scoped
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState

P = Permission
SHOWN_ON_WORKBENCH = 6


def workbench_section(hub: Hub, asker: Asker) -> Section | None:
    """What came back to this person, what waits for his signature, what he is writing."""
    if not asker.may(P.PIECE_READ):
        return None
    with hub.works.read() as work:
        mine = select(Piece, Release.state).outerjoin(Release, Release.id == Piece.release_id)
        mine = mine.where(Piece.author_id == asker.viewer.person_id, Piece.state.in_(EDITABLE))
        rows = work.session.execute(mine.order_by(Piece.updated_at.desc()).limit(100)).all()
        waiting = editorial.waiting_for(work.session, asker.viewer, work.now)
        signed = scoped(select(Piece), Piece.unit_id, asker.viewer, P.BOOKING_WRITE)
        ready = work.session.scalars(
            signed.where(Piece.state == PieceState.SIGNED).order_by(Piece.updated_at.desc()).limit(SHOWN_ON_WORKBENCH)
        ).all()
        today = _going_out(work.session, asker, _office_day(work.now, hub.settings.office_zone))
    returned = [piece for piece, state in rows if state == ReleaseState.RETURNED]
    drafts = [piece for piece, state in rows if state != ReleaseState.RETURNED]
    return Section(
        "pages/pieces/workbench.html",
        20,
        {
            "returned": returned[:SHOWN_ON_WORKBENCH],
            "drafts": drafts[:SHOWN_ON_WORKBENCH],
            "waiting": waiting[:SHOWN_ON_WORKBENCH],
            "ready": ready,
            "today": today,
            "counts": {"returned": len(returned), "drafts": len(drafts), "waiting": len(waiting)},
            "may_write": asker.may(P.PIECE_WRITE),
        },
    )


def _office_day(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start = datetime.combine(now.astimezone(zone).date(), time(), zone)
    return start, start + timedelta(days=1)


def _going_out(session: Session, asker: Asker, day: tuple[datetime, datetime]) -> list[tuple[Delivery, str, str]]:
    """What goes out today, in its order: delivery, title of its first piece, account."""
    query = (
        select(Delivery, Piece.title, Account.name)
        .join(Account, Account.id == Delivery.account_id)
        .join(DeliveryItem, and_(DeliveryItem.delivery_id == Delivery.id, DeliveryItem.position == 1))
        .join(Piece, Piece.id == DeliveryItem.piece_id)
        .where(Delivery.scheduled_at >= day[0], Delivery.scheduled_at < day[1])
        .where(Delivery.state.not_in((DeliveryState.CANCELLED, DeliveryState.DONE)))
    )
    query = scoped(query, Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
    found = session.execute(query.order_by(Delivery.scheduled_at, Delivery.id).limit(SHOWN_ON_WORKBENCH))
    return [(delivery, title, account) for delivery, title, account in found]
