"""定时下线 through the web: with the publication, for what shows, on the calendar, by the API; moves told and stale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.adapters.fake import FakeChannel
from content.snapshot import Window
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Person
from tests.hub.web.going_out import Desk, open_desk

PHRASE = "该内容已过有效期，现予撤下。"


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def kinds(desk: Desk) -> list[tuple[str, str]]:
    return [(one.action, f"{one.scheduled_at:%m-%d %H:%M}") for one in desk.deliveries()]


def withdraw(desk: Desk, piece: int, *codes: str, **form: Any) -> Any:
    ids = [str(desk.account(code).id) for code in codes or ("a",)]
    sent = {"piece": piece, "act": "withdraw", "accounts": ids, "phrase": PHRASE, **form}
    return desk.browser().send_form("/console/bookings/act", **sent)


def test_it_is_booked_with_the_publication_on_every_chosen_account(desk: Desk) -> None:
    release = desk.release("a", "b")
    form = {"when": "at", "at": "2026-03-03T10:00", "offline_at": "2026-03-05T18:00", "phrase": PHRASE}
    accounts = [str(desk.account(code).id) for code in ("a", "b")]
    told = desk.browser().send_form("/console/bookings/check", piece=release.piece_id, accounts=accounts, **form).text
    assert "2026-03-05 18:00 下线：住建发布、住建快讯。" in told
    assert desk.book(release, "a", "b", **form).status_code == 303
    assert kinds(desk) == [("publish", "03-03 02:00"), ("withdraw", "03-05 10:00")] * 2


def test_what_cannot_be_taken_back_is_told_and_not_booked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeChannel, "limits", replace(FakeChannel.limits, can=frozenset({"correct"})))
    release = desk.release()
    form = {"when": "now", "offline_at": "2026-03-05T18:00", "phrase": PHRASE}
    accounts = [str(desk.account().id)]
    told = desk.browser().send_form("/console/bookings/check", piece=release.piece_id, accounts=accounts, **form).text
    assert "“住建发布”不能撤回，到时不会下线。" in told
    desk.book(release, **form)
    assert [one.action for one in desk.deliveries()] == ["publish"]


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"offline_at": "2026-03-03T10:00", "phrase": PHRASE}, "下线时间须晚于发布时间"),
        ({"offline_at": "2026-03-01T10:00", "phrase": PHRASE}, "下线时间须晚于现在"),
        ({"offline_at": "2026-03-05T10:00", "phrase": "随便写的话"}, "请选择对公众的说明"),
        ({"offline_at": "明天", "phrase": PHRASE}, "时间应写作"),
    ],
)
def test_a_time_that_makes_no_sense_books_nothing(desk: Desk, form: dict[str, str], words: str) -> None:
    answer = desk.book(desk.release(), when="at", at="2026-03-03T10:00", **form)
    assert answer.status_code == 422
    assert words in answer.text
    assert desk.deliveries() == []


def test_what_shows_is_taken_off_everywhere_at_its_time(desk: Desk, clock: StillClock) -> None:
    release = desk.release("a", "b")
    desk.book(release, "a", "b")
    desk.run()
    assert "请填写下线时间" in withdraw(desk, release.piece_id, "a", "b", when="at").text
    assert withdraw(desk, release.piece_id, "a", "b", when="at", at="2026-03-02T12:00").status_code == 303
    again = withdraw(desk, release.piece_id, "a", when="at", at="2026-03-03T12:00")
    assert again.status_code == 422
    assert "已预定于 2026-03-02 12:00 从“住建发布”下线" in again.text
    clock.step(hours=3)
    desk.run()
    assert {row.state for row in desk.placements(release.piece_id)} == {"withdrawn"}


def test_it_stands_in_the_calendar_and_is_moved_there(desk: Desk) -> None:
    release = desk.release(title="关于招聘报名的公告")
    desk.book(release)
    desk.run()
    withdraw(desk, release.piece_id, when="at", at="2026-03-04T18:00")
    query = {"start": "2026-03-01", "end": "2026-04-01"}
    drawn = desk.browser().get("/console/calendar/events", params=query).json()
    (one,) = [one for one in drawn if "task--withdraw" in one["classNames"]]
    assert one["title"] == "下线 关于招聘报名的公告 · 住建发布"
    assert one["editable"] is True
    sent = {"delivery": one["id"], "at": "2026-03-06T18:00", "seen": "2026-03-04T18:00"}
    assert desk.browser().send_form("/console/calendar/move", **sent).json()["moved"] is True


def test_a_move_on_the_tasks_page_tells_what_stands_there_and_refuses_a_stale_one(desk: Desk) -> None:
    desk.book(desk.release(title="关于停水的通知"), when="at", at="2026-03-03T10:00")
    other = desk.booked(desk.release(), when="at", at="2026-03-03T11:00")
    address = f"/console/deliveries/{other.id}"
    seen = desk.now(other).scheduled_at.isoformat()
    assert f'name="seen" value="{seen}"' in desk.browser().get(address).text
    desk.browser().send_form(f"{address}/move", at="2026-03-03T10:00", seen=seen)
    assert "已安排《关于停水的通知》" in desk.browser().get(address).text
    stale = desk.browser().send_form(f"{address}/move", at="2026-03-04T10:00", seen=seen)
    assert stale.status_code == 409
    assert "他人改期" in stale.text
    assert f"{desk.now(other).scheduled_at:%d %H:%M}" == "03 02:00"


def test_the_form_tells_what_stands_at_a_moment(desk: Desk) -> None:
    desk.book(desk.release(title="关于停水的通知"), when="at", at="2026-03-07T10:00")
    release = desk.release()
    sent = {"piece": release.piece_id, "accounts": [str(desk.account().id)], "when": "at", "at": "2026-03-07T10:00"}
    page = desk.book(release, when="at", at="2026-03-07T10:00", offline_at="2026-03-01T10:00", phrase=PHRASE).text
    assert "同一分钟将先后发出" in page
    assert "03-07 是休息日" in page
    assert desk.browser().send_form("/console/bookings/check", **sent).status_code == 200


def test_a_fresh_form_looks_at_the_earliest_signed_moment(desk: Desk, clock: StillClock) -> None:
    release = desk.release(window=Window(earliest=clock.now() + timedelta(days=1)))
    page = desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    assert "不在签发的时间窗" not in page
    assert "将安排 1 个发布任务：住建发布" in page
    sent = {"piece": release.piece_id, "accounts": [str(desk.account().id)], "when": "now"}
    told = desk.browser().send_form("/console/bookings/check", **sent).text
    assert "其中 1 个账号有不符合要求的地方" in told


def test_programs_book_it_and_are_told_the_same(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        person = work.session.query(Person).filter_by(login="officer").one()
        _token, key = tokens.create(work, person, "program")
    browser, head = desk.office.browser(), {"Authorization": f"Bearer {key}"}
    order = {"pieces": [desk.release().piece_id], "account": desk.account().id, "at": "2026-03-03T10:00:00+08:00"}
    ends = {"offline_at": "2026-03-09T10:00:00+08:00", "phrase": PHRASE}
    made = browser.post("/api/v1/deliveries", json={**order, **ends}, headers=head)
    assert made.status_code == 201, made.text
    assert kinds(desk) == [("publish", "03-03 02:00"), ("withdraw", "03-09 02:00")]
    address = f"/api/v1/deliveries/{made.json()['id']}/move"
    moved = browser.post(address, json={"at": "2026-03-07T10:00:00+08:00", "seen": order["at"]}, headers=head)
    assert moved.json()["told"] == ["03-07 是休息日，请确认当天有人值守。"]
    stale = browser.post(address, json={"at": "2026-03-04T10:00:00+08:00", "seen": order["at"]}, headers=head)
    assert stale.status_code == 409


def test_the_form_lists_what_is_not_over_yet_and_what_becomes_of_it(desk: Desk, clock: StillClock) -> None:
    release = desk.release("a", "b")
    assert desk.book(release, "a").status_code == 303
    assert desk.book(release, "b", when="at", at="2026-03-03T12:00").status_code == 303
    desk.run()
    path = f"/console/bookings/act?piece={release.piece_id}&act=withdraw"
    booked = desk.deliveries()[-1]
    shown = desk.browser().get(path).text
    assert f'href="/console/deliveries/{booked.id}"' in shown
    assert "不再自动发出" in shown
    assert "不再自动发出" not in desk.browser().get(path.replace("withdraw", "correct")).text
    desk.browser().send_form(f"/console/deliveries/{booked.id}/take-over")
    assert "人工任务不会自己停止" in desk.browser().get(path).text
    withdraw(desk, release.piece_id, "a")
    desk.run()
    desk.browser().send_form(f"/console/deliveries/{booked.id}/cancel", reason="已撤稿")
    assert "还有未完成的任务" not in desk.browser().get(path).text
