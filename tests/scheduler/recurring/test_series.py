"""系列: every occurrence once, covered by what was signed; one is skipped or moved, the rest is ended."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from content.errors import NoRight
from content.models import Release
from content.snapshot import Target, Window
from kernel.errors import Invalid, NotFound
from scheduler import booking
from scheduler.errors import AlreadyBooked, OutsideSeries, TakenMeanwhile
from scheduler.models import Delivery
from scheduler.recurring import series as all_series
from scheduler.recurring.models import Series
from scheduler.recurring.pattern import pattern
from scheduler.recurring.series import SeriesOrder
from tests.scheduler.conftest import PUBLIC_URL, Timetable

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAYS = pattern("weekly", [1], "10:00")


def order(table: Timetable, release: Release, **words: Any) -> SeriesOrder:
    """Four Mondays from 2 March on, unless told otherwise."""
    days = words.pop("days", MONDAYS)
    first = words.pop("first", date(2026, 3, 2))
    count = words.pop("count", None if "until" in words else 4)
    return SeriesOrder(release.piece_id, table.account("fake-a").id, "publish", days, first, count, **words)


def book(table: Timetable, wanted: SeriesOrder, by: str = "officer") -> Series:
    with table.office.working(by) as (work, who):
        return all_series.book(work, who, wanted, PUBLIC_URL, SHANGHAI)


def rows(table: Timetable, series: Series) -> list[Delivery]:
    with table.works.read() as work:
        return list(all_series.occurrences(work.session, series))


def shown(found: list[Delivery]) -> list[str]:
    return [f"{one.scheduled_at.astimezone(SHANGHAI):%m-%d %H:%M} {one.state}" for one in found]


def signed(table: Timetable, window: Window) -> Release:
    account = table.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    submitted = table.office.submit(table.office.piece().id, targets=[target], window=window)
    return table.office.sign_off(submitted.id)


def test_each_occurrence_goes_out_once_at_its_time(timetable: Timetable) -> None:
    made = book(timetable, order(timetable, timetable.release()))
    assert shown(rows(timetable, made)) == [f"03-{day} 10:00 booked" for day in ("02", "09", "16", "23")]
    for _week in range(5):
        timetable.at(days=7)
        timetable.run()
        timetable.run()
    assert [one.state for one in rows(timetable, made)] == ["done"] * 4
    assert len(timetable.platform().arrived) == 4
    with timetable.works.read() as work:
        numbers = all_series.places(work.session, rows(timetable, made))
    assert sorted(numbers.values()) == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_it_ends_with_a_day_and_passes_over_the_holiday(timetable: Timetable) -> None:
    wanted = order(timetable, timetable.release(), first=date(2026, 4, 20), until=date(2026, 5, 11))
    # Monday, 4 May 2026 is a day off.
    assert shown(rows(timetable, book(timetable, wanted))) == [
        "04-20 10:00 booked", "04-27 10:00 booked", "05-11 10:00 booked",
    ]  # fmt: skip


def test_what_was_signed_must_cover_every_occurrence(timetable: Timetable) -> None:
    release = signed(timetable, Window(latest=datetime(2026, 3, 17, tzinfo=SHANGHAI)))
    with pytest.raises(OutsideSeries) as refusal:
        book(timetable, order(timetable, release))
    assert "第 4 次（2026-03-23 10:00）超出签发的时间窗（不限 至 2026-03-17 00:00）" in refusal.value.message()
    with timetable.works.read() as work:
        assert work.session.query(Delivery).count() == work.session.query(Series).count() == 0
    assert len(rows(timetable, book(timetable, order(timetable, release, count=3)))) == 3


def test_nothing_is_booked_beside_what_waits_of_the_same(timetable: Timetable) -> None:
    release = timetable.release()
    book(timetable, order(timetable, release))
    with pytest.raises(AlreadyBooked):
        book(timetable, order(timetable, release))
    with pytest.raises(AlreadyBooked):
        timetable.book(release.piece_id)


def test_a_series_follows_what_went_out_before(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    made = book(timetable, order(timetable, release, first=date(2026, 3, 3)))
    assert [one.occurrence for one in rows(timetable, made)] == [2, 3, 4, 5]
    with timetable.works.read() as work:
        assert min(all_series.places(work.session, rows(timetable, made)).values()) == (1, 4)


def test_one_occurrence_is_skipped_and_one_moved_and_the_rest_ended(timetable: Timetable) -> None:
    made = book(timetable, order(timetable, timetable.release()))
    first, second, third, _last = rows(timetable, made)
    timetable.at(hours=2)
    timetable.run()
    with timetable.office.working("officer") as (work, who):
        all_series.skip(work, who, made, work.session.get_one(Delivery, second.id))
    timetable.act(third, booking.move, datetime(2026, 3, 18, 15, 0, tzinfo=SHANGHAI))
    assert shown(rows(timetable, made)) == [
        "03-02 10:00 done", "03-09 10:00 cancelled", "03-18 15:00 booked", "03-23 10:00 booked",
    ]  # fmt: skip
    with timetable.office.working("officer") as (work, who), pytest.raises(TakenMeanwhile):
        all_series.skip(work, who, made, work.session.get_one(Delivery, first.id))
    with timetable.office.working("officer") as (work, who):
        assert all_series.end(work, who, work.session.get_one(Series, made.id)) == 2
    assert [one.state for one in rows(timetable, made)] == ["done", "cancelled", "cancelled", "cancelled"]
    with timetable.office.working("officer") as (work, who), pytest.raises(Invalid, match="已经结束"):
        all_series.end(work, who, work.session.get_one(Series, made.id))
    timetable.at(days=60)
    timetable.run()
    assert len(timetable.platform().arrived) == 1


def test_two_who_book_the_same_at_one_moment_book_it_once(timetable: Timetable) -> None:
    wanted = order(timetable, timetable.release())
    ready, made, refused = threading.Barrier(4), [], []

    def go() -> None:
        ready.wait(timeout=10)
        try:
            made.append(book(timetable, wanted))
        except AlreadyBooked as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert (len(made), len(refused)) == (1, 3)
    with timetable.works.read() as work:
        assert work.session.query(Delivery).count() == 4


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"count": None}, "count"),
        ({"count": 1}, "count"),
        ({"count": 61}, "count"),
        ({"count": 4, "until": date(2026, 4, 1)}, "count"),
        ({"until": date(2026, 3, 3)}, "until"),
        ({"days": pattern("workdays", [], "10:00"), "until": date(2026, 12, 31)}, "until"),
    ],
)
def test_too_few_too_many_and_both_ends_are_refused(timetable: Timetable, words: dict[str, Any], field: str) -> None:
    release = timetable.release()
    with pytest.raises(Invalid) as refusal:
        book(timetable, order(timetable, release, **words))
    assert refusal.value.field == field


def test_who_may_not_book_may_neither_book_nor_end_a_series(timetable: Timetable) -> None:
    release = timetable.release()
    with pytest.raises(NoRight):
        book(timetable, order(timetable, release), by="reviewer")
    made = book(timetable, order(timetable, release))
    with timetable.office.working("reviewer") as (work, who), pytest.raises(NoRight):
        all_series.end(work, who, work.session.get_one(Series, made.id))
    other = timetable.book(timetable.release().piece_id, at=timetable.clock.now() + timedelta(days=1))
    with timetable.office.working("officer") as (work, who), pytest.raises(NotFound):
        all_series.skip(work, who, made, work.session.get_one(Delivery, other.id))
