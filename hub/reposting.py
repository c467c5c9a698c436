"""Wires 转载任务: feeds are read, drafts made of their items, deadlines told, tasks closed by placements."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.importing.drafts import Row
from content.importing.feeds import LONGEST_FEED, read_feed
from hub import imports
from hub.product import Hub
from kernel.duties import Duty
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Role, Viewer, bearers, holders
from kernel.work import Actor, Work
from scheduler.events import WentLive
from scheduler.reposting import feeds, tasks
from scheduler.reposting.events import RepostsOpened
from scheduler.reposting.models import FeedItem, RepostTask, WatchedFeed
from templates.filters import local_time

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=1)
REMIND_EVERY = timedelta(minutes=5)
LEASE = timedelta(minutes=30)
PER_ROUND = 20
# A feed is read while nobody waits; of a draft, whoever clicked does, so that slow pictures become placeholders.
FEED_SECONDS = 20.0
PICTURE_PATIENCE, PICTURE_SECONDS, DRAFT_SECONDS = 4.0, 6.0, 12.0
# A feed that cannot be read for so long is said to people.
BROKEN_FOR = timedelta(hours=1)


def connect(hub: Hub) -> None:
    """Adds the duties and the listeners."""
    hub.duties.append(Duty("reposts.watch", EVERY, lambda: watch(hub), LEASE))
    hub.duties.append(Duty("reposts.remind", REMIND_EVERY, lambda: remind(hub)))
    hub.listeners.in_work_together(WentLive, tasks.went_live)
    hub.listeners.in_work(RepostsOpened, lambda work, fact: _tell_opened(hub, work, fact))


def watch(hub: Hub) -> int:
    """Reads every feed that is due, each claimed by itself; returns how many."""
    for done in range(PER_ROUND):
        with hub.works.write() as work:
            claimed = feeds.claim_next(work)
        if claimed is None:
            return done
        look(hub, *claimed)
    return PER_ROUND


def look(hub: Hub, feed_id: int, address: str) -> int:
    """Reads one feed now; returns how many tasks it opened. What cannot be read is noted with the feed."""
    try:
        with imports.fetching(hub.settings, longest=FEED_SECONDS) as fetcher:
            got = fetcher.get(address, LONGEST_FEED)
        read = read_feed(got.data, got.content_type, got.address, hub.settings.office_zone)
    except XuandaError as error:
        why = error.message("zh")
    except Exception as error:  # Somebody else's bytes must not stop the feeds behind this one.
        log.exception("watched feed not read", feed=feed_id)
        why = f"读取时出错（{type(error).__name__}），请联系系统管理员查看日志。"
    else:
        with hub.works.write() as work:
            return feeds.take(work, feed_id, read)
    with hub.works.write() as work:
        feeds.failed(work, feed_id, why)
    return 0


def draft(hub: Hub, who: Viewer, actor: Actor, task_id: int, column_id: int) -> Row:
    """Makes the draft of a task's item, or finds the unit's own; pictures are fetched through the guard."""
    with hub.works.read() as work:
        task = work.session.get(RepostTask, task_id)
        if task is None:
            raise NotFound
        entry = feeds.entry_of(work.session.get_one(FeedItem, task.item_id))
    with imports.fetching(hub.settings, PICTURE_PATIENCE, PICTURE_SECONDS, DRAFT_SECONDS) as fetcher:
        row = imports.take_entry(hub, who, actor, column_id, entry, fetcher.picture)
    if row.piece_id is not None:
        with hub.works.write(actor) as work:
            tasks.took_draft(work, who, work.session.get_one(RepostTask, task_id), row.piece_id)
    return row


# --- telling ---------------------------------------------------------------------------------------------------


def remind(hub: Hub) -> None:
    """Says once that a deadline is near, every day that it has passed, and that a feed cannot be read."""
    with hub.works.write() as work:
        groups: dict[tuple[int, int, bool], list[RepostTask]] = {}
        for task in tasks.to_remind(work.session, work.now):
            groups.setdefault((task.item_id, task.unit_id, task.due_at <= work.now), []).append(task)
        for (item_id, unit_id, late), rows in groups.items():
            _tell_due(hub, work, work.session.get_one(FeedItem, item_id), unit_id, rows, late)
        since = work.now - BROKEN_FOR
        broken = select(WatchedFeed).where(WatchedFeed.active, WatchedFeed.broken_since <= since)
        for feed in work.session.scalars(broken.order_by(WatchedFeed.id)).all():
            _tell_broken(hub, work, feed)


def _tell_due(hub: Hub, work: Work, item: FeedItem, unit_id: int, rows: list[RepostTask], late: bool) -> None:
    people = {one for task in rows for one in tasks.responsible(work.session, task, work.now)}
    if late:
        people |= {
            *(one for task in rows for one in bearers(work.session, Role(task.role), unit_id, work.now)),
            *holders(work.session, Permission.PIECE_SIGN, unit_id, work.now),
            *bearers(work.session, Role.MANAGER, unit_id, work.now),
        }
    day = work.now.astimezone(hub.settings.office_zone).date()
    due = local_time(min(task.due_at for task in rows), hub.settings.office_zone)
    hub.notifier.tell(
        work,
        people,
        "repost.overdue" if late else "repost.due",
        f"{'转载已超时限' if late else '转载时限将到'}：{item.title}",
        f"须在 {due} 前转载，尚未转载的账号：{_names(work.session, rows)}。",
        f"/console/reposts/{rows[0].id}",
        f"repost.{item.id}.{unit_id}.{f'overdue.{day}' if late else 'soon'}",
    )


def _tell_opened(hub: Hub, work: Work, fact: RepostsOpened) -> None:
    due = local_time(fact.due_at, hub.settings.office_zone)
    hub.notifier.tell(
        work,
        bearers(work.session, Role(fact.role), fact.unit_id, work.now),
        "repost.opened",
        f"新转载任务 {fact.count} 件：{fact.first}",
        f"最早须在 {due} 前转载。可一键生成稿件，发布后任务自动办结。",
        "/console/reposts?state=open&mine=1",
        f"repost.{fact.feed_id}.{fact.unit_id}.opened.{fact.at:%Y%m%d%H%M%S}",
    )


def _tell_broken(hub: Hub, work: Work, feed: WatchedFeed) -> None:
    since = local_time(feed.broken_since, hub.settings.office_zone)
    hub.notifier.tell(
        work,
        holders(work.session, Permission.DELIVERY_ACT, feed.unit_id, work.now),
        "repost.broken",
        f"转载来源读取失败：{feed.name}",
        f"自 {since} 起无法读取：{feed.fault}请人工查看该来源有无须转载的内容。",
        f"/console/reposts/feeds/{feed.id}",
        f"repost.feed.{feed.id}.broken.{feed.broken_since:%Y%m%d%H%M%S}",
    )


def _names(session: Session, rows: Iterable[RepostTask]) -> str:
    query = select(Account.name).where(Account.id.in_([task.account_id for task in rows]))
    return "、".join(session.scalars(query.order_by(Account.name)))


def tell_assigned(hub: Hub, work: Work, task: RepostTask, item: FeedItem, by: str) -> None:
    """Somebody gave a person a task."""
    due = local_time(task.due_at, hub.settings.office_zone)
    hub.notifier.tell(
        work,
        [task.assignee_id] if task.assignee_id else [],
        "repost.assigned",
        f"请承办转载任务：{item.title}",
        f"由 {by} 指派，须在 {due} 前转载。",
        f"/console/reposts/{task.id}",
        f"repost.{task.id}.assigned.{work.now:%Y%m%d%H%M%S}",
    )
