"""转其他单位: a live conversation goes to another unit's desk, with a note, where somebody is there to take it."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select

from bot import desk, expecting, reply, rules, waiting, windows
from bot.casework.reasons import given
from bot.errors import NotReachable
from bot.events import ConversationChanged, WaitOver
from bot.models import Conversation
from bot.reply import Said
from bot.states import ConversationState
from bot.team import drafts, merging, presence, shifts
from bot.team.errors import DeskShut, DeskUnattended
from bot.words import Words
from kernel.errors import Invalid, WrongState
from kernel.office_rules import value_of
from kernel.people import ROLES, Grant, Permission, Unit, Viewer, holders
from kernel.work import Work

S = ConversationState
_ANSWERING = [role for role, permissions in ROLES.items() if Permission.CONVERSATION_ANSWER in permissions]


@dataclass(frozen=True)
class OtherDesk:
    """A unit with a desk: how many are there now, how many wait, and its hours while it is shut ('' else)."""

    unit_id: int
    name: str
    there: int
    waits: int
    shut: str


def desks(work: Work, conversation: Conversation, zone: ZoneInfo) -> list[OtherDesk]:
    """The desks of other units, in the order of the tree: where somebody is named to answer citizens."""
    lasts = or_(Grant.ends_at.is_(None), Grant.ends_at > work.now)
    named = select(Grant.unit_id).where(Grant.role.in_(_ANSWERING), lasts)
    query = select(Unit).where(Unit.id.in_(named), Unit.id != conversation.unit_id).order_by(Unit.path)
    return [
        OtherDesk(unit.id, unit.name, len(_there(work, unit.id)), _waits(work, unit.id), _shut(work, unit.id, zone))
        for unit in work.session.scalars(query)
    ]


def hand(
    work: Work, who: Viewer, conversation: Conversation, to: int | None, note: str, words: Words, zone: ZoneInfo
) -> Unit:
    """Puts a conversation into another unit's queue; its own desk sees no more of it than that unit lets it.

    Refused while that desk is shut or nobody is there: a ticket goes there at any hour, with a deadline.
    """
    came_from = work.session.get_one(Unit, conversation.unit_id)
    desk.hold_to_pass(work, who, conversation)
    _must_reach(work, conversation)
    unit = work.session.get(Unit, to) if to is not None else None
    if unit is None or unit.id == came_from.id:
        raise Invalid(field="to", why="请选择另一个单位。")
    note = given(note, "交给对方的说明", "note")
    shut = _shut(work, unit.id, zone)
    if shut:
        raise DeskShut(field="to", unit=unit.name, hours=shut)
    if not _there(work, unit.id):
        raise DeskUnattended(field="to", unit=unit.name)
    # In the log of the unit that lets it go; the one that gets it has the line that it waits.
    work.audit("conversation.forwarded", conversation, came_from=came_from.name, to=unit.name, reason=note)
    _move(work, conversation, unit)
    reply.book(work, conversation, "note", Said(f"{who.name}（{came_from.name}）转来：{note}"), person_id=who.person_id)
    work.emit(ConversationChanged(conversation.id, came_from.id))
    _tell(work, conversation, unit, words)
    return unit


def _must_reach(work: Work, conversation: Conversation) -> None:
    """What waits nowhere, or must not wait, stays where it is."""
    if conversation.merged_into_id is not None:
        raise WrongState(state="已并入另一会话", act="单独转给其他单位，请先拆分，或转主会话")
    if conversation.urgent_at is not None and conversation.acknowledged_at is None:
        raise WrongState(state="有未处置的紧急情况", act="转给其他单位，请先处置")
    why = windows.hindrance(conversation, work.now)
    if why:
        raise NotReachable(why=why)


def _move(work: Work, conversation: Conversation, unit: Unit) -> None:
    if conversation.state == S.WAITING:
        work.emit(WaitOver(conversation.id, conversation.unit_id))
    together = [conversation, *merging.history(work.session, conversation.id)]
    drafts.drop_all(work, [one.id for one in together])
    for one in together:
        # Classes are each unit's own.
        one.unit_id, one.class_id = unit.id, None
    work.session.flush()
    waiting.queue(work, conversation, "forwarded")


def _tell(work: Work, conversation: Conversation, unit: Unit, words: Words) -> None:
    # Whoever was in danger waits behind nobody.
    danger = conversation.waiting_reason == "danger"
    ahead = 0 if danger else waiting.ahead_of(work, conversation)
    expected = 0 if danger else expecting.minutes(work.session, unit.id, ahead, work.now)
    hotline = str(value_of(work.session, rules.HOTLINE, unit.id, work.now))
    told = words.say(
        "forwarded", unit=unit.name, ahead=ahead, expected=expected, longest=expecting.LONGEST, hotline=hotline
    )
    reply.tell(work, conversation, told, leaves=1)


def _there(work: Work, unit_id: int) -> set[int]:
    """Who is at a desk and may answer there: said so, or is on shift and not on a break."""
    resting = {one.person_id for one in presence.of_unit(work.session, unit_id) if one.state == presence.BREAK}
    here = {*presence.present(work.session, unit_id), *shifts.on_now(work.session, unit_id, work.now)} - resting
    return here & set(holders(work.session, Permission.CONVERSATION_ANSWER, unit_id, work.now)) if here else here


def _waits(work: Work, unit_id: int) -> int:
    query = select(func.count(Conversation.id)).where(Conversation.unit_id == unit_id, Conversation.state == S.WAITING)
    return work.session.scalar(query) or 0


def _shut(work: Work, unit_id: int, zone: ZoneInfo) -> str:
    hours = rules.hours_of(work.session, unit_id, zone, work.now)
    return "" if hours.open_at(work.now) else hours.words
