"""A push and what comes of it in one commit leave what the long way leaves; everything else is stored first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot import exchange, gateway, passive
from bot.decided import Decided
from bot.events import ConversationChanged
from bot.exchange import Ready
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage, OutboundReply, Ticket
from bot.reply import answer_push
from bot.states import ConversationState
from kernel.audit import AuditLine
from kernel.events import Event
from kernel.work import SYSTEM, Work
from tests.bot.citizens import published
from tests.bot.conftest import Desk

# What tells two citizens and their messages from each other.
OWN = frozenset({"id", "conversation_id", "inbound_id", "sender", "engine_session", "key"})


@dataclass
class Account:
    """The desk's WeChat account with an engine that answers at once."""

    desk: Desk

    def arrival(self, text: str, key: str = "k", sender: str = "citizen", **more: Any) -> Arrival:
        """What a push brings."""
        origin = gateway.origin_of(self.desk.account.id)
        return Arrival(origin, key, sender, more.pop("kind", "text"), text, self.written(), **more)

    def decides(self, text: str, key: str = "k", sender: str = "citizen", **more: Any) -> Ready | Decided | None:
        """What is known of a push before it is stored."""
        with self.desk.works.read() as work:
            arrival = self.arrival(text, key, sender, **more)
            return passive.prepare(self.desk.answering, work, self.desk.account, arrival, str.encode)

    def prepares(self, text: str, key: str = "k", sender: str = "citizen", **more: Any) -> Ready | None:
        """What would answer a push and nothing else."""
        found = self.decides(text, key, sender, **more)
        assert not isinstance(found, Decided)
        return found

    def records(self, decided: Ready | Decided | None, text: str, key: str, sender: str = "citizen") -> bytes | None:
        """The answer of a push that is stored and dealt with in one commit; None where it has to be decided anew."""
        assert isinstance(decided, Decided)

        def act(work: Work) -> bytes | None:
            account = work.session.get_one(type(self.desk.account), self.desk.account.id)
            stored = gateway.receive(work, account, self.arrival(text, key, sender))
            if not decided.record(self.desk.answering, work, stored):
                return None
            return answer_push(work, stored.inbound_id, _bytes)

        return self.desk.works.together(act, SYSTEM)

    def written(self) -> datetime:
        """When the citizen wrote."""
        return self.desk.clock.now()

    def stores(self, ready: Ready | None) -> int:
        """Stores it."""
        assert ready is not None
        return self.desk.works.together(lambda work: exchange.store(work, ready))

    def says(self, text: str, key: str, sender: str = "citizen") -> bytes:
        """The whole of the short way."""
        ready = self.prepares(text, key, sender)
        assert self.stores(ready)
        assert ready is not None
        assert ready.push is not None
        return ready.push.answer

    def says_the_long_way(self, text: str, key: str, sender: str) -> bytes:
        """Stored, dealt with, and answered."""
        received = self.desk.receive(text, key=key, sender=sender)
        self.desk.answering.handle(received.inbound_id)
        with self.desk.works.write() as work:
            return answer_push(work, received.inbound_id, _bytes)

    def audited(self) -> list[tuple[str, str]]:
        """Every act with who did it."""
        with self.desk.works.read() as work:
            rows = work.session.scalars(select(AuditLine).order_by(AuditLine.seq))
            return [(row.act, row.actor_name) for row in rows]

    def left(self, sender: str) -> list[list[dict[str, Any]]]:
        """All that is kept of a citizen but what is his own."""
        with self.desk.works.read() as work:
            conversation = work.session.scalars(select(Conversation).where(Conversation.sender == sender)).one()
            tables: list[Any] = [InboundMessage, OutboundReply]
            rows = [[conversation]] + [
                list(
                    work.session.scalars(
                        select(table).where(table.conversation_id == conversation.id).order_by(table.number)
                    )
                )
                for table in tables
            ]
            return [[_of(row) for row in some] for some in rows]


def _bytes(row: OutboundReply | None) -> bytes:
    return row.text.encode() if row else b""


def _kind(fact: Event) -> str:
    return type(fact).__name__


def _of(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns if column.name not in OWN}


@pytest.fixture
def account(desk_both: Desk) -> Account:
    """An account whose bot knows the one thing it is asked, on each kind of database."""
    desk_both.engine.quick = True
    desk_both.engine.answers(published(desk_both.office, "faq", "身份证丢了怎么补办", "本人到派出所补领。"))
    return Account(desk_both)


def test_it_leaves_exactly_what_the_long_way_leaves(account: Account) -> None:
    for step, text in enumerate(("身份证掉了", " 怎么补\x07办 ")):
        short = account.says(text, f"s{step}", "short")
        long = account.says_the_long_way(text, f"l{step}", "long")
        assert short == long
        assert "本人到派出所补领。" in short.decode()
        assert account.left("short") == account.left("long")
        account.desk.clock.step(minutes=1)
    assert [row["number"] for row in account.left("short")[1]] == [1, 3]
    assert account.desk.answering.left_over() == []
    account.desk.send()
    assert account.desk.outbox.sent == []


def test_what_is_written_to_people_leaves_what_the_long_way_leaves(account: Account) -> None:
    desk = account.desk
    for sender in ("short", "long"):
        account.says_the_long_way("人工", f"{sender}0", sender)
    desk.engine.quick = False  # It is not asked.
    for state in (ConversationState.WAITING, ConversationState.OPEN):
        desk.clock.step(minutes=1)
        for sender in ("short", "long"):
            with desk.works.write() as work:
                work.session.get_one(Conversation, desk.conversation(sender).id).state = state
        told = len(desk.of(ConversationChanged))
        assert account.says("还要带什么", f"short {state}", "short") == b""
        assert len(desk.of(ConversationChanged)) == told + 1
        assert account.says_the_long_way("还要带什么", f"long {state}", "long") == b""
        short, long = account.left("short"), account.left("long")
        assert short == long
        assert short[1][-1]["outcome"] == "person"
    assert desk.engine.asked == []


@pytest.mark.parametrize(
    ("text", "state"),
    [
        *((text, state) for text in ("人工", "我要投诉你们，转人工") for state in (None, ConversationState.WAITING)),
        *(("楼下煤气泄漏了", state) for state in (None, ConversationState.WAITING, ConversationState.OPEN)),
    ],
)
def test_what_needs_people_leaves_what_the_long_way_leaves(
    account: Account, text: str, state: ConversationState | None
) -> None:
    """In a new session, in the queue, and with an agent: rows, facts, audit lines and the answer."""
    desk, facts, lines = account.desk, [], []
    for sender in ("short", "long"):
        if state is not None:
            account.says_the_long_way("人工", f"{sender}0", sender)
            with desk.works.write() as work:
                work.session.get_one(Conversation, desk.conversation(sender).id).state = state
    for sender in ("short", "long"):
        told, audited = len(desk.told), len(account.audited())
        if sender == "short":
            answer = account.records(account.decides(text, sender, sender), text, sender, sender)
        else:
            assert answer == account.says_the_long_way(text, sender, sender)
        facts.append([_kind(fact) for fact in desk.told[told:]])
        lines.append(account.audited()[audited:])
    short, long = account.left("short"), account.left("long")
    assert short == long
    assert short[0][0]["state"] == (state or ConversationState.WAITING)
    assert set(facts[0]) == set(facts[1])
    assert lines[0] == lines[1]
    assert desk.answering.left_over() == []


def test_a_ticket_is_made_once_by_what_is_stored_with_it(account: Account) -> None:
    desk = account.desk
    desk.clock.step(hours=12)  # Nobody is there.
    for key, text in (("first", "人工"), ("second", "路灯坏了三天了没人修")):
        answer = account.records(account.decides(text, key), text, key)
        assert answer
        assert account.decides(text, key) is None
        with desk.works.write() as work:  # Its repeat.
            stored = gateway.receive(
                work, work.session.get_one(type(desk.account), desk.account.id), account.arrival(text, key)
            )
            assert (stored.fresh, stored.answer) == (False, answer)
    with desk.works.read() as work:
        (ticket,) = work.session.scalars(select(Ticket))
    assert ticket.number in answer.decode()
    assert ticket.text == "路灯坏了三天了没人修"


@pytest.mark.parametrize("change", ["said", "taken", "undone", "merged", "dialogue"])
def test_what_changed_meanwhile_is_decided_anew(account: Account, change: str) -> None:
    desk = account.desk
    account.says("身份证掉了", "k")
    decided = account.decides("人工", "next")
    if change == "said":
        account.says("身份证掉了", "between")
    elif change == "undone":
        desk.receive("身份证掉了")
        with desk.works.write() as work:  # It took no place, to see that alone.
            work.session.get_one(Conversation, desk.conversation().id).lines = 2
            work.session.scalars(select(InboundMessage).where(InboundMessage.number == 3)).one().number = 0
    else:
        with desk.works.write() as work:
            row = work.session.get_one(Conversation, desk.conversation().id)
            if change == "taken":
                row.state = ConversationState.OPEN
            elif change == "merged":
                row.merged_into_id = row.id
            else:
                row.dialogue = {"form": "place"}
    assert account.records(decided, "人工", "next") is None
    with desk.works.read() as work:
        query = select(InboundMessage).where(InboundMessage.key == "next")
        assert work.session.scalars(query).one().handled_at is None
    assert desk.conversation().state != ConversationState.WAITING


def test_whom_a_message_wakes_up_is_decided_anew(account: Account) -> None:
    account.says_the_long_way("人工", "k", "citizen")
    with account.desk.works.write() as work:
        conversation = work.session.get_one(Conversation, account.desk.conversation().id)
        conversation.state = ConversationState.SNOOZED
    assert account.decides("还要带什么", "next") is None
    assert account.decides("人工", "next") is None


def test_whoever_takes_it_meanwhile_is_not_written_past(account: Account) -> None:
    account.says_the_long_way("人工", "k", "citizen")
    ready = account.prepares("还要带什么", "next")
    with account.desk.works.write() as work:
        conversation = work.session.get_one(Conversation, account.desk.conversation().id)
        conversation.state = ConversationState.SNOOZED
    assert not account.stores(ready)


def test_a_choice_is_kept_for_the_next_push(account: Account) -> None:
    account.desk.engine.suggests(int(account.desk.engine.decision.keys[0].partition("/")[2]))
    assert "身份证丢了怎么补办" in account.says("证件", "k").decode()
    assert account.prepares("1") is None  # A figure may rate a session.
    assert "本人到派出所补领。" in account.says_the_long_way("1", "next", "citizen").decode()


def test_whoever_looks_is_told_once(account: Account) -> None:
    account.says("身份证掉了", "k")
    of = account.desk.conversation()
    assert account.desk.of(ConversationChanged) == [ConversationChanged(of.id, of.unit_id)]


def test_a_figure_may_rate_and_is_stored_first(account: Account) -> None:
    assert account.decides("1") is None


def test_what_is_no_sentence_is_stored_first(account: Account) -> None:
    assert account.prepares("", kind="image") is None
    assert account.prepares("scene", kind="scan") is None
    assert account.prepares("身份证掉了", media={"article": "1_1"}) is None
    assert account.prepares("身份证掉了") is not None


def test_a_repeat_and_a_slow_engine_take_the_long_way(account: Account) -> None:
    account.says("身份证掉了", "k")
    assert account.prepares("身份证掉了", "k") is None
    with account.desk.works.write() as work:  # The repeat comes when that session is over.
        work.session.get_one(Conversation, account.desk.conversation().id).state = ConversationState.CLOSED
    assert account.prepares("身份证掉了", "k") is None
    assert account.prepares("身份证掉了", "other") is not None
    account.desk.engine.quick = False
    assert account.prepares("身份证掉了", "other") is None


def test_a_push_that_comes_twice_at_once_is_stored_once(account: Account) -> None:
    for key in ("first", "second"):  # One that begins a conversation, and one in its midst.
        both = [account.prepares("身份证掉了", key) for _ in range(2)]
        assert [bool(account.stores(ready)) for ready in both] == [True, False]
    assert [len(rows) for rows in account.left("citizen")] == [1, 2, 2]


def test_nothing_overtakes_what_was_stored_before(account: Account) -> None:
    account.says("身份证掉了", "k")
    stored = account.desk.receive("人工")
    assert not account.stores(account.prepares("身份证掉了", "later"))
    account.desk.answering.handle(stored.inbound_id)
    ready = account.prepares("身份证掉了", "later")
    assert ready is not None
    assert ready.said is None  # People have it now.


def test_whom_people_have_the_bot_does_not_answer(account: Account) -> None:
    account.says("身份证掉了", "k")
    ready = account.prepares("身份证掉了", "later")
    with account.desk.works.write() as work:
        conversation = work.session.get_one(Conversation, account.desk.conversation().id)
        conversation.state = ConversationState.OPEN
    assert not account.stores(ready)
    assert len(account.left("citizen")[1]) == 1
    with account.desk.works.write() as work:
        conversation = work.session.get_one(Conversation, conversation.id)
        conversation.state, conversation.merged_into_id = ConversationState.BOT, conversation.id
    assert account.prepares("身份证掉了", "later") is None


def test_words_open_the_platforms_window_anew(account: Account) -> None:
    account.says("身份证掉了", "k")
    before = account.desk.conversation()
    with account.desk.works.write() as work:
        work.session.get_one(Conversation, before.id).messages_left = 0
    account.desk.clock.step(hours=3)
    account.says("身份证掉了", "later")
    after = account.desk.conversation()
    assert after.messages_left == before.messages_left == 5
    assert after.window_until is not None
    assert before.window_until is not None
    assert (after.window_until - before.window_until).total_seconds() == 3 * 3600
