"""发布中心: books a submitted or signed piece on its accounts, each a delivery of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from starlette.datastructures import FormData

from channels.accounts.models import Account
from channels.registry import channel
from content.models import Piece, Release
from content.snapshot import targets_of
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.approval import window_words
from hub.web.booking_form import (
    BOOKABLE,
    PHRASES,
    NotBooked,
    Option,
    Plan,
    bookable,
    chosen_accounts,
    narrowed_to_tag,
    options_of,
    plan_words,
    read_order,
    read_plan,
    values_of,
)
from hub.web.comment_choice import note_of
from hub.web.deliveries import Sent
from hub.web.lists import like, listing
from hub.web.pages import columns, fragment, page, say, see_other
from hub.web.piece_form import number, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, scoped
from kernel.work import Work
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState
from templates.catalogue import _

router = APIRouter(prefix="/console/bookings")

P = Permission
Booker = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]

LIST_COLUMNS = ((_("标题"), "title"), (_("审签"), "state"), (_("送审的账号"), ""), (_("时间窗"), ""), (_("操作"), ""))
SORTS = {"title": Piece.title, "state": Release.state, "at": Release.submitted_at}


# --- what waits to be booked -----------------------------------------------------------------------------------


@router.get("")
def waiting(request: Request, hub: HubDep, asker: Booker) -> HTMLResponse:
    """What was submitted or signed and is booked nowhere yet."""
    asked = listing(request, "q", "state", sort="-at")
    query = scoped(select(Piece, Release), Piece.unit_id, asker.viewer, P.BOOKING_WRITE)
    query = query.join(Release, Release.id == Piece.release_id).where(Release.state.in_(BOOKABLE), ~_booked())
    if asked.value("state"):
        query = query.where(Release.state == asked.value("state"))
    if asked.value("q"):
        query = query.where(Piece.title.like(like(asked.value("q")), escape="\\"))
    zone = hub.settings.office_zone
    with hub.works.read() as work:
        found, state = asked.take(work.session, query, SORTS, Piece.id.desc())
        rows = [
            (
                piece,
                release,
                [target["name"] for target in release.content["targets"]],
                window_words(release.content["window"], zone),
            )
            for piece, release in ((row[0], row[1]) for row in found)
        ]
    return page(
        request,
        asker,
        "pages/bookings/list.html",
        rows=rows,
        state=state,
        columns=columns(hub, asker, *LIST_COLUMNS),
    )


def _booked() -> Any:
    return (
        select(DeliveryItem.id)
        .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
        .where(DeliveryItem.release_id == Release.id, Delivery.state != DeliveryState.CANCELLED)
        .exists()
    )


# --- one piece to its accounts ---------------------------------------------------------------------------------


@router.get("/new")
def new_booking(request: Request, hub: HubDep, asker: Booker, piece: int) -> HTMLResponse:
    """The form for one piece: its signed accounts, what would not fit there, the time, and what if it is late."""
    return _form(request, hub, asker, piece, None)


@router.post("/new")
def book(request: Request, hub: HubDep, asker: Booker, sent: Sent) -> Response:
    """Books each chosen account as a delivery of its own; either all of them or none."""
    piece_id = number(sent, "piece") or 0
    try:
        plan = read_plan(sent, hub.settings.office_zone)
        with hub.works.write(asker.actor) as work:
            piece, release = bookable(work.session, asker, piece_id)
            made = _book_each(hub, work, asker, piece, release, sent, plan)
    except NotFound:
        raise
    except XuandaError as error:
        return _form(request, hub, asker, piece_id, sent, error)
    told = say(hub, asker, _("已安排 %(n)s 个发布任务。"), n=len(made))
    return see_other(_home_of(made, piece_id), told)


@router.post("/check")
def check(request: Request, hub: HubDep, asker: Booker, sent: Sent) -> HTMLResponse:
    """What would happen with what is chosen now, told while the person is choosing."""
    piece_id = number(sent, "piece") or 0
    with hub.works.read() as work:
        piece, release = bookable(work.session, asker, piece_id)
        options = options_of(hub, work, piece, release, sent)
    return fragment(request, asker, "pages/bookings/new.html", "told", options=options, form=values_of(sent))


def _book_each(
    hub: Hub, work: Work, asker: Asker, piece: Piece, release: Release, sent: FormData, plan: Plan
) -> list[Delivery]:
    signed = targets_of(release.content)
    chosen = [account for account in chosen_accounts(sent) if account in signed]
    if not chosen:
        raise Invalid(field="accounts", why="请至少选择一个账号。")
    made, faults = [], {}
    for account_id in chosen:
        try:
            order = read_order(sent, [piece.id], account_id, signed[account_id], plan)
            narrower = narrowed_to_tag(work.session, sent, account_id, order.action, signed[account_id]["audience"])
            order = replace(order, audience=narrower) if narrower else order
            order = replace(order, note=_comments(work, sent, account_id))
            made.append(booking.book(work, asker.viewer, order, hub.settings.address, hub.settings.office_zone))
            _off_line(hub, work, asker, piece, account_id, plan)
        except XuandaError as error:
            if error.field in ("at", "offline_at") or (error.field == "when" and isinstance(error, Invalid)):
                raise
            faults[account_id] = error
    if faults:
        raise NotBooked(faults)
    return made


def _comments(work: Work, sent: FormData, account_id: int) -> Mapping[str, str]:
    return note_of(text(sent, f"comments.{account_id}"), work.session.get_one(Account, account_id).channel)


def _off_line(hub: Hub, work: Work, asker: Asker, piece: Piece, account_id: int, plan: Plan) -> None:
    """定时下线: books the withdrawal with the publication, where the channel can take it back."""
    account = work.session.get_one(Account, account_id)
    if plan.offline_at is None or "withdraw" not in channel(account.channel).limits.can:
        return
    order = Order((piece.id,), account_id, "withdraw", plan.offline_at, phrase=plan.phrase, again=True)
    try:
        booking.book_act(work, asker.viewer, order, hub.settings.office_zone)
    except Invalid as error:
        error.field = "offline_at" if error.field == "at" else error.field
        raise


def _form(
    request: Request, hub: Hub, asker: Asker, piece_id: int, sent: FormData | None, error: XuandaError | None = None
) -> HTMLResponse:
    with hub.works.read() as work:
        piece, release = bookable(work.session, asker, piece_id)
        options = options_of(hub, work, piece, release, sent)
    _mark(options, error, asker)
    return page(
        request,
        asker,
        "pages/bookings/new.html",
        status=error.status if error else 200,
        piece=piece,
        release=release,
        options=options,
        form=values_of(sent, release, hub) if sent is None else values_of(sent),
        queues=any(option.queues for option in options),
        phrases=[(phrase, say(hub, asker, phrase)) for phrase in PHRASES],
        ends=PHRASES[1],
        fault=error.message(asker.language) if error else "",
        fault_field=error.field if error else None,
        **plan_words(hub, [release]),
    )


def _mark(options: Sequence[Option], error: XuandaError | None, asker: Asker) -> None:
    if isinstance(error, NotBooked):
        for option in options:
            fault = error.by_account.get(option.account.id)
            option.error = fault.message(asker.language) if fault else ""


def _home_of(made: Sequence[Delivery], piece_id: int) -> str:
    return f"/console/deliveries/{made[0].id}" if len(made) == 1 else f"/console/deliveries?piece={piece_id}"
