"""好差评 on the manager's page: per item, drawn and as a table, only of one's own units; named when a session ends."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from bot import ratings, tickets
from bot.models import Conversation, Rating, Ticket
from hub.outer.web.face import create_outer_app
from hub.returning import publish_ratings
from kernel.people import Role
from tests.analytics.test_public_ratings import ZONE
from tests.bot.citizens import GUIDE, published
from tests.hub.office import Browser
from tests.hub.web.reporting import Bureau
from tests.hub.web.test_insights import bureau, charts, page, stats

__all__ = ["bureau"]

TITLE = "居民身份证补领"


@pytest.fixture
def rated(bureau: Bureau) -> Bureau:
    """Three sessions about one item, one of them rated low, and one about none."""
    piece = published(bureau.office, "guide", TITLE, **GUIDE)
    for score, service in ((1, piece), (2, piece), (5, piece), (4, None)):
        number = bureau.talk(handed_off=1, first_reply=2, closed=3)
        with bureau.hub.works.write() as work:
            talk = work.session.get_one(Conversation, number)
            talk.service_id, talk.rating_asked_at = service, work.now
            ratings.rate(work, talk, score, bureau.hub.settings.office_zone)
    return bureau


def test_the_manager_sees_each_item_and_what_is_to_be_set_right(rated: Bureau) -> None:
    text = page(rated, "/console/ratings?days=7")
    assert stats(text) == {"好差评满意率": "66.7%", "差评待整改": "1件", "整改已超期": "0件", "差评按期整改率": "—"}
    (drawn,) = charts(text)
    assert drawn["labels"] == [TITLE]
    assert [one["values"] for one in drawn["series"]] == [[1], [1], [0], [0], [1]]
    answer = rated.desk_of("manager").get("/console/ratings/workbook?days=7")
    book = load_workbook(io.BytesIO(answer.content))
    rows = list(book.worksheets[0].values)
    assert rows[1][0] == TITLE
    assert rows[1][2:] == (1, 1, 0, 0, 1, 66.7)


def test_the_workbook_tells_what_became_of_each_low_rating(rated: Bureau) -> None:
    with rated.hub.works.write() as work:
        ticket = work.session.scalars(select(Ticket).where(Ticket.kind == "整改")).one()
        opened, due = ticket.created_at, ticket.due_at
    assert _set_right(rated)[4:] == (_local(opened), _local(due), None, None, "待办理", None, None)
    with rated.hub.works.write() as work:
        ticket = work.session.get_one(Ticket, ticket.id)
        tickets.answer(work, ticket, "已致电 13800001111 道歉并整改。")
        tickets.close(work, ticket)
        done = work.now
    row = _set_right(rated)
    assert row[1:3] == (TITLE, "非常不满意")
    assert row[6:10] == (_local(done), _local(done), "已办结", "是")
    assert "138****1111" in row[10]


def _set_right(rated: Bureau) -> tuple[Any, ...]:
    answer = rated.desk_of("manager").get("/console/ratings/workbook?days=7")
    _heads, row = load_workbook(io.BytesIO(answer.content)).worksheets[1].values
    return row


def _local(at: datetime) -> datetime:
    return at.astimezone(ZONE).replace(tzinfo=None, microsecond=0)


def test_everybody_reads_the_counts_of_a_quarter_and_nothing_else(rated: Bureau) -> None:
    browser = rated.browser()
    publish_ratings(rated.hub)
    assert "暂无可公开的评价" in browser.get("/feedback/ratings").text, "three ratings would tell of people"
    with rated.hub.works.write() as work:
        piece = work.session.scalars(select(Rating.service_id).where(Rating.service_id.is_not(None))).first()
    for _person in range(2):
        number = rated.talk(handed_off=1, first_reply=2, closed=3)
        with rated.hub.works.write() as work:
            talk = work.session.get_one(Conversation, number)
            talk.service_id, talk.rating_asked_at = piece, work.now
            ratings.rate(work, talk, 3, rated.hub.settings.office_zone)
    publish_ratings(rated.hub)
    for app in (browser, Browser(create_outer_app(rated.hub))):
        for query in ("", "?period=2026Q1", "?period=1999Q9", "?period=%27"):
            text = app.get(f"/feedback/ratings{query}").text
            assert "共评价 5 次，满意率 80.0%。" in text
            assert "差评 1 件，已整改 0 件（0.0%）" in text
            assert TITLE in text


def test_without_any_nothing_is_invented_and_others_see_none(rated: Bureau) -> None:
    assert "这段时间没有好差评" in page(rated, "/console/ratings", "stranger")
    page(rated, "/console/ratings", "reviewer", 403)


def test_the_agent_names_the_item_and_is_told_when_there_is_none(rated: Bureau) -> None:
    rated.office.grant("officer", Role.AGENT)
    number = rated.talk(handed_off=1)
    browser = rated.desk_of("officer")
    assert "关联办事事项" in browser.get(f"/console/desk/{number}").text
    refused = browser.send_form(f"/console/desk/{number}/close", summary="已办理", service="没有这一项")
    assert refused.status_code == 422
    assert "没有名称或编码为“没有这一项”" in refused.text
    assert browser.send_form(f"/console/desk/{number}/close", summary="已办理", service=TITLE).status_code == 303
    assert f"事项：{TITLE}" in browser.get(f"/console/desk/{number}").text
