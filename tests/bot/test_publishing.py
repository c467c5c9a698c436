"""留言公开: what everybody may read holds nothing that tells who wrote it."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import publishing, tickets
from bot.found_answers import Answers
from bot.models import Ticket
from content.search import Searcher, answer
from kernel.errors import Invalid, WrongState
from kernel.people import add_unit
from kernel.work import Works

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话13812341234，请回", "电话138****1234，请回"),
        ("身份证350102199003072123", "身份证35*************123"),
        ("住临江区江畔街道长安路9号3栋502室，漏水", "住临江区江畔街道，漏水"),
        ("青山镇河口村12号门前路灯不亮", "青山镇门前路灯不亮"),
        ("江畔街道办事处几点上班", "江畔街道办事处几点上班"),
    ],
)
def test_what_tells_who_it_was_is_masked(text: str, shown: str) -> None:
    assert publishing.mask(text) == shown


def _ticket(works: Works, *, answered: bool = True) -> int:
    with works.write() as work:
        unit = add_unit(work.session, "市政务服务中心", "centre")
        made = tickets.make(work, unit_id=unit.id, kind="咨询", text="路灯坏了三天", name="王先生", zone=ZONE)
        if answered:
            tickets.answer(work, made, "已修复。")
        return made.id


def test_an_answered_matter_is_published_replaced_and_taken_back(works: Works) -> None:
    ticket_id = _ticket(works)
    for words in ("路灯坏了", "路灯不亮"):
        with works.write() as work:
            publishing.publish(work, work.session.get_one(Ticket, ticket_id), words, "已修复。")
    with works.read() as work:
        rows, total = publishing.listed(work.session, 1)
        assert (total, [row.question for row in rows]) == (1, ["路灯不亮"])
        assert rows[0].asked_at <= rows[0].answered_at
    with works.write() as work:
        publishing.hide(work, work.session.get_one(Ticket, ticket_id))
    with works.read() as work:
        assert publishing.listed(work.session, 1) == ([], 0)


def test_what_is_not_answered_is_not_published(works: Works) -> None:
    ticket_id = _ticket(works, answered=False)
    with pytest.raises(WrongState), works.write() as work:
        publishing.publish(work, work.session.get_one(Ticket, ticket_id), "路灯坏了", "已修复。")


@pytest.mark.parametrize(
    "words",
    [
        "电话13812341234", "电话138-1234-5678", "350102199003072123", "350481 19900101 1234", "住幸福小区12栋301",
        "卡号6222021234567890123", "座机0591-87654321", "王先生说路灯坏了", "",
    ],
)  # fmt: skip
def test_words_that_tell_who_it_was_are_refused(works: Works, words: str) -> None:
    ticket_id = _ticket(works)
    with pytest.raises(Invalid) as refused, works.write() as work:
        publishing.publish(work, work.session.get_one(Ticket, ticket_id), words, "已修复。")
    assert refused.value.field == "question"


@pytest.mark.parametrize("words", ["请拨 139 8765 4321", "已到幸福小区12栋301查看"])
def test_an_answer_that_tells_of_a_person_is_refused(works: Works, words: str) -> None:
    ticket_id = _ticket(works)
    with pytest.raises(Invalid) as refused, works.write() as work:
        publishing.publish(work, work.session.get_one(Ticket, ticket_id), "路灯坏了", words)
    assert refused.value.field == "public_answer"


def test_the_office_may_name_its_own_telephone_and_place_in_an_answer(works: Works) -> None:
    ticket_id, words = _ticket(works), "请致电0591-87654321，或到长安路9号办理，12345也可以转接。"
    with works.write() as work:
        assert publishing.publish(work, work.session.get_one(Ticket, ticket_id), "路灯坏了", words).answer == words


def test_what_would_be_refused_today_is_listed_and_nothing_is_changed(works: Works) -> None:
    number = _ticket(works)
    with works.write() as work:
        ticket = work.session.get_one(Ticket, number)
        publishing.publish(work, ticket, "路灯坏了三天", "已修复，电话 0530-8800012。")
        assert publishing.doubtful(work.session) == []
        # As it was let through when the patterns were fewer.
        row = publishing.of_ticket(work.session, number)
        assert row is not None
        row.question, row.answer = "王先生 13812341234 反映路灯", "已回电 139 1234 1234。"
        work.session.flush()
        (found,) = publishing.doubtful(work.session)
        assert (found.ticket_id, found.number) == (number, ticket.number)
        assert "留言人的称呼" in found.told
        assert not any("1381234" in one for one in found.told)
        assert row.question.startswith("王先生")
        publishing.hide(work, ticket)
        assert publishing.doubtful(work.session) == []


def test_an_answer_taken_back_is_not_counted_even_before_the_index_follows(works: Works) -> None:
    number = _ticket(works)
    searcher = Searcher(timedelta(days=9), source=Answers())
    totals = []
    for act in (None, publishing.hide):
        with works.write() as work:
            ticket = work.session.get_one(Ticket, number)
            if act is None:
                publishing.publish(work, ticket, "路灯坏了三天", "已修复。")
            else:
                act(work, ticket)
        with works.read() as work:
            looked = searcher.look(work.session, work.now, "路灯坏了")
            found = answer(work.session, work.now, [looked], kind="", page=1, size=5, narrow=None, only=None)
        totals.append((len(looked.hits), found.total))
    assert totals == [(1, 1), (1, 0)]
