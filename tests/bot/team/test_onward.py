"""A live conversation goes to another unit's desk: with its history and a note, only where somebody is, traced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm.attributes import set_committed_value

from bot import desk as acts
from bot import store
from bot.errors import NotReachable, TakenAlready, WasClosed
from bot.events import ConversationChanged, PersonWanted, WaitOver
from bot.models import Conversation
from bot.states import ConversationState
from bot.team import drafts, onward, presence
from bot.team.errors import DeskShut, DeskUnattended
from bot.team.models import MatterClass, Shift, Turn
from kernel.audit import AuditLine
from kernel.errors import Invalid, NotFound, WrongState, XuandaError
from kernel.office_rules import set_rule
from kernel.people import Grant, Role
from tests.bot.conftest import ZONE, Desk
from tests.bot.test_desk import does

S = ConversationState
NOTE = "问公积金提取，已核对身份。"


@pytest.fixture
def other(desk: Desk) -> int:
    """The other unit's desk, with one agent at it; returns its number."""
    return attended(desk)


def attended(desk: Desk) -> int:
    stranger = desk.office.person("stranger")
    with desk.works.write() as work:
        work.session.add(Grant(person_id=stranger.id, role=Role.AGENT.value, unit_id=stranger.unit_id))
    with desk.office.working("stranger") as (work, who):
        presence.come(work, who, who.unit_id)
        return who.unit_id


def taken(desk: Desk) -> int:
    desk.says("人工")
    with desk.office.working("officer") as (work, who):
        found = work.session.get_one(Conversation, desk.conversation().id)
        acts.take(work, who, found, desk.answering.words)
        return found.id


def hands(desk: Desk, name: str, to: int | None, note: str = NOTE) -> None:
    with desk.office.working(name) as (work, who):
        found = work.session.get_one(Conversation, desk.conversation().id)
        onward.hand(work, who, found, to, note, desk.answering.words, ZONE)


def test_it_waits_at_the_other_desk_with_its_history_and_the_note(desk: Desk, other: int) -> None:
    number = taken(desk)
    hands(desk, "officer", other)
    found = desk.conversation()
    assert (found.id, found.unit_id, found.state, found.agent_id) == (number, other, S.WAITING, None)
    assert (found.waiting_reason, found.waiting_since) == ("forwarded", desk.clock.now())
    wanted = desk.of(PersonWanted)[-1]
    assert (wanted.unit_id, wanted.reason) == (other, "其他单位转来")
    assert desk.of(ConversationChanged)[-1].unit_id in (other, desk.office.bureau.id)
    assert {fact.unit_id for fact in desk.of(ConversationChanged)[-4:]} >= {other, desk.office.bureau.id}
    with desk.works.read() as work:
        lines = store.lines_of(work.session, number)
        assert any(line.side == "citizen" and line.text == "人工" for line in lines)
        assert any(line.side == "note" and NOTE in line.text and "转来" in line.text for line in lines)
        audited = work.session.scalars(select(AuditLine).where(AuditLine.act == "conversation.forwarded")).one()
        assert NOTE in str(audited.details)


def test_the_citizen_is_told_once_where_it_went_and_where_he_stands(desk: Desk, other: int) -> None:
    with desk.works.write() as work:
        work.session.add(
            Conversation(
                unit_id=other,
                channel="portal",
                sender="before",
                engine_session="e",
                state=S.WAITING,
                waiting_since=work.now - timedelta(minutes=1),
                opened_at=work.now,
                heard_at=work.now,
                lines=0,
                failures=0,
            )
        )
    taken(desk)
    before = len(desk.replies("bot"))
    hands(desk, "officer", other)
    told = [row.text for row in desk.replies("bot")[before:]]
    assert len(told) == 1
    with desk.office.working("stranger") as (_work, who):
        assert who.unit_id == other
    assert "已转由" in told[0]
    assert "前面还有 1 位" in told[0]


def test_who_had_it_sees_it_no_more_and_the_others_agent_takes_it(desk: Desk, other: int) -> None:
    number = taken(desk)
    with desk.office.working("officer") as (work, who):
        drafts.keep(work, who, work.session.get_one(Conversation, number), "还没写完")
    hands(desk, "officer", other)
    for act, more in (("take", ()), ("answer", ("您好",)), ("close", ("完了",)), ("transfer", (None, ""))):
        with pytest.raises(NotFound):
            does(desk, "officer", act, *more)
    with desk.office.working("officer") as (work, who):
        assert drafts.of(work.session, who, work.session.get_one(Conversation, number)) is None
    with desk.office.working("stranger") as (work, who):
        acts.take(work, who, work.session.get_one(Conversation, number), desk.answering.words)
    assert desk.conversation().agent_id == desk.office.person("stranger").id


def test_whoever_waits_is_sent_on_too_and_is_called_to_no_more_here(desk: Desk, other: int) -> None:
    desk.says("人工")
    hands(desk, "officer", other)
    assert [fact.unit_id for fact in desk.of(WaitOver)] == [desk.office.bureau.id]
    assert desk.conversation().unit_id == other


def test_only_its_agent_and_who_leads_the_desk_send_it_on(desk: Desk, other: int) -> None:
    taken(desk)
    with pytest.raises(TakenAlready):
        hands(desk, "author", other)
    desk.office.grant("manager", Role.AGENT)
    hands(desk, "manager", other)
    assert desk.conversation().unit_id == other
    with pytest.raises(NotFound):
        hands(desk, "officer", desk.office.bureau.id)


def test_a_shut_desk_and_one_with_nobody_are_refused_with_the_reason(desk: Desk, other: int) -> None:
    taken(desk)
    with desk.office.working("stranger") as (work, who):
        presence.leave(work, who)
    with pytest.raises(DeskUnattended, match="ticket"):
        hands(desk, "officer", other)
    assert "请转工单" in DeskUnattended(unit="甲局").message()
    with desk.works.write() as work:
        set_rule(work, "desk.closes", other, "09:00")
        set_rule(work, "desk.opens", other, "08:00")
    with pytest.raises(DeskShut, match="08:00—09:00"):
        hands(desk, "officer", other)
    found = desk.conversation()
    assert (found.unit_id, found.state) == (desk.office.bureau.id, S.OPEN)


def test_somebody_on_shift_is_there_and_somebody_on_a_break_is_not(desk: Desk, other: int) -> None:
    taken(desk)
    with desk.office.working("stranger") as (work, who):
        shift = Shift(unit_id=other, name="早班", begins="08:00", ends="12:00")
        work.session.add(shift)
        work.session.flush()
        starts, ends = work.now - timedelta(hours=1), work.now + timedelta(hours=3)
        row = Turn(
            unit_id=other, shift_id=shift.id, person_id=who.person_id, day=starts.date(), starts_at=starts, ends_at=ends
        )
        work.session.add(row)
        presence.rest(work, who, other, "用餐")
    with pytest.raises(DeskUnattended):
        hands(desk, "officer", other)
    with desk.office.working("stranger") as (work, who):
        presence.leave(work, who)
    hands(desk, "officer", other)
    assert desk.conversation().unit_id == other


def test_what_cannot_wait_there_stays(desk: Desk, other: int) -> None:
    number = taken(desk)
    for to, note in ((None, NOTE), (desk.office.bureau.id, NOTE), (999, NOTE), (other, "")):
        with pytest.raises(Invalid):
            hands(desk, "officer", to, note)
    with desk.works.write() as work:
        work.session.get_one(Conversation, number).urgent_at = work.now
    with pytest.raises(WrongState):
        hands(desk, "officer", other)
    with desk.works.write() as work:
        found = work.session.get_one(Conversation, number)
        found.urgent_at, found.messages_left = None, 0
    with pytest.raises(NotReachable):
        hands(desk, "officer", other)
    with desk.office.working("officer") as (work, who):
        acts.close(work, who, work.session.get_one(Conversation, number), "完了", desk.answering.words)
    with pytest.raises(WasClosed):
        hands(desk, "officer", other)
    assert desk.conversation().unit_id == desk.office.bureau.id


def test_its_class_is_the_other_units_to_choose(desk: Desk, other: int) -> None:
    number = taken(desk)
    with desk.works.write() as work:
        row = MatterClass(unit_id=desk.office.bureau.id, name="住房")
        work.session.add(row)
        work.session.flush()
        work.session.get_one(Conversation, number).class_id = row.id
    hands(desk, "officer", other)
    assert desk.conversation().class_id is None


def test_while_one_sends_it_on_nobody_here_takes_it(desk_both: Desk) -> None:
    desk = desk_both
    other = attended(desk)
    desk.says("人工")
    number = desk.conversation().id

    def act(name: str) -> str:
        try:
            with desk.office.working(name) as (work, who):
                found = work.session.get_one(Conversation, number)
                if name == "author":
                    acts.take(work, who, found, desk.answering.words)
                else:
                    onward.hand(work, who, found, other, NOTE, desk.answering.words, ZONE)
        except XuandaError:
            return "refused"
        return name

    with ThreadPoolExecutor(2) as pool:
        done = set(pool.map(act, ["officer", "author"]))
    found = desk.conversation()
    assert "refused" in done
    sent = (found.unit_id, found.agent_id) == (other, None)
    kept = (found.unit_id, found.agent_id) == (desk.office.bureau.id, desk.office.person("author").id)
    assert sent if "officer" in done else kept


def test_the_desks_to_choose_from_say_who_is_there(desk: Desk, other: int) -> None:
    taken(desk)
    with desk.office.working("officer") as (work, _who):
        found = onward.desks(work, work.session.get_one(Conversation, desk.conversation().id), ZONE)
    assert [(one.unit_id, one.there, one.waits, one.shut) for one in found] == [(other, 1, 0, "")]
    desk.clock.step(hours=14)
    with desk.office.working("officer") as (work, _who):
        [shut] = onward.desks(work, work.session.get_one(Conversation, desk.conversation().id), ZONE)
    assert "工作日" in shut.shut


def test_whoever_saw_it_here_a_moment_ago_finds_it_gone(desk: Desk, other: int) -> None:
    desk.says("人工")
    hands(desk, "officer", other)
    with desk.office.working("author") as (work, who):
        found = work.session.get_one(Conversation, desk.conversation().id)
        set_committed_value(found, "unit_id", desk.office.bureau.id)
        with pytest.raises(NotFound):
            acts.take(work, who, found, desk.answering.words)
    assert desk.conversation().agent_id is None
