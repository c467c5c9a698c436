"""When a person gets the conversation, and what happens when nobody is there. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bot.nlu.text import Lexicon, normalise
from bot.states import LOW_RATING
from templates.catalogue import _

Reason = Literal["danger", "asked", "sensitive", "bot_down", "failures", "low_rating"]
Way = Literal["waiting", "ticket"]

REASON_LABELS: dict[str, str] = {
    "danger": _("紧急情况"),
    "asked": _("市民要求人工"),
    "sensitive": _("敏感话题"),
    "bot_down": _("机器人不可用"),
    "failures": _("机器人答不上"),
    "low_rating": _("评价较低"),
    "transferred": _("同事转来"),
    "forwarded": _("其他单位转来"),
    "shift": _("交接班"),
    "taken": _("坐席主动接入"),
    "out_of_hours": _("非服务时间转工单"),
}

_ALONE = frozenset(
    {
        "人工", "真人", "找人", "0", "人工人工", "转接", "客服", "活人", "要人工", "我要人工", "工作人员", "转人工吧",
        "转人", "人呢", "接人工", "找真人", "有人吗人工", "叫个人来", "找个人来", "来个人", "找个人", "叫人来",
        "让人来", "换个人来", "人工在线吗", "人工在吗", "人工呢",
    }
)  # fmt: skip
_INSIDE = (
    "转人工", "人工客服", "人工服务", "人工坐席", "人工接待", "找人工", "要人工", "接人工", "换人工", "叫人工",
    "真人客服", "找真人", "要真人", "转真人", "接真人", "换真人", "找客服", "转客服", "接客服", "叫客服", "转工作人员",
    "找工作人员", "跟人说话", "跟人聊", "和人说话", "不要机器人", "不跟机器人", "别用机器人", "不要跟机器人",
    "不想跟机器人", "不想和机器人", "有没有人工", "有人工吗", "有没有真人", "有没有客服", "有真人吗", "有客服吗",
    "找个真人", "转接客服", "叫你们客服", "找你们客服", "要和工作人员说", "要跟工作人员说", "想和工作人员说",
    "想跟工作人员说", "叫工作人员", "要和人工", "想和人工", "想跟人工", "能人工吗", "人工回复", "想和人聊",
    "跟真人说", "和真人说",
)  # fmt: skip
_LEAVES_WORD = frozenset({"留言", "我留言", "我要留言", "留个言", "转留言", "改留言", "不等了", "我不等了", "不想等了"})
# Written without a person being wanted.
_OTHER = (
    "人工智能", "人工费", "人工授精", "人工流产", "人工耳蜗", "人工成本", "人工增雨", "人工湖", "人工繁育",
    "人工降雨", "人工影响天气", "人工河", "人工岛", "人工草坪", "人工种植", "人工养殖", "人工饲养", "人工林",
    "人工关节", "人工晶体", "人工审核", "人工窗口", "人工通道", "人工收费", "人工材料", "人工牛黄", "人工合成",
    "人工路", "人工街", "人工桥",
)  # fmt: skip
# What may be a wish for a person in the middle of a report, where the engine has to be sure of it.
_PERSON = re.compile(r"人工|真人|活人|客服|坐席|工作人员|机器人|[叫找让派换来接].{0,2}人|[跟和]人")
_SHORT = 20
# Left beside the wish for a person, these say of no matter.
_FILLING = re.compile(
    r"你好|您好|有人吗|在吗|能不能|可不可以|可以|麻烦|谢谢|马上|立即|赶紧|快点|一下|说话|跟我|给我|帮我|你们|我们|"
    r"[我你您要想请帮给来接转找叫换说聊个了吧吗呢啊呀快来去能行先再还就直接是的]"
)
_NO_LEXICON = Lexicon(())


@dataclass(frozen=True)
class Situation:
    """What is known when it has to be decided who answers; `failures` counts this one too."""

    danger: bool = False
    asked: bool = False
    sensitive: bool = False
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
    bare = _without_other(plain)
    return any(phrase in bare for phrase in _INSIDE)


def waits_no_more(text: str) -> bool:
    """Whether whoever waits would rather leave his question to be answered later."""
    return normalise(text, _NO_LEXICON) in _LEAVES_WORD


def only_asks_for_person(text: str) -> bool:
    """Whether a line wants a person and says nothing of why."""
    plain = normalise(text, _NO_LEXICON)
    if not asks_for_person(text):
        return False
    for phrase in sorted((*_INSIDE, *(one for one in _ALONE if one != "0")), key=len, reverse=True):
        plain = plain.replace(phrase, "")
    return plain == "0" or not _FILLING.sub("", plain)


def may_mean_person(text: str) -> bool:
    """Whether a few words may be a wish for a person that the phrases do not know; a street is none."""
    plain = _without_other(normalise(text, _NO_LEXICON))
    return len(plain) <= _SHORT and _PERSON.search(plain) is not None


def _without_other(plain: str) -> str:
    for phrase in _OTHER:
        plain = plain.replace(phrase, "|")
    return plain


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
    if situation.sensitive:
        return "sensitive"
    if situation.bot_down:
        return "bot_down"
    if situation.failures >= situation.allowed_failures:
        return "failures"
    if situation.rating >= LOW_RATING:
        return "low_rating"
    return None
