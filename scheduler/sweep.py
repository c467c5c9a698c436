"""Finds what got stuck or late: claims of dead processes, items past their time, holds whose hour has come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, not_, or_, select

from channels.accounts.models import Account
from content.models import Release
from content.states import ReleaseState
from kernel.claim import free, run_out
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.work import Work, Works
from scheduler import receipts
from scheduler.batch import Batch
from scheduler.due import put_to
from scheduler.events import Booked, RanLate, StillUnsigned
from scheduler.figures import NOT_OUT, held_up, no_answer
from scheduler.models import Attempt, Delivery, DeliveryItem
from scheduler.states import DeliveryState
from scheduler.windows import QUIET

S = DeliveryState
BATCH = 200
LEASE = timedelta(seconds=45)
CLOCKS_DIFFER = timedelta(minutes=1)

REMIND_BEFORE = (timedelta(minutes=30), timedelta(minutes=10))
LATE_MINUTES = declare(Rule("delivery.late_minutes", 2, "超时未发告警（分钟）", number_between(1, 120)))
BY_HAND_MINUTES = declare(Rule("delivery.by_hand_minutes", 30, "人工发布未完成告警（分钟）", number_between(1, 1440)))


def sweep(works: Works, lease: timedelta = LEASE) -> int:
    """One round; returns how many stuck rows were found."""
    found = recover(works, lease)
    set_right(works)
    release_holds(works)
    unanswered(works, lease)
    remind_unsigned(works)
    alarm_late(works)
    return found


def recover(works: Works, lease: timedelta = LEASE) -> int:
    """Rows on their way whose claim has run out: nobody knows whether the platform has them, so it is asked."""

    def some(work: Work) -> int:
        query = select(Delivery).where(Delivery.state == S.SENDING, run_out(Delivery, work.now, lease))
        rows = work.session.scalars(query.limit(BATCH).with_for_update(skip_locked=True)).all()
        receipts.close_open_attempts(work, [row.id for row in rows], receipts.LOST, "发送进程中断")
        for row in rows:
            _ask(work, row, "发送进程中断，正在向平台核实", row.code)
        return len(rows)

    return _all(works, some)


def unanswered(works: Works, lease: timedelta = LEASE) -> int:
    """What a platform took and gave no result of in its time is unknown: asked about, and shown to a person."""

    def some(work: Work) -> int:
        # What waits for a person or for the end of the quiet hours owes no answer meanwhile.
        waits = or_(Delivery.next_at.is_(None), Delivery.code == QUIET)
        query = select(Delivery).where(no_answer(work.now), not_(waits), free(Delivery, work.now, lease))
        rows = work.session.scalars(query.limit(BATCH).with_for_update(skip_locked=True)).all()
        for row in rows:
            _ask(work, row, "平台受理后没有在应有的时间内给出结果，正在向平台核实", "")
        return len(rows)

    return _all(works, some)


def _all(works: Works, some: Callable[[Work], int]) -> int:
    """Does it to a few rows in each work until none is left: a crash leaves more behind than one work should hold."""
    total = 0
    while True:
        with works.write() as work:
            found = some(work)
        total += found
        if found < BATCH:
            return total


def _ask(work: Work, row: Delivery, reason: str, code: str) -> None:
    row.state, row.next_at, row.asked = S.UNKNOWN, work.now, 0
    row.claimed_by = row.claimed_until = None
    row.reason, row.code = reason, code
    work.audit("delivery.unknown", row, reason=reason)
    work.emit(Booked(row.account_id, work.now))


def set_right(works: Works) -> int:
    """Rows whose last attempt lies ahead: the clock was set back since, and they would wait for an hour long past."""
    with works.write() as work:
        ahead = select(Attempt.delivery_id).where(Attempt.started_at > work.now + CLOCKS_DIFFER)
        query = select(Delivery).where(
            Delivery.state.in_((S.BOOKED, S.ACCEPTED, S.UNKNOWN)),
            Delivery.next_at > work.now,
            Delivery.id.in_(ahead),
        )
        rows = work.session.scalars(query.limit(BATCH).with_for_update(skip_locked=True)).all()
        moved = [row for row in rows if _last_attempt(work, row) > work.now + CLOCKS_DIFFER]
        for row in moved:
            row.next_at = max(work.now, row.scheduled_at) if row.state == S.BOOKED else work.now
            work.audit("delivery.set_right", row, at=row.next_at.isoformat())
            work.emit(Booked(row.account_id, row.next_at))
        return len(moved)


def _last_attempt(work: Work, delivery: Delivery) -> datetime:
    query = select(Attempt.started_at).where(Attempt.delivery_id == delivery.id).order_by(Attempt.id.desc()).limit(1)
    return work.session.scalars(query).one()


def release_holds(works: Works) -> int:
    """待恢复: held rows whose hour has come are booked again."""

    def some(work: Work) -> int:
        query = select(Delivery).where(Delivery.state == S.HELD, Delivery.next_at <= work.now).limit(BATCH)
        rows = work.session.scalars(query.with_for_update(skip_locked=True)).all()
        for row in rows:
            # Held until before its own time, it still goes out at its own time; else it is due at the hour of the hold.
            at = max(row.next_at or work.now, row.scheduled_at)
            put_to(row, at)
            row.state, row.reason, row.code = S.BOOKED, "", ""
            work.audit("delivery.resumed", row)
            work.emit(Booked(row.account_id, at))
        return len(rows)

    return _all(works, some)


def remind_unsigned(works: Works) -> int:
    """Says 30 and 10 minutes before the time that a release still waits for a signature; the notifier says it once.

    Once for all accounts of the same clock hour, from the first of them on; those that went on hold unsigned count.
    """
    with works.read() as work:
        hour = work.now.replace(minute=0, second=0, microsecond=0)
        soon = work.now + REMIND_BEFORE[0]
        due = (
            select(DeliveryItem.release_id)
            .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
            .join(Release, Release.id == DeliveryItem.release_id)
            .where(
                Delivery.state == S.BOOKED,
                Delivery.scheduled_at.between(work.now, soon),
                Release.state == ReleaseState.OPEN,
            )
            .distinct()
            .limit(BATCH)
        )
        query = (
            select(Release, Delivery, Account.name)
            .join(DeliveryItem, DeliveryItem.release_id == Release.id)
            .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
            .join(Account, Account.id == Delivery.account_id)
            .where(
                Release.id.in_(due),
                Delivery.state.in_((S.BOOKED, S.HELD)),
                Delivery.scheduled_at.between(hour, soon + timedelta(hours=1)),
            )
            .order_by(Delivery.scheduled_at, Delivery.id)
        )
        together: dict[tuple[int, datetime], list[tuple[Release, Delivery, str]]] = {}
        for release, delivery, name in work.session.execute(query):
            begun = delivery.scheduled_at.replace(minute=0, second=0, microsecond=0)
            together.setdefault((release.id, begun), []).append((release, delivery, name))
        facts = [fact for rows in together.values() if (fact := _unsigned(rows, work.now)) is not None]
    if facts:
        with works.write() as work:
            work.events.extend(facts)
    return len(facts)


def _unsigned(rows: list[tuple[Release, Delivery, str]], now: datetime) -> StillUnsigned | None:
    """What to say of a release's deliveries of one clock hour, in their order."""
    ahead = [(row, name) for _release, row, name in rows if row.state == S.BOOKED and row.scheduled_at >= now]
    if not ahead or ahead[0][0].scheduled_at - now > REMIND_BEFORE[0]:
        return None
    before = min(limit for limit in REMIND_BEFORE if ahead[0][0].scheduled_at - now <= limit)
    release, first, _name = rows[0]
    return StillUnsigned(
        release.id,
        frozenset(row.unit_id for row, _name in ahead),
        f"《{release.content['title']}》",
        int(before.total_seconds() // 60),
        first.scheduled_at,
        tuple((name, row.scheduled_at) for row, name in ahead),
    )


def alarm_late(works: Works) -> int:
    """Tells a person, once, of each delivery that is past its time and not out; for work by hand there is more time."""
    told, after = 0, (datetime.min.replace(tzinfo=UTC), 0)
    while True:
        with works.write() as work:
            rows = _past_their_time(work, *after)
            batch = Batch(work.session, rows)
            told += sum(_alarm(work, row, batch) for row in rows)
        if len(rows) < BATCH:
            return told
        after = (rows[-1].scheduled_at, rows[-1].id)


def _past_their_time(work: Work, at: datetime, number: int) -> Sequence[Delivery]:
    """Some of those not told yet, behind one of this time and number: not all of them are late by their unit's rule."""
    owed = and_(no_answer(work.now), Delivery.code != QUIET)
    query = select(Delivery).where(
        or_(Delivery.state.in_(NOT_OUT), owed, held_up()),
        Delivery.late_told_at.is_(None),
        Delivery.scheduled_at < work.now - timedelta(minutes=1),
        or_(Delivery.scheduled_at > at, and_(Delivery.scheduled_at == at, Delivery.id > number)),
    )
    query = query.order_by(Delivery.scheduled_at, Delivery.id).limit(BATCH)
    return work.session.scalars(query.with_for_update(skip_locked=True)).all()


def _alarm(work: Work, row: Delivery, batch: Batch) -> bool:
    by_hand = row.state == S.MANUAL
    rule = BY_HAND_MINUTES if by_hand else LATE_MINUTES
    late = work.now - row.scheduled_at
    if late < timedelta(minutes=float(value_of(work.session, rule, row.unit_id, work.now))):
        return False
    row.late_told_at = work.now
    minutes = int(late.total_seconds() // 60)
    reason = row.reason or ("人工发布还没有完成" if by_hand else "排队等待发送")
    work.audit("delivery.late", row, minutes=minutes, reason=reason)
    work.emit(RanLate(row.id, row.unit_id, row.account_id, receipts.titles(batch, row), minutes, reason))
    return True
