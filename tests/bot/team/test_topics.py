"""Whoever asked about a topic goes first to those who know it, and after a while to anybody."""

from __future__ import annotations

import pytest

from bot import desk as acts
from bot import lists
from bot.models import Conversation
from bot.team import presence, topics
from bot.team.rounds import ASSIGN, MOST_OPEN, TeamWatch
from kernel.errors import Invalid
from kernel.office_rules import set_rule
from kernel.people import Person
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import ZONE, Desk


@pytest.fixture
def asked(desk: Desk) -> int:
    """A question about 户籍, which every sentence is taken for."""
    piece = published(desk.office, "faq", "身份证丢了怎么办", "到派出所补领。", theme="户籍")
    desk.engine.answers(piece)
    return piece


def knows(desk: Desk, name: str, *known: str) -> None:
    with desk.works.write() as work:
        topics.keep(work, desk.office.bureau.id, desk.office.person(name).id, known)


def come(desk: Desk, *names: str) -> None:
    for name in names:
        with desk.office.working(name) as (work, who):
            presence.come(work, who, desk.office.bureau.id)


def assigned(desk: Desk, sender: str = "citizen") -> int | None:
    TeamWatch(desk.works, desk.answering.words, ZONE).round()
    return desk.conversation(sender).agent_id


def asks(desk: Desk, sender: str = "citizen") -> None:
    desk.says("身份证丢了", sender=sender)
    desk.says("人工", sender=sender)


def assigning(desk: Desk, most: int = 5) -> None:
    with desk.works.write() as work:
        set_rule(work, ASSIGN.name, desk.office.bureau.id, True)
        set_rule(work, MOST_OPEN.name, desk.office.bureau.id, most)


def test_the_topic_is_what_was_asked_about(desk: Desk, asked: int) -> None:
    asks(desk)
    assert desk.conversation().topic == "户籍"
    desk.says("人工", sender="other")
    assert desk.conversation("other").topic == ""


def test_a_guide_with_a_theme_for_each_side_has_a_topic(desk: Desk) -> None:
    fields = {**GUIDE, "theme": "", "personal_theme": "生育收养", "legal_theme": "社会保障"}
    desk.engine.answers(published(desk.office, "guide", "生育津贴支付", "", **fields))
    asks(desk)
    assert desk.conversation().topic == "生育收养"


@pytest.mark.parametrize("then", [("那个东西", "那个"), ("人工",)])
def test_what_the_bot_was_unsure_of_is_a_topic_too(desk: Desk, asked: int, then: tuple[str, ...]) -> None:
    desk.engine.suggests(asked)
    for text in ("身份证", *then):
        desk.says(text)
    assert (desk.conversation().state, desk.conversation().topic) == ("waiting", "户籍")


def test_who_knows_the_topic_gets_it_though_he_has_more_to_do(desk: Desk, asked: int) -> None:
    assigning(desk)
    knows(desk, "officer", "户籍")
    come(desk, "officer", "author")
    officer, author = (desk.office.person(name).id for name in ("officer", "author"))
    desk.says("人工", sender="first")
    desk.says("人工", sender="second")
    assert {assigned(desk, "first"), assigned(desk, "second")} == {officer, author}
    for sender in ("third", "fourth"):
        asks(desk, sender)
        assert assigned(desk, sender) == officer


def test_who_knows_it_is_waited_for_a_while_and_no_longer(desk: Desk, asked: int) -> None:
    assigning(desk, most=1)
    knows(desk, "officer", "户籍")
    come(desk, "officer", "author")
    asks(desk, "first")
    assert assigned(desk, "first") == desk.office.person("officer").id
    asks(desk)
    assert assigned(desk) is None
    desk.clock.step(minutes=3)
    assert assigned(desk) == desk.office.person("author").id


def test_nobody_waits_for_somebody_who_is_not_there(desk: Desk, asked: int) -> None:
    assigning(desk)
    knows(desk, "officer", "户籍")
    come(desk, "author")
    asks(desk)
    assert assigned(desk) == desk.office.person("author").id


def test_danger_waits_for_no_topic(desk: Desk, asked: int) -> None:
    assigning(desk, most=1)
    knows(desk, "officer", "户籍")
    come(desk, "officer", "author")
    asks(desk, "first")
    assigned(desk, "first")
    desk.says("身份证丢了")
    desk.says("我不想活了")
    assert assigned(desk) == desk.office.person("author").id


def shown(desk: Desk, name: str) -> list[int]:
    with desk.office.working(name) as (work, who):
        return [one.id for one in lists.going_on(work.session, lists.looker(who), work.now).waiting]


def test_a_colleagues_topic_stands_behind_for_a_while_and_can_be_taken(desk_both: Desk) -> None:
    desk = desk_both
    desk.engine.answers(published(desk.office, "faq", "身份证丢了怎么办", "到派出所补领。", theme="户籍"))
    knows(desk, "officer", "户籍")
    come(desk, "officer")
    asks(desk, "his")
    desk.clock.step(seconds=30)
    desk.says("人工", sender="anybodys")
    his, anybodys = (desk.conversation(sender).id for sender in ("his", "anybodys"))
    assert shown(desk, "officer") == [his, anybodys]
    assert shown(desk, "author") == [anybodys, his]
    desk.clock.step(minutes=3)
    assert shown(desk, "author") == [his, anybodys]
    with desk.office.working("author") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, his), desk.answering.words)
    assert shown(desk, "officer") == [anybodys]


def test_topics_are_kept_for_agents_of_the_desk_in_few_words(desk: Desk) -> None:
    bureau = desk.office.bureau.id
    with desk.works.write() as work:
        agent = work.session.get_one(Person, desk.office.person("officer").id)
        assert topics.keep(work, bureau, agent.id, [" 户籍 ", "社保", "户籍", ""]) == ["户籍", "社保"]
        assert topics.of_unit(work.session, bureau) == {agent.id: ["户籍", "社保"]}
        for person, known, field in (
            (desk.office.person("signer").id, ["户籍"], "person"),
            (agent.id, ["长" * 41], "topics"),
            (agent.id, [str(number) for number in range(21)], "topics"),
        ):
            with pytest.raises(Invalid) as refused:
                topics.keep(work, bureau, person, known)
            assert refused.value.field == field
        assert topics.keep(work, bureau, agent.id, []) == []
        assert topics.of_unit(work.session, bureau) == {}
