"""系列 through the web: told before it is booked, one mark in the calendar, ended and skipped, and by the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from content.models import Release
from content.snapshot import Window
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Person
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def book(desk: Desk, release: Release, where: str = "", codes: tuple[str, ...] = ("a",), **form: Any) -> Any:
    """Mondays at ten from today on, four times unless told otherwise."""
    days = {"days": "weekly", "weekdays": ["1"], "hour": "10:00", "first": "2026-03-02", "count": "4"}
    ids = [str(desk.account(code).id) for code in codes]
    sent = {"piece": release.piece_id, "accounts": ids, **days, **form}
    return desk.browser().send_form(f"/console/series{where}", **sent)


def test_what_is_told_is_booked_and_stands_as_one_in_the_calendar(desk: Desk) -> None:
    release = desk.release(title="关于文明祭扫的提示")
    told = book(desk, release, "/check").text
    assert "每个账号发布 4 次：2026-03-02 10:00 至 2026-03-23 10:00" in told
    answer = book(desk, release)
    assert answer.status_code == 303
    page = desk.browser().get(answer.headers["location"]).text
    assert page.count("跳过第") == 4
    query = {"start": "2026-03-01", "end": "2026-04-01"}
    drawn = [one for one in desk.browser().get("/console/calendar/events", params=query).json() if one.get("id")]
    assert [one["title"] for one in drawn] == [f"〔系列 {n}/4〕关于文明祭扫的提示 · 住建发布" for n in (1, 2, 3, 4)]
    assert {one["url"] for one in drawn} == {answer.headers["location"]}
    assert "已发 0/4" in desk.browser().get("/console/series").text


def test_what_stands_at_an_occurrence_is_told(desk: Desk) -> None:
    desk.book(desk.release(title="关于停水的通知"), when="at", at="2026-03-09T10:00")
    told = book(desk, desk.release(), "/check").text
    assert "03-09 10:00：“住建发布”在 03-09 10:00 已安排《关于停水的通知》，同一分钟将先后发出。" in told


def test_several_accounts_get_a_series_each_or_none(desk: Desk) -> None:
    release = desk.release("a", "b")
    desk.book(release, "b", when="at", at="2026-03-05T09:00")
    refused = book(desk, release, codes=("a", "b"))
    assert refused.status_code == 422
    assert "已有安排" in refused.text
    assert len(desk.deliveries()) == 1
    other = desk.release("a", "b")
    assert book(desk, other, codes=("a", "b")).headers["location"] == f"/console/series?piece={other.piece_id}"
    assert len(desk.deliveries()) == 9


def test_what_was_signed_for_too_short_a_time_is_refused_in_words(desk: Desk, clock: StillClock) -> None:
    release = desk.release(window=Window(latest=clock.now().replace(day=10)))
    answer = book(desk, release)
    assert answer.status_code == 422
    assert "系列的第 3 次（2026-03-16 10:00）超出签发的时间窗" in answer.text
    assert desk.deliveries() == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"count": "x"}, "次数应为数字"),
        ({"first": ""}, "请填写从哪一天开始"),
        ({"first": "昨天"}, "日期应写作"),
        ({"count": "", "until": "9999-12-31"}, "日期应写作"),
        ({"weekdays": []}, "请选择星期几"),
        ({"accounts": []}, "请至少选择一个账号"),
    ],
)
def test_what_makes_no_series_is_refused_beside_its_field(desk: Desk, form: dict[str, Any], words: str) -> None:
    answer = book(desk, desk.release(), **form)
    assert answer.status_code == 422
    assert words in answer.text
    assert desk.deliveries() == []


def test_one_occurrence_is_left_out_and_the_rest_ended(desk: Desk) -> None:
    address = book(desk, desk.release()).headers["location"]
    second = desk.deliveries()[1]
    skipped = desk.browser().send_form(f"{address}/skip", delivery=str(second.id))
    assert skipped.status_code == 303
    assert [one.state for one in desk.deliveries()] == ["booked", "cancelled", "booked", "booked"]
    assert desk.browser().send_form(f"{address}/skip", delivery="999").status_code == 404
    assert desk.browser().send_form(f"{address}/end").status_code == 303
    assert {one.state for one in desk.deliveries()} == {"cancelled"}
    assert desk.browser().send_form(f"{address}/end").status_code == 422
    assert "系列已于 2026-03-02 09:00 结束" in desk.browser().get(address).text


def test_programs_book_and_end_series(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        person = work.session.query(Person).filter_by(login="officer").one()
        _token, key = tokens.create(work, person, "program")
    browser = desk.office.browser()
    head = {"Authorization": f"Bearer {key}"}
    release = desk.release()
    wanted = {"piece": release.piece_id, "account": desk.account("a").id, "days": "workdays", "hour": "18:00"}
    made = browser.post("/api/v1/series", json={**wanted, "first": "2026-03-06", "count": 3}, headers=head)
    assert made.status_code == 201, made.text
    at = [one["at"] for one in made.json()["occurrences"]]
    assert at == [f"2026-03-{day}T10:00:00+00:00" for day in ("06", "09", "10")]
    for days, field in (
        ({"first": "9998-12-31", "count": 3}, "first"),
        ({"first": "0001-01-01", "count": 3}, "first"),
        ({"first": "2026-03-06", "until": "9999-12-31"}, "until"),
    ):
        beyond = browser.post("/api/v1/series", json={**wanted, **days}, headers=head)
        assert (beyond.status_code, beyond.json()["field"]) == (422, field)
    again = browser.post("/api/v1/series", json={**wanted, "first": "2026-03-06", "count": 3}, headers=head)
    assert again.status_code == 409
    assert [one["id"] for one in browser.get("/api/v1/series", headers=head).json()["series"]] == [made.json()["id"]]
    address = f"/api/v1/series/{made.json()['id']}"
    first = made.json()["occurrences"][0]["delivery"]
    skipped = browser.post(f"{address}/skip", json={"delivery": first}, headers=head).json()
    assert [one["state"] for one in skipped["occurrences"]] == ["cancelled", "booked", "booked"]
    assert browser.post(f"{address}/end", headers=head).json()["ended"] is True
