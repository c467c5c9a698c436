"""What can be done to a delivery in which state, and what was done to it, in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from kernel.audit import AuditLine
from scheduler import booking
from scheduler.models import Delivery
from scheduler.receipts import RUNNING
from scheduler.states import DeliveryState
from scheduler.windows import FREEZE, goes_on
from templates.catalogue import _
from templates.views import Act, Tone

S = DeliveryState
MOST = 100

# act -> the states in which a person may do it
ACTS: Mapping[str, frozenset[DeliveryState]] = {
    "retry": frozenset({S.FAILED}),
    "resume": frozenset({S.HELD}),
    "move": frozenset({S.BOOKED, S.HELD}),
    "hold": frozenset({S.BOOKED}),
    "there": frozenset({S.UNKNOWN, S.ACCEPTED}),
    "not-there": frozenset({S.UNKNOWN}),
    "ask-again": frozenset({S.UNKNOWN}),
    "by-hand-instead": frozenset({S.UNKNOWN}),
    "take-over": frozenset({S.BOOKED, S.HELD, S.FAILED}),
    "close": frozenset({S.MANUAL}),
    "cancel": frozenset({S.BOOKED, S.HELD, S.FAILED, S.MANUAL}),
}

WORDS: Mapping[str, tuple[str, Tone]] = {
    "delivery.booked": (_("安排发布"), "info"),
    "delivery.ordered": (_("确定组稿顺序"), "info"),
    "delivery.moved": (_("改期"), "warn"),
    "delivery.held": (_("暂缓发布"), "warn"),
    "delivery.paused": (_("发送中暂停"), "warn"),
    "delivery.broken_off": (_("不再继续发送"), "warn"),
    "delivery.resumed": (_("恢复"), "info"),
    "delivery.let_through": (_("停发期间放行"), "warn"),
    "delivery.cancelled": (_("取消"), "bad"),
    "delivery.retried": (_("重试"), "info"),
    "delivery.taken_by_hand": (_("改为人工发布"), "warn"),
    "delivery.to_be_done_by_hand": (_("转为人工发布"), "warn"),
    "delivery.done_by_hand": (_("人工发布完成"), "good"),
    "delivery.packaged": (_("下载素材包"), "plain"),
    "delivery.phone_opened": (_("在手机上打开任务"), "plain"),
    "delivery.found_there": (_("核实已在平台上"), "good"),
    "delivery.not_there": (_("核实不在平台上，重新发送"), "warn"),
    "delivery.asked_again": (_("再向平台核实"), "info"),
    "delivery.accepted": (_("平台已受理"), "info"),
    "delivery.done": (_("发布成功"), "good"),
    "delivery.failed": (_("发布失败"), "bad"),
    "delivery.unknown": (_("结果待核实"), "warn"),
    "delivery.will_retry": (_("暂未发出，稍后自动重试"), "warn"),
    "delivery.uncorrectable": (_("平台不能自动更正"), "warn"),
    "delivery.item_dropped": (_("其中一篇未发"), "warn"),
    "delivery.late": (_("超时未发"), "bad"),
    "delivery.late_answer": (_("收到迟到的答复"), "plain"),
    "delivery.told_later": (_("平台补充了失败原因"), "plain"),
    "delivery.follows_release": (_("改用新的发布件"), "info"),
}


def possible(delivery: Delivery) -> frozenset[str]:
    """The acts that its state allows."""
    acts = {act for act, states in ACTS.items() if delivery.state in states}
    if delivery.state == S.HELD and delivery.code == FREEZE:
        acts = (acts - {"resume"}) | {"let-through"}
    if delivery.state in booking.BEGUN and delivery.next_at is None and delivery.code in (FREEZE, booking.REBOOK):
        return frozenset({"let-through"} if delivery.code == FREEZE else {"resume"})
    if delivery.state == S.ACCEPTED and goes_on(delivery.channel):
        acts -= {"there"}  # What goes out in rounds has not all gone out, whatever one sees of it.
    if delivery.next_at is None:
        acts -= {"ask-again"}  # Nothing the platform could be asked.
    if delivery.code == RUNNING:
        acts -= {"not-there", "by-hand-instead"}  # What is not there now may still come.
    return frozenset(acts)


def acts_of(session: Session, delivery: Delivery, words: Callable[[str], str]) -> list[Act]:
    """Everything that was done to it, the newest first, out of the audit log, in the words of `words`."""
    query = select(AuditLine).where(AuditLine.object_kind == "delivery", AuditLine.object_id == delivery.id)
    lines = session.scalars(query.order_by(AuditLine.seq.desc()).limit(MOST))
    return [_act(line, words) for line in lines if line.act in WORDS]


def _act(line: AuditLine, words: Callable[[str], str]) -> Act:
    what, tone = WORDS[line.act]
    details: Mapping[str, Any] = json.loads(line.details)
    who = line.actor_name if line.actor_id else words(_("系统"))
    note = str(details.get("reason") or details.get("remark") or "")
    return Act(at=line.at, who=who, what=words(what), note=note, tone=tone)
