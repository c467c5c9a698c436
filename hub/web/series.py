"""系列: one piece that goes out again and again, booked, looked at, ended, or one occurrence of it left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts.models import Account
from channels.base import ACTION_LABELS
from channels.registry import channels as installed
from content.models import Piece, Release
from content.snapshot import targets_of
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.booking_form import NotBooked, bookable, chosen_accounts, plan_words
from hub.web.deliveries import Row, Sent, channel_label, rows_of
from hub.web.forms import FormState, refused
from hub.web.lists import listing
from hub.web.pages import columns, fragment, page, say, see_other
from hub.web.piece_form import number, text
from hub.web.recurring_form import FIELDS, pattern_choices, pattern_words, read_pattern, typed_pattern
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, scoped
from kernel.typed import day_in, number_in
from kernel.work import Work
from scheduler import booking
from scheduler.booking import Order
from scheduler.models import Delivery
from scheduler.recurring import series as all_series
from scheduler.recurring.models import Series
from scheduler.recurring.series import SeriesOrder
from scheduler.states import DeliveryState
from templates.catalogue import _

router = APIRouter(prefix="/console/series")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Booker = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]
HEADS = ((_("稿件"), ""), (_("账号"), "account"), (_("时间"), ""), (_("进度"), ""), (_("安排于"), "at"))
SORTS = {"at": Series.created_at, "account": Account.name}
MOST_TOLD = 6
WAITING = (DeliveryState.BOOKED, DeliveryState.HELD)


@dataclass(frozen=True)
class SeriesRow:
    """A series as lists show it: how many of its occurrences are out, wait, or were left out."""

    series: Series
    title: str
    account: str
    words: str
    out: int
    waiting: int
    skipped: int


@dataclass(frozen=True)
class Choice:
    """One signed account on the form."""

    account: Account
    channel: str
    action: str
    checked: bool
    error: str = ""


@router.get("")
def list_series(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every series in reach, the newest first."""
    asked = listing(request, "piece", sort="-at")
    query = select(Series, Account, Piece).join(Account, Account.id == Series.account_id)
    query = scoped(query.join(Piece, Piece.id == Series.piece_id), Series.unit_id, asker.viewer, P.DELIVERY_READ)
    if asked.number("piece"):
        query = query.where(Series.piece_id == asked.number("piece"))
    with hub.works.read() as work:
        found, state = asked.take(work.session, query, SORTS, Series.id.desc())
        counts = all_series.standing(work.session, [row[0].id for row in found])
        rows = [_row(hub, asker, row[0], row[1], row[2], counts[row[0].id]) for row in found]
    return page(
        request,
        asker,
        "pages/bookings/series_list.html",
        rows=rows,
        state=state,
        columns=columns(hub, asker, *HEADS),
        may_book=asker.may(P.BOOKING_WRITE),
    )


@router.get("/new")
def new_series(request: Request, hub: HubDep, asker: Booker, piece: int) -> HTMLResponse:
    """The form for one piece: its signed accounts, the days, how often or until when."""
    with hub.works.read() as work:
        today = work.now.astimezone(hub.settings.office_zone).date().isoformat()
    fresh = {"days": "weekly", "hour": "09:00", "free_days": "skip", "first": today, "count": "4"}
    return _form(request, hub, asker, piece, None, FormState(fresh))


@router.post("")
def book(request: Request, hub: HubDep, asker: Booker, sent: Sent) -> Response:
    """Books a series on each chosen account; either all of them or none."""
    piece_id = number(sent, "piece") or 0
    try:
        with hub.works.write(asker.actor) as work:
            _piece, release = bookable(work.session, asker, piece_id)
            made = _book_each(hub, work, asker, release, sent)
    except NotFound:
        raise
    except XuandaError as error:
        return _form(request, hub, asker, piece_id, sent, refused(asker, error, **_typed(sent)), error)
    told = say(hub, asker, _("已安排系列，共 %(n)s 次。"), n=sum(one.count for one in made))
    home = f"/console/series/{made[0].id}" if len(made) == 1 else f"/console/series?piece={piece_id}"
    return see_other(home, told)


@router.post("/check")
def check(request: Request, hub: HubDep, asker: Booker, sent: Sent) -> HTMLResponse:
    """When it would go out, told while the person is choosing."""
    fault, moments, problems = "", list[datetime](), list[str]()
    zone = hub.settings.office_zone
    try:
        with hub.works.read() as work:
            _piece, release = bookable(work.session, asker, number(sent, "piece") or 0)
            moments = all_series.moments_of(work.session, _order(sent, release, 0), work.now, zone)
            chosen = [one for one in chosen_accounts(sent) if one in targets_of(release.content)]
            problems = list(islice(_foreseen(work, release, chosen, moments, zone), MOST_TOLD))
    except Invalid as error:
        fault = error.message(asker.language)
    context: dict[str, Any] = {"moments": moments, "fault": fault, "problems": problems}
    return fragment(request, asker, "pages/bookings/series_new.html", "told", **context)


def _foreseen(
    work: Work, release: Release, accounts: Sequence[int], moments: Sequence[datetime], zone: ZoneInfo
) -> Iterator[str]:
    """What stands in the way of each occurrence on each account."""
    for account_id in accounts:
        action = str(targets_of(release.content)[account_id]["action"])
        for at in moments:
            order = Order((release.piece_id,), account_id, action, at)
            for problem in booking.forewarned(work, order, zone):
                yield f"{at.astimezone(zone):%m-%d %H:%M}：{problem.message}"


@router.get("/{series_id}")
def one(request: Request, hub: HubDep, asker: Reader, series_id: int) -> HTMLResponse:
    """One series: every occurrence with what became of it."""
    return _one(request, hub, asker, series_id)


@router.post("/{series_id}/skip")
def skip(hub: HubDep, asker: Booker, series_id: int, sent: Sent) -> Response:
    """Leaves one occurrence out."""
    with hub.works.write(asker.actor) as work:
        series = all_series.series_for(work.session, asker.viewer, series_id, P.BOOKING_WRITE)
        delivery = work.session.get(Delivery, number(sent, "delivery") or 0)
        if delivery is None:
            raise NotFound
        all_series.skip(work, asker.viewer, series, delivery)
    return see_other(f"/console/series/{series_id}", say(hub, asker, _("已跳过这一次，其余不变。")))


@router.post("/{series_id}/end")
def end(hub: HubDep, asker: Booker, series_id: int) -> Response:
    """Ends it: what waits is cancelled."""
    with hub.works.write(asker.actor) as work:
        series = all_series.series_for(work.session, asker.viewer, series_id, P.BOOKING_WRITE)
        cancelled = all_series.end(work, asker.viewer, series)
    return see_other(f"/console/series/{series_id}", say(hub, asker, _("系列已结束，取消了 %(n)s 次。"), n=cancelled))


def _book_each(hub: Hub, work: Work, asker: Asker, release: Release, sent: FormData) -> list[Series]:
    chosen = [one for one in chosen_accounts(sent) if one in targets_of(release.content)]
    if not chosen:
        raise Invalid(field="accounts", why="请至少选择一个账号。")
    made, faults = [], {}
    for account_id in chosen:
        order = _order(sent, release, account_id)
        try:
            zone = hub.settings.office_zone
            made.append(all_series.book(work, asker.viewer, order, hub.settings.address, zone))
        except XuandaError as error:
            if error.field in ("count", "until"):
                raise
            faults[account_id] = error
    if faults:
        raise NotBooked(faults)
    return made


def _order(sent: FormData, release: Release, account_id: int) -> SeriesOrder:
    signed = targets_of(release.content).get(account_id, {})
    count = text(sent, "count").strip()
    if count and number_in(count, 9999) is None:
        raise Invalid(field="count", why="次数应为数字。")
    first = _day(sent, "first")
    if first is None:
        raise Invalid(field="first", why="请填写从哪一天开始。")
    return SeriesOrder(
        release.piece_id,
        account_id,
        str(signed.get("action", "")),
        read_pattern(sent),
        first,
        int(count) if count else None,
        _day(sent, "until"),
    )


def _day(sent: FormData, name: str) -> date | None:
    typed = text(sent, name).strip()
    if not typed:
        return None
    try:
        return day_in(typed)
    except ValueError:
        raise Invalid(field=name, why="日期应写作 年-月-日，例如 2026-03-02。") from None


def _typed(sent: FormData) -> dict[str, str]:
    return {**{name: text(sent, name) for name in ("first", "count", "until")}, **typed_pattern(sent)}


def _form(
    request: Request,
    hub: Hub,
    asker: Asker,
    piece_id: int,
    sent: FormData | None,
    form: FormState,
    error: XuandaError | None = None,
) -> HTMLResponse:
    faults = error.by_account if isinstance(error, NotBooked) else {}
    with hub.works.read() as work:
        piece, release = bookable(work.session, asker, piece_id)
        choices = [
            Choice(
                account,
                channel_label(account.channel),
                ACTION_LABELS.get(action, action),
                sent is None or account.id in chosen_accounts(sent),
                faults[account.id].message(asker.language) if account.id in faults else "",
            )
            for account, action in _signed(work.session, release)
        ]
    window = plan_words(hub, [release])
    return page(
        request,
        asker,
        "pages/bookings/series_new.html",
        status=error.status if error else 200,
        piece=piece,
        release=release,
        targets=choices,
        choices=pattern_choices(hub, asker),
        window=window["window"],
        zone=window["zone"],
        form=form,
        known=("accounts", "first", "count", "until", "weekdays", *FIELDS),
        most=all_series.MOST,
        moments=[],
        fault="",
        problems=[],
    )


def _signed(session: Session, release: Release) -> Sequence[tuple[Account, str]]:
    found = []
    for account_id, target in targets_of(release.content).items():
        account = session.get(Account, account_id)
        if account is not None and account.active and account.channel in installed():
            found.append((account, str(target["action"])))
    return sorted(found, key=lambda pair: (pair[0].channel != "portal", pair[0].id))


def _row(hub: Hub, asker: Asker, series: Series, account: Account, piece: Piece, counts: dict[str, int]) -> SeriesRow:
    waiting = sum(counts.get(state, 0) for state in WAITING)
    return SeriesRow(
        series,
        piece.title,
        account.name,
        pattern_words(hub, asker, series.pattern),
        counts.get(DeliveryState.DONE, 0),
        waiting,
        counts.get(DeliveryState.CANCELLED, 0),
    )


def _one(request: Request, hub: Hub, asker: Asker, series_id: int) -> HTMLResponse:
    with hub.works.read() as work:
        session = work.session
        series = all_series.series_for(session, asker.viewer, series_id, P.DELIVERY_READ)
        account, piece = session.get_one(Account, series.account_id), session.get_one(Piece, series.piece_id)
        deliveries = all_series.occurrences(session, series)
        numbers = all_series.places(session, deliveries)
        rows: list[tuple[int, Row, bool]] = [
            (numbers[row.delivery.id][0], row, row.delivery.state in WAITING)
            for row in rows_of(session, [(one, account) for one in deliveries], work.now)
        ]
        counts = all_series.standing(session, [series.id])[series.id]
        shown = _row(hub, asker, series, account, piece, counts)
    context: dict[str, Any] = {
        "row": shown,
        "piece": piece,
        "rows": rows,
        "columns": columns(hub, asker, (_("第几次"), ""), (_("计划时间"), ""), (_("状态"), ""), (_("操作"), "")),
        "may": asker.may(P.BOOKING_WRITE, series.unit_id),
    }
    return page(request, asker, "pages/bookings/series.html", **context)
