"""Text messages of answered tickets: to whoever agreed and left a mobile number, once, in words that tell no secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from bot import tickets
from bot.dialogue import report
from bot.models import Ticket, TicketSms
from bot.personal import forgetting
from bot.states import ReplyState
from hub.notifier import NotSent, Unanswered
from hub.telling import tell_answer
from hub.ticket_sms import TicketTexts
from kernel.clock import StillClock
from tests.bot.test_phone_codes import Gateway
from tests.hub.web.newsroom import Newsroom, open_newsroom

PHONE = "13812345678"


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
def room(database_url: str, tmp_path: Path, clock: StillClock, gateway: Gateway) -> Iterator[Newsroom]:
    """The running hub with a gateway for text messages."""
    with open_newsroom(database_url, tmp_path, clock) as room:
        words = room.hub.incoming.words
        room.hub.incoming.texts = TicketTexts(room.hub.works, gateway, words, "https://www.yunzhou.example/mine")
        yield room


def answered(room: Newsroom, contact: str = f"张先生 {PHONE}", *, agrees: bool = True, kind: str = "投诉") -> Ticket:
    """A ticket that was just answered; told twice, as when two processes meet."""
    with room.hub.works.write() as work:
        made = tickets.make(
            work, unit_id=room.office.city.id, kind=kind, text="路灯坏了", contact=contact,
            zone=ZoneInfo("Asia/Shanghai"), agrees_to_sms=agrees,
        )  # fmt: skip
        tickets.answer(work, made, "已修复，联系人李师傅。")
        tell_answer(room.hub, work, made)
        tell_answer(room.hub, work, made)
        return made


def send(room: Newsroom) -> int:
    texts = room.hub.incoming.texts
    assert texts is not None
    return texts.send_due()


def row(room: Newsroom) -> TicketSms:
    with room.hub.works.read() as work:
        return work.session.scalars(select(TicketSms)).one()


def test_who_agreed_is_told_once_where_to_read_the_answer(room: Newsroom, gateway: Gateway) -> None:
    made = answered(room)
    assert send(room) == 1
    assert send(room) == 0
    (message,) = gateway.sent
    assert (message.to, message.key) == (PHONE, "ticket-sms")
    assert made.number in message.text
    assert "https://www.yunzhou.example/mine" in message.text
    assert "李师傅" not in message.text
    assert row(room).state == ReplyState.DONE


@pytest.mark.parametrize("case", ["no consent", "no mobile", "inside"])
def test_nobody_else_is_written_to(room: Newsroom, case: str) -> None:
    contact = "me@example.com" if case == "no mobile" else PHONE
    answered(room, contact, agrees=case != "no consent", kind="回访" if case == "inside" else "投诉")
    assert send(room) == 0


def test_what_was_lost_is_unknown_and_never_repeated(room: Newsroom, gateway: Gateway, clock: StillClock) -> None:
    answered(room)
    gateway.failure = Unanswered("time out")
    send(room)
    gateway.failure = None
    clock.step(hours=5)
    assert (send(room), len(gateway.sent), row(room).state) == (0, 1, ReplyState.UNKNOWN)
    made_page = room.desk_of("system_admin").get("/console/tickets/1")
    assert made_page.status_code in (403, 404)  # No business of his.


def test_what_surely_did_not_leave_is_tried_again(room: Newsroom, gateway: Gateway, clock: StillClock) -> None:
    answered(room)
    gateway.failure = NotSent("busy")
    send(room)
    gateway.failure = None
    clock.step(minutes=1)
    assert (send(room), row(room).state) == (1, ReplyState.DONE)


def test_a_number_deleted_meanwhile_is_not_written_to(room: Newsroom, gateway: Gateway) -> None:
    made = answered(room)
    with room.hub.works.write() as work:
        forgetting.contacts(work, [made.id])
    send(room)
    assert (gateway.sent, row(room).state) == ([], ReplyState.FAILED)


@pytest.mark.parametrize(
    ("said", "contact", "agrees"),
    [
        ("13812345678", "13812345678", True),
        ("13812345678，不要短信", "13812345678", False),
        ("13812345678 请不要给我发短信", "13812345678", False),
        ("me@example.com", "me@example.com", False),
    ],
)
def test_in_the_dialogue_the_telephone_is_left_with_or_without_messages(said: str, contact: str, agrees: bool) -> None:
    turned = report.begin("我要投诉", ())
    for text in ("路灯坏了三天没人修", "海州区", "幸福路12号门口", "昨晚八点", said, "1"):
        turned = report.go_on(turned.kept, text, ())
    assert turned.filed is not None
    assert (turned.filed.contact, turned.filed.agrees_to_sms) == (contact, agrees)
