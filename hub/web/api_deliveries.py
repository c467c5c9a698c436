"""The API of the way out: accounts, preflight, booking, tasks with their attempts, acts, what each channel shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.comments import CHOSEN
from channels.accounts.models import Account
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.accounts import account_for
from hub.web.api_delivery_told import (
    Accounts,
    AccountTold,
    Deliveries,
    DeliveryWhole,
    Moved,
    Placements,
    Preflight,
    SlotFree,
    accounts_told,
    delivery_brief,
    delivery_whole,
    placement_told,
    problem_told,
)
from hub.web.api_shapes import PageNumber, one_page, told
from hub.web.booking_form import PHRASES, PHRASES_NAMED
from hub.web.comment_choice import note_of
from hub.web.deliveries import delivery_for
from hub.web.sent import Body, Moment
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, scoped
from kernel.work import Work
from scheduler import booking, by_hand, settle
from scheduler.booking import Order
from scheduler.conflicts import foreseen, of_delivery
from scheduler.figures import late, not_out
from scheduler.models import Delivery, DeliveryItem
from scheduler.placements import placements_of

router = APIRouter(prefix="/api/v1")

P = Permission
AccountReader = Annotated[Asker, Depends(api_may(P.ACCOUNT_READ))]
Booker = Annotated[Asker, Depends(api_may(P.BOOKING_WRITE))]
Reader = Annotated[Asker, Depends(api_may(P.DELIVERY_READ))]
Actor = Annotated[Asker, Depends(api_may(P.DELIVERY_ACT))]
ON_WHAT_SHOWS = ("correct", "withdraw", "refresh")


class Booking(Body):
    """What to book: pieces in order on one account, the act, and the time (none: at once).

    `correct`, `withdraw` and `refresh` act on what shows there already; `phrase` is what the public is told of a
    withdrawal, `correction` how to correct where the channel has several ways. `into_slot` takes the account's next
    free slot; with `at` it must be that one, so that what was told is what is booked. `offline_at` also books the
    withdrawal of what is published, for that time. `comments` says whether readers may write beneath it ("": as the
    account has it), where the platform lets one choose.
    """

    pieces: list[int] = Field(min_length=1, max_length=8)
    account: int
    action: Literal["publish", "mass_send", "push", "correct", "withdraw", "refresh"] = "publish"
    at: Moment | None = None
    audience: dict[str, Any] = Field(default_factory=dict)
    unsigned: Literal["drop", "hold"] = "hold"
    missed_after: int | None = Field(None, ge=1, le=10_080)
    missed_act: Literal["send", "hold", "drop"] = "send"
    again: bool = False
    into_slot: bool = False
    phrase: str = Field("", max_length=200)
    correction: str = ""
    comments: Literal["", "open", "fans", "closed"] = ""
    offline_at: Moment | None = None

    def order(self) -> Order:
        """The same as the scheduler takes it."""
        chosen = {"correction": self.correction, CHOSEN: self.comments}
        return Order(
            piece_ids=tuple(self.pieces),
            account_id=self.account,
            action=self.action,
            at=self.at,
            audience=self.audience,
            unsigned=self.unsigned,
            missed_after=self.missed_after,
            missed_act=self.missed_act,
            again=self.again,
            into_slot=self.into_slot,
            phrase=self.phrase,
            note={name: value for name, value in chosen.items() if value},
        )

    def withdrawal(self, at: datetime) -> Order:
        """定时下线 of the same."""
        return Order(tuple(self.pieces), self.account, "withdraw", at, phrase=self.phrase, again=True)


class Reason(Body):
    """Why."""

    reason: str = Field(min_length=1, max_length=500)


class Hold(Reason):
    """Why it is kept back, and until when (none: until a person resumes it)."""

    until: Moment | None = None


class Move(Body):
    """The new time; with `seen`, the time it had when it was read, 409 when somebody else has moved it since."""

    at: Moment
    seen: Moment | None = None


class Found(Body):
    """Where it was found: links by piece id, or a remark."""

    links: dict[int, str] = Field(default_factory=dict)
    remark: str = ""


class Closing(Body):
    """The link under which the work done by hand shows."""

    url: str


# --- accounts --------------------------------------------------------------------------------------------------


@router.get("/accounts")
def list_accounts(hub: HubDep, asker: AccountReader) -> Accounts:
    """The accounts of the units in reach, with health and what is left of their quotas."""
    with hub.works.read() as work:
        query = scoped(select(Account), Account.unit_id, asker.viewer, P.ACCOUNT_READ).order_by(Account.id)
        query = query.where(Account.stands_for.is_(None))
        found = work.session.scalars(query).all()
        return {"accounts": accounts_told(work, found)}


@router.get("/accounts/{account_id}")
def get_account(hub: HubDep, asker: AccountReader, account_id: int) -> AccountTold:
    """One account; its secrets are never told."""
    with hub.works.read() as work:
        return accounts_told(work, [account_for(work.session, asker, account_id, P.ACCOUNT_READ)])[0]


# --- booking ---------------------------------------------------------------------------------------------------


@router.post("/preflight")
def preflight(hub: HubDep, asker: Booker, wanted: Booking) -> Preflight:
    """发布前检查: what would not fit this account, and which slot it would take, without booking anything."""
    zone, order, slot = hub.settings.office_zone, wanted.order(), None
    with hub.works.read() as work:
        _reach(work.session, asker, wanted)
        problems = booking.preflight(work.session, order, hub.settings.address)
        if wanted.into_slot:
            free = booking.next_slot(work.session, order, work.now, zone)
            if free is not None:
                slot = SlotFree(id=free.slot.id, name=free.slot.name, at=told(free.at))
            order = replace(order, at=free.at if free else None)
        problems += booking.forewarned(work, order, zone)
        fits = not any(one.blocking for one in problems) and (not wanted.into_slot or slot is not None)
    return {"fits": fits, "problems": [problem_told(one) for one in problems], "slot": slot}


def _say_only_what_is_listed(wanted: Booking) -> None:
    """Raises Invalid where a withdrawal would tell the public anything but one of the listed reasons."""
    if (wanted.action == "withdraw" or wanted.offline_at is not None) and wanted.phrase not in PHRASES:
        raise Invalid(field="phrase", why=f"请选择对公众的说明：{PHRASES_NAMED}。")


@router.post("/deliveries", status_code=201)
def book(hub: HubDep, asker: Booker, wanted: Booking) -> DeliveryWhole:
    """Books one delivery; 409 when the same is booked already, 422 with the field that does not fit."""
    with hub.works.write(asker.actor) as work:
        _reach(work.session, asker, wanted)
        _say_only_what_is_listed(wanted)
        if wanted.action in ON_WHAT_SHOWS:
            made = booking.book_act(work, asker.viewer, wanted.order(), hub.settings.office_zone)
        else:
            made = booking.book(work, asker.viewer, wanted.order(), hub.settings.address, hub.settings.office_zone)
            if wanted.offline_at is not None:
                booking.book_act(work, asker.viewer, wanted.withdrawal(wanted.offline_at), hub.settings.office_zone)
        return delivery_whole(work, made)


def _reach(session: Session, asker: Asker, wanted: Booking) -> None:
    for piece_id in wanted.pieces:
        piece_for(session, asker.viewer, piece_id, P.BOOKING_WRITE)
    account = session.get(Account, wanted.account)
    if account is None:
        raise NotFound(field="account")
    note_of(wanted.comments, account.channel)


# --- tasks -----------------------------------------------------------------------------------------------------


@router.get("/deliveries")
def list_deliveries(
    hub: HubDep,
    asker: Reader,
    state: str = "",
    account: int | None = None,
    piece: int | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    page: PageNumber = 1,
) -> Deliveries:
    """Deliveries in reach, the latest planned first, 50 to a page; `state` is a state, `late` or `not_out`."""
    query = scoped(select(Delivery), Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
    with hub.works.read() as work:
        if state:
            named = {"late": late, "not_out": not_out}.get(state)
            query = query.where(named(work.now) if named else Delivery.state == state)
        if account is not None:
            query = query.where(Delivery.account_id == account)
        if piece is not None:
            having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id == piece)
            query = query.where(Delivery.id.in_(having))
        if since is not None:
            query = query.where(Delivery.scheduled_at >= since)
        if until is not None:
            query = query.where(Delivery.scheduled_at < until)
        head, rows = one_page(work.session, query, page, Delivery.scheduled_at.desc(), Delivery.id.desc())
        return {**head, "deliveries": [delivery_brief(row, work.now) for row in rows]}


@router.get("/deliveries/{delivery_id}")
def get_delivery(hub: HubDep, asker: Reader, delivery_id: int) -> DeliveryWhole:
    """One delivery with its items and every attempt."""
    with hub.works.read() as work:
        return delivery_whole(work, delivery_for(work.session, asker, delivery_id))


@router.post("/deliveries/{delivery_id}/cancel")
def cancel(hub: HubDep, asker: Actor, delivery_id: int, sent: Reason) -> DeliveryWhole:
    """取消; 409 once it was handed to the platform."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.cancel(work, asker.viewer, row, sent.reason))


@router.post("/deliveries/{delivery_id}/move")
def move(hub: HubDep, asker: Actor, delivery_id: int, sent: Move) -> Moved:
    """改期 inside the signed window; `told` is what a person should know of the new time."""
    said: list[str] = []

    def step(work: Work, row: Delivery) -> None:
        booking.move(work, asker.viewer, row, sent.at, sent.seen)
        found = foreseen(work.session, of_delivery(work.session, row, sent.at), hub.settings.office_zone)
        said.extend(problem.message for problem in found)

    return {**_act(hub, asker, delivery_id, step), "told": said}


@router.post("/deliveries/{delivery_id}/hold")
def hold(hub: HubDep, asker: Actor, delivery_id: int, sent: Hold) -> DeliveryWhole:
    """暂缓."""
    return _act(
        hub, asker, delivery_id, lambda work, row: booking.hold(work, asker.viewer, row, sent.reason, sent.until)
    )


@router.post("/deliveries/{delivery_id}/resume")
def resume(hub: HubDep, asker: Actor, delivery_id: int) -> DeliveryWhole:
    """恢复."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.resume(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/retry")
def retry(hub: HubDep, asker: Actor, delivery_id: int) -> DeliveryWhole:
    """重试."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.retry(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/by-hand")
def take_by_hand(hub: HubDep, asker: Actor, delivery_id: int) -> DeliveryWhole:
    """改人工."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.take_by_hand(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/close")
def close(hub: HubDep, asker: Actor, delivery_id: int, sent: Closing) -> DeliveryWhole:
    """Closes a task by hand with its link."""
    return _act(hub, asker, delivery_id, lambda work, row: by_hand.close(work, asker.viewer, row, sent.url))


@router.post("/deliveries/{delivery_id}/there")
def there(hub: HubDep, asker: Actor, delivery_id: int, sent: Found) -> DeliveryWhole:
    """已在平台上: settles an unknown one."""
    return _act(
        hub, asker, delivery_id, lambda work, row: settle.there(work, asker.viewer, row, sent.links, sent.remark)
    )


@router.post("/deliveries/{delivery_id}/not-there")
def not_there(hub: HubDep, asker: Actor, delivery_id: int) -> DeliveryWhole:
    """不在平台上: sends an unknown one again."""
    return _act(hub, asker, delivery_id, lambda work, row: settle.not_there(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/ask-again")
def ask_again(hub: HubDep, asker: Actor, delivery_id: int) -> DeliveryWhole:
    """再核实: asks the platform now about an unknown one; once a minute at most."""
    return _act(hub, asker, delivery_id, lambda work, row: settle.ask_again(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/by-hand-instead")
def by_hand_instead(hub: HubDep, asker: Actor, delivery_id: int) -> DeliveryWhole:
    """A person looked, it is not there, and he publishes it himself; nothing is sent by itself any more."""
    return _act(hub, asker, delivery_id, lambda work, row: settle.by_hand_instead(work, asker.viewer, row))


def _act(hub: HubDep, asker: Asker, delivery_id: int, step: Callable[[Work, Delivery], None]) -> DeliveryWhole:
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
        step(work, delivery)
        return delivery_whole(work, delivery)


# --- what each channel shows -----------------------------------------------------------------------------------


@router.get("/pieces/{piece_id}/placements")
def placements(hub: HubDep, asker: Reader, piece_id: int) -> Placements:
    """Where a piece shows, at which revision, and what became of corrections."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.DELIVERY_READ)
        return {"placements": [placement_told(row) for row in placements_of(work.session, piece.id)]}
