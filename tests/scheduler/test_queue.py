"""The queue of many machines: wake-ups stand and fall with their rows, and workers do what is due, once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread

import pytest
from procrastinate import App, PsycopgConnector
from sqlalchemy import Engine, func, select, text

from kernel.duties import Duty
from kernel.work import Works
from scheduler import booking
from scheduler.booking import Order
from scheduler.events import Booked
from scheduler.models import Delivery
from scheduler.queue import Queue, Wakes, address, clear_away
from scheduler.states import DeliveryState
from tests.scheduler.conftest import PUBLIC_URL, Timetable
from tests.scheduler.test_lanes import crowded, states

pytestmark = pytest.mark.postgresql


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Only PostgreSQL has a queue."""
    return postgres_url


@pytest.fixture
def wakes(timetable: Timetable) -> Wakes:
    """The wiring of an installation on many machines."""
    made = Wakes()
    timetable.works.listeners.in_work(Booked, lambda work, fact: made.defer(work, fact.account_id, fact.at))
    return made


def waiting(engine: Engine) -> int:
    """How many wake-ups are listed."""
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'lane' AND status = 'todo'")
        return int(connection.execute(query).scalar_one())


def done(works: Works) -> int:
    """How many deliveries are out."""
    with works.read() as work:
        query = select(func.count(Delivery.id)).where(Delivery.state == DeliveryState.DONE)
        return work.session.scalar(query) or 0


def until(met: Callable[[], bool], seconds: float = 20) -> bool:
    """Waits for something; says whether it came."""
    end = time.monotonic() + seconds
    while not met() and time.monotonic() < end:
        time.sleep(0.05)
    return met()


@contextmanager
def working(timetable: Timetable, wakes: Wakes, *duties: Duty, portal: bool = True) -> Iterator[None]:
    """A worker in a thread of its own."""
    ended = Event()
    worker = Queue(timetable.works, timetable.dispatcher, lambda: duties, wakes, portal=portal)
    thread = Thread(target=worker.run, args=(ended,))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_wake_up_commits_with_its_row(timetable: Timetable, wakes: Wakes, engine: Engine) -> None:
    timetable.book(timetable.release().piece_id)
    assert waiting(engine) == 1


def test_a_wake_up_falls_with_its_row(timetable: Timetable, wakes: Wakes, engine: Engine) -> None:
    piece = timetable.release().piece_id

    def think_better() -> None:
        with timetable.office.working("officer") as (work, who):
            booking.book(work, who, Order([piece], timetable.account("fake-a").id, "publish"), PUBLIC_URL)
            raise RuntimeError("thought better")

    with pytest.raises(RuntimeError, match="thought better"):
        think_better()
    assert waiting(engine) == 0


def test_the_same_wake_up_is_listed_once(timetable: Timetable, wakes: Wakes, engine: Engine) -> None:
    pieces = [timetable.release(title=f"第{number}号通知").piece_id for number in range(3)]
    for piece in pieces:
        timetable.book(piece)
    assert waiting(engine) == 1
    with timetable.works.read() as work:
        assert work.session.scalar(select(func.count(Delivery.id))) == 3


def test_workers_send_each_delivery_once(timetable: Timetable, wakes: Wakes) -> None:
    pieces = [timetable.release("fake-a", "fake-b", title=f"第{number}号通知").piece_id for number in range(10)]
    for piece in pieces:
        timetable.book(piece)
        timetable.book(piece, account="fake-b")
    with working(timetable, wakes), working(timetable, wakes):
        assert until(lambda: done(timetable.works) == 20)
    for account in ("fake-a", "fake-b"):
        assert len(timetable.platform(account).arrived) == 10


def test_what_is_to_be_tried_again_is_looked_at_again(timetable: Timetable, wakes: Wakes) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    timetable.platform().script = ["retryable"]
    with working(timetable, wakes):
        assert until(lambda: timetable.now(delivery).attempts == 1 and timetable.now(delivery).claimed_by is None)
        timetable.clock.step(hours=1)
        assert until(lambda: timetable.now(delivery).state == DeliveryState.DONE)


def test_a_lost_wake_up_is_made_up_for(timetable: Timetable, wakes: Wakes, engine: Engine) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM procrastinate_jobs"))
    with working(timetable, wakes):
        assert until(lambda: timetable.now(delivery).state == DeliveryState.DONE)


def test_a_worker_outlives_the_database_being_away(timetable: Timetable, wakes: Wakes, engine: Engine) -> None:
    with working(timetable, wakes):
        timetable.book(timetable.release().piece_id)
        assert until(lambda: done(timetable.works) == 1)
        with engine.connect() as connection:
            query = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
            assert connection.scalar(text(f"{query} AND pid <> pg_backend_pid()"))
        engine.dispose()
        timetable.book(timetable.release(title="其后的通知").piece_id)
        assert until(lambda: done(timetable.works) == 2)


def test_neither_failing_items_nor_a_hanging_channel_make_a_good_one_late(timetable: Timetable, wakes: Wakes) -> None:
    with working(timetable, wakes), crowded(timetable) as good:
        assert until(lambda: states(timetable, good) == {DeliveryState.DONE})


def test_the_duties_of_the_house_are_done_once_by_all_workers(timetable: Timetable, wakes: Wakes) -> None:
    done_at: list[float] = []
    duty = Duty("count", timedelta(hours=1), lambda: done_at.append(time.monotonic()))
    with working(timetable, wakes, duty), working(timetable, wakes, duty):
        assert until(lambda: bool(done_at))
        time.sleep(2.5)
    assert len(done_at) == 1


def test_what_a_dead_worker_had_begun_is_cleared_away(timetable: Timetable, wakes: Wakes, engine: Engine) -> None:
    timetable.book(timetable.release().piece_id)
    with engine.begin() as connection:
        connection.execute(text("UPDATE procrastinate_jobs SET status = 'doing'"))
    asyncio.run(_clear_away(engine))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 0


async def _clear_away(engine: Engine) -> None:
    app = App(connector=PsycopgConnector(conninfo=address(engine)))
    async with app.open_async():
        await clear_away(app)


def test_what_writes_the_portals_folder_is_done_where_the_folder_is(timetable: Timetable, wakes: Wakes) -> None:
    done_at: list[str] = []
    duties = [
        Duty("site", timedelta(hours=1), lambda: done_at.append("site"), site=True),
        Duty("house", timedelta(hours=1), lambda: done_at.append("house")),
    ]
    with working(timetable, wakes, *duties, portal=False):
        assert until(lambda: done_at == ["house"])
    with working(timetable, wakes, *duties, portal=True):
        assert until(lambda: done_at == ["house", "site"])
