"""What stands in the way of a moment is told when booking and moving, not when it is due."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from content.models import Release
from content.snapshot import Target, Window
from kernel.errors import Invalid
from scheduler import booking, freeze
from scheduler.booking import Order, forewarned
from scheduler.conflicts import foreseen, of_delivery
from scheduler.models import Delivery
from tests.scheduler.conftest import Timetable

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=SHANGHAI)


def told(table: Timetable, release: Release, when: datetime | None, **order: Any) -> list[str]:
    with table.works.read() as work:
        wanted = Order((release.piece_id,), table.account("fake-a").id, "publish", when, **order)
        return [problem.message for problem in forewarned(work, wanted, SHANGHAI)]


def test_nothing_is_said_of_a_moment_in_which_nothing_stands(timetable: Timetable) -> None:
    assert told(timetable, timetable.release(), at("03T10:00")) == []
    assert told(timetable, timetable.release(), None) == []


def test_the_same_minute_of_the_account_is_told(timetable: Timetable) -> None:
    timetable.book(timetable.release(title="关于停水的通知").piece_id, at=at("03T10:00:20"))
    release = timetable.release()
    assert told(timetable, release, at("03T10:00")) == [
        "“fake-a”在 03-03 10:00 已安排《关于停水的通知》，同一分钟将先后发出。"
    ]
    assert told(timetable, release, at("03T10:01")) == []


def test_a_holiday_is_told_and_a_make_up_day_is_not(timetable: Timetable) -> None:
    release = timetable.release()
    (words,) = told(timetable, release, at("07T10:00"))
    assert words.startswith("03-07 是休息日")
    with timetable.works.read() as work:
        order = Order((release.piece_id,), timetable.account("fake-a").id, "publish")
        for day, free in (("2026-05-09", False), ("2026-05-10", True)):
            when = datetime.fromisoformat(f"{day}T10:00").replace(tzinfo=SHANGHAI)
            moment = Order(order.piece_ids, order.account_id, "publish", when)
            assert bool(forewarned(work, moment, SHANGHAI)) is free


def test_a_stop_is_told_for_now_and_for_later(timetable: Timetable) -> None:
    with timetable.office.working("officer") as (work, who):
        freeze.begin(work, who, timetable.office.bureau.id, "全市悼念活动")
    release = timetable.release()
    for when in (None, at("03T10:00")):
        (words,) = told(timetable, release, when)
        assert "正在一键停发（全市悼念活动）" in words


def test_another_item_of_the_same_piece_is_told(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id, at=at("05T10:00"))
    assert told(timetable, release, at("03T10:00"), again=True) == ["同一稿件在“fake-a”另有安排：03-05 10:00（待发）。"]


def test_a_moment_after_the_piece_is_taken_off_is_told(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    timetable.book(release.piece_id, action="withdraw", at=at("04T10:00"), phrase="该内容已撤下。")
    assert told(timetable, release, at("03T10:00")) == []
    (words,) = told(timetable, release, at("05T10:00"))
    assert "已预定于 03-04 10:00 从“fake-a”下线，早于发布时间" in words


def test_a_moment_outside_the_signed_window_is_told_and_refused(timetable: Timetable) -> None:
    account = timetable.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    piece = timetable.office.piece()
    window = Window(latest=at("03T10:00"))
    release = timetable.office.sign_off(timetable.office.submit(piece.id, targets=[target], window=window).id)
    assert "发布时间不在签发的时间窗（不限 至 03-03 10:00）内。" in told(timetable, release, at("04T10:00"))


def test_a_time_that_has_passed_is_refused_when_booking_and_moving(timetable: Timetable) -> None:
    release = timetable.release()
    past = timetable.clock.now() - timedelta(minutes=5)
    with pytest.raises(Invalid) as refusal:
        timetable.book(release.piece_id, at=past)
    assert refusal.value.field == "at"
    booked = timetable.book(release.piece_id, at=timetable.clock.now() - timedelta(seconds=30))
    with pytest.raises(Invalid):
        timetable.act(booked, booking.move, past)


def test_a_task_is_not_told_of_itself_when_it_is_moved(timetable: Timetable) -> None:
    first = timetable.book(timetable.release().piece_id, at=at("03T10:00"))
    second = timetable.book(timetable.release(title="第二篇").piece_id, at=at("03T11:00"))
    with timetable.works.read() as work:
        mine = work.session.get_one(Delivery, first.id)
        assert foreseen(work.session, of_delivery(work.session, mine, at("03T10:00")), SHANGHAI) == []
        (problem,) = foreseen(work.session, of_delivery(work.session, mine, second.scheduled_at), SHANGHAI)
        assert "《第二篇》" in problem.message
