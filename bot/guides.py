"""What a guide says to a question about one of its elements: what to bring, where, how long, how much.

Everything is the guide's own field, whole and in its order (一次性告知). Where the guide is silent the answer says so
and names the telephone: the bot adds nothing of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.nlu.text import default_lexicon, normalise
from content.kinds.guide import fee_text, limit_text

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Element:
    """One element of a guide; `asked` finds it in a question in its normal form, `read` gives its lines."""

    label: str
    asked: re.Pattern[str]
    read: Callable[[Fields], Sequence[str]]
    counted: bool = False


def _one(*names: str) -> Callable[[Fields], Sequence[str]]:
    return lambda fields: [str(fields[name]) for name in names if fields.get(name)]


def _place(fields: Fields) -> Sequence[str]:
    lines = [str(fields["place"])] if fields.get("place") else []
    return ["\n".join((*lines, *(_told(row) for row in fields.get("places") or [])))]


def _told(row: Mapping[str, Any]) -> str:
    """One place of a district on one line."""
    where = " ".join(str(row[name]) for name in ("name", "address") if row.get(name))
    more = [str(row[name]) for name in ("hours", "phone") if row.get(name)]
    return f"{row.get('district', '')}：{where}" + (f"（{'，'.join(more)}）" if more else "")


def _materials(fields: Fields) -> Sequence[str]:
    lines = []
    for row in fields.get("materials") or []:
        copies = f"{row['copies']} 份" if row.get("copies") else ""
        about = [str(row.get("form") or ""), copies, str(row.get("necessity") or ""), str(row.get("note") or "")]
        told = "，".join(part for part in about if part)
        lines.append(f"{row.get('name', '')}（{told}）" if told else str(row.get("name", "")))
    return lines


def _names(fields: Fields) -> Sequence[str]:
    return [str(row.get("name") or "") for row in fields.get("materials") or []]


def _steps(fields: Fields) -> Sequence[str]:
    return [
        "：".join(part for part in (str(row.get("name") or ""), str(row.get("text") or "")) if part)
        for row in fields.get("steps") or []
    ]


def _limits(fields: Fields) -> Sequence[str]:
    told = (("承诺", limit_text(fields, "promised")), ("法定", limit_text(fields, "statutory")))
    return ["，".join(f"{name} {text}" for name, text in told if text)] if any(text for _name, text in told) else []


def _fee(fields: Fields) -> Sequence[str]:
    if fields.get("charged") is None:
        return []
    basis = str(fields.get("fee_basis") or "")
    return [fee_text(fields) + (f"（依据：{basis}）" if fields["charged"] and basis else "")]


def _online(fields: Fields) -> Sequence[str]:
    if fields.get("online") is None:
        return []
    return ["可以：" + str(fields.get("online_address") or "地址见指南页面")] if fields["online"] else ["不能网上办理"]


def _mail(fields: Fields) -> Sequence[str]:
    if fields.get("mail") is None:
        return []
    return ["支持" if fields["mail"] else "不支持"]


def _visits(fields: Fields) -> Sequence[str]:
    if fields.get("visits") is None:
        return []
    reason = str(fields.get("visits_reason") or "")
    return [f"{fields['visits']} 次" + (f"（{reason}）" if reason else "")]


ELEMENTS = (
    Element(
        "申请材料",
        re.compile(
            r"材料|资料|要带|带(哪|啥|齐)|(要|需要|哪些|什么)证件|准备(什么|哪些|啥)|(提供|提交|交)(什么|哪些|啥)"
        ),
        _materials,
        counted=True,
    ),
    Element(
        "受理条件", re.compile(r"条件|资格|什么人(能|可以)|谁(能|可以)"), lambda f: f.get("conditions") or [], True
    ),
    Element("办理流程", re.compile(r"流程|步骤|程序"), _steps, True),
    Element(
        "办理地点",
        re.compile(r"(去|到|在|往|找)?哪里|(去|到|在|往|找)哪|哪个(部门|单位|窗口|大厅)|地址|地点|位置"),
        _place,
    ),
    Element(
        "办理时间", re.compile(r"上班时间|几点|周末|周六|周日|星期(六|天|日)|双休|中午|午休|节假日"), _one("hours")
    ),
    Element(
        "办结时限",
        re.compile(
            r"^(?!.*有效期).*("
            r"(要|需要|得|等|大概|一般)多久|多久(能|可以|才|办|拿|取|出|下来|到手)|^多久|那多久|时限|几个工作日|多少个?工作日"
            r"|(什么时候|何时)(能|可以)?(拿|取|出|办好|下来|办完)|(?<=办理)期限)"
        ),
        _limits,
    ),
    Element("收费", re.compile(r"多少钱|费用|免费|要钱|交钱|收钱|花钱|价格|收不收"), _fee),
    Element("网上办理", re.compile(r"网上|线上|网办|在线|手机上|小程序|app"), _online),
    Element("邮寄", re.compile(r"邮寄|寄(到|给|回)|快递|代寄"), _mail),
    Element("到现场次数", re.compile(r"跑(几|多少)|去几(次|趟)|几趟|(本人|亲自|必须)(到|去)|到现场"), _visits),
    Element("监督投诉电话", re.compile(r"投诉电话|监督电话|投诉(你们|他们|办事)"), _one("supervision_phone")),
    Element("咨询电话", re.compile(r"电话|联系方式|打给谁|怎么联系"), _one("phone")),
    Element("设定依据", re.compile(r"依据|哪(条|部|个)法|法律规定"), lambda f: f.get("basis") or [], True),
)
MATERIALS = ELEMENTS[0]
PLACE = next(one for one in ELEMENTS if one.label == "办理地点")
_FILLING = re.compile(
    r"^(那|那么|请问|还|还有|想问|我|这个|这|它|办|办理|要|需要|的|呢|吗|啊|呀|一下|得|会|是|能|可以|又|大概|一共|总共|什么|哪些|几样|在|去|到|给|和|都|哦|嗯)*$"
)


def asked(text: str, title: str = "") -> tuple[Element, ...]:
    """The elements that a question asks for, without those whose words are the title's own."""
    question, named = normalise(text, default_lexicon()), normalise(title, default_lexicon())
    question = question.replace(named, "") if named else question
    found = [one for one in ELEMENTS if one.asked.search(question) and not one.asked.search(named)]
    return tuple(one for one in found if not _said_by_another(one, found))


def nothing_else(text: str) -> bool:
    """Whether a question names an element and nothing besides: it goes on about what was answered before."""
    question = normalise(text, default_lexicon())
    rest = question
    for one in ELEMENTS:
        rest = one.asked.sub("", rest)
    return rest != question and _FILLING.fullmatch(rest) is not None


def districts(fields: Fields) -> tuple[str, ...]:
    """The districts in which the guide names a place of its own, in its order."""
    return tuple(dict.fromkeys(str(row.get("district") or "") for row in fields.get("places") or []))


def in_district(fields: Fields, district: str) -> str:
    """Where one goes in this district, all places where it is ''."""
    rows = [row for row in fields.get("places") or [] if row.get("district") == district]
    return f"{PLACE.label}：" + ("\n".join(_told(row) for row in rows) if district else "\n".join(_place(fields)))


def says(fields: Fields, elements: Iterable[Element], *, names_only: bool = False) -> str:
    """What the guide says of these elements; `names_only` leaves what is remarked on materials to the page."""
    return "\n".join(_said(fields, one, names_only and one is MATERIALS) for one in elements)


def _said(fields: Fields, one: Element, names_only: bool) -> str:
    lines = [line for line in (_names(fields) if names_only else one.read(fields)) if line]
    if not lines:
        phone = str(fields.get("phone") or "")
        return f"{one.label}：指南未载明" + (f"，可致电 {phone} 咨询。" if phone else "。")
    if not one.counted:
        return f"{one.label}：{'；'.join(lines)}"
    listed = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))
    remarked = "，份数、形式和要求见指南页面" if names_only else ""
    return f"{one.label}（共 {len(lines)} 项{remarked}）：\n{listed}"


def _said_by_another(one: Element, found: Sequence[Element]) -> bool:
    """The telephone of complaints is one telephone, not two."""
    return one.label == "咨询电话" and any(other.label == "监督投诉电话" for other in found)
