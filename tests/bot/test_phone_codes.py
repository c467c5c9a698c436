"""Codes: who holds the telephone of a ticket learns how it stands; whoever does not learns nothing, not even that."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bot import tickets
from bot.models import PhoneCode, Ticket
from bot.nlu.ranking import Decision
from bot.phone_codes import TRIES, Codes
from bot.project import PROGRESS
from bot.states import CodeState
from hub.code_sends import CodeSends
from hub.notifier import Message, NotSent, Unanswered
from kernel.people import Person
from kernel.seal import Seal
from tests.bot.conftest import Desk

ZONE = ZoneInfo("Asia/Shanghai")
PHONE, OTHER = "13812345678", "13900001111"


class Gateway:
    """Keeps what it is given, or fails as told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.failure: Exception | None = None

    def address_of(self, person: Person) -> str:
        return person.phone

    def send(self, message: Message) -> None:
        self.sent.append(message)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def asked(desk_both: Desk) -> Desk:
    """A desk that sends codes, whose engine takes everything for a question about a ticket."""
    desk_both.engine.decision = Decision("answer", (PROGRESS,))
    desk_both.answering.codes = Codes(Seal(Fernet.generate_key()))
    return desk_both


@pytest.fixture
def ticket(asked: Desk) -> Ticket:
    """A ticket with a telephone."""
    with asked.works.write() as work:
        return tickets.make(
            work, unit_id=asked.office.city.id, kind="投诉", text="路灯坏了三天", zone=ZONE, contact=f"张先生 {PHONE}"
        )


def _codes(desk: Desk) -> Codes:
    assert desk.answering.codes is not None
    return desk.answering.codes


def _sends(desk: Desk, gateway: Gateway) -> CodeSends:
    return CodeSends(desk.works, _codes(desk), gateway)


def _sent(desk: Desk) -> str:
    """The code that goes to the phone."""
    gateway = Gateway()
    _sends(desk, gateway).send_due()
    assert gateway.sent[0].to == PHONE
    return gateway.sent[0].text.split("，")[0].removeprefix("验证码 ")


def _wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_whoever_holds_the_telephone_is_told_with_masked_data(asked: Desk, ticket: Ticket) -> None:
    with asked.works.write() as work:
        tickets.answer(work, work.session.get_one(Ticket, ticket.id), f"已修复，请致电 {OTHER}。")
    assert "工单编号" in asked.says("工单查询")
    assert "手机号码" in asked.says(ticket.number)
    assert "如果编号和手机号码与登记的一致" in asked.says(PHONE)
    told = asked.says(_sent(asked))
    assert ticket.number in told
    assert "已答复" in told
    assert "139****1111" in told
    assert "138****5678" in told
    assert PHONE not in told
    assert asked.conversation().dialogue == {}


@pytest.mark.parametrize(("number", "phone"), [("20260302-ZZZ999", PHONE), ("", OTHER)])
def test_a_wrong_number_and_a_wrong_telephone_get_the_same_words(
    asked: Desk, ticket: Ticket, number: str, phone: str
) -> None:
    right = [asked.says(text, sender="right") for text in ("工单查询", ticket.number, PHONE, "000000", "算了")]
    wrong = [
        asked.says(text, sender="wrong") for text in ("工单查询", number or ticket.number, phone, "000000", "算了")
    ]
    assert right == wrong
    gateway = Gateway()
    _sends(asked, gateway).send_due()
    assert len(gateway.sent) == 1  # Nothing leaves for what does not belong together.


def test_tries_are_counted_and_the_right_code_comes_too_late_then(asked: Desk, ticket: Ticket) -> None:
    for text in ("工单查询", ticket.number, PHONE):
        asked.says(text)
    code = _sent(asked)
    for _try in range(TRIES):
        assert "验证码不对或已失效" in asked.says(_wrong(code))
    assert "验证码不对或已失效" in asked.says(code)


def test_a_code_works_once_for_ten_minutes_and_only_the_newest(asked: Desk, ticket: Ticket) -> None:
    codes = _codes(asked)

    def ask() -> str:
        with asked.works.write() as work:
            assert codes.ask(work, ticket.number, PHONE)
        return _sent(asked)

    def right(code: str) -> bool:
        with asked.works.write() as work:
            return codes.check(work, ticket.number, PHONE, code) is not None

    code = ask()
    assert right(code)
    assert not right(code)
    first, second = ask(), ask()
    assert first == second or not right(first)
    assert right(second)
    asked.clock.step(minutes=11)
    late = ask()
    asked.clock.step(minutes=10)
    assert not right(late)


def test_one_telephone_gets_few_codes_whether_it_belongs_to_a_ticket_or_not(asked: Desk, ticket: Ticket) -> None:
    for phone in (PHONE, OTHER):
        with asked.works.write() as work:
            assert [_codes(asked).ask(work, ticket.number, phone) for _time in range(4)] == [True, True, True, False]
    for text in ("工单查询", ticket.number):
        asked.says(text)
    assert "次数太多" in asked.says(PHONE)
    assert asked.conversation().dialogue == {}


@pytest.mark.parametrize(
    ("failure", "state", "calls"),
    [
        (None, CodeState.SENT, 1),
        (Unanswered("ReadTimeout"), CodeState.UNKNOWN, 1),
        (NotSent("HTTP 422", lasting=True), CodeState.FAILED, 1),
        (NotSent("ConnectError"), CodeState.SENT, 2),
    ],
)
def test_a_code_is_sent_at_most_once_after_an_answer_was_lost(
    asked: Desk, ticket: Ticket, failure: Exception | None, state: CodeState, calls: int
) -> None:
    with asked.works.write() as work:
        _codes(asked).ask(work, ticket.number, PHONE)
    gateway = Gateway()
    gateway.failure = failure
    _sends(asked, gateway).send_due()
    gateway.failure = None
    asked.clock.step(seconds=30)
    _sends(asked, gateway).send_due()
    with asked.works.read() as work:
        row = work.session.scalars(select(PhoneCode)).one()
    assert (row.state, len(gateway.sent), gateway.sent[0].key) == (state, calls, "code")
    assert PHONE not in row.sealed


def test_without_a_gateway_the_page_for_the_number_is_named(asked: Desk, ticket: Ticket) -> None:
    asked.answering.codes = None
    assert "https://www.yunzhou.example/feedback/progress" in asked.says(f"查一下{ticket.number}")
