"""更正, 撤稿, 刷新: one act on every channel that shows a piece, a withdrawal also later; a choice where asked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts import doubles
from channels.accounts.models import Account
from content.models import Piece, Release
from content.states import ReleaseState
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.booking_form import (
    PHRASES,
    NotBooked,
    Shown,
    coming_of,
    shown_of,
    values_of,
)
from hub.web.deliveries import Sent
from hub.web.pages import page, say, see_other
from hub.web.piece_form import moment, number, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission
from kernel.work import Work
from scheduler import booking, offline
from scheduler.booking import Order
from scheduler.models import Delivery, Place, Placement, RehearsedPlacement
from scheduler.states import PlacementState
from templates.catalogue import _

router = APIRouter(prefix="/console/bookings")

P = Permission
Booker = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]

ACTS = {"correct": _("更正"), "withdraw": _("撤稿"), "refresh": _("刷新页面")}


@router.get("/act")
def act_form(request: Request, hub: HubDep, asker: Booker, piece: int, act: str = "correct") -> HTMLResponse:
    """Where the piece shows, with a choice per channel that asks for one, and what will happen there."""
    return _act_page(request, hub, asker, piece, act, None)


@router.post("/act")
def act_on(request: Request, hub: HubDep, asker: Booker, sent: Sent) -> Response:
    """Books the act on every chosen account at once; either all of them or none."""
    piece_id, act = number(sent, "piece") or 0, text(sent, "act")
    try:
        with hub.works.write(asker.actor) as work:
            piece = piece_for(work.session, asker.viewer, piece_id, P.BOOKING_WRITE)
            made = _act_each(hub, work, asker, piece, act, sent)
    except NotFound:
        raise
    except XuandaError as error:
        return _act_page(request, hub, asker, piece_id, act, sent, error)
    told = say(hub, asker, _("已安排：%(act)s，共 %(n)s 个渠道。"), act=say(hub, asker, ACTS[act]), n=len(made))
    query = urlencode({"piece": piece_id})
    return see_other(f"/console/placements?{query}", told)


def _act_each(hub: Hub, work: Work, asker: Asker, piece: Piece, act: str, sent: FormData) -> list[Delivery]:
    if act not in ACTS:
        raise NotFound
    at = _moment(hub, act, sent)
    phrase = text(sent, "phrase")
    if act == "withdraw" and phrase not in PHRASES:
        raise Invalid(field="phrase", why="请选择对公众的说明。")
    chosen = [place for place in _shown(work.session, piece, act, sent) if place.checked]
    if not chosen:
        raise Invalid(field="accounts", why="请至少选择一个渠道。")
    made: list[Delivery] = []
    faults: dict[int, XuandaError] = {}
    for place in chosen:
        if place.current:
            faults[place.account.id] = Invalid(field="account", why="这里显示的已是最新签发的版本。")
            continue
        note = {"correction": place.correction} if place.corrections else {}
        order = Order((piece.id,), place.account.id, act, at, phrase=phrase, note=note, again=True)
        try:
            made.append(booking.book_act(work, asker.viewer, order, hub.settings.office_zone))
        except XuandaError as error:
            if error.field == "at":
                raise
            faults[place.account.id] = error
    if faults:
        raise NotBooked(faults)
    return made


def _moment(hub: Hub, act: str, sent: FormData) -> datetime | None:
    """定时下线: when a withdrawal shall be done; None for at once, as everything else is done."""
    if act != "withdraw" or text(sent, "when") != "at":
        return None
    at = moment(sent, "at", hub.settings.office_zone)
    if at is None:
        raise Invalid(field="at", why="请填写下线时间。")
    return at


def _shown(session: Session, piece: Piece, act: str, sent: FormData | None) -> list[Shown]:
    """Where it shows for the public; for an account in rehearsal, where it shows there instead."""
    found = [row for row in _places(session, piece, Placement) if not row[1].rehearsal]
    found += [row for row in _places(session, piece, RehearsedPlacement) if doubles.real_of(session, row[1]).rehearsal]
    places = [shown_of(placement, account, piece.release_id, act, sent) for placement, account in found]
    return places + (_coming(session, piece, {one.account.id for one in places}, sent) if act == "withdraw" else [])


def _coming(session: Session, piece: Piece, known: set[int], sent: FormData | None) -> list[Shown]:
    """Where it is just going out and does not show yet, in the world that a withdrawal would act in."""
    going = offline.on_its_way_anywhere(session, piece.id)
    accounts = {one.account_id: session.get_one(Account, one.account_id) for one in going}
    return [
        coming_of(one, accounts[one.account_id], sent)
        for one in {row.account_id: row for row in going if row.account_id not in known}.values()
        if doubles.lane_of(session, doubles.real_of(session, accounts[one.account_id])).id == one.account_id
    ]


def _places(session: Session, piece: Piece, kind: type[Place]) -> list[tuple[Place, Account]]:
    query = (
        select(kind, Account)
        .join(Account, Account.id == kind.account_id)
        .where(kind.piece_id == piece.id, kind.state != PlacementState.WITHDRAWN)
        .order_by(kind.id)
    )
    return [(placement, account) for placement, account in session.execute(query)]


def _act_page(
    request: Request,
    hub: Hub,
    asker: Asker,
    piece_id: int,
    act: str,
    sent: FormData | None,
    error: XuandaError | None = None,
) -> HTMLResponse:
    if act not in ACTS:
        raise NotFound
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.BOOKING_WRITE)
        release = work.session.get(Release, piece.release_id) if piece.release_id else None
        places = _shown(work.session, piece, act, sent)
        untouched = [account.name for _place, account in _places(work.session, piece, Placement) if account.rehearsal]
    if isinstance(error, NotBooked):
        for place in places:
            fault = error.by_account.get(place.account.id)
            place.error = fault.message(asker.language) if fault else ""
    ready = act != "correct" or (release is not None and release.state == ReleaseState.SIGNED)
    same = bool(places) and all(one.current for one in places)
    return page(
        request,
        asker,
        "pages/bookings/act.html",
        status=error.status if error else 200,
        piece=piece,
        act=act,
        label=ACTS[act],
        places=places,
        phrases=[(phrase, say(hub, asker, phrase)) for phrase in PHRASES],
        form=values_of(sent),
        fault=error.message(asker.language) if error else "",
        fault_field=error.field if error else None,
        ready=ready,
        untouched=untouched,
        same=same,
        zone=hub.settings.office_zone.key,
    )
