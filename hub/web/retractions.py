"""更正, 撤稿, 刷新: one act on every channel that shows a piece, a withdrawal also later; a choice where asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts import doubles
from channels.accounts.models import Account
from channels.base import ACTION_LABELS
from content.models import Piece, Release
from content.states import ReleaseState
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.booking_form import (
    PHRASES,
    PHRASES_NAMED,
    NotBooked,
    Shown,
    coming_of,
    shown_of,
    values_of,
)
from hub.web.deliveries import Sent, with_channel
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import moment, number, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission
from kernel.work import Work
from scheduler import booking, offline
from scheduler.booking import Order
from scheduler.models import Delivery, Place, Placement, RehearsedPlacement
from scheduler.states import ON_ITS_WAY, DeliveryState, PlacementState
from templates.catalogue import _

router = APIRouter(prefix="/console/bookings")

P = Permission
Booker = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]

WAITING = ((_("账号"), ""), (_("任务"), ""), (_("状态"), ""), (_("撤稿后"), ""))
MOST_WAITING = 30

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
    chosen = [place for place in _shown(work.session, piece, act, sent) if place.checked]
    if not chosen and (act != "withdraw" or text(sent, "phrase") in PHRASES):
        raise Invalid(field="accounts", why="请至少选择一个渠道。")
    ways = {place.account.id: place.correction if place.corrections else "" for place in chosen}
    return book_acts(hub, work, asker, piece, AllPlaces(act, ways, at, text(sent, "phrase")))


@dataclass(frozen=True)
class AllPlaces:
    """One act on several accounts: the way to correct, by account, where there are several; `at` puts it off."""

    act: str
    ways: Mapping[int, str]
    at: datetime | None = None
    phrase: str = ""


def book_acts(hub: Hub, work: Work, asker: Asker, piece: Piece, wanted: AllPlaces) -> list[Delivery]:
    """Books the act on every account, all of them or none; raises NotBooked with what is wrong on which."""
    if wanted.act == "withdraw" and wanted.phrase not in PHRASES:
        raise Invalid(field="phrase", why=f"请选择对公众的说明：{PHRASES_NAMED}。")
    if wanted.at is not None and wanted.act != "withdraw":
        raise Invalid(field="at", why="只有撤稿可以定时。")
    current = _up_to_date(work.session, piece) if wanted.act == "correct" else frozenset()
    made: list[Delivery] = []
    faults: dict[int, XuandaError] = {}
    for account, way in wanted.ways.items():
        note = {"correction": way} if way else {}
        order = Order((piece.id,), account, wanted.act, wanted.at, phrase=wanted.phrase, note=note, again=True)
        try:
            if account in current:
                raise Invalid(field="account", why="这里显示的已是最新签发的版本。")
            made.append(booking.book_act(work, asker.viewer, order, hub.settings.office_zone))
        except XuandaError as error:
            if error.field == "at":
                raise
            faults[account] = error
    if faults:
        raise NotBooked(faults)
    return made


def _up_to_date(session: Session, piece: Piece) -> frozenset[int]:
    """The accounts that show the newest release, where a correction would bring nothing new."""
    shown = [row for kind in (Placement, RehearsedPlacement) for row in _places(session, piece, kind)]
    newest = [
        (account.id, doubles.real_of(session, account).id)  # A rehearsal is asked for by either.
        for place, account in shown
        if place.release_id == piece.release_id
        and place.state == PlacementState.LIVE
        and bool(account.stands_for) == doubles.real_of(session, account).rehearsal
    ]
    return frozenset(chain.from_iterable(newest))


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


@dataclass(frozen=True)
class StillWaiting:
    """What is not over yet for a piece that is to be withdrawn, and what will become of it."""

    delivery: Delivery
    account: str
    action: str
    fate: str
    reachable: bool


def _waiting(session: Session, asker: Asker, piece: Piece) -> list[StillWaiting]:
    rows = offline.unfinished(session, piece.id)
    shown = {
        account.id for kind in (Placement, RehearsedPlacement) for _place, account in _places(session, piece, kind)
    }
    names = {row.account_id: session.get_one(Account, row.account_id).name for row in rows}
    return [
        StillWaiting(
            row,
            names[row.account_id],
            ACTION_LABELS[row.action],
            _fate(row, shown),
            asker.may(P.DELIVERY_READ, row.unit_id),
        )
        for row in rows
    ]


def _fate(row: Delivery, shown: Collection[int]) -> str:
    """What a withdrawal at once makes of it (scheduler.leaving, scheduler.booking)."""
    if row.state in ON_ITS_WAY and row.action == "withdraw":
        return _("正在撤稿。")
    if row.state in ON_ITS_WAY:
        changing = _("已交给平台：有了结果，与正显示的一并撤下。")
        return changing if row.account_id in shown else _("正在发布：在下面勾选该渠道，有了结果即撤下。")
    if row.state == DeliveryState.MANUAL:
        return _("人工任务不会自己停止：请通知办理人，并取消该任务。")
    if row.action == "withdraw":
        return _("已预定的下线：选“立即”时提前到现在。")
    if row.rehearses:
        return _("演练任务，不受影响。")
    if row.action in ("correct", "refresh"):
        return _("撤下的渠道上自动取消，其余渠道照常。")
    if row.state == DeliveryState.HELD:
        return _("继续暂缓；即使恢复也不会自动发出。")
    return _("不再自动发出：到点时转为暂缓，由人决定；确定不发的请取消。")


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
        waiting = _waiting(work.session, asker, piece) if act == "withdraw" else []
        untouched = [account for _place, account in _places(work.session, piece, Placement) if account.rehearsal]
        real = [one.account for one in places if not one.account.stands_for]
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
        waiting=waiting,
        waiting_columns=columns(hub, asker, *WAITING),
        most=MOST_WAITING,
        phrases=[(phrase, say(hub, asker, phrase)) for phrase in PHRASES],
        form=values_of(sent),
        fault=error.message(asker.language) if error else "",
        fault_field=error.field if error else None,
        ready=ready,
        untouched=[with_channel(hub, asker, account) for account in untouched],
        real=[with_channel(hub, asker, account) for account in real],
        same=same,
        zone=hub.settings.office_zone.key,
    )
