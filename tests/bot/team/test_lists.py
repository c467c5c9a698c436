"""The desk's lists read for many people at once are those that each of them reads alone."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select

from bot import lists, waiting
from bot.lists import Looker
from bot.models import Conversation
from bot.states import ConversationState
from bot.team import presence, topics
from kernel.people import Person, Role, viewer
from tests.bot.conftest import Desk

S = ConversationState
NAMES = ("officer", "author", "reviewer", "signer")
TOPICS = ("", "户籍", "社保")


@pytest.fixture
def crowd(desk_both: Desk) -> list[Looker]:
    """Four agents of a desk at which half a hundred wait and as many are being answered."""
    desk, dice = desk_both, random.Random(5)  # noqa: S311  # A crowd, no secret.
    unit = desk.office.bureau.id
    for name in NAMES[2:]:
        desk.office.grant(name, Role.AGENT)
    people = [desk.office.person(name).id for name in NAMES]
    with desk.works.write() as work:
        topics.keep(work, unit, people[0], TOPICS[1:2])
        topics.keep(work, unit, people[1], TOPICS[1:])
        for number in range(110):
            state = dice.choice((S.WAITING, S.WAITING, S.OPEN, S.SNOOZED, S.BOT))
            danger = dice.random() < 0.1
            moment = work.now - timedelta(seconds=dice.randrange(400))
            work.session.add(
                Conversation(
                    unit_id=unit, channel="portal", sender=f"visitor-{number:04}", engine_session=str(number),
                    state=state, lines=0, opened_at=moment, heard_at=moment, topic=dice.choice(TOPICS),
                    waiting_since=moment if state == S.WAITING else None,
                    agent_id=dice.choice(people) if state in (S.OPEN, S.SNOOZED) else None,
                    urgent_at=moment if danger else None,
                    acknowledged_at=moment if danger and dice.random() < 0.3 else None,
                )
            )  # fmt: skip
    for name in NAMES[:2]:
        with desk.office.working(name) as (work, who):
            presence.come(work, who, unit)
    with desk.works.read() as work:
        people_here = [work.session.get_one(Person, person) for person in people]
        return [lists.looker(viewer(work.session, one, work.now)) for one in people_here]


def test_together_is_what_each_sees_alone(desk_both: Desk, crowd: list[Looker]) -> None:
    with desk_both.works.read() as work:
        together = lists.lists_for(work.session, crowd, work.now)
        alone = {one: lists.lists_for(work.session, [one], work.now)[one] for one in crowd}
    assert together == alone
    first, second, *_rest = crowd
    assert [row.conversation.id for row in together[first].waiting] != [
        row.conversation.id for row in together[second].waiting
    ]
    for seen in together.values():
        assert len(seen.waiting) == lists.MOST_SHOWN < seen.waits
        assert seen.mine
    assert sum(len(seen.mine) for seen in together.values()) == together[first].others + len(together[first].mine)


def test_what_is_too_much_to_look_through_is_read_alone(
    desk_both: Desk, crowd: list[Looker], monkeypatch: pytest.MonkeyPatch
) -> None:
    with desk_both.works.read() as work:
        before = lists.lists_for(work.session, crowd, work.now)
        whole = lists._whole(work.session, crowd, work.now)
        assert whole is not None
        assert len(whole.waiting) > lists.MOST_SHOWN
        monkeypatch.setattr(lists, "MOST_TOGETHER", 5)
        assert lists._whole(work.session, crowd, work.now) is None
        assert lists.lists_for(work.session, crowd, work.now) == before


@pytest.mark.parametrize("shown", [1, 3, 10, 200])
def test_how_many_are_shown_does_not_matter(
    desk_both: Desk, crowd: list[Looker], monkeypatch: pytest.MonkeyPatch, shown: int
) -> None:
    """Of what is held no more is read than is shown: the first of it may be one's own, all of them."""
    monkeypatch.setattr(lists, "MOST_SHOWN", shown)
    with desk_both.works.write() as work:
        held = work.session.scalars(select(Conversation).where(Conversation.agent_id.is_not(None)))
        for place, row in enumerate(held.all()):
            if place < 25:
                row.agent_id = crowd[0].person_id
    with desk_both.works.read() as work:
        together = lists.going_on_for(work.session, crowd, work.now)
        for one in crowd:
            assert together[one] == lists.going_on(work.session, one, work.now, most=shown)
            assert len(together[one].team) == min(shown, together[one].others)


@pytest.mark.parametrize("few", [S.WAITING, S.OPEN])
def test_what_is_counted_is_right_where_one_list_is_short_and_the_other_long(
    desk_both: Desk, crowd: list[Looker], monkeypatch: pytest.MonkeyPatch, few: ConversationState
) -> None:
    monkeypatch.setattr(lists, "MOST_SHOWN", 5)
    gone = (S.WAITING,) if few == S.WAITING else (S.OPEN, S.SNOOZED)
    with desk_both.works.write() as work:
        for row in work.session.scalars(select(Conversation).where(Conversation.state.in_(gone))).all()[2:]:
            row.state, row.urgent_at = S.CLOSED, None
        for row in work.session.scalars(select(Conversation).where(Conversation.state == S.BOT)):
            row.urgent_at = None
    with desk_both.works.read() as work:
        together = lists.going_on_for(work.session, crowd, work.now)
        for one in crowd:
            assert together[one] == lists.going_on(work.session, one, work.now, most=5)


def test_who_sees_other_units_sees_no_more_than_before(desk_both: Desk, crowd: list[Looker]) -> None:
    outside = crowd[0]._replace(units=frozenset({999_999}))
    with desk_both.works.read() as work:
        found = lists.lists_for(work.session, [*crowd, outside], work.now)
    assert found[outside] == lists.Lists([], [], [], 0, 0)
    assert found[crowd[0]].waiting


def test_more_who_look_ask_no_more(desk_both: Desk, crowd: list[Looker]) -> None:
    asked: list[str] = []
    event.listen(desk_both.works.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    counts = []
    for many in (2, 4):
        asked.clear()
        with desk_both.works.read() as work:
            lists.lists_for(work.session, crowd[:many], work.now)
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, _moment: setattr(rows[0], "lines", rows[0].lines + 1),
        lambda rows, _moment: setattr(rows[0], "state", S.SNOOZED),
        lambda rows, _moment: setattr(rows[0], "state", S.CLOSED),
        lambda rows, _moment: swap(rows[0], rows[1], "agent_id"),
        lambda rows, _moment: swap(rows[0], rows[1], "lines"),
        lambda rows, moment: setattr(rows[0], "acknowledged_at", moment),
    ],
    ids=["a line", "snoozed", "closed", "two swap their agents", "two swap their lines", "danger seen to"],
)
def test_whatever_changes_in_the_lists_changes_their_marks(
    desk_both: Desk, crowd: list[Looker], change: Callable[[list[Conversation], datetime], None]
) -> None:
    """In sums that belong to each conversation's number: a gain of one does not hide another's loss."""
    desk = desk_both
    who = desk.agent()
    with desk.works.write() as work:
        before = lists.marks(work.session, who)
        assert lists.marks(work.session, who) == before
        assert before.going_on > 50
        held = work.session.scalars(select(Conversation).where(Conversation.state == S.OPEN).order_by(Conversation.id))
        rows = held.all()
        first = next(row for row in rows if row.urgent_at is None)
        other = next(row for row in rows if row.agent_id != first.agent_id)
        first.urgent_at, other.lines = work.now, 3
        work.session.flush()
        alarmed = lists.marks(work.session, who)
        change([first, other], work.now)
        work.session.flush()
        assert lists.marks(work.session, who) != alarmed


def swap(one: Conversation, other: Conversation, name: str) -> None:
    mine, its = getattr(one, name), getattr(other, name)
    setattr(one, name, its)
    setattr(other, name, mine)


def test_a_place_in_the_queue_is_counted_at_its_own_desk_alone(desk_both: Desk, crowd: list[Looker]) -> None:
    """As somebody would count who has all of them before him; who does not wait has none before him."""
    desk = desk_both
    with desk.works.write() as work:
        moved = work.session.scalars(select(Conversation).where(Conversation.state == S.WAITING)).all()[::3]
        for row in moved:
            row.unit_id = desk.office.city.id
        work.session.flush()
        rows = work.session.scalars(select(Conversation)).all()
        found = waiting.marks(work.session, [row.id for row in rows])
        for row in rows:
            before = [
                one
                for one in rows
                if one.state == row.state == S.WAITING
                and one.unit_id == row.unit_id
                and one.waiting_since is not None
                and row.waiting_since is not None
                and one.waiting_since < row.waiting_since
            ]
            assert found[row.id] == (row.state, row.lines, len(before))
    assert len({mark[2] for mark in found.values()}) > 10
