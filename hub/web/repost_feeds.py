"""转载来源: which feeds are watched for which accounts, within how many hours; what each brought; which is broken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from hub import editorial, reposting
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from hub.web.people import unit_in_reach, units_in_reach
from hub.web.reposts import named
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import ROLE_LABELS, Permission, Role, Unit, scoped
from kernel.typed import number_in, row_in
from scheduler.reposting import feeds
from scheduler.reposting.feeds import CARRIERS, Watch
from scheduler.reposting.models import FeedItem, NoTask, RepostTask, WatchedFeed
from templates.catalogue import _

router = APIRouter(prefix="/console/reposts/feeds")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Keeper = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]

COLUMNS = ((_("来源"), ""), (_("账号"), ""), (_("时限"), ""), (_("最近读取"), ""), (_("状态"), ""))
ITEM_COLUMNS = (
    (_("内容"), ""),
    (_("原文发布时间"), "published"),
    (_("发现时间"), "seen"),
    (_("任务"), ""),
    (_("操作"), ""),
)
SORTS = {"published": FeedItem.published_at, "seen": FeedItem.seen_at}
NO_TASK_LABELS = {
    NoTask.BEFORE: _("开始关注前已有"),
    NoTask.WORDS: _("不含关注词"),
    NoTask.TWIN: _("与已有任务重复"),
}
FIELDS = ("name", "address", "unit", "column", "role", "hours", "words", "accounts")


@dataclass(frozen=True)
class FeedForm:
    """A feed as it was typed."""

    name: str
    address: str
    unit: str
    column: str
    role: str
    hours: str
    words: str
    active: str
    accounts: Sequence[str]

    @property
    def watch(self) -> Watch:
        """What it says; raises Invalid for hours that are no number."""
        hours = self.hours.strip()
        if hours and number_in(hours, 999) is None:
            raise Invalid(field="hours", why="时限须为 1 到 240 之间的小时数。")
        return Watch(
            name=self.name.strip(),
            address=self.address.strip(),
            column_id=_number(self.column),
            account_ids={_number(one) for one in self.accounts},
            role=self.role,
            hours=int(hours) if hours else None,
            words=self.words.strip(),
            active=bool(self.active),
        )

    @property
    def values(self) -> dict[str, str]:
        """The fields by name; the accounts are kept beside them."""
        return {name: str(getattr(self, name)) for name in (*FIELDS[:-1], "active")}


Text = Annotated[str, Form()]


def feed_form(
    name: Text = "",
    address: Text = "",
    unit: Text = "",
    column: Text = "",
    role: Text = "",
    hours: Text = "",
    words: Text = "",
    active: Text = "",
    accounts: Annotated[list[str] | None, Form()] = None,
) -> FeedForm:
    """The form as it was sent."""
    return FeedForm(name, address, unit, column, role, hours, words, active, accounts or [])


Typed = Annotated[FeedForm, Depends(feed_form)]


@router.get("")
def watched(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The feeds of one's units with how each is read, and the form for another."""
    fresh = FormState({"unit": str(asker.viewer.unit_id), "role": str(Role.OFFICER), "active": "1"})
    return _list(request, hub, asker, fresh)


@router.post("")
def watch(request: Request, hub: HubDep, asker: Keeper, typed: Typed) -> Response:
    """Watches another feed, and reads it at once."""
    try:
        with hub.works.write(asker.actor) as work:
            unit = unit_in_reach(work.session, asker, P.DELIVERY_ACT, typed.unit)
            feed = feeds.add(work, asker.viewer, unit.id, typed.watch)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, **typed.values)
        return _list(request, hub, asker, form, typed.accounts, status=error.status)
    reposting.look(hub, feed.id, feed.address)
    return see_other(f"/console/reposts/feeds/{feed.id}", say(hub, asker, _("已开始关注。")))


@router.get("/{feed_id}")
def one_feed(request: Request, hub: HubDep, asker: Reader, feed_id: int) -> HTMLResponse:
    """One feed: how it is read, what it brought, and its settings."""
    return _page(request, hub, asker, feed_id)


@router.post("/{feed_id}")
def change(request: Request, hub: HubDep, asker: Keeper, feed_id: int, typed: Typed) -> Response:
    """Sets it anew."""
    try:
        with hub.works.write(asker.actor) as work:
            feeds.change(work, asker.viewer, feed_for(work.session, asker, feed_id, P.DELIVERY_ACT), typed.watch)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, **typed.values)
        return _page(request, hub, asker, feed_id, form, typed.accounts, status=error.status)
    return see_other(f"/console/reposts/feeds/{feed_id}", say(hub, asker, _("已保存。已开出的任务时限不变。")))


@router.post("/{feed_id}/look")
def look(hub: HubDep, asker: Keeper, feed_id: int) -> Response:
    """Reads it now."""
    with hub.works.read() as work:
        address = feed_for(work.session, asker, feed_id, P.DELIVERY_ACT).address
    opened = reposting.look(hub, feed_id, address)
    return see_other(f"/console/reposts/feeds/{feed_id}", say(hub, asker, _("已读取，新任务 %(n)s 件。"), n=opened))


@router.post("/{feed_id}/items/{item_id}/open")
def open_item(hub: HubDep, asker: Keeper, feed_id: int, item_id: int) -> Response:
    """A person says that an item must be carried after all."""
    with hub.works.write(asker.actor) as work:
        feed_for(work.session, asker, feed_id, P.DELIVERY_ACT)
        item = work.session.get(FeedItem, item_id)
        if item is None or item.feed_id != feed_id:
            raise NotFound
        opened = feeds.open_by_hand(work, asker.viewer, item)
    return see_other(f"/console/reposts/feeds/{feed_id}", say(hub, asker, _("已列为转载任务 %(n)s 件。"), n=opened))


def feed_for(session: Session, asker: Asker, feed_id: int, permission: Permission) -> WatchedFeed:
    """The feed where the person may do this in its unit; raises NotFound."""
    feed = session.get(WatchedFeed, feed_id)
    if feed is None:
        raise NotFound
    asker.must(permission, feed.unit_id)
    return feed


def _choices(session: Session, hub: Hub, asker: Asker) -> dict[str, Any]:
    units = dict(session.execute(select(Unit.id, Unit.name)).all())
    return {
        "units": units_in_reach(session, asker, P.DELIVERY_ACT),
        "sections": [(one.id, one.name) for one in editorial.columns_for(session, asker.viewer, P.DELIVERY_ACT)],
        "roles": [(str(role), say(hub, asker, ROLE_LABELS[role])) for role in CARRIERS],
        "offered": [
            (str(one.id), named(one.name, one.channel), units[one.unit_id])
            for one in feeds.choices(session, asker.viewer)
        ],
        "fields": FIELDS,
    }


def _list(
    request: Request, hub: Hub, asker: Asker, form: FormState, chosen: Sequence[str] = (), *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        query = scoped(select(WatchedFeed), WatchedFeed.unit_id, asker.viewer, P.DELIVERY_READ)
        found = [row[0] for row in work.session.execute(query.order_by(WatchedFeed.name, WatchedFeed.id))]
        rows = [
            (one, _names(work.session, asker, one.id), feeds.hours_of(work.session, one, work.now)) for one in found
        ]
        context = _choices(work.session, hub, asker)
    return page(
        request,
        asker,
        "pages/reposts/feeds.html",
        status=status,
        rows=rows,
        columns=columns(hub, asker, *COLUMNS),
        form=form,
        chosen=chosen,
        may_keep=asker.may(P.DELIVERY_ACT),
        **context,
    )


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    feed_id: int,
    form: FormState | None = None,
    chosen: Sequence[str] | None = None,
    *,
    status: int = 200,
) -> HTMLResponse:
    asked = listing(request, sort="-seen")
    with hub.works.read() as work:
        session = work.session
        feed = feed_for(session, asker, feed_id, P.DELIVERY_READ)
        opened = select(RepostTask.item_id, func.count().label("n")).group_by(RepostTask.item_id).subquery()
        query = select(FeedItem, func.coalesce(opened.c.n, 0)).outerjoin(opened, opened.c.item_id == FeedItem.id)
        found, state = asked.take(session, query.where(FeedItem.feed_id == feed.id), SORTS, FeedItem.id.desc())
        accounts = feeds.accounts_of(session, feed.id)
        context = _choices(session, hub, asker) | {
            "feed": feed,
            "unit": session.get_one(Unit, feed.unit_id).name,
            "accounts": [named(one.name, one.channel) for one in accounts if asker.may(P.ACCOUNT_READ, one.unit_id)],
            "hours": feeds.hours_of(session, feed, work.now),
        }
    values = {
        "name": feed.name,
        "address": feed.address,
        "unit": str(feed.unit_id),
        "column": str(feed.column_id),
        "role": feed.role,
        "hours": str(feed.hours or ""),
        "words": feed.words,
        "active": "1" if feed.active else "",
    }
    return page(
        request,
        asker,
        "pages/reposts/feed.html",
        status=status,
        rows=[(row[0], row[1]) for row in found],
        state=state,
        columns=columns(hub, asker, *ITEM_COLUMNS),
        no_task=NO_TASK_LABELS,
        form=form or FormState(values),
        chosen=[str(one.id) for one in accounts] if chosen is None else chosen,
        may_keep=asker.may(P.DELIVERY_ACT, feed.unit_id),
        **context,
    )


def _names(session: Session, asker: Asker, feed_id: int) -> list[str]:
    found: list[Account] = feeds.accounts_of(session, feed_id)
    return [named(one.name, one.channel) for one in found if asker.may(P.ACCOUNT_READ, one.unit_id)]


def _number(text: str) -> int:
    return row_in(text) or 0
