"""Conversations and tickets for the routes of the live desk, and the routes whose proof is a token or a signature."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

from bot import gateway, publishing, reply, tickets
from bot.casework import extending, signing
from bot.citizen_files import store as citizen_files
from bot.citizen_files.checking import Checked
from bot.citizen_files.models import CitizenFile
from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.gateway import Arrival
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import ConversationState, ReplyState
from channels.accounts.models import Account
from kernel.people import Grant, Person, Role, Unit, add_unit
from kernel.work import Work
from tests.factories import picture_bytes
from tests.house.editorial_objects import blobs_of, write
from tests.house.target import Target


def a_conversation(work: Work, unit: Unit) -> Target:
    """A citizen who waits for a person of the unit, with what any act of the desk needs."""
    number = work.session.query(Conversation).count()
    conversation = gateway.begin(work, unit_id=unit.id, account_id=None, channel="portal", sender=f"probe-{number}")
    conversation.state, conversation.waiting_since = ConversationState.WAITING, work.now
    form = {"text": "请带身份证。", "summary": "已告知", "minutes": "30", "kind": "咨询"}
    json = {"text": "请带身份证。", "summary": "已告知", "minutes": 30, "to": None, "kind": "咨询"}
    return Target({"conversation_id": conversation.id}, form=form, json=json)


def a_picture(work: Work, unit: Unit) -> Target:
    """A picture that a citizen of the unit sent."""
    target = a_conversation(work, unit)
    conversation = work.session.get_one(Conversation, target.params["conversation_id"])
    key = f"picture-{secrets.token_hex(4)}"
    arrival = Arrival(gateway.CHAT, key, conversation.sender, "image", "", work.now)
    stored = gateway.store(work, conversation, arrival)
    checked = Checked(picture_bytes(), "image/png")
    row = citizen_files.sent_here(work, conversation, stored.inbound_id, blobs_of(work).put(checked.data), checked)
    work.session.flush()
    return Target({"file_id": row.id})


def a_tickets_picture(work: Work, unit: Unit) -> Target:
    """A picture of the conversation that a ticket of the unit came of."""
    number = a_picture(work, unit).params["file_id"]
    ticket = a_ticket(work, unit).params["ticket_id"]
    file = work.session.get_one(CitizenFile, number)
    work.session.get_one(Ticket, ticket).conversation_id = file.conversation_id
    return Target({"ticket_id": ticket, "file_id": number})


def a_lost_reply(work: Work, unit: Unit) -> Target:
    """A reply of a conversation in the unit that did not arrive; the asker of the probe holds the conversation."""
    target = a_conversation(work, unit)
    conversation = work.session.get_one(Conversation, target.params["conversation_id"])
    agent = work.session.query(Person).filter(Person.login == "north-agent").one_or_none()
    conversation.state = ConversationState.OPEN
    conversation.agent_id = agent.id if agent else None
    booked = reply.book(work, conversation, "agent", Said("请带身份证。"))
    booked.state = ReplyState.UNKNOWN
    return Target(target.params, form={"reply_id": str(booked.id)}, json={"reply": booked.id})


def a_ticket(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that waits for its answer."""
    zone = ZoneInfo("Asia/Shanghai")
    made = tickets.make(work, unit_id=unit.id, kind="咨询", text="路灯坏了三天", zone=zone)
    head = Person(unit_id=unit.id, name="负责人", login=f"head-{secrets.token_hex(4)}")
    work.session.add(head)
    work.session.flush()
    work.session.add(Grant(person_id=head.id, role=Role.HEAD.value, unit_id=unit.id))
    return Target(
        {"ticket_id": made.id},
        form={"text": "已修复。", "question": "路灯坏了三天", "public_answer": "已修复。"},
        json={"answer": "已修复。"},
    )


def a_ticket_to_hand_over(work: Work, unit: Unit) -> Target:
    """A ticket of the unit, and another unit with somebody who handles tickets."""
    other = add_unit(work.session, "城市管理局", f"city-{secrets.token_hex(4)}", unit)
    person = Person(unit_id=other.id, name="承办人", login=f"handler-{secrets.token_hex(4)}")
    work.session.add(person)
    work.session.flush()
    work.session.add(Grant(person_id=person.id, role=Role.AGENT.value, unit_id=other.id))
    form = {"to": str(other.id), "reason": "属城市管理职责"}
    return replace(a_ticket(work, unit), form=form, json={"to": other.id, "reason": "属城市管理职责"})


def a_ticket_to_give_out(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that another unit handed over, and a colleague who can take it."""
    target = a_ticket(work, unit)
    person = Person(unit_id=unit.id, name="承办人", login=f"handler-{secrets.token_hex(4)}")
    work.session.add(person)
    work.session.flush()
    work.session.add(Grant(person_id=person.id, role=Role.AGENT.value, unit_id=unit.id))
    boss = Person(unit_id=unit.id, name="分管领导", login=f"boss-{secrets.token_hex(4)}")
    work.session.add(boss)
    work.session.flush()
    work.session.add(Grant(person_id=boss.id, role=Role.MANAGER.value, unit_id=unit.id))
    ticket = work.session.get_one(Ticket, target.params["ticket_id"])
    ticket.sent_from_id, ticket.received_at = (
        add_unit(work.session, "局", f"sender-{secrets.token_hex(4)}").id,
        work.now,
    )
    form = {
        "handler": str(person.id),
        "return_reason": "不属本单位职责",
        "urge_reason": "请尽快办理",
        "days": "3",
        "kind": "建议",
        "kind_reason": "只是提议",
        "extend_reason": "需要现场核实",
        "decision": "grant",
    }
    json = {"handler": person.id, "reason": "请尽快办理", "days": 3, "grant": True, "kind": "建议"}
    return Target(target.params, form=form, json=json)


def a_ticket_that_needs_time(work: Work, unit: Unit) -> Target:
    """A ticket of the unit for which more time was asked."""
    target = a_ticket_to_give_out(work, unit)
    extending.ask(work, work.session.get_one(Ticket, target.params["ticket_id"]), 3, "需要现场核实")
    return target


def an_answer_to_sign(work: Work, unit: Unit) -> Target:
    """An answer that waits for the head of the unit."""
    target = a_ticket(work, unit)
    signing.submit(work, work.session.get_one(Ticket, target.params["ticket_id"]), "已修复。")
    return replace(target, form={"sign_words": "请写明时间"}, json={"reason": "请写明时间"})


def a_ticket_for_the_hotline(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that the 12345 hotline has too."""
    number = f"DH-{secrets.token_hex(4)}"
    return replace(a_ticket(work, unit), form={"hotline_number": number}, json={"number": number})


def a_ticket_to_follow_up(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that is closed."""
    target = an_answered_ticket(work, unit)
    tickets.close(work, work.session.get_one(Ticket, target.params["ticket_id"]))
    form = {"result": "unsatisfied", "follow_words": "又坏了"}
    return replace(target, form=form, json={"result": "unsatisfied", "reason": "又坏了"})


def a_public_ticket(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that everybody may read."""
    target = an_answered_ticket(work, unit)
    publishing.publish(work, work.session.get_one(Ticket, target.params["ticket_id"]), "路灯坏了三天", "已修复。")
    return target


def an_answered_ticket(work: Work, unit: Unit) -> Target:
    """A ticket of the unit that was answered and may be closed."""
    target = a_ticket(work, unit)
    tickets.answer(work, work.session.get_one(Ticket, target.params["ticket_id"]), "已修复。")
    return target


def a_comment(work: Work, unit: Unit, state: str = "open", answer: str = "") -> Target:
    """A comment beneath an item of the unit, on a platform that cannot be reached."""
    _author, piece = write(work, unit)
    code = f"c-{secrets.token_hex(4)}"
    account = Account(unit_id=unit.id, channel="wechat", name="留言", code=code, base_url="http://127.0.0.1:9")
    work.session.add(account)
    work.session.flush()
    thread = CommentThread(
        unit_id=unit.id, account_id=account.id, piece_id=piece.id, title="通知", data={"msg_data_id": 1, "idx": 1},
        live_at=work.now,
    )  # fmt: skip
    work.session.add(thread)
    work.session.flush()
    comment = Comment(
        unit_id=unit.id, thread_id=thread.id, account_id=account.id, remote_id="1", text="几号停暖？", at=work.now,
        heard_at=work.now, due_at=work.now, state=state, urgent_told=0,
    )  # fmt: skip
    work.session.add(comment)
    work.session.flush()
    row = CommentAnswer(comment_id=comment.id, text="4 月 7 日。", state=answer or "failed", at=work.now, attempts=1)
    work.session.add(row)
    work.session.flush()
    form = {"text": "4 月 7 日停暖。", "reason": "广告", "why": "表扬", "answer_id": str(row.id)}
    body = {"text": "4 月 7 日停暖。", "reason": "广告", "answer": row.id}
    return Target({"comment_id": comment.id, "thread_id": thread.id, "act": "open"}, form=form, json=body)


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/desk/{conversation_id}": a_conversation,
    "/console/citizen-files/{file_id}": a_picture,
    "/console/tickets/{ticket_id}/files/{file_id}": a_tickets_picture,
    "/api/v1/citizen-files/{file_id}": a_picture,
    **{
        f"/console/desk/{{conversation_id}}/{act}": a_conversation
        for act in (
            "talk",
            "suggestions",
            "take",
            "answer",
            "draft",
            "note",
            "transfer",
            "snooze",
            "acknowledge",
            "ticket",
            "close",
        )
    },
    "/console/desk/{conversation_id}/again": a_lost_reply,
    "/console/comments/{comment_id}": a_comment,
    **{
        f"/console/comments/{{comment_id}}/{act}": a_comment
        for act in ("answer", "again", "select", "delete", "settle", "acknowledge")
    },
    "/console/comments/{comment_id}/reopen": partial(a_comment, state="settled"),
    "/console/comments/{comment_id}/withdraw": partial(a_comment, answer="done"),
    "/console/comments/threads/{thread_id}/{act}": a_comment,
    "/api/v1/comments/{comment_id}": a_comment,
    **{
        f"/api/v1/comments/{{comment_id}}/{act}": a_comment
        for act in ("answer", "again", "select", "delete", "settle", "acknowledge")
    },
    "/api/v1/comments/{comment_id}/reopen": partial(a_comment, state="settled"),
    "/api/v1/comments/{comment_id}/withdraw": partial(a_comment, answer="done"),
    "/api/v1/conversations/{conversation_id}": a_conversation,
    **{
        f"/api/v1/conversations/{{conversation_id}}/{act}": a_conversation
        for act in ("take", "answer", "note", "transfer", "snooze", "acknowledge", "close", "ticket")
    },
    "/api/v1/conversations/{conversation_id}/again": a_lost_reply,
    "/api/v1/tickets/{ticket_id}": a_ticket,
    "/api/v1/tickets/{ticket_id}/answer": a_ticket,
    "/api/v1/tickets/{ticket_id}/close": an_answered_ticket,
    "/console/tickets/{ticket_id}": a_ticket,
    "/console/tickets/{ticket_id}/answer": a_ticket,
    "/console/tickets/{ticket_id}/acknowledge": a_ticket,
    "/api/v1/tickets/{ticket_id}/acknowledge": a_ticket,
    "/console/tickets/{ticket_id}/close": an_answered_ticket,
    "/console/tickets/{ticket_id}/forward": a_ticket_to_hand_over,
    **{
        f"/console/tickets/{{ticket_id}}/{act}": a_ticket_to_give_out
        for act in ("assign", "return", "urge", "extension")
    },
    "/console/tickets/{ticket_id}/kind": a_ticket_to_give_out,
    "/api/v1/tickets/{ticket_id}/kind": a_ticket_to_give_out,
    "/console/tickets/{ticket_id}/extension/decision": a_ticket_that_needs_time,
    "/console/tickets/{ticket_id}/sign": an_answer_to_sign,
    "/console/tickets/{ticket_id}/sign/return": an_answer_to_sign,
    "/console/tickets/{ticket_id}/follow-up": a_ticket_to_follow_up,
    **{
        f"{base}/{{ticket_id}}/{act}": a_ticket_for_the_hotline
        for base in ("/console/tickets", "/api/v1/tickets")
        for act in ("hotline", "hotline/number")
    },
    "/api/v1/tickets/{ticket_id}/forward": a_ticket_to_hand_over,
    **{
        f"/api/v1/tickets/{{ticket_id}}/{act}": a_ticket_to_give_out
        for act in ("assign", "return", "urge", "extension")
    },
    "/api/v1/tickets/{ticket_id}/extension/decision": a_ticket_that_needs_time,
    "/api/v1/tickets/{ticket_id}/sign": an_answer_to_sign,
    "/api/v1/tickets/{ticket_id}/sign/return": an_answer_to_sign,
    "/api/v1/tickets/{ticket_id}/follow-up": a_ticket_to_follow_up,
    "/console/tickets/{ticket_id}/public": an_answered_ticket,
    "/console/tickets/{ticket_id}/hide": a_public_ticket,
}

OF_NOBODY: dict[str, str] = {
    **{
        f"/chat/{{conversation_id}}/{act}": "the session's own token is the proof, not a unit"
        for act in ("messages", "pictures", "lines", "events", "end", "stay", "rating")
    },
    **{
        f"/api/app/v1/chat/{{conversation_id}}/{act}": "the device's own secret is the proof, not a unit"
        for act in ("messages", "pictures", "lines", "events", "end", "stay", "rating")
    },
    "/feedback/answers/{answer_id}": "what every reader of the portal may see, of whatever unit",
    "/api/app/v1/pieces/{piece_id}": "what every reader of the portal may see, of whatever unit",
    "/callbacks/{channel}/{code}": "the platform's signature over the account's own token is the proof",
}
