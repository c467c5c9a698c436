"""Takes a report over several turns: what, in which district, where exactly, when, and how to reach the citizen. Pure.

What is kept is plain data, so that any process, and Rasa's form as well, goes on where the last one stopped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.dialogue import phrases
from bot.dialogue.place import district_in
from bot.dialogue.turned import Report, Turned
from templates.catalogue import _

FORM = "report"
WHAT, DISTRICT, PLACE, WHEN, CONTACT = "what", "district", "place", "when", "contact"
SLOTS = (WHAT, DISTRICT, PLACE, WHEN, CONTACT)
CONFIRM, EDIT = "confirm", "edit"
LABELS = {WHAT: _("事情"), DISTRICT: _("区县"), PLACE: _("地点"), WHEN: _("时间"), CONTACT: _("联系方式")}
LONGEST = {WHAT: 1000, DISTRICT: 40, PLACE: 200, WHEN: 60, CONTACT: 100}
WHENS = (_("现在"), _("今天"), _("昨天"), _("说不清"))
ANONYMOUS = _("不留联系方式")
OFFER = _("登记诉求，转承办单位办理")
CONFIRMS = (_("提交"), _("修改"), _("不反映了"))

Kept = Mapping[str, Any]

_KINDS = (("举报", "举报"), ("投诉", "投诉"), ("建议", "建议"), ("表扬", "表扬"), ("感谢", "表扬"))
_PHONE = re.compile(
    r"(?<!\d)1[3-9]\d{9}(?!\d)|"
    r"(?<!\d)(?<!\d[\s-])(?:0\d{2,3}[\s-]?|\(0\d{2,3}\)[\s-]?)\d{3,4}[\s-]?\d{4}(?![\s-]?\d)"
)
# Asked for the telephone, he is told that a text message follows unless he says that he wants none.
_NO_SMS = re.compile(r"[，,、；;。\s]*(?:请)?(?:不要|不用|别|勿|无需|不需要|不想要|不接受)(?:给我)?(?:发|收|接收)?短信")
_MAIL = re.compile(r"[\w.+-]{1,60}@[\w-]+(?:\.[\w-]+)+")
# What only announces a report, without saying of what.
_ANNOUNCED = re.compile(
    r"^(你好|您好|请问)?(我|我们)?(要|想|想要|需要|来)?(在哪里?|怎么|如何|给你们?)?(反映|反应|举报|投诉|上报|报告|提|提个|提交|登记|说)"
    r"(一下|一个|一件|个|件|点|些|条)*(情况|问题|事情|事|意见|建议|诉求|投诉|举报|报告)?(要|想)?(反映|反应|举报|投诉|上报)?(一下|吗|呢|吧|可以吗)*$"
)
_LEAD = re.compile(
    r"^(你好|您好|请问|我|我们|要|想|来|帮我|有个情况|有件事)*(反映|反应|举报|投诉|上报|报告)(一下|一个问题|个问题|问题|情况|一个情况)*[，,：:。、\s]+"
)
_HOW = re.compile(r"怎么|怎样|如何|哪里|哪儿|去哪|到哪|找谁|向谁|哪个部门|什么电话|吗[？?。]?$")
_QUESTION = re.compile(
    r"[?？]|(?:吗|呢|么|不)[。！!]*$|怎么|怎样|如何|多少|多久|什么|啥|哪里|哪儿|哪个|哪些|几点|能不能|可不可以|要不要|需不需要|有没有"
)
_FIELDS = (
    (WHAT, "内容|事情|问题|情况|事由"),
    (DISTRICT, "区县|县区|哪个区|区"),
    (PLACE, "地址|地点|位置|地方"),
    (WHEN, "时间|日期"),
    (CONTACT, "电话号码|电话|手机号码|手机号|手机|号码|联系方式|邮箱"),
)
_VERB = "改|修改|更正|更改|换|重填|重新填|重新说"
_WRONG = rf"{_VERB}|写错|说错|填错|弄错|错|不对|有误"
_GIVEN = r"(?:[，,：:\s]*(?:改成|改为|换成|应该是|应是|是)?[：:，,\s]*)"


def asks_how(text: str) -> bool:
    """Whether a sentence asks where or how one reports, rather than reporting."""
    return _HOW.search(text) is not None


def kind_of(text: str) -> str:
    """What kind of ticket a sentence asks for; 求助 where it says nothing of it."""
    return next((kind for word, kind in _KINDS if word in text), "求助")


def begin(text: str, districts: Sequence[str], pictures: int = 0) -> Turned:
    """The first turn: what was said already is not asked again."""
    slots: dict[str, str] = {}
    told = "" if _ANNOUNCED.match(phrases.plain(text)) else _LEAD.sub("", text).strip()
    if len(phrases.plain(told)) >= 4:
        slots[WHAT] = told[: LONGEST[WHAT]]
    kept = {"form": FORM, "kind": kind_of(text), "slots": slots, "pictures": pictures, "misses": 0}
    return _ask(_aside(kept, text, districts), districts, first=True)


def go_on(kept: Kept, text: str, districts: Sequence[str]) -> Turned:
    """A further turn."""
    if "filed" in kept:
        return _after(kept, text)
    if phrases.is_over(text):
        return Turned({}, "dropped")
    correction = _correction(kept, text)
    if correction is not None:
        slot, value = correction
        return _fill(kept, slot, value, districts) if value else _ask_for(kept, slot, districts, again=True)
    asked = str(kept["asked"])
    if asked == CONFIRM:
        return _confirmed(kept, text, districts)
    if asked == EDIT:
        return _edited(kept, text, districts)
    return _fill(kept, asked, text, districts)


def asks_aside(kept: Kept, text: str, districts: Sequence[str]) -> bool:
    """Whether this reads as a question of the citizen's own instead of what he was asked.

    Never while he says what it is about: 路灯坏了怎么没人修 is his report.
    """
    asked = str(kept.get("asked", ""))
    if asked in ("", WHAT) or phrases.is_over(text) or _correction(kept, text) is not None:
        return False
    if asked in (DISTRICT, CONTACT) and _value(asked, text, districts) is not None:
        return False
    return _QUESTION.search(phrases.tidy_line(text, 1200)) is not None


def again(kept: Kept, districts: Sequence[str]) -> Turned:
    """The question that was left open, once more; nothing that was said is lost."""
    asked = str(kept["asked"])
    if asked == EDIT:
        return _edit(kept)
    return _ask(kept, districts) if asked == CONFIRM else _ask_for(kept, asked, districts)


def picture(kept: Kept, districts: Sequence[str]) -> Turned:
    """A picture came: it is kept with the conversation, and counted; what was asked is asked again."""
    if "filed" in kept:
        return Turned({}, left=True)
    more = {**kept, "pictures": int(kept.get("pictures", 0)) + 1}
    asked = str(kept["asked"])
    return _ask(more, districts, seen=True) if asked == CONFIRM else _ask_for(more, asked, districts, seen=True)


def filed(number: str) -> dict[str, Any]:
    """What is kept of a report that became a ticket, so that a repeated 提交 makes no second one."""
    return {"form": FORM, "filed": number}


def _after(kept: Kept, text: str) -> Turned:
    if phrases.plain(text) in {"提交", "确认", "确认提交", "确定", "1", "提交吧"}:
        return Turned(dict(kept), "filed_already", {"number": kept["filed"]})
    return Turned({}, left=True)


def _correction(kept: Kept, text: str) -> tuple[str, str] | None:
    """The slot that is to be changed, with its new value where that was said in the same breath."""
    line = phrases.tidy_line(text, 1200)
    known = {slot for slot, value in kept["slots"].items() if value}
    for slot, names in _FIELDS:
        if slot not in known:
            continue
        first = re.fullmatch(
            rf"(?:我要|我想|想|要|请|帮我|麻烦)*(?:把)?(?:{_VERB})(?:一下|下|个)?(?:{names})(?:吧|呀|可以吗|了)?(?:{_GIVEN}(.*))?",
            line,
        )
        second = re.fullmatch(
            rf"(?:不对[，,\s]*)?(?:我要|请|帮我|把)*(?:刚才的?|上面的?)?(?:{names})(?:要|需要)?(?:{_WRONG})(?:一下|了|成|为)*(?:{_GIVEN}(.*))?",
            line,
        )
        found = first or second
        if found:
            return slot, (found.group(1) or "").strip(" 。.!！")
    return None


def _confirmed(kept: Kept, text: str, districts: Sequence[str]) -> Turned:
    place = phrases.chosen(text, CONFIRMS)
    if place == 2:
        return Turned({}, "dropped")
    if place == 1 or phrases.is_change(text):
        return _edit(kept)
    if place == 0 or phrases.is_yes(text):
        return Turned(filed(""), "filing", filed=_report(kept))
    return _missed(kept, districts)


def _edit(kept: Kept, miss: bool = False) -> Turned:
    return Turned({**kept, "asked": EDIT}, "edit", {"miss": miss}, tuple(LABELS.values()))


def _edited(kept: Kept, text: str, districts: Sequence[str]) -> Turned:
    place = phrases.chosen(text, tuple(LABELS.values()))
    if place is None:
        place = next((SLOTS.index(slot) for slot, names in _FIELDS if re.search(names, text)), None)
    return _edit(kept, miss=True) if place is None else _ask_for(kept, SLOTS[place], districts, again=True)


def _fill(kept: Kept, slot: str, text: str, districts: Sequence[str]) -> Turned:
    value = _value(slot, text, districts)
    if value is None:
        return _missed({**kept, "asked": slot}, districts)
    slots = {**kept["slots"], slot: value}
    return _ask(_aside({**kept, "slots": slots, "misses": 0}, text if slot == WHAT else "", districts), districts)


def _value(slot: str, text: str, districts: Sequence[str]) -> str | None:
    """What a slot takes of an answer; None where it is no answer to the question."""
    line = phrases.tidy_line(text, LONGEST[slot])
    bare = phrases.plain(text)
    if slot == DISTRICT and districts:
        place = phrases.chosen(text, districts)
        return districts[place] if place is not None else district_in(text, districts)
    if slot == WHEN:
        place = phrases.chosen(text, WHENS)
        if place is not None:
            return WHENS[place]
    if slot == CONTACT:
        return _contact(text, bare)
    if slot == WHAT:
        return text.strip()[: LONGEST[WHAT]] if len(bare) >= 4 and not bare.isdecimal() else None
    return line if len(bare) >= 2 and not bare.isdecimal() else None


def _contact(text: str, bare: str) -> str | None:
    if bare in {"1", "不留", "匿名", "不方便", "不留了", "没有", "无", "不想留", phrases.plain(ANONYMOUS)}:
        return ANONYMOUS
    line = phrases.with_plain_mobile(phrases.tidy_line(text, LONGEST[CONTACT]))
    for shape in (_PHONE, _MAIL):
        if shape.search(line):
            return line
    return None


def _aside(kept: Kept, text: str, districts: Sequence[str]) -> dict[str, Any]:
    """What a first sentence says besides: a district by its whole name, a telephone number."""
    slots = dict(kept["slots"])
    if text and DISTRICT not in slots and districts and (named := district_in(text, districts)):
        slots[DISTRICT] = named
    line = phrases.with_plain_mobile(phrases.tidy_line(text, LONGEST[WHAT]))
    if CONTACT not in slots and (phone := _PHONE.search(line)):
        slots[CONTACT] = phone.group()
    return {**kept, "slots": slots}


def _missed(kept: Kept, districts: Sequence[str]) -> Turned:
    more = {**kept, "misses": int(kept.get("misses", 0)) + 1}
    if kept["asked"] == CONFIRM:
        return _ask(more, districts, miss=True)
    return _ask_for(more, str(kept["asked"]), districts, miss=True)


def _ask(
    kept: Kept, districts: Sequence[str], *, first: bool = False, miss: bool = False, seen: bool = False
) -> Turned:
    """Asks for the first thing that is missing; where nothing is, the summary is to be confirmed."""
    slots = kept["slots"]
    missing = next((slot for slot in SLOTS if not slots.get(slot)), "")
    if missing:
        return _ask_for(kept, missing, districts, first=first)
    listed = [(LABELS[slot], slots[slot]) for slot in SLOTS]
    values = {"kind": kept["kind"], "slots": listed, "pictures": kept.get("pictures", 0), "miss": miss, "seen": seen}
    return Turned({**kept, "asked": CONFIRM}, CONFIRM, {**values, "first": first}, CONFIRMS)


def _ask_for(
    kept: Kept,
    slot: str,
    districts: Sequence[str],
    *,
    first: bool = False,
    again: bool = False,
    miss: bool = False,
    seen: bool = False,
) -> Turned:
    choices: Sequence[str] = {DISTRICT: districts, WHEN: WHENS, CONTACT: (ANONYMOUS,)}.get(slot, ())
    values = {
        "kind": kept["kind"],
        "first": first,
        "again": again,
        "miss": miss,
        "seen": seen,
        "lost": int(kept.get("misses", 0)) >= 2,
    }
    return Turned({**kept, "asked": slot}, slot, values, tuple(choices))


def _report(kept: Kept) -> Report:
    slots = kept["slots"]
    lines = [slots[WHAT], *(f"{LABELS[slot]}：{slots[slot]}" for slot in (DISTRICT, PLACE, WHEN))]
    if kept.get("pictures"):
        lines.append(f"图片：{kept['pictures']} 张，见会话")
    contact = slots[CONTACT]
    if contact == ANONYMOUS:
        return Report(str(kept["kind"]), "\n".join(lines), "")
    agrees = bool(phrases.mobile_in(contact)) and _NO_SMS.search(contact) is None
    return Report(str(kept["kind"]), "\n".join(lines), _NO_SMS.sub("", contact).strip(), agrees)
