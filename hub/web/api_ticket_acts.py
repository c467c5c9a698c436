"""The API of handling tickets: give out, hand over, give back, urge, extend, sign, follow up, 12345."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from bot import forwarding
from bot.casework import alarming, assigning, changing, extending, following, merging, returning, signing, urging
from hub.hotline import sending
from hub.telling import tell_answer
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_tickets import TicketAnswered, TicketTold, ticket_told
from hub.web.hotline import send_to_hotline
from hub.web.sent import Body
from hub.web.ticket_guard import ApiDeputyToo
from hub.web.ticket_page import find, find_as_deputy
from kernel.people import Permission

router = APIRouter(prefix="/api/v1/tickets")

P = Permission
Handler = Annotated[Asker, Depends(api_may(P.TICKET_ACT))]
Dispatcher = Annotated[Asker, Depends(api_may(P.TICKET_ASSIGN))]
Urger = Annotated[Asker, Depends(api_may(P.TICKET_URGE))]
Granter = Annotated[Asker, Depends(api_may(P.TICKET_EXTEND))]
Head = Annotated[Asker, Depends(ApiDeputyToo(P.TICKET_SIGN))]
Relayer = Annotated[Asker, Depends(api_may(P.TICKET_RELAY))]
Caller = Annotated[Asker, Depends(api_may(P.TICKET_FOLLOW))]


class Given(Body):
    """Which colleague gets it; the reason is needed where somebody had it already."""

    handler: int
    reason: str = Field(default="", max_length=300)


class HandedOver(Body):
    """Which unit it goes to, and why."""

    to: int
    reason: str = Field(max_length=300)


class Reason(Body):
    """Why."""

    reason: str = Field(max_length=300)


class Merged(Body):
    """The number of the main ticket, and how it is known that it is the same matter."""

    main: str = Field(max_length=40)
    reason: str = Field(max_length=300)


class Kind(Body):
    """Of which kind the matter is, and why it is not what was first thought."""

    kind: str = Field(max_length=20)
    reason: str = Field(default="", max_length=300)


class MoreTime(Body):
    """How many working days more, and why."""

    days: int
    reason: str = Field(max_length=300)


class TimeDecision(Body):
    """Whether the time that was asked for is granted; a refusal needs its reason."""

    grant: bool
    reason: str = Field(default="", max_length=300)


class FollowedUp(Body):
    """What the citizen said."""

    result: Literal["satisfied", "unsatisfied", "unreached"]
    reason: str = Field(default="", max_length=300)


class HotlineNumber(Body):
    """The number that the 12345 hotline gave."""

    number: str = Field(max_length=60)


@router.post("/{ticket_id}/assign")
def assign(hub: HubDep, asker: Dispatcher, ticket_id: int, sent: Given) -> TicketTold:
    """派单 or 改派; to give it to whoever has it changes nothing."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ASSIGN)
        assigning.assign(work, ticket, sent.handler, sent.reason)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/forward")
def forward(hub: HubDep, asker: Handler, ticket_id: int, sent: HandedOver) -> TicketTold:
    """转办: hands the ticket to another unit; number and deadline stay."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        forwarding.forward(work, ticket, sent.to, sent.reason)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/return")
def give_back(hub: HubDep, asker: Handler, ticket_id: int, sent: Reason) -> TicketTold:
    """退单: gives it back to the unit that handed it over; 409 when its time for that is over."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        returning.give_back(work, ticket, sent.reason, hub.settings.office_zone)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/merge")
def merge(hub: HubDep, asker: Handler, ticket_id: int, sent: Merged) -> TicketTold:
    """并单: it is answered with another one of the unit and the matter, named by its number."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        merging.join(work, ticket, sent.main, sent.reason)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/separate")
def separate(hub: HubDep, asker: Handler, ticket_id: int) -> TicketTold:
    """取消并单; its own deadline has gone on."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        merging.separate(work, ticket)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/kind")
def change_kind(hub: HubDep, asker: Handler, ticket_id: int, sent: Kind) -> TicketTold:
    """变更类别; `due_at` is the deadline of that kind from now on, unless the old one was over."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        changing.change(work, ticket, sent.kind, sent.reason, hub.settings.office_zone)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/urge")
def urge(hub: HubDep, asker: Urger, ticket_id: int, sent: Reason) -> TicketTold:
    """催办; repeated within five minutes it is the same reminder."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_URGE)
        urging.urge(work, ticket, sent.reason)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/acknowledge")
def acknowledge(hub: HubDep, asker: Handler, ticket_id: int) -> TicketTold:
    """已处置: a person sees to the danger in it and the alarm ends; a second time does nothing."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        alarming.acknowledge(work, ticket)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/extension")
def ask_extension(hub: HubDep, asker: Handler, ticket_id: int, sent: MoreTime) -> TicketTold:
    """申请延期; while nobody has decided, a repetition is the same request."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_ACT)
        extending.ask(work, ticket, sent.days, sent.reason)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/extension/decision")
def decide_extension(hub: HubDep, asker: Granter, ticket_id: int, sent: TimeDecision) -> TicketTold:
    """Grants or refuses more time; `due_at` is the deadline from now on."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_EXTEND)
        extending.decide(work, ticket, grant=sent.grant, words=sent.reason, zone=hub.settings.office_zone)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/sign")
def sign(hub: HubDep, asker: Head, ticket_id: int) -> TicketAnswered:
    """审签, also by the deputy of a head; the answer leaves, and `by` is how the citizen was told."""
    with hub.works.write(asker.actor) as work:
        ticket = find_as_deputy(work, asker, ticket_id, P.TICKET_SIGN)
        signing.sign(work, ticket)
        by = tell_answer(hub, work, ticket)
        return {**ticket_told(ticket, work.now), "by": by}


@router.post("/{ticket_id}/sign/return")
def send_back(hub: HubDep, asker: Head, ticket_id: int, sent: Reason) -> TicketTold:
    """Sends the answer back to whoever wrote it."""
    with hub.works.write(asker.actor) as work:
        ticket = find_as_deputy(work, asker, ticket_id, P.TICKET_SIGN)
        signing.send_back(work, ticket, sent.reason)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/follow-up")
def follow_up(hub: HubDep, asker: Caller, ticket_id: int, sent: FollowedUp) -> TicketTold:
    """回访; not satisfied, the ticket is open again with a deadline of its own."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_FOLLOW)
        following.record(work, ticket, sent.result, sent.reason, hub.settings.office_zone)
        return ticket_told(ticket, work.now)


@router.post("/{ticket_id}/hotline")
def send(hub: HubDep, asker: Relayer, ticket_id: int) -> TicketTold:
    """Books the sending to the 12345 system; while it is under way a repetition is the same one."""
    with hub.works.write(asker.actor) as work:
        return ticket_told(send_to_hotline(hub, work, asker, ticket_id), work.now)


@router.post("/{ticket_id}/hotline/number")
def note_number(hub: HubDep, asker: Relayer, ticket_id: int, sent: HotlineNumber) -> TicketTold:
    """Writes down the number that the hotline gave; one number is one ticket."""
    with hub.works.write(asker.actor) as work:
        ticket = find(work, asker, ticket_id, P.TICKET_RELAY)
        sending.note_number(work, ticket, sent.number)
        return ticket_told(ticket, work.now)
