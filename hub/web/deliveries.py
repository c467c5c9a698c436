"""发布任务: what goes out, what became of it, and what a person can do about it; and what each channel shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.abilities.sent_to import SentTo
from channels.accounts.fan_outs import progress_of
from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Problem
from channels.registry import channels as installed
from content.models import Piece, Release, Revision
from hub.editorial import piece_for
from hub.product import Hub
from hub.web import punctuality as punctual
from hub.web.access import Asker, HubDep, may
from hub.web.bundle_view import ordered
from hub.web.charts import period_of
from hub.web.delivery_acts import acts_of, possible
from hub.web.forms import FormState, refused
from hub.web.lists import day_end, day_start, like, listing
from hub.web.pages import columns, fragment, page, say, see_other
from hub.web.piece_form import moment, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person, scoped
from kernel.typed import moment_in
from kernel.work import Work
from scheduler import booking, offline, settle, windows
from scheduler.conflicts import foreseen, of_delivery
from scheduler.errors import TakenMeanwhile
from scheduler.figures import Punctuality, is_late, late, not_out, punctuality
from scheduler.leaving import other_world
from scheduler.models import Attempt, Delivery, DeliveryItem, Place, Placement
from scheduler.placements import place_of
from scheduler.posts import items_of
from scheduler.states import DELIVERY_LABELS, ON_ITS_WAY, PLACEMENT_LABELS, DeliveryState, PlacementState
from templates.catalogue import _

router = APIRouter(prefix="/console")

P = Permission
S = DeliveryState
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Actor = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]
Text = Annotated[str, Form()]

LIST_COLUMNS = (
    (_("内容"), ""),
    (_("账号"), "account"),
    (_("操作方式"), ""),
    (_("状态"), "state"),
    (_("计划时间"), "at"),
)
SORTS = {"at": Delivery.scheduled_at, "account": Account.name, "state": Delivery.state}
ATTEMPT_COLUMNS = ((_("次"), ""), (_("动作"), ""), (_("开始"), ""), (_("用时"), ""), (_("结果"), ""))
PLACEMENT_COLUMNS = (
    (_("内容"), ""),
    (_("账号"), "account"),
    (_("现状"), "state"),
    (_("更正"), ""),
    (_("最近变动"), "at"),
)
PLACEMENT_SORTS = {"at": Placement.changed_at, "account": Account.name, "state": Placement.state}

# A person is needed before anything more happens.
FOR_A_PERSON = (S.FAILED, S.UNKNOWN, S.HELD, S.MANUAL)
SOON = timedelta(seconds=60)


@dataclass(frozen=True)
class Row:
    """A delivery as lists show it."""

    delivery: Delivery
    account: str
    channel: str
    titles: Sequence[str]
    late: bool
    action: str

    @property
    def badge(self) -> str:
        """The state to show: 超时未发 and 待管理员确认 are seen in a row, not stored in it."""
        return badge_of(self.delivery, late=self.late)


def badge_of(delivery: Delivery, *, late: bool) -> str:
    """The name of the badge of a delivery."""
    if delivery.state == S.ACCEPTED and delivery.accepted_until is not None and delivery.action == "mass_send":
        return "awaiting_admin"
    return "late" if late and delivery.state == S.BOOKED else str(delivery.state)


SPOKEN_LABELS = {"phone": "来电", "visit": "来访"}


def channel_label(name: str) -> str:
    """What a channel is called; its name where its adapter is not installed."""
    adapter = installed().get(name)
    return adapter.label if adapter else SPOKEN_LABELS.get(name, name)


def with_channel(hub: Hub, asker: Asker, account: Account) -> str:
    """The account told apart by its channel: an office's accounts often have one name everywhere."""
    return f"{account.name}（{say(hub, asker, channel_label(account.channel))}）"


def under_way(delivery: Delivery, now: datetime) -> bool:
    """Whether its state may change by itself within moments."""
    if delivery.state == S.SENDING or (delivery.state == S.ACCEPTED and delivery.next_at is not None):
        return True
    soon = delivery.next_at is not None and delivery.next_at <= now + SOON
    return soon and delivery.state in (S.BOOKED, S.UNKNOWN)


def rows_of(session: Session, found: Sequence[tuple[Delivery, Account]], now: datetime) -> list[Row]:
    """Deliveries with the titles of their items, fetched together."""
    ids = [delivery.id for delivery, _account in found]
    query = select(DeliveryItem.delivery_id, Piece.title).join(Piece, Piece.id == DeliveryItem.piece_id)
    query = query.where(DeliveryItem.delivery_id.in_(ids)).order_by(DeliveryItem.delivery_id, DeliveryItem.position)
    titles: dict[int, list[str]] = {}
    for delivery_id, title in session.execute(query):
        titles.setdefault(delivery_id, []).append(title)
    return [
        Row(
            delivery,
            account.name,
            channel_label(delivery.channel),
            titles.get(delivery.id, []),
            is_late(delivery, now),
            ACTION_LABELS.get(delivery.action, delivery.action),
        )
        for delivery, account in found
    ]


# --- the list --------------------------------------------------------------------------------------------------


@router.get("/deliveries")
def deliveries(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every delivery in reach with the day's figures; htmx asks for the rows again while something is under way."""
    asked = listing(request, "q", "state", "account", "day", "piece", sort="-at")
    zone = hub.settings.office_zone
    query = select(Delivery, Account).join(Account, Account.id == Delivery.account_id)
    query = scoped(query, Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
    with hub.works.read() as work:
        state = asked.value("state")
        if state == "late":
            query = query.where(late(work.now))
        elif state == "not_out":
            query = query.where(not_out(work.now))
        elif state == "person":
            query = query.where(Delivery.state.in_(FOR_A_PERSON))
        elif state:
            query = query.where(Delivery.state == state)
        if asked.number("account"):
            query = query.where(Delivery.account_id == asked.number("account"))
        if asked.value("day"):
            start, end = day_start(asked.value("day"), zone, "day"), day_end(asked.value("day"), zone, "day")
            query = query.where(Delivery.scheduled_at >= start, Delivery.scheduled_at < end)
        if asked.value("q"):
            words = like(asked.value("q"))
            named = select(DeliveryItem.delivery_id).join(Piece, Piece.id == DeliveryItem.piece_id)
            query = query.where(Delivery.id.in_(named.where(Piece.title.like(words, escape="\\"))))
        if asked.number("piece"):
            having = select(DeliveryItem.delivery_id).where(DeliveryItem.piece_id == asked.number("piece"))
            query = query.where(Delivery.id.in_(having))
        found, list_state = asked.take(work.session, query, SORTS, Delivery.id.desc())
        rows = rows_of(work.session, [(row[0], row[1]) for row in found], work.now)
        context: dict[str, Any] = {
            "rows": rows,
            "state": list_state,
            "columns": columns(hub, asker, *LIST_COLUMNS),
            "moving": any(under_way(row.delivery, work.now) for row in rows),
            "address": list_state.href(page=list_state.page),
        }
        if request.headers.get("hx-request") == "true":
            return fragment(request, asker, "pages/deliveries/list.html", "rows", **context)
        today, figures = today_of(hub, work, asker)
        month = punctual.drawn(hub, asker, punctual.measured(hub, work, asker, period_of("", work, zone)))
        accounts = _accounts(hub, work.session, asker)
    return page(
        request,
        asker,
        "pages/deliveries/list.html",
        accounts=accounts,
        states=[
            ("late", say(hub, asker, _("超时未发"))),
            ("not_out", say(hub, asker, _("到点未送出"))),
            ("person", say(hub, asker, _("需人处理"))),
            *((state.value, say(hub, asker, label)) for state, label in DELIVERY_LABELS.items()),
        ],
        today=today,
        figures=figures,
        waiting=sum(figures.counts.get(state, 0) for state in FOR_A_PERSON),
        may_book=asker.may(P.BOOKING_WRITE),
        **month,
        **context,
    )


def today_of(hub: Hub, work: Work, asker: Asker) -> tuple[str, Punctuality]:
    """The office's date and the figures of what is planned on it."""
    zone = hub.settings.office_zone
    today = work.now.astimezone(zone).date().isoformat()
    start, end = day_start(today, zone, "day"), day_end(today, zone, "day")
    if start is None or end is None:
        raise RuntimeError("today is a day")
    return today, punctuality(work.session, asker.viewer.units(P.DELIVERY_READ), start, end, work.now)


def _accounts(hub: Hub, session: Session, asker: Asker) -> list[tuple[int, str]]:
    used = scoped(select(Delivery.account_id), Delivery.unit_id, asker.viewer, P.DELIVERY_READ).distinct()
    query = select(Account).where(Account.id.in_(used)).order_by(Account.channel, Account.id)
    return [(account.id, with_channel(hub, asker, account)) for account in session.scalars(query)]


# --- one delivery ----------------------------------------------------------------------------------------------


@router.get("/deliveries/{delivery_id}")
def one_delivery(request: Request, hub: HubDep, asker: Reader, delivery_id: int) -> HTMLResponse:
    """One delivery: items, times, attempts, what each became, and what can be done."""
    return _page(request, hub, asker, delivery_id)


@router.get("/deliveries/{delivery_id}/live")
def live(request: Request, hub: HubDep, asker: Reader, delivery_id: int, seen: str = "") -> HTMLResponse:
    """What changes by itself, asked for every two seconds; with the buttons when the state has changed."""
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        context = _one(hub, work, delivery, asker)
    return fragment(
        request,
        asker,
        "pages/deliveries/one.html",
        "live",
        acts_too=seen != delivery.state,
        form=FormState(),
        opened="",
        zone=hub.settings.office_zone.key,
        **context,
    )


@router.post("/deliveries/{delivery_id}/retry")
def retry(hub: HubDep, asker: Actor, delivery_id: int) -> Response:
    """重试."""
    with hub.works.write(asker.actor) as work:
        booking.retry(work, asker.viewer, delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT))
    return _told(hub, asker, delivery_id, _("已重新排入发送。"))


@router.post("/deliveries/{delivery_id}/resume")
def resume(hub: HubDep, asker: Actor, delivery_id: int) -> Response:
    """恢复."""
    with hub.works.write(asker.actor) as work:
        booking.resume(work, asker.viewer, delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT))
    return _told(hub, asker, delivery_id, _("已恢复，按计划时间发送；时间已过的立即发送。"))


@router.post("/deliveries/{delivery_id}/take-over")
def take_over(hub: HubDep, asker: Actor, delivery_id: int) -> Response:
    """改人工."""
    with hub.works.write(asker.actor) as work:
        booking.take_by_hand(work, asker.viewer, delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT))
    told = say(hub, asker, _("已改为人工发布，系统不会再自动发送。"))
    return see_other(f"/console/deliveries/{delivery_id}/by-hand", told)


async def whole_form(request: Request) -> FormData:
    """The form as it was sent."""
    return await request.form()


Sent = Annotated[FormData, Depends(whole_form)]


@router.post("/deliveries/{delivery_id}/cancel")
def cancel(request: Request, hub: HubDep, asker: Actor, delivery_id: int, sent: Sent) -> Response:
    """取消, with a reason."""

    def act(work: Work, delivery: Delivery) -> None:
        reason = text(sent, "reason")
        if not reason.strip():
            raise Invalid(field="reason", why="取消须填写原因。")
        booking.cancel(work, asker.viewer, delivery, reason)

    return _try(request, hub, asker, delivery_id, "cancel", sent, act, _("已取消。"))


@router.post("/deliveries/{delivery_id}/move")
def move(request: Request, hub: HubDep, asker: Actor, delivery_id: int, sent: Sent) -> Response:
    """改期 inside the signed window; says what a person should know of the new time.

    `seen` is the time that the page showed: what somebody else has moved meanwhile is not moved again.
    """
    zone, told = hub.settings.office_zone, list[Problem]()

    def act(work: Work, delivery: Delivery) -> None:
        at = moment(sent, "at", zone)
        if at is None:
            raise Invalid(field="at", why="请填写新的时间。")
        booking.move(work, asker.viewer, delivery, at, _seen(sent))
        told.extend(still_held(hub, asker, delivery))
        told.extend(foreseen(work.session, of_delivery(work.session, delivery, at), zone))

    answer = _try(request, hub, asker, delivery_id, "move", sent, act, _("已改期。"))
    if not told:
        return answer
    words = " ".join([say(hub, asker, _("已改期。")), *(problem.message for problem in told)])
    return see_other(f"/console/deliveries/{delivery_id}", words, "warn")


def still_held(hub: Hub, asker: Asker, delivery: Delivery) -> list[Problem]:
    """What is told of a moved task that waits for a person all the same."""
    if delivery.state != S.HELD:
        return []
    words = _("任务仍在暂缓（%(reason)s），恢复之后才按新的时间发送。")
    return [Problem("at", say(hub, asker, words, reason=delivery.reason), blocking=False)]


def _seen(sent: FormData) -> datetime | None:
    try:
        return moment_in(text(sent, "seen"))
    except ValueError:
        return None


@router.post("/deliveries/{delivery_id}/hold")
def hold(request: Request, hub: HubDep, asker: Actor, delivery_id: int, sent: Sent) -> Response:
    """暂缓, with a reason and perhaps an hour."""

    def act(work: Work, delivery: Delivery) -> None:
        until = moment(sent, "until", hub.settings.office_zone)
        booking.hold(work, asker.viewer, delivery, text(sent, "reason"), until)

    return _try(request, hub, asker, delivery_id, "hold", sent, act, _("已暂缓发布。"))


@router.post("/deliveries/{delivery_id}/there")
def there(request: Request, hub: HubDep, asker: Actor, delivery_id: int, sent: Sent) -> Response:
    """已在平台上: settles an unknown one by a person's look."""

    def act(work: Work, delivery: Delivery) -> None:
        rows = items_of(work.session, delivery.id)
        links = {item.piece_id: text(sent, f"link.{item.piece_id}") for item, _release, _piece in rows}
        settle.there(work, asker.viewer, delivery, links, text(sent, "remark"))

    return _try(request, hub, asker, delivery_id, "there", sent, act, _("已记为已发布。"))


@router.post("/deliveries/{delivery_id}/not-there")
def not_there(hub: HubDep, asker: Actor, delivery_id: int) -> Response:
    """不在平台上: sends it again."""
    with hub.works.write(asker.actor) as work:
        settle.not_there(work, asker.viewer, delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT))
    return _told(hub, asker, delivery_id, _("已重新排入发送。"))


@router.post("/deliveries/{delivery_id}/ask-again")
def ask_again(request: Request, hub: HubDep, asker: Actor, delivery_id: int, sent: Sent) -> Response:
    """再核实: asks the platform now."""

    def act(work: Work, delivery: Delivery) -> None:
        settle.ask_again(work, asker.viewer, delivery)

    return _try(request, hub, asker, delivery_id, "ask-again", sent, act, _("正在向平台核实。"))


@router.post("/deliveries/{delivery_id}/by-hand-instead")
def by_hand_instead(hub: HubDep, asker: Actor, delivery_id: int) -> Response:
    """不在平台上，改人工发布."""
    with hub.works.write(asker.actor) as work:
        settle.by_hand_instead(work, asker.viewer, delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT))
    told = say(hub, asker, _("已改为人工发布，系统不会再自动发送。"))
    return see_other(f"/console/deliveries/{delivery_id}/by-hand", told)


def delivery_for(
    session: Session, asker: Asker, delivery_id: int, permission: Permission = Permission.DELIVERY_READ
) -> Delivery:
    """The delivery when the person may do this in its unit; raises NotFound otherwise."""
    delivery = session.get(Delivery, delivery_id)
    if delivery is None:
        raise NotFound
    asker.must(permission, delivery.unit_id)
    return delivery


def _try(
    request: Request,
    hub: Hub,
    asker: Asker,
    delivery_id: int,
    name: str,
    sent: FormData,
    act: Any,
    message: str,
) -> Response:
    """An act with fields: a fault stands beside its field, and what was typed stays."""
    try:
        with hub.works.write(asker.actor) as work:
            act(work, delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT))
    except (NotFound, TakenMeanwhile):
        raise
    except XuandaError as error:
        values = {key: value for key, value in sent.items() if isinstance(value, str)}
        form = refused(asker, error, **values)
        return _page(request, hub, asker, delivery_id, form, name, status=error.status)
    return _told(hub, asker, delivery_id, message)


def _told(hub: Hub, asker: Asker, delivery_id: int, message: str) -> Response:
    return see_other(f"/console/deliveries/{delivery_id}", say(hub, asker, message))


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    delivery_id: int,
    form: FormState | None = None,
    opened: str = "",
    *,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        context = _one(hub, work, delivery, asker)
    return page(
        request,
        asker,
        "pages/deliveries/one.html",
        status=status,
        acts_too=False,
        form=form or FormState(),
        opened=opened,
        zone=hub.settings.office_zone.key,
        **context,
    )


@dataclass(frozen=True)
class ItemShown:
    """One item of a delivery and where it shows now."""

    item: DeliveryItem
    release: Release
    piece: Piece
    placement: Place | None


def sent_to_of(place: Place | None, delivery_id: int) -> SentTo | None:
    """How many readers the platform sent this very delivery to, where it told."""
    return SentTo.of(place.data) if place is not None and place.delivery_id == delivery_id else None


def _one(hub: Hub, work: Work, delivery: Delivery, asker: Asker) -> dict[str, Any]:
    session = work.session
    account = session.get_one(Account, delivery.account_id)
    author = session.get(Person, delivery.created_by) if delivery.created_by else None
    attempts = session.scalars(select(Attempt).where(Attempt.delivery_id == delivery.id).order_by(Attempt.id.desc()))
    items = [
        ItemShown(item, release, piece, place_of(session, item.piece_id, delivery))
        for item, release, piece in items_of(session, delivery.id)
    ]
    overdue = is_late(delivery, work.now)
    return {
        "delivery": delivery,
        "account": account,
        "channel": channel_label(delivery.channel),
        "action": ACTION_LABELS.get(delivery.action, delivery.action),
        "author": author.name if author else "",
        "items": items,
        "attempts": [(attempt, *words_of(attempt)) for attempt in attempts],
        "columns": columns(hub, asker, *ATTEMPT_COLUMNS),
        "late": overdue,
        "badge": badge_of(delivery, late=overdue),
        "minutes_left": _minutes_left(delivery.accepted_until, work.now),
        "moving": under_way(delivery, work.now),
        "paused": delivery.state == S.ACCEPTED and delivery.next_at is None,
        "may": _possible(session, delivery) if asker.may(P.DELIVERY_ACT, delivery.unit_id) else frozenset(),
        "history": acts_of(session, delivery, lambda words: say(hub, asker, words)),
        "progress": progress_of(session, delivery.key),
        "sent_to": sent_to_of(items[0].placement, delivery.id) if items else None,
        "reasons": REFUSALS,
        "ordered": ordered(session, asker, delivery),
        "foretold": _foretold(hub, work, delivery),
        "seen": delivery.scheduled_at.isoformat(),
        **_taking_back(session, delivery, [shown.piece.id for shown in items], asker),
        "window": items[0].release.content["window"] if items else {},
    }


def _taking_back(session: Session, delivery: Delivery, pieces: Sequence[int], asker: Asker) -> dict[str, Any]:
    """For what is just going out: the withdrawal that waits for its result, or whether one may be asked for."""
    if delivery.state not in ON_ITS_WAY or delivery.action not in windows.STOPPED:
        return {"withdrawal": None, "may_withdraw": False}
    adapter = installed().get(delivery.channel)
    able = adapter is not None and "withdraw" in adapter.limits.can and len(pieces) == 1
    return {
        "withdrawal": offline.planned(session, delivery.account_id, pieces),
        "may_withdraw": able and asker.may(P.BOOKING_WRITE, delivery.unit_id),
    }


def _minutes_left(until: datetime | None, now: datetime) -> int:
    """How many minutes there are left, begun ones counted; 0 when the time is over, or was never set."""
    return max(0, math.ceil((until - now).total_seconds() / 60)) if until else 0


def _possible(session: Session, delivery: Delivery) -> frozenset[str]:
    """The acts that its state allows; what belongs to a rehearsal that has ended, or waits for one's end, stays."""
    acts = possible(delivery)
    signed = session.get_one(Account, delivery.signed_account)
    return acts - {"resume", "let-through"} if other_world(signed, delivery) else acts


def _foretold(hub: Hub, work: Work, delivery: Delivery) -> list[Problem]:
    """What stands in the way of a booked one at its time, so that nobody waits for it in vain."""
    if delivery.state != S.BOOKED:
        return []
    zone, at = hub.settings.office_zone, max(delivery.scheduled_at, work.now)
    kind, unit = (delivery.channel, delivery.action), delivery.unit_id
    return windows.foretold(work.session, *kind, unit, at, emergency=delivery.emergency, zone=zone)


# What a push service says when it refuses one browser, in plain words.
REFUSALS: Mapping[str, str] = {
    "400": _("推送服务认为请求格式不对"),
    "401": _("推送服务不认可本站的签名"),
    "403": _("订阅时用的是另一把密钥"),
    "413": _("通知内容过长"),
    "keys": _("浏览器给出的密钥已损坏"),
    "address": _("地址在内网，不予访问"),
}
OUTCOMES: Mapping[str, tuple[str, str]] = {
    "": (_("进行中"), "info"),
    "live": (_("已发出"), "good"),
    "accepted": (_("平台已受理"), "info"),
    "not_there": (_("平台没有收到"), "warn"),
    "cannot_tell": (_("平台无法核实"), "warn"),
    "uncorrectable": (_("平台不支持"), "warn"),
    "by_hand": (_("转人工"), "warn"),
    "refused": (_("平台拒绝"), "bad"),
    "retryable": (_("暂未发出"), "warn"),
    "throttled": (_("平台限流"), "warn"),
    "unauthorised": (_("授权失效"), "bad"),
    "unknown": (_("未收到答复"), "warn"),
    "lost": (_("发送中断"), "warn"),
    "not_sent": (_("未发出"), "plain"),
}
ATTEMPT_ACTS: Mapping[str, str] = {
    "send": _("发送"),
    "poll": _("查询结果"),
    "ask": _("向平台核实"),
    "event": _("平台通知"),
}


def words_of(attempt: Attempt) -> tuple[str, str, str, float | None]:
    """An attempt's act, outcome and tone in words, and how long it took in seconds."""
    outcome, tone = OUTCOMES.get(attempt.outcome, (attempt.outcome, "plain"))
    took = (attempt.ended_at - attempt.started_at).total_seconds() if attempt.ended_at else None
    return ATTEMPT_ACTS.get(attempt.act, attempt.act), outcome, tone, took


# --- what each channel shows -----------------------------------------------------------------------------------


@router.get("/placements")
def placements(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """各渠道状态: what every account shows now, of one piece or of all, with the proof of corrections."""
    asked = listing(request, "q", "piece", "account", "state", sort="-at")
    query = (
        select(Placement, Account, Piece, Revision.number)
        .join(Account, Account.id == Placement.account_id)
        .join(Piece, Piece.id == Placement.piece_id)
        .join(Revision, Revision.id == Placement.revision_id)
    )
    query = scoped(query, Placement.unit_id, asker.viewer, P.DELIVERY_READ)
    if asked.value("state"):
        query = query.where(Placement.state == asked.value("state"))
    if asked.number("account"):
        query = query.where(Placement.account_id == asked.number("account"))
    if asked.value("q"):
        query = query.where(Piece.title.like(like(asked.value("q")), escape="\\"))
    with hub.works.read() as work:
        piece = None
        if asked.number("piece"):
            piece = piece_for(work.session, asker.viewer, asked.number("piece") or 0, P.DELIVERY_READ)
            query = query.where(Placement.piece_id == piece.id)
        found, state = asked.take(work.session, query, PLACEMENT_SORTS, Placement.id.desc())
        accounts = _accounts(hub, work.session, asker)
        pending = _pending(work, piece) if piece else []
    rows = [(row[0], row[1], row[2], row[3], channel_label(row[1].channel), proof_of(row[0])) for row in found]
    shown = any(row[0].state != PlacementState.WITHDRAWN for row in found)
    return page(
        request,
        asker,
        "pages/deliveries/placements.html",
        rows=rows,
        state=state,
        columns=columns(hub, asker, *PLACEMENT_COLUMNS),
        piece=piece,
        pending=pending,
        accounts=accounts,
        states=[(name.value, say(hub, asker, label)) for name, label in PLACEMENT_LABELS.items()],
        may_book=shown and piece is not None and asker.may(P.BOOKING_WRITE, piece.unit_id),
    )


def proof_of(placement: Placement) -> str:
    """The badge that proves what a correction became; '' where none was asked for."""
    badges = {"corrected": "corrected", "by_hand": "manual_correction", "impossible": "uncorrectable"}
    return badges.get(placement.correction, "")


def _pending(work: Work, piece: Piece) -> list[Row]:
    over = (S.DONE, S.CANCELLED)
    query = (
        select(Delivery, Account)
        .join(Account, Account.id == Delivery.account_id)
        .join(DeliveryItem, DeliveryItem.delivery_id == Delivery.id)
        .where(DeliveryItem.piece_id == piece.id, Delivery.state.not_in(over))
        .order_by(Delivery.scheduled_at)
    )
    return rows_of(work.session, [(row[0], row[1]) for row in work.session.execute(query)], work.now)
