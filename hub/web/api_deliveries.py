"""The API of the way out: accounts, preflight, booking, tasks with their attempts, acts, what each channel shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.accounts import account_for, health_of, quotas_of
from hub.web.deliveries import delivery_for
from hub.web.sent import Body, Moment
from kernel.errors import NotFound
from kernel.people import Permission, scoped
from kernel.work import Work
from scheduler import booking, by_hand, settle
from scheduler.booking import Order
from scheduler.conflicts import foreseen, of_delivery
from scheduler.figures import is_late, late
from scheduler.models import Attempt, Delivery, DeliveryItem
from scheduler.placements import placements_of
from scheduler.posts import items_of

router = APIRouter(prefix="/api/v1")

P = Permission
AccountReader = Annotated[Asker, Depends(api_may(P.ACCOUNT_READ))]
Booker = Annotated[Asker, Depends(api_may(P.BOOKING_WRITE))]
Reader = Annotated[Asker, Depends(api_may(P.DELIVERY_READ))]
Actor = Annotated[Asker, Depends(api_may(P.DELIVERY_ACT))]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]
PAGE_SIZE = 50
ON_WHAT_SHOWS = ("correct", "withdraw", "refresh")


class Booking(Body):
    """What to book: pieces in order on one account, the act, and the time (none: at once).

    `correct`, `withdraw` and `refresh` act on what shows there already; `phrase` is what the public is told of a
    withdrawal, `correction` how to correct where the channel has several ways. `into_slot` takes the account's next
    free slot; with `at` it must be that one, so that what was told is what is booked. `offline_at` also books the
    withdrawal of what is published, for that time.
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
    offline_at: Moment | None = None

    def order(self) -> Order:
        """The same as the scheduler takes it."""
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
            note={"correction": self.correction} if self.correction else {},
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
def list_accounts(hub: HubDep, asker: AccountReader) -> dict[str, Any]:
    """The accounts of the units in reach, with health and what is left of their quotas."""
    with hub.works.read() as work:
        query = scoped(select(Account), Account.unit_id, asker.viewer, P.ACCOUNT_READ).order_by(Account.id)
        query = query.where(Account.stands_for.is_(None))
        found = work.session.scalars(query).all()
        return {"accounts": _accounts(work, found)}


@router.get("/accounts/{account_id}")
def get_account(hub: HubDep, asker: AccountReader, account_id: int) -> dict[str, Any]:
    """One account; its secrets are never told."""
    with hub.works.read() as work:
        return _accounts(work, [account_for(work.session, asker, account_id, P.ACCOUNT_READ)])[0]


# --- booking ---------------------------------------------------------------------------------------------------


@router.post("/preflight")
def preflight(hub: HubDep, asker: Booker, wanted: Booking) -> dict[str, Any]:
    """发布前检查: what would not fit this account, and which slot it would take, without booking anything."""
    zone, order, told = hub.settings.office_zone, wanted.order(), {}
    with hub.works.read() as work:
        _reach(work.session, asker, wanted)
        problems = booking.preflight(work.session, order, hub.settings.address)
        if wanted.into_slot:
            free = booking.next_slot(work.session, order, work.now, zone)
            told = {"slot": {"id": free.slot.id, "name": free.slot.name, "at": _moment(free.at)} if free else None}
            order = replace(order, at=free.at if free else None)
        problems += booking.forewarned(work, order, zone)
        fits = not any(one.blocking for one in problems) and (not wanted.into_slot or told["slot"] is not None)
    return {"fits": fits, "problems": [vars(one) for one in problems], **told}


@router.post("/deliveries", status_code=201)
def book(hub: HubDep, asker: Booker, wanted: Booking) -> dict[str, Any]:
    """Books one delivery; 409 when the same is booked already, 422 with the field that does not fit."""
    with hub.works.write(asker.actor) as work:
        _reach(work.session, asker, wanted)
        if wanted.action in ON_WHAT_SHOWS:
            made = booking.book_act(work, asker.viewer, wanted.order(), hub.settings.office_zone)
        else:
            made = booking.book(work, asker.viewer, wanted.order(), hub.settings.address, hub.settings.office_zone)
            if wanted.offline_at is not None:
                booking.book_act(work, asker.viewer, wanted.withdrawal(wanted.offline_at), hub.settings.office_zone)
        return _whole(work, made)


def _reach(session: Session, asker: Asker, wanted: Booking) -> None:
    for piece_id in wanted.pieces:
        piece_for(session, asker.viewer, piece_id, P.BOOKING_WRITE)
    if session.get(Account, wanted.account) is None:
        raise NotFound(field="account")


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
) -> dict[str, Any]:
    """Deliveries in reach, the latest planned first, 50 to a page; `state` is a state or `late`."""
    query = scoped(select(Delivery), Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
    with hub.works.read() as work:
        if state:
            query = query.where(late(work.now) if state == "late" else Delivery.state == state)
        if account is not None:
            query = query.where(Delivery.account_id == account)
        if piece is not None:
            having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id == piece)
            query = query.where(Delivery.id.in_(having))
        if since is not None:
            query = query.where(Delivery.scheduled_at >= since)
        if until is not None:
            query = query.where(Delivery.scheduled_at < until)
        total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
        order = query.order_by(Delivery.scheduled_at.desc(), Delivery.id.desc())
        rows = work.session.scalars(order.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE)).all()
        return {"total": total, "page": page, "deliveries": [_brief(row, work.now) for row in rows]}


@router.get("/deliveries/{delivery_id}")
def get_delivery(hub: HubDep, asker: Reader, delivery_id: int) -> dict[str, Any]:
    """One delivery with its items and every attempt."""
    with hub.works.read() as work:
        return _whole(work, delivery_for(work.session, asker, delivery_id))


@router.post("/deliveries/{delivery_id}/cancel")
def cancel(hub: HubDep, asker: Actor, delivery_id: int, sent: Reason) -> dict[str, Any]:
    """取消; 409 once it was handed to the platform."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.cancel(work, asker.viewer, row, sent.reason))


@router.post("/deliveries/{delivery_id}/move")
def move(hub: HubDep, asker: Actor, delivery_id: int, sent: Move) -> dict[str, Any]:
    """改期 inside the signed window; `told` is what a person should know of the new time."""
    told: list[str] = []

    def step(work: Work, row: Delivery) -> None:
        booking.move(work, asker.viewer, row, sent.at, sent.seen)
        found = foreseen(work.session, of_delivery(work.session, row, sent.at), hub.settings.office_zone)
        told.extend(problem.message for problem in found)

    return {**_act(hub, asker, delivery_id, step), "told": told}


@router.post("/deliveries/{delivery_id}/hold")
def hold(hub: HubDep, asker: Actor, delivery_id: int, sent: Hold) -> dict[str, Any]:
    """暂缓."""
    return _act(
        hub, asker, delivery_id, lambda work, row: booking.hold(work, asker.viewer, row, sent.reason, sent.until)
    )


@router.post("/deliveries/{delivery_id}/resume")
def resume(hub: HubDep, asker: Actor, delivery_id: int) -> dict[str, Any]:
    """恢复."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.resume(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/retry")
def retry(hub: HubDep, asker: Actor, delivery_id: int) -> dict[str, Any]:
    """重试."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.retry(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/by-hand")
def take_by_hand(hub: HubDep, asker: Actor, delivery_id: int) -> dict[str, Any]:
    """改人工."""
    return _act(hub, asker, delivery_id, lambda work, row: booking.take_by_hand(work, asker.viewer, row))


@router.post("/deliveries/{delivery_id}/close")
def close(hub: HubDep, asker: Actor, delivery_id: int, sent: Closing) -> dict[str, Any]:
    """Closes a task by hand with its link."""
    return _act(hub, asker, delivery_id, lambda work, row: by_hand.close(work, asker.viewer, row, sent.url))


@router.post("/deliveries/{delivery_id}/there")
def there(hub: HubDep, asker: Actor, delivery_id: int, sent: Found) -> dict[str, Any]:
    """已在平台上: settles an unknown one."""
    return _act(
        hub, asker, delivery_id, lambda work, row: settle.there(work, asker.viewer, row, sent.links, sent.remark)
    )


@router.post("/deliveries/{delivery_id}/not-there")
def not_there(hub: HubDep, asker: Actor, delivery_id: int) -> dict[str, Any]:
    """不在平台上: sends an unknown one again."""
    return _act(hub, asker, delivery_id, lambda work, row: settle.not_there(work, asker.viewer, row))


def _act(hub: HubDep, asker: Asker, delivery_id: int, step: Callable[[Work, Delivery], None]) -> dict[str, Any]:
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
        step(work, delivery)
        return _whole(work, delivery)


# --- what each channel shows -----------------------------------------------------------------------------------


@router.get("/pieces/{piece_id}/placements")
def placements(hub: HubDep, asker: Reader, piece_id: int) -> dict[str, Any]:
    """Where a piece shows, at which revision, and what became of corrections."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.DELIVERY_READ)
        return {
            "placements": [
                {
                    "account": row.account_id,
                    "state": row.state,
                    "release": row.release_id,
                    "revision": row.revision_id,
                    "remote_id": row.remote_id,
                    "url": row.url,
                    "correction": row.correction,
                    "live_at": _moment(row.live_at),
                    "changed_at": _moment(row.changed_at),
                    "withdrawn_at": _moment(row.withdrawn_at),
                    "delivery": row.delivery_id,
                }
                for row in placements_of(work.session, piece.id)
            ]
        }


# --- as JSON ---------------------------------------------------------------------------------------------------


def _accounts(work: Work, found: Any) -> list[dict[str, Any]]:
    quotas = quotas_of(work.session, found, work.now)
    return [
        {
            "id": row.id,
            "name": row.name,
            "code": row.code,
            "channel": row.channel,
            "unit": row.unit_id,
            "action": row.action,
            "active": row.active,
            "rehearsal": row.rehearsal,
            "healthy": health_of(row).tone != "bad",
            "last_success_at": _moment(row.last_success_at),
            "last_failure_at": _moment(row.last_failure_at),
            "last_failure": row.last_failure,
            "credential_dead_at": _moment(row.credential_dead_at),
            "quotas": [vars(one) for one in quotas.get(row.id, [])],
        }
        for row in found
    ]


def _brief(row: Delivery, now: datetime) -> dict[str, Any]:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "account": row.account_id,
        "rehearses": row.rehearses,
        "channel": row.channel,
        "action": row.action,
        "occurrence": row.occurrence,
        "state": row.state,
        "late": is_late(row, now),
        "scheduled_at": _moment(row.scheduled_at),
        "next_at": _moment(row.next_at),
        "first_attempt_at": _moment(row.first_attempt_at),
        "accepted_until": _moment(row.accepted_until),
        "done_at": _moment(row.done_at),
        "attempts": row.attempts,
        "reason": row.reason,
        "code": row.code,
        "remark": row.remark,
    }


def _whole(work: Work, row: Delivery) -> dict[str, Any]:
    attempts = work.session.scalars(select(Attempt).where(Attempt.delivery_id == row.id).order_by(Attempt.id))
    return {
        **_brief(row, work.now),
        "audience": row.audience,
        "unsigned": row.unsigned,
        "missed_after": row.missed_after,
        "missed_act": row.missed_act,
        "phrase": row.phrase,
        "emergency": row.emergency,
        "items": [
            {
                "piece": item.piece_id,
                "release": release.id,
                "hash": release.hash,
                "title": release.content["title"],
                "position": item.position,
                "dropped": item.dropped,
            }
            for item, release, _piece in items_of(work.session, row.id)
        ],
        "history": [
            {
                "number": one.number,
                "act": one.act,
                "started_at": _moment(one.started_at),
                "ended_at": _moment(one.ended_at),
                "outcome": one.outcome,
                "code": one.code,
                "reason": one.reason,
            }
            for one in attempts
        ],
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat() if moment else None
