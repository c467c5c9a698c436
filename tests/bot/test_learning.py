"""What the bot could learn: clashes, clusters of unanswered questions, and what becomes of those dealt with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot import learning
from bot.learning import Asked, Entry
from bot.models import Lesson
from bot.nlu.ranking import Decision
from kernel.errors import Invalid, WrongState
from tests.bot.citizens import published
from tests.bot.conftest import Desk

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def entry(number: int, title: str, *wordings: str) -> Entry:
    return Entry(number, 1, title, "live", AT, (title, *wordings))


def asked(*texts: str) -> list[Asked]:
    return [Asked(text, 1, "refuse", AT + timedelta(minutes=place)) for place, text in enumerate(texts)]


def clusters_of(desk: Desk) -> list[learning.Cluster]:
    with desk.works.read() as work:
        units = {desk.office.bureau.id}
        return learning.unanswered(work.session, units, work.now, learning.entries(work.session, units))


def learn(desk: Desk, act: str, piece_id: int | None = None) -> None:
    with desk.works.write(desk.office.actor("manager")) as work:
        found = clusters_of(desk)
        learning.learn(work, found[0], act, piece_id)


def test_what_the_classifier_cannot_tell_apart_clashes_on_both_sides() -> None:
    found = learning.clashes(
        [entry(1, "居住证怎么办", "居住证怎么办？", "办居住证"), entry(2, "身份证补办", "办居住證！"), entry(3, "社保")]
    )
    assert {number: [(one.wording, one.other) for one in rows] for number, rows in found.items()} == {
        1: [("办居住證！", 2)],
        2: [("办居住證！", 1)],
    }
    assert [one.other for one in learning.clashes([entry(1, "社保", "查社保", "查社保。")])[1]] == [1]


def test_a_question_is_thin_below_eight_different_wordings() -> None:
    assert entry(1, "一", "二", "三", "四", "五", "六", "七", "七！").thin
    assert not entry(1, "一", "二", "三", "四", "五", "六", "七", "八").thin


def test_questions_that_ask_the_same_are_one_cluster_in_every_order() -> None:
    texts = ("养犬证怎么办理", "养犬证怎么办", "请问养犬证怎么办理呢", "导游证去哪年审", "养犬证怎么办理？")
    found = learning.cluster(asked(*texts))
    assert [[one.texts[0], len(one.asked)] for one in found] == [["养犬证怎么办理", 4], ["导游证去哪年审", 1]]
    again = learning.cluster(asked(*reversed(texts)))
    assert [sorted(map(learning.plain_of, one.texts)) for one in again] == [
        sorted(map(learning.plain_of, one.texts)) for one in found
    ]
    assert learning.cluster(asked("？？", "")) == []


def test_the_nearest_question_is_named_or_none() -> None:
    known = [entry(1, "居住证怎么办理", "办居住证要什么"), entry(2, "身份证丢了怎么补办", "身份证挂失")]
    near = learning.nearest(["居住证办理要什么材料", "身份证不见了要补办", "今晚吃什么"], known)
    assert [one and one.piece_id for one in near] == [1, 2, None]
    assert learning.nearest(["居住证"], []) == [None]


def test_a_wording_is_added_once() -> None:
    assert learning.with_wording({"wordings": ["办居住证"], "theme": "户籍"}, "居住证办理") == {
        "wordings": ["办居住证", "居住证办理"],
        "theme": "户籍",
    }
    assert learning.with_wording({"wordings": ["办居住证"]}, "办居住證。") is None
    assert learning.with_wording({}, "办居住证") == {"wordings": ["办居住证"]}


def test_what_is_dealt_with_leaves_the_list_and_comes_back_when_asked_in_vain_again(desk: Desk) -> None:
    piece = published(desk.office, "faq", "养犬登记", "到派出所。")
    desk.engine.decision = Decision("refuse", ())
    for sender in ("a", "b"):
        desk.says("狗证怎么办理", sender=sender)
    (found,) = clusters_of(desk)
    assert (found.texts, len(found.asked)) == (("狗证怎么办理",), 2)
    desk.clock.step(minutes=5)
    learn(desk, learning.CONFIRMED, piece)
    assert clusters_of(desk) == []
    desk.clock.step(minutes=5)
    desk.says("狗证怎么办理", sender="c")
    assert [len(one.asked) for one in clusters_of(desk)] == [1]
    learn(desk, learning.CONFIRMED, piece)
    with desk.works.read() as work:
        (row,) = work.session.scalars(select(Lesson)).all()
    assert (row.text, row.act, row.piece_id) == ("狗证怎么办理", "confirmed", piece)


def test_what_must_not_be_answered_comes_back_only_when_it_nearly_was(desk: Desk) -> None:
    piece = published(desk.office, "faq", "养犬登记", "到派出所。")
    desk.engine.decision = Decision("refuse", ())
    desk.says("彩票怎么中奖")
    desk.clock.step(minutes=1)
    learn(desk, learning.FOREIGN)
    desk.clock.step(minutes=1)
    desk.says("彩票怎么中奖", sender="b")
    assert clusters_of(desk) == []
    desk.engine.suggests(piece)
    desk.says("彩票怎么中奖", sender="c")
    assert len(clusters_of(desk)) == 1


def test_what_is_a_wording_already_waits_for_its_signature(desk: Desk) -> None:
    desk.engine.decision = Decision("refuse", ())
    desk.says("养犬登记在哪办")
    published(desk.office, "faq", "居住证怎么办", "到社区。")
    assert len(clusters_of(desk)) == 1
    desk.office.piece(column="faq", title="养犬", fields={"wordings": ["养犬登记在哪办？"]})
    assert clusters_of(desk) == []


def test_personal_data_are_never_taken_over(desk: Desk) -> None:
    desk.engine.decision = Decision("refuse", ())
    desk.says("我电话13812345678帮我查公积金")
    (found,) = clusters_of(desk)
    with pytest.raises(Invalid):
        learning.wording_of(found)
    learn(desk, learning.FOREIGN)
    with desk.works.read() as work:
        assert work.session.scalars(select(Lesson.text)).one() == "我电话138****5678帮我查公积金"


def test_another_units_questions_are_nobodys_here(desk: Desk) -> None:
    desk.engine.decision = Decision("refuse", ())
    desk.says("狗证怎么办理")
    with desk.works.read() as work:
        assert learning.unanswered(work.session, {desk.office.other.id}, work.now, []) == []
    with pytest.raises(WrongState):
        learning.cluster_for(clusters_of(desk), "0" * 64)
