"""Hears what citizens wrote beneath published items: on a schedule, within the platform's limits, each comment once.

The network is asked with no transaction open; asking twice writes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot import rules as desk_rules
from bot.comments import rules
from bot.comments.events import CommentsHeard
from bot.comments.late import alarm
from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.comments.states import CommentState
from bot.states import ReplyState
from bot.urgent import danger_in
from channels.abilities.comments import Comment as Shown
from channels.abilities.comments import Heard, HearsComments, OwnAnswer
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Placed
from channels.errors import ChannelError, Throttled, Unauthorised, Unsupported
from kernel.office_rules import value_of
from kernel.once import insert_once
from kernel.seal import Seal
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = CommentState

ACCOUNT_AT_ONCE = 50
AGAIN_AFTER_FAULT = timedelta(hours=1)
AGAIN_WITHOUT_RIGHT = timedelta(days=1)


# An item, an account, and which of its articles there.
Key = tuple[int, int, int]


@dataclass(frozen=True)
class Place:
    """Where an article of an item shows now, as those above know it; `article` counts them from 0."""

    piece_id: int
    account_id: int
    title: str
    placed: Placed
    live_at: datetime
    article: int = 0

    @property
    def key(self) -> Key:
        """Which thread is its own."""
        return self.piece_id, self.account_id, self.article


@dataclass
class Collector:
    """One round after another; `make` builds the adapter of an account."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]
    zone: ZoneInfo

    def round(self) -> int:
        """Asks for every thread that is due; returns how many new comments were heard. One account stops no other."""
        with self.works.read() as work:
            rehearsing = select(Account.id).where(Account.rehearsal, Account.stands_for.is_(None))
            due = (CommentThread.next_at <= work.now, or_(Account.active, Account.stands_for.in_(rehearsing)))
            query = select(CommentThread.account_id).join(Account, Account.id == CommentThread.account_id).where(*due)
            found = list(work.session.scalars(query.distinct().order_by(CommentThread.account_id)))
        return sum(self._account(account_id) for account_id in found)

    def _account(self, account_id: int) -> int:
        with self.works.read() as work:
            about = accounts.info(work.session, self.seal, work.session.get_one(Account, account_id))
            query = select(CommentThread).where(
                CommentThread.account_id == account_id, CommentThread.next_at <= work.now
            )
            # The one asked for longest ago first, so that a short budget goes round.
            threads = work.session.scalars(query.order_by(CommentThread.heard_at, CommentThread.id)).all()
        adapter = self.make(about)
        new = 0
        for thread in threads[:ACCOUNT_AT_ONCE]:
            if not isinstance(adapter, HearsComments):
                self._put_off(thread, "该渠道没有评论接口", AGAIN_WITHOUT_RIGHT)
                continue
            try:
                heard = adapter.hear_comments(placed_of(thread), thread.cursor)
            except Throttled as wait:
                self._wait(account_id, wait)
                break
            except Unsupported as no:
                self._put_off(thread, no.reason, AGAIN_WITHOUT_RIGHT)
            except ChannelError as failure:
                log.warning("comments not heard", account=account_id, reason=failure.reason)
                self._put_off(thread, failure.reason, AGAIN_AFTER_FAULT)
                if isinstance(failure, Unauthorised):
                    break
            except Exception as failure:  # The edge: what an adapter cannot read must not stop the others.
                log.exception("comments not read", account=account_id)
                self._put_off(thread, f"适配程序出错：{type(failure).__name__}", AGAIN_AFTER_FAULT)
            else:
                with self.works.write() as work:
                    new += record(work, thread.id, heard, self.zone)
        return new

    def _put_off(self, thread: CommentThread, reason: str, wait: timedelta) -> None:
        with self.works.write() as work:
            row = work.session.get_one(CommentThread, thread.id)
            row.fault, row.next_at = reason[:300], work.now + wait

    def _wait(self, account_id: int, wait: Throttled) -> None:
        with self.works.write() as work:
            query = select(CommentThread).where(
                CommentThread.account_id == account_id, CommentThread.next_at <= work.now
            )
            for row in work.session.scalars(query):
                row.next_at = wait.until


def placed_of(thread: CommentThread) -> Placed:
    """Where the thread's item shows, as an adapter wants it."""
    return Placed(thread.piece_id, thread.remote_id, thread.url, thread.data)


def follow(work: Work, places: Sequence[Place]) -> None:
    """Opens a thread for each article that shows; one that shows elsewhere now is asked for anew."""
    known = _threads(work.session, {place.account_id for place in places})
    for place in places:
        thread = known.get(place.key)
        if thread is None:
            _open(work, place)
        elif (thread.remote_id, thread.url) != (place.placed.remote_id, place.placed.url):
            thread.remote_id, thread.url = place.placed.remote_id, place.placed.url
            thread.data, thread.cursor, thread.next_at = dict(place.placed.data), "", work.now
        elif thread.data != dict(place.placed.data):
            thread.data = dict(place.placed.data)


def leave(work: Work, gone: set[Key]) -> None:
    """Nobody asks any more for what no longer shows; what was written there is kept."""
    for key, thread in _threads(work.session, {account_id for _piece_id, account_id, _article in gone}).items():
        if thread.next_at is not None and key in gone:
            thread.next_at = None


def _threads(session: Session, account_ids: set[int]) -> dict[Key, CommentThread]:
    rows = session.scalars(select(CommentThread).where(CommentThread.account_id.in_(account_ids)))
    return {(row.piece_id, row.account_id, row.article): row for row in rows}


def _open(work: Work, place: Place) -> None:
    account = work.session.get_one(Account, place.account_id)
    values: Mapping[str, Any] = {
        "unit_id": desk_rules.desk_of(work.session, account.unit_id, work.now),
        "account_id": account.id,
        "piece_id": place.piece_id,
        "article": place.article,
        "title": place.title[:300],
        "remote_id": place.placed.remote_id,
        "url": place.placed.url,
        "data": dict(place.placed.data),
        "live_at": place.live_at,
        "cursor": "",
        "next_at": work.now,
        "fault": "",
    }
    insert_once(work.session, CommentThread, **values)


# --- what was heard -------------------------------------------------------------------------------------


def record(work: Work, thread_id: int, heard: Heard, zone: ZoneInfo) -> int:
    """Keeps what was heard beneath an item; returns how many comments are new."""
    query = select(CommentThread).where(CommentThread.id == thread_id).with_for_update()
    thread = work.session.scalars(query.execution_options(populate_existing=True)).one()
    known = {row.remote_id: row for row in work.session.scalars(select(Comment).where(Comment.thread_id == thread.id))}
    fresh = [one for one in heard.comments if one.id not in known]
    for one in heard.comments:
        if one.id in known:
            _changed(work, known[one.id], one)
    for one in fresh:
        known[one.id] = _new(work, thread, one, zone)
    if heard.complete:
        there = {one.id for one in heard.comments}
        for row in known.values():
            if row.remote_id not in there and row.state != S.GONE:
                _gone(work, row)
    for own in heard.answers:
        _answered(work, thread, known, own)
    if heard.complete:
        _taken_back(work, known, heard.answers)
    thread.cursor, thread.heard_at, thread.fault = heard.cursor or thread.cursor, work.now, ""
    thread.next_at = _next(work, thread, heard)
    if fresh and not work.session.get_one(Account, thread.account_id).stands_for:
        work.emit(CommentsHeard(thread.id, thread.unit_id, len(fresh)))
    return len(fresh)


def _next(work: Work, thread: CommentThread, heard: Heard) -> datetime | None:
    age = work.now - thread.live_at
    if age > timedelta(days=float(value_of(work.session, rules.FOLLOW, thread.unit_id, work.now))):
        return None
    return work.now if heard.more else work.now + rules.pause(age)


def _new(work: Work, thread: CommentThread, one: Shown, zone: ZoneInfo) -> Comment:
    hours = desk_rules.hours_of(work.session, thread.unit_id, zone, work.now)
    days = int(value_of(work.session, rules.DAYS, thread.unit_id, work.now))
    row = Comment(
        unit_id=thread.unit_id,
        thread_id=thread.id,
        account_id=thread.account_id,
        remote_id=one.id[:100],
        author=one.author[:120],
        name=one.name[:60],
        text=one.text,
        at=one.at,
        heard_at=work.now,
        state=S.OPEN,
        selected=one.selected,
        # From when it was written: the citizen does not know how often we ask.
        due_at=hours.workdays.deadline(one.at, days),
        urgent_told=0,
    )
    work.session.add(row)
    work.session.flush()
    more = value_of(work.session, desk_rules.URGENT_WORDS, thread.unit_id, work.now)
    danger = danger_in(one.text, more)
    if danger is not None:
        row.urgent_at, row.urgent_word = work.now, danger.word[:40]
        if not work.session.get_one(Account, thread.account_id).stands_for:  # A drill alarms nobody.
            alarm(work, row)
    return row


def _changed(work: Work, row: Comment, one: Shown) -> None:
    row.selected = one.selected
    if row.state == S.GONE:
        row.state, row.gone_at = (S.ANSWERED if row.answered_at else S.OPEN), None
        work.audit("comment.restored", row)


def _gone(work: Work, row: Comment) -> None:
    row.state, row.gone_at = S.GONE, work.now
    work.audit("comment.gone", row, text=row.text[:200])


def _answered(work: Work, thread: CommentThread, known: Mapping[str, Comment], own: OwnAnswer) -> None:
    """Ties an answer that stands at the platform to its comment, and settles one whose outcome nobody knew."""
    query = (
        select(CommentAnswer)
        .join(Comment, Comment.id == CommentAnswer.comment_id)
        .where(Comment.thread_id == thread.id, CommentAnswer.text == own.text)
        .order_by(CommentAnswer.id)
    )
    if own.to:
        if own.to not in known:
            return
        query = query.where(Comment.remote_id == own.to)
    rows = [row for row in work.session.scalars(query) if row.remote_id in ("", own.id)]
    row = next((row for row in rows if row.remote_id == own.id and own.id), None) or next(iter(rows), None)
    if row is None:
        if own.to:
            _answered_elsewhere(work, known[own.to], own)
        return
    if row.state == ReplyState.UNKNOWN or (row.state == ReplyState.FAILED and row.remote_id == ""):
        comment = work.session.get_one(Comment, row.comment_id)
        row.state, row.done_at, row.reason, row.code = ReplyState.DONE, work.now, "", ""
        work.audit("comment.found_there", comment, answer=row.id)
        answered(comment, own.at)
    row.remote_id = own.id[:100]


def _answered_elsewhere(work: Work, comment: Comment, own: OwnAnswer) -> None:
    row = CommentAnswer(
        comment_id=comment.id,
        text=own.text,
        state=ReplyState.DONE,
        at=own.at,
        done_at=own.at,
        remote_id=own.id[:100],
    )
    work.session.add(row)
    work.session.flush()
    answered(comment, own.at)
    work.audit("comment.answered_there", comment, text=own.text[:200])


def _taken_back(work: Work, known: Mapping[str, Comment], answers: Sequence[OwnAnswer]) -> None:
    there = {(own.to, own.text) for own in answers}
    done = (CommentAnswer.state == ReplyState.DONE, CommentAnswer.removed_at.is_(None))
    # One that was sent while the platform was being asked is not missed yet.
    settled = or_(CommentAnswer.done_at.is_(None), CommentAnswer.done_at < work.now - timedelta(minutes=10))
    by_id = {row.id: row for row in known.values()}
    query = select(CommentAnswer).where(CommentAnswer.comment_id.in_(by_id), *done, settled)
    for row in work.session.scalars(query):
        comment = by_id[row.comment_id]
        if comment.state != S.GONE and (comment.remote_id, row.text) not in there:
            taken_back(work, comment, row)


def answered(comment: Comment, at: datetime) -> None:
    """Notes that an answer stands beneath a comment."""
    comment.answered_at = comment.answered_at or at
    if comment.state in (S.OPEN, S.SETTLED):
        comment.state = S.ANSWERED


def taken_back(work: Work, comment: Comment, row: CommentAnswer) -> None:
    """Notes that an answer no longer stands there; without another the comment waits again."""
    row.removed_at = work.now
    others = select(CommentAnswer.id).where(
        CommentAnswer.comment_id == comment.id,
        CommentAnswer.id != row.id,
        CommentAnswer.state == ReplyState.DONE,
        CommentAnswer.removed_at.is_(None),
    )
    work.session.flush()
    if comment.state == S.ANSWERED and work.session.scalar(others.limit(1)) is None:
        comment.state, comment.answered_at = S.OPEN, None
    work.audit("comment.answer_removed", comment, text=row.text[:200])
