"""Who is told what about a ticket on its way: the handler, its unit, whoever decides, and the citizen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.casework import deputies
from bot.events import (
    AnswerSentBack,
    AnswerSubmitted,
    ExtensionAsked,
    ExtensionDecided,
    TicketActed,
    TicketAssigned,
    TicketDangerSeen,
    TicketKindChanged,
    TicketReopened,
    TicketReturned,
    TicketSoonDue,
    TicketUrged,
)
from bot.models import Ticket
from bot.states import TicketAct
from hub.product import Hub
from hub.telling import tell_extended, tell_kind
from kernel.people import Permission, holders
from kernel.work import Work

P = Permission
A = TicketAct
# Notices of a ticket that call somebody to it, after "ticket."; with the acts that make each of them no longer true.
DANGER, SOON, LATE = "danger", "soon", "late"
WARNINGS = (SOON, LATE)
TO_TAKE = ("made", "forwarded", "returned")
TO_HANDLE = (*TO_TAKE, "assigned", "urged", "reopened", "sent_back", SOON)
TO_DECIDE = ("extension_asked",)
ALL = (*TO_HANDLE, *TO_DECIDE, "submitted", LATE, DANGER)
OVER: Mapping[TicketAct, tuple[str, ...]] = {
    A.ASSIGN: TO_TAKE,
    A.REASSIGN: ("assigned",),
    # Danger goes along: it is told on until somebody sees to it.
    A.FORWARD: (*TO_HANDLE, *TO_DECIDE, LATE),
    A.GIVE_BACK: (*TO_HANDLE, *TO_DECIDE, LATE),
    A.DECIDE_EXTENSION: TO_DECIDE,
    # The head can still be late.
    A.SUBMIT: TO_HANDLE,
    A.SEND_BACK: ("submitted",),
    A.SIGN: ALL,
    A.ANSWER: ALL,
    A.FOLLOW_MAIN: ALL,
}


def connect(hub: Hub) -> None:
    """Listens to what happens to tickets."""
    listeners = hub.listeners
    listeners.in_work(TicketActed, lambda work, fact: _settle(hub, work, fact.ticket_id, OVER.get(fact.act, ())))
    listeners.in_work(TicketDangerSeen, lambda work, fact: _settle(hub, work, fact.ticket_id, (DANGER,)))
    listeners.in_work(TicketAssigned, lambda work, fact: _assigned(hub, work, fact))
    listeners.in_work(TicketKindChanged, lambda work, fact: _of_another_kind(hub, work, fact))
    listeners.in_work(TicketReturned, lambda work, fact: _returned(hub, work, fact))
    listeners.in_work(TicketUrged, lambda work, fact: _urged(hub, work, fact))
    listeners.in_work(ExtensionAsked, lambda work, fact: _asked(hub, work, fact))
    listeners.in_work(ExtensionDecided, lambda work, fact: _decided(hub, work, fact))
    listeners.in_work(AnswerSubmitted, lambda work, fact: _submitted(hub, work, fact))
    listeners.in_work(AnswerSentBack, lambda work, fact: _sent_back(hub, work, fact))
    listeners.in_work(TicketReopened, lambda work, fact: _reopened(hub, work, fact))
    listeners.in_work(TicketSoonDue, lambda work, fact: _soon(hub, work, fact))


def _settle(hub: Hub, work: Work, ticket_id: int, kinds: Sequence[str]) -> None:
    """Nobody is called by these any more: whoever has not read them need not."""
    if kinds:
        hub.notifier.settle(work, _page_of(ticket_id), [f"ticket.{kind}" for kind in kinds])


def _assigned(hub: Hub, work: Work, fact: TicketAssigned) -> None:
    text = fact.reason or "请在答复期限前办理。"
    _ring(hub, work, fact.ticket_id, [fact.handler_id], "assigned", f"派给您的工单 {fact.number}（{fact.kind}）", text)


def _of_another_kind(hub: Hub, work: Work, fact: TicketKindChanged) -> None:
    if fact.other_limit:
        _settle(hub, work, fact.ticket_id, WARNINGS)
    if fact.later:
        tell_kind(hub, work, work.session.get_one(Ticket, fact.ticket_id))
    if fact.handler_id is None or fact.handler_id == work.actor.person_id:
        return
    until = f"{fact.due_at.astimezone(hub.settings.office_zone):%Y-%m-%d %H:%M}"
    title = f"工单 {fact.number} 由{fact.was}改为{fact.kind}，答复期限 {until}"
    _ring(hub, work, fact.ticket_id, [fact.handler_id], "kind_changed", title, fact.reason)


def _returned(hub: Hub, work: Work, fact: TicketReturned) -> None:
    people = holders(work.session, P.TICKET_ACT, fact.unit_id, work.now)
    text = f"{fact.reason}。请改派其他承办单位，或由本单位办理；答复期限不变。"
    _ring(hub, work, fact.ticket_id, people, "returned", f"{fact.came_from}退回工单 {fact.number}", text)


def _urged(hub: Hub, work: Work, fact: TicketUrged) -> None:
    here = holders(work.session, P.TICKET_ACT, fact.unit_id, work.now)
    people = [fact.handler_id] if fact.handler_id in here else here
    title = f"催办（第 {fact.times} 次）：工单 {fact.number}（{fact.kind}）"
    _ring(hub, work, fact.ticket_id, people, "urged", title, fact.reason)


def _asked(hub: Hub, work: Work, fact: ExtensionAsked) -> None:
    entitled = holders(work.session, P.TICKET_EXTEND, fact.unit_id, work.now)
    people = [one for one in entitled if one != fact.asked_by] or entitled
    title = f"工单 {fact.number} 申请延期 {fact.days} 个工作日"
    _ring(hub, work, fact.ticket_id, people, "extension_asked", title, f"{fact.reason}。请审批。")


def _decided(hub: Hub, work: Work, fact: ExtensionDecided) -> None:
    if fact.granted:
        _settle(hub, work, fact.ticket_id, WARNINGS)
        tell_extended(hub, work, work.session.get_one(Ticket, fact.ticket_id))
    until = f"{fact.due_at.astimezone(hub.settings.office_zone):%Y-%m-%d %H:%M}"
    title = f"工单 {fact.number} 的延期{'已同意' if fact.granted else '未同意'}，答复期限 {until}"
    people = [fact.asked_by] if fact.asked_by else []
    _ring(hub, work, fact.ticket_id, people, "extension_decided", title, fact.words or "请按期办理。")


def _submitted(hub: Hub, work: Work, fact: AnswerSubmitted) -> None:
    heads = holders(work.session, P.TICKET_SIGN, fact.unit_id, work.now)
    able = {*heads, *deputies.stand_ins(work.session, fact.unit_id, work.now)}
    people = sorted(able - {fact.written_by}) or heads
    title = f"工单 {fact.number} 的答复待审签"
    _ring(hub, work, fact.ticket_id, people, "submitted", title, "审签后才发给市民，请在答复期限前审签或退回。")


def _sent_back(hub: Hub, work: Work, fact: AnswerSentBack) -> None:
    people = [fact.written_by] if fact.written_by else []
    _ring(
        hub,
        work,
        fact.ticket_id,
        people,
        "sent_back",
        f"工单 {fact.number} 的答复被退回",
        f"{fact.words}。请修改后重新送审。",
    )


def _reopened(hub: Hub, work: Work, fact: TicketReopened) -> None:
    people = {
        *holders(work.session, P.TICKET_ACT, fact.unit_id, work.now),
        *holders(work.session, P.TICKET_SIGN, fact.unit_id, work.now),
    }
    until = f"{fact.due_at.astimezone(hub.settings.office_zone):%Y-%m-%d %H:%M}"
    title = f"二次办理：工单 {fact.number}（{fact.kind}），答复期限 {until}"
    _ring(hub, work, fact.ticket_id, people, "reopened", title, f"市民不满意：{fact.words}。")


def _soon(hub: Hub, work: Work, fact: TicketSoonDue) -> None:
    here = holders(work.session, P.TICKET_ACT, fact.unit_id, work.now)
    people = [fact.handler_id] if fact.handler_id in here else here
    until = f"{fact.due_at.astimezone(hub.settings.office_zone):%Y-%m-%d %H:%M}"
    title = f"工单即将到期：{fact.number}（{fact.kind}），答复期限 {until}"
    _ring(hub, work, fact.ticket_id, people, "soon", title, "请抓紧办理；确需更多时间的，请在到期前申请延期。")


def _ring(hub: Hub, work: Work, ticket_id: int, people: Iterable[int], kind: str, title: str, text: str) -> None:
    key = f"ticket.{ticket_id}.{kind}.{work.now:%Y%m%d%H%M%S%f}"
    hub.notifier.tell(work, people, f"ticket.{kind}", title, text, _page_of(ticket_id), key)


def _page_of(ticket_id: int) -> str:
    return f"/console/tickets/{ticket_id}"
