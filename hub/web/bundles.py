"""组稿: several pieces in one message to one account, in the order a person gives them; the first is 头条."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Problem
from channels.registry import channels as installed
from content.models import Piece, Release
from content.snapshot import targets_of
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.booking_form import (
    BOOKABLE,
    Plan,
    bookable,
    chosen_pieces,
    chosen_time,
    existing_of,
    plan_words,
    queue_of,
    read_plan,
    told_slot,
    values_of,
)
from hub.web.comment_choice import note_of, offered
from hub.web.deliveries import Sent, channel_label
from hub.web.pages import fragment, page, say, see_other
from hub.web.piece_form import number, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, scoped
from kernel.typed import row_in
from kernel.work import Work
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Delivery
from scheduler.posts import NARROWER
from scheduler.recurring import slots
from scheduler.recurring.slots import Free
from templates.catalogue import _

router = APIRouter(prefix="/console/bookings")

P = Permission
Booker = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]

MOST_CANDIDATES = 60


@dataclass(frozen=True)
class Candidate:
    """A piece that may join a bundle on this account."""

    piece: Piece
    release: Release


@dataclass
class Bundle:
    """A bundle being put together for one account; without an account, the accounts to choose from."""

    accounts: Sequence[tuple[Account, str, int]] = ()
    account: Account | None = None
    chosen: list[Candidate] = field(default_factory=list)
    others: list[Candidate] = field(default_factory=list)
    actions: Sequence[tuple[str, str]] = ()
    action: str = ""
    problems: Sequence[Problem] = ()
    queues: bool = False
    free: Free | None = None
    comments: Sequence[tuple[str, str]] = ()
    comment: str = ""


@router.get("/bundle")
def bundle(request: Request, hub: HubDep, asker: Booker, account: int | None = None) -> HTMLResponse:
    """The accounts that take several pieces, or one of them with the pieces it may take."""
    return _bundle_page(request, hub, asker, account, None)


@router.post("/bundle")
def change_bundle(request: Request, hub: HubDep, asker: Booker, sent: Sent) -> Response:
    """Adds, removes and moves pieces (`step` is `add:7`, `up:7` …), or books the bundle."""
    account_id = number(sent, "account")
    step = text(sent, "step")
    if step:
        pieces = stepped(chosen_pieces(sent), step)
        if request.headers.get("hx-request") == "true":
            context = _bundle_context(hub, asker, account_id, sent, pieces)
            return fragment(request, asker, "pages/bookings/bundle.html", "order", **context)
        return _bundle_page(request, hub, asker, account_id, sent, pieces=pieces)
    try:
        plan = read_plan(sent, hub.settings.office_zone)
        with hub.works.write(asker.actor) as work:
            made = _book_bundle(hub, work, asker, account_id or 0, sent, plan)
    except NotFound:
        raise
    except XuandaError as error:
        return _bundle_page(request, hub, asker, account_id, sent, error)
    return see_other(f"/console/deliveries/{made.id}", say(hub, asker, _("已安排组稿发布。")))


def stepped(pieces: list[int], step: str) -> list[int]:
    """The order after one step: `add`, `remove`, `up` or `down` with a piece's number, or `set` with all of them."""
    verb, _mark, rest = step.partition(":")
    if verb == "set":
        return list(dict.fromkeys(number for part in rest.split(",") if (number := row_in(part))))
    piece = row_in(rest) or 0
    if verb == "add" and piece not in pieces:
        return [*pieces, piece]
    if verb == "remove":
        return [one for one in pieces if one != piece]
    if verb in ("up", "down") and piece in pieces:
        place = pieces.index(piece)
        other = place - 1 if verb == "up" else place + 1
        if 0 <= other < len(pieces):
            pieces[place], pieces[other] = pieces[other], pieces[place]
    return pieces


def _book_bundle(hub: Hub, work: Work, asker: Asker, account_id: int, sent: FormData, plan: Plan) -> Delivery:
    pieces = chosen_pieces(sent)
    if not pieces:
        raise Invalid(field="pieces", why="请先选入至少一篇稿件。")
    _first, release = bookable(work.session, asker, pieces[0])
    for piece_id in pieces[1:]:
        bookable(work.session, asker, piece_id)
    signed = targets_of(release.content).get(account_id)
    if signed is None:
        raise NotFound
    order = Order(
        piece_ids=tuple(pieces),
        account_id=account_id,
        action=text(sent, f"action.{account_id}") or str(signed["action"]),
        at=told_slot(sent, account_id) if plan.into_slot else plan.at,
        unsigned=plan.unsigned,
        missed_after=plan.missed_after,
        missed_act=plan.missed_act,
        into_slot=plan.into_slot,
        note=note_of(text(sent, f"comments.{account_id}"), work.session.get_one(Account, account_id).channel),
    )
    return booking.book(work, asker.viewer, order, hub.settings.address, hub.settings.office_zone)


def _bundle_page(
    request: Request,
    hub: Hub,
    asker: Asker,
    account_id: int | None,
    sent: FormData | None,
    error: XuandaError | None = None,
    pieces: list[int] | None = None,
) -> HTMLResponse:
    chosen = pieces if pieces is not None else chosen_pieces(sent) if sent is not None else []
    context = _bundle_context(hub, asker, account_id, sent, chosen)
    return page(
        request,
        asker,
        "pages/bookings/bundle.html",
        status=error.status if error else 200,
        fault=error.message(asker.language) if error else "",
        fault_field=error.field if error else None,
        **context,
    )


def _bundle_context(
    hub: Hub, asker: Asker, account_id: int | None, sent: FormData | None, pieces: Sequence[int]
) -> dict[str, Any]:
    with hub.works.read() as work:
        found = _candidates(work.session, asker)
        if account_id is None:
            bundled = Bundle(accounts=_bundle_accounts(work.session, found))
        else:
            bundled = _bundle(hub, work, found.get(account_id, []), account_id, pieces, sent)
    releases = [candidate.release for candidate in bundled.chosen]
    return {"bundle": bundled, "form": values_of(sent), **plan_words(hub, releases)}


def _candidates(session: Session, asker: Asker) -> dict[int, list[Candidate]]:
    """By account that takes several: the pieces signed for it and not booked there, the newest first."""
    query = scoped(select(Piece, Release), Piece.unit_id, asker.viewer, P.BOOKING_WRITE)
    query = query.join(Release, Release.id == Piece.release_id).where(Release.state.in_(BOOKABLE))
    found: dict[int, list[Candidate]] = {}
    several = {name for name, adapter in installed().items() if adapter.limits.items > 1}
    for piece, release in session.execute(query.order_by(Release.submitted_at.desc()).limit(300)):
        for account_id, target in targets_of(release.content).items():
            if target["channel"] in several and not existing_of(session, piece.id, account_id):
                found.setdefault(account_id, []).append(Candidate(piece, release))
    return found


def _bundle_accounts(session: Session, found: Mapping[int, Sequence[Candidate]]) -> list[tuple[Account, str, int]]:
    accounts = session.scalars(select(Account).where(Account.id.in_(found), Account.active).order_by(Account.id))
    return [(account, channel_label(account.channel), len(found[account.id])) for account in accounts]


def _bundle(
    hub: Hub,
    work: Work,
    candidates: Sequence[Candidate],
    account_id: int,
    pieces: Sequence[int],
    sent: FormData | None,
) -> Bundle:
    session = work.session
    account = session.get(Account, account_id)
    if account is None or (not candidates and not pieces):
        raise NotFound
    known = {candidate.piece.id: candidate for candidate in candidates}
    chosen = [known[piece_id] for piece_id in pieces if piece_id in known]
    signed = {str(targets_of(candidate.release.content)[account_id]["action"]) for candidate in chosen or candidates}
    limits = installed()[account.channel].limits
    # Only what every piece was signed for: a bundle goes out in one way.
    common = [action for action in limits.actions if all(action in NARROWER.get(one, ()) for one in signed)]
    action = text(sent, f"action.{account_id}") if sent is not None else ""
    action = action if action in common else next(iter(common), "")
    problems: list[Problem] = []
    queues = bool(slots.slots_of(session, account, (chosen or candidates)[0].piece.unit_id))
    free = None
    if chosen and action:
        pieces_chosen = tuple(candidate.piece.id for candidate in chosen)
        order = Order(pieces_chosen, account_id, action, chosen_time(sent, hub))
        _queues, free, problems = queue_of(hub, work, order, sent)
        order = replace(order, at=free.at) if free else order
        problems += booking.preflight(session, order, hub.settings.address)
        problems += booking.forewarned(work, order, hub.settings.office_zone)
    return Bundle(
        account=account,
        chosen=chosen,
        others=[one for one in candidates if one.piece.id not in pieces][:MOST_CANDIDATES],
        actions=[(name, ACTION_LABELS[name]) for name in common],
        action=action,
        problems=problems,
        queues=queues,
        free=free,
        comments=offered(account.channel),
        comment=text(sent, f"comments.{account_id}") if sent is not None else "",
    )
