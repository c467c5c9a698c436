"""一键停发: stops everything or one account in one act, shows what waits, and ends it with a choice per item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts.models import Account
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Row, Sent, delivery_for, rows_of
from hub.web.forms import FormState, refused
from hub.web.pages import fragment, page, say, see_other
from hub.web.people import units_in_reach
from hub.web.piece_form import moment, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person, Unit, scoped
from kernel.typed import row_in
from scheduler import freeze as stops
from scheduler.freeze import Choice
from scheduler.models import Delivery, Freeze
from scheduler.posts import items_of
from templates.catalogue import _

router = APIRouter(prefix="/console/freezes")

P = Permission
Stopper = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]
CHOICES = (
    ("keep", _("按原定时间（已过的立即发送）")),
    ("now", _("立即发送")),
    ("at", _("改到")),
    ("drop", _("不再发布")),
)


@dataclass(frozen=True)
class Stop:
    """A stop in force as its card shows it."""

    freeze: Freeze
    scope: str
    by: str
    rows: Sequence[Row]


@router.get("")
def freezes(request: Request, hub: HubDep, asker: Stopper) -> HTMLResponse:
    """What is stopped now, with what waits for it, and the form for a new stop."""
    return _page(request, hub, asker, FormState({"scope": f"unit.{asker.viewer.unit_id}"}))


@router.post("")
def begin(request: Request, hub: HubDep, asker: Stopper, sent: Sent) -> Response:
    """Stops what was chosen."""
    try:
        with hub.works.write(asker.actor) as work:
            unit_id, account = _scope(work.session, asker, text(sent, "scope"))
            freeze = stops.begin(work, asker.viewer, unit_id, text(sent, "reason"), account)
            held = len(stops.held_by(work.session, freeze))
    except XuandaError as error:
        values = {"scope": text(sent, "scope"), "reason": text(sent, "reason")}
        return _page(request, hub, asker, refused(asker, error, **values), status=error.status)
    return see_other("/console/freezes", say(hub, asker, _("已停发，%(n)s 个待发任务已暂缓。"), n=held), "warn")


@router.post("/check")
def check(request: Request, hub: HubDep, asker: Stopper, sent: Sent) -> HTMLResponse:
    """How many tasks the chosen stop would hold, told before it is ordered."""
    with hub.works.read() as work:
        try:
            unit_id, account = _scope(work.session, asker, text(sent, "scope"))
        except XuandaError:
            waiting = None
        else:
            covered = Freeze(unit_id=unit_id, account_id=account.id if account else None)
            waiting = len(stops.waiting_for(work.session, covered))
    return fragment(request, asker, "pages/bookings/freezes.html", "told", waiting=waiting)


@router.post("/{freeze_id}/end")
def end(request: Request, hub: HubDep, asker: Stopper, freeze_id: int, sent: Sent) -> Response:
    """Ends a stop with a choice for each of the tasks it holds."""
    try:
        with hub.works.write(asker.actor) as work:
            freeze = stops.freeze_for(work.session, asker.viewer, freeze_id)
            waiting = stops.held_by(work.session, freeze)
            chosen = {one.id: _choice(sent, one, hub.settings.office_zone) for one in waiting}
            ended = stops.end(work, asker.viewer, freeze, chosen, hub.settings.office_zone, _shown(sent))
            named = [_refused(work.session, number, why) for number, why in ended.refused.items()]
    except NotFound:
        raise
    except XuandaError as error:
        typed = {name: str(value) for name, value in sent.items() if name != "csrf"}
        return _page(request, hub, asker, refused(asker, error, **typed), status=error.status)
    told = say(hub, asker, _("停发已解除，%(n)s 个任务已按选择处理。"), n=ended.let_go)
    if not named:
        return see_other("/console/freezes", told)
    left = say(hub, asker, _("%(n)s 个任务未能改期，仍在暂缓，请到任务页处理："), n=len(named))
    return see_other("/console/freezes", " ".join([told, left, *named]), "warn")


@router.post("/through/{delivery_id}")
def let_through(hub: HubDep, asker: Stopper, delivery_id: int) -> Response:
    """Lets one task out while everything else waits."""
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
        stops.let_through(work, asker.viewer, delivery)
    return see_other(f"/console/deliveries/{delivery_id}", say(hub, asker, _("已放行，按计划时间发送。")))


def _refused(session: Session, delivery_id: int, why: str) -> str:
    titles = "、".join(f"《{piece.title}》" for _item, _release, piece in items_of(session, delivery_id))
    return f"{titles}：{why}"


def _scope(session: Session, asker: Asker, scope: str) -> tuple[int, Account | None]:
    """`unit.<id>` or `account.<id>`, both within reach."""
    kind, _dot, found = scope.partition(".")
    number = row_in(found)
    if kind == "account" and number:
        account = session.get(Account, number)
        if account is not None and asker.may(P.DELIVERY_ACT, account.unit_id):
            return account.unit_id, account
    elif kind == "unit" and number and asker.may(P.DELIVERY_ACT, number):
        return number, None
    raise Invalid(field="scope", why="请选择停发的范围。")


def _shown(sent: FormData) -> set[int]:
    """The items that the page listed: whoever presses the button has decided on these only."""
    named = [name.removeprefix("choice.") for name in sent if name.startswith("choice.")]
    return {number for one in [*text(sent, "shown").split(","), *named] if (number := row_in(one)) is not None}


def _choice(sent: FormData, delivery: Delivery, zone: ZoneInfo) -> Choice:
    said = text(sent, f"choice.{delivery.id}") or text(sent, "all")
    if said == "now":
        return "now"
    if said == "drop":
        return "drop"
    if said != "at":
        return "keep"
    at = moment(sent, f"at.{delivery.id}", zone)
    if at is None:
        raise Invalid(field=f"at.{delivery.id}", why="请填写新的发布时间。")
    return at


def _page(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        query = scoped(select(Freeze), Freeze.unit_id, asker.viewer, P.DELIVERY_ACT).where(Freeze.ended_at.is_(None))
        found = [_stop(work.session, freeze, hub) for freeze in work.session.scalars(query.order_by(Freeze.id))]
        accounts = scoped(select(Account), Account.unit_id, asker.viewer, P.DELIVERY_ACT).where(
            Account.active.is_(True)
        )
        listed = [(f"account.{one.id}", one.name) for one in work.session.scalars(accounts.order_by(Account.name))]
        units = [(f"unit.{unit_id}", name) for unit_id, name in units_in_reach(work.session, asker, P.DELIVERY_ACT)]
        ended = scoped(select(Freeze), Freeze.unit_id, asker.viewer, P.DELIVERY_ACT).where(Freeze.ended_at.is_not(None))
        past = [
            _stop(work.session, freeze, hub)
            for freeze in work.session.scalars(ended.order_by(Freeze.ended_at.desc()).limit(10))
        ]
    return page(
        request,
        asker,
        "pages/bookings/freezes.html",
        status=status,
        stops=found,
        past=past,
        scopes=[(say(hub, asker, _("全部账号")), units), (say(hub, asker, _("一个账号")), listed)],
        choices=[("", say(hub, asker, _("同上"))), *[(key, say(hub, asker, label)) for key, label in CHOICES]],
        for_all=[(key, say(hub, asker, label)) for key, label in CHOICES if key != "at"],
        form=form,
    )


def _stop(session: Session, freeze: Freeze, hub: Hub) -> Stop:
    account = session.get_one(Account, freeze.account_id) if freeze.account_id else None
    by = session.get_one(Person, freeze.begun_by).name if freeze.begun_by else ""
    scope = account.name if account else session.get_one(Unit, freeze.unit_id).name
    waiting = [] if freeze.ended_at else stops.held_by(session, freeze)
    pairs = [(one, session.get_one(Account, one.account_id)) for one in waiting]
    return Stop(freeze, scope, by, rows_of(session, pairs, hub.clock.now()))
