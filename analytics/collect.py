"""Collects what was read: the portal's own count, and the platforms' figures on schedule."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select, update

from analytics.models import ChannelReading, PageRead
from channels.abilities.statistics import Statistics
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Reading
from channels.errors import ChannelError
from content.models import Piece
from kernel.once import insert_once
from kernel.seal import Seal
from kernel.work import Work, Works
from scheduler.models import Placement
from scheduler.placements import Article, articles_of
from scheduler.states import PlacementState

log = structlog.get_logger(__name__)

READ_FOR = timedelta(days=30)  # WeChat's statistics answer for 30 days after publication.
ARTICLE = re.compile(r"/[a-z0-9_-]{1,60}/([1-9]\d{0,8})\.html", re.ASCII)
DIRECT = "portal"
MOST_WAITING = 5000  # Different counts between two writes; beyond it somebody makes addresses up.


Counted = Mapping[tuple[int, str, datetime], int]


class ReadCounter:
    """Counts openings in memory and writes them together, at the latest after `every` seconds.

    A burst of readers must not become a burst of transactions. What a dying process had not written is lost, which
    a count of readings can bear.
    """

    def __init__(self, works: Works, every: float = 5.0) -> None:
        self.works = works
        self.every = every
        self._waiting: Counter[tuple[int, str, datetime]] = Counter()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def count(self, path: str, channel: str) -> bool:
        """Counts one opening of an article; False for a path that is none, or when too much waits to be written.

        `channel` led there (`from=` in the link).
        """
        match = ARTICLE.fullmatch(path)
        if match is None:
            return False
        hour = self.works.clock.now().replace(minute=0, second=0, microsecond=0)
        key = (int(match.group(1)), channel, hour)
        with self._lock:
            if len(self._waiting) >= MOST_WAITING and key not in self._waiting:
                return False
            self._waiting[key] += 1
            if self._timer is None:
                self._timer = threading.Timer(self.every, self._flush_in_time)
                self._timer.daemon = True
                self._timer.start()
        return True

    def flush(self) -> None:
        """Writes what was counted; openings of what was never published are left out."""
        with self._lock:
            waiting, self._waiting = self._waiting, Counter()
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None
        if waiting:
            self.write(waiting)

    def write(self, counted: Counted) -> None:
        """Adds the counts to those of their hours."""
        with self.works.write() as work:
            keep_reads(work, counted)

    def _flush_in_time(self) -> None:
        try:
            self.flush()
        except Exception:  # The edge of the timer's thread: readings may be lost, the next ones must not be.
            log.exception("readings not written")


def keep_reads(work: Work, counted: Counted) -> None:
    """Adds openings by piece, channel and hour; those of what was never published are left out."""
    wanted = {piece_id for piece_id, _channel, _hour in counted}
    known = select(Piece.id, Piece.unit_id).where(Piece.id.in_(wanted), Piece.first_published_at.is_not(None))
    units = {row.id: row.unit_id for row in work.session.execute(known)}
    for (piece_id, channel, hour), times in sorted(counted.items()):
        if piece_id not in units:
            continue
        row = {"piece_id": piece_id, "channel": channel, "hour": hour}
        insert_once(work.session, PageRead, unit_id=units[piece_id], reads=0, **row)
        work.session.execute(update(PageRead).filter_by(**row).values(reads=PageRead.reads + times))


def collect(works: Works, seal: Seal, make: Callable[[AccountInfo], Channel], zone: ZoneInfo) -> int:
    """Asks every account for the figures of what it shows; returns how many readings were kept.

    One account that fails stops no other. Asking twice on a day replaces that day's figures.
    """
    return sum(_collect_one(works, seal, make, zone, account_id) for account_id in _accounts(works))


def _accounts(works: Works) -> Sequence[int]:
    with works.read() as work:
        live = select(Placement.account_id).where(Placement.state == PlacementState.LIVE).distinct()
        query = select(Account.id).where(Account.id.in_(live), Account.active, Account.channel != DIRECT)
        return work.session.scalars(query.order_by(Account.id)).all()


def _collect_one(
    works: Works, seal: Seal, make: Callable[[AccountInfo], Channel], zone: ZoneInfo, account_id: int
) -> int:
    with works.read() as work:
        account = work.session.get_one(Account, account_id)
        about = accounts.info(work.session, seal, account)
        since = work.now - READ_FOR
        query = select(Placement).where(
            Placement.account_id == account_id,
            Placement.state == PlacementState.LIVE,
            Placement.changed_at >= since,
        )
        found = work.session.scalars(query.order_by(Placement.id)).all()
        rows = {row.piece_id: row.id for row in found}
        asked = [one for row in found for one in articles_of(row) if one.stands and one.live_at >= since]
    kept = 0
    try:
        adapter = make(about)
        # What counts day by day is read by `analytics.statistics`, for the days themselves.
        for articles in () if isinstance(adapter, Statistics) else _apart(asked):
            readings = adapter.read([one.placed for one in articles])
            _keep(works, zone, rows, {one.placed.piece_id: one.number for one in articles}, readings)
            kept += len(readings)
    except ChannelError as failure:
        log.warning("readings not collected", account=account_id, reason=failure.reason)
    except Exception:  # The edge: what an adapter cannot read must not stop the other accounts.
        log.exception("readings not read", account=account_id)
    return kept


def _apart(articles: Sequence[Article]) -> Iterator[Sequence[Article]]:
    """The articles so that no piece is asked for twice at once, since a platform's answer names the piece alone."""
    left = list(reversed(articles))  # The present ones first: a day's last requests are for those.
    while left:
        now = {one.placed.piece_id: one for one in reversed(left)}
        yield list(now.values())
        left = [one for one in left if now[one.placed.piece_id] is not one]


def _keep(
    works: Works, zone: ZoneInfo, rows: Mapping[int, int], articles: Mapping[int, int], readings: Sequence[Reading]
) -> None:
    with works.write() as work:
        for reading in readings:
            of = {"placement_id": rows[reading.piece_id], "article": articles[reading.piece_id]}
            key = {**of, "day": reading.at.astimezone(zone).date()}
            last = select(ChannelReading.figures).filter_by(**of).order_by(ChannelReading.day.desc()).limit(1)
            # What only a person could read there (人工填报) still holds where the platform tells other things.
            figures = {**(work.session.scalar(last) or {}), **reading.figures}
            if not insert_once(work.session, ChannelReading, figures=figures, read_at=reading.at, **key):
                statement = update(ChannelReading).filter_by(**key).values(figures=figures, read_at=reading.at)
                work.session.execute(statement)
