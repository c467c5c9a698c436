"""WeChat's pushes: the address check, plain and sealed, five seconds, repeats, forgeries, replays, finished jobs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import Request
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError

from bot import leaving, reply
from bot.leaving import Leaving
from bot.models import InboundMessage, OutboundReply, PushProcess, SeenPush
from bot.nlu.ranking import Decision
from bot.states import ReplyState, Route
from channels.accounts.models import Account
from channels.errors import OutcomeUnknown
from channels.rehearsal.wechat import crypto, xml
from hub.web import callbacks, pools
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Role
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from tests.bot.citizens import AES_KEY, APPID, TOKEN, Outbox, ToldEngine, wechat_account
from tests.hub.office import Browser, Office

NAME, CITIZEN = "gh_test", "oCitizen_1"


@dataclass
class Phone:
    """The platform as it calls our address for one account."""

    office: Office
    browser: Browser
    engine: ToldEngine
    outbox: Outbox
    clock: StillClock
    code: str = "wx-test"
    sealed: bool = False
    nonce: int = 1000

    def says(self, text: str, msg_id: int = 1, **more: Any) -> Any:
        """Pushes a text message; a number given again is the platform's repeat."""
        return self.push({"MsgType": "text", "Content": text, "MsgId": msg_id}, **more)

    def happens(self, event: str, **fields: Any) -> Any:
        """Pushes an event."""
        return self.push({"MsgType": "event", "Event": event, **fields})

    def push(self, fields: Mapping[str, Any], **changes: Any) -> Any:
        """Pushes fields; `changes` overwrite parts of the query."""
        body, query = self.signed(fields)
        return self.send(body, {**query, **changes})

    def signed(self, fields: Mapping[str, Any]) -> tuple[bytes, dict[str, str]]:
        """Body and query as the platform would send them now."""
        stamp = str(int(self.clock.now().timestamp()))
        self.nonce += 1
        nonce = str(self.nonce)
        whole = {"ToUserName": NAME, "FromUserName": CITIZEN, "CreateTime": int(stamp), **fields}
        query = {"timestamp": stamp, "nonce": nonce, "signature": crypto.signature(TOKEN, stamp, nonce)}
        text = xml.build(whole)
        if self.sealed:
            encrypted = crypto.encrypt(AES_KEY, APPID, text)
            query |= {"encrypt_type": "aes", "msg_signature": crypto.signature(TOKEN, stamp, nonce, encrypted)}
            text = xml.build({"ToUserName": NAME, "Encrypt": encrypted})
        return text.encode(), query

    def send(self, body: bytes, query: Mapping[str, str]) -> Any:
        """Sends a request that was made before."""
        return self.browser.post(f"/callbacks/wechat/{self.code}", params=dict(query), content=body)

    def read(self, answer: Any) -> dict[str, Any]:
        """A passive reply as its reader sees it."""
        fields = xml.parse(answer.text)
        if "Encrypt" in fields:
            fields = xml.parse(crypto.decrypt(AES_KEY, APPID, str(fields["Encrypt"])))
        return fields

    def rows(self, model: Any) -> list[Any]:
        """All rows of a table."""
        with self.office.hub.works.read() as work:
            return list(work.session.scalars(select(model).order_by(model.id)))


@pytest.fixture
def phone(office: Office, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Phone]:
    """A WeChat account of the north unit, an engine that says what it is told, and nobody outside."""
    # A machine that is busy with something else may be slow, but the answer must come.
    monkeypatch.setattr(callbacks, "WAIT_SECONDS", 30.0)
    monkeypatch.setattr(callbacks, "SOON_SECONDS", 30.0)
    monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", 60.0)
    hub, engine, outbox = office.hub, ToldEngine(), Outbox()
    with hub.works.write() as work:
        wechat_account(work, hub.seal, office.unit("north").id)
    hub.incoming.engine = hub.incoming.answering.engine = engine
    hub.incoming.replier.make = outbox
    office.hire("agent", "north", Role.AGENT)
    yield Phone(office, office.browser(), engine, outbox, clock)
    if engine.held is not None:
        engine.held.set()


@pytest.fixture(params=["plain", "sealed", "at once", "sealed, at once"])
def either(request: pytest.FixtureRequest, phone: Phone) -> Phone:
    """The same in both modes, and with an engine that understands at once."""
    phone.sealed = "sealed" in request.param
    phone.engine.quick = "at once" in request.param
    return phone


def test_the_address_check_is_answered_exactly(phone: Phone) -> None:
    query = {"timestamp": "1", "nonce": "2", "signature": crypto.signature(TOKEN, "1", "2"), "echostr": "39<8&1"}
    answer = phone.browser.get("/callbacks/wechat/wx-test", params=query)
    assert (answer.status_code, answer.content) == (200, b"39<8&1")
    assert phone.browser.get("/callbacks/wechat/wx-test", params={**query, "nonce": "3"}).status_code == 403
    assert phone.browser.get("/callbacks/wechat/unknown", params=query).status_code == 404


def test_a_message_is_answered_in_the_push(either: Phone) -> None:
    answer = either.says("人工")
    reply = either.read(answer)
    assert (reply["ToUserName"], reply["FromUserName"], reply["MsgType"]) == (CITIZEN, NAME, "text")
    assert "正在为您转接人工客服" in reply["Content"]
    assert ("Encrypt" in xml.parse(answer.text)) == either.sealed
    booked = either.rows(OutboundReply)[0]
    assert (booked.state, booked.route) == (ReplyState.DONE, Route.PASSIVE)
    assert either.outbox.sent == []


def test_a_repeat_gets_the_same_bytes_and_the_bot_runs_once(either: Phone) -> None:
    first = either.says("养犬证怎么办")
    again = either.says("养犬证怎么办")
    assert first.content == again.content
    assert either.read(first)["Content"]
    assert len(either.engine.asked) == 1
    assert len(either.rows(InboundMessage)) == 1


def test_a_slow_answer_leaves_by_customer_service_message(either: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "SOON_SECONDS", 0.2)
    either.engine.held = threading.Event()
    answer = either.says("养犬证怎么办")
    assert answer.content == b"success"
    either.engine.held.set()
    wait_for(lambda: bool(either.outbox.sent))
    assert either.outbox.sent[0][0] == CITIZEN
    assert "还不会回答" in either.outbox.sent[0][1]
    assert either.says("养犬证怎么办").content == b"success"
    either.clock.step(minutes=1)
    either.office.hub.incoming.replier.send_due()
    assert len(either.outbox.sent) == 1
    assert len(either.engine.asked) == 1


@pytest.mark.parametrize("said", ["date", "register"])
def test_an_account_without_certification_waits_for_the_answer(
    said: str, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "SOON_SECONDS", 0.0)
    with phone.office.hub.works.write() as work:
        account = work.session.scalars(select(Account).where(Account.channel == "wechat")).one()
        if said == "date":
            account.certified_until = phone.clock.now().date() - timedelta(days=1)
        else:
            account.register = {**account.register, "certified": "未认证"}
    phone.engine.held = threading.Event()
    threading.Timer(0.5, phone.engine.held.set).start()
    assert "还不会回答" in phone.read(phone.says("养犬证怎么办"))["Content"]
    assert phone.outbox.sent == []


@pytest.mark.parametrize(("text", "told"), [("养犬证怎么办", "还不会回答"), ("人工", "转接人工客服")])
def test_an_answer_that_is_ready_too_late_is_not_given_to_a_line_that_is_dead(
    either: Phone, text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", -1.0)  # As when the database lets the push wait.
    assert either.says(text).content == b"success"
    (booked,) = either.rows(OutboundReply)
    assert (booked.state, booked.route) == (ReplyState.BOOKED, "")
    monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", 60.0)
    assert told in either.read(either.says(text))["Content"]
    either.clock.step(minutes=1)
    either.office.hub.incoming.replier.send_due()
    assert either.outbox.sent == []


@pytest.mark.parametrize(("text", "told"), [("养犬证怎么办", "还不会回答"), ("人工", "转接人工客服")])
def test_an_answer_that_comes_too_late_is_unknown_until_a_repeat_takes_it(
    either: Phone, text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decides = "_take" if either.engine.quick else "_settle"
    true = getattr(callbacks, decides)

    def slow(*about: Any) -> Any:
        done = true(*about)
        monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", -1.0)  # As when the commit took its time.
        return done

    def stands() -> list[tuple[str, str, str]]:
        return [(one.state, one.route, one.reason) for one in either.rows(OutboundReply)]

    with monkeypatch.context() as patch:
        patch.setattr(callbacks, decides, slow)
        first = either.says(text)
    assert told in either.read(first)["Content"]
    assert stands() == [(ReplyState.UNKNOWN, Route.PASSIVE, reply.LATE)]
    either.says(text)  # The second came too late as well, so nobody took it.
    assert stands() == [(ReplyState.UNKNOWN, Route.PASSIVE, reply.LATE)]
    monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", 60.0)
    again = either.says(text)
    assert either.read(again)["Content"] == either.read(first)["Content"]
    assert stands() == [(ReplyState.DONE, Route.PASSIVE, "")]
    monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", -1.0)
    either.says(text)  # One that comes later than what was taken changes nothing.
    assert stands() == [(ReplyState.DONE, Route.PASSIVE, "")]
    either.clock.step(minutes=1)
    either.office.hub.incoming.replier.send_due()
    assert either.outbox.sent == []


@pytest.mark.parametrize(
    ("text", "told"), [("养犬证怎么办", "还不会回答"), ("人工", "转接人工客服"), ("楼下煤气泄漏了", "119")]
)
def test_what_the_bot_does_at_once_is_stored_with_its_answer(
    either: Phone, text: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[object] = []
    settle = callbacks._settle
    monkeypatch.setattr(callbacks, "_settle", lambda *told: settled.append(told) or settle(*told))
    assert told in either.read(either.says(text))["Content"]
    assert len(settled) == (0 if either.engine.quick else 1)
    assert {(one.state, one.route) for one in either.rows(OutboundReply)} == {(ReplyState.DONE, Route.PASSIVE)}
    assert all(one.answer and one.handled_at for one in either.rows(InboundMessage))
    with either.office.hub.works.read() as work:
        acts = select(AuditLine.actor_name).where(AuditLine.act.like("conversation.%"))
        actors = set(work.session.scalars(acts))
    assert actors == (set() if text == "养犬证怎么办" else {"system"})


def test_a_platform_that_has_hung_up_is_given_no_answer_to_lose(either: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(_request: Request) -> bool:
        return True

    monkeypatch.setattr(Request, "is_disconnected", gone)
    either.says("养犬证怎么办")
    (booked,) = either.rows(OutboundReply)
    # What was decided with the push can only be told to be unknown; the rest leaves by itself.
    how = (ReplyState.UNKNOWN, Route.PASSIVE) if either.engine.quick else (ReplyState.BOOKED, "")
    assert (booked.state, booked.route) == how
    either.clock.step(minutes=1)
    either.office.hub.incoming.replier.send_due()
    assert len(either.outbox.sent) == (0 if either.engine.quick else 1)


@pytest.mark.parametrize("text", ["养犬证怎么办", "人工"])
def test_what_a_process_decided_and_died_before_sending_is_unknown_until_a_repeat_takes_it(
    either: Phone, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = either.office.hub
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "_note", _dies)
        first = either.says(text)

    def stands() -> list[tuple[str, str]]:
        return [(one.state, one.reason) for one in either.rows(OutboundReply) if one.route == Route.PASSIVE]

    assert stands() == [(ReplyState.DONE, "")]
    either.clock.step(seconds=15)
    assert leaving.sweep(hub.works) == 0  # It may be alive.
    either.clock.step(seconds=6)
    assert leaving.sweep(hub.works) == 1
    assert stands() == [(ReplyState.UNKNOWN, reply.LATE)]
    assert either.rows(PushProcess) == []
    hub.incoming.leaving = Leaving(hub.works)  # It is started again.
    again = either.says(text)
    assert either.read(again)["Content"] == either.read(first)["Content"]
    assert stands() == [(ReplyState.DONE, "")]


async def _dies(*_about: object) -> None:
    """As when the process is killed: nothing is noted any more."""


def test_a_process_says_up_to_when_all_has_left_and_nothing_once_it_has_nothing_to_do(either: Phone) -> None:
    hub = either.office.hub
    process = hub.incoming.leaving
    process.beat()
    assert either.rows(PushProcess) == []
    either.says("养犬证怎么办")
    assert len(either.rows(PushProcess)) == 1
    either.clock.step(seconds=3)
    going = process.enter()
    either.clock.step(seconds=3)
    process.beat()
    (row,) = either.rows(PushProcess)
    assert row.seen_at - row.clear_until == timedelta(seconds=3) + leaving.MARGIN
    process.left(going)
    process.beat()  # Nothing was begun since the last beat.
    assert either.rows(PushProcess) == []
    either.says("人工", 2)
    assert [one.name for one in either.rows(PushProcess)] != [row.name]
    either.clock.step(seconds=3)
    process.beat()
    either.clock.step(minutes=1)
    assert leaving.sweep(hub.works) == 0  # Dead or not: all that it decided had left.
    assert {one.state for one in either.rows(OutboundReply) if one.route == Route.PASSIVE} == {ReplyState.DONE}
    either.says("你好", 3)
    process.close()
    assert either.rows(PushProcess) == []


def test_a_process_that_was_thought_dead_says_so_again(either: Phone) -> None:
    process = either.office.hub.incoming.leaving
    either.says("养犬证怎么办")
    either.clock.step(minutes=1)
    leaving.sweep(either.office.hub.works)
    assert either.rows(PushProcess) == []
    process.beat()
    assert len(either.rows(PushProcess)) == 1


def test_a_push_that_fails_or_hangs_holds_nothing_up(either: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    process = either.office.hub.incoming.leaving
    bad = {"signature": "0" * 40, "msg_signature": "0" * 40}
    assert either.says("养犬证怎么办", **bad).status_code == 403
    assert not process._since
    process.enter()
    either.clock.step(minutes=6)
    process.beat()
    assert not process._since


def test_a_closed_line_is_heard_of() -> None:
    async def hung_up(told: str) -> bool:
        async def receive() -> dict[str, Any]:
            if told == "open":
                await asyncio.sleep(60)
            return {"type": "http.disconnect"}

        return await callbacks._hung_up(Request({"type": "http", "method": "POST", "headers": []}, receive))

    assert [asyncio.run(hung_up(told)) for told in ("open", "closed")] == [False, True]


def test_without_a_repeat_it_leaves_as_a_message_of_its_own(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "HUNG_UP_SECONDS", -1.0)
    phone.says("养犬证怎么办")
    phone.clock.step(minutes=1)
    phone.office.hub.incoming.replier.send_due()
    assert len(phone.outbox.sent) == 1


def test_a_repeat_during_the_run_waits_for_the_same_answer(phone: Phone) -> None:
    phone.engine.held = threading.Event()
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(phone.says("养犬证怎么办"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(phone.engine.asked) == 1)
    phone.engine.held.set()
    for thread in threads:
        thread.join(10)
    assert len({answer.content for answer in answers}) == 1
    assert "还不会回答" in phone.read(answers[0])["Content"]
    assert len(phone.engine.asked) == 1


def test_a_repeat_waits_for_what_another_process_is_dealing_with(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming = phone.office.hub.incoming
    with monkeypatch.context() as patch:
        patch.setattr(callbacks, "_started", lambda _hub, taken, _fresh: taken)
        patch.setattr(callbacks, "_settle", lambda _hub, _taken, _until: b"lost")
        assert phone.says("养犬证怎么办").content == b"lost"
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(phone.says("养犬证怎么办")))
    thread.start()
    time.sleep(0.3)
    assert answers == []
    incoming.answering.handle(phone.rows(InboundMessage)[0].id)
    thread.join(10)
    assert "还不会回答" in phone.read(answers[0])["Content"]
    assert len(phone.engine.asked) == 1


def test_a_push_waits_for_no_thread_of_the_chat_or_of_a_page(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []

    class Counted(pools.Pool):
        def run(self, call: Any, *given: Any) -> Any:
            used.append(call.__name__)
            return super().run(call, *given)

    monkeypatch.setattr(pools, "pushes", Counted("counted", 1))
    monkeypatch.setattr("starlette.concurrency.run_in_threadpool", None)
    assert "还不会回答" in phone.read(phone.says("养犬证怎么办"))["Content"]
    assert used == ["_take", "_settle"]


def test_forty_slow_pushes_do_not_starve_a_trivial_page(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "SOON_SECONDS", 1.0)
    phone.engine.held = threading.Event()
    threads = [threading.Thread(target=phone.says, args=("问", number)) for number in range(1, 41)]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(phone.engine.asked) == 1)
    assert phone.office.browser().get("/healthz").status_code == 200
    phone.engine.held.set()
    for thread in threads:
        thread.join(20)
    assert len(phone.rows(InboundMessage)) == 40


@pytest.mark.parametrize(
    "change", [{"signature": "0" * 40}, {"nonce": "7"}, {"timestamp": "x"}, {"signature": ""}, {"signature": "中"}]
)
def test_a_forged_push_is_refused_and_nothing_runs(phone: Phone, change: dict[str, str]) -> None:
    assert phone.says("人工", **change).status_code == 403
    assert phone.rows(InboundMessage) == []
    assert phone.engine.asked == []


def test_a_sealed_push_with_a_wrong_seal_is_refused(phone: Phone) -> None:
    phone.sealed = True
    assert phone.says("人工", msg_signature="0" * 40).status_code == 403
    body, query = phone.signed({"MsgType": "text", "Content": "人工", "MsgId": 1})
    assert phone.send(body.replace(b"</Encrypt>", b"A</Encrypt>"), query).status_code == 403
    assert phone.rows(InboundMessage) == []


def test_what_is_no_push_is_refused(phone: Phone) -> None:
    _body, query = phone.signed({"MsgType": "text", "Content": "人工", "MsgId": 1})
    for body in (b"", b"{}", b"<xml>", b'<!DOCTYPE x [<!ENTITY e "x">]><xml><MsgType>&e;</MsgType></xml>'):
        assert phone.send(body, query).status_code == 400
    assert phone.rows(InboundMessage) == []


def test_an_old_push_is_refused(phone: Phone) -> None:
    body, query = phone.signed({"MsgType": "text", "Content": "人工", "MsgId": 1})
    phone.clock.step(minutes=11)
    assert phone.send(body, query).status_code == 403
    assert phone.rows(InboundMessage) == []


def test_a_whole_request_sent_again_gets_the_stored_bytes(either: Phone) -> None:
    body, query = either.signed({"MsgType": "text", "Content": "养犬证怎么办", "MsgId": 1})
    first = either.send(body, query)
    assert either.send(body, query).content == first.content
    assert len(either.engine.asked) == 1


def test_a_signature_that_was_listened_to_serves_no_other_words(phone: Phone) -> None:
    body, query = phone.signed({"MsgType": "text", "Content": "养犬证怎么办", "MsgId": 1})
    phone.send(body, query)
    other, _query = phone.signed({"MsgType": "text", "Content": "人工", "MsgId": 1})
    assert phone.send(other, query).status_code == 403
    assert len(phone.rows(InboundMessage)) == 1
    assert len(phone.rows(SeenPush)) == 1


def test_messages_of_one_second_may_bear_one_signature_but_not_any_number(phone: Phone) -> None:
    _body, query = phone.signed({"MsgType": "text", "Content": "", "MsgId": 1})
    sent = [phone.signed({"MsgType": "text", "Content": "你好", "MsgId": number})[0] for number in range(12)]
    answers = [phone.send(body, query).status_code for body in sent]
    assert answers == [200] * callbacks.MOST_OF_ONE_SECOND + [403] * 2
    assert phone.send(sent[0], query).status_code == 200  # The platform's repeat.
    assert len(phone.rows(InboundMessage)) == callbacks.MOST_OF_ONE_SECOND


def test_a_follower_is_greeted_by_a_bot_that_says_so(either: Phone) -> None:
    reply = either.read(either.happens("subscribe", EventKey="qrscene_12"))
    assert "机器人" in reply["Content"]
    assert "人工" in reply["Content"]
    assert either.happens("unsubscribe").content == b"success"
    assert either.happens("VIEW", EventKey="https://x.example").content == b"success"
    assert either.engine.asked == []


def test_a_dead_bot_gives_the_conversation_to_people(phone: Phone) -> None:
    phone.engine.failure = RuntimeError("no model")
    assert "转接人工" in phone.read(phone.says("养犬证怎么办"))["Content"]


def test_words_that_come_too_late_are_not_repeated_when_their_answer_is_lost(
    phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "SOON_SECONDS", 0.1)
    phone.outbox.failure = OutcomeUnknown("断线")
    phone.engine.held = threading.Event()
    phone.says("养犬证怎么办")
    phone.engine.held.set()
    wait_for(lambda: bool(phone.outbox.sent))
    wait_for(lambda: phone.rows(OutboundReply)[0].state == ReplyState.UNKNOWN)
    phone.clock.step(hours=1)
    phone.office.hub.incoming.replier.send_due()
    assert len(phone.outbox.sent) == 1


def database_away(phone: Phone, times: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The database cannot be reached for so many looks; returns a list that grows with each of them."""
    looked: list[int] = []
    works, read = phone.office.hub.works, phone.office.hub.works.read

    def look() -> Any:
        looked.append(len(looked))
        if len(looked) <= times:
            raise OperationalError("SELECT 1", {}, RuntimeError("connection refused"))
        return read()

    monkeypatch.setattr(works, "read", look)
    monkeypatch.setattr(callbacks, "AGAIN_SECONDS", 0.01)
    return looked


def test_a_push_is_held_while_the_database_is_away(either: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = database_away(either, 3, monkeypatch)
    answer = either.says("人工")
    assert len(looked) > 3
    assert "转接人工客服" in either.read(answer)["Content"]
    assert len(either.rows(InboundMessage)) == 1


def test_nobody_is_held_for_ever_and_no_crowd_is(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = database_away(phone, 10_000, monkeypatch)
    monkeypatch.setattr(callbacks, "HOLD_SECONDS", 0.1)
    assert phone.says("人工").status_code == 503
    held = len(looked)
    assert held > 1
    monkeypatch.setattr(callbacks, "_holding", asyncio.Semaphore(0))
    assert phone.says("人工").status_code == 503
    assert len(looked) == held + 1


def test_a_fault_of_ours_is_not_tried_again(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def refuse() -> Any:
        asked.append(1)
        raise IntegrityError("INSERT", {}, RuntimeError("refused"))

    monkeypatch.setattr(phone.office.hub.works, "read", refuse)
    assert phone.says("人工").status_code == 500
    assert len(asked) == 1


def test_a_finished_job_is_read_and_its_repeat_harmless(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, str]] = []
    monkeypatch.setattr(
        callbacks.receipts,
        "settle_job",
        lambda *told: seen.append((told[1], told[2].job_id)),
    )
    event = {"MsgID": 77, "Status": "send success", "TotalCount": 3}
    assert phone.happens("MASSSENDJOBFINISH", **event).content == b"success"
    assert phone.happens("MASSSENDJOBFINISH", **event).content == b"success"
    assert len(seen) == 2
    assert seen[0][1].endswith(":77")
    assert phone.rows(InboundMessage) == []


def test_a_result_that_overtakes_its_acceptance_waits_for_it(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "LOOK_SECONDS", 0.01)
    answers = iter([False, False, True])
    seen: list[str] = []

    def settle(*told: Any) -> bool:
        seen.append(told[2].job_id)
        return next(answers)

    monkeypatch.setattr(callbacks.receipts, "settle_job", settle)
    on_its_way(phone)
    assert phone.happens("MASSSENDJOBFINISH", MsgID=77, Status="send success", TotalCount=3).content == b"success"
    assert [job.rpartition(":")[2] for job in seen] == ["77", "77", "77"]


def on_its_way(phone: Phone) -> None:
    """A delivery whose call has begun and whose answer is not recorded."""
    with phone.office.hub.works.write() as work:
        account = work.session.scalars(select(callbacks.Account)).one()
        delivery = Delivery(
            unit_id=account.unit_id,
            account_id=account.id,
            channel="wechat",
            action="mass_send",
            identity="1",
            key="1",
            state=DeliveryState.SENDING,
            scheduled_at=work.now,
            created_at=work.now,
        )
        work.session.add(delivery)


def test_a_result_that_nobody_waits_for_is_answered_at_once(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "LOOK_SECONDS", 60.0)
    monkeypatch.setattr(callbacks, "WAIT_SECONDS", 60.0)
    event = {"MsgID": 77, "Status": "send success", "TotalCount": 3}
    assert phone.happens("MASSSENDJOBFINISH", **event).content == b"success"


def test_an_account_out_of_use_has_no_address(phone: Phone) -> None:
    with phone.office.hub.works.write() as work:
        account = work.session.scalars(select(callbacks.Account)).one()
        account.active = False
    assert phone.says("人工").status_code == 404


def test_a_suggestion_is_chosen_by_its_number(phone: Phone) -> None:
    phone.engine.decision = Decision("suggest", ("faq/999",))
    assert "还不会回答" in phone.read(phone.says("狗证"))["Content"]  # Nothing of it is public.


def test_a_push_is_stored_with_the_platforms_moment(phone: Phone) -> None:
    phone.says("养犬证怎么办")
    row = phone.rows(InboundMessage)[0]
    assert row.at == datetime.fromtimestamp(int(phone.clock.now().timestamp()), UTC)
    with phone.office.hub.works.read() as work:
        assert work.session.scalar(select(func.count(InboundMessage.id)).where(InboundMessage.answer.is_(None))) == 0


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits until something that another thread does has happened."""
    done = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        done.wait(0.02)
    raise AssertionError("it did not happen in time")
