"""Conversations and tickets for the routes of the live desk, and the routes whose proof is a token or a signature."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from bot import gateway, reply, tickets
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import ConversationState, ReplyState
from kernel.people import Person, Unit
from kernel.work import Work
from tests.house.target import Target


def a_conversation(work: Work, unit: Unit) -> Target:
    """A citizen who waits for a person of the unit, with what any act of the desk needs."""
    number = work.session.query(Conversation).count()
    conversation = gateway.begin(work, unit_id=unit.id, account_id=None, channel="portal", sender=f"probe-{number}")
    conversation.state, conversation.waiting_since = ConversationState.WAITING, work.now
    form = {"text": "请带身份证。", "summary": "已告知", "minutes": "30", "kind": "咨询"}
    return Target({"conversation_id": conversation.id}, form=form)


def a_lost_reply(work: Work, unit: Unit) -> Target:
    """A reply of a conversation in the unit that did not arrive; the asker of the probe holds the conversation."""
    target = a_conversation(work, unit)
    conversation = work.session.get_one(Conversation, target.params["conversation_id"])
    agent = work.session.query(Person).filter(Person.login == "north-agent").one_or_none()
    conversation.state = ConversationState.OPEN
    conversation.agent_id = agent.id if agent else None
    booked = reply.book(work, conversation, "agent", Said("请带身份证。"))
    booked.state = ReplyState.UNKNOWN
    return Target(target.params, form={"reply_id": str(booked.id)})


def a_ticket(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that waits for its answer."""
    zone = ZoneInfo("Asia/Shanghai")
    made = tickets.make(work, unit_id=unit.id, kind="咨询", text="路灯坏了三天", zone=zone)
    return Target({"ticket_id": made.id}, form={"text": "已修复。"})


def an_answered_ticket(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that was answered and may be closed."""
    target = a_ticket(work, unit)
    tickets.answer(work, work.session.get_one(Ticket, target.params["ticket_id"]), "已修复。")
    return target


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/desk/{conversation_id}": a_conversation,
    **{
        f"/console/desk/{{conversation_id}}/{act}": a_conversation
        for act in (
            "talk",
            "suggestions",
            "take",
            "answer",
            "note",
            "transfer",
            "snooze",
            "acknowledge",
            "ticket",
            "close",
        )
    },
    "/console/desk/{conversation_id}/again": a_lost_reply,
    "/console/tickets/{ticket_id}": a_ticket,
    "/console/tickets/{ticket_id}/answer": a_ticket,
    "/console/tickets/{ticket_id}/close": an_answered_ticket,
}

OF_NOBODY: dict[str, str] = {
    **{
        f"/chat/{{conversation_id}}/{act}": "the session's own token is the proof, not a unit"
        for act in ("messages", "lines", "events", "end", "rating")
    },
    "/callbacks/wechat/{code}": "the platform's signature over the account's own token is the proof",
}
