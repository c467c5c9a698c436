"""账号数据: what the platform counted of a whole account, drawn, in a table and as a workbook."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook

from analytics.account_days import days_of, newest, sum_of
from analytics.models import AccountDay
from channels.accounts import store as accounts
from channels.accounts.models import Account
from kernel.clock import StillClock
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """An office with a WeChat account."""
    with open_desk(sqlite_url, tmp_path, clock) as opened:
        with opened.hub.works.write() as work:
            accounts.add(
                work, opened.hub.seal, unit_id=opened.city.bureau.id, channel="wechat", name="住建发布", code="wx"
            )
        yield opened


def base(desk: Desk, code: str = "wx") -> str:
    """The page's address."""
    return f"/console/accounts/{desk.account(code).id}/figures"


def counted(desk: Desk, *figures: dict[str, int]) -> Account:
    """These figures of the days before today, the last of them yesterday's."""
    account = desk.account("wx")
    with desk.hub.works.write() as work:
        today = work.now.astimezone(desk.hub.settings.office_zone).date()
        for back, found in enumerate(reversed(figures), start=1):
            day = today - timedelta(days=back)
            work.session.add(AccountDay(account_id=account.id, day=day, figures=found, read_at=work.now))
    return account


def test_before_anything_was_counted_the_page_says_when_it_will_be(desk: Desk) -> None:
    assert "平台次日给出前一天的数据" in desk.browser().get(base(desk)).text
    assert "该平台不提供账号数据" in desk.browser().get(base(desk, "a")).text
    account = desk.account("wx")
    assert f'href="{base(desk)}"' in desk.browser("officer").get(f"/console/accounts/{account.id}").text


def test_days_are_summed_and_followers_are_not(desk: Desk) -> None:
    account = counted(
        desk,
        {"followers": 1200, "joined": 10, "left": 2, "reads": 300},
        {"joined": 7, "left": 1, "reads": 200},
        {"followers": 1215},
    )
    html = desk.browser().get(f"{base(desk)}?days=7").text
    for wanted in ("1,215", "17", "500", "粉丝总数", "每天新增和取消关注"):
        assert wanted in html
    assert "评论" not in html.split("逐日数据表")[-1]
    with desk.hub.works.read() as work:
        today = work.now.astimezone(desk.hub.settings.office_zone).date()
        days = days_of(work.session, account.id, today - timedelta(days=3), today)
    assert [len(one.figures) for one in days] == [4, 3, 1, 0]
    assert (newest(days, "followers"), sum_of(days, "joined"), sum_of(days, "comments")) == (1215, 17, None)


def test_the_same_days_are_a_workbook(desk: Desk) -> None:
    counted(desk, {"followers": 1200, "joined": 10}, {"joined": 7, "of_its_own": 3})
    answer = desk.browser().get(f"{base(desk)}/workbook?days=7")
    rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert rows[0] == ("日期", "粉丝总数", "新增关注", "of_its_own")
    assert [row[1:] for row in rows[1:]] == [(1200, 10, None), (None, 7, 3)]
