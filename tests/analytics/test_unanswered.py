"""What the bot really could not answer becomes advice, once it was asked often enough."""

from __future__ import annotations

from analytics import plan, topics
from tests.bot.citizens import published
from tests.bot.conftest import Desk, desk, office

__all__ = ["desk", "office"]


def test_questions_the_bot_did_not_know_become_topics(desk: Desk) -> None:
    known = published(desk.office, "faq", "水费怎么交", "在营业厅缴纳。", wordings=["交水费"])
    for number in range(topics.ENOUGH):
        desk.says("老人卡在哪里办", sender=f"citizen-{number}")
    desk.says("只问过一次的问题")
    desk.engine.suggests(known)
    for number in range(topics.ENOUGH):
        desk.says("水费能不能分期", sender=f"other-{number}")
    desk.engine.answers(known)
    for number in range(topics.ENOUGH):
        desk.says("水费怎么交", sender=f"third-{number}")
    with desk.works.read() as work:
        found = plan.unanswered(work.session, desk.office.bureau.id, work.now)
    assert sorted(advice.facts["question"] for advice in found) == ["水费能不能分期", "老人卡在哪里办"]
    assert {advice.facts["asked"] for advice in found} == {topics.ENOUGH}
