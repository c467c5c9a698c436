"""The invented year fits the tables and the desk's lists, which cost the same few queries whatever their length."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from bench.conversations import copy_year, log_in
from bot import lists
from bot.models import Conversation, InboundMessage
from hub.db import open_database
from kernel.clock import StillClock
from kernel.people import Person, Role, add_unit, viewer
from kernel.work import Works


@pytest.mark.postgresql
def test_the_lists_take_as_many_queries_for_twenty_as_for_two(postgres_url: str, clock: StillClock) -> None:
    engine = open_database(postgres_url)
    works = Works(engine, clock)
    with works.write() as work:
        unit = add_unit(work.session, "某市新闻办", "bench").id
    agents = log_in(works, unit, Role.AGENT, 2)
    going_on = copy_year(works, unit, None, 40, agents)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *about: asked.append(about[2]))
    with works.read() as work:
        who = viewer(work.session, work.session.get_one(Person, agents[0].person_id), work.now)
        found = (whole := lists.going_on(work.session, lists.looker(who), work.now)).shown
        cut = lists.going_on(work.session, lists.looker(who), work.now, 1)
        assert [len(one) for one in (cut.waiting, cut.team)] == [1, 1]
        assert (cut.mine, cut.waits, cut.others) == (whole.mine, len(whole.waiting), len(whole.team))
        assert min(cut.waits, cut.others) > 1
        assert sorted(one.id for one in found) == going_on
        assert len(going_on) == 20
        asked.clear()
        ends = [found[0], found[-1]]  # Somebody who waits, and somebody whom an agent has.
        few = lists.rows_of(work.session, ends)
        queries = len(asked)
        rows = lists.rows_of(work.session, found)
        assert len(asked) == 2 * queries
        assert [row.conversation.id for row in few] == [one.id for one in ends]
        assert lists.marks(work.session, who).going_on == len(going_on)
        for row in rows:
            one = row.conversation
            last = select(InboundMessage.text).where(InboundMessage.conversation_id == one.id)
            assert row.words == work.session.scalars(last.order_by(InboundMessage.number.desc()).limit(1)).one()
            assert row.title == one.sender[-6:]
            assert bool(row.agent) == (one.agent_id is not None)
            assert not row.unread  # The bot said the last word.
        work.session.expunge_all()
    with works.write() as work:
        heard = select(InboundMessage).where(InboundMessage.conversation_id == going_on[0], InboundMessage.number == 9)
        work.session.scalars(heard).one().kind = "voice"
        work.session.get_one(Conversation, going_on[0]).lines = 9
    with works.read() as work:
        (row,) = lists.rows_of(work.session, [work.session.get_one(Conversation, going_on[0])])
    assert row.unread
    assert row.words.startswith("[语音]")
    engine.dispose()
