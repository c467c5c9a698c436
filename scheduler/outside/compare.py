"""The nightly comparison: asks each account what it shows, outside any transaction, and keeps the differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import or_, select

from channels.abilities.inventory import Found, Inventory
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Placed
from channels.errors import ChannelError
from channels.registry import channels
from content.models import Release
from content.states import ReleaseState
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.once import insert_once
from kernel.seal import Seal
from kernel.work import Work, Works
from kernel.workdays import Workdays, declared_days
from scheduler.models import Delivery, Placement
from scheduler.outside.events import DiffersOutside, LaterSignatureDue
from scheduler.outside.models import InventoryRun, MissingPlacement, MissingState, OutsidePiece, OutsideState
from scheduler.placements import articles_of
from scheduler.states import PlacementState

log = structlog.get_logger(__name__)

FROM_HOUR = 3
# Statistics of a day may come days late; what was seen before is known again.
OVERLAP = timedelta(days=4)
MOST_ASKED = 300
SIGN_DAYS = declare(Rule("outside.sign_days", 3, "外发补签时限（工作日）", number_between(1, 30)))


def run(works: Works, seal: Seal, make: Callable[[AccountInfo], Channel], zone: ZoneInfo) -> int:
    """Compares each account that was not compared today, from 03:00 on; returns how many differences are new."""
    remind(works, zone)
    return sum(_one(works, seal, make, zone, account_id) for account_id in _due(works, zone))


def remind(works: Works, zone: ZoneInfo) -> int:
    """Tells, once a day, of what is past its deadline; returns how many."""
    with works.write() as work:
        query = select(OutsidePiece).where(
            OutsidePiece.due_at < work.now,
            OutsidePiece.signed_at.is_(None),
            OutsidePiece.state.in_((OutsideState.OPEN, OutsideState.REGISTERED)),
        )
        rows = work.session.scalars(query).all()
        day = work.now.astimezone(zone).date().isoformat()
        for row in rows:
            registered = row.state == OutsideState.REGISTERED
            work.emit(LaterSignatureDue(row.id, row.unit_id, row.title, day, registered))
        return len(rows)


def _due(works: Works, zone: ZoneInfo) -> Sequence[int]:
    able = [name for name, adapter in channels().items() if issubclass(adapter, Inventory)]
    with works.read() as work:
        here = work.now.astimezone(zone)
        if here.hour < FROM_HOUR:
            return []
        done = select(InventoryRun.account_id).where(InventoryRun.day == here.date(), InventoryRun.fault == "")
        query = select(Account.id).where(Account.active, Account.channel.in_(able), Account.id.not_in(done))
        return work.session.scalars(query.order_by(Account.id)).all()


def _one(works: Works, seal: Seal, make: Callable[[AccountInfo], Channel], zone: ZoneInfo, account_id: int) -> int:
    with works.read() as work:
        about = accounts.info(work.session, seal, work.session.get_one(Account, account_id))
        today = work.now.astimezone(zone).date()
        last = work.session.get(InventoryRun, account_id)
        adapter = make(about)
        if not isinstance(adapter, Inventory):
            return 0
        farthest = today - timedelta(days=adapter.looks_back - 1)
        since = max(farthest, last.day - OVERLAP) if last and not last.fault else farthest
        placed = _placed(work, account_id, adapter.looks_back)
    try:
        found = adapter.inventory(since)
        gone = adapter.gone(placed)
    except ChannelError as failure:
        log.warning("account not compared", account=account_id, reason=failure.reason)
        with works.write() as work:
            _ran(work, account_id, today, fault=failure.reason)
        return 0
    except Exception as failure:  # The edge: what an adapter cannot read must not stop the other accounts.
        log.exception("account not compared", account=account_id)
        with works.write() as work:
            _ran(work, account_id, today, fault=f"适配程序出错：{type(failure).__name__}")
        return 0
    with works.write() as work:
        account = work.session.get_one(Account, account_id)
        outside = _keep(work, account, found, zone)
        missing = _keep_missing(work, account, gone)
        _ran(work, account_id, today, len(outside), len(missing))
        if outside or missing:
            first = outside[0].title if outside else missing[0].why
            day, counts = today.isoformat(), (len(outside), len(missing))
            work.emit(DiffersOutside(account.id, account.unit_id, account.name, day, *counts, first))
    return len(outside) + len(missing)


def _placed(work: Work, account_id: int, days: int) -> list[Placed]:
    query = (
        select(Placement)
        .where(
            Placement.account_id == account_id,
            Placement.state == PlacementState.LIVE,
            Placement.live_at >= work.now - timedelta(days=days),
        )
        .order_by(Placement.live_at.desc())
        .limit(MOST_ASKED)
    )
    return [Placed(row.piece_id, row.remote_id, row.url, row.data) for row in work.session.scalars(query)]


def _keep(work: Work, account: Account, found: Sequence[Found], zone: ZoneInfo) -> list[OutsidePiece]:
    """Keeps what is new and not ours; what is ours gets the address that the platform had not told."""
    ours = _Ours(work, account)
    new = []
    days = int(value_of(work.session, SIGN_DAYS, account.unit_id, work.now))
    due = Workdays(zone, declared_days(work.session)).deadline(work.now, days)
    for one in found:
        if ours.knows(one) or _known(work, account.id, one):
            continue
        values = {
            "unit_id": account.unit_id,
            "title": one.title[:300],
            "url": one.url[:1000],
            "author": one.author[:60],
            "digest": one.digest[:500],
            "body": one.html,
            "notified": one.notified,
            "data": dict(one.data),
            "published_at": one.at,
            "found_at": work.now,
            "due_at": due,
            "state": OutsideState.OPEN,
            "reason": "",
        }
        key = {"account_id": account.id, "number": one.number[:300]}
        if insert_once(work.session, OutsidePiece, **key, **values):
            row = work.session.scalars(select(OutsidePiece).filter_by(**key)).one()
            work.audit("outside.found", row, account=account.name, title=one.title, url=one.url)
            new.append(row)
    return new


def _known(work: Work, account_id: int, one: Found) -> bool:
    """Whether it was found before, perhaps under the platform's other number; its data are filled up."""
    same = (
        or_(OutsidePiece.number == one.number[:300], OutsidePiece.url == one.url[:1000])
        if one.url
        else (OutsidePiece.number == one.number[:300])
    )
    row = work.session.scalars(
        select(OutsidePiece).where(OutsidePiece.account_id == account_id, same).limit(1)
    ).one_or_none()
    if row is None:
        return False
    row.data = {**row.data, **one.data}
    row.body = row.body or one.html
    row.notified = row.notified if one.notified is None else one.notified
    return True


class _Ours:
    """What we published on an account, by every name the platform may use for it."""

    def __init__(self, work: Work, account: Account) -> None:
        rows = work.session.scalars(select(Placement).where(Placement.account_id == account.id)).all()
        self.by_url = {row.url: row for row in rows if row.url}
        self.by_number: dict[str, Placement] = {}
        for row in rows:
            self.by_number.update(dict.fromkeys(_numbers(row.data), row))
        before = [one.placed for row in rows for one in articles_of(row)[:-1]]
        self.stood_before = {one.url for one in before if one.url}.union(*(_numbers(one.data) for one in before))
        self.without_url = [row for row in rows if not row.url]
        self.titles = _titles(work, account.channel, self.without_url)
        marks = select(Delivery.key).where(Delivery.account_id == account.id)
        self.keys = set(work.session.scalars(marks))

    def knows(self, one: Found) -> bool:
        """Whether it is ours."""
        numbers = _numbers(one.data)
        if self.stood_before & {one.url, *numbers}:
            return True  # It was corrected by a further article, which is the one that is kept up to date.
        row = self.by_url.get(one.url) or next((self.by_number[n] for n in numbers if n in self.by_number), None)
        if row is None and one.mark and one.mark.partition("-")[0] in self.keys:
            return True
        if row is None:
            # A message whose answer and event were both lost is known by its title alone.
            row = next((place for place in self.without_url if self.titles.get(place.id) == one.title.strip()), None)
        if row is None:
            return False
        row.url = row.url or one.url[:1000]
        row.data = {**one.data, **{name: value for name, value in row.data.items() if value}}
        return True


def _numbers(data: Mapping[str, Any]) -> list[str]:
    return [f"{data[name]}_{data.get('idx')}" for name in ("article_id", "msg_data_id") if data.get(name)]


def _titles(work: Work, channel: str, places: Sequence[Placement]) -> dict[int, str]:
    query = select(Release).where(Release.id.in_({place.release_id for place in places}))
    by_release = {
        release.id: str((release.content["variants"].get(channel) or release.content)["title"]).strip()
        for release in work.session.scalars(query)
    }
    return {place.id: by_release[place.release_id] for place in places}


def _keep_missing(work: Work, account: Account, gone: Mapping[int, str]) -> list[MissingPlacement]:
    new = []
    query = select(Placement).where(
        Placement.account_id == account.id,
        Placement.piece_id.in_(list(gone)),
        Placement.state == PlacementState.LIVE,
    )
    for row in work.session.scalars(query).all():
        said = select(MissingPlacement.id).where(
            MissingPlacement.placement_id == row.id, MissingPlacement.state == MissingState.OPEN
        )
        if work.session.scalar(said.limit(1)) is not None:
            continue
        missing = MissingPlacement(
            unit_id=row.unit_id,
            placement_id=row.id,
            why=gone[row.piece_id][:300],
            found_at=work.now,
            state=MissingState.OPEN,
        )
        work.session.add(missing)
        work.session.flush()
        work.audit("placement.missing", row, account=account.name, why=missing.why)
        new.append(missing)
    return new


def _ran(work: Work, account_id: int, day: date, outside: int = 0, missing: int = 0, fault: str = "") -> None:
    row = work.session.get(InventoryRun, account_id)
    if row is None:
        row = InventoryRun(account_id=account_id, day=day, at=work.now)
        work.session.add(row)
    if not fault:
        row.day = day
    row.at, row.outside, row.missing, row.fault = work.now, outside, missing, fault[:500]


def signed(work: Work, release_id: int) -> None:
    """补签 is done: the last signature under something that was published outside."""
    release = work.session.get_one(Release, release_id)
    if release.state != ReleaseState.SIGNED:
        return
    query = select(OutsidePiece).where(
        OutsidePiece.piece_id == release.piece_id, OutsidePiece.state == OutsideState.REGISTERED
    )
    for row in work.session.scalars(query):
        if row.signed_at is None:
            row.signed_at = work.now
            work.audit("outside.signed", row, release=release.hash)
