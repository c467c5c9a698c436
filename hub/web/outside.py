"""登记外发: what accounts really show beside what we published there; a person links, registers, or sets aside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import Piece, Release
from content.sanitise import plain
from content.states import ReleaseState
from hub import editorial
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import with_channel
from hub.web.forms import FormState, refused
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Person, scoped
from kernel.typed import row_in
from kernel.work import Work
from scheduler.errors import TakenMeanwhile
from scheduler.models import Placement
from scheduler.outside import settle
from scheduler.outside.models import InventoryRun, MissingPlacement, MissingState, OutsidePiece, OutsideState
from scheduler.outside.settle import OUTSIDE_LABELS
from templates.catalogue import _

router = APIRouter(prefix="/console/outside")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Actor = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]
Text = Annotated[str, Form()]

COLUMNS = (
    (_("标题"), ""),
    (_("账号"), "account"),
    (_("平台发布时间"), "at"),
    (_("状态"), "state"),
    (_("补签时限"), "due"),
)
SORTS = {
    "at": OutsidePiece.published_at,
    "account": Account.name,
    "state": OutsidePiece.state,
    "due": OutsidePiece.due_at,
}
LATE = "late"
MOST_CANDIDATES = 30
MOST_MISSING = 50


@router.get("")
def outside(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """What was found, what is gone, and when each account was last compared."""
    asked = listing(request, "state", "account", sort="-at")
    query = select(OutsidePiece, Account).join(Account, Account.id == OutsidePiece.account_id)
    query = scoped(query, OutsidePiece.unit_id, asker.viewer, P.DELIVERY_READ)
    with hub.works.read() as work:
        late = (
            OutsidePiece.due_at < work.now,
            OutsidePiece.signed_at.is_(None),
            OutsidePiece.state.in_((OutsideState.OPEN, OutsideState.REGISTERED)),
        )
        wanted = asked.value("state")
        if wanted == LATE:
            query = query.where(*late)
        elif wanted:
            query = query.where(OutsidePiece.state == wanted)
        if asked.number("account"):
            query = query.where(OutsidePiece.account_id == asked.number("account"))
        found, state = asked.take(work.session, query, SORTS, OutsidePiece.id.desc())
        counted = scoped(select(OutsidePiece.state, func.count()), OutsidePiece.unit_id, asker.viewer, P.DELIVERY_READ)
        counts = dict(work.session.execute(counted.group_by(OutsidePiece.state)).all())
        overdue = scoped(select(func.count()).where(*late), OutsidePiece.unit_id, asker.viewer, P.DELIVERY_READ)
        missing = _missing(work.session, asker)
        runs = _runs(work.session, asker)
        context: dict[str, Any] = {
            "now": work.now,
            "overdue": work.session.scalar(overdue) or 0,
            "unsigned": work.session.scalar(
                scoped(
                    select(func.count()).where(
                        OutsidePiece.state == OutsideState.REGISTERED, OutsidePiece.signed_at.is_(None)
                    ),
                    OutsidePiece.unit_id,
                    asker.viewer,
                    P.DELIVERY_READ,
                )
            )
            or 0,
        }
    return page(
        request,
        asker,
        "pages/outside/list.html",
        rows=[(row[0], row[1]) for row in found],
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        labels=OUTSIDE_LABELS,
        states=[
            (LATE, say(hub, asker, _("超过补签时限"))),
            *((name.value, say(hub, asker, label)) for name, label in OUTSIDE_LABELS.items()),
        ],
        accounts=[(account.id, with_channel(hub, asker, account)) for account, _run in runs],
        counts=counts,
        missing=missing,
        runs=runs,
        may_act=asker.may(P.DELIVERY_ACT),
        **context,
    )


@router.get("/{outside_id}")
def one_outside(request: Request, hub: HubDep, asker: Reader, outside_id: int) -> HTMLResponse:
    """One of them with the platform's words and what can be done about it."""
    return _page(request, hub, asker, outside_id)


@router.post("/{outside_id}/link")
def link(request: Request, hub: HubDep, asker: Actor, outside_id: int, piece: Text = "") -> Response:
    """关联: it is a signed piece of ours."""

    def act(work: Work, row: OutsidePiece) -> str:
        settle.link(work, asker.viewer, row, row_in(piece) or 0)
        return say(hub, asker, _("已关联到稿件，之后的阅读计入该稿件。"))

    return _try(request, hub, asker, outside_id, "link", {"piece": piece}, act)


@router.post("/{outside_id}/register")
def register(request: Request, hub: HubDep, asker: Actor, outside_id: int, column: Text = "") -> Response:
    """登记: it becomes a piece, and its later signature is asked for."""

    def act(work: Work, row: OutsidePiece) -> str:
        number = row_in(column) or 0
        settle.register(work, asker.viewer, row, number, engine=hub.pages, portal=hub.settings.address)
        return say(hub, asker, _("已登记，并已送补签。"))

    return _try(request, hub, asker, outside_id, "register", {"column": column}, act)


@router.post("/{outside_id}/dismiss")
def dismiss(request: Request, hub: HubDep, asker: Actor, outside_id: int, reason: Text = "") -> Response:
    """不登记, with a reason."""

    def act(work: Work, row: OutsidePiece) -> str:
        settle.dismiss(work, asker.viewer, row, reason)
        return say(hub, asker, _("已记为不登记。"))

    return _try(request, hub, asker, outside_id, "dismiss", {"reason": reason}, act)


@router.post("/missing/{missing_id}")
def settle_missing(hub: HubDep, asker: Actor, missing_id: int, act: Text = "", reason: Text = "") -> Response:
    """A person looked at the platform: gone, or there after all."""
    if act not in ("gone", "there"):
        raise NotFound
    with hub.works.write(asker.actor) as work:
        row = work.session.get(MissingPlacement, missing_id)
        if row is None:
            raise NotFound
        asker.must(P.DELIVERY_ACT, row.unit_id)
        settle.settle_missing(work, asker.viewer, row, gone=act == "gone", reason=reason)
    return see_other("/console/outside#missing", say(hub, asker, _("已记录。")))


def _try(
    request: Request,
    hub: Hub,
    asker: Asker,
    outside_id: int,
    name: str,
    typed: dict[str, str],
    act: Callable[[Work, OutsidePiece], str],
) -> Response:
    try:
        with hub.works.write(asker.actor) as work:
            told = act(work, _row(work.session, asker, outside_id, P.DELIVERY_ACT))
    except (NotFound, TakenMeanwhile):
        raise
    except XuandaError as error:
        form = refused(asker, error, **typed)
        return _page(request, hub, asker, outside_id, form, name, status=error.status)
    return see_other(f"/console/outside/{outside_id}", told)


def _row(session: Session, asker: Asker, outside_id: int, permission: Permission) -> OutsidePiece:
    row = session.get(OutsidePiece, outside_id)
    if row is None:
        raise NotFound
    asker.must(permission, row.unit_id)
    return row


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    outside_id: int,
    form: FormState | None = None,
    opened: str = "",
    *,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        row = _row(work.session, asker, outside_id, P.DELIVERY_READ)
        piece = work.session.get(Piece, row.piece_id) if row.piece_id else None
        release = work.session.get(Release, piece.release_id) if piece is not None and piece.release_id else None
        decided = work.session.get(Person, row.decided_by) if row.decided_by else None
        is_open = row.state == OutsideState.OPEN
        sections = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
        acts = is_open and asker.may(P.DELIVERY_ACT, row.unit_id)
        context: dict[str, Any] = {
            "row": row,
            "account": work.session.get_one(Account, row.account_id),
            "piece": piece,
            "release": release,
            "decided": decided.name if decided else "",
            "label": OUTSIDE_LABELS[OutsideState(row.state)],
            "late": row.due_at < work.now and row.signed_at is None,
            "words": plain(row.body)[:2000],
            "candidates": _candidates(work.session, asker, row) if is_open else [],
            "sections": [(one.id, one.name) for one in sections],
            "may_link": acts,
            "may_register": acts and asker.may(P.PIECE_WRITE, row.unit_id),
        }
    return page(
        request, asker, "pages/outside/one.html", status=status, form=form or FormState(), opened=opened, **context
    )


def _candidates(session: Session, asker: Asker, row: OutsidePiece) -> list[tuple[int, str]]:
    """Signed pieces of units in reach that do not show on this account, those of the same title first."""
    there = select(Placement.piece_id).where(Placement.account_id == row.account_id)
    query = (
        select(Piece)
        .join(Release, Release.id == Piece.release_id)
        .where(Release.state == ReleaseState.SIGNED, Piece.id.not_in(there))
    )
    query = scoped(query, Piece.unit_id, asker.viewer, P.PIECE_READ)
    same = (Piece.title == row.title).desc()
    pieces = session.scalars(query.order_by(same, Piece.updated_at.desc()).limit(MOST_CANDIDATES))
    return [(piece.id, piece.title) for piece in pieces]


def _missing(session: Session, asker: Asker) -> list[tuple[MissingPlacement, Placement, Piece, Account]]:
    query = (
        select(MissingPlacement, Placement, Piece, Account)
        .join(Placement, Placement.id == MissingPlacement.placement_id)
        .join(Piece, Piece.id == Placement.piece_id)
        .join(Account, Account.id == Placement.account_id)
        .where(MissingPlacement.state == MissingState.OPEN)
    )
    query = scoped(query, MissingPlacement.unit_id, asker.viewer, P.DELIVERY_READ)
    found = session.execute(query.order_by(MissingPlacement.id.desc()).limit(MOST_MISSING))
    return [(row[0], row[1], row[2], row[3]) for row in found]


def _runs(session: Session, asker: Asker) -> list[tuple[Account, InventoryRun]]:
    query = select(Account, InventoryRun).join(InventoryRun, InventoryRun.account_id == Account.id)
    query = scoped(query, Account.unit_id, asker.viewer, P.DELIVERY_READ)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Account.name))]
