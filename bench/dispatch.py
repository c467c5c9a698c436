"""How late things leave when much is due at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select

from bench.figures import Figure, measure, percentile
from bench.offices import BenchOffice, bench_office
from scheduler.models import Delivery
from scheduler.states import DeliveryState

PORT = 8790
PIECES, ACCOUNTS = 50, 20
LIMIT = "limit 2 s"


@measure("dispatch.due1000.sqlite")
def due1000_sqlite() -> Iterator[Figure]:
    """1,000 deliveries due at the same second, 50 pieces to 20 accounts, from due time to result recorded."""
    with bench_office() as office:
        office.add_accounts("fake", ACCOUNTS)
        pieces = [office.signed(f"通知{number:03d}", office.accounts) for number in range(PIECES)]
        at = office.hub.clock.now() + timedelta(seconds=25)
        office.book(pieces, office.accounts, at)
        process = office.serve(PORT)
        try:
            late = _lateness(office, PIECES * ACCOUNTS)
        finally:
            process.terminate()
            process.wait(30)
    yield Figure("dispatch.due1000.sqlite.lateness_p50", round(percentile(late, 0.5), 3), "s", LIMIT)
    yield Figure("dispatch.due1000.sqlite.lateness_p99", round(percentile(late, 0.99), 3), "s", LIMIT)


def _lateness(office: BenchOffice, wanted: int) -> list[float]:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        with office.hub.works.read() as work:
            query = select(func.count(Delivery.id)).where(Delivery.state == DeliveryState.DONE)
            if (work.session.scalar(query) or 0) >= wanted:
                rows = work.session.execute(select(Delivery.scheduled_at, Delivery.done_at)).all()
                return [(done - due).total_seconds() for due, done in rows if done]
        time.sleep(0.5)
    raise RuntimeError("not everything went out within 180 s")
