"""A rating counts as 好差评 only for a service item that was named; a low one is set right by the item's unit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from analytics import service_ratings
from bot import desk as acts
from bot import services
from bot import tickets as ticket_acts
from bot.models import Conversation, Rating, Ticket
from content.models import Piece
from kernel.errors import Invalid
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import Desk

TITLE = "居民身份证补领"


def closes(desk: Desk, service: str) -> None:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        acts.close(work, who, conversation, "已办理", desk.answering.words, service)


def ratings(desk: Desk) -> list[Rating]:
    with desk.works.read() as work:
        return list(work.session.scalars(select(Rating)))


def tickets(desk: Desk) -> list[Ticket]:
    with desk.works.read() as work:
        return list(work.session.scalars(select(Ticket)))


def counted(desk: Desk) -> tuple[list[service_ratings.ItemRated], service_ratings.SetRight]:
    with desk.works.read() as work:
        units, since = [desk.office.bureau.id], work.now - timedelta(days=30)
        return (
            service_ratings.rated(work.session, units, since, work.now),
            service_ratings.set_right(work.session, units, since, work.now, work.now),
        )


@pytest.fixture
def guide(desk: Desk) -> int:
    return published(desk.office, "guide", TITLE, **{**GUIDE, "task_code": "11999900"})


@pytest.mark.parametrize("named", [TITLE, " 11999900 "])
def test_a_rating_of_a_named_item_counts_for_it(desk: Desk, guide: int, named: str) -> None:
    closes(desk, named)
    assert f"“{TITLE}”的服务已结束，请您作出好差评（自愿）" in desk.replies("bot")[-1].text
    desk.says("2")
    (rating,) = ratings(desk)
    assert (rating.score, rating.service_id, rating.service_unit_id) == (2, guide, desk.office.bureau.id)
    ((row,), righted) = counted(desk)
    assert (row.title, row.levels, row.total, row.low, row.share) == (TITLE, (0, 1, 0, 0, 0), 1, 0, 1.0)
    assert righted.opened == 0
    assert tickets(desk) == []


def test_a_rating_without_an_item_is_no_good_or_bad_review(desk: Desk, guide: int) -> None:
    closes(desk, "")
    assert "本次服务已结束" in desk.replies("bot")[-1].text
    desk.says("5")
    (rating,) = ratings(desk)
    assert (rating.service_id, rating.service_unit_id) == (None, None)
    assert counted(desk)[0] == []
    assert [ticket.kind for ticket in tickets(desk)] == ["回访"]


def test_a_low_one_is_set_right_by_a_deadline(desk: Desk, guide: int) -> None:
    closes(desk, TITLE)
    desk.says("5")
    (ticket,) = tickets(desk)
    assert (ticket.kind, ticket.unit_id) == ("整改", desk.office.bureau.id)
    assert TITLE in ticket.text
    assert "非常不满意" in ticket.text
    ((row,), righted) = counted(desk)
    assert (row.low, row.share) == (1, 0.0)
    assert (righted.opened, righted.waiting, righted.overdue, righted.share) == (1, 1, 0, None)
    desk.clock.step(days=8)
    assert counted(desk)[1].overdue == 1
    with desk.office.working("officer") as (work, _who):
        ticket_acts.answer(work, work.session.get_one(Ticket, ticket.id), "已回访致歉，窗口已整改")
    righted = counted(desk)[1]
    assert (righted.waiting, righted.overdue, righted.done, righted.in_time, righted.share) == (0, 0, 1, 0, 0.0)


@pytest.mark.parametrize("named", ["没有这一项", "9999"])
def test_an_item_that_is_not_public_is_refused_and_the_session_goes_on(desk: Desk, guide: int, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        closes(desk, named)
    assert refused.value.field == "service"
    assert desk.conversation().state == "waiting"
    published(desk.office, "guide", TITLE, **GUIDE)
    with pytest.raises(Invalid, match="多个事项"):
        closes(desk, TITLE)


def test_what_was_cited_is_offered(desk: Desk, guide: int) -> None:
    desk.engine.answers(guide)
    desk.says("身份证丢了怎么办")
    with desk.works.read() as work:
        number = desk.conversation().id
        assert services.cited(work.session, number, work.now) == [TITLE]
        assert services.title_of(work.session, guide) == work.session.get_one(Piece, guide).title
        assert services.title_of(work.session, None) == ""
