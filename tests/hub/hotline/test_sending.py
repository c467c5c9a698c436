"""A ticket reaches the 12345 system at most once, whatever breaks; what nobody knows is shown and left to people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import httpx
import pytest

from bot import tickets
from bot.models import Ticket
from hub.hotline import sending, signature
from hub.hotline.models import HotlineSend
from hub.hotline.sending import Hotline
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.people import add_unit
from kernel.work import Works

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Line:
    """A ticket, the hotline's client, and what the other side was asked."""

    works: Works
    clock: StillClock
    ticket_id: int
    answer: Callable[[httpx.Request], httpx.Response] = lambda _request: httpx.Response(200, json={"number": "DH1"})
    asked: list[httpx.Request] = field(default_factory=list)

    def send(self) -> int:
        """One round of the duty."""
        client = httpx.Client(transport=httpx.MockTransport(self._hear))
        return Hotline(self.works, self.clock, client, "https://12345.example/cases", "s").send_due()

    def book(self) -> None:
        """Somebody presses the button."""
        with self.works.write() as work:
            sending.book(work, work.session.get_one(Ticket, self.ticket_id))

    def ticket(self) -> Ticket:
        """The ticket as it stands."""
        with self.works.read() as work:
            return work.session.get_one(Ticket, self.ticket_id)

    def sends(self) -> list[HotlineSend]:
        """Every sending, the newest first."""
        with self.works.read() as work:
            return list(sending.of_ticket(work.session, self.ticket_id))

    def _hear(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
def line(works: Works, clock: StillClock) -> Line:
    """A complaint with a name and a telephone number."""
    with works.write() as work:
        unit = add_unit(work.session, "市政务服务中心", "centre")
        made = tickets.make(
            work, unit_id=unit.id, kind="投诉", text="路灯坏了三天", zone=ZONE, name="周先生", contact="13812345678"
        )
        return Line(works, clock, made.id)


def test_two_presses_are_one_signed_call_and_its_number_is_kept(line: Line) -> None:
    line.book()
    line.book()
    assert [line.send(), line.send()] == [1, 0]
    (request,) = line.asked
    assert json.loads(request.content)["contact"] == "13812345678"
    assert signature.holds("s", request.content, dict(_named(request)), line.clock.now())
    assert line.ticket().hotline_number == "DH1"
    with pytest.raises(WrongState, match="DH1"):
        line.book()


def _named(request: httpx.Request) -> list[tuple[str, str]]:
    return [(name, request.headers[name]) for name in (signature.MOMENT, signature.SIGNATURE)]


def _lost(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("lost", request=request)


@pytest.mark.parametrize(
    "answer",
    [_lost, lambda _request: httpx.Response(502), lambda _request: httpx.Response(200, json={"ok": 1})],
    ids=["lost", "broken", "no number"],
)
def test_what_nobody_knows_is_not_repeated_by_itself(line: Line, answer: Callable[..., httpx.Response]) -> None:
    line.answer = answer
    line.book()
    line.send()
    line.clock.step(hours=2)
    assert line.send() == 0
    assert [row.state for row in line.sends()] == ["unknown"]
    with line.works.write() as work:
        sending.note_number(work, work.session.get_one(Ticket, line.ticket_id), "DH7")
    assert (line.ticket().hotline_number, line.sends()[0].state) == ("DH7", "done")


def test_a_person_sends_again_what_did_not_arrive(line: Line) -> None:
    line.answer = _lost
    line.book()
    line.send()
    line.answer = Line.answer
    line.book()
    line.send()
    assert [row.state for row in line.sends()] == ["done", "unknown"]
    assert len({row.key for row in line.sends()}) == 2


def test_what_surely_did_not_leave_is_tried_again(line: Line) -> None:
    def nobody(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody", request=request)

    line.answer = nobody
    line.book()
    line.send()
    assert line.sends()[0].state == "booked"
    line.answer = Line.answer
    line.clock.step(minutes=1)
    line.send()
    assert line.ticket().hotline_number == "DH1"
    assert len({request.headers["idempotency-key"] for request in line.asked}) == 1


def test_a_refusal_is_final_and_a_dead_sender_leaves_an_unknown(line: Line) -> None:
    line.answer = lambda _request: httpx.Response(401)
    line.book()
    line.send()
    assert line.sends()[0].state == "failed"

    def dies(_request: httpx.Request) -> httpx.Response:
        raise KeyboardInterrupt

    line.answer = dies
    line.book()
    with pytest.raises(KeyboardInterrupt):
        line.send()
    line.clock.step(minutes=2)
    assert line.send() == 0
    assert line.sends()[0].state == "unknown"


def test_one_number_is_one_ticket(line: Line) -> None:
    with line.works.write() as work:
        first = work.session.get_one(Ticket, line.ticket_id)
        other = tickets.make(work, unit_id=first.unit_id, kind="咨询", text="怎么办证", zone=ZONE)
        sending.note_number(work, other, "DH1")
    line.book()
    line.send()
    assert (line.ticket().hotline_number, line.sends()[0].state) == (None, "failed")
    with pytest.raises(Invalid) as refused, line.works.write() as work:
        sending.note_number(work, work.session.get_one(Ticket, line.ticket_id), "DH1")
    assert refused.value.field == "hotline_number"
