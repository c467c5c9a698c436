"""Prepared replies: to followers, to words, to taps on the menu; before the bot, once, and never before danger."""

from __future__ import annotations

from typing import Any

import pytest

from bot import prepared, store
from bot.models import AutoReply
from bot.prepared import Wording
from channels.abilities.menus import Button
from channels.accounts import menus
from channels.accounts.approval import OwnWords
from channels.accounts.models import Account
from content.models import ListedWord
from kernel.errors import Invalid
from kernel.people import Role
from tests.bot.citizens import published
from tests.bot.conftest import Desk


def write(desk: Desk, *words: tuple[str, str], **changes: Any) -> AutoReply:
    """A reply as an officer writes it."""
    made = {"trigger": "keyword", "name": "供热", "words": words, "answers": ["供热到 4 月 7 日。"]}
    with desk.works.write(desk.office.actor("officer")) as work:
        return prepared.write(work, work.session.get_one(Account, desk.account.id), Wording(**{**made, **changes}))


def approve(desk: Desk, row: AutoReply, who: str = "manager") -> AutoReply:
    """A second person puts it in force."""
    with desk.works.write(desk.office.actor(who)) as work:
        kept = work.session.get_one(AutoReply, row.id)
        prepared.approve(work, desk.office.who(who), work.session.get_one(Account, desk.account.id), kept)
    return row


def prepare(desk: Desk, *words: tuple[str, str], **changes: Any) -> AutoReply:
    return approve(desk, write(desk, *words, **changes))


def show(desk: Desk, *buttons: Button) -> None:
    """A menu on show."""
    with desk.works.write() as work:
        version = menus.add(work, work.session.get_one(Account, desk.account.id), buttons)
        version.state, version.published_at = "live", work.now


def test_words_are_answered_before_the_bot_is_asked(desk: Desk) -> None:
    prepare(desk, ("暖气", "contains"))
    assert desk.says("家里暖气不热怎么办") == "供热到 4 月 7 日。"
    assert desk.engine.asked == []
    assert desk.replies()[0].rule == "关键词：供热"
    assert desk.inbound(desk.replies()[0].inbound_id or 0).outcome == "keyword"


def test_without_approval_nothing_is_in_force(desk: Desk) -> None:
    row = write(desk, ("暖气", "contains"))
    assert "供热到" not in desk.says("暖气")
    approve(desk, row)
    assert desk.says("暖气") == "供热到 4 月 7 日。"
    with desk.works.write(desk.office.actor("officer")) as work:
        account = work.session.get_one(Account, desk.account.id)
        prepared.write(work, account, Wording("keyword", "供热", [("暖气", "contains")], answers=["改"]), row)
    assert "供热到" not in desk.says("暖气")


def test_nobody_approves_his_own_words(desk: Desk) -> None:
    desk.office.grant("officer", Role.SIGNER)
    row = write(desk, ("暖气", "contains"))
    with pytest.raises(OwnWords):
        approve(desk, row, "officer")


def test_a_whole_message_comes_before_a_part_and_a_long_word_before_a_short(desk: Desk) -> None:
    prepare(desk, ("社保", "contains"), answers=["短"])
    prepare(desk, ("社保卡", "contains"), answers=["长"])
    prepare(desk, ("社保卡挂失", "exact"), answers=["全同"])
    assert [desk.says(text) for text in ("社保", "社保卡挂失", "社保卡挂失了", "查社保")] == ["短", "全同", "长", "短"]


def test_several_answers_leave_in_order_each_once(desk: Desk) -> None:
    prepare(desk, ("暖气", "contains"), answers=["一", "二", "三"])
    desk.says("暖气")
    desk.send()
    assert [text for _to, text in desk.outbox.sent] == ["一", "二", "三"]
    desk.send()
    assert len(desk.outbox.sent) == 3


def test_one_by_chance_is_one_of_them(desk: Desk) -> None:
    prepare(desk, ("暖气", "contains"), answers=["一", "二"], several="one")
    assert desk.says("暖气") in ("一", "二")
    assert len(desk.replies()) == 1


def test_a_message_is_answered_once_however_often_it_is_dealt_with(desk: Desk) -> None:
    prepare(desk, ("暖气", "contains"))
    received = desk.receive("暖气")
    desk.answering.handle(received.inbound_id)
    desk.answering.handle(received.inbound_id)
    assert len(desk.replies()) == 1


def test_danger_and_a_person_come_first(desk: Desk) -> None:
    prepare(desk, ("我", "contains"), answers=["套话"])
    assert "套话" not in desk.says("我不想活了", sender="a")
    assert desk.conversation("a").urgent_at is not None
    assert "套话" not in desk.says("我要人工", sender="b")
    assert desk.conversation("b").state == "waiting"


def test_who_has_a_person_is_not_interrupted(desk: Desk) -> None:
    prepare(desk, ("暖气", "contains"))
    desk.says("转人工")
    assert desk.says("暖气") == ""


def test_who_follows_reads_what_was_prepared(desk: Desk) -> None:
    assert "智能问答机器人" in desk.says("", kind="follow", sender="a")
    prepare(desk, trigger="follow", name="欢迎", answers=["欢迎关注云州"])
    assert desk.says("qrscene", kind="follow", sender="b") == "欢迎关注云州"
    assert "由智能问答机器人回复" in desk.says("问题", sender="b")


@pytest.mark.parametrize("kind", ["scan", "follow"])
def test_whoever_scans_a_code_is_answered_by_its_scene(desk: Desk, kind: str) -> None:
    assert "机器人" in desk.says("hall-9", kind=kind)  # Nothing is prepared: the greeting.
    prepare(desk, trigger="follow", name="欢迎", answers=["欢迎关注"])
    prepare(desk, ("hall-3", "exact"), ("办证", "contains"), answers=["三号窗口办理社保"])
    assert desk.says("hall-3", kind=kind, sender="b") == "三号窗口办理社保"
    assert desk.says("hall-33", kind=kind, sender="c") == "欢迎关注"


def test_the_newest_of_a_column_is_listed(desk: Desk) -> None:
    published(desk.office, "notice", "供热公告", "正文")
    column = desk.office.columns["notice"]
    prepare(desk, ("公告", "contains"), act="list", answers=[], column_id=column.id)
    assert "1. 供热公告 https://www.yunzhou.example/" in desk.says("公告")
    assert desk.replies()[0].sources[0]["title"] == "供热公告"


def test_words_may_call_a_person(desk: Desk) -> None:
    prepare(desk, ("投诉", "contains"), act="person", answers=[])
    desk.says("投诉")
    assert desk.conversation().state == "waiting"


def test_a_tap_leads_where_the_menu_says(desk: Desk) -> None:
    say = Button("热线", "click", key="k-1", does={"act": "say", "text": "请拨 12345"})
    person = Button("人工", "click", key="k-2", does={"act": "person"})
    show(desk, Button("服务", below=(say, person)))
    assert desk.says("k-1", kind="click", sender="a") == "请拨 12345"
    assert desk.replies()[0].rule == "菜单：热线"
    desk.says("k-2", kind="click", sender="b")
    assert desk.conversation("b").state == "waiting"
    with desk.works.read() as work:
        assert store.lines_of(work.session, desk.conversation("a").id)[0].text == "[点击菜单] 热线"


def test_a_tap_on_an_earlier_menu_still_works_and_an_unknown_one_is_told(desk: Desk) -> None:
    show(desk, Button("旧", "click", key="old", does={"act": "say", "text": "旧答"}))
    with desk.works.write() as work:
        for version in menus.versions(work.session, desk.account.id):
            version.state = "replaced"
    show(desk, Button("新", "click", key="new", does={"act": "say", "text": "新答"}))
    assert desk.says("old", kind="click") == "旧答"
    assert "菜单已经更新" in desk.says("never", kind="click")
    assert desk.engine.asked == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"answers": ["热" * 683]}, "answer.1"),
        ({"answers": []}, "answers"),
        ({"answers": ["1"] * 4}, "answers"),
        ({"answers": ["请拨 13800138000"]}, "answer.1"),
        ({"answers": ["禁词在此"]}, "answer.1"),
        ({"words": []}, "words"),
        ({"words": [("", "exact")]}, "words"),
        ({"words": [("热" * 31, "exact")]}, "words"),
        ({"words": [("热", "like")]}, "words"),
        ({"act": "list", "answers": []}, "column"),
        ({"act": "dance"}, "act"),
        ({"name": " "}, "name"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_field(desk: Desk, changes: dict[str, Any], field: str) -> None:
    with desk.works.write() as work:
        work.session.add(ListedWord(unit_id=desk.account.unit_id, word="禁词", level="block"))
    with pytest.raises(Invalid) as refused:
        write(desk, **{"words": [("热", "exact")], **changes})
    assert refused.value.field == field


def test_what_just_fits_is_kept(desk: Desk) -> None:
    row = write(desk, ("热" * 30, "exact"), answers=["热" * 682, "二", "三"])
    assert row.id


def test_a_word_listed_since_keeps_a_reply_from_coming_into_force(desk: Desk) -> None:
    row = write(desk, ("暖气", "contains"), answers=["旧称"])
    with desk.works.write() as work:
        work.session.add(ListedWord(unit_id=desk.account.unit_id, word="旧称", level="block"))
    with pytest.raises(Invalid):
        approve(desk, row)


def test_both_databases_find_the_words(desk_both: Desk) -> None:
    desk_both.office.grant("manager", Role.SIGNER)
    prepare(desk_both, ("暖气", "contains"))
    assert desk_both.says("暖气") == "供热到 4 月 7 日。"
