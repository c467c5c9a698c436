"""Where a conversation, a reply and a ticket can stand, with the field's words for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from templates.catalogue import _

# What became of a message whose question the bot did not know for sure: it said so, or offered choices.
NOT_KNOWN = ("refuse", "suggest")


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


class CodeState(StrEnum):
    """Where a code to a telephone stands; `none` leaves for nobody, `unknown` may have arrived."""

    NONE = "none"
    BOOKED = "booked"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class ModelState(StrEnum):
    """A model waits to be taken into service, serves, has served, or was not let through."""

    CANDIDATE = "candidate"
    CURRENT = "current"
    PREVIOUS = "previous"
    REFUSED = "refused"


class ModelEngine(StrEnum):
    """Whose model it is: the engine's inside the product, or a Rasa server's."""

    EMBEDDED = "embedded"
    RASA = "rasa"


class Route(StrEnum):
    """By which way a reply leaves: in the answer to the push, as a customer-service message, or on our own page."""

    UNDECIDED = ""
    PASSIVE = "passive"
    SERVICE = "service"
    CHAT = "chat"


class TicketState(StrEnum):
    """A ticket is open until its answer is written, which the unit's head signs; answered, it waits to be closed."""

    OPEN = "open"
    SIGNING = "signing"
    ANSWERED = "answered"
    CLOSED = "closed"


class TicketAct(StrEnum):
    """What can be done to a ticket that changes where it stands or who has it."""

    ASSIGN = "assign"
    REASSIGN = "reassign"
    FORWARD = "forward"
    GIVE_BACK = "give_back"
    URGE = "urge"
    ASK_EXTENSION = "ask_extension"
    DECIDE_EXTENSION = "decide_extension"
    SUBMIT = "submit"
    SEND_BACK = "send_back"
    SIGN = "sign"
    ANSWER = "answer"
    CLOSE = "close"
    FOLLOW_UP = "follow_up"
    REOPEN = "reopen"
    MERGE = "merge"
    SEPARATE = "separate"
    FOLLOW_MAIN = "follow_main"
    CHANGE_KIND = "change_kind"


@dataclass(frozen=True)
class TicketMove:
    """The field's word for an act, from where it is allowed, and where it leads (None: it stays where it is)."""

    label: str
    sources: frozenset[TicketState]
    to: TicketState | None = None


_OPEN, _SIGNING = frozenset({TicketState.OPEN}), frozenset({TicketState.SIGNING})
_CLOSED = frozenset({TicketState.CLOSED})
UNANSWERED = _OPEN | _SIGNING
"""Where a ticket can be late."""
TICKET_MOVES = {
    TicketAct.ASSIGN: TicketMove(_("派单"), _OPEN),
    TicketAct.REASSIGN: TicketMove(_("改派"), _OPEN),
    TicketAct.FORWARD: TicketMove(_("转办"), _OPEN),
    TicketAct.GIVE_BACK: TicketMove(_("退单"), _OPEN),
    TicketAct.URGE: TicketMove(_("催办"), UNANSWERED),
    TicketAct.ASK_EXTENSION: TicketMove(_("申请延期"), _OPEN),
    TicketAct.DECIDE_EXTENSION: TicketMove(_("审批延期"), UNANSWERED),
    TicketAct.SUBMIT: TicketMove(_("送审答复"), _OPEN, TicketState.SIGNING),
    TicketAct.SEND_BACK: TicketMove(_("退回答复"), _SIGNING, TicketState.OPEN),
    TicketAct.SIGN: TicketMove(_("审签答复"), _SIGNING, TicketState.ANSWERED),
    TicketAct.ANSWER: TicketMove(_("答复"), _OPEN, TicketState.ANSWERED),
    TicketAct.CLOSE: TicketMove(_("办结"), frozenset({TicketState.ANSWERED}), TicketState.CLOSED),
    TicketAct.FOLLOW_UP: TicketMove(_("回访"), _CLOSED),
    TicketAct.REOPEN: TicketMove(_("二次办理"), _CLOSED, TicketState.OPEN),
    TicketAct.MERGE: TicketMove(_("并单"), _OPEN),
    TicketAct.SEPARATE: TicketMove(_("取消并单"), _OPEN),
    TicketAct.FOLLOW_MAIN: TicketMove(_("随主单答复"), _OPEN, TicketState.ANSWERED),
    TicketAct.CHANGE_KIND: TicketMove(_("变更类别"), _OPEN),
}
"""The only table of allowed moves of a ticket."""


MODEL_LABELS = {
    ModelState.CANDIDATE: _("待上线"),
    ModelState.CURRENT: _("使用中"),
    ModelState.PREVIOUS: _("曾使用"),
    ModelState.REFUSED: _("未通过"),
}
ENGINE_LABELS = {ModelEngine.EMBEDDED: _("内置引擎"), ModelEngine.RASA: "Rasa"}
CONVERSATION_LABELS = {
    ConversationState.BOT: _("机器人接待"),
    ConversationState.WAITING: _("等待接入"),
    ConversationState.OPEN: _("人工接待"),
    ConversationState.SNOOZED: _("稍后处理"),
    ConversationState.CLOSED: _("已结束"),
}
REPLY_LABELS = {
    ReplyState.BOOKED: _("待发"),
    ReplyState.SENDING: _("发送中"),
    ReplyState.DONE: _("已送达"),
    ReplyState.FAILED: _("发送失败"),
    ReplyState.UNKNOWN: _("结果待核实"),
}
TICKET_LABELS = {
    TicketState.OPEN: _("待办理"),
    TicketState.SIGNING: _("待审签"),
    TicketState.ANSWERED: _("已答复"),
    TicketState.CLOSED: _("已办结"),
}
TICKET_KINDS = (_("咨询"), _("求助"), _("投诉"), _("建议"), _("举报"), _("表扬"), _("找错"), _("回访"), _("整改"))
RATINGS = (_("非常满意"), _("满意"), _("基本满意"), _("不满意"), _("非常不满意"))
"""好差评's five levels; a rating is stored as 1 (the best) to 5."""

FOLLOW_UPS = {"satisfied": _("满意"), "unsatisfied": _("不满意"), "unreached": _("未联系上")}
"""What a follow-up (回访) can find."""

SET_RIGHT = "整改"
"""The kind of ticket that a low 好差评 opens with the unit of the item."""

LOW_RATING = 4
"""From here on a rating is 差评 and somebody must call back (国办发〔2019〕51号)."""

INSIDE = ("回访", SET_RIGHT)
"""Kinds of tickets that the office makes for itself: the citizen is called, not written to, and nobody signs."""

CITIZEN_KINDS = tuple(kind for kind in TICKET_KINDS if kind not in INSIDE)
"""Kinds of what citizens ask for."""


def shown_outside(state: str) -> TicketState:
    """Where a ticket stands as its citizen is told: what waits for a signature is still being handled."""
    return TicketState.OPEN if state in UNANSWERED else TicketState(state)
