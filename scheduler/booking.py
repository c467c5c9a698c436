"""Booking: what goes to which account when, inside what was signed; and the acts of people on a booking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from channels.abilities.audience import Addressed
from channels.accounts import doubles
from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Post, Problem
from channels.registry import channel as adapter_of
from content.errors import NoRight, OutsideWindow
from content.models import Piece, Release
from content.snapshot import targets_of
from content.states import ReleaseState
from kernel.claim import free, new_claimant
from kernel.errors import Invalid, XuandaError
from kernel.people import Permission, Viewer
from kernel.work import Work
from scheduler import elsewhere, offline, reached, windows
from scheduler.conflicts import Moment, foreseen
from scheduler.due import due_at
from scheduler.errors import (
    AlreadyBooked,
    BeingAsked,
    DoesNotFit,
    MovedMeanwhile,
    NotSigned,
    OfflineBooked,
    OutsideSeries,
    TakenMeanwhile,
    WiderThanSigned,
)
from scheduler.events import Booked, BundleComposed
from scheduler.identity import identity_of, next_free
from scheduler.leaving import other_world
from scheduler.models import Delivery, DeliveryItem, Place, Placement, RehearsedPlacement
from scheduler.posts import NARROWER, at_its_address, item_of, items_of
from scheduler.preflight import beyond
from scheduler.receipts import PASSED
from scheduler.recurring import slots
from scheduler.recurring.slots import Free
from scheduler.repeats import must_be_new
from scheduler.states import DELIVERY_LABELS, DeliveryState, PlacementState

S = DeliveryState
Missed = Literal["send", "hold", "drop"]
CHINA = ZoneInfo("Asia/Shanghai")
# What has begun to go out and is not through; a stop that ended left it waiting for a person.
BEGUN, REBOOK = (S.ACCEPTED, S.UNKNOWN), "rebook"
# Why something is held that another time sets right; any other hold is kept when its time is moved.
ANSWERED_BY_TIME = frozenset({windows.QUIET, "missed", "quota", "unsigned", "window"})
# Whoever chooses this very minute means now.
JUST_NOW = timedelta(minutes=1)
# No claim is meant to last for longer; one that ends later still was made before the clock was set back.
LONGEST_CLAIM = timedelta(hours=1)


@dataclass(frozen=True)
class Order:
    """What a person books: pieces in order (1 to 8), the account, the act, and the time (None: at once).

    `unsigned` says what happens to an item without its last signature at its time; `missed_after` minutes
    late, `missed_act` decides instead of sending. `again` allows a further occurrence. `into_slot` takes the next free
    slot instead of a time; `at` is then the one that was told, None for whichever it is.
    """

    piece_ids: Sequence[int]
    account_id: int
    action: str
    at: datetime | None = None
    audience: Mapping[str, Any] = field(default_factory=dict)
    unsigned: Literal["drop", "hold"] = "hold"
    missed_after: int | None = None
    missed_act: Missed = "send"
    again: bool = False
    into_slot: bool = False
    phrase: str = ""
    note: Mapping[str, Any] = field(default_factory=dict)


def book(work: Work, who: Viewer, order: Order, public_url: str, zone: ZoneInfo = CHINA) -> Delivery:
    """Books one delivery. What the account's platform would refuse is told now, not when it is due."""
    account, releases = _checked(work, who, order)
    lane = doubles.lane_of(work.session, account)
    must_be_new(work.session, lane, tuple(order.piece_ids), again=order.again)
    taken = slots.take(work, _wanted(account, lane, order, releases), zone, order.at) if order.into_slot else None
    at = taken.at if taken else order.at or work.now
    for release, _piece in releases:
        _inside_signed(order, account, release, at)
    _must_lie_ahead(work, at)
    problems = [problem for problem in preflight(work.session, order, public_url) if problem.blocking]
    if problems:
        raise DoesNotFit(field=problems[0].field, account=account.name, problem=problems[0].message)
    made = _insert(work, who, order, lane, releases, at)
    if taken:
        taken.delivery_id = made.id
    return made


def book_repeatedly(
    work: Work, who: Viewer, order: Order, moments: Sequence[datetime], public_url: str, series_id: int, zone: ZoneInfo
) -> list[Delivery]:
    """Books one delivery for each moment, their occurrences one behind another; all of them or none."""
    account, releases = _checked(work, who, order)
    lane = doubles.lane_of(work.session, account)
    for number, at in enumerate(moments, start=1):
        for release, _piece in releases:
            _cover(order, account, release, number, at, zone)
    problems = [problem for problem in preflight(work.session, order, public_url) if problem.blocking]
    if problems:
        raise DoesNotFit(field=problems[0].field, account=account.name, problem=problems[0].message)
    first = _occurrence(work.session, order, lane, releases)
    return [
        _insert(work, who, order, lane, releases, at, first + number, series_id) for number, at in enumerate(moments)
    ]


def _cover(order: Order, account: Account, release: Release, number: int, at: datetime, zone: ZoneInfo) -> None:
    try:
        _inside_signed(order, account, release, at)
    except OutsideWindow as outside:
        shown = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
        earliest, latest = (f"{one.astimezone(zone):%Y-%m-%d %H:%M}" if one else "不限" for one in window_of([release]))
        window = f"{earliest} 至 {latest}"
        raise OutsideSeries(field="count", number=number, at=shown, window=window) from outside


def next_slot(session: Session, order: Order, now: datetime, zone: ZoneInfo) -> Free | None:
    """The free slot that this order would take now."""
    account = doubles.real_of(session, session.get_one(Account, order.account_id))
    pieces = [session.get_one(Piece, piece_id) for piece_id in order.piece_ids]
    releases = [(session.get_one(Release, piece.release_id), piece) for piece in pieces if piece.release_id]
    if len(releases) < len(pieces) or not pieces:
        return None
    return slots.next_free(session, _wanted(account, doubles.lane_of(session, account), order, releases), now, zone)


def _wanted(account: Account, lane: Account, order: Order, releases: Sequence[tuple[Release, Piece]]) -> slots.Wanted:
    earliest, latest = window_of([release for release, _piece in releases])
    return slots.Wanted(
        account,
        lane,
        order.action,
        releases[0][1].unit_id,
        frozenset(piece.column_id for _release, piece in releases),
        earliest,
        latest,
        any(release.emergency for release, _piece in releases),
        _audience_of(order, [release for release, _piece in releases]),
    )


def book_act(work: Work, who: Viewer, order: Order, zone: ZoneInfo = CHINA) -> Delivery:
    """Books a correction, withdrawal or redrawing for one piece on one account where it shows.

    A withdrawal with a time (定时下线) may also be booked where it will show by then; one at once brings forward
    what waits, and where the piece is just going out it waits for the result. Raises Invalid where it does not show.
    A correction needs a signed release; a withdrawal needs none, because taking something back must not wait for three
    signatures. While the account is in rehearsal only what was rehearsed there can be changed: what the public sees
    stays as it is.
    """
    account, releases = _checked(work, who, order)
    lane = doubles.lane_of(work.session, account)
    kind: type[Place] = RehearsedPlacement if lane.stands_for else Placement
    shows = work.session.scalars(
        select(kind).where(
            kind.account_id == lane.id,
            kind.piece_id.in_(order.piece_ids),
            kind.state != PlacementState.WITHDRAWN,
        )
    ).all()
    awaited: Sequence[Delivery] = ()
    if order.action == "withdraw" and not shows:
        wanted = offline.coming if order.at is not None else offline.on_its_way
        awaited = wanted(work.session, lane.id, order.piece_ids)
    if not shows and not awaited and lane.stands_for:
        why = f"“{account.name}”正在演练，演练中没有发布过该稿件。要处理公众看到的内容，请先退出演练。"
        raise Invalid(field="account", why=why)
    if not shows and not awaited:
        raise Invalid(field="account", why=f"该稿件没有在“{account.name}”上显示。")
    if order.action == "withdraw":
        if order.at is not None:
            offline.must_fit(order.at, work.now, awaited)
        waiting = offline.planned(work.session, lane.id, order.piece_ids)
        if waiting is not None:
            return _bring_forward(work, order, account, waiting, zone)
    if order.action == "refresh" and "refresh" not in adapter_of(account.channel).able(account.settings):
        raise Invalid(field="account", why=f"“{account.name}”上已发布的内容不能修改，无法刷新。")
    if order.action == "refresh":  # As it stands there, and not as it was written since.
        standing = {place.piece_id: place.release_id for place in shows}
        releases = [(work.session.get_one(Release, standing[piece.id]), piece) for _newest, piece in releases]
    if order.action == "correct":
        for release, _piece in releases:
            if release.state != ReleaseState.SIGNED:
                raise Invalid(field="release", why="更正稿尚未签发，不能更正。")
    made = _insert(work, who, order, lane, releases, order.at or work.now)
    made.reason = offline.WAITS_FOR_RESULT if awaited and order.at is None else ""
    return made


def _bring_forward(work: Work, order: Order, account: Account, waiting: Delivery, zone: ZoneInfo) -> Delivery:
    if order.at is not None:
        shown = f"{waiting.scheduled_at.astimezone(zone):%Y-%m-%d %H:%M}"
        raise OfflineBooked(field="account", account=account.name, at=shown)
    values = {"state": S.BOOKED, "reason": "", "code": "", **due_at(work.now)}
    change(work, waiting, (S.BOOKED, S.HELD), **values, phrase=order.phrase[:200] or waiting.phrase)
    work.audit("delivery.moved", waiting, at=work.now.isoformat())
    work.emit(Booked(waiting.account_id, work.now))
    return waiting


def redraw(work: Work, piece: Piece) -> list[Delivery]:
    """Books a redrawing of what was signed and shows, wherever it can be changed there; labels and links changed.

    Whoever changed them was asked for his right to do that; no word of the piece changes.
    """
    query = (
        select(Placement, Account)
        .join(Account, Account.id == Placement.account_id)
        .where(Placement.piece_id == piece.id, Placement.state == PlacementState.LIVE)
    )
    made = []
    for placement, account in work.session.execute(query):
        if account.active and "refresh" in adapter_of(account.channel).able(account.settings):
            release = work.session.get_one(Release, placement.release_id)
            order = Order((piece.id,), account.id, "refresh", again=True)
            try:
                made.append(_insert(work, None, order, account, [(release, piece)], work.now))
            except AlreadyBooked:  # One that still waits draws the page as it is by then.
                continue
    return made


def book_signed(work: Work, release: Release, account_id: int, *, through: bool, public_url: str) -> Delivery:
    """Books a release on one of its accounts as it was signed, due at once: the signatures themselves ask for it.

    Where the piece shows already it is corrected. `through` lets it out while everything else is stopped.
    """
    session = work.session
    account = doubles.real_of(session, session.get_one(Account, account_id))
    if not account.active:
        raise Invalid(field="account", why=f"账号“{account.name}”已停用。")
    piece = session.get_one(Piece, release.piece_id)
    lane = doubles.lane_of(session, account)
    kind: type[Place] = RehearsedPlacement if lane.stands_for else Placement
    shows = select(kind.id).where(
        kind.account_id == lane.id, kind.piece_id == piece.id, kind.state == PlacementState.LIVE
    )
    action = "correct" if session.scalar(shows) is not None else targets_of(release.content)[account.id]["action"]
    earliest = release.content["window"]["earliest"]
    at = max(work.now, datetime.fromisoformat(earliest)) if earliest else work.now
    order = Order((piece.id,), account.id, action)
    if action == "correct":
        if "correct" not in adapter_of(account.channel).limits.can:
            raise Invalid(field="account", why=f"“{account.name}”上的旧文不能自动更正，请选择更正方式。")
    elif problem := next((one for one in preflight(session, order, public_url) if one.blocking), None):
        raise DoesNotFit(field=problem.field, account=account.name, problem=problem.message)
    delivery = _insert(work, None, order, lane, [(release, piece)], at)
    delivery.through = through
    return delivery


def preflight(session: Session, order: Order, public_url: str) -> list[Problem]:
    """What would not fit the account's channel; needs no network."""
    account = doubles.real_of(session, session.get_one(Account, order.account_id))
    adapter = adapter_of(account.channel)
    items = []
    for piece_id in order.piece_ids:
        piece = session.get_one(Piece, piece_id)
        if piece.release_id is None:
            return [Problem("pieces", f"《{piece.title}》还没有送审。")]
        release = session.get_one(Release, piece.release_id)
        items.append(at_its_address(session, item_of(release, piece, account.channel, public_url)))
    post = Post(key="preflight", action=order.action, items=items, audience=order.audience)  # type: ignore[arg-type]
    return adapter.check(account.settings, post)


def forewarned(work: Work, order: Order, zone: ZoneInfo) -> list[Problem]:
    """What a person should know before booking: a full quota, a taken minute, a push that will wait for the morning."""
    session = work.session
    pieces = [session.get_one(Piece, piece_id) for piece_id in order.piece_ids]
    releases = [session.get_one(Release, piece.release_id) for piece in pieces if piece.release_id]
    emergency = any(release.emergency for release in releases)
    lane = doubles.lane_of(session, session.get_one(Account, order.account_id))
    at, chosen = order.at or work.now, order.at is not None
    kind = (lane, order.action, pieces[0].unit_id, tuple(order.piece_ids), at)
    unplaced = _not_yet_there(session, lane, releases)
    return (
        _outside(releases, at, zone)
        + unplaced
        + foreseen(
            session, Moment(*kind, chosen=chosen, emergency=emergency, audience=_audience_of(order, releases)), zone
        )
    )


def _audience_of(order: Order, releases: Sequence[Release]) -> Mapping[str, Any]:
    """Whom it is for: what was chosen, or what was signed."""
    signed = targets_of(releases[0].content).get(order.account_id) if releases else None
    return order.audience or (signed["audience"] if signed else {})


def _not_yet_there(session: Session, lane: Account, releases: Sequence[Release]) -> list[Problem]:
    """Where the office's site is on another platform, links lead nowhere until it has given the piece an address."""
    if adapter_of(lane.channel).limits.by_column:
        return []
    return [
        Problem(
            "at",
            f"《{release.content['title']}》在网站平台上还没有地址，此时发出的链接打不开。请先发布到网站，再发布到这里。",
            blocking=False,
        )
        for release in releases
        if elsewhere.sites_of(release.content) and not elsewhere.address_of(session, release.content, release.piece_id)
    ]


def _outside(releases: Sequence[Release], at: datetime, zone: ZoneInfo) -> list[Problem]:
    earliest, latest = window_of(releases)
    if (earliest is None or at >= earliest) and (latest is None or at <= latest):
        return []
    shown = " 至 ".join(f"{one.astimezone(zone):%m-%d %H:%M}" if one else "不限" for one in (earliest, latest))
    return [Problem("at", f"发布时间不在签发的时间窗（{shown}）内。")]


def _must_lie_ahead(work: Work, at: datetime) -> None:
    if at < work.now - JUST_NOW:
        raise Invalid(field="at", why="发布时间已过，请选“立即”或以后的时间。")


def move(work: Work, who: Viewer, delivery: Delivery, at: datetime, seen: datetime | None = None) -> None:
    """改期: another time inside the signed window, only while it waits. What is held for its own reason stays held.

    `seen` is the time the person saw; raises MovedMeanwhile when somebody else has moved it since.
    """
    must_write(who, delivery)
    _same_world(work, delivery)
    _fits_signed(work, delivery, at)
    if seen is not None and not _lock_at(work, delivery, seen):
        raise MovedMeanwhile(field="at", at=delivery.scheduled_at)
    if delivery.state == S.HELD and delivery.code not in ANSWERED_BY_TIME:
        change(work, delivery, (S.HELD,), **{**due_at(at), "next_at": delivery.next_at})
        work.audit("delivery.moved", delivery, at=at.isoformat(), held=delivery.reason)
        return
    was = S(delivery.state) if delivery.state in (S.BOOKED, S.HELD) else S.BOOKED
    change(work, delivery, (was,), state=S.BOOKED, reason="", code="", **due_at(at))
    work.audit("delivery.moved", delivery, at=at.isoformat())
    work.emit(Booked(delivery.account_id, at))


def unfit(work: Work, delivery: Delivery, at: datetime, zone: ZoneInfo) -> str:
    """Why a waiting one would not go out at this time (what was signed, a quota, quiet hours); '' when it would."""
    try:
        _fits_signed(work, delivery, at)
    except XuandaError as error:
        return error.message("zh")
    session, account = work.session, work.session.get_one(Account, delivery.account_id)
    if used_up := beyond(session, account, delivery.action, at, delivery.audience, delivery.id):
        return used_up
    if delivery.emergency:
        return ""
    kind = (delivery.channel, delivery.action, delivery.unit_id, at)
    quiet = windows.foretold(session, *kind, emergency=False, zone=zone)
    return quiet[0].message if quiet else ""


def _fits_signed(work: Work, delivery: Delivery, at: datetime) -> None:
    _inside_windows(work, delivery, at, "at")
    _must_lie_ahead(work, at)


def _inside_windows(work: Work, delivery: Delivery, at: datetime, named: str) -> None:
    if delivery.action not in ("withdraw", "refresh"):  # What is taken back was not signed for a time.
        for _item, release, _piece in items_of(work.session, delivery.id):
            _inside_window(release, at, named)


def hold(work: Work, who: Viewer, delivery: Delivery, reason: str, until: datetime | None = None) -> None:
    """暂缓: keeps it back with a reason, until a person or an hour inside the signed window releases it."""
    must_write(who, delivery)
    if not reason.strip():
        raise Invalid(field="reason", why="暂缓须填写原因。")
    if until is not None and until <= work.now:
        raise Invalid(field="until", why="恢复时间须晚于现在。")
    if until is not None:
        _inside_windows(work, delivery, max(until, delivery.scheduled_at), "until")
    change(work, delivery, (S.BOOKED,), state=S.HELD, next_at=until, reason=reason.strip()[:500], code="person")
    work.audit("delivery.held", delivery, reason=reason, until=until.isoformat() if until else None)


def hold_account(work: Work, account_id: int, reason: str, code: str = "account") -> int:
    """Keeps back everything that waits on an account, because nothing goes out there for now; returns how many."""
    statement = (
        update(Delivery)
        .where(Delivery.account_id == account_id, Delivery.state == S.BOOKED)
        .values(state=S.HELD, next_at=None, reason=reason, code=code)
        .returning(Delivery)
    )
    rows = work.session.scalars(statement.execution_options(populate_existing=True)).all()
    for row in rows:
        work.audit("delivery.held", row, reason=reason)
    return len(rows)


def resume(work: Work, who: Viewer, delivery: Delivery) -> None:
    """恢复: a held one goes out at its time, or at once when that has passed; what had begun goes on at once."""
    must_write(who, delivery)
    _same_world(work, delivery)
    windows.must_be_free(work.session, delivery)
    if delivery.state in BEGUN and delivery.code == REBOOK:
        change(work, delivery, BEGUN, next_at=work.now, accepted_at=work.now, reason="", code="")
        work.audit("delivery.resumed", delivery)
        work.emit(Booked(delivery.account_id, work.now))
        return
    at = max(work.now, delivery.scheduled_at)
    change(work, delivery, (S.HELD,), state=S.BOOKED, reason="", code="", **due_at(at))
    work.audit("delivery.resumed", delivery)
    work.emit(Booked(delivery.account_id, at))


def cancel(work: Work, who: Viewer, delivery: Delivery, reason: str) -> None:
    """取消: it will not go out; possible only while nothing was handed to the platform."""
    must_write(who, delivery)
    change(
        work,
        delivery,
        (S.BOOKED, S.HELD, S.FAILED, S.MANUAL),
        state=S.CANCELLED,
        next_at=None,
        reason=reason.strip()[:500],
        done_at=work.now,
    )
    work.audit("delivery.cancelled", delivery, reason=reason)


def retry(work: Work, who: Viewer, delivery: Delivery) -> None:
    """重试: a failed one is tried again at once, with all its attempts anew."""
    must_write(who, delivery)
    _same_world(work, delivery)
    values = {"state": S.BOOKED, "attempts": 0, "reason": "", "code": "", **due_at(work.now)}
    values["note"] = {name: value for name, value in delivery.note.items() if name != PASSED}
    change(work, delivery, (S.FAILED, S.HELD), **values)
    work.audit("delivery.retried", delivery)
    work.emit(Booked(delivery.account_id, work.now))


def take_by_hand(work: Work, who: Viewer, delivery: Delivery) -> None:
    """改人工: from here on a person publishes it; one UPDATE forbids every later automatic call.

    An unknown one must be settled first: what is already there must not be published a second time by hand.
    """
    must_write(who, delivery)
    change(work, delivery, (S.BOOKED, S.HELD, S.FAILED), state=S.MANUAL, next_at=None, reason="", code="")
    work.audit("delivery.taken_by_hand", delivery)


def _same_world(work: Work, delivery: Delivery) -> None:
    why = other_world(work.session.get_one(Account, delivery.signed_account), delivery)
    if why:
        raise Invalid(why=f"{why}。")


def _checked(work: Work, who: Viewer, order: Order) -> tuple[Account, list[tuple[Release, Piece]]]:
    if not 1 <= len(order.piece_ids) <= 8 or len(set(order.piece_ids)) != len(order.piece_ids):
        raise Invalid(field="pieces", why="一次发布须为 1 至 8 篇不同的稿件。")
    account = doubles.real_of(work.session, work.session.get_one(Account, order.account_id))
    if not account.active:
        raise Invalid(field="account", why=f"账号“{account.name}”已停用。")
    releases = []
    for piece_id in order.piece_ids:
        piece = work.session.get_one(Piece, piece_id)
        if not who.may(Permission.BOOKING_WRITE, piece.unit_id):
            raise NoRight(what="安排此稿件的发布")
        if piece.release_id is None:
            raise Invalid(field="pieces", why=f"《{piece.title}》还没有送审，不能安排发布。")
        releases.append((work.session.get_one(Release, piece.release_id), piece))
    return account, releases


def _inside_signed(order: Order, account: Account, release: Release, at: datetime) -> None:
    if release.state not in (ReleaseState.OPEN, ReleaseState.SIGNED):
        raise Invalid(field="pieces", why=f"《{release.content['title']}》的发布件已退回或作废，请重新送审。")
    target = targets_of(release.content).get(account.id)
    if target is None:
        raise NotSigned(field="account", account=account.name)
    if order.action not in NARROWER.get(target["action"], frozenset()):
        raise WiderThanSigned(field="action", what=f"“{ACTION_LABELS[order.action]}”")
    if not _audience_inside(account.channel, order.audience, target["audience"]):
        raise WiderThanSigned(field="audience", what="所选推送对象")
    _inside_window(release, at)


def window_of(releases: Sequence[Release]) -> tuple[datetime | None, datetime | None]:
    """The window that all these releases share; None leaves that side open."""
    signed = [release.content["window"] for release in releases]
    earliest = [datetime.fromisoformat(one["earliest"]) for one in signed if one["earliest"]]
    latest = [datetime.fromisoformat(one["latest"]) for one in signed if one["latest"]]
    return max(earliest, default=None), min(latest, default=None)


def _inside_window(release: Release, at: datetime, named: str = "at") -> None:
    window = release.content["window"]
    earliest, latest = window_of([release])
    if (earliest and at < earliest) or (latest and at > latest):
        shown = f"{window['earliest'] or '不限'} 至 {window['latest'] or '不限'}"
        raise OutsideWindow(field=named, window=shown)


def _audience_inside(channel: str, chosen: Mapping[str, Any], signed: Mapping[str, Any]) -> bool:
    """Whether the chosen audience lies inside the signed one; an empty one follows what was signed."""
    adapter = adapter_of(channel)
    known = adapter if issubclass(adapter, Addressed) else Addressed
    return known.audience_inside(chosen, signed)


def _insert(
    work: Work,
    who: Viewer | None,
    order: Order,
    account: Account,
    releases: Sequence[tuple[Release, Piece]],
    at: datetime,
    occurrence: int | None = None,
    series_id: int | None = None,
) -> Delivery:
    signed = targets_of(releases[0][0].content).get(account.stands_for or account.id)
    delivery = Delivery(
        unit_id=releases[0][1].unit_id,
        account_id=account.id,
        rehearses=account.stands_for,
        channel=account.channel,
        action=order.action,
        occurrence=occurrence or _occurrence(work.session, order, account, releases),
        series_id=series_id,
        key=new_claimant(),
        state=S.BOOKED,
        scheduled_at=at,
        next_at=at,
        audience=dict(order.audience) or dict(signed["audience"] if signed else {}),
        note=dict(order.note),
        phrase=order.phrase[:200],
        unsigned=order.unsigned,
        missed_after=order.missed_after,
        missed_act=order.missed_act,
        emergency=any(release.emergency for release, _ in releases),
        created_by=who.person_id if who else work.actor.person_id,
        created_at=work.now,
    )
    delivery.identity = _identity(order, account, releases, delivery.occurrence)
    work.session.add(delivery)
    work.session.flush()
    for position, (release, piece) in enumerate(releases, start=1):
        place = {"delivery_id": delivery.id, "position": position, "action": delivery.action}
        work.session.add(DeliveryItem(**place, piece_id=piece.id, release_id=release.id))
    work.session.flush()
    reached.follow(work.session, delivery)
    work.audit(
        "delivery.booked",
        delivery,
        account=account.name,
        action=order.action,
        at=at.isoformat(),
        releases=[release.hash for release, _ in releases],
    )
    work.emit(Booked(account.id, at))
    if len(releases) > 1:
        work.emit(BundleComposed(delivery.id, delivery.unit_id, releases[0][0].content["title"], len(releases)))
    return delivery


def _occurrence(session: Session, order: Order, account: Account, releases: Sequence[tuple[Release, Piece]]) -> int:
    """1, or one more than the last when the earlier ones are over or a person asks for it again."""
    # Whoever books the same at the same moment waits here, and then finds it booked.
    ids = [release.id for release, _piece in releases]
    session.execute(select(Release.id).where(Release.id.in_(ids)).order_by(Release.id).with_for_update()).all()
    occurrence = 1
    while True:
        identity = _identity(order, account, releases, occurrence)
        earlier = session.scalars(select(Delivery).where(Delivery.identity == identity)).one_or_none()
        if earlier is None:
            return occurrence
        over = earlier.state == S.CANCELLED or (order.again and earlier.state == S.DONE)
        if not over:
            label = DELIVERY_LABELS[DeliveryState(earlier.state)]
            raise AlreadyBooked(field="account", account=account.name, state=label)
        occurrence += 1


def _identity(order: Order, account: Account, releases: Sequence[tuple[Release, Piece]], occurrence: int) -> str:
    return identity_of(account.id, order.action, occurrence, [release.id for release, _ in releases])


def _identify_anew(work: Work, delivery: Delivery) -> None:
    """It stands for other releases now: whoever books those here must find it."""
    work.session.flush()
    query = select(DeliveryItem.release_id).where(DeliveryItem.delivery_id == delivery.id)
    next_free(work.session, delivery, work.session.scalars(query.order_by(DeliveryItem.position)).all())
    work.session.flush()


def must_write(who: Viewer, delivery: Delivery) -> None:
    """Raises NoRight unless the person may book in the delivery's unit."""
    if not who.may(Permission.BOOKING_WRITE, delivery.unit_id):
        raise NoRight(what="调整此发布任务")


def change(work: Work, delivery: Delivery, allowed: Sequence[DeliveryState], **values: Any) -> None:
    """One conditional UPDATE: the engine may be claiming the row at this very moment. Raises TakenMeanwhile."""
    if not _changed(work, delivery, allowed, (), values):
        work.session.refresh(delivery)
        raise TakenMeanwhile(state=DELIVERY_LABELS[DeliveryState(delivery.state)])


def change_unclaimed(work: Work, delivery: Delivery, allowed: Sequence[DeliveryState], **values: Any) -> None:
    """The same where nobody holds the row, because the question on its way may go on with sending.

    Raises BeingAsked, and TakenMeanwhile.
    """
    unclaimed = free(Delivery, work.now, LONGEST_CLAIM)
    if not _changed(work, delivery, allowed, (unclaimed,), values):
        work.session.refresh(delivery)
        if delivery.state in allowed:
            raise BeingAsked
        raise TakenMeanwhile(state=DELIVERY_LABELS[DeliveryState(delivery.state)])


def _changed(
    work: Work,
    delivery: Delivery,
    allowed: Sequence[DeliveryState],
    besides: Sequence[ColumnElement[bool]],
    values: Mapping[str, Any],
) -> bool:
    statement = (
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state.in_(allowed), *besides)
        .values(**values)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return work.session.scalars(statement).one_or_none() is not None


def _lock_at(work: Work, delivery: Delivery, seen: datetime) -> bool:
    """Whether it still stands at the time that was seen; if so, nobody else moves it until this work ends."""
    statement = (
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.scheduled_at == seen)
        .values(scheduled_at=seen)
        .returning(Delivery.id)
        .execution_options(synchronize_session=False)
    )
    if work.session.scalar(statement) is not None:
        return True
    work.session.refresh(delivery)
    return False


def follow_release(work: Work, release_id: int) -> None:
    """A new release of a piece was submitted: what was booked and has not left follows it, or is held.

    A message whose account is not among the new targets is held, because nobody signed for it.
    """
    release = work.session.get_one(Release, release_id)
    query = (
        select(DeliveryItem, Delivery)
        .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
        .where(
            DeliveryItem.piece_id == release.piece_id,
            DeliveryItem.release_id != release.id,
            Delivery.state.in_((S.BOOKED, S.HELD)),
            Delivery.action.not_in(("withdraw", "refresh")),
        )
    )
    for item, delivery in work.session.execute(query).all():
        if delivery.signed_account in targets_of(release.content):
            item.release_id = release.id
            _identify_anew(work, delivery)
            work.audit("delivery.follows_release", delivery, release=release.hash)
        else:
            change(
                work,
                delivery,
                (S.BOOKED, S.HELD),
                state=S.HELD,
                next_at=None,
                reason="新的发布件未包含该账号",
                code="target",
            )


def resume_signed(work: Work, release_id: int) -> None:
    """The last signature came: messages that were held for it go out now, if all their items are signed."""
    query = (
        select(Delivery)
        .join(DeliveryItem, DeliveryItem.delivery_id == Delivery.id)
        .where(DeliveryItem.release_id == release_id, Delivery.state == S.HELD, Delivery.code == "unsigned")
    )
    for delivery in work.session.scalars(query).all():
        releases = [release for _, release, _ in items_of(work.session, delivery.id)]
        if all(release.state == ReleaseState.SIGNED for release in releases):
            at = max(work.now, delivery.scheduled_at)
            change(work, delivery, (S.HELD,), state=S.BOOKED, next_at=at, reason="", code="")
            work.audit("delivery.resumed", delivery)
            work.emit(Booked(delivery.account_id, at))
