"""The workbench's part of the way out: what waits for a person, what is late, how the day is going."""

from __future__ import annotations

from sqlalchemy import case, or_, select

from channels.accounts.models import Account
from hub.product import Hub
from hub.web.access import Asker
from hub.web.deliveries import FOR_A_PERSON, rows_of, today_of
from hub.web.sections import Section
from kernel.people import Permission, scoped
from scheduler.figures import late
from scheduler.models import Delivery

P = Permission
ORDER = 15
SHOWN = 8


def workbench_section(hub: Hub, asker: Asker) -> Section | None:
    """Failed, unknown, held and late deliveries, the oldest first, with the day's figures."""
    if not asker.may(P.DELIVERY_READ):
        return None
    with hub.works.read() as work:
        waits = or_(Delivery.state.in_(FOR_A_PERSON), late(work.now))
        query = select(Delivery, Account).join(Account, Account.id == Delivery.account_id).where(waits)
        query = scoped(query, Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
        urgent = case((late(work.now), 0), else_=1)
        found = work.session.execute(query.order_by(urgent, Delivery.scheduled_at, Delivery.id).limit(SHOWN + 1)).all()
        rows = rows_of(work.session, [(row[0], row[1]) for row in found[:SHOWN]], work.now)
        today, figures = today_of(hub, work, asker)
    return Section(
        "pages/deliveries/workbench.html",
        ORDER,
        {"rows": rows, "more": len(found) > SHOWN, "today": today, "figures": figures},
    )
