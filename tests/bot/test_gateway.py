"""What a citizen says is stored once, in one conversation, in order, and looks harmless to every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bot import windows
from bot.gateway import arrival_of, for_engine, receive
from bot.models import Conversation, InboundMessage
from bot.states import ConversationState
from channels.accounts.models import Account
from channels.base import MENTION, Follower, Message
from tests.bot.conftest import Desk


def test_a_repeated_push_is_one_row_and_one_run(desk_both: Desk) -> None:
    first = desk_both.receive("你好", key="same")
    again = desk_both.receive("你好", key="same")
    assert (first.fresh, again.fresh) == (True, False)
    assert first.inbound_id == again.inbound_id
    desk_both.answering.handle(first.inbound_id)
    desk_both.answering.handle(first.inbound_id)
    assert desk_both.engine.asked == ["你好"]
    assert len(desk_both.replies("bot")) == 1


def test_two_pushes_at_once_are_one_row(desk_both: Desk) -> None:
    with ThreadPoolExecutor(2) as pool:
        received = list(pool.map(lambda _: desk_both.receive("你好", key="same"), range(6)))
    assert [one.fresh for one in received].count(True) == 1
    with desk_both.works.read() as work:
        assert work.session.scalar(select(func.count(InboundMessage.id))) == 1
        assert work.session.scalar(select(func.count(Conversation.id))) == 1
        assert work.session.scalar(select(Conversation.lines)) == 1  # No place stays empty.


def test_the_same_key_of_another_account_is_another_message(desk: Desk) -> None:
    desk.receive("你好", key="1")
    with desk.works.write() as work:
        row = work.session.scalars(select(InboundMessage)).one()
        row.origin = "account-999"
    assert desk.receive("你好", key="1").fresh


def test_a_person_has_one_conversation_until_it_is_closed(desk: Desk) -> None:
    first = desk.receive("一")
    assert desk.receive("二").conversation_id == first.conversation_id
    assert desk.receive("三", sender="other").conversation_id != first.conversation_id
    with desk.works.write() as work:
        conversation = work.session.get_one(Conversation, first.conversation_id)
        session, conversation.state = conversation.engine_session, ConversationState.CLOSED
    fresh = desk.receive("四")
    assert fresh.conversation_id != first.conversation_id
    with desk.works.read() as work:
        assert work.session.get_one(Conversation, fresh.conversation_id).engine_session != session


def test_lines_are_numbered_over_both_sides(desk: Desk) -> None:
    desk.says("一")
    desk.says("二")
    with desk.works.read() as work:
        heard = list(work.session.scalars(select(InboundMessage.number).order_by(InboundMessage.id)))
    assert heard == [1, 3]
    assert [row.number for row in desk.replies()] == [2, 4]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("/restart", "restart"),
        ("／restart", "restart"),
        (" //x", "x"),
        ("/ ／\u3000/\xa0restart", "restart"),
        ("\u2028/restart", "restart"),
        ("a/b", "a/b"),
        ("字" * 900, "字" * 500),
        ("", ""),
    ],
)
def test_an_engine_sees_no_command_and_no_flood(text: str, seen: str) -> None:
    assert for_engine(text) == seen


def test_a_message_opens_the_window_and_a_touch_does_not_narrow_it(desk: Desk) -> None:
    desk.receive("", kind="click")
    touched = desk.conversation()
    assert (touched.window_until, touched.messages_left) == (desk.clock.now() + timedelta(minutes=1), 3)
    desk.receive("你好")
    desk.clock.step(hours=1)
    desk.receive("", kind="click")
    wide = desk.conversation()
    assert (wide.window_until, wide.messages_left) == (desk.clock.now() + timedelta(hours=47), 5)
    desk.receive("", kind="leave")
    assert desk.conversation().messages_left == 0


def test_who_only_names_the_account_is_answered_once_and_a_message_to_it_opens_more(desk: Desk) -> None:
    talk, now = Conversation(channel="weibo"), desk.clock.now()
    windows.opened(talk, now, touch=False, mention=True)
    assert (talk.window_until, talk.messages_left) == (now + timedelta(hours=48), 1)
    windows.opened(talk, now, touch=False)
    assert talk.messages_left is None
    windows.opened(talk, now + timedelta(hours=47), touch=False, mention=True)
    assert (talk.window_until, talk.messages_left) == (now + timedelta(hours=48), None)
    windows.opened(talk, now + timedelta(hours=49), touch=False, mention=True)
    assert (talk.window_until, talk.messages_left) == (now + timedelta(hours=97), 1)


def test_a_mention_is_told_by_its_media(desk: Desk) -> None:
    with desk.works.write() as work:
        account = work.session.get_one(Account, desk.account.id)
        account.channel = "weibo"
        message = Message("m", "fan", "text", "@云州发布 停水了", desk.clock.now(), {MENTION: "status"})
        arrival = arrival_of(account, message)
        assert arrival is not None
        receive(work, account, arrival)
    assert desk.conversation("fan").messages_left == 1


def test_a_place_that_a_person_sends_is_kept_and_answered(desk: Desk) -> None:
    at = desk.clock.now()
    arrival = arrival_of(desk.account, Message("k", "s", "location", "解放路", at))
    assert arrival is not None
    assert (arrival.kind, arrival.text) == ("location", "解放路")
    assert "请用文字说明" in desk.says("解放路", kind="location")


def test_what_says_nothing_is_not_stored(desk: Desk) -> None:
    at = desk.clock.now()
    for kind in ("view", "position"):
        assert arrival_of(desk.account, Message("k", "s", kind, "", at)) is None
    joined = arrival_of(desk.account, Follower("k", "s", True, at))
    assert joined is not None
    assert joined.kind == "follow"


def test_what_a_dead_process_left_is_found_after_its_claim(desk: Desk) -> None:
    received = desk.receive("你好")
    assert desk.answering.left_over() == []
    desk.clock.step(seconds=31)
    assert desk.answering.left_over() == [(received.inbound_id, received.conversation_id)]
    assert desk.answering.left_over() == []
    desk.answering.handle(received.inbound_id)
    desk.clock.step(minutes=5)
    assert desk.answering.left_over() == []
