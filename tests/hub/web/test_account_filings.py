"""备案记录: dated events with their document, what a change asks for, an end for good, the register as a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from channels.accounts.models import Account
from hub import account_watch
from hub.notices import Notice
from hub.web.accounts import HEALTHS, health_name, healthy
from kernel.clock import StillClock
from scheduler.states import DeliveryState as S
from tests.hub.web.going_out import Desk, open_desk

NOTICE = "https://www.yunzhou.example/notices/9.html"


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def file(desk: Desk, code: str = "a", by: str = "system_admin", **form: Any) -> Any:
    fields = {"kind": "change", "on": "2026-03-01", "number": "云政媒备〔2026〕3号", **form}
    return desk.browser(by).send_form(f"/console/accounts/{desk.account(code).id}/filings", **fields)


def save(desk: Desk, **form: Any) -> Any:
    account = desk.account()
    fields = {"name": account.name, "unit": str(account.unit_id), "action": "publish", **form}
    return desk.browser("system_admin").send_form(f"/console/accounts/{account.id}", **fields)


def test_a_changed_name_or_keeper_asks_for_a_filing_until_it_is_registered(desk: Desk) -> None:
    assert save(desk, **{"register.purpose": "政务公开"}).status_code == 303
    assert desk.account().filing_due == ""
    assert save(desk, name="住建新发布", **{"register.keeper": "王管理"}).status_code == 303
    assert (desk.account().filing_due, desk.account().filing_why) == ("change", "名称、管理人已变更")
    page = desk.browser("system_admin").get(f"/console/accounts/{desk.account().id}").text
    assert "待办：变更备案" in page
    assert file(desk, kind="open").status_code == 303
    assert desk.account().filing_due == "change"
    assert file(desk).status_code == 303
    assert desk.account().filing_due == ""
    assert "云政媒备〔2026〕3号" in desk.browser("system_admin").get(f"/console/accounts/{desk.account().id}").text


def test_an_end_needs_the_public_notice_and_takes_the_account_out_for_good(desk: Desk) -> None:
    waiting = desk.booked(desk.release(), when="at", at="2026-03-02T18:00")
    refused = file(desk, kind="close")
    assert refused.status_code == 422
    assert "公告" in refused.text
    assert desk.account().active
    assert file(desk, kind="close", notice_url=NOTICE).status_code == 303
    account = desk.account()
    assert (account.active, str(account.closed_on)) == (False, "2026-03-01")
    assert desk.now(waiting).state == S.HELD
    admin = desk.browser("system_admin")
    assert admin.send_form(f"/console/accounts/{account.id}/switch-on").status_code == 422
    assert not desk.account().active
    file(desk, kind="open", on="2026-03-02")
    assert admin.send_form(f"/console/accounts/{account.id}/switch-on").status_code == 303
    assert desk.account().active


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "x"},
        {"on": "3月1日"},
        {"on": "2026-03-03"},
        {"kind": "deregister"},
        {"kind": "close", "notice_url": "javascript:1"},
        {"number": "号" * 101},
        {"note": "说" * 501},
        {"notice_url": f"https://www.yunzhou.example/{'a' * 500}"},
    ],
)
def test_what_is_wrong_in_a_filing_is_said_and_nothing_is_kept(desk: Desk, form: dict[str, str]) -> None:
    answer = file(desk, **form)
    assert answer.status_code == 422
    assert "还没有备案记录" in answer.text


def test_an_officer_cannot_file_and_the_auditor_of_another_unit_sees_nothing(desk: Desk) -> None:
    assert file(desk, by="officer").status_code in (403, 404)


def test_a_proxy_s_password_is_a_secret_and_limits_only_narrow(desk: Desk) -> None:
    assert save(desk, proxy="http://gate:8080").status_code == 303
    assert desk.account().proxy == "http://gate:8080"
    for wrong in ("http://u:secret@gate:8080", "gate:8080", "https://gate/path"):
        answer = save(desk, proxy=wrong)
        assert answer.status_code == 422, wrong
    assert desk.account().proxy == "http://gate:8080"


def test_the_register_leaves_as_a_workbook(desk: Desk) -> None:
    save(desk, **{"register.sponsor": "住建局", "register.record_no": "=1+1", "tls_until": "2027-01-01"})
    file(desk)
    answer = desk.browser("system_admin").get("/console/accounts/register.xlsx")
    book = load_workbook(io.BytesIO(answer.content))
    rows = [[cell.value for cell in row] for row in book["账号矩阵"].rows]
    line = dict(zip(rows[0], next(row for row in rows if row[1] == "a"), strict=True))
    assert (line["主办单位（主体）"], line["备案号"], line["TLS 证书到期日"]) == ("住建局", "=1+1", "2027-01-01")
    assert [cell.value for cell in list(book["备案记录"].rows)[1]][:3] == ["住建发布", "变更备案", "2026-03-01"]


def test_a_certification_that_nobody_has_dated_is_asked_for_and_never_taken_as_valid(desk: Desk) -> None:
    day = desk.hub.clock.now().date() + timedelta(days=300)
    told = "认证到期日未填写"
    with desk.hub.works.write() as work:
        unit = desk.city.bureau.id
        for code, values in {
            "asked": {"channel": "wechat"},
            "weibo": {"channel": "weibo", "register": {"certified": "蓝V"}},
            "dated": {"channel": "wechat", "certified_until": day},
            "none": {"channel": "wechat", "register": {"certified": "未认证（新号）"}},
            "closed": {"channel": "wechat", "active": False},
            "paper": {"channel": "manual"},
        }.items():
            work.session.add(Account(unit_id=unit, name=f"号{code}", code=code, **values))
    admin = desk.browser("system_admin")
    listed = admin.get("/console/accounts?state=uncertain").text
    assert [code for code in ("asked", "weibo", "dated", "none", "closed", "paper") if f"号{code}<" in listed] == [
        "asked", "weibo",
    ]  # fmt: skip
    pages = {code: admin.get(f"/console/accounts/{desk.account(code).id}").text for code in ("asked", "dated", "none")}
    assert [code for code, page in pages.items() if told in page] == ["asked"]
    assert "alert--info" in pages["asked"]
    book = load_workbook(io.BytesIO(admin.get("/console/accounts/register.xlsx").content))
    rows = [[cell.value for cell in row] for row in book["账号矩阵"].rows]
    place = rows[0].index("账号认证到期日")
    assert {row[1]: row[place] for row in rows if row[1] in ("asked", "dated", "none", "paper")} == {
        "asked": "未填写", "dated": day.isoformat(), "none": None, "paper": None,
    }  # fmt: skip
    account_watch.warn_dates(desk.hub)
    with desk.hub.works.read() as work:
        assert health_name(desk.account("asked"), desk.hub.clock.now().date()) == "unused"
        assert work.session.scalars(select(Notice)).all() == []


def test_the_filter_and_the_mark_of_a_health_agree(desk: Desk, clock: StillClock) -> None:
    now = clock.now()
    today = now.date()
    cases: list[dict[str, Any]] = [
        {},
        {"last_success_at": now},
        {"last_failure_at": now},
        {"last_success_at": now, "credential_dead_at": now},
        {"last_success_at": now, "tls_until": today.replace(year=2025)},
        {"last_success_at": now, "expires_on": today.replace(month=4)},
        {"certified_until": today.replace(month=4)},
        {"last_success_at": now, "expires_on": today + timedelta(30), "expires_told_from": today + timedelta(1)},
        {"last_success_at": now, "expires_on": today + timedelta(30), "expires_told_from": today},
        {"last_success_at": now, "expires_on": today, "expires_told_from": today - timedelta(9)},
        {"last_success_at": now, "apns_until": today.replace(year=2030)},
    ]
    with desk.hub.works.write() as work:
        unit = desk.city.bureau.id
        for place, values in enumerate(cases):
            work.session.add(Account(unit_id=unit, channel="fake", name=f"n{place}", code=f"n{place}", **values))
    with desk.hub.works.read() as work:
        for name in HEALTHS:
            found = set(work.session.scalars(select(Account.code).where(healthy(name, today))))
            rows = work.session.scalars(select(Account))
            assert found == {row.code for row in rows if health_name(row, today) == name}, name
    text = desk.browser("system_admin").get("/console/accounts?health=expired").text
    assert "n4" in text
