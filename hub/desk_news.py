"""Who is told what about people at the desk: who waits, danger, shifts that end, long breaks, hand-overs."""

from __future__ import annotations

from datetime import timedelta

from bot.events import (
    BreakTooLong,
    ConversationAssigned,
    ConversationChanged,
    DangerHeard,
    DangerSeen,
    HandedOver,
    PersonWanted,
    PresenceChanged,
    ShiftEnds,
    TicketDanger,
    WaitOver,
    WindowEnds,
)
from bot.models import Conversation, Ticket
from bot.publishing import mask
from bot.states import ConversationState
from bot.team import presence, shifts
from bot.team.rounds import TeamWatch
from hub.live import desk_topic
from hub.product import Hub
from hub.reception import Incoming
from kernel.duties import Duty
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission, ancestors, holders
from kernel.work import Work

P = Permission
SHIFTS = "/console/shifts"
# Notices that call somebody to a conversation: an act on it makes them no longer true.
WAITING, ASSIGNED, WINDOW_ENDS = "conversation.waiting", "conversation.assigned", "conversation.window_ends"
DANGER = "conversation.danger"
CALLS = (WAITING, ASSIGNED, WINDOW_ENDS)
OVERFLOW = declare(
    Rule("desk.overflow_minutes", 6, "市民等待多少分钟后除当班坐席外再通知全体坐席和班长", number_between(1, 240))
)


def connect(hub: Hub, incoming: Incoming) -> None:
    """Listens to what happens at the desks, and adds their duty."""
    listeners = hub.listeners
    listeners.in_work(PersonWanted, lambda work, fact: _wanted(hub, work, fact))
    listeners.in_work(WaitOver, lambda work, fact: _wait_over(hub, work, fact))
    listeners.in_work(ConversationAssigned, lambda work, fact: _assigned(hub, work, fact))
    listeners.in_work(DangerHeard, lambda work, fact: _danger(hub, work, fact))
    listeners.in_work(DangerSeen, lambda work, fact: _danger_seen(hub, work, fact))
    listeners.in_work(TicketDanger, lambda work, fact: _ticket_danger(hub, work, fact))
    listeners.in_work(WindowEnds, lambda work, fact: _window_ends(hub, work, fact))
    listeners.in_work(ShiftEnds, lambda work, fact: _shift_ends(hub, work, fact))
    listeners.in_work(BreakTooLong, lambda work, fact: _too_long(hub, work, fact))
    listeners.in_work(HandedOver, lambda work, fact: _handed_over(hub, work, fact))
    listeners.in_work(
        PresenceChanged, lambda work, fact: incoming.relay.told(work, [ConversationChanged(0, fact.unit_id)])
    )
    listeners.after(PresenceChanged, lambda fact: incoming.live.tell(desk_topic(fact.unit_id)))
    team = TeamWatch(hub.works, incoming.words, hub.settings.office_zone)
    hub.duties.append(Duty("desk.team", timedelta(seconds=15), team.round, timedelta(minutes=1)))


def everybody(work: Work, unit_id: int) -> list[int]:
    """Who answers citizens of this unit; where nobody does, whoever does in the nearest unit above."""
    for one in ancestors(work.session, unit_id):
        people = holders(work.session, P.CONVERSATION_ANSWER, one, work.now)
        if people:
            return people
    return []


def on_duty(work: Work, unit_id: int) -> list[int]:
    """Of those, whoever is on shift and not on a break; everybody where nobody is, or no shift is planned."""
    people = everybody(work, unit_id)
    resting = {one.person_id for one in presence.of_unit(work.session, unit_id) if one.state == presence.BREAK}
    on = set(shifts.on_now(work.session, unit_id, work.now)) - resting
    return [one for one in people if one in on] or people


def _wanted(hub: Hub, work: Work, fact: PersonWanted) -> None:
    conversation = work.session.get_one(Conversation, fact.conversation_id)
    answered_by = conversation.agent_id if conversation.state == ConversationState.OPEN else None
    if answered_by:
        people = {answered_by}
    else:
        people = set(on_duty(work, fact.unit_id))
        longest = timedelta(minutes=float(value_of(work.session, OVERFLOW, fact.unit_id, work.now)))
        if work.now - (conversation.waiting_since or work.now) >= longest:
            people |= {
                *everybody(work, fact.unit_id),
                *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now),
            }
    hub.notifier.tell(
        work,
        people,
        WAITING,
        f"市民等待{'答复' if answered_by else '接入'}：{fact.reason}",
        fact.words,
        f"/console/desk/{fact.conversation_id}",
        f"conversation.{fact.conversation_id}.waiting.{work.now:%Y%m%d%H%M%S}",
    )


def _wait_over(hub: Hub, work: Work, fact: WaitOver) -> None:
    hub.notifier.settle(work, f"/console/desk/{fact.conversation_id}", CALLS)


def _assigned(hub: Hub, work: Work, fact: ConversationAssigned) -> None:
    hub.notifier.tell(
        work,
        [fact.agent_id],
        ASSIGNED,
        f"已分配给您一位市民：{fact.reason}",
        fact.words,
        f"/console/desk/{fact.conversation_id}",
        f"conversation.{fact.conversation_id}.assigned.{work.now:%Y%m%d%H%M%S}",
    )


def _danger(hub: Hub, work: Work, fact: DangerHeard) -> None:
    answering = on_duty(work, fact.unit_id) if fact.round == 1 else everybody(work, fact.unit_id)
    people = {*answering, *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now)}
    again = f"（第 {fact.round} 次告警）" if fact.round > 1 else ""
    hub.notifier.tell(
        work,
        people,
        DANGER,
        f"紧急：市民提到“{fact.word}”{again}",
        f"{fact.words} 请立即接入并按预案处置；接入或点“已处置”后停止告警。",
        f"/console/desk/{fact.conversation_id}",
        f"conversation.{fact.conversation_id}.danger.{fact.round}.{work.now:%Y%m%d%H%M}",
    )


def _danger_seen(hub: Hub, work: Work, fact: DangerSeen) -> None:
    hub.notifier.settle(work, f"/console/desk/{fact.conversation_id}", (DANGER,))


def _ticket_danger(hub: Hub, work: Work, fact: TicketDanger) -> None:
    """A form, the hotline or a file brought words of danger: whoever is on duty hears of it as from a conversation."""
    ticket = work.session.get_one(Ticket, fact.ticket_id)
    people = {
        *everybody(work, fact.unit_id),
        *holders(work.session, P.TICKET_ACT, fact.unit_id, work.now),
        *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now),
    }
    again = f"（第 {fact.round} 次告警）" if fact.round > 1 else ""
    hub.notifier.tell(
        work,
        people,
        "ticket.danger",
        f"紧急：工单 {fact.number} 提到“{fact.word}”{again}",
        f"{mask(ticket.text)[:200]} 请立即按预案处置：联系本人或公安、消防、急救；点“已处置”后停止告警。",
        f"/console/tickets/{fact.ticket_id}",
        f"ticket.{fact.ticket_id}.danger.{fact.round}",
    )


def _window_ends(hub: Hub, work: Work, fact: WindowEnds) -> None:
    until = fact.until.astimezone(hub.settings.office_zone)
    hub.notifier.tell(
        work,
        [fact.agent_id] if fact.agent_id else on_duty(work, fact.unit_id),
        WINDOW_ENDS,
        f"{until:%m-%d %H:%M} 后平台不再允许答复这位市民",
        "请在此之前答复，或转工单。",
        f"/console/desk/{fact.conversation_id}",
        f"conversation.{fact.conversation_id}.window.{until:%Y%m%d%H%M}",
    )


def _shift_ends(hub: Hub, work: Work, fact: ShiftEnds) -> None:
    ends = fact.ends_at.astimezone(hub.settings.office_zone)
    if fact.over:
        title = f"您的班次已结束，{fact.conversations} 个会话已交给下一班"
        text = "会话内容和历史都在，可在交接班中补写说明。"
    else:
        title = f"您的班次 {ends:%H:%M} 结束，还有 {fact.conversations} 个会话"
        text = "请办结，或写明情况后交班；到点未交的会话将自动交给下一班。"
    hub.notifier.tell(
        work, [fact.person_id], "shift.ends", title, text, f"{SHIFTS}/handover", f"shift.{fact.turn_id}.{fact.over}"
    )


def _too_long(hub: Hub, work: Work, fact: BreakTooLong) -> None:
    people = {fact.person_id, *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now)}
    hub.notifier.tell(
        work,
        people,
        "presence.too_long",
        f"{fact.name}小休超时（{fact.reason}）",
        "请回到岗位并点“上岗”，或办理离岗。",
        SHIFTS,
        f"presence.{fact.presence_id}",
    )


def _handed_over(hub: Hub, work: Work, fact: HandedOver) -> None:
    people = [fact.to_id] if fact.to_id else on_duty(work, fact.unit_id)
    hub.notifier.tell(
        work,
        [one for one in people if one != fact.from_id],
        "shift.handed_over",
        f"{fact.name}交班：{fact.conversations} 个会话",
        "请查看交接说明并接班。",
        SHIFTS,
        f"handover.{fact.handover_id}",
    )
