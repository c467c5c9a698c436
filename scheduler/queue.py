"""The engine of many machines: wake-ups are jobs in PostgreSQL; the only file that knows Procrastinate.

A job says "look at this lane at that time" and is deferred in the transaction of the row it is for, so that one
never stands without the other. It only wakes the worker's clerk, who claims for all lanes that are due and records
what they were answered. The rows stay the schedule: a job that finds nothing does no harm, one that was lost is made
up for by a look every few seconds, and a lane that two workers look at is claimed row by row.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from signal import SIGINT, SIGTERM
from threading import Event
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, Engine, make_url, select, text

from channels.accounts.models import Account
from kernel.duties import Duty
from kernel.work import Work, Works
from scheduler import elsewhere
from scheduler.dispatch import Dispatcher
from scheduler.lanes import Lanes
from scheduler.rounds import Rounds

log = structlog.get_logger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)

LANES, PORTAL, HOUSE = "lanes", "portal", "house"
LANE, LOOK, DUTIES, CLEAR = "lane", "look", "duties", "clear"

# None of them takes long: a wake-up only wakes, and what waits for a platform is a thread of its lane's.
CONCURRENCY = 16
# A worker silent for so long is dead; what it had begun is taken off the list, for its rows tell how they stand.
DEAD_AFTER = 30.0
# How long a worker waits before it begins again after the database was away, in seconds.
BEGIN_AGAIN = 1.0
EVERY_SECOND = "* * * * * *"
EVERY_FEW_SECONDS = "* * * * * */5"
EVERY_MINUTE = "* * * * *"
# A wake-up that comes early is put off for so long, so that clocks a moment apart do not make it go in a circle.
AGAIN = timedelta(seconds=0.2)


class Wakes:
    """Defers wake-ups in the caller's own transaction."""

    def __init__(self, clock_offset: timedelta = timedelta()) -> None:
        # Never opened: it only writes through the connection of the work at hand.
        self._app = App(connector=SyncPsycopgConnector())
        self._offset = clock_offset

    def defer(self, work: Work, lane: int, at: datetime) -> None:
        """Has some worker look at this lane at that time; the same wake-up a second time adds nothing."""
        deferred: set[tuple[int, datetime]] = work.session.info.setdefault("wakes", set())
        if (lane, at) in deferred:
            return
        deferred.add((lane, at))
        portal = work.session.scalar(select(Account.channel).where(Account.id == lane)) == elsewhere.PORTAL
        try:
            # A taken queueing lock would spoil the whole transaction; the savepoint keeps the harm to itself.
            with work.session.begin_nested():
                self._app.configure_task(
                    LANE,
                    queue=PORTAL if portal else LANES,
                    queueing_lock=f"{LANE}.{lane}.{at.isoformat()}",
                    schedule_at=at - self._offset,  # The server's clock decides, and nobody moves that one.
                    connection=work.session.connection().connection.driver_connection,
                ).defer(lane=lane)
        except AlreadyEnqueued:
            log.debug("already deferred", lane=lane)


class Queue:
    """A worker process: looks at lanes when their wake-ups are due, and does the duties of the house.

    `portal` says whether this machine has the portal's folder and may draw its pages.
    """

    def __init__(
        self,
        works: Works,
        dispatcher: Dispatcher,
        duties: Callable[[], Sequence[Duty]],
        wakes: Wakes,
        *,
        portal: bool = True,
    ) -> None:
        self.works = works
        self.dispatcher = dispatcher
        self.wakes = wakes
        self.queues = [HOUSE, LANES, *([PORTAL] if portal else [])]
        self._rounds = Rounds(works, lambda: [duty for duty in duties() if portal or not duty.site])
        self._lanes = Lanes(dispatcher, portal=portal, idle=self._later)
        self._app = App(connector=PsycopgConnector(conninfo=address(works.engine)))
        self._app.task(name=LANE)(self._lane)
        self._every(EVERY_SECOND, DUTIES, self._duties)
        self._every(EVERY_FEW_SECONDS, LOOK, self._look)
        self._every(EVERY_MINUTE, CLEAR, self._clear)

    def run(self, until: Event | None = None) -> None:
        """Works until SIGINT or SIGTERM, or until an event is set; calls under way are finished and recorded first."""
        self._lanes.start()
        try:
            asyncio.run(self._work(until))
        finally:
            self._lanes.stop()
            self._rounds.stop()

    async def _work(self, until: Event | None) -> None:
        pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="job")
        loop = asyncio.get_running_loop()
        # Tasks run in the loop's own pool, whose default size is a handful.
        loop.set_default_executor(pool)
        stop = asyncio.Event()
        if until is None:
            for signal in (SIGINT, SIGTERM):
                loop.add_signal_handler(signal, stop.set)
        else:
            loop.run_in_executor(None, until.wait).add_done_callback(lambda _told: stop.set())
        while not stop.is_set():
            await self._until_it_breaks(stop)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), BEGIN_AGAIN)

    async def _until_it_breaks(self, stop: asyncio.Event) -> None:
        """Works until told to stop, or until the library gives up, as it does when the database is away."""
        try:
            async with self._app.open_async():
                worker = asyncio.create_task(
                    self._app.run_worker_async(
                        queues=self.queues,
                        concurrency=CONCURRENCY,
                        fetch_job_polling_interval=0.5,
                        delete_jobs="always",
                        install_signal_handlers=False,
                        stalled_worker_timeout=DEAD_AFTER,
                    )
                )
                stopped = asyncio.create_task(stop.wait())
                await asyncio.wait({worker, stopped}, return_when=asyncio.FIRST_COMPLETED)
                stopped.cancel()
                worker.cancel()
                await worker
        except asyncio.CancelledError:
            log.debug("worker stopped")
        except Exception:  # The edge of a process: a database that is away for a while must not end the worker.
            log.exception("worker broke off")
        if not stop.is_set():
            log.warning("worker begins again", seconds=BEGIN_AGAIN)

    def _every(self, cron: str, name: str, step: Callable[[int], Any]) -> None:
        """Has one worker of all do this step at these times."""
        task = self._app.task(name=name, queue=HOUSE, queueing_lock=name)(step)
        self._app.periodic(cron=cron)(task)

    def _lane(self, lane: int) -> None:
        moment = self.dispatcher.next_moments([lane]).get(lane)
        if moment is None:
            return
        now = self.works.clock.now()
        if moment <= now:
            self._lanes.wake()
            return
        # It was moved, or this machine's clock is behind the server's.
        with self.works.write() as work:
            self.wakes.defer(work, lane, max(moment, now + AGAIN))

    def _later(self, lanes: Collection[int]) -> None:
        """Lanes have made their calls: what they have later is deferred, and what is due already looked at again."""
        now = self.works.clock.now()
        moments = self.dispatcher.next_moments(lanes)
        if min(moments.values(), default=now + AGAIN) <= now:
            self._lanes.wake()
        later = {lane: moment for lane, moment in sorted(moments.items()) if moment > now}
        if later:
            with self.works.write() as work:
                for lane, moment in later.items():
                    self.wakes.defer(work, lane, moment)

    def _look(self, timestamp: int) -> None:
        """Makes up for wake-ups that were lost."""
        lanes = self.dispatcher.due_lanes()
        if lanes:
            with self.works.write() as work:
                for lane in lanes:
                    self.wakes.defer(work, lane, work.now)

    def _duties(self, timestamp: int) -> None:
        self._rounds.look()

    async def _clear(self, timestamp: int) -> None:
        await clear_away(self._app)


async def clear_away(app: App) -> None:
    """Takes off the list what dead workers had begun; the sweep finds the rows they held."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER):
        if job.id is not None:
            await app.job_manager.finish_job_by_id_async(job_id=job.id, status=Status.FAILED, delete_job=True)


def create_tables(connection: Connection) -> None:
    """Makes Procrastinate's own tables, types and functions; for migrations."""
    _execute(connection, SchemaManager.get_schema())


def drop_tables(connection: Connection) -> None:
    """Removes everything of Procrastinate's from the schema; for migrations."""
    query = text(
        "SELECT 'DROP TABLE IF EXISTS ' || c.oid::regclass || ' CASCADE' FROM pg_class c"
        " WHERE c.relkind = 'r' AND c.relname LIKE 'procrastinate%' AND pg_table_is_visible(c.oid)"
        " UNION ALL SELECT 'DROP FUNCTION IF EXISTS ' || p.oid::regprocedure || ' CASCADE' FROM pg_proc p"
        " WHERE p.proname LIKE 'procrastinate%' AND pg_function_is_visible(p.oid)"
        " UNION ALL SELECT 'DROP TYPE IF EXISTS ' || t.oid::regtype || ' CASCADE' FROM pg_type t"
        " WHERE t.typtype IN ('e', 'c') AND t.typname LIKE 'procrastinate%' AND pg_type_is_visible(t.oid)"
        " AND (t.typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = t.typrelid) = 'c')"
    )
    for statement in connection.scalars(query).all():
        connection.exec_driver_sql(statement)


def _execute(connection: Connection, script: str) -> None:
    cursor = connection.connection.cursor()
    try:
        cursor.execute(script)
    finally:
        cursor.close()


def address(engine: Engine) -> str:
    """The database's address as the queue's library wants it."""
    return make_url(engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
