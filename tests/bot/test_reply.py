"""Replies leave at most once: the push and the message compete for one row, lost answers are unknown."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import desk as acts
from bot import reply
from bot.events import ReplyBooked, ReplyLost
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.reply import Said, answer_push
from bot.states import ReplyState, Route
from channels.accounts.models import Account
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised
from kernel.audit import AuditLine
from kernel.errors import WrongState
from tests.bot.conftest import Desk

S = ReplyState


def waiting_reply(desk: Desk, text: str = "请带身份证。") -> int:
    """A citizen waits, and an agent has answered him."""
    desk.says("人工")
    desk.send()
    desk.outbox.sent.clear()
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        return acts.answer(work, who, conversation, text, desk.answering.words).id


def row(desk: Desk, reply_id: int) -> OutboundReply:
    with desk.works.read() as work:
        return work.session.get_one(OutboundReply, reply_id)


def test_an_agents_answer_leaves_at_once(desk: Desk) -> None:
    number = waiting_reply(desk)
    assert desk.replier.send_due() == 1
    assert desk.outbox.sent == [("citizen", "请带身份证。")]
    sent = row(desk, number)
    assert (sent.state, sent.route, sent.attempts) == (S.DONE, Route.SERVICE, 1)
    assert desk.conversation().messages_left == 3  # One for "you are being put through", one for the answer.
    assert desk.replier.send_due() == 0


def test_a_reply_to_a_push_waits_for_the_push(desk: Desk) -> None:
    desk.says("人工")
    assert desk.replier.send_due() == 0
    desk.clock.step(seconds=5)
    assert desk.replier.send_due() == 1
    assert desk.replies()[0].route == Route.SERVICE


def test_nobody_is_woken_for_a_reply_that_waits_for_its_push(desk: Desk) -> None:
    desk.says("人工")
    assert desk.of(ReplyBooked) == []
    waiting_reply(desk)
    assert len(desk.of(ReplyBooked)) == 1


def test_the_push_takes_it_first(desk: Desk) -> None:
    received = desk.receive("人工")
    desk.answering.handle(received.inbound_id)
    for _ in range(2):
        with desk.works.write() as work:
            body = answer_push(work, received.inbound_id, lambda taken: taken.text.encode() if taken else b"success")
        assert "转接人工" in body.decode()
    desk.send()
    assert desk.outbox.sent == []
    assert desk.replies()[0].route == Route.PASSIVE


def test_nobody_knows_of_an_answer_that_came_too_late_unless_a_repeat_took_it(desk_both: Desk) -> None:
    desk = desk_both
    received = desk.receive("人工")
    desk.answering.handle(received.inbound_id)

    def push() -> None:
        with desk.works.write() as work:
            answer_push(work, received.inbound_id, lambda _taken: b"taken")

    def late() -> tuple[str, str]:
        with desk.works.write() as work:
            reply.came_late(work, received.inbound_id)
        (row,) = desk.replies()
        return row.state, row.reason

    push()
    assert late() == (S.UNKNOWN, reply.LATE)
    with desk.works.write() as work:
        reply.reached(work, received.inbound_id)
    (row,) = desk.replies()
    assert (row.state, row.reason, row.attempts) == (S.DONE, "", 1)
    assert late() == (S.DONE, "")
    with desk.works.read() as work:
        acts = select(AuditLine.act).where(AuditLine.act.like("reply.%"))
        assert list(work.session.scalars(acts)) == ["reply.unknown"]


def test_what_left_as_a_message_of_its_own_is_not_the_pushs_to_lose(desk: Desk) -> None:
    desk.says("人工")
    desk.send()
    (row,) = desk.replies()
    with desk.works.write() as work:
        work.session.get_one(OutboundReply, row.id).attempts = 0  # Its way alone keeps it.
        work.session.flush()
        reply.came_late(work, row.inbound_id or 0)
    assert [row.state for row in desk.replies()] == [S.DONE]


def test_what_comes_after_the_push_was_answered_leaves_at_once(desk: Desk) -> None:
    received = desk.receive("人工")
    with desk.works.write() as work:
        assert answer_push(work, received.inbound_id, lambda taken: b"success" if taken is None else b"x") == b"success"
    desk.answering.handle(received.inbound_id)
    assert desk.replier.send_due() == 1
    with desk.works.write() as work:
        assert answer_push(work, received.inbound_id, lambda _taken: b"other") == b"success"


def test_what_goes_on_from_the_answer_to_a_push_follows_a_moment_later(desk: Desk) -> None:
    received = desk.receive("人工")
    with desk.works.write() as work:
        inbound = work.session.get_one(InboundMessage, received.inbound_id)
        conversation = work.session.get_one(Conversation, received.conversation_id)
        for text in ("一", "二"):
            reply.book(work, conversation, "bot", Said(text), inbound)
        assert answer_push(work, inbound.id, lambda taken: taken.text.encode() if taken else b"") == "一".encode()
    assert desk.replier.send_due() == 0  # It must not overtake the first.
    desk.clock.step(seconds=1)
    assert (desk.replier.send_due(), desk.outbox.sent) == (1, [("citizen", "二")])


def test_the_push_and_the_message_compete_for_one_row(desk_both: Desk) -> None:
    desk = desk_both
    for number in range(4):
        received = desk.receive("人工", sender=f"c{number}")
        desk.answering.handle(received.inbound_id)
        desk.clock.step(seconds=6)

        def push(inbound_id: int = received.inbound_id) -> bytes:
            with desk.works.write() as work:
                return answer_push(work, inbound_id, lambda taken: b"taken" if taken else b"success")

        with ThreadPoolExecutor(3) as pool:
            pushed = pool.submit(push)
            calls = [pool.submit(desk.replier.send_due) for _ in range(2)]
            body = pushed.result(20)
            sent = sum(call.result(20) for call in calls)
        assert (body == b"taken") + sent == 1
    assert {one.state for one in desk.replies()} == {S.DONE}


@pytest.mark.parametrize("failure", [OutcomeUnknown("断线"), RuntimeError("bug")])
def test_a_lost_answer_is_unknown_and_only_a_person_sends_it_again(desk: Desk, failure: Exception) -> None:
    number = waiting_reply(desk)
    desk.outbox.failure = failure
    desk.replier.send_due()
    assert row(desk, number).state == S.UNKNOWN
    desk.clock.step(hours=1)
    assert desk.replier.send_due() == 0
    assert len(desk.of(ReplyLost)) == 1
    desk.outbox.failure = None
    with desk.office.working("officer") as (work, who):
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        fresh = acts.send_again(work, who, conversation, number)
        with pytest.raises(WrongState):
            acts.send_again(work, who, conversation, fresh.id)
    desk.replier.send_due()
    assert [text for _, text in desk.outbox.sent] == ["请带身份证。", "请带身份证。"]
    assert row(desk, number).state == S.FAILED


def test_a_sender_that_died_leaves_an_unknown_row(desk: Desk) -> None:
    number = waiting_reply(desk)
    assert desk.replier.take("dead") is not None
    assert desk.replier.send_due() == 0  # Claimed: nobody else touches it.
    desk.clock.step(seconds=46)
    assert desk.replier.send_due() == 0
    assert row(desk, number).state == S.UNKNOWN
    assert desk.outbox.sent == []


def test_a_sender_that_died_is_found_after_the_clock_was_set_back(desk: Desk) -> None:
    number = waiting_reply(desk)
    assert desk.replier.take("dead") is not None
    desk.clock.step(hours=-2)
    assert desk.replier.find_lost() == 1
    assert row(desk, number).state == S.UNKNOWN


def test_a_late_record_of_a_lost_claim_changes_nothing(desk: Desk) -> None:
    number = waiting_reply(desk)
    taken = desk.replier.take("slow")
    assert taken is not None
    desk.clock.step(seconds=46)
    desk.replier.find_lost()
    desk.replier.keep(number, "slow", taken[1], None)
    assert row(desk, number).state == S.UNKNOWN


@pytest.mark.parametrize("failure", [Retryable("忙"), Unauthorised("令牌失效")])
def test_what_surely_did_not_leave_is_tried_again(desk: Desk, failure: Exception) -> None:
    number = waiting_reply(desk)
    desk.outbox.failure = failure
    desk.replier.send_due()
    assert row(desk, number).state == S.BOOKED
    assert desk.conversation().messages_left == 4
    desk.outbox.failure = None
    desk.clock.step(seconds=6)
    assert desk.replier.send_due() == 1
    assert row(desk, number).state == S.DONE


def test_a_throttled_account_waits_as_long_as_it_was_told(desk: Desk) -> None:
    number = waiting_reply(desk)
    desk.outbox.failure = Throttled("限流", desk.clock.now() + timedelta(minutes=3))
    desk.replier.send_due()
    assert row(desk, number).next_at == desk.clock.now() + timedelta(minutes=3)


def test_retries_end(desk: Desk) -> None:
    number = waiting_reply(desk)
    desk.outbox.failure = Retryable("忙")
    for _ in range(8):
        desk.replier.send_due()
        desk.clock.step(minutes=6)
    assert (row(desk, number).state, row(desk, number).attempts) == (S.FAILED, 5)


def test_a_refusal_says_why(desk: Desk) -> None:
    number = waiting_reply(desk)
    desk.outbox.failure = Refused("回复时间超过限制", code="45015")
    desk.replier.send_due()
    failed = row(desk, number)
    assert (failed.state, failed.reason, failed.code) == (S.FAILED, "回复时间超过限制", "45015")


def test_what_the_platform_would_not_let_through_is_not_sent(desk: Desk) -> None:
    number = waiting_reply(desk)
    with desk.works.write() as work:
        work.session.get_one(Conversation, desk.conversation().id).messages_left = 0
    assert desk.replier.send_due() == 0
    assert "已发满条数" in row(desk, number).reason
    assert desk.outbox.sent == []


def test_an_account_out_of_use_sends_nothing(desk: Desk) -> None:
    number = waiting_reply(desk)
    with desk.works.write() as work:
        work.session.get_one(Account, desk.account.id).active = False
    desk.replier.send_due()
    assert (row(desk, number).state, row(desk, number).reason) == (S.FAILED, "账号已停用")


def test_replies_of_one_conversation_leave_in_order(desk: Desk) -> None:
    waiting_reply(desk, "一")
    with desk.works.write() as work:
        conversation = work.session.get_one(Conversation, desk.conversation().id)
        for text in ("二", "三"):
            reply.book(work, conversation, "agent", Said(text))
    desk.outbox.failure = Retryable("忙")
    desk.replier.send_due()
    desk.outbox.failure = None
    assert desk.replier.send_due() == 0  # The later ones wait for the first.
    desk.clock.step(seconds=6)
    desk.replier.send_due()
    assert [text for _, text in desk.outbox.sent] == ["一", "一", "二", "三"]
