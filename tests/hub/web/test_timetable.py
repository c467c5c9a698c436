"""发布日历 through the web: what it draws, and what a move tells or refuses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.accounts.models import Account
from content.snapshot import Window
from hub.web import timetable
from kernel.clock import StillClock
from scheduler.models import Delivery
from tests.hub.web.going_out import Desk, open_desk

OFFICE = timedelta(hours=8)


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def events(desk: Desk, first: str = "2026-03-01", last: str = "2026-04-01", by: str = "officer", **query: Any) -> Any:
    return desk.browser(by).get("/console/calendar/events", params={"start": first, "end": last, **query}).json()


def task(desk: Desk, clock: StillClock, **words: Any) -> Delivery:
    """A delivery booked for an hour from now: 2 March, 10:00."""
    at = (clock.now() + timedelta(hours=1) + OFFICE).strftime("%Y-%m-%dT%H:%M")
    return desk.booked(desk.release(**words), when="at", at=at)


def move(desk: Desk, delivery: Delivery, at: str, seen: str = "2026-03-02T10:00", by: str = "officer") -> Any:
    return desk.browser(by).send_form("/console/calendar/move", delivery=str(delivery.id), at=at, seen=seen)


def test_a_task_stands_at_its_office_time_and_can_be_moved(desk: Desk, clock: StillClock) -> None:
    delivery = task(desk, clock, title="关于道路管制的通知")
    (drawn,) = [one for one in events(desk) if one.get("id") == str(delivery.id)]
    assert drawn["start"] == "2026-03-02T10:00"
    assert drawn["title"].startswith("关于道路管制的通知")
    assert drawn["editable"] is True
    answer = move(desk, delivery, "2026-03-03T11:30")
    assert answer.json() == {"moved": True, "words": "已改到 03-03 11:30。", "warns": False}
    assert desk.now(delivery).scheduled_at == datetime.fromisoformat("2026-03-03T11:30+08:00")


def test_what_is_held_says_so_and_why(desk: Desk) -> None:
    delivery = desk.booked(desk.release(title="关于道路管制的通知"), when="at", at="2026-03-03T10:00")
    desk.browser().send_form(f"/console/deliveries/{delivery.id}/hold", reason="等领导确认")
    (drawn,) = [one for one in events(desk) if one.get("id") == str(delivery.id)]
    assert drawn["title"].startswith("暂缓 关于道路管制的通知")
    assert drawn["extendedProps"]["state"] == "暂缓发布：等领导确认"


def test_free_days_and_make_up_days_are_marked(desk: Desk) -> None:
    days = {
        one["start"]: one["title"] for one in events(desk, "2026-02-14", "2026-02-25") if "day" in one["classNames"]
    }
    assert days["2026-02-14"] == "班"
    assert days["2026-02-17"] == "休"
    assert "2026-02-25" not in days


def test_what_somebody_else_moved_is_not_moved_again(desk: Desk, clock: StillClock) -> None:
    delivery = task(desk, clock)
    assert move(desk, delivery, "2026-03-03T11:30").status_code == 200
    late = move(desk, delivery, "2026-03-05T09:00")
    assert late.status_code == 409
    assert late.json()["moved"] is False
    assert "他人改期" in late.json()["words"]
    assert desk.now(delivery).scheduled_at == datetime.fromisoformat("2026-03-03T11:30+08:00")


def test_a_move_out_of_the_signed_window_is_refused_with_its_reason(desk: Desk, clock: StillClock) -> None:
    window = Window(latest=clock.now() + timedelta(days=1))
    answer = move(desk, task(desk, clock, window=window), "2026-03-09T10:00")
    assert answer.status_code in {409, 422}
    assert answer.json()["moved"] is False


def test_what_went_out_cannot_be_moved(desk: Desk, clock: StillClock) -> None:
    delivery = desk.booked(desk.release())
    desk.run()
    (drawn,) = [one for one in events(desk) if one.get("id") == str(delivery.id)]
    assert drawn["editable"] is False
    assert move(desk, delivery, "2026-03-03T11:30", seen="2026-03-02T09:00").json()["moved"] is False


def test_quotas_are_drawn_for_the_chosen_account_and_told_at_a_move(desk: Desk, clock: StillClock) -> None:
    with desk.hub.works.write() as work:
        account = Account(unit_id=desk.city.bureau.id, channel="wechat", name="云州发布", code="wx", action="mass_send")
        work.session.add(account)
        work.session.flush()
        for day in (2, 3):
            work.session.add(a_mass_send(account, f"2026-03-0{day}T10:00+08:00"))
    drawn = {one["start"]: one["title"] for one in events(desk, account=account.id) if "quota" in one["classNames"]}
    assert drawn["2026-03-02"].endswith("余 0/1")
    assert drawn["2026-03-04"].endswith("余 1/1")
    with desk.hub.works.read() as work:
        first = work.session.query(Delivery).filter_by(account_id=account.id).order_by(Delivery.id).first()
    assert first is not None
    answer = move(desk, first, "2026-03-03T15:00").json()
    assert answer["moved"] is True
    assert answer["warns"] is True
    assert "额度为 1 次" in answer["words"]
    assert move(desk, first, "2026-03-04T15:00", seen="2026-03-03T15:00").json()["warns"] is False


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-03-10", "2026-03-11", ["2026-03-10"]),
        ("2026-03-09", "2026-03-16", ["2026-03-09"]),
        ("2026-03-30", "2026-04-06", ["2026-03-30", "2026-04-01"]),
        ("2026-03-01", "2026-04-12", ["2026-03-01", "2026-04-01"]),
    ],
)
def test_a_months_quota_is_seen_in_every_view(desk: Desk, first: str, last: str, days: list[str]) -> None:
    with desk.hub.works.write() as work:
        unit_id, settings = desk.city.bureau.id, {"type": "service"}
        account = Account(
            unit_id=unit_id, channel="wechat", name="云州", code="wx", action="mass_send", settings=settings
        )
        work.session.add(account)
    drawn = events(desk, first, last, account=account.id)
    assert [one["start"] for one in drawn if one["title"] == "本月群发 余 4/4"] == days


def a_mass_send(account: Account, at: str) -> Delivery:
    """A booked mass send of that account."""
    moment = datetime.fromisoformat(at)
    return Delivery(
        unit_id=account.unit_id,
        account_id=account.id,
        channel="wechat",
        action="mass_send",
        identity=f"id-{at}",
        key=f"key-{at}",
        state="booked",
        scheduled_at=moment,
        next_at=moment,
        created_at=moment,
    )


def test_quiet_hours_and_too_long_a_span(desk: Desk) -> None:
    quiet = [one for one in events(desk) if "quiet" in one["classNames"]]
    assert {"start": "2026-03-02T22:00:00", "end": "2026-03-03T07:00:00"}.items() <= quiet[2].items()
    answer = desk.browser().get("/console/calendar/events", params={"start": "2026-01-01", "end": "2027-01-01"})
    assert answer.status_code == 422


def test_nobody_sees_or_moves_another_units_tasks(desk: Desk, clock: StillClock) -> None:
    delivery = task(desk, clock)
    assert [one for one in events(desk, by="stranger") if one.get("id")] == []
    assert move(desk, delivery, "2026-03-03T11:30", by="stranger").status_code == 404


def test_a_units_tasks_alone_and_a_word_where_not_all_are_drawn(
    desk: Desk, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = task(desk, clock)
    assert [one["id"] for one in events(desk, unit=delivery.unit_id) if "id" in one] == [str(delivery.id)]
    assert [one for one in events(desk, unit=delivery.unit_id + 1) if "id" in one] == []
    assert "只列出前" not in str(events(desk))
    monkeypatch.setattr(timetable, "MOST", 1)
    assert "只列出前 1 件" in str(events(desk))
    assert "只列出前 1 件" in desk.browser().get("/console/calendar?view=list").text


def test_the_list_shows_the_same_without_a_script(desk: Desk, clock: StillClock) -> None:
    task(desk, clock, title="关于道路管制的通知")
    assert "关于道路管制的通知" in desk.browser().get("/console/calendar?view=list").text
