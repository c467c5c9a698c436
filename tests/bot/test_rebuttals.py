"""A question about a rumour is answered with the published rebuttal, before the engine is asked, while it holds."""

from __future__ import annotations

from content import rebuttals
from content.models import Piece
from content.rebuttals import Rebuttal, Rumour
from kernel.people import Role
from tests.bot.citizens import published
from tests.bot.conftest import Desk

WORDS = "供水公司表示，近期没有停水三天的计划。"


def rebutted(desk: Desk) -> Rebuttal:
    """A public notice that rebuts a rumour."""
    piece_id = published(desk.office, "notice", "停水三天系谣言", WORDS)
    with desk.office.working("signer") as (work, who):
        rumour = Rumour("本市停水三天", ["真的要停水三天吗", "要不要囤水"])
        return rebuttals.rebut(work, who, work.session.get_one(Piece, piece_id), rumour)


def test_the_published_words_come_with_their_address_before_what_the_engine_knows(desk_both: Desk) -> None:
    other = published(desk_both.office, "faq", "水费怎么交", "在营业厅缴纳。", wordings=["交水费"])
    desk_both.engine.answers(other)
    row = rebutted(desk_both)
    said = desk_both.says("听邻居讲真的要停水三天吗？我要不要囤水啊")
    assert WORDS in said
    assert "依据：《停水三天系谣言》https://www.yunzhou.example/" in said
    assert desk_both.replies("bot")[0].sources[0]["piece"] == row.piece_id
    assert "营业厅" in desk_both.says("水费怎么交"), "another question is another matter"
    assert "营业厅" in desk_both.says("停水了怎么办")
    with desk_both.office.working("signer") as (work, who):
        rebuttals.end(work, who, work.session.get_one(Rebuttal, row.id))
    assert "营业厅" in desk_both.says("真的要停水三天吗")


def test_words_of_danger_and_the_wish_for_a_person_come_first(desk: Desk) -> None:
    desk.office.grant("officer", Role.AGENT, desk.office.city)
    rebutted(desk)
    assert WORDS not in desk.says("真的要停水三天吗，我要找人工")
    assert WORDS not in desk.says("真的要停水三天吗，我不想活了", sender="other")
