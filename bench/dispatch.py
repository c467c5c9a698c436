"""How late things leave when much is due at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from bench.figures import Figure, measure, percentile
from bench.offices import BenchOffice, bench_office, ended
from hub.drill.stage import free_port
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.postgres import server

PIECES, ACCOUNTS, WORKERS = 50, 20, 2
LIMIT = "limit 2 s"
LONGEST, STARTING = 180.0, 120.0
STOPPED = (DeliveryState.FAILED, DeliveryState.HELD, DeliveryState.MANUAL, DeliveryState.CANCELLED)


@measure("dispatch.due1000.sqlite")
def due1000_sqlite() -> Iterator[Figure]:
    """1,000 deliveries due at the same second, 50 pieces to 20 accounts, from due time to result recorded."""
    with bench_office() as office:
        yield from measured("dispatch.due1000.sqlite", office, PIECES, lambda: ended(office.serve(free_port())))


@measure("dispatch.due1000.postgresql")
def due1000_postgresql() -> Iterator[Figure]:
    """The same with two workers on PostgreSQL."""
    with server(durable=True) as url, bench_office(database_url=url) as office:
        yield from measured("dispatch.due1000.postgresql", office, PIECES, lambda: workers(office, WORKERS))


def measured(
    name: str, office: BenchOffice, pieces: int, running: Callable[[], AbstractContextManager[object]]
) -> Iterator[Figure]:
    """The figures of so many pieces for each account, taken out by what runs beside this process."""
    office.add_accounts("fake", ACCOUNTS)
    signed = [office.signed(f"通知{number:03d}", office.accounts) for number in range(pieces)]
    with running():
        with office.timed(pieces * ACCOUNTS) as at:
            office.book(signed, office.accounts, at)
        late = lateness(office, pieces * ACCOUNTS, at)
    yield Figure(f"{name}.lateness_p50", round(percentile(late, 0.5), 3), "s", LIMIT)
    yield Figure(f"{name}.lateness_p99", round(percentile(late, 0.99), 3), "s", LIMIT)


def workers(office: BenchOffice, number: int) -> AbstractContextManager[object]:
    """So many workers, once all of them are at work."""
    stack = ExitStack()
    for _ in range(number):
        stack.enter_context(ended(office.worker()))
    until = time.monotonic() + STARTING
    while time.monotonic() < until:
        with office.hub.works.read() as work:
            if work.session.scalar(text("SELECT count(*) FROM procrastinate_workers")) == number:
                return stack
        time.sleep(0.1)
    stack.close()
    raise RuntimeError(f"{number} workers did not start within {STARTING:.0f} s")


def lateness(office: BenchOffice, wanted: int, at: datetime) -> list[float]:
    """How late each delivery was, in seconds, once all are done; raises RuntimeError when some will not be."""
    until = at + timedelta(seconds=LONGEST)
    while office.hub.clock.now() < until:
        with office.hub.works.read() as work:
            counted = select(Delivery.state, func.count()).group_by(Delivery.state)
            states: dict[str, int] = dict(work.session.execute(counted).all())
            if states.get(DeliveryState.DONE, 0) >= wanted:
                rows = work.session.execute(select(Delivery.scheduled_at, Delivery.done_at)).all()
                return [(done - due).total_seconds() for due, done in rows if done]
            if any(states.get(state) for state in STOPPED):
                why = select(Delivery.channel, Delivery.state, Delivery.reason).where(Delivery.state.in_(STOPPED))
                raise RuntimeError(f"not everything went out: {work.session.execute(why.limit(5)).all()}")
        time.sleep(0.5)
    raise RuntimeError(f"not everything went out within {LONGEST:.0f} s after it was due: {states}")
