"""免打扰时段: which moments lie inside, what waits for the morning, and what an emergency may do."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from content.models import Release
from content.snapshot import Target, Window
from kernel.audit import AuditLine
from kernel.errors import Invalid
from kernel.office_rules import RuleVersion, set_rule
from scheduler import windows
from scheduler.booking import Order, forewarned, move
from scheduler.events import NeedsPerson, RanLate
from scheduler.states import DeliveryState
from scheduler.windows import QuietHours
from tests.scheduler.conftest import Timetable

S = DeliveryState
CHINA = ZoneInfo("Asia/Shanghai")


def clocks(text: str, zone: ZoneInfo = CHINA) -> datetime:
    """A moment by the clocks of a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        ("22:00 07:00", "2026-03-02 21:59:59", None),
        ("22:00 07:00", "2026-03-02 22:00:00", "2026-03-03 07:00"),
        ("22:00 07:00", "2026-03-02 23:59:59", "2026-03-03 07:00"),
        ("22:00 07:00", "2026-03-03 00:00:00", "2026-03-03 07:00"),
        ("22:00 07:00", "2026-03-03 06:59:59", "2026-03-03 07:00"),
        ("22:00 07:00", "2026-03-03 07:00:00", None),
        ("22:00 07:00", "2026-03-03 12:00:00", None),
        ("00:00 06:30", "2026-03-03 00:00:00", "2026-03-03 06:30"),
        ("00:00 06:30", "2026-03-03 06:30:00", None),
        ("00:00 06:30", "2026-03-02 23:59:59", None),
        ("12:30 14:00", "2026-03-03 13:00:00", "2026-03-03 14:00"),
        ("12:30 14:00", "2026-03-03 23:00:00", None),
        ("22:00 00:00", "2026-03-03 23:30:00", "2026-03-04 00:00"),
        ("22:00 22:00", "2026-03-03 23:30:00", None),
    ],
)
def test_which_moments_are_quiet(hours: str, at: str, until: str | None) -> None:
    starts, ends = map(time.fromisoformat, hours.split())
    assert QuietHours(starts, ends, CHINA).until(clocks(at)) == (clocks(until) if until else None)


def test_the_hours_are_those_of_the_offices_own_clocks() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    quiet = QuietHours(time(22), time(7), berlin)
    assert quiet.until(clocks("2026-03-28 23:00", berlin)) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)  # Summer begins.
    assert quiet.until(datetime(2026, 3, 29, 4, 59, tzinfo=UTC)) == datetime(2026, 3, 29, 5, 0, tzinfo=UTC)
    assert quiet.until(datetime(2026, 3, 29, 5, 0, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("channel", "action", "expected"),
    [
        ("jpush", "push", True),
        ("web_push", "push", True),
        ("jpush", "correct", True),
        ("web_push", "correct", True),
        ("jpush", "withdraw", False),
        ("wechat", "correct", False),
        ("wechat", "mass_send", False),
        ("portal", "publish", False),
        ("a channel that is no more", "publish", False),
    ],
)
def test_what_makes_phones_ring(channel: str, action: str, expected: bool) -> None:
    assert windows.rings(channel, action) is expected


# --- through the timetable ------------------------------------------------------------------------------------


def push(table: Timetable, *, emergency: bool = False, window: Window | None = None) -> Release:
    """A signed piece to be pushed on the account `fake-a`."""
    account = table.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "push")
    piece = table.office.piece()
    release = table.office.submit(piece.id, targets=[target], window=window or Window(), emergency=emergency)
    return table.office.sign_off(release.id)


def night(table: Timetable) -> datetime:
    """Moves on to 23:00 by the office's clocks; returns the morning's 07:00."""
    table.at(hours=14)  # The tests' clock begins at 09:00.
    return table.clock.now() + timedelta(hours=8)


def test_a_push_due_at_night_waits_for_the_morning_and_says_so(timetable: Timetable) -> None:
    release = push(timetable)
    delivery = timetable.book(
        release.piece_id,
        action="push",
        at=timetable.clock.now() + timedelta(hours=14),
        missed_after=5,
        missed_act="drop",
    )
    morning = night(timetable)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.next_at, row.scheduled_at, row.code, row.attempts) == (S.HELD, morning, morning, "quiet", 0)
    assert row.reason == "免打扰时段（22:00–07:00）不推送，03-03 07:00 自动发出"
    assert timetable.platform().arrived == []
    timetable.at(hours=7, minutes=59)
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == S.HELD
    timetable.at(minutes=1)
    timetable.sweep()
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.reason, row.code) == (S.DONE, "", "")
    assert timetable.platform().times(row.key) == 1
    # It was moved on purpose: nobody is alarmed at night, and no rule for missed ones takes it away.
    assert [fact for fact in timetable.told if isinstance(fact, RanLate | NeedsPerson)] == []
    with timetable.works.read() as work:
        acts = work.session.scalars(
            select(AuditLine.act).where(AuditLine.object_kind == "delivery", AuditLine.object_id == row.id)
        ).all()
    assert "delivery.held" in acts
    assert "delivery.resumed" in acts


def test_an_emergency_rings_at_any_hour(timetable: Timetable) -> None:
    release = push(timetable, emergency=True)
    night(timetable)
    delivery = timetable.book(release.piece_id, action="push")
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_what_makes_no_phone_ring_leaves_at_night(timetable: Timetable) -> None:
    release = timetable.release()
    night(timetable)
    delivery = timetable.book(release.piece_id)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_a_signed_window_that_ends_before_morning_needs_a_person_at_once(timetable: Timetable) -> None:
    now = timetable.clock.now()
    release = push(timetable, window=Window(now, now + timedelta(hours=16)))
    delivery = timetable.book(release.piece_id, action="push", at=now + timedelta(hours=14))
    night(timetable)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.next_at, row.code) == (S.HELD, None, "quiet")
    assert "签发的时间窗" in row.reason
    assert [fact.delivery_id for fact in timetable.told if isinstance(fact, NeedsPerson)] == [row.id]


def test_one_that_began_in_the_evening_pauses_and_goes_on_in_the_morning(timetable: Timetable) -> None:
    release = push(timetable)
    timetable.platform().script = ["accepted"]
    timetable.at(hours=12, minutes=59, seconds=59)
    delivery = timetable.book(release.piece_id, action="push")
    timetable.run()
    assert timetable.now(delivery).state == S.ACCEPTED
    timetable.at(minutes=10)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.code, row.claimed_by) == (S.ACCEPTED, "quiet", None)
    assert row.next_at == clocks("2026-03-03 07:00")
    timetable.at(hours=1)
    timetable.sweep()
    assert [fact for fact in timetable.told if isinstance(fact, RanLate)] == []
    timetable.at(hours=8)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.code) == (S.DONE, "")
    assert timetable.platform().times(row.key) == 1


def test_the_office_sets_its_own_hours(timetable: Timetable) -> None:
    release = push(timetable)
    with timetable.works.write() as work:
        set_rule(work, "push.quiet_from", timetable.office.city.id, "23:30")
    night(timetable)
    delivery = timetable.book(release.piece_id, action="push")
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


@pytest.mark.parametrize("name", ["push.quiet_from", "push.quiet_until"])
@pytest.mark.parametrize("hour", ["22:00+08:00", "22:00Z", "22:00:30", "22"])
def test_the_hours_are_set_without_a_zone_and_without_seconds(timetable: Timetable, name: str, hour: str) -> None:
    with timetable.works.write() as work, pytest.raises(Invalid, match="须写作 时:分") as refusal:
        set_rule(work, name, timetable.office.city.id, hour)
    assert refusal.value.field == "value"


def test_hours_that_were_once_set_with_a_zone_keep_no_push_back(timetable: Timetable) -> None:
    unit_id, at = timetable.office.city.id, timetable.clock.now()
    with timetable.works.write() as work:
        work.session.add(RuleVersion(name="push.quiet_from", unit_id=unit_id, value="22:00+08:00", in_force_at=at))
    delivery = timetable.book(push(timetable).piece_id, action="push")
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_it_is_told_before_booking_and_after_moving(timetable: Timetable) -> None:
    release, urgent = push(timetable), push(timetable, emergency=True)
    at = timetable.clock.now() + timedelta(hours=14)
    account = timetable.account("fake-a").id

    def told(piece_id: int, action: str = "push", **more: datetime) -> list[tuple[str, bool]]:
        with timetable.works.read() as work:
            problems = forewarned(work, Order([piece_id], account, action, **more), CHINA)
        return [(problem.message, problem.blocking) for problem in problems]

    (message, blocking) = told(release.piece_id, at=at)[0]
    assert "将于 03-03 07:00 自动发出" in message
    assert not blocking
    assert "应急发布照常推送" in told(urgent.piece_id, at=at)[0][0]
    assert told(release.piece_id) == told(release.piece_id, "publish", at=at) == []
    delivery = timetable.book(release.piece_id, action="push", at=timetable.clock.now() + timedelta(hours=1))
    timetable.act(delivery, move, at)
    night(timetable)
    timetable.run()
    assert timetable.now(delivery).code == "quiet"


def test_a_rule_that_is_no_hour_is_refused() -> None:
    assert windows.STARTS.check("25:00")
    assert windows.STARTS.check("22:30") == ""
