"""Variables in ready words: which there are, and what a conversation holds for them; nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import rules, services
from bot.models import Conversation, Ticket
from kernel.errors import Invalid
from kernel.office_rules import value_of
from kernel.people import Unit
from templates.catalogue import _

MARK = re.compile(r"\{([^{}\n]{1,20})\}")


@dataclass(frozen=True)
class Known:
    """What is known when words are filled: the conversation, its newest ticket, who answers, and when."""

    session: Session
    conversation: Conversation
    ticket: Ticket | None
    agent: str
    zone: ZoneInfo
    now: datetime


@dataclass(frozen=True)
class Filled:
    """Words with their variables replaced; `missing` are those for which nothing is known, left as they were."""

    text: str
    missing: tuple[str, ...]


def _name(known: Known) -> str:
    """Only what the citizen wrote as his name; a visitor's number is none, and a title is never made up."""
    return known.ticket.name if known.ticket is not None else ""


def _number(known: Known) -> str:
    return known.ticket.number if known.ticket is not None else ""


def _unit(known: Known) -> str:
    unit_id = known.ticket.unit_id if known.ticket is not None else known.conversation.unit_id
    return known.session.get_one(Unit, unit_id).name


def _due(known: Known) -> str:
    if known.ticket is None:
        return ""
    due = known.ticket.due_at.astimezone(known.zone)
    return f"{due.year}年{due.month}月{due.day}日 {due:%H:%M} 前"


def _service(known: Known) -> str:
    return services.title_of(known.session, known.conversation.service_id)


def _hours(known: Known) -> str:
    return rules.hours_of(known.session, known.conversation.unit_id, known.zone, known.now).words


def _hotline(known: Known) -> str:
    return str(value_of(known.session, rules.HOTLINE, known.conversation.unit_id, known.now))


VARIABLES: Mapping[str, tuple[str, Callable[[Known], str]]] = {
    "姓名称呼": (_("市民自己填写的姓名；没有填写就是空的，不会推测"), _name),
    "工单号": (_("这次会话最近一件工单的编号"), _number),
    "部门": (_("承办单位；没有工单时为接待单位"), _unit),
    "办理时限": (_("最近一件工单的答复期限"), _due),
    "办事事项": (_("会话关联的办事事项"), _service),
    "坐席工号": (_("答复人的工号"), lambda known: known.agent),
    "服务时间": (_("人工服务时间"), _hours),
    "服务热线": (_("告知市民的电话"), _hotline),
}
"""Every variable: what it stands for, and where it is taken from."""


def check(text: str, field: str) -> None:
    """Raises Invalid, naming it, for a variable that does not exist."""
    for name in MARK.findall(text):
        if name not in VARIABLES:
            known = "、".join(f"{{{one}}}" for one in VARIABLES)
            raise Invalid(field=field, why=f"没有“{{{name}}}”这个变量。可用的有：{known}。")


def must_be_filled(text: str, field: str) -> None:
    """Raises Invalid, naming them, while a variable still stands in words that are about to leave."""
    left = [name for name in dict.fromkeys(MARK.findall(text)) if name in VARIABLES]
    if left:
        named = "、".join(f"{{{one}}}" for one in left)
        raise Invalid(field=field, why=f"{named}还没有内容，内容没有发出。请填上或删去后再发送。")


def known_of(session: Session, conversation: Conversation, agent: str, zone: ZoneInfo, now: datetime) -> Known:
    """What a conversation holds."""
    query = select(Ticket).where(Ticket.conversation_id == conversation.id).order_by(Ticket.id.desc()).limit(1)
    return Known(session, conversation, session.scalars(query).one_or_none(), agent, zone, now)


def fill(text: str, known: Known) -> Filled:
    """The words with everything that is known put in."""
    missing: dict[str, None] = {}

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        found = VARIABLES[name][1](known) if name in VARIABLES else ""
        if not found and name in VARIABLES:
            missing[name] = None
        return found or match.group(0)

    return Filled(MARK.sub(value, text), tuple(missing))
