"""派单, 改派, 退单, 转办, 催办, 延期 and 回访 on the page of a ticket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from bot import forwarding
from bot.casework import alarming, assigning, changing, extending, following, merging, returning, urging
from bot.models import Ticket
from hub.web.access import Asker, HubDep, may
from hub.web.forms import refused
from hub.web.pages import say, see_other
from hub.web.ticket_page import find, ticket_page
from kernel.errors import Invalid, XuandaError
from kernel.people import Permission
from kernel.typed import number_in, row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/tickets")

P = Permission
Handler = Annotated[Asker, Depends(may(P.TICKET_ACT))]
Dispatcher = Annotated[Asker, Depends(may(P.TICKET_ASSIGN))]
Urger = Annotated[Asker, Depends(may(P.TICKET_URGE))]
Granter = Annotated[Asker, Depends(may(P.TICKET_EXTEND))]
Caller = Annotated[Asker, Depends(may(P.TICKET_FOLLOW))]
Text = Annotated[str, Form()]


@router.post("/{ticket_id}/assign")
def assign(
    request: Request, hub: HubDep, asker: Dispatcher, ticket_id: int, handler: Text = "", assign_reason: Text = ""
) -> Response:
    """派单 to a colleague, or 改派 to another."""
    typed = {"handler": handler, "assign_reason": assign_reason}

    def act(work: Work, ticket: Ticket) -> str:
        person = assigning.assign(work, ticket, row_in(handler) or 0, assign_reason)
        return say(hub, asker, _("已派给%(name)s。"), name=person.name)

    return _do(request, hub, asker, ticket_id, P.TICKET_ASSIGN, "assign", typed, act)


@router.post("/{ticket_id}/forward")
def forward(
    request: Request, hub: HubDep, asker: Handler, ticket_id: int, to: Text = "", reason: Text = ""
) -> Response:
    """转办: hands the ticket to another unit."""

    def act(work: Work, ticket: Ticket) -> str:
        unit = forwarding.forward(work, ticket, row_in(to) or 0, reason)
        return say(hub, asker, _("工单已转%(unit)s办理。"), unit=unit.name)

    return _do(request, hub, asker, ticket_id, P.TICKET_ACT, "forward", {"to": to, "reason": reason}, act)


@router.post("/{ticket_id}/return")
def give_back(request: Request, hub: HubDep, asker: Handler, ticket_id: int, return_reason: Text = "") -> Response:
    """退单: gives the ticket back to the unit that handed it over."""

    def act(work: Work, ticket: Ticket) -> str:
        unit = returning.give_back(work, ticket, return_reason, hub.settings.office_zone)
        return say(hub, asker, _("工单已退回%(unit)s。"), unit=unit.name)

    return _do(request, hub, asker, ticket_id, P.TICKET_ACT, "return", {"return_reason": return_reason}, act)


@router.post("/{ticket_id}/merge")
def merge(
    request: Request, hub: HubDep, asker: Handler, ticket_id: int, main: Text = "", merge_reason: Text = ""
) -> Response:
    """并单: this ticket is answered with another of the same matter."""

    def act(work: Work, ticket: Ticket) -> str:
        joined = merging.join(work, ticket, main, merge_reason)
        return say(hub, asker, _("已并入 %(number)s，随主单答复。"), number=joined.number)

    return _do(request, hub, asker, ticket_id, P.TICKET_ACT, "merge", {"main": main, "merge_reason": merge_reason}, act)


@router.post("/{ticket_id}/separate")
def separate(request: Request, hub: HubDep, asker: Handler, ticket_id: int) -> Response:
    """取消并单."""

    def act(work: Work, ticket: Ticket) -> str:
        merging.separate(work, ticket)
        return say(hub, asker, _("已取消并单，按原期限办理。"))

    return _do(request, hub, asker, ticket_id, P.TICKET_ACT, "separate", {}, act)


@router.post("/{ticket_id}/kind")
def change_kind(
    request: Request, hub: HubDep, asker: Handler, ticket_id: int, kind: Text = "", kind_reason: Text = ""
) -> Response:
    """变更类别: the deadline becomes that of the other kind."""

    def act(work: Work, ticket: Ticket) -> str:
        changing.change(work, ticket, kind, kind_reason, hub.settings.office_zone)
        return say(hub, asker, _("类别为%(kind)s。"), kind=say(hub, asker, ticket.kind))

    return _do(request, hub, asker, ticket_id, P.TICKET_ACT, "kind", {"kind": kind, "kind_reason": kind_reason}, act)


@router.post("/{ticket_id}/urge")
def urge(request: Request, hub: HubDep, asker: Urger, ticket_id: int, urge_reason: Text = "") -> Response:
    """催办: reminds whoever handles it."""

    def act(work: Work, ticket: Ticket) -> str:
        rung = urging.urge(work, ticket, urge_reason)
        return say(hub, asker, _("已催办，承办人会收到提醒。") if rung else _("刚刚已催办过，没有重复提醒。"))

    return _do(request, hub, asker, ticket_id, P.TICKET_URGE, "urge", {"urge_reason": urge_reason}, act)


@router.post("/{ticket_id}/extension")
def ask_extension(
    request: Request, hub: HubDep, asker: Handler, ticket_id: int, days: Text = "", extend_reason: Text = ""
) -> Response:
    """申请延期: asks for more working days."""

    def act(work: Work, ticket: Ticket) -> str:
        extending.ask(work, ticket, number_in(days.strip()) or 0, extend_reason)
        return say(hub, asker, _("延期申请已提交，待审批。"))

    typed = {"days": days, "extend_reason": extend_reason}
    return _do(request, hub, asker, ticket_id, P.TICKET_ACT, "extension", typed, act)


@router.post("/{ticket_id}/extension/decision")
def decide_extension(
    request: Request, hub: HubDep, asker: Granter, ticket_id: int, decision: Text = "", extend_words: Text = ""
) -> Response:
    """Grants or refuses more time."""

    def act(work: Work, ticket: Ticket) -> str:
        if decision not in ("grant", "refuse"):
            raise Invalid(field="extend_words", why="请选择同意或不同意。")
        grant = decision == "grant"
        extending.decide(work, ticket, grant=grant, words=extend_words, zone=hub.settings.office_zone)
        return say(hub, asker, _("已同意延期。") if grant else _("已答复不同意延期。"))

    return _do(request, hub, asker, ticket_id, P.TICKET_EXTEND, "decision", {"extend_words": extend_words}, act)


@router.post("/{ticket_id}/follow-up")
def follow_up(
    request: Request, hub: HubDep, asker: Caller, ticket_id: int, result: Text = "", follow_words: Text = ""
) -> Response:
    """回访: what the citizen said; not satisfied, the ticket is handled again."""

    def act(work: Work, ticket: Ticket) -> str:
        following.record(work, ticket, result, follow_words, hub.settings.office_zone)
        again = _("已记录；工单转入二次办理，承办单位会收到提醒。")
        return say(hub, asker, again if result == "unsatisfied" else _("回访已记录。"))

    typed = {"result": result, "follow_words": follow_words}
    return _do(request, hub, asker, ticket_id, P.TICKET_FOLLOW, "follow", typed, act)


@router.post("/{ticket_id}/acknowledge")
def acknowledge(hub: HubDep, asker: Handler, ticket_id: int) -> Response:
    """已处置: a person sees to the danger in it; the alarm ends."""
    with hub.works.write(asker.actor) as work:
        alarming.acknowledge(work, find(work, asker, ticket_id, P.TICKET_ACT))
    return see_other(f"/console/tickets/{ticket_id}", say(hub, asker, _("已登记处置，不再告警。")))


def _do(
    request: Request,
    hub: HubDep,
    asker: Asker,
    ticket_id: int,
    permission: Permission,
    opened: str,
    typed: dict[str, str],
    act: Callable[[Work, Ticket], str],
) -> Response:
    """Does an act in a work of its own; what was typed stays where it is refused.

    Whoever may not read the unit that has the ticket afterwards is back at the list.
    """
    try:
        with hub.works.write(asker.actor) as work:
            ticket = find(work, asker, ticket_id, permission)
            told = act(work, ticket)
    except XuandaError as error:
        if error.field is None:
            raise
        form = refused(asker, error, **typed)
        return ticket_page(request, hub, asker, ticket_id, form, opened=opened, status=error.status)
    readable = asker.may(P.TICKET_READ, ticket.unit_id)
    return see_other(f"/console/tickets/{ticket_id}" if readable else "/console/tickets", told)
