"""账号矩阵: every account of the units in reach, with its register entry, its health and what is left of its quotas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import ColumnElement, and_, func, not_, or_, select, true
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.abilities.authorising import Authorises
from channels.abilities.comments import HearsComments
from channels.abilities.menus import Menus
from channels.abilities.portal_bound import PortalBound
from channels.abilities.statistics import Statistics
from channels.accounts import certification, filings, store
from channels.accounts.dates import SOON, is_near
from channels.accounts.filings import KINDS
from channels.accounts.models import Account, QuotaUse
from channels.accounts.quotas import limit_of
from channels.adapters.calling import month_of, today
from channels.base import ACTION_LABELS, Channel
from channels.registry import channels as installed
from content.pictures import Picture
from hub import account_watch
from hub.account_watch import DATES
from hub.product import Hub
from hub.web import account_pictures
from hub.web.access import Asker, HubDep, may, signed_in
from hub.web.account_form import (
    QUOTA_LABELS,
    adapter_of,
    choices_of,
    missing_of,
    read_account,
    read_code,
    secrets_of,
    settings_in_words,
    stored,
    typed,
    warnings_of,
)
from hub.web.account_quotas import tags_left
from hub.web.account_updates import updates_of
from hub.web.deliveries import Sent, channel_label
from hub.web.forms import FormState, refused
from hub.web.lists import like, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from hub.web.piece_form import text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit, ancestors, scoped
from kernel.work import Work
from scheduler import booking
from scheduler.elsewhere import PORTAL
from scheduler.models import Delivery
from scheduler.states import DeliveryState
from templates.catalogue import _
from templates.views import Tone

router = APIRouter(prefix="/console/accounts")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Keeper = Annotated[Asker, Depends(may(P.ACCOUNT_WRITE))]
Anybody = Annotated[Asker, Depends(signed_in())]
Text = Annotated[str, Form()]

COLUMNS = ((_("账号"), "name"), (_("单位"), "unit"), (_("运行情况"), ""), (_("今日余量"), ""), (_("状态"), "state"))
SORTS = {"name": Account.name, "unit": Unit.path, "state": Account.active}


@dataclass(frozen=True)
class Health:
    """How an account is doing, in one line."""

    tone: Tone
    words: str
    at: datetime | None
    why: str = ""


HEALTHS: Mapping[str, str] = {
    "dead": _("授权失效"),
    "expired": _("有日期已过"),
    "failing": _("最近失败"),
    "soon": _("临近到期"),
    "unused": _("尚未使用"),
    "good": _("正常"),
}
# They have one folder, and one address that browsers subscribe at: a second one's would be the first one's.
ONE_ONLY = ("portal", "web_push")
STATES: Mapping[str, tuple[ColumnElement[bool], ...]] = {
    "active": (Account.active.is_(True),),
    "inactive": (Account.active.is_(False), Account.closed_on.is_(None)),
    "closed": (Account.closed_on.is_not(None),),
    "rehearsal": (Account.rehearsal.is_(True),),
    "due": (Account.filing_due != "",),
}
UNCERTAIN = "uncertain"


def health_name(account: Account, today: date) -> str:
    """The worst of what is known about an account, by its name in HEALTHS."""
    days = [day for name, _label in DATES if (day := getattr(account, name)) is not None]
    if account.credential_dead_at is not None:
        return "dead"
    if any(day < today for day in days):
        return "expired"
    if _failed_last(account):
        return "failing"
    if any(is_near(account, name, today) for name, _label in DATES):
        return "soon"
    return "good" if account.last_success_at else "unused"


def healthy(name: str, today: date) -> ColumnElement[bool]:
    """The same as a condition."""
    dead = Account.credential_dead_at.is_not(None)
    expired = or_(*(func.coalesce(getattr(Account, one) < today, False) for one, _label in DATES))
    within = [
        and_(
            func.coalesce(getattr(Account, one) <= today + SOON, False),
            func.coalesce(Account.expires_told_from <= today, True) if one == "expires_on" else true(),
        )
        for one, _label in DATES
    ]
    soon = or_(*within)
    failing = and_(
        Account.last_failure_at.is_not(None),
        or_(Account.last_success_at.is_(None), Account.last_failure_at > Account.last_success_at),
    )
    order = {"dead": dead, "expired": expired, "failing": failing, "soon": soon}
    order["unused"] = Account.last_success_at.is_(None)
    order["good"] = true()
    worse = list(order.values())[: list(order).index(name)]
    return and_(order[name], *(not_(one) for one in worse))


def _failed_last(account: Account) -> bool:
    succeeded, failed = account.last_success_at, account.last_failure_at
    return failed is not None and (succeeded is None or failed > succeeded)


PERIOD_LABELS = {"day": _("今日"), "month": _("本月")}


@dataclass(frozen=True)
class QuotaLeft:
    """What is left of one limited call in its period."""

    name: str
    period: str
    left: int
    limit: int

    @property
    def label(self) -> str:
        """What is limited, in words."""
        return QUOTA_LABELS.get(self.name, self.name)

    @property
    def when(self) -> str:
        """In which period, in words."""
        return PERIOD_LABELS[self.period]


def health_of(account: Account) -> Health:
    """The newest of what is known: dead credentials first, then a failure after the last success."""
    if account.credential_dead_at is not None:
        return Health("bad", _("授权失效"), account.credential_dead_at, account.last_failure)
    succeeded, failed = account.last_success_at, account.last_failure_at
    if failed is not None and (succeeded is None or failed > succeeded):
        return Health("warn", _("最近一次失败"), failed, account.last_failure)
    if succeeded is not None:
        return Health("good", _("正常"), succeeded)
    return Health("plain", _("尚未使用"), None)


def quotas_of(session: Session, accounts: Sequence[Account], now: datetime) -> dict[int, list[QuotaLeft]]:
    """What is left today and this month, by account; platforms count their days in China."""
    periods = {"day": today(now), "month": month_of(now)}
    query = select(QuotaUse).where(
        QuotaUse.account_id.in_([account.id for account in accounts]), QuotaUse.period.in_(periods.values())
    )
    used = {(row.account_id, row.quota, row.period): row for row in session.scalars(query)}
    found: dict[int, list[QuotaLeft]] = {}
    for account in accounts:
        adapter = installed().get(account.channel)
        for name, period, most in adapter.quotas(account.settings) if adapter else ():
            limit = limit_of(account.limits, name, period, most)
            row = used.get((account.id, name, periods[period]))
            left = 0 if row and row.used_up else max(0, limit - (row.used if row else 0))
            found.setdefault(account.id, []).append(QuotaLeft(name, period, left, limit))
    return found


# --- the list --------------------------------------------------------------------------------------------------


@router.get("")
def accounts(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every account in reach with how it is doing."""
    asked = listing(request, "q", "channel", "unit", "state", "health", sort="name")
    query = scoped(select(Account, Unit.name), Account.unit_id, asker.viewer, P.ACCOUNT_READ)
    query = query.join(Unit, Unit.id == Account.unit_id).where(Account.stands_for.is_(None))
    if asked.value("q"):
        words = like(asked.value("q"))
        query = query.where(or_(Account.name.like(words, escape="\\"), Account.code.like(words, escape="\\")))
    if asked.value("channel"):
        query = query.where(Account.channel == asked.value("channel"))
    if asked.number("unit") is not None:
        query = query.where(Account.unit_id == asked.number("unit"))
    if asked.value("state"):
        query = query.where(*STATES.get(asked.value("state"), ()))
    if asked.value("state") == UNCERTAIN:
        query = query.where(certification.unknown())
    with hub.works.read() as work:
        today = work.now.astimezone(hub.settings.office_zone).date()
        if asked.value("health") in HEALTHS:
            query = query.where(healthy(asked.value("health"), today))
        overview = overview_of(work.session, asker, today)
        found, state = asked.take(work.session, query, SORTS, Account.id)
        quotas = quotas_of(work.session, [row[0] for row in found], work.now)
        updated = updates_of(work.session, [row[0] for row in found], work.now, hub.settings.office_zone)
        units = units_in_reach(work.session, asker, P.ACCOUNT_READ)
    rows = [
        (
            row[0],
            row[1],
            channel_label(row[0].channel),
            health_of(row[0]),
            quotas.get(row[0].id, []),
            updated[row[0].id],
        )
        for row in found
    ]
    return page(
        request,
        asker,
        "pages/accounts/list.html",
        rows=rows,
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        units=units,
        channels=[(name, adapter.label) for name, adapter in installed().items()],
        may_write=asker.may(P.ACCOUNT_WRITE),
        overview=overview,
        healths=[(name, say(hub, asker, label)) for name, label in HEALTHS.items()],
        dict_of_healths=HEALTHS,
        uncertain={row[0].id for row in found if certification.is_unknown(row[0])},
    )


@dataclass(frozen=True)
class Overview:
    """All accounts in reach at a glance: how many there are of each health, and each as a mark, unit by channel."""

    counts: Mapping[str, int]
    channels: Sequence[tuple[str, str]]
    units: Sequence[tuple[str, Mapping[str, Sequence[tuple[Account, str]]]]]
    total: int


def overview_of(session: Session, asker: Asker, today: date) -> Overview:
    """The matrix of what is in use."""
    query = scoped(select(Account, Unit), Account.unit_id, asker.viewer, P.ACCOUNT_READ)
    query = query.join(Unit, Unit.id == Account.unit_id).where(Account.stands_for.is_(None), Account.active)
    cells: dict[str, dict[str, list[tuple[Account, str]]]] = {}
    counts = dict.fromkeys(HEALTHS, 0)
    for account, unit in session.execute(query.order_by(Unit.path, Account.id)):
        health = health_name(account, today)
        counts[health] += 1
        cells.setdefault(unit.name, {}).setdefault(account.channel, []).append((account, health))
    used = {channel for row in cells.values() for channel in row}
    columns_ = [
        (name, channel_label(name)) for name in [*installed(), *sorted(used - set(installed()))] if name in used
    ]
    return Overview(counts, columns_, list(cells.items()), sum(counts.values()))


# --- a new one -------------------------------------------------------------------------------------------------


@router.get("/new")
def new_account(request: Request, hub: HubDep, asker: Keeper, channel: str = "") -> HTMLResponse:
    """Which channel; then the form with that channel's own settings."""
    if channel not in installed():
        return page(request, asker, "pages/accounts/channels.html", channels=list(installed().values()))
    adapter = installed()[channel]
    fresh = {"unit": str(asker.viewer.unit_id), "action": adapter.limits.default_action}
    return _form_page(request, hub, asker, adapter, FormState(fresh))


@router.post("")
def create_account(request: Request, hub: HubDep, asker: Keeper, sent: Sent) -> Response:
    """Registers an account; it has no secrets yet."""
    adapter = installed().get(text(sent, "channel"))
    if adapter is None:
        raise Invalid(field="channel", why="没有这个渠道。")
    try:
        pictures = account_pictures.uploaded(adapter, sent)
        with hub.works.write(asker.actor) as work:
            account = register(work, hub, asker, adapter, sent)
            _print(hub, work, asker, account, pictures)
    except XuandaError as error:
        form = refused(asker, error, **typed(sent))
        return _form_page(request, hub, asker, adapter, form, status=error.status)
    return see_other(
        f"/console/accounts/{account.id}", say(hub, asker, _("账号已登记。请生成链接，由账号管理人填写密钥。"))
    )


def register(work: Work, hub: Hub, asker: Asker, adapter: type[Channel], sent: FormData) -> Account:
    """A new account as it was described; it has no secrets, and 开设备案 is due. Raises Invalid, field by field."""
    unit = unit_in_reach(work.session, asker, P.ACCOUNT_WRITE, text(sent, "unit"))
    values = read_account(adapter, sent, {}, {})
    _must_have_portal(work.session, adapter, unit.id, values["settings"])
    _must_be_the_only_one(work.session, adapter.name)
    account = store.add(
        work,
        hub.seal,
        unit_id=unit.id,
        channel=adapter.name,
        name=values["name"],
        code=read_code(work.session, text(sent, "code")),
        action=values["action"],
        base_url=values["base_url"],
        settings=values["settings"],
        register=values["register"],
    )
    for name in ("proxy", "limits", *(day for day, _label in DATES)):
        setattr(account, name, values[name])
    account.filing_due, account.filing_why = "open", "新登记的账号"
    return account


def _must_be_the_only_one(session: Session, channel: str) -> None:
    """Raises Invalid where another one in use already has the folder, or the address, that this one would write to."""
    if channel not in ONE_ONLY:
        return
    others = select(Account.name).where(
        Account.channel == channel, Account.active.is_(True), Account.stands_for.is_(None)
    )
    name = session.scalars(others.limit(1)).one_or_none()
    if name is not None:
        label = channel_label(channel)
        why = f"已有在用的{label}账号“{name}”，一套系统只能有一个在用。请先停用它，或为另一个网站另装一套。"
        raise Invalid(field="name", why=why)


def rewrite(work: Work, asker: Asker, account: Account, sent: FormData) -> None:
    """Everything of an account but its secrets and its code, as it was sent; raises Invalid, field by field."""
    adapter = adapter_of(account)
    unit = unit_in_reach(work.session, asker, P.ACCOUNT_WRITE, text(sent, "unit"))
    values = read_account(adapter, sent, account.settings, account.register)
    _must_have_portal(work.session, adapter, unit.id, values["settings"])
    before = {"name": account.name, **account.register}
    store.change(work, account, {**values, "unit_id": unit.id})
    filings.asks_for_change(account, before)


def _print(hub: Hub, work: Work, asker: Asker, account: Account, pictures: Mapping[str, Picture]) -> None:
    """Uploaded pictures take the place of the addresses that were typed."""
    if pictures:
        kept = account_pictures.kept(hub, work, asker.viewer, account.unit_id, pictures)
        store.change(work, account, {"settings": {**account.settings, **kept}})


# --- one account -----------------------------------------------------------------------------------------------


@router.get("/{account_id}")
def one_account(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """One account: health, register, settings, which secrets are filled in."""
    return account_page(request, hub, asker, account_id)


@router.post("/{account_id}")
def change_account(request: Request, hub: HubDep, asker: Keeper, account_id: int, sent: Sent) -> Response:
    """Changes everything but the secrets and the code, which other systems know."""
    try:
        with hub.works.read() as work:
            adapter = adapter_of(account_for(work.session, asker, account_id, P.ACCOUNT_WRITE))
        pictures = account_pictures.uploaded(adapter, sent)
        with hub.works.write(asker.actor) as work:
            account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
            rewrite(work, asker, account, sent)
            _print(hub, work, asker, account, pictures)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, **typed(sent))
        return account_page(request, hub, asker, account_id, form, status=error.status)
    told = _("已保存。每页的页头页脚在一两分钟内开始更新。") if account.channel == "portal" else _("已保存。")
    return see_other(f"/console/accounts/{account_id}", say(hub, asker, told))


@router.post("/{account_id}/test")
def test_account(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """A cheap call to the platform that proves the secrets; no transaction is open meanwhile."""
    fault = ask_account(hub, asker, account_id)
    back = f"/console/accounts/{account_id}"
    if fault is None:
        told = _("该渠道不能向平台核实密钥，测试没有改变账号状态；密钥是否可用，以发布结果为准。")
        return see_other(back, say(hub, asker, told), "info")
    if fault:
        return see_other(back, say(hub, asker, _("测试未通过：%(why)s"), why=fault), "bad")
    return see_other(back, say(hub, asker, _("测试通过，密钥可用。")))


@router.post("/{account_id}/switch-off")
def switch_off(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """Takes the account out of use; what waits there is kept back."""
    with hub.works.write(asker.actor) as work:
        store.switch(work, account_for(work.session, asker, account_id, P.ACCOUNT_WRITE), False)
        held = booking.hold_account(work, account_id, "账号已停用")
    told = say(hub, asker, _("账号已停用，%(n)s 个待发任务已暂缓。"), n=held)
    return see_other(f"/console/accounts/{account_id}", told)


@router.post("/{account_id}/switch-on")
def switch_on(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """Takes the account into use again; what was kept back waits for a person."""
    with hub.works.write(asker.actor) as work:
        use_again(work, asker, account_id)
    return see_other(f"/console/accounts/{account_id}", say(hub, asker, _("账号已启用。暂缓的任务须由人恢复。")))


def ask_account(hub: Hub, asker: Asker, account_id: int) -> str | None:
    """Asks the platform whether an account's secrets hold, no transaction open meanwhile; returns what it said not.

    None where the platform cannot be asked.
    """
    with hub.works.read() as work:
        account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
        about = store.info(work.session, hub.seal, account)
    fault, dead = account_watch.ask(hub, about)
    with hub.works.write(asker.actor) as work:
        account = work.session.get_one(Account, account_id)
        work.audit("account.tested", account, fault=fault)
        account_watch.note(work, account_id, fault, dead)
    return fault


def use_again(work: Work, asker: Asker, account_id: int) -> Account:
    """Takes an account into use again; raises Invalid for one that was closed for good."""
    account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
    if account.closed_on:
        raise Invalid(why="账号已关停或注销。要重新使用，请先登记开设备案。")
    if not account.active:
        _must_be_the_only_one(work.session, account.channel)
    store.switch(work, account, True)
    return account


def account_for(session: Session, asker: Asker, account_id: int, permission: Permission) -> Account:
    """The account when the person may do this in its unit; raises NotFound otherwise."""
    account = session.get(Account, account_id)
    if account is None or account.stands_for:
        raise NotFound
    asker.must(permission, account.unit_id)
    return account


def notes_of(adapter: type[Channel]) -> list[str]:
    """What the platform allows and no longer offers, said plainly."""
    limits = getattr(adapter, "limits", None)
    notes = list(limits.notes) if limits else []
    return notes + (list(adapter.comment_limits.notes) if issubclass(adapter, HearsComments) else [])


def account_page(
    request: Request,
    hub: Hub,
    asker: Asker,
    account_id: int,
    form: FormState | None = None,
    *,
    status: int = 200,
) -> HTMLResponse:
    """The page of one account; `form` is what was typed and refused."""
    with hub.works.read() as work:
        account = account_for(work.session, asker, account_id, P.ACCOUNT_READ)
        adapter = adapter_of(account)
        writes = asker.may(P.ACCOUNT_WRITE, account.unit_id)
        waiting = work.session.scalar(
            select(func.count()).where(Delivery.account_id == account.id, Delivery.state == DeliveryState.BOOKED)
        )
        context = {
            "unit": work.session.get_one(Unit, account.unit_id).name,
            "quotas": quotas_of(work.session, [account], work.now).get(account.id, []),
            "tags_left": tags_left(work.session, account, work.now),
            "updated": updates_of(work.session, [account], work.now, hub.settings.office_zone)[account.id],
            "units": units_in_reach(work.session, asker, P.ACCOUNT_WRITE) if writes else [],
            "waiting": waiting or 0,
            "filed": filings.history(work.session, account.id),
            "today": (today := work.now.astimezone(hub.settings.office_zone).date()),
            "near": [(label, getattr(account, name)) for name, label in DATES if is_near(account, name, today)],
        }
    kept = FormState(stored(account, adapter))
    if form is not None and "name" not in form.values:
        form = FormState({**kept.values, **form.values}, form.fault_field, form.fault)
    filled = store.credential_names(hub.seal, account)
    return page(
        request,
        asker,
        "pages/accounts/one.html",
        status=status,
        account=account,
        channel=channel_label(account.channel),
        action=ACTION_LABELS.get(account.action, account.action),
        health=health_of(account),
        secrets=[(setting, setting.name in filled) for setting in secrets_of(adapter, account)],
        shown=settings_in_words(account, adapter),
        form=form or kept,
        warnings=warnings_of(adapter, account),
        missing=missing_of(adapter, account),
        uncertain=certification.is_unknown(account),
        writes=writes,
        notes=notes_of(adapter),
        authorises=issubclass(adapter, Authorises),
        own=account.register.get(store.OWN_PERSON) == asker.viewer.person_id,
        known=account.channel in installed(),
        kinds=[(name, say(hub, asker, label)) for name, label in KINDS.items()],
        kinds_by=KINDS,
        due=KINDS.get(account.filing_due, ""),
        life=issubclass(adapter, Menus),
        counts=issubclass(adapter, Statistics) and asker.may(P.REPORT_READ, account.unit_id),
        **choices_of(adapter),
        **context,
    )


def _must_have_portal(session: Session, adapter: type[Channel], unit_id: int, settings: Mapping[str, Any]) -> None:
    """Refuses what points readers at our own portal where neither the unit nor one above it has any."""
    name = adapter.bound_by(settings) if issubclass(adapter, PortalBound) else ""
    if not name:
        return
    query = select(Account.id).where(
        Account.channel == PORTAL, Account.active, Account.unit_id.in_(ancestors(session, unit_id))
    )
    if session.scalar(query.limit(1)) is None:
        why = "本单位和上级单位没有在用的门户网站账号，本站地址的图片会打不开：请选“随正文发送”，或先登记门户网站账号。"
        raise Invalid(field=f"settings.{name}", why=why)


def _form_page(
    request: Request, hub: Hub, asker: Asker, adapter: type[Channel], form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        units = units_in_reach(work.session, asker, P.ACCOUNT_WRITE)
    return page(
        request,
        asker,
        "pages/accounts/new.html",
        status=status,
        adapter=adapter,
        form=form,
        units=units,
        **choices_of(adapter),
    )
