"""The API of 一键停发 and 应急发布, and of the order of a bundle: what is decided over what goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from channels.accounts.models import Account
from content.snapshot import Urgency
from hub.editorial import piece_for
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_delivery_told import DeliveryWhole, delivery_whole
from hub.web.api_pieces import PieceWhole, whole
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.deliveries import delivery_for
from hub.web.emergency import Urgent, declare, take_down
from hub.web.sent import Body, Moment
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, scoped
from scheduler import freeze as stops
from scheduler import ordering
from scheduler.freeze import Choice
from scheduler.models import Emergency, Freeze

router = APIRouter(prefix="/api/v1")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.DELIVERY_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Stopper = Annotated[Asker, Depends(api_may(P.DELIVERY_ACT))]
Signer = Annotated[Asker, Depends(api_may(P.PIECE_SIGN))]


class NewFreeze(Body):
    """What is stopped (a whole unit, or one account), and why; everybody reads the reason."""

    unit: int | None = None
    account: int | None = None
    reason: str = Field(max_length=200)


class FreezeEnd(Body):
    """For each delivery that it holds: send now, at its own or another time, or not at all; the others keep theirs."""

    choices: dict[int, Literal["keep", "now", "drop"] | Moment] = Field(default_factory=dict)


class NewEmergency(Body):
    """An emergency release; `key` is 32 hexadecimal figures of the program's own, so that a repeat is told.

    A channel that could not take it is told and stops nothing from being mended; with `skip_misfits` it is left out and
    the others go. Where one needs a cover, it is a warning sign in the level's colour.
    """

    key: str = Field(pattern=r"^[0-9a-f]{32}$")
    title: str
    text: str
    column: int
    level: Literal["I", "II", "III", "IV"]
    accounts: list[int] = Field(min_length=1, max_length=100)
    banner_until: Moment | None = None
    through: bool = False
    skip_misfits: bool = False


class BundleOrder(Body):
    """The pieces in the order wanted, and in the order that was seen."""

    pieces: list[int] = Field(min_length=1, max_length=8)
    seen: list[int] = Field(min_length=1, max_length=8)


class FreezeTold(TypedDict):
    """A stop and the deliveries that wait for its end."""

    id: int
    unit: int
    account: int | None
    reason: str
    begun_at: At
    begun_by: int | None
    ended_at: At | None
    ended_by: int | None
    holds: list[int]


class Freezes(TypedDict):
    """The stops in force in the units in reach."""

    freezes: list[FreezeTold]


class NotRebooked(TypedDict):
    """A delivery that stays held, because it would not go out at the time that was chosen."""

    delivery: int
    why: str


class FreezeEnded(FreezeTold):
    """The stop that ended, how many deliveries were let go, and which could not be put to the time chosen."""

    let_go: int
    refused: list[NotRebooked]


class EmergencyTold(TypedDict):
    """An emergency; `banner` is whether the portal still shows it on every page."""

    id: int
    unit: int
    piece: int
    level: str
    banner: bool
    banner_until: At | None
    booked_at: At | None
    created_by: int
    created_at: At


class Emergencies(Page):
    """One page of emergencies."""

    emergencies: list[EmergencyTold]


# --- stops -----------------------------------------------------------------------------------------------------


@router.get("/freezes")
def list_freezes(hub: HubDep, asker: Reader) -> Freezes:
    """What is stopped now, with what waits for it."""
    with hub.works.read() as work:
        query = scoped(select(Freeze), Freeze.unit_id, asker.viewer, P.DELIVERY_READ).where(Freeze.ended_at.is_(None))
        return {"freezes": [_freeze_told(work.session, row) for row in work.session.scalars(query.order_by(Freeze.id))]}


@router.post("/freezes", status_code=201)
def begin(hub: HubDep, asker: Stopper, sent: NewFreeze) -> FreezeTold:
    """一键停发 of a unit or of one account; 422 when the same is stopped already."""
    with hub.works.write(asker.actor) as work:
        account = None
        if (sent.unit is None) == (sent.account is None):
            raise Invalid(field="unit", why="请在 unit 与 account 中填写一项。")
        if sent.account is not None:
            account = work.session.get(Account, sent.account)
        unit = account.unit_id if account is not None else sent.unit
        if unit is None or not asker.may(P.DELIVERY_ACT, unit):
            raise NotFound(field="unit" if sent.account is None else "account")
        return _freeze_told(work.session, stops.begin(work, asker.viewer, unit, sent.reason, account))


@router.post("/freezes/{freeze_id}/end")
def end(hub: HubDep, asker: Stopper, freeze_id: int, sent: FreezeEnd) -> FreezeEnded:
    """Ends a stop with a choice for each of the deliveries it holds."""
    with hub.works.write(asker.actor) as work:
        row = stops.freeze_for(work.session, asker.viewer, freeze_id)
        held = {one.id for one in stops.held_by(work.session, row)}
        for delivery in sent.choices:
            if delivery not in held:
                raise Invalid(field=f"choices.{delivery}", why=f"任务 {delivery} 不在此次停发中。")
        chosen: dict[int, Choice] = dict(sent.choices)
        ended = stops.end(work, asker.viewer, row, chosen, hub.settings.office_zone)
        refused: list[NotRebooked] = [{"delivery": one, "why": why} for one, why in ended.refused.items()]
        return {**_freeze_told(work.session, row), "let_go": ended.let_go, "refused": refused}


@router.post("/deliveries/{delivery_id}/let-through")
def let_through(hub: HubDep, asker: Stopper, delivery_id: int) -> DeliveryWhole:
    """Lets one delivery out while everything else waits."""
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
        stops.let_through(work, asker.viewer, delivery)
        return delivery_whole(work, delivery)


# --- emergencies -----------------------------------------------------------------------------------------------


@router.get("/emergencies")
def list_emergencies(hub: HubDep, asker: Reader, page: PageNumber = 1) -> Emergencies:
    """Emergencies in reach, the newest first."""
    with hub.works.read() as work:
        query = scoped(select(Emergency), Emergency.unit_id, asker.viewer, P.DELIVERY_READ)
        head, rows = one_page(work.session, query, page, Emergency.id.desc())
        return {**head, "emergencies": [_emergency_told(row, work.now) for row in rows]}


@router.post("/emergencies", status_code=201)
def declare_emergency(hub: HubDep, asker: Writer, sent: NewEmergency) -> PieceWhole:
    """应急发布: submitted to its few signers; with the last signature it goes out by itself."""
    urgency = Urgency(sent.level, sent.banner_until, sent.through)
    wanted = Urgent(sent.title, sent.text, sent.column, urgency, tuple(sent.accounts))
    with hub.works.write(asker.actor) as work:
        piece_id = declare(hub, work, asker, wanted, sent.key, skip_misfits=sent.skip_misfits)
        return whole(work.session, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))


@router.post("/emergencies/{emergency_id}/end-banner")
def end_banner(hub: HubDep, asker: Stopper, emergency_id: int) -> EmergencyTold:
    """Takes the portal's banner down before its hour."""
    return _emergency_told(take_down(hub, asker, emergency_id), hub.clock.now())


# --- the order of a bundle -------------------------------------------------------------------------------------


@router.put("/deliveries/{delivery_id}/order")
def reorder(hub: HubDep, asker: Signer, delivery_id: int, sent: BundleOrder) -> DeliveryWhole:
    """组稿顺序 as its last signer decides it; 409 when somebody else has ordered it since `seen`."""
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, P.PIECE_SIGN)
        if sorted(sent.pieces) != sorted(sent.seen):
            raise Invalid(field="pieces", why="须恰好列出组稿中的各篇稿件。")
        ordering.reorder(work, asker.viewer, delivery, sent.pieces, sent.seen)
        return delivery_whole(work, delivery)


# --- as JSON ---------------------------------------------------------------------------------------------------


def _freeze_told(session: Session, row: Freeze) -> FreezeTold:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "account": row.account_id,
        "reason": row.reason,
        "begun_at": told(row.begun_at),
        "begun_by": row.begun_by,
        "ended_at": moment(row.ended_at),
        "ended_by": row.ended_by,
        "holds": [] if row.ended_at else [one.id for one in stops.held_by(session, row)],
    }


def _emergency_told(row: Emergency, now: datetime) -> EmergencyTold:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "piece": row.piece_id,
        "level": row.level,
        "banner": row.banner_until is not None and row.banner_until > now,
        "banner_until": moment(row.banner_until),
        "booked_at": moment(row.booked_at),
        "created_by": row.created_by,
        "created_at": told(row.created_at),
    }
