"""What a person chose in the forms of 发布中心, and the choices they are offered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts import doubles, tags
from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Limits, Problem, audience_label
from channels.registry import channels as installed
from content.models import Piece, Release
from content.snapshot import targets_of
from content.states import ReleaseState
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker
from hub.web.approval import window_words
from hub.web.comment_choice import offered
from hub.web.deliveries import channel_label
from hub.web.piece_form import moment, numbers, text
from kernel.errors import Invalid, XuandaError
from kernel.people import Permission
from kernel.typed import moment_in, number_in
from kernel.work import Work
from scheduler import booking, repeats
from scheduler.booking import Missed, Order
from scheduler.models import Delivery, DeliveryItem, Place
from scheduler.posts import NARROWER
from scheduler.recurring import slots
from scheduler.recurring.slots import Free
from scheduler.states import DeliveryState, PlacementState
from scheduler.windows import STOPPED
from templates.catalogue import _


class NotBooked(XuandaError):
    """Nothing was booked; see what stands beside the accounts below."""

    zh = "没有安排任何发布任务，请先处理下面各账号旁的问题。"
    status = 422

    def __init__(self, by_account: Mapping[int, XuandaError]) -> None:
        self.by_account = by_account
        super().__init__()


BOOKABLE = (ReleaseState.OPEN, ReleaseState.SIGNED)

# The only reasons the public is ever told; the true reason stays in the audit log.
PHRASES = (
    _("该内容已更新，请以最新发布的内容为准。"),
    _("该内容已过有效期，现予撤下。"),
    _("该内容因信息有误撤下，更正内容将另行发布。"),
    _("该内容正在核实，暂停显示。"),
    _("该内容已撤下。"),
)
# The same, named in one sentence.
PHRASES_NAMED = "；".join(f"“{phrase}”" for phrase in PHRASES)

MISSED: Mapping[str, str] = {"send": _("照常发送"), "hold": _("暂缓，等人处理"), "drop": _("取消")}
CORRECTIONS: Mapping[str, tuple[str, str]] = {
    "by_hand": (_("人工更正"), _("平台允许人工修改一次；系统给出新旧文字对照，由人在平台上改。")),
    "notice": (_("另发更正说明"), _("原文不动，另发一条更正说明。")),
    "republish": (_("删除后重发"), _("原文删除且不可恢复，重发的文章地址会变，阅读数从零开始。")),
}


@dataclass(frozen=True)
class Plan:
    """When, and what happens if it cannot go out then."""

    at: datetime | None
    unsigned: Literal["drop", "hold"]
    missed_after: int | None
    missed_act: Missed
    into_slot: bool = False
    offline_at: datetime | None = None
    phrase: str = ""


@dataclass
class Option:
    """One account on the form: what may be chosen there, what is chosen, and what stands in the way."""

    account: Account
    channel: str
    limits: Limits
    actions: Sequence[tuple[str, str]]
    action: str
    audience: Sequence[tuple[str, Sequence[tuple[str, bool]]]]
    checked: bool
    again: bool = False
    existing: Sequence[Delivery] = ()
    shown: bool = False
    problems: Sequence[Problem] = ()
    tags: Sequence[tuple[str, str]] = ()
    tag: str = ""
    comments: Sequence[tuple[str, str]] = ()
    comment: str = ""
    error: str = ""
    queues: bool = False
    free: Free | None = None

    @property
    def takes_back(self) -> bool:
        """Whether what is published there can be taken off again."""
        return "withdraw" in self.limits.can

    @property
    def may_repeat(self) -> bool:
        """Whether it went out there before, so that sending again must be asked for."""
        return self.shown or any(delivery.state == DeliveryState.DONE for delivery in self.existing)


def read_plan(form: FormData, zone: ZoneInfo) -> Plan:
    """Time and rules as sent; raises Invalid at the field that cannot be read."""
    at = None
    if text(form, "when") == "at":
        at = moment(form, "at", zone)
        if at is None:
            raise Invalid(field="at", why="请填写发布时间。")
    missed = text(form, "missed_act")
    after = text(form, "missed_after").strip()
    if missed not in MISSED:
        missed = "send"
    if missed != "send" and not number_in(after, 10_080):
        raise Invalid(field="missed_after", why="请填写超过多少分钟（1 至 10080）。")
    return Plan(
        at=at,
        unsigned="drop" if text(form, "unsigned") == "drop" else "hold",
        missed_after=int(after) if missed != "send" else None,
        missed_act=missed,  # type: ignore[arg-type]  # It is a key of MISSED.
        into_slot=text(form, "when") == "slot",
        offline_at=read_offline(form, zone),
        phrase=text(form, "phrase"),
    )


def read_offline(form: FormData, zone: ZoneInfo) -> datetime | None:
    """When it shall be taken off again, if at all; raises Invalid at the field that is wrong."""
    at = moment(form, "offline_at", zone)
    if at is not None and text(form, "phrase") not in PHRASES:
        raise Invalid(field="phrase", why="请选择对公众的说明。")
    return at


def read_order(form: FormData, pieces: Sequence[int], account_id: int, signed: Mapping[str, Any], plan: Plan) -> Order:
    """What was chosen for one account; `signed` is its target in the release."""
    return Order(
        piece_ids=tuple(pieces),
        account_id=account_id,
        action=text(form, f"action.{account_id}") or str(signed["action"]),
        at=told_slot(form, account_id) if plan.into_slot else plan.at,
        audience=_narrowed(form, account_id, signed["audience"]),
        unsigned=plan.unsigned,
        missed_after=plan.missed_after,
        missed_act=plan.missed_act,
        again=bool(text(form, f"again.{account_id}")),
        into_slot=plan.into_slot,
    )


def told_slot(form: FormData, account_id: int) -> datetime:
    """The free slot of an account that the person was shown before confirming; raises Invalid when none was."""
    try:
        return moment_in(text(form, f"slot.{account_id}"))
    except ValueError:
        raise Invalid(field="when", why="请先核对各账号的空档，再确认安排。") from None


def chosen_accounts(form: FormData) -> list[int]:
    """The accounts that were ticked, in the order of the form."""
    return numbers(form, "accounts")


def chosen_pieces(form: FormData) -> list[int]:
    """The pieces of a bundle in order."""
    return list(dict.fromkeys(numbers(form, "pieces")))


def options_of(hub: Hub, work: Work, piece: Piece, release: Release, form: FormData | None) -> list[Option]:
    """The accounts a release was submitted with, each with its preflight; `form` is what was sent, if anything was."""
    found = []
    for account_id, target in targets_of(release.content).items():
        account = work.session.get(Account, account_id)
        if account is not None and account.active and account.channel in installed():
            found.append(_option(hub, work, piece, release, account, target, form))
    return sorted(found, key=lambda option: (option.account.channel != "portal", option.account.id))


def existing_of(session: Session, piece_id: int, account_id: int) -> Sequence[Delivery]:
    """What was booked to send this piece to this account, in whatever edition, and not cancelled; the newest first."""
    query = select(Delivery).join(DeliveryItem, DeliveryItem.delivery_id == Delivery.id)
    query = query.where(
        DeliveryItem.piece_id == piece_id,
        Delivery.account_id == account_id,
        Delivery.action.in_(STOPPED),
        Delivery.state != DeliveryState.CANCELLED,
    )
    return session.scalars(query.order_by(Delivery.id.desc())).all()


def _option(
    hub: Hub,
    work: Work,
    piece: Piece,
    release: Release,
    account: Account,
    target: Mapping[str, Any],
    form: FormData | None,
) -> Option:
    limits = installed()[account.channel].limits
    narrower = NARROWER.get(target["action"], frozenset()) & set(limits.actions)
    signed = str(target["action"])
    actions = sorted(narrower, key=lambda action: action != signed)
    action = text(form, f"action.{account.id}") if form is not None else signed
    action = action if action in actions else signed
    lane = doubles.lane_of(work.session, account)
    existing = existing_of(work.session, piece.id, lane.id)
    shown = repeats.shows(work.session, lane, (piece.id,))
    at = chosen_time(form, hub) if form is not None else _first_moment(release, work.now)
    order = Order((piece.id,), account.id, action, at)
    if form is not None:
        order = replace(order, audience=narrowed_to_tag(work.session, form, account.id, action, target["audience"]))
    queues, free, problems = queue_of(hub, work, order, form)
    if free is not None:
        order = replace(order, at=free.at)
    problems += booking.preflight(work.session, order, hub.settings.address)
    problems += booking.forewarned(work, order, hub.settings.office_zone)
    blocked = any(problem.blocking for problem in problems)
    return Option(
        account=account,
        channel=channel_label(account.channel),
        limits=limits,
        actions=[(name, ACTION_LABELS[name]) for name in actions],
        action=action,
        audience=_audience(form, account.id, target["audience"]),
        checked=account.id in chosen_accounts(form) if form is not None else not (existing or shown or blocked),
        again=form is not None and bool(text(form, f"again.{account.id}")),
        existing=existing,
        shown=shown,
        problems=problems,
        tags=_tags(work.session, account, action, target["audience"]),
        tag=text(form, f"tag.{account.id}") if form is not None else "",
        comments=offered(account.channel),
        comment=text(form, f"comments.{account.id}") if form is not None else "",
        queues=queues,
        free=free,
    )


def queue_of(hub: Hub, work: Work, order: Order, form: FormData | None) -> tuple[bool, Free | None, list[Problem]]:
    """Whether the account has slots for this, and where a slot is asked for, which is the next free one."""
    account = work.session.get_one(Account, order.account_id)
    unit_id = work.session.get_one(Piece, order.piece_ids[0]).unit_id
    queues = bool(slots.slots_of(work.session, account, unit_id))
    if form is None or text(form, "when") != "slot":
        return queues, None, []
    free = booking.next_slot(work.session, order, work.now, hub.settings.office_zone)
    if free is not None:
        return queues, free, []
    why = "签发的时间窗内没有合适的空档，请改为指定时间。" if queues else "这个账号没有发布栏位，请改为指定时间。"
    return queues, None, [Problem("when", why)]


def _tags(session: Session, account: Account, action: str, signed: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The tags that a message to everybody may be narrowed to."""
    if signed or action != "mass_send":
        return []
    return [(str(tag.remote_id), f"{tag.name}（{tag.people}）") for tag in tags.of_account(session, account.id)]


def narrowed_to_tag(
    session: Session, form: FormData, account_id: int, action: str, signed: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The tag that was chosen for a message signed for everybody; nothing where there is none to choose."""
    if signed or action != "mass_send":
        return {}
    return tags.audience_of(session, account_id, text(form, f"tag.{account_id}"))


def _first_moment(release: Release, now: datetime) -> datetime | None:
    """What a fresh form offers: the earliest signed moment when that lies ahead."""
    earliest, _latest = booking.window_of([release])
    return earliest if earliest and earliest > now else None


def chosen_time(form: FormData | None, hub: Hub) -> datetime | None:
    """The moment chosen so far; None for at once and for what cannot be read yet."""
    if form is None or text(form, "when") != "at":
        return None
    try:
        return moment(form, "at", hub.settings.office_zone)
    except Invalid:
        return None


def _audience(
    form: FormData | None, account_id: int, signed: Mapping[str, Any]
) -> list[tuple[str, list[tuple[str, bool]]]]:
    return [
        (
            name,
            [
                (audience_label(value), form is None or audience_label(value) in _sent(form, account_id, name))
                for value in listed(values)
            ],
        )
        for name, values in signed.items()
    ]


def _narrowed(form: FormData, account_id: int, signed: Mapping[str, Any]) -> dict[str, Any]:
    """The signed values that were left ticked; raises Invalid when none of a kind is left."""
    chosen: dict[str, Any] = {}
    for name, values in signed.items():
        sent = _sent(form, account_id, name)
        kept = [value for value in listed(values) if audience_label(value) in sent]
        if not kept:
            raise Invalid(field="audience", why="推送对象至少选一项。")
        chosen[name] = values if kept == listed(values) else kept
    return chosen


def _sent(form: FormData, account_id: int, name: str) -> list[str]:
    return [value for value in form.getlist(f"audience.{account_id}.{name}") if isinstance(value, str)]


def listed(value: Any) -> list[Any]:
    """One or several values as a list."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def bookable(session: Session, asker: Asker, piece_id: int) -> tuple[Piece, Release]:
    """A piece the person may book with its release that waits for a signature or is signed; NotFound, Invalid."""
    piece = piece_for(session, asker.viewer, piece_id, Permission.BOOKING_WRITE)
    release = session.get(Release, piece.release_id) if piece.release_id else None
    if release is None or release.state not in BOOKABLE:
        raise Invalid(field="piece", why="这篇稿件没有待签或已签的发布件，请先送审。")
    return piece, release


def values_of(sent: FormData | None, release: Release | None = None, hub: Hub | None = None) -> dict[str, str]:
    """Time and rules as typed; for a fresh form the earliest signed moment when that lies ahead."""
    if sent is not None:
        names = ("when", "at", "unsigned", "missed_act", "missed_after", "offline_at", "phrase")
        return {name: text(sent, name) for name in names}
    fresh = {"when": "now", "at": "", "unsigned": "hold", "missed_act": "send", "missed_after": "", "phrase": ""}
    fresh |= {"offline_at": ""}
    earliest = release.content["window"]["earliest"] if release is not None else None
    if earliest and hub is not None:
        at = _local(hub, earliest)
        if at > hub.clock.now().astimezone(hub.settings.office_zone).strftime("%Y-%m-%dT%H:%M"):
            fresh.update(when="at", at=at)
    return fresh


def _local(hub: Hub, moment: str | None) -> str:
    """A stored moment as a `datetime-local` field shows it in the office's zone; '' for none."""
    return (
        datetime.fromisoformat(moment).astimezone(hub.settings.office_zone).strftime("%Y-%m-%dT%H:%M") if moment else ""
    )


def plan_words(hub: Hub, releases: Sequence[Release]) -> dict[str, Any]:
    """What the part for time and rules shows: the window all these releases share, in words and for the field."""
    windows = [release.content["window"] for release in releases]
    earliest = max((window["earliest"] for window in windows if window["earliest"]), default=None)
    latest = min((window["latest"] for window in windows if window["latest"]), default=None)
    return {
        "window": window_words({"earliest": earliest, "latest": latest}, hub.settings.office_zone),
        "earliest": _local(hub, earliest),
        "latest": _local(hub, latest),
        "zone": hub.settings.office_zone.key,
        "unsigned": any(release.state == ReleaseState.OPEN for release in releases),
        "missed": list(MISSED.items()),
    }


# --- acts on what shows already --------------------------------------------------------------------------------


@dataclass
class Shown:
    """One place where a piece shows, on the form for 更正, 撤稿 and 刷新; or where it is just going out (`coming`)."""

    placement: Place | None
    account: Account
    channel: str
    able: bool
    current: bool = False
    corrections: Sequence[tuple[str, str, str]] = ()
    correction: str = ""
    checked: bool = True
    notes: Sequence[str] = field(default_factory=tuple)
    error: str = ""
    coming: Delivery | None = None


def coming_of(delivery: Delivery, account: Account, form: FormData | None) -> Shown:
    """One place where a piece is just going out: what is to be taken back there is, as soon as its result is known."""
    adapter = installed().get(account.channel)
    return Shown(
        placement=None,
        account=account,
        channel=channel_label(account.channel),
        able=adapter is not None and "withdraw" in adapter.limits.can,
        checked=account.id in chosen_accounts(form) if form is not None else True,
        notes=adapter.limits.notes if adapter else (),
        coming=delivery,
    )


def shown_of(placement: Place, account: Account, newest: int | None, act: str, form: FormData | None) -> Shown:
    """One place with the choices its channel asks for; `newest` is the release a correction would bring there."""
    adapter = installed().get(account.channel)
    limits = adapter.limits if adapter else Limits(style="text")
    ways = (
        [(name, *CORRECTIONS[name]) for name in limits.corrections if name in CORRECTIONS] if act == "correct" else []
    )
    first = str(account.settings.get("correction", "")) or (ways[0][0] if ways else "")
    sent = text(form, f"correction.{account.id}") if form is not None else ""
    current = act == "correct" and placement.release_id == newest and placement.state == PlacementState.LIVE
    return Shown(
        placement=placement,
        account=account,
        channel=channel_label(account.channel),
        able=bool(ways) or (adapter is not None and act in adapter.able(account.settings)),
        current=current,
        corrections=ways,
        correction=sent or first,
        checked=account.id in chosen_accounts(form) if form is not None else not current,
        notes=limits.notes if act != "refresh" else (),
    )
