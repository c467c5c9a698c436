"""Reads what platforms count day by day: what is missing is asked for, nothing is added up, twice changes nothing.

After an outage every day is asked for that the platform still answers. The sum of an article on a day replaces
what was kept for that day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import structlog
from sqlalchemy import select, update

from analytics.models import AccountDay, ChannelReading, PlacementDay, StatisticsMark
from channels.abilities.statistics import ArticleDay, ArticleSums, Statistics
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel
from channels.errors import ChannelError
from channels.registry import channels
from kernel.model import Base
from kernel.once import insert_once
from kernel.seal import Seal
from kernel.work import Work, Works
from scheduler.models import Placement
from scheduler.placements import articles_of

log = structlog.get_logger(__name__)

SUMS, DAYS, ACCOUNT, FOLLOWERS = "sums", "days", "account", "followers"


@dataclass(frozen=True)
class Question:
    """One thing to ask: about a day, whose answer then holds up to `until`."""

    name: str
    day: date
    until: date


def collect(works: Works, seal: Seal, make: Callable[[AccountInfo], Channel]) -> int:
    """Asks every account what is missing; returns how many answers were kept. One that fails stops no other."""
    return sum(_collect_one(works, seal, make, account_id) for account_id in _accounts(works))


def counts_by_day(channel: str) -> bool:
    """Whether the channel's figures are read here."""
    return issubclass(channels().get(channel, object), Statistics)


def _accounts(works: Works) -> list[int]:
    names = [name for name in channels() if counts_by_day(name)]
    with works.read() as work:
        query = select(Account.id).where(Account.active, Account.channel.in_(names)).order_by(Account.id)
        return list(work.session.scalars(query))


def _collect_one(works: Works, seal: Seal, make: Callable[[AccountInfo], Channel], account_id: int) -> int:
    with works.read() as work:
        account = work.session.get_one(Account, account_id)
        about = accounts.info(work.session, seal, account)
        adapter = make(about)
        if not isinstance(adapter, Statistics):
            return 0
        now = work.now
        asked = list(_missing(work, account_id, adapter, adapter.counted_until(now)))
    kept = 0
    for question in asked:
        try:
            _ask(works, account_id, adapter, question)
        except ChannelError as failure:
            # The rest would meet the same wall; what is missing stays missing and is asked for again.
            log.warning("statistics not collected", account=account_id, question=question.name, reason=failure.reason)
            return kept
        except Exception:  # The edge: what an adapter cannot read must not stop the other accounts.
            log.exception("statistics not read", account=account_id, question=question.name)
            return kept
        kept += 1
    return kept


def _missing(work: Work, account_id: int, adapter: Statistics, until: date) -> Iterator[Question]:
    query = select(StatisticsMark).where(StatisticsMark.account_id == account_id)
    marks = {(mark.question, mark.day): mark for mark in work.session.scalars(query)}
    first = until - timedelta(days=adapter.days_back - 1)
    for day in _days(first, until):
        for name in (SUMS, DAYS, ACCOUNT):
            # An article's sums grow for as long as the platform counts them; a day's own figures stand once it is over.
            holds = min(until, day + timedelta(days=adapter.days_back - 1)) if name == SUMS else day
            mark = marks.get((name, day))
            if mark is None or mark.delayed or mark.until < holds:
                yield Question(name, day, holds)
    lacking = [day for day in _days(first, until) if (FOLLOWERS, day) not in marks]
    while lacking:
        span = [day for day in lacking if day < lacking[0] + timedelta(days=adapter.followers_span)]
        yield Question(FOLLOWERS, span[0], span[-1])
        lacking = lacking[len(span) :]


def _ask(works: Works, account_id: int, adapter: Statistics, question: Question) -> None:
    day = question.day
    if question.name == SUMS:
        sums = adapter.article_sums(day)
        with works.write() as work:
            _keep_sums(work, account_id, sums.what)
            _mark(work, account_id, question, delayed=sums.delayed)
    elif question.name == DAYS:
        told = adapter.article_days(day)
        with works.write() as work:
            _keep_days(work, account_id, day, told.what)
            _mark(work, account_id, question, delayed=told.delayed)
    elif question.name == ACCOUNT:
        whole = adapter.account_day(day)
        with works.write() as work:
            if whole.what:
                _merge(work, account_id, day, whole.what)
            _mark(work, account_id, question, delayed=whole.delayed)
    else:
        by_day = adapter.followers(day, question.until)
        with works.write() as work:
            for one in _days(day, question.until):
                if one in by_day:
                    _merge(work, account_id, one, by_day[one])
                    _mark(work, account_id, Question(FOLLOWERS, one, one), delayed=False)


def _keep_sums(work: Work, account_id: int, found: Sequence[ArticleSums]) -> None:
    by_number, by_url = _placements(work, account_id)
    for article in found:
        placed = by_number.get(article.number) or by_url.get(article.url)
        if placed is None:
            continue  # Published outside; the nightly comparison finds it.
        placement, number = placed
        for day, figures in article.days.items():
            _replace(work, ChannelReading, {"placement_id": placement, "article": number, "day": day}, dict(figures))


def _keep_days(work: Work, account_id: int, day: date, found: Sequence[ArticleDay]) -> None:
    by_number, _by_url = _placements(work, account_id)
    sums: dict[int, Counter[str]] = {}
    for told in found:
        placed = by_number.get(told.number)
        if placed is not None:  # A piece that was published again is read in both its articles on one day.
            sums.setdefault(placed[0], Counter()).update(told.figures)
    for placement, figures in sums.items():
        _replace(work, PlacementDay, {"placement_id": placement, "day": day}, dict(figures))


def _placements(work: Work, account_id: int) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """Placements with which of their articles, by the platform's number of it, and by address where that is unknown."""
    by_number: dict[str, tuple[int, int]] = {}
    by_url: dict[str, tuple[int, int]] = {}
    for row in work.session.scalars(select(Placement).where(Placement.account_id == account_id)):
        for article in articles_of(row):
            placed, mine = article.placed, (row.id, article.number)
            if placed.data.get("msg_data_id"):
                by_number[f"{placed.data['msg_data_id']}_{placed.data.get('idx')}"] = mine
            if placed.url:
                by_url[placed.url] = mine
    return by_number, by_url


def _merge(work: Work, account_id: int, day: date, figures: Mapping[str, int]) -> None:
    key = {"account_id": account_id, "day": day}
    kept = work.session.scalar(select(AccountDay.figures).filter_by(**key)) or {}
    _replace(work, AccountDay, key, {**kept, **figures})


def _replace(work: Work, model: type[Base], key: Mapping[str, object], figures: Mapping[str, int]) -> None:
    values = {"figures": dict(figures), "read_at": work.now}
    if not insert_once(work.session, model, **key, **values):
        work.session.execute(update(model).filter_by(**key).values(**values))


def _mark(work: Work, account_id: int, question: Question, *, delayed: bool) -> None:
    key = {"account_id": account_id, "question": question.name, "day": question.day}
    values = {"until": question.until, "delayed": delayed, "read_at": work.now}
    if not insert_once(work.session, StatisticsMark, **key, **values):
        work.session.execute(update(StatisticsMark).filter_by(**key).values(**values))


def _days(first: date, last: date) -> Iterator[date]:
    for ahead in range((last - first).days + 1):
        yield first + timedelta(days=ahead)
