"""Watched feeds: set up by people, read by a duty; what a reading brings is kept and opens tasks, once per account.

Nothing here calls an address; whoever does hands in what was read, or why it could not be.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.importing.feeds import Entry, Feed
from content.importing.markup import Found
from content.models import Column, Piece, Revision
from content.sanitise import plain
from kernel.errors import Invalid
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.once import insert_once
from kernel.people import ROLES, Permission, Role, Viewer, ancestors
from kernel.typed import tidy
from kernel.work import Work
from scheduler.models import Placement
from scheduler.reposting.events import RepostsOpened
from scheduler.reposting.models import FeedAccount, FeedItem, NoTask, RepostTask, TaskState, WatchedFeed
from scheduler.states import PlacementState

HOURS = declare(Rule("reposts.hours", 24, "转载时限（小时）", number_between(1, 240)))
EVERY = timedelta(minutes=10)
# The same words under another key are the same item where they come so soon after each other.
TWIN_DAYS = timedelta(days=3)
# What one reading may open, and one day: a feed that is broken or hostile must not flood the office.
MOST_AT_ONCE = 50
MOST_A_DAY = 300
LONGEST_KEPT = 300_000
CARRIERS = (Role.OFFICER, Role.REVIEWER, Role.SIGNER)


@dataclass(frozen=True)
class Watch:
    """What a person sets for a feed; without `hours` the office's rule counts."""

    name: str
    address: str
    column_id: int
    account_ids: Collection[int]
    role: str = Role.OFFICER
    hours: int | None = None
    words: str = ""
    active: bool = True


# --- set up ----------------------------------------------------------------------------------------------------


def add(work: Work, who: Viewer, unit_id: int, watch: Watch) -> WatchedFeed:
    """Watches a feed for a unit from now on; raises Invalid."""
    _check(work.session, who, unit_id, watch)
    fresh = {"created_by": who.person_id, "created_at": work.now, "next_at": work.now, "fault": ""}
    if not insert_once(work.session, WatchedFeed, unit_id=unit_id, **_values(watch), **fresh):
        raise Invalid(field="address", why="本单位已在关注这个地址。")
    query = select(WatchedFeed).where(WatchedFeed.unit_id == unit_id, WatchedFeed.address == watch.address)
    feed = work.session.scalars(query).one()
    _name_accounts(work.session, feed, watch.account_ids)
    work.audit("repost_feed.added", feed, address=feed.address, accounts=sorted(watch.account_ids), hours=feed.hours)
    return feed


def change(work: Work, who: Viewer, feed: WatchedFeed, watch: Watch) -> None:
    """Sets it anew; tasks that are open keep their deadline and account. Raises Invalid."""
    _check(work.session, who, feed.unit_id, watch)
    same = select(WatchedFeed.id).where(WatchedFeed.unit_id == feed.unit_id, WatchedFeed.address == watch.address)
    if work.session.scalar(same.where(WatchedFeed.id != feed.id)) is not None:
        raise Invalid(field="address", why="本单位已在关注这个地址。")
    if watch.address != feed.address:
        # Another address begins anew: what it shows already is nothing new.
        feed.good_at = feed.checked_at = feed.broken_since = None
        feed.fault, feed.created_at = "", work.now
    for name, value in _values(watch).items():
        setattr(feed, name, value)
    feed.next_at = work.now
    _name_accounts(work.session, feed, watch.account_ids)
    work.audit("repost_feed.changed", feed, address=feed.address, accounts=sorted(watch.account_ids), hours=feed.hours)


def accounts_of(session: Session, feed_id: int) -> list[Account]:
    """The accounts that must carry what a feed brings."""
    query = select(Account).join(FeedAccount, FeedAccount.account_id == Account.id)
    return list(session.scalars(query.where(FeedAccount.feed_id == feed_id).order_by(Account.name, Account.id)))


def choices(session: Session, who: Viewer) -> list[Account]:
    """The active accounts of the units in which a person may act."""
    units = who.units(Permission.DELIVERY_ACT)
    query = select(Account).where(Account.unit_id.in_(units), Account.active, Account.stands_for.is_(None))
    return list(session.scalars(query.order_by(Account.unit_id, Account.name)))


def hours_of(session: Session, feed: WatchedFeed, now: datetime) -> float:
    """The hours within which its items must be carried."""
    return float(feed.hours or value_of(session, HOURS, feed.unit_id, now))


def _check(session: Session, who: Viewer, unit_id: int, watch: Watch) -> None:
    if not watch.name:
        raise Invalid(field="name", why="请填写来源名称。")
    if not _is_address(watch.address):
        raise Invalid(field="address", why="请填写 http:// 或 https:// 开头的信息源地址，不超过 500 字。")
    column = session.get(Column, watch.column_id)
    if column is None or not column.active or column.unit_id not in ancestors(session, unit_id):
        raise Invalid(field="column", why="请选择本单位可用的栏目。")
    if watch.hours is not None and not 1 <= watch.hours <= 240:
        raise Invalid(field="hours", why="时限须为 1 到 240 之间的小时数。")
    if watch.role not in CARRIERS or Permission.PIECE_READ not in ROLES[Role(watch.role)]:
        raise Invalid(field="role", why="请选择承办角色。")
    offered = {account.id for account in choices(session, who)}
    if not watch.account_ids or not set(watch.account_ids) <= offered:
        raise Invalid(field="accounts", why="请选择至少一个您可管理的在用账号。")


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= 500
    except ValueError:
        return False


def _values(watch: Watch) -> dict[str, object]:
    values = asdict(watch)
    values.pop("account_ids")
    return values | {"name": watch.name[:100], "role": str(watch.role), "words": watch.words[:300]}


def _name_accounts(session: Session, feed: WatchedFeed, account_ids: Collection[int]) -> None:
    session.execute(delete(FeedAccount).where(FeedAccount.feed_id == feed.id))
    session.add_all(FeedAccount(feed_id=feed.id, account_id=one) for one in sorted(set(account_ids)))
    session.flush()


# --- read ------------------------------------------------------------------------------------------------------


def claim_next(work: Work) -> tuple[int, str] | None:
    """The feed that waits longest and its address, claimed by moving its next look on; None when none is due."""
    due = select(WatchedFeed.id).where(WatchedFeed.active, WatchedFeed.next_at <= work.now)
    feed_id = work.session.scalar(due.order_by(WatchedFeed.next_at, WatchedFeed.id).limit(1))
    claimed = (
        update(WatchedFeed)
        .where(WatchedFeed.id == feed_id, WatchedFeed.next_at <= work.now)
        .values(next_at=work.now + EVERY)
        .returning(WatchedFeed.id, WatchedFeed.address)
    )
    row = work.session.execute(claimed).first()
    return (row[0], row[1]) if row else None


def failed(work: Work, feed_id: int, why: str) -> None:
    """Notes that a feed could not be read, and since when."""
    feed = work.session.get_one(WatchedFeed, feed_id, with_for_update=True)
    feed.checked_at, feed.fault = work.now, why[:300]
    feed.broken_since = feed.broken_since or work.now


def take(work: Work, feed_id: int, read: Feed) -> int:
    """Keeps what a feed shows and opens the tasks of what is new; returns how many tasks.

    What it showed already when it began to be watched opens none.
    """
    feed = work.session.get_one(WatchedFeed, feed_id, with_for_update=True)
    known = set(work.session.scalars(select(FeedItem.key).where(FeedItem.feed_id == feed.id)))
    fresh = {entry.key: entry for entry in reversed(read.entries) if entry.key not in known}
    room = min(MOST_AT_ONCE, MOST_A_DAY - _kept_today(work, feed)) if feed.good_at else len(fresh)
    opened: list[tuple[RepostTask, FeedItem]] = []
    for entry in list(fresh.values())[: max(0, room)]:
        opened += _keep(work, feed, entry)
    left = len(fresh) - max(0, room)
    feed.checked_at = work.now
    feed.good_at = feed.good_at if left > 0 and feed.good_at else work.now
    feed.broken_since = None
    feed.fault = f"新内容过多，还有 {left} 条未列入，请核对信息源是否正常。" if left > 0 else ""
    _tell(work, feed, opened)
    return len(opened)


def open_by_hand(work: Work, who: Viewer, item: FeedItem) -> int:
    """A person says that an item must be carried after all: the deadline counts from now. Returns how many tasks."""
    feed = work.session.get_one(WatchedFeed, item.feed_id)
    due = work.now + timedelta(hours=hours_of(work.session, feed, work.now))
    opened = [
        task
        for account in accounts_of(work.session, feed.id)
        if account.active and (task := _open(work, feed, item, account, due)) is not None
    ]
    if not opened:
        raise Invalid(field="item", why="各账号都已有这条内容的任务，或没有在用的账号。")
    item.no_task = ""
    work.audit("repost_item.opened", item, title=item.title, tasks=len(opened), by=who.name)
    _tell(work, feed, [(task, item) for task in opened])
    return len(opened)


def entry_of(item: FeedItem) -> Entry:
    """The item as the feed showed it, for a draft."""
    words = dict(item.entry)
    pictures = tuple(Found(address, alt) for address, alt in words.pop("pictures", ()))
    remarks = tuple(words.pop("remarks", ()))
    return Entry(
        key=item.key,
        title=item.title,
        link=item.link,
        published=item.published_at,
        pictures=pictures,
        remarks=remarks,
        **words,
    )


def words_of(item: FeedItem) -> str:
    """The item's text without markup, for a person who decides about it."""
    return plain(str(item.entry.get("html", "")))[:3000] or str(item.entry.get("summary", ""))


def _kept_today(work: Work, feed: WatchedFeed) -> int:
    since = work.now - timedelta(days=1)
    # What was there from the beginning is no flood.
    query = select(func.count()).where(FeedItem.feed_id == feed.id, FeedItem.seen_at > since)
    return work.session.scalar(query.where(FeedItem.no_task != NoTask.BEFORE)) or 0


def _keep(work: Work, feed: WatchedFeed, entry: Entry) -> list[tuple[RepostTask, FeedItem]]:
    item = FeedItem(
        feed_id=feed.id,
        unit_id=feed.unit_id,
        key=entry.key,
        title=entry.title,
        link=tidy(entry.link),
        published_at=entry.published,
        seen_at=work.now,
        counts_from=_counts_from(feed, entry, work.now),
        entry=_words_of(entry),
        no_task=_no_task(feed, entry),
    )
    work.session.add(item)
    work.session.flush()
    if item.no_task:
        return []
    due = item.counts_from + timedelta(hours=hours_of(work.session, feed, work.now))
    opened = []
    for account in accounts_of(work.session, feed.id):
        if account.active and not _twin(work.session, account.id, item, work.now):
            task = _open(work, feed, item, account, due)
            opened += [(task, item)] if task is not None else []
    if not opened:
        item.no_task = NoTask.TWIN
    return opened


def _counts_from(feed: WatchedFeed, entry: Entry, now: datetime) -> datetime:
    """When it was published, but not before the last reading that did not show it: many feeds name only the day."""
    before = feed.good_at or feed.created_at
    said = entry.published if entry.published is not None else now
    return min(max(said, before), now)


def _no_task(feed: WatchedFeed, entry: Entry) -> str:
    if feed.good_at is None and (entry.published is None or entry.published <= feed.created_at):
        return NoTask.BEFORE
    words = [word for word in feed.words.replace("，", " ").replace("、", " ").replace(",", " ").split() if word]
    return NoTask.WORDS if words and not any(word in entry.title for word in words) else ""


def _words_of(entry: Entry) -> dict[str, object]:
    long = len(entry.html) > LONGEST_KEPT
    return {
        "guid": entry.guid,
        "author": entry.author,
        "summary": entry.summary,
        "html": tidy(f"<p>{plain(entry.html)[:2000]}</p>" if long else entry.html),
        "pictures": [] if long else [[found.address, found.alt] for found in entry.pictures],
        "source": entry.source,
        "digest": entry.digest,
        "remarks": [*entry.remarks, *(["正文过长，只保存了开头，请到原文核对。"] if long else [])],
    }


def _twin(session: Session, account_id: int, item: FeedItem, now: datetime) -> bool:
    """Whether the account has a task for the same address, or for the same title of these days, already."""
    same_title = (FeedItem.title == item.title) & (FeedItem.seen_at > now - TWIN_DAYS)
    same = or_(same_title, FeedItem.link == item.link) if item.link else same_title
    query = select(RepostTask.id).join(FeedItem, FeedItem.id == RepostTask.item_id)
    return session.scalar(query.where(RepostTask.account_id == account_id, same).limit(1)) is not None


def _open(work: Work, feed: WatchedFeed, item: FeedItem, account: Account, due: datetime) -> RepostTask | None:
    """The task, unless the account has one for this item; done at once where it shows there already."""
    values = {"item_id": item.id, "role": feed.role, "opened_at": work.now, "due_at": due, "state": TaskState.OPEN}
    key = {"account_id": account.id, "source_key": item.key}
    if not insert_once(work.session, RepostTask, unit_id=account.unit_id, url="", reason="", **key, **values):
        return None
    task = work.session.scalars(select(RepostTask).filter_by(**key)).one()
    work.audit("repost.opened", task, title=item.title, account=account.name, due=due.isoformat())
    shown = _shown(work.session, account.id, item)
    if shown is not None:
        task.state, task.done_at, task.url, task.piece_id = TaskState.DONE, shown.live_at, shown.url, shown.piece_id
        work.audit("repost.done", task, title=item.title, url=shown.url)
        return None
    return task


def _shown(session: Session, account_id: int, item: FeedItem) -> Placement | None:
    same = Piece.source_key == item.key
    query = (
        select(Placement)
        .join(Piece, Piece.id == Placement.piece_id)
        .join(Revision, Revision.id == Placement.revision_id)
        .where(Placement.account_id == account_id, Placement.state == PlacementState.LIVE)
        .where(or_(same, Revision.source_url == item.link) if item.link else same)
    )
    return session.scalars(query.order_by(Placement.live_at).limit(1)).first()


def _tell(work: Work, feed: WatchedFeed, opened: Sequence[tuple[RepostTask, FeedItem]]) -> None:
    by_unit: dict[int, list[tuple[RepostTask, FeedItem]]] = {}
    for task, item in opened:
        by_unit.setdefault(task.unit_id, []).append((task, item))
    for unit_id, rows in sorted(by_unit.items()):
        due = min(task.due_at for task, _item in rows)
        first = rows[0][1].title
        work.emit(RepostsOpened(feed.id, unit_id, feed.role, len(rows), first, due, work.now))
