"""A question and the bot's own answer in one commit; everything else takes the long way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest
from sqlalchemy import QueuePool, select

from bot import exchange, gateway
from bot.decided import Decided
from bot.exchange import Ready
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage
from bot.nlu.ranking import Decision
from bot.states import ConversationState
from bot.store import Line, lines_of
from kernel.work import Actor
from tests.bot.citizens import published
from tests.bot.conftest import Desk

CITIZEN = Actor("citizen")


@dataclass
class Visit:
    """A conversation on the portal with an engine that answers at once."""

    desk: Desk
    id: int = 0
    proof: str = "proof"
    # What was not the bot's alone, when something was prepared last.
    decided: Decided | None = None

    def begins(self) -> Visit:
        """Opens it."""
        with self.desk.works.write() as work:
            conversation = gateway.begin(
                work,
                unit_id=self.desk.office.bureau.id,
                account_id=None,
                channel="portal",
                sender="visitor",
                token_hash=self.proof,
            )
        self.id = conversation.id
        return self

    def prepares(self, text: str, key: str = "k") -> Ready | None:
        """What would be answered at once by the bot alone."""
        with self.desk.works.read() as work:
            held = exchange.held(work, self.id, "proof", key)
            assert held is not None
            found = exchange.prepare(self.desk.answering, work, held, exchange.Written(key, text))
        self.decided = found if isinstance(found, Decided) else None
        return found if isinstance(found, Ready) else None

    def commits(self, ready: Ready) -> list[Line]:
        """Stores it."""
        return exchange.keep(self.desk.works, CITIZEN, ready)

    def stores(self, text: str, key: str) -> int:
        """The long way's first step."""
        with self.desk.works.write(CITIZEN) as work:
            conversation = work.session.get_one(Conversation, self.id)
            arrival = Arrival(gateway.CHAT, key, conversation.sender, "text", text, work.now)
            return gateway.store(work, conversation, arrival).inbound_id

    def lines(self) -> list[Line]:
        """What the page may show."""
        with self.desk.works.read() as work:
            return lines_of(work.session, self.id, private=False)


@pytest.fixture
def visit(desk_both: Desk) -> Visit:
    """A visitor who asks what the bot knows, on each kind of database."""
    desk_both.engine.quick = True
    desk_both.engine.answers(published(desk_both.office, "faq", "身份证丢了怎么补办", "本人到派出所补领。"))
    return Visit(desk_both).begins()


def test_question_and_answer_are_there_together(visit: Visit) -> None:
    ready = visit.prepares(" 身份证掉了 ")
    assert ready is not None
    assert visit.lines() == []
    shown = visit.commits(ready)
    assert [(line.number, line.side, line.text) for line in shown] == [
        (1, "citizen", "身份证掉了"),
        (2, "bot", "本人到派出所补领。"),
    ]
    stored = visit.lines()
    assert [(line.number, line.side, line.text, line.at) for line in stored] == [
        (line.number, line.side, line.text, line.at) for line in shown
    ]
    assert stored[1].sources == shown[1].sources
    with visit.desk.works.read() as work:
        message, reply = work.session.scalars(select(InboundMessage)).one(), visit.desk.replies("bot")[0]
        conversation = work.session.get_one(Conversation, visit.id)
    assert (message.outcome, message.handled_at, message.claimed_by) == ("answer", message.received_at, None)
    assert (reply.inbound_id, reply.state, reply.route) == (message.id, "done", "chat")
    assert (conversation.lines, conversation.heard_at) == (2, message.received_at)
    assert visit.desk.answering.left_over() == []


def test_what_it_says_is_what_the_long_way_says(visit: Visit) -> None:
    long = visit.stores("身份证掉了", "long")
    visit.desk.answering.handle(long)
    ready = visit.prepares("身份证掉了", "short")
    assert ready is not None
    visit.commits(ready)
    first, second = visit.desk.replies("bot")
    same = (
        "text",
        "sources",
        "choices",
        "ask",
        "rule",
        "basis",
        "state",
        "route",
        "side",
        "attempts",
        "reason",
        "code",
    )
    assert {name: getattr(first, name) for name in same} == {name: getattr(second, name) for name in same}


def test_a_choice_is_kept_for_the_next_message(visit: Visit) -> None:
    piece = int(visit.desk.engine.decision.keys[0].partition("/")[2])
    visit.desk.engine.suggests(piece)
    ready = visit.prepares("证件")
    assert ready is not None
    visit.commits(ready)
    chosen = visit.prepares("1", "next")
    assert chosen is not None
    assert chosen.said.text == "本人到派出所补领。"


@pytest.mark.parametrize("text", ["人工", "楼下煤气泄漏了"])
def test_what_needs_people_is_done_with_what_is_stored(visit: Visit, text: str) -> None:
    assert visit.prepares(text) is None
    decided, desk = visit.decided, visit.desk
    assert decided is not None
    assert visit.lines() == []
    with desk.works.write() as work:
        conversation = work.session.get_one(Conversation, visit.id)
        arrival = Arrival(gateway.CHAT, "k", conversation.sender, "text", text, work.now)
        assert decided.record(desk.answering, work, gateway.store(work, conversation, arrival))
    assert [(line.number, line.side) for line in visit.lines()] == [(1, "citizen"), (2, "bot")]
    with desk.works.read() as work:
        assert work.session.get_one(Conversation, visit.id).state == ConversationState.WAITING
    assert desk.answering.left_over() == []


def test_a_repeat_and_a_slow_engine_take_the_long_way(visit: Visit) -> None:
    visit.desk.answering.handle(visit.stores("身份证掉了", "k"))
    assert visit.prepares("身份证掉了", "k") is None
    assert visit.prepares("身份证掉了", "other") is not None
    visit.desk.engine.quick = False
    assert visit.prepares("身份证掉了", "other") is None


def test_a_question_asked_twice_at_once_is_stored_once(visit: Visit) -> None:
    both = [visit.prepares("身份证掉了"), visit.prepares("身份证掉了")]
    shown = [visit.commits(ready) for ready in both if ready is not None]
    assert [len(lines) for lines in shown] == [2, 0]
    assert len(visit.lines()) == 2


def test_nothing_overtakes_what_was_stored_before(visit: Visit) -> None:
    stored = visit.stores("人工", "first")
    ready = visit.prepares("身份证掉了", "second")
    assert ready is not None
    assert visit.commits(ready) == []
    visit.desk.answering.handle(stored)
    assert visit.prepares("身份证掉了", "second") is None  # People have it now.


def test_whoever_takes_it_over_meanwhile_is_not_talked_over(visit: Visit) -> None:
    ready = visit.prepares("身份证掉了")
    assert ready is not None
    with visit.desk.works.write() as work:
        work.session.get_one(Conversation, visit.id).state = ConversationState.OPEN
    assert visit.commits(ready) == []
    assert visit.lines() == []


def test_what_is_written_to_people_wakes_the_conversation_it_is_answered_in(visit: Visit) -> None:
    other = Visit(visit.desk, proof="other").begins()
    for one in (visit, other):
        with visit.desk.works.write() as work:
            work.session.get_one(Conversation, one.id).state = "open"
    with visit.desk.works.read() as work:
        held = exchange.held(work, other.id, "other", "k")
        assert held is not None
        ready = exchange.overhear(visit.desk.answering, work, held, exchange.Written("k", "还在吗"))
    assert isinstance(ready, Ready)
    with visit.desk.works.write() as work:
        work.session.get_one(Conversation, other.id).merged_into_id = visit.id
    assert other.commits(ready) == []
    with visit.desk.works.write() as work:
        work.session.get_one(Conversation, other.id).merged_into_id = None
    assert [line.text for line in other.commits(ready)] == ["还在吗"]


def test_another_token_finds_nothing(visit: Visit) -> None:
    with visit.desk.works.read() as work:
        assert exchange.held(work, visit.id, "guess", "k") is None
        assert exchange.held(work, visit.id + 1, "proof", "k") is None


def test_an_engine_across_the_network_is_asked_with_no_transaction_open(visit: Visit) -> None:
    desk, open_now = visit.desk, 0
    desk.engine.quick, desk.engine.far = False, True
    understand = desk.engine.understand

    def counting(text: str, session: str) -> Decision:
        nonlocal open_now
        open_now += sum(cast(QueuePool, one.pool).checkedout() for one in {desk.works.engine, desk.works.looking})
        return understand(text, session)

    desk.engine.understand = counting  # type: ignore[method-assign]
    sentence = exchange.Written("k", "身份证掉了")
    with desk.works.read() as work:
        held = exchange.held(work, visit.id, "proof", "k")
        assert held is not None
        assert exchange.prepare(desk.answering, work, held, sentence) is None
        heard = exchange.listen(desk.answering, work, held, sentence)
    assert heard is not None
    ready = exchange.ask(desk.answering, held, sentence, heard)
    assert isinstance(ready, Ready)
    assert next(line.text for line in visit.commits(ready)) == "身份证掉了"
    assert (len(desk.engine.asked), open_now) == (1, 0)


def test_an_engine_that_is_slow_takes_the_long_way(visit: Visit) -> None:
    visit.desk.engine.quick = False
    with visit.desk.works.read() as work:
        held = exchange.held(work, visit.id, "proof", "k")
        assert held is not None
        assert exchange.listen(visit.desk.answering, work, held, exchange.Written("k", "身份证掉了")) is None
