"""Where a conversation, a reply and a ticket can stand, with the field's words for it."""

from __future__ import annotations

from enum import StrEnum


class ConversationState(StrEnum):
    """Who has the conversation: the bot, nobody yet, a person, a person who put it off, or nobody any more."""

    BOT = "bot"
    WAITING = "waiting"
    OPEN = "open"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class ReplyState(StrEnum):
    """Where one reply stands; `unknown` went out, but its answer was lost, and only a person sends it again."""

    BOOKED = "booked"
    SENDING = "sending"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Route(StrEnum):
    """By which way a reply leaves: in the answer to the push, as a customer-service message, or on our own page."""

    UNDECIDED = ""
    PASSIVE = "passive"
    SERVICE = "service"
    CHAT = "chat"


class TicketState(StrEnum):
    """A ticket is open until it is answered, and answered until somebody closes it."""

    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


CONVERSATION_LABELS = {
    ConversationState.BOT: "机器人接待",
    ConversationState.WAITING: "等待接入",
    ConversationState.OPEN: "人工接待",
    ConversationState.SNOOZED: "稍后处理",
    ConversationState.CLOSED: "已结束",
}
REPLY_LABELS = {
    ReplyState.BOOKED: "待发",
    ReplyState.SENDING: "发送中",
    ReplyState.DONE: "已送达",
    ReplyState.FAILED: "发送失败",
    ReplyState.UNKNOWN: "结果待核实",
}
TICKET_LABELS = {TicketState.OPEN: "待办理", TicketState.ANSWERED: "已答复", TicketState.CLOSED: "已办结"}
TICKET_KINDS = ("咨询", "求助", "投诉", "建议", "举报", "表扬", "找错", "回访")
RATINGS = ("非常满意", "满意", "基本满意", "不满意", "非常不满意")
"""好差评's five levels; a rating is stored as 1 (the best) to 5."""

LOW_RATING = 4
"""From here on a rating is 差评 and somebody must call back (国办发〔2019〕51号)."""
