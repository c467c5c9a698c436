"""Service notices about tickets: at most once, repeated only under their key, their end recorded either way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bot import consents, gateway, notices, tickets
from bot.events import NoticeLost
from bot.models import Conversation, NoticeEnd, TicketNotice
from bot.notices import Teller
from channels.abilities.service_notices import ApprovedForm, ServiceNotice, ServiceNotices
from channels.accounts.models import Account, NoticeForm
from channels.base import Consent, JobResult
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled
from kernel.clock import StillClock
from kernel.errors import WrongState
from kernel.people import add_unit
from kernel.seal import Seal
from kernel.work import Works
from tests.bot.citizens import wechat_account

ZONE = ZoneInfo("Asia/Shanghai")


class Platform(ServiceNotices):
    """Takes notices as the platform does: one per key; fails as told, before or after it took one."""

    def __init__(self) -> None:
        self.taken: dict[str, ServiceNotice] = {}
        self.calls = 0
        self.before: Exception | None = None
        self.after: Exception | None = None
        self.job: Callable[[int], str] = lambda n: f"template:{n}"

    def forms(self, way: Any) -> list[ApprovedForm]:
        return []

    def notify(self, notice: ServiceNotice) -> str:
        self.calls += 1
        if self.before is not None:
            failure, self.before = self.before, None
            raise failure
        self.taken.setdefault(notice.key, notice)
        if self.after is not None:
            failure, self.after = self.after, None
            raise failure
        return self.job(list(self.taken).index(notice.key) + 1)


@dataclass
class Desk:
    """One ticket of a citizen whose last message is long ago."""

    works: Works
    clock: StillClock
    account_id: int
    ticket_id: int
    conversation_id: int
    form_id: int
    platform: Platform = field(default_factory=Platform)
    told: list[NoticeLost] = field(default_factory=list)

    @property
    def teller(self) -> Teller:
        def make(_about: object) -> Any:
            return self.platform

        return Teller(self.works, SEAL, make)

    def book(self, way: str = "template") -> int:
        with self.works.write() as work:
            form = work.session.get_one(NoticeForm, self.form_id)
            form.way = way
            ticket = work.session.get_one(tickets.Ticket, self.ticket_id)
            conversation = work.session.get_one(Conversation, self.conversation_id)
            facts = {"number": ticket.number, "text": ticket.text, "answer": "已修复"}
            row = notices.book(work, ticket, conversation, form, facts, "https://www.example/p")
            return row.id if row else 0

    def job_of_none(self) -> None:
        """The platform names no job, as for subscribe messages."""
        self.platform.job = lambda _n: ""

    def agrees(self, *, agreed: bool = True) -> None:
        """The citizen agrees to the form, or refuses it, a moment later."""
        self.clock.step(seconds=1)
        with self.works.write() as work:
            consents.heard(work, self.account_id, Consent("k", "citizen", "t-1", agreed, work.now))

    def arrived(self, number: int, *, well: bool = True) -> bool:
        """The platform tells of the end of a subscribe message."""
        about = {"sender": "citizen", "template_id": "t-1"}
        with self.works.write() as work:
            result = JobResult(f"subscribe:{number}", well, reason="" if well else "user block", data=about)
            return notices.ended(work, self.account_id, result)

    def row(self, number: int) -> TicketNotice:
        with self.works.read() as work:
            return work.session.get_one(TicketNotice, number)

    def end(self, job: str, *, arrived: bool = True, reason: str = "") -> bool:
        with self.works.write() as work:
            return notices.ended(work, self.account_id, JobResult(job, arrived, reason=reason))


SEAL = Seal(Fernet.generate_key())


@pytest.fixture
def desk(works: Works, clock: StillClock) -> Desk:
    with works.write() as work:
        unit = add_unit(work.session, "云州市人民政府", "city")
        account = wechat_account(work, SEAL, unit.id)
        conversation = gateway.begin(work, unit_id=unit.id, account_id=account.id, channel="wechat", sender="citizen")
        ticket = tickets.make(
            work, unit_id=unit.id, kind="求助", text="路灯坏了", zone=ZONE, conversation_id=conversation.id
        )
        form = NoticeForm(
            account_id=account.id,
            purpose=notices.ANSWERED,
            way="template",
            template_id="t-1",
            places={"thing1": "text", "phrase2": "=已答复", "none": "nothing"},
            changed_at=work.now,
        )
        work.session.add(form)
        work.session.flush()
        made = Desk(works, clock, account.id, ticket.id, conversation.id, form.id)
    works.listeners.after(NoticeLost, made.told.append)
    return made


def test_a_notice_says_what_the_form_maps_and_goes_once(desk: Desk) -> None:
    number = desk.book()
    assert desk.teller.send_due() == 1
    assert desk.teller.send_due() == 0
    (notice,) = desk.platform.taken.values()
    assert notice.values == {"thing1": "路灯坏了", "phrase2": "已答复", "none": ""}
    assert (notice.to, notice.template_id, notice.url) == ("citizen", "t-1", "https://www.example/p")
    assert (desk.row(number).state, desk.row(number).job) == ("done", "template:1")


@pytest.mark.parametrize("event_first", [True, False])
def test_its_end_is_recorded_whichever_comes_first(desk: Desk, event_first: bool) -> None:
    number = desk.book()
    if event_first:
        assert desk.end("template:1", arrived=False, reason="用户拒收")
    desk.teller.send_due()
    if not event_first:
        assert desk.end("template:1", arrived=False, reason="用户拒收")
    assert (desk.row(number).state, desk.row(number).reason) == ("failed", "用户拒收")
    assert [fact.reason for fact in desk.told] == ["用户拒收"]


def test_an_end_that_is_told_twice_counts_once_and_others_are_not_ours(desk: Desk) -> None:
    desk.book()
    desk.teller.send_due()
    assert desk.end("template:1")
    assert desk.end("template:1", arrived=False, reason="later")
    assert not desk.end("mass:1")
    with desk.works.read() as work:
        assert len(work.session.scalars(select(NoticeEnd)).all()) == 1
        assert notices.of_ticket(work.session, desk.ticket_id)[0][1] is not None
    assert desk.row(1).state == "done"


def test_a_lost_answer_is_settled_by_repeating_under_the_key(desk: Desk) -> None:
    number = desk.book()
    desk.platform.after = OutcomeUnknown("timeout")
    desk.teller.send_due()
    assert desk.row(number).state == "booked"
    desk.clock.step(seconds=11)
    desk.teller.send_due()
    assert desk.row(number).state == "done"
    assert len(desk.platform.taken) == 1
    assert desk.platform.calls == 2


def test_once_the_platform_forgets_the_key_nothing_is_repeated(desk: Desk) -> None:
    number = desk.book()
    desk.platform.after = OutcomeUnknown("timeout")
    desk.teller.send_due()
    for _ in range(60):
        desk.clock.step(seconds=30)
        desk.platform.after = OutcomeUnknown("timeout")
        desk.teller.send_due()
    assert desk.row(number).state == "unknown"
    assert len(desk.told) == 1
    assert len(desk.platform.taken) == 1


@pytest.mark.parametrize("kind", ["at its hour", "no attempt left"])
def test_what_may_have_gone_out_does_not_wait_beyond_its_key(desk: Desk, kind: str) -> None:
    number = desk.book()
    desk.platform.after = OutcomeUnknown("timeout")
    desk.teller.send_due()
    if kind == "at its hour":
        desk.platform.before = Throttled("今天的次数已用完", desk.clock.now() + timedelta(hours=8))
        desk.clock.step(seconds=11)
        desk.teller.send_due()
        desk.clock.step(hours=9)
    for _ in range(12):
        desk.platform.before = None if kind == "at its hour" else Retryable("busy")
        desk.teller.send_due()
        desk.clock.step(seconds=40)
    row = desk.row(number)
    assert (row.state, len(desk.told)) == ("unknown", 1)
    assert desk.platform.calls == (2 if kind == "at its hour" else 5)


def test_what_may_have_gone_out_is_not_sent_by_a_sender_that_was_away(desk: Desk) -> None:
    number = desk.book()
    desk.platform.after = OutcomeUnknown("timeout")
    desk.teller.send_due()
    desk.clock.step(hours=1)
    assert desk.teller.send_due() == 0
    row = desk.row(number)
    assert (row.state, row.reason, row.claimed_by, desk.platform.calls, len(desk.told)) == (
        "unknown", "timeout", None, 1, 1,
    )  # fmt: skip


def test_what_surely_did_not_leave_waits_as_long_as_it_must(desk: Desk) -> None:
    number = desk.book()
    for _ in range(3):
        desk.platform.before = Throttled("slow", desk.clock.now() + timedelta(hours=8))
        desk.teller.send_due()
        desk.clock.step(hours=9)
    desk.teller.send_due()
    assert desk.row(number).state == "done"


def test_a_subscribe_notice_is_unknown_at_once_and_sent_again_only_by_a_person(desk: Desk) -> None:
    desk.agrees()
    number = desk.book("subscribe")
    desk.platform.after = OutcomeUnknown("timeout")
    desk.teller.send_due()
    assert desk.row(number).state == "unknown"
    desk.clock.step(minutes=30)
    assert desk.teller.send_due() == 0
    with desk.works.write() as work, pytest.raises(WrongState, match="同意"):
        notices.send_again(work, work.session.get_one(TicketNotice, number))
    desk.agrees()
    with desk.works.write() as work:
        fresh = notices.send_again(work, work.session.get_one(TicketNotice, number)).id
    desk.teller.send_due()
    assert (desk.row(number).state, desk.row(fresh).state) == ("failed", "done")
    with desk.works.write() as work, pytest.raises(WrongState):
        notices.send_again(work, work.session.get_one(TicketNotice, fresh))


@pytest.mark.parametrize("moved", [{"seconds": 46}, {"hours": -2}], ids=["time passes", "the clock is set back"])
@pytest.mark.parametrize(("way", "state"), [("template", "booked"), ("subscribe", "unknown")])
def test_a_sender_that_died_leaves_a_row_that_is_found(desk: Desk, way: str, state: str, moved: dict[str, int]) -> None:
    desk.agrees()
    number = desk.book(way)
    assert desk.teller.take("dead") is not None
    assert desk.teller.find_lost() == 0
    desk.clock.step(**moved)
    assert desk.teller.find_lost() == 1
    assert desk.row(number).state == state


@pytest.mark.parametrize("kind", ["retry", "throttle"])
def test_what_surely_did_not_leave_is_tried_again_later(desk: Desk, kind: str) -> None:
    number = desk.book()
    later = desk.clock.now() + timedelta(minutes=20)
    desk.platform.before = Retryable("busy") if kind == "retry" else Throttled("slow", later)
    desk.teller.send_due()
    assert desk.row(number).state == "booked"
    desk.clock.step(minutes=21)
    desk.teller.send_due()
    assert desk.row(number).state == "done"


def test_a_refusal_is_told_to_a_person_in_words(desk: Desk) -> None:
    number = desk.book()
    desk.platform.before = Refused("该用户没有关注公众号", code="43004")
    desk.teller.send_due()
    assert (desk.row(number).state, desk.row(number).code) == ("failed", "43004")
    assert desk.told[0].reason == "该用户没有关注公众号"


# --- only to who agreed -----------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "sent"), [("subscribe", 1), ("lasting", 2), ("template", 2)])
def test_a_notice_is_booked_only_where_he_agreed(desk: Desk, way: str, sent: int) -> None:
    desk.job_of_none()
    assert (desk.book(way) > 0) is (way == "template")
    if way != "template":
        desk.agrees()
        assert desk.book(way)
    desk.book(way)
    desk.teller.send_due()
    assert len(desk.platform.taken) == sent
    assert {notice.way for notice in desk.platform.taken.values()} == {way if way == "template" else "subscribe"}
    desk.agrees(agreed=False)
    assert (desk.book(way) > 0) is (way == "template")


@pytest.mark.parametrize(("code", "again"), [("43101", False), ("47003", True)])
def test_a_refusal_gives_the_agreement_back_unless_it_says_that_there_is_none(
    desk: Desk, code: str, again: bool
) -> None:
    desk.job_of_none()
    desk.agrees()
    desk.agrees()
    number = desk.book("subscribe")
    desk.platform.before = Refused("不行", code=code)
    desk.teller.send_due()
    assert desk.row(number).state == "failed"
    assert [desk.book("subscribe") > 0 for _ in range(3)] == [again, again, False]


@pytest.mark.parametrize("when", ["before", "after", "lost"])
@pytest.mark.parametrize("well", [True, False])
def test_the_platforms_word_on_a_subscribe_message_belongs_to_the_last_one_and_decides(
    desk: Desk, when: str, well: bool
) -> None:
    desk.job_of_none()
    desk.agrees()
    number = desk.book("subscribe")
    if when == "before":  # The event overtakes the answer to the call.
        desk.platform.job = lambda _n: f"{desk.arrived(7, well=well)}"[:0]
    if when == "lost":
        desk.platform.after = OutcomeUnknown("timeout")
    desk.teller.send_due()
    if when != "before":
        assert desk.row(number).state == ("unknown" if when == "lost" else "done")
        lost = len(desk.told)
        assert desk.arrived(7, well=well)
        assert desk.arrived(7, well=not well)
        assert len(desk.told) == lost + (0 if well else 1)
    row = desk.row(number)
    assert (row.state, row.job) == ("done" if well else "failed", "subscribe:7")
    assert row.reason == ("" if well else "user block")
    assert desk.arrived(8)


def test_a_form_that_is_switched_off_is_none(desk: Desk) -> None:
    with desk.works.write() as work:
        assert notices.form_for(work.session, desk.account_id) is not None
        work.session.get_one(NoticeForm, desk.form_id).active = False
    with desk.works.read() as work:
        assert notices.form_for(work.session, desk.account_id) is None
        assert notices.form_for(work.session, None) is None


def test_a_form_of_an_account_that_turned_out_to_be_no_service_account_is_none(desk: Desk) -> None:
    with desk.works.write() as work:
        account = work.session.get_one(Account, desk.account_id)
        account.settings = {**account.settings, "type": "subscription"}
    with desk.works.read() as work:
        assert notices.form_for(work.session, desk.account_id) is None
        assert "订阅号" in notices.not_offered(work.session.get_one(Account, desk.account_id))
