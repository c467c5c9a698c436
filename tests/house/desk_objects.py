"""What people at the live desk keep among themselves, for the routes that have it in their address."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from bot.models import Conversation, Ticket
from bot.states import ConversationState
from bot.team import presence
from bot.team.models import Handover, MatterClass, Presence, QuickReply, Shift, Turn
from kernel.people import Grant, Person, Role, Unit, add_unit
from kernel.work import Work
from tests.house.citizen_objects import a_conversation, a_ticket
from tests.house.target import Target


def a_quick_reply(work: Work, unit: Unit) -> Target:
    """Ready words of the unit that wait for their approval."""
    row = QuickReply(unit_id=unit.id, title="问候", code="wh", text="您好。", made_at=work.now)
    work.session.add(row)
    work.session.flush()
    words = {"title": "问候", "code": "wh", "text": "您好！"}
    return Target({"quick_id": row.id}, form=words, json=words)


def a_shift(work: Work, unit: Unit) -> Target:
    """A shift of the unit with somebody on tomorrow."""
    person = Person(unit_id=unit.id, name="坐席", login=f"on-{secrets.token_hex(4)}")
    shift = Shift(unit_id=unit.id, name="早班", begins="09:00", ends="12:00")
    work.session.add_all([person, shift])
    work.session.flush()
    starts = work.now + timedelta(days=1)
    turn = Turn(
        unit_id=unit.id, shift_id=shift.id, person_id=person.id, day=starts.date(), starts_at=starts,
        ends_at=starts + timedelta(hours=3),
    )  # fmt: skip
    work.session.add(turn)
    work.session.flush()
    agent = work.session.query(Person).filter(Person.login == "north-agent").one_or_none()
    day = str(starts.date() + timedelta(days=1))
    json = {"people": [agent.id if agent else person.id], "first": day, "last": day, "workdays_only": False}
    return Target({"shift_id": shift.id, "turn_id": turn.id}, json=json)


def a_handover(work: Work, unit: Unit) -> Target:
    """What somebody of the unit handed over and nobody has taken."""
    person = Person(unit_id=unit.id, name="坐席", login=f"off-{secrets.token_hex(4)}")
    work.session.add(person)
    work.session.flush()
    made = Handover(unit_id=unit.id, from_id=person.id, made_at=work.now)
    work.session.add(made)
    work.session.flush()
    return Target({"handover_id": made.id})


def a_class(work: Work, unit: Unit) -> Target:
    """A class of matters of the unit."""
    row = MatterClass(unit_id=unit.id, name="住房")
    work.session.add(row)
    work.session.flush()
    return Target({"class_id": row.id})


def two_conversations(work: Work, unit: Unit) -> Target:
    """Two conversations of the unit; the asker of the probe has the first."""
    target = a_conversation(work, unit)
    other = a_conversation(work, unit).params["conversation_id"]
    agent = work.session.query(Person).filter(Person.login == "north-agent").one_or_none()
    main = work.session.get_one(Conversation, target.params["conversation_id"])
    main.state, main.agent_id = ConversationState.OPEN, agent.id if agent else None
    form = {"other": str(other), "merge_reason": "同一电话"}
    return Target(target.params, form=form, json={"other": other, "reason": "同一电话"})


def a_merged_conversation(work: Work, unit: Unit) -> Target:
    """A conversation of the unit that is answered in another."""
    main = a_conversation(work, unit).params["conversation_id"]
    target = a_conversation(work, unit)
    work.session.get_one(Conversation, target.params["conversation_id"]).merged_into_id = int(main)
    return target


def a_conversation_to_forward(work: Work, unit: Unit) -> Target:
    """A citizen who waits, and another unit with somebody at its desk."""
    other = add_unit(work.session, "公积金中心", f"fund-{secrets.token_hex(4)}")
    person = Person(unit_id=other.id, name="坐席", login=f"at-{secrets.token_hex(4)}")
    work.session.add(person)
    work.session.flush()
    work.session.add(Grant(person_id=person.id, role=Role.AGENT.value, unit_id=other.id))
    work.session.add(Presence(unit_id=other.id, person_id=person.id, state=presence.ON, began_at=work.now))
    sent = {"to": other.id, "note": "请接着办理。"}
    return Target(a_conversation(work, unit).params, form={**sent, "to": str(sent["to"])}, json=sent)


def two_tickets(work: Work, unit: Unit) -> Target:
    """Two tickets of the unit about the same matter."""
    main = work.session.get_one(Ticket, a_ticket(work, unit).params["ticket_id"])
    form = {"main": main.number, "merge_reason": "同一事项"}
    json = {"main": main.number, "reason": "同一事项"}
    return Target(a_ticket(work, unit).params, form=form, json=json)


def a_merged_ticket(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that hangs on another."""
    main, target = a_ticket(work, unit).params["ticket_id"], a_ticket(work, unit)
    work.session.get_one(Ticket, target.params["ticket_id"]).main_id = int(main)
    return target


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    **{f"/console/quick-replies/{{quick_id}}{act}": a_quick_reply for act in ("", "/approve", "/remove")},
    **{f"/api/v1/quick-replies/{{quick_id}}{act}": a_quick_reply for act in ("", "/approve", "/remove")},
    "/console/classes/{class_id}/remove": a_class,
    "/api/v1/classes/{class_id}/remove": a_class,
    "/api/v1/tickets/{ticket_id}/merge": two_tickets,
    "/api/v1/tickets/{ticket_id}/separate": a_merged_ticket,
    "/api/v1/conversations/{conversation_id}/forward": a_conversation_to_forward,
    "/api/v1/conversations/{conversation_id}/desks": a_conversation,
    "/console/desk/{conversation_id}/desks": a_conversation,
    "/console/desk/{conversation_id}/forward": a_conversation_to_forward,
    "/console/desk/{conversation_id}/merge": two_conversations,
    "/console/desk/{conversation_id}/separate": a_merged_conversation,
    "/api/v1/conversations/{conversation_id}/merge": two_conversations,
    "/api/v1/conversations/{conversation_id}/separate": a_merged_conversation,
    "/console/tickets/{ticket_id}/merge": two_tickets,
    "/console/tickets/{ticket_id}/separate": a_merged_ticket,
    "/console/shifts/{shift_id}/remove": a_shift,
    "/console/shifts/turns/{turn_id}/remove": a_shift,
    "/api/v1/shifts/{shift_id}/remove": a_shift,
    "/api/v1/shifts/{shift_id}/turns": a_shift,
    "/api/v1/turns/{turn_id}/remove": a_shift,
    "/api/v1/handovers/{handover_id}": a_handover,
    "/api/v1/handovers/{handover_id}/take": a_handover,
    "/console/shifts/handovers/{handover_id}": a_handover,
    "/console/shifts/handovers/{handover_id}/take": a_handover,
}
