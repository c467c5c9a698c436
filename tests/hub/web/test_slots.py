"""发布栏位 through the web: kept on its page and by the API, told before it is taken, drawn in the calendar."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Person
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def add(desk: Desk, by: str = "officer", **form: Any) -> Any:
    sent = {"name": "午间", "days": "workdays", "hour": "12:00", "unit": str(desk.city.bureau.id), **form}
    return desk.browser(by).send_form("/console/slots", **sent)


def told(desk: Desk, piece: int, *codes: str) -> str:
    ids = [str(desk.account(code).id) for code in codes or ("a",)]
    sent = {"piece": piece, "accounts": ids, "when": "slot"}
    return str(desk.browser().send_form("/console/bookings/check", **sent).text)


def slot_shown(page: str, account: int) -> str:
    return page.partition(f'name="slot.{account}" value="')[2].partition('"')[0]


def queue(desk: Desk, piece: int, at: str) -> Any:
    account = desk.account("a").id
    form = {"piece": piece, "accounts": [str(account)], "when": "slot", f"slot.{account}": at}
    return desk.browser().send_form("/console/bookings/new", **form)


def test_what_is_told_is_what_is_booked(desk: Desk) -> None:
    add(desk, account=str(desk.account("a").id))
    release = desk.release()
    page = told(desk, release.piece_id)
    assert "“午间” 2026-03-02 12:00" in page
    at = slot_shown(page, desk.account("a").id)
    assert queue(desk, release.piece_id, at).status_code == 303
    assert desk.deliveries()[-1].scheduled_at.isoformat() == at == "2026-03-02T04:00:00+00:00"


def test_who_comes_second_is_told_the_next_one_and_nothing_is_booked(desk: Desk) -> None:
    add(desk)
    first, second = desk.release(), desk.release()
    at = slot_shown(told(desk, first.piece_id), desk.account("a").id)
    queue(desk, first.piece_id, at)
    answer = queue(desk, second.piece_id, at)
    assert answer.status_code == 422
    assert "刚被占用，下一个空档是 03-03 12:00" in answer.text
    again = slot_shown(answer.text, desk.account("a").id)
    assert again.startswith("2026-03-03T04:00")
    assert len(desk.deliveries()) == 1
    assert queue(desk, second.piece_id, again).status_code == 303


def test_nothing_is_taken_that_was_not_shown(desk: Desk) -> None:
    add(desk)
    release = desk.release()
    answer = desk.book(release, when="slot")
    assert answer.status_code == 422
    assert "请先核对各账号的空档" in answer.text
    assert desk.deliveries() == []
    assert "按各账号的发布栏位排队" in desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text


def test_an_account_without_slots_says_so(desk: Desk) -> None:
    assert "没有发布栏位" in desk.book(desk.release(), when="slot", **{f"slot.{desk.account().id}": "x"}).text


def test_a_slot_is_changed_and_ended_and_a_stale_form_is_refused(desk: Desk) -> None:
    add(desk, days="weekly", weekdays=["1", "4"], free_days="after")
    page = desk.browser().get("/console/slots").text
    assert "每周一、周四 12:00 · 遇休息日顺延" in page
    address = page.partition('href="/console/slots/')[2].partition('"')[0]
    form = {"name": "月报", "days": "monthly", "month_days": "15、31", "hour": "17:00", "version": "1"}
    assert desk.browser().send_form(f"/console/slots/{address}", **form).status_code == 303
    assert "每月 15、末 日 17:00 · 遇休息日跳过" in desk.browser().get("/console/slots").text
    stale = desk.browser().send_form(f"/console/slots/{address}", **form)
    assert stale.status_code == 409
    assert "已被他人修改" in stale.text
    assert desk.browser().send_form(f"/console/slots/{address}/end", version="2").status_code == 303
    assert "还没有发布栏位" in desk.browser().get("/console/slots").text


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": ""}, "请填写栏位名称"),
        ({"days": "weekly"}, "请选择星期几"),
        ({"days": "monthly", "month_days": "9" * 5000}, "请填写每月几日"),
        ({"hour": "25:00"}, "时间应写作"),
        ({"unit": "1"}, "请选择单位"),
        ({"account": "999"}, "请选择本单位或上级单位在用的账号"),
    ],
)
def test_a_slot_that_makes_no_sense_is_refused_and_keeps_what_was_typed(
    desk: Desk, form: dict[str, str], words: str
) -> None:
    answer = add(desk, **form)
    assert answer.status_code == 422
    assert words in answer.text
    assert ('value="午间"' in answer.text) is ("name" not in form)


def test_free_and_filled_slots_stand_in_the_calendar_of_their_account(desk: Desk) -> None:
    account = desk.account("a").id
    add(desk, account=str(account))
    release = desk.release(title="关于春耕的通知")
    queue(desk, release.piece_id, slot_shown(told(desk, release.piece_id), account))
    query = {"start": "2026-03-02", "end": "2026-03-05", "account": account}
    drawn = desk.browser().get("/console/calendar/events", params=query).json()
    free = [one["start"] for one in drawn if one["classNames"] == ["slot"]]
    assert free == ["2026-03-03T12:00", "2026-03-04T12:00"]
    (filled,) = [one for one in drawn if "task--slot" in one["classNames"]]
    assert filled["title"].startswith("〔午间〕关于春耕的通知")
    everybody = desk.browser().get("/console/calendar/events", params={**query, "account": 0}).json()
    assert [one for one in everybody if one["classNames"] == ["slot"]] == []


def test_a_bundle_queues_too(desk: Desk) -> None:
    add(desk)
    pieces = [str(desk.release(title=f"第{name}则").piece_id) for name in "甲乙"]
    account = desk.account("a").id
    form = {"account": str(account), "pieces": pieces, "when": "slot"}
    shown = desk.browser().send_form("/console/bookings/bundle", **form)
    assert shown.status_code == 422
    at = slot_shown(shown.text, account)
    answer = desk.browser().send_form("/console/bookings/bundle", **form, **{f"slot.{account}": at})
    assert answer.status_code == 303
    assert desk.deliveries()[-1].scheduled_at.isoformat() == "2026-03-02T04:00:00+00:00"


def test_a_bundle_is_told_what_stands_at_its_time(desk: Desk) -> None:
    desk.book(desk.release(title="关于停水的通知"), when="at", at="2026-03-07T10:00")
    form = {"account": str(desk.account("a").id), "pieces": [str(desk.release().piece_id)], "step": "keep:"}
    answer = desk.browser().send_form("/console/bookings/bundle", **form, when="at", at="2026-03-07T10:00")
    assert "同一分钟将先后发出" in answer.text
    assert "03-07 是休息日" in answer.text
    assert len(desk.deliveries()) == 1


def test_programs_keep_slots_and_queue(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        person = work.session.query(Person).filter_by(login="officer").one()
        _token, key = tokens.create(work, person, "program")
    browser = desk.office.browser()
    head = {"Authorization": f"Bearer {key}"}
    wanted = {"unit": desk.city.bureau.id, "name": "早报", "days": "weekly", "numbers": [2], "hour": "08:30"}
    made = browser.post("/api/v1/slots", json=wanted, headers=head)
    assert made.status_code == 201, made.text
    release, account = desk.release(), desk.account("a").id
    order = {"pieces": [release.piece_id], "account": account, "into_slot": True}
    told = browser.post("/api/v1/preflight", json=order, headers=head).json()
    assert (told["fits"], told["slot"]["name"], told["slot"]["at"]) == (True, "早报", "2026-03-03T00:30:00+00:00")
    wrong = browser.post("/api/v1/deliveries", json={**order, "at": "2026-03-04T08:30:00+08:00"}, headers=head)
    assert wrong.status_code == 409, wrong.text
    booked = browser.post("/api/v1/deliveries", json={**order, "at": told["slot"]["at"]}, headers=head)
    assert booked.status_code == 201, booked.text
    assert booked.json()["scheduled_at"] == "2026-03-03T00:30:00+00:00"
    changed = {**{name: value for name, value in wanted.items() if name != "unit"}, "hour": "09:00", "version": 1}
    address = f"/api/v1/slots/{made.json()['id']}"
    assert browser.put(address, json=changed, headers=head).json()["hour"] == "09:00"
    assert browser.put(address, json=changed, headers=head).status_code == 409
    assert browser.post("/api/v1/slots", json={**wanted, "hour": "9h"}, headers=head).status_code == 422
    assert browser.post(f"{address}/end", json={"version": 2}, headers=head).json()["ended"] is True
    nothing = browser.post("/api/v1/preflight", json=order, headers=head).json()
    assert (nothing["fits"], nothing["slot"]) == (False, None)
