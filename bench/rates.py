"""How many deliveries a second go out, beside those who do less for each."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import func, select, text

from bench import bare_jobs
from bench.dispatch import lateness, workers
from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office, ended
from bench.peers import python_of
from hub.drill.stage import free_port
from scheduler.models import Delivery
from scheduler.queue import address
from tests.postgres import server

PIECES, ACCOUNTS, ROUNDS = 50, 20, 3
PAGES = 150
SITE = Path(__file__).with_name("wagtail_site.py")


@measure("dispatch.rate.vs_procrastinate")
def vs_procrastinate() -> Iterator[Figure]:
    """1,000 deliveries with rows, attempts and audit, by one worker, against as many jobs that do nothing, by one too.

    They become due while the worker runs: its start is not counted, as that of the other is not.
    """
    yield from measured(PIECES, ROUNDS)


def measured(pieces: int, rounds: int) -> Iterator[Figure]:
    """The figure for so many pieces to twenty accounts, in rounds that take turns on the same database."""
    with server(durable=True) as url, bench_office(database_url=url) as office:
        office.add_accounts("fake", ACCOUNTS)
        ours, theirs = [], []
        for number in range(rounds):
            signed = [office.signed(f"第{number}轮通知{place:03d}", office.accounts) for place in range(pieces)]
            with workers(office, 1):
                with office.timed(pieces * ACCOUNTS) as at:
                    office.book(signed, office.accounts, at)
                ours.append(_rate(office, pieces * ACCOUNTS, number))
            theirs.append(_bare_rate(office, pieces * ACCOUNTS))
    ratio = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
    against = f"no-op jobs: {statistics.median(theirs):.0f}/s, aim 1"
    yield Figure("dispatch.rate.vs_procrastinate", round(statistics.median(ours), 1), "1/s", against, round(ratio, 3))


@measure("dispatch.rate.vs_wagtail")
def vs_wagtail() -> Iterator[Figure]:
    """150 pages that are due on the portal, each drawn into its file, against Wagtail's `publish_scheduled`.

    Neither side's figure holds the start of its process: Wagtail's is timed around the command, ours serves already
    when the pages become due. Both take turns.
    """
    ours, theirs = [], []
    with bench_office() as office:
        office.add_accounts("portal", 1)
        with ended(office.serve(free_port())):
            for number in range(ROUNDS):
                theirs.append(_wagtail_rate())
                signed = [
                    office.signed(f"关于第{number}批{place}号便民措施的通知", office.accounts) for place in range(PAGES)
                ]
                with office.timed(PAGES) as at:
                    office.book(signed, office.accounts, at)
                ours.append(_rate(office, PAGES, number))
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    against = f"publish_scheduled: {statistics.median(theirs):.0f}/s, rounds {min(ratios):.2f} to {max(ratios):.2f}"
    rate, ratio = statistics.median(ours), statistics.median(ratios)
    yield Figure("dispatch.rate.vs_wagtail", round(rate, 1), "1/s", against, round(ratio, 3))


def _wagtail_rate() -> float:
    with tempfile.TemporaryDirectory(prefix="xuanda-wagtail-") as folder:
        command = [str(python_of("wagtail")), str(SITE), folder, str(PAGES)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=SITE.parent)  # Our own file.
    return PAGES / float(done.stdout)


def _rate(office: BenchOffice, number: int, before: int) -> float:
    """Deliveries a second, from the first claim to the last result recorded, of a round after `before` others."""
    lateness(office, number * (before + 1), office.hub.clock.now())
    last = select(Delivery.id).order_by(Delivery.id.desc()).limit(number).subquery()
    span = select(func.min(Delivery.first_attempt_at), func.max(Delivery.done_at)).where(Delivery.id.in_(select(last)))
    with office.hub.works.read() as work:
        began, ended_at = work.session.execute(span).one()
    return number / float((ended_at - began).total_seconds())


def _bare_rate(office: BenchOffice, number: int) -> float:
    """Jobs a second, from the first started to the last ended, by the events that the library itself keeps."""
    conninfo = address(office.hub.engine)
    bare_jobs.defer(conninfo, number)
    jobs = "FROM procrastinate_events e JOIN procrastinate_jobs j ON j.id = e.job_id WHERE j.queue_name = :queue"
    with ended(subprocess.Popen([sys.executable, "-m", "bench.bare_jobs", conninfo])):  # Our own module.
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with office.hub.works.read() as work:
                query = text(f"SELECT count(*) {jobs} AND e.type = 'succeeded'")
                if work.session.scalar(query, {"queue": bare_jobs.QUEUE}) == number:
                    break
            time.sleep(0.2)
    with office.hub.works.write() as work:
        span = text(f"SELECT min(e.at), max(e.at) {jobs} AND e.type IN ('started', 'succeeded')")
        began, last = work.session.execute(span, {"queue": bare_jobs.QUEUE}).one()
        work.session.execute(
            text("DELETE FROM procrastinate_jobs WHERE queue_name = :queue"), {"queue": bare_jobs.QUEUE}
        )
    return number / float((last - began).total_seconds())
