"""好差评 on the manager's page: per item, drawn and as a table, only of one's own units; named when a session ends."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from bot import ratings
from bot.models import Conversation
from kernel.people import Role
from tests.bot.citizens import GUIDE, published
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
    rows = list(load_workbook(io.BytesIO(answer.content)).active.values)
    assert rows[1][0] == TITLE
    assert rows[1][2:] == (1, 1, 0, 0, 1, 66.7)


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
