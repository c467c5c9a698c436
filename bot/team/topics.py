"""专长: which topics an agent knows, and whose turn a citizen is who asked about one of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, bindparam, case, delete, exists, select
from sqlalchemy.orm import Session

from bot import knowledge, store
from bot.models import Conversation
from bot.team import presence
from bot.team.models import AgentTopic, Presence
from kernel.errors import Invalid
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission, Person, holders
from kernel.typed import tidy
from kernel.work import Work

LONGEST, MOST = 40, 20
FIRST = declare(
    Rule("desk.topic_minutes", 3, "有专长坐席在岗时，市民先等专长坐席几分钟，之后谁都可以接", number_between(0, 60))
)


def asked_about(work: Work, conversation: Conversation, suggested: Sequence[int] = ()) -> str:
    """The theme of what is `suggested` now, was last, or was answered last; '' where it is known of none."""
    pieces = [int(one) for one in (*suggested, *conversation.choices) if one]
    last = store.last_source(work.session, conversation.id, conversation.lines + 1)
    for piece in [*pieces, *([last] if last else [])]:
        theme = knowledge.theme_of(work.session, piece, work.now)
        if theme:
            return theme[:LONGEST]
    return ""


def keep(work: Work, unit_id: int, person_id: int, topics: Sequence[str]) -> list[str]:
    """From now on these are an agent's topics at a unit's desk; raises Invalid."""
    if person_id not in holders(work.session, Permission.CONVERSATION_ANSWER, unit_id, work.now):
        raise Invalid(field="person", why="请选择本单位的坐席。")
    wanted = list(dict.fromkeys(topic for one in topics if (topic := tidy(one).strip())))
    if len(wanted) > MOST or any(len(one) > LONGEST for one in wanted):
        raise Invalid(field="topics", why=f"最多 {MOST} 个专长，每个不超过 {LONGEST} 字。")
    # Two at once are one after the other.
    person = work.session.scalars(select(Person).where(Person.id == person_id).with_for_update()).one()
    work.session.execute(delete(AgentTopic).where(AgentTopic.unit_id == unit_id, AgentTopic.person_id == person_id))
    work.session.add_all([AgentTopic(unit_id=unit_id, person_id=person_id, topic=one) for one in wanted])
    work.session.flush()
    work.audit("person.topics_changed", person, unit=unit_id, topics=wanted)
    return wanted


def of_unit(session: Session, unit_id: int) -> Mapping[int, list[str]]:
    """Who knows what at a unit's desk."""
    found: dict[int, list[str]] = {}
    query = select(AgentTopic.person_id, AgentTopic.topic).where(AgentTopic.unit_id == unit_id)
    for person_id, topic in session.execute(query.order_by(AgentTopic.id)):
        found.setdefault(person_id, []).append(topic)
    return found


def first_for(work: Work, conversation: Conversation, there: Sequence[int]) -> list[int]:
    """Those there who know the topic of somebody who waits; danger has none."""
    if not conversation.topic or conversation.waiting_reason == "danger":
        return []
    query = select(AgentTopic.person_id).where(
        AgentTopic.unit_id == conversation.unit_id,
        AgentTopic.topic == conversation.topic,
        AgentTopic.person_id.in_(there),
    )
    return list(work.session.scalars(query))


def is_kept(work: Work, conversation: Conversation) -> bool:
    """Whether he waits for those who know his topic alone."""
    minutes = float(value_of(work.session, FIRST, conversation.unit_id, work.now))
    return (conversation.waiting_since or work.now) > work.now - timedelta(minutes=minutes)


def first_since(session: Session, unit_id: int, now: datetime) -> datetime:
    """Whoever began to wait later than this is a present colleague's by his topic, where he is `KEPT`."""
    return now - timedelta(minutes=float(value_of(session, FIRST, unit_id, now)))


def known_by(session: Session, people: Collection[int]) -> Mapping[int, set[tuple[int, str]]]:
    """What these people know, as desks and topics."""
    found: dict[int, set[tuple[int, str]]] = {person: set() for person in people}
    for person, unit, topic in session.execute(_KNOWN_BY, {"people": list(people)}):
        found[person].add((unit, topic))
    return found


_known = exists().where(AgentTopic.unit_id == Conversation.unit_id, AgentTopic.topic == Conversation.topic)
_at_the_desk = exists().where(
    Presence.person_id == AgentTopic.person_id, Presence.ended_at.is_(None), Presence.state == presence.ON
)
# Whoever began to wait after `since` and is by his topic somebody's who is there.
KEPT: ColumnElement[bool] = and_(
    Conversation.topic != "",
    Conversation.waiting_since > bindparam("since"),
    _known.where(_at_the_desk.correlate(AgentTopic)),
)
# 1 for whoever is kept, and not for the agent `me`.
LATER: ColumnElement[int] = case((KEPT & ~_known.where(AgentTopic.person_id == bindparam("me")), 1), else_=0)
_KNOWN_BY = select(AgentTopic.person_id, AgentTopic.unit_id, AgentTopic.topic).where(
    AgentTopic.person_id.in_(bindparam("people", expanding=True))
)
