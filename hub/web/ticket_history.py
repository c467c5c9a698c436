"""What was done with a ticket, by whom and why, out of the audit log, for the timeline of its page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.states import FOLLOW_UPS
from kernel.audit import AuditLine
from kernel.work import SYSTEM
from templates.catalogue import _
from templates.views import Act, Tone

MOST = 100
WORDS: dict[str, tuple[str, Tone]] = {
    "ticket.made": (_("登记工单"), "plain"),
    "ticket.added": (_("市民补充"), "info"),
    "ticket.alarmed": (_("提到“%(word)s”，已告警"), "bad"),
    "ticket.acknowledged": (_("已处置紧急情况"), "good"),
    "ticket.assigned": (_("派单给%(to)s"), "info"),
    "ticket.reassigned": (_("改派给%(to)s"), "info"),
    "ticket.forwarded": (_("从%(came_from)s转%(to)s办理"), "info"),
    "ticket.returned": (_("从%(came_from)s退回%(to)s"), "warn"),
    "ticket.urged": (_("第 %(times)s 次催办"), "warn"),
    "ticket.kind_changed": (_("类别由%(was)s改为%(to)s，答复期限 %(due)s"), "info"),
    "ticket.extension_asked": (_("申请延期 %(days)s 个工作日"), "info"),
    "ticket.extension_granted": (_("同意延期，答复期限改为 %(due)s"), "good"),
    "ticket.extension_refused": (_("不同意延期"), "warn"),
    "ticket.late": (_("超过答复期限"), "bad"),
    "ticket.submitted": (_("答复送审"), "info"),
    "ticket.answer_sent_back": (_("退回答复"), "warn"),
    "ticket.signed": (_("审签答复"), "good"),
    "ticket.followed_up": (_("回访：%(result)s"), "info"),
    "ticket.reopened": (_("不满意，第 %(round)s 次办理"), "warn"),
    "ticket.answered": (_("答复"), "good"),
    "ticket.hotline_booked": (_("提交发送到 12345"), "info"),
    "ticket.hotline_done": (_("12345 已接收"), "good"),
    "ticket.hotline_failed": (_("发送到 12345 失败"), "bad"),
    "ticket.hotline_unknown": (_("发送到 12345，结果待核实"), "warn"),
    "ticket.hotline_noted": (_("登记 12345 编号 %(hotline)s"), "info"),
    "ticket.hotline_taken": (_("来自 12345，编号 %(hotline)s"), "info"),
    "ticket.closed": (_("办结"), "good"),
    "ticket.published": (_("公开留言"), "info"),
    "ticket.hidden": (_("取消公开"), "plain"),
}


def history_of(session: Session, ticket_id: int, words: Callable[..., str]) -> list[Act]:
    """Everything that was done with the ticket, the newest first, in the words of `words`."""
    query = select(AuditLine).where(
        AuditLine.object_kind == "ticket", AuditLine.object_id == ticket_id, AuditLine.act.in_(WORDS)
    )
    return [_act(line, words) for line in session.scalars(query.order_by(AuditLine.seq.desc()).limit(MOST))]


def _act(line: AuditLine, words: Callable[..., str]) -> Act:
    what, tone = WORDS[line.act]
    details: dict[str, Any] = json.loads(line.details)
    if details.get("result") in FOLLOW_UPS:
        details["result"] = words(FOLLOW_UPS[details["result"]])
    if line.act == "ticket.kind_changed":
        details["was"], details["to"] = words(details["was"]), words(details["to"])
    return Act(line.at, _who(line, words), words(what, **details), str(details.get("reason") or ""), tone)


def _who(line: AuditLine, words: Callable[..., str]) -> str:
    if line.actor_id:
        return line.actor_name
    return words(_("系统")) if line.actor_name == SYSTEM.name else words(_("市民"))
