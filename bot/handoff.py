"""When a person gets the conversation, and what happens when nobody is there. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot.nlu.text import Lexicon, normalise
from bot.states import LOW_RATING
from templates.catalogue import _

Reason = Literal["danger", "asked", "bot_down", "failures", "low_rating"]
Way = Literal["waiting", "ticket"]

REASON_LABELS: dict[str, str] = {
    "danger": _("紧急情况"),
    "asked": _("市民要求人工"),
    "bot_down": _("机器人不可用"),
    "failures": _("机器人答不上"),
    "low_rating": _("评价较低"),
    "transferred": _("同事转来"),
    "shift": _("交接班"),
    "taken": _("坐席主动接入"),
}

_ALONE = frozenset(
    {
        "人工", "真人", "找人", "0", "人工人工", "转接", "客服", "活人", "要人工", "我要人工", "工作人员", "转人工吧",
        "转人", "人呢", "接人工", "找真人", "有人吗人工",
    }
)  # fmt: skip
_INSIDE = (
    "转人工", "人工客服", "人工服务", "人工坐席", "人工接待", "找人工", "要人工", "接人工", "换人工", "叫人工",
    "真人客服", "找真人", "要真人", "转真人", "接真人", "换真人", "找客服", "转客服", "接客服", "叫客服", "转工作人员",
    "找工作人员", "跟人说话", "跟人聊", "和人说话", "不要机器人", "不跟机器人", "别用机器人",
)  # fmt: skip
# Written without a person being wanted.
_OTHER = ("人工智能", "人工费", "人工授精", "人工流产", "人工耳蜗", "人工成本", "人工增雨", "人工湖", "人工繁育")
_NO_LEXICON = Lexicon(())


@dataclass(frozen=True)
class Situation:
    """What is known when it has to be decided who answers; `failures` counts this one too."""

    danger: bool = False
    asked: bool = False
    bot_down: bool = False
    failures: int = 0
    allowed_failures: int = 2
    rating: int = 0
    open_now: bool = True


@dataclass(frozen=True)
class Handoff:
    """A person is to answer: why, and whether he is waited for or a ticket is made."""

    reason: Reason
    way: Way


def asks_for_person(text: str) -> bool:
    """Whether the citizen wants a person: 人工, 真人, 找人, 0, or a sentence that says so."""
    plain = normalise(text, _NO_LEXICON)
    if plain in _ALONE:
        return True
    for phrase in _OTHER:
        plain = plain.replace(phrase, "|")
    return any(phrase in plain for phrase in _INSIDE)


def decide(situation: Situation) -> Handoff | None:
    """Who answers: None leaves the conversation with the bot.

    Danger is waited for at any hour; everything else becomes a ticket while nobody is there.
    """
    reason = _reason(situation)
    if reason is None:
        return None
    stays = situation.open_now or reason == "danger"
    return Handoff(reason, "waiting" if stays else "ticket")


def _reason(situation: Situation) -> Reason | None:
    if situation.danger:
        return "danger"
    if situation.asked:
        return "asked"
    if situation.bot_down:
        return "bot_down"
    if situation.failures >= situation.allowed_failures:
        return "failures"
    if situation.rating >= LOW_RATING:
        return "low_rating"
    return None
