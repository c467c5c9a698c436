"""The recurring duties of people at the desk: shifts that end, breaks that are too long, fair assignment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot import desk
from bot.models import Conversation
from bot.states import ConversationState
from bot.team import handover, left_alone, presence, shifts, topics
from bot.words import Words
from kernel.errors import XuandaError
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission, Person, holders, viewer
from kernel.work import Work, Works

S = ConversationState
BATCH = 100
ASSIGN = declare(Rule("desk.assign", False, "等待的市民自动分配给在岗坐席（会话最少者先）"))
MOST_OPEN = declare(Rule("desk.most_open", 5, "自动分配时一名坐席最多同时接待几人", number_between(1, 50)))


@dataclass
class TeamWatch:
    """One look at everybody at the desks; each step is a work of its own."""

    works: Works
    words: Words
    zone: ZoneInfo

    def round(self) -> None:
        """Shifts that end first, so that nobody is assigned to somebody who has gone."""
        for step in (self.end_turns, presence.tell_long_breaks, self.look_after, self.assign):
            with self.works.write() as work:
                step(work)

    def end_turns(self, work: Work) -> None:
        """What somebody has whose shift is over goes to the next."""
        handover.end_turns(work, self.words, self.zone)

    def look_after(self, work: Work) -> None:
        """Whoever is left alone by his agent is not forgotten."""
        left_alone.look_after(work, self.words, self.zone)

    def assign(self, work: Work) -> None:
        """Danger first, then who waits longest goes to whoever has fewest, where the office wants it so.

        Nobody gets more than fits.
        """
        query = select(Conversation).where(Conversation.state == S.WAITING)
        danger_first = case((Conversation.waiting_reason == "danger", 0), else_=1)
        query = query.order_by(danger_first, Conversation.waiting_since, Conversation.id).limit(BATCH)
        for conversation in work.session.scalars(query.with_for_update(skip_locked=True)):
            if not value_of(work.session, ASSIGN, conversation.unit_id, work.now):
                continue
            person_id = next_agent(work, conversation)
            if person_id is None:
                continue
            who = viewer(work.session, work.session.get_one(Person, person_id), work.now)
            try:
                desk.assign(work, who, conversation, self.words)
            except XuandaError:  # Somebody took it in this moment: it is answered.
                continue


def next_agent(work: Work, conversation: Conversation) -> int | None:
    """Of those who are there, whoever has fewest open conversations and room for one more.

    Who knows the topic comes first, and for a while alone.
    """
    there = available(work, conversation.unit_id)
    knowing = topics.first_for(work, conversation, there)
    if knowing and topics.is_kept(work, conversation):
        there = knowing
    loads = loads_of(work.session, there)
    most = int(value_of(work.session, MOST_OPEN, conversation.unit_id, work.now))
    free = [one for one in there if loads[one] < most]
    return min(free, key=lambda one: (one not in knowing, loads[one], one), default=None)


def available(work: Work, unit_id: int) -> list[int]:
    """Who may answer in the unit, is at the desk and, where today is planned, on shift."""
    may = set(holders(work.session, Permission.CONVERSATION_ANSWER, unit_id, work.now))
    there = [one for one in presence.present(work.session, unit_id) if one in may]
    on = set(shifts.on_now(work.session, unit_id, work.now))
    return [one for one in there if one in on] if on else there


def loads_of(session: Session, people: list[int]) -> Counter[int]:
    """How many conversations each of these people has open."""
    query = (
        select(Conversation.agent_id, func.count(Conversation.id))
        .where(Conversation.agent_id.in_(people), Conversation.state == S.OPEN, Conversation.merged_into_id.is_(None))
        .group_by(Conversation.agent_id)
    )
    return Counter({agent: count for agent, count in session.execute(query) if agent is not None})
