"""After a session of the bot's alone on WeChat the citizen is asked once for a rating, where there is reason to."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot import rules
from bot.models import Rating
from bot.nlu.ranking import Decision
from bot.waiting import Watch
from kernel import office_rules
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import ZONE, Desk


@pytest.fixture
def served(desk: Desk) -> Desk:
    desk.engine.answers(published(desk.office, "guide", "居民身份证补领", **GUIDE))
    return desk


def falls_silent(desk: Desk) -> list[str]:
    """What is said when the citizen has written nothing for an hour."""
    before = len(desk.replies())
    desk.clock.step(minutes=60)
    with desk.works.write() as work:
        Watch(desk.works, desk.answering.words, ZONE).end_idle(work)
    return [one.text for one in desk.replies()[before:]]


def test_he_is_asked_once_and_his_figure_is_the_rating(served: Desk) -> None:
    served.says("身份证丢了怎么办")
    (asked,) = falls_silent(served)
    assert "请您评价（自愿）" in asked
    assert falls_silent(served) == []
    served.says("2")
    with served.works.read() as work:
        assert [one.score for one in work.session.scalars(select(Rating))] == [2]
    served.says("身份证丢了怎么办")
    assert falls_silent(served) == [], "not again within thirty days"
    served.clock.step(days=31)
    served.says("身份证丢了怎么办")
    assert len(falls_silent(served)) == 1


def test_another_question_is_no_rating(served: Desk) -> None:
    served.says("身份证丢了怎么办")
    falls_silent(served)
    assert "居民身份证补领" in served.says("身份证丢了怎么办")
    with served.works.read() as work:
        assert work.session.scalars(select(Rating)).all() == []


def test_nobody_is_asked_whom_the_bot_did_not_help_or_a_person_served(served: Desk) -> None:
    served.says("身份证丢了怎么办")
    served.engine.decision = Decision("refuse", ())
    served.says("今天股票涨了吗")
    assert falls_silent(served) == []
    served.engine.suggests(1)
    served.says("证件")
    assert falls_silent(served) == [], "a figure would be a choice"
    with served.works.write() as work:
        office_rules.set_rule(work, rules.RATING_DAYS.name, served.conversation().unit_id, 0)
    served.engine.answers(1)
    served.says("身份证丢了怎么办", sender="another")
    assert falls_silent(served) == []


def test_the_platforms_rule_of_five_comes_first(served: Desk) -> None:
    served.says("身份证丢了怎么办")
    with served.works.write() as work:
        work.session.merge(served.conversation()).messages_left = 0
    assert falls_silent(served) == []
