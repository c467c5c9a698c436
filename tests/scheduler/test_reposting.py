"""转载任务: what a feed brings opens a task once per account, with its deadline; what goes live closes it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from analytics import reposts
from content.importing.drafts import import_entry
from content.importing.feeds import Entry, Feed
from content.models import Column
from content.snapshot import Target
from kernel.errors import Invalid, WrongState
from kernel.events import Listeners
from kernel.office_rules import set_rule
from kernel.people import Role
from scheduler.events import WentLive
from scheduler.reposting import feeds, tasks
from scheduler.reposting.events import RepostsOpened
from scheduler.reposting.feeds import MOST_AT_ONCE, Watch
from scheduler.reposting.models import FeedItem, RepostTask, WatchedFeed
from tests.scheduler.conftest import Timetable

ADDRESS = "https://www.zhongyang.example/rss.xml"
LINK = "https://www.zhongyang.example/{n}.html"


def entry(n: int, at: datetime | None = None, **words: Any) -> Entry:
    """An item of the authority's feed."""
    given = {"title": f"国务院办公厅关于第{n}项工作的通知", "link": LINK.format(n=n), "key": f"{n:064d}"} | words
    return Entry(
        guid="", published=at, author="", summary="", html="<p>全文。</p>", pictures=(), source="中央政府网",
        digest=f"{n:064d}", **given,
    )  # fmt: skip


class Duty:
    """A feed watched for both accounts of the timetable, and its readings."""

    def __init__(self, table: Timetable, listeners: Listeners, **watch: Any) -> None:
        self.table = table
        self.told: list[RepostsOpened] = []
        listeners.in_work_together(WentLive, tasks.went_live)
        listeners.after(RepostsOpened, self.told.append)
        accounts = {table.account("fake-a").id, table.account("fake-b").id}
        column = table.office.columns["notices"].id
        with table.office.working("officer") as (work, who):
            made = Watch("中央政府网", ADDRESS, column, watch.pop("accounts", accounts), **watch)
            self.feed_id = feeds.add(work, who, table.office.bureau.id, made).id

    def read(self, *entries: Entry) -> int:
        """One reading, the newest first as feeds are."""
        with self.table.works.write() as work:
            return feeds.take(work, self.feed_id, Feed("中央政府网", "", tuple(reversed(entries))))

    def tasks(self) -> list[RepostTask]:
        """Every task in order."""
        with self.table.works.read() as work:
            return list(work.session.scalars(select(RepostTask).order_by(RepostTask.id)))

    def one(self, model: Any) -> Any:
        """The only row of a table, or its first."""
        with self.table.works.read() as work:
            return work.session.scalars(select(model).order_by(model.id)).first()

    def act(self, step: Any, task: RepostTask, *args: Any) -> None:
        """A person's act on a task."""
        with self.table.office.working("officer") as (work, who):
            step(work, who, work.session.get_one(RepostTask, task.id), *args)


@pytest.fixture
def duty(timetable: Timetable, listeners: Listeners) -> Duty:
    """The usual one."""
    return Duty(timetable, listeners)


def test_a_new_item_opens_one_task_per_account_and_never_a_second(duty: Duty) -> None:
    assert duty.read(entry(1)) == 0, "what was there when watching began is nothing new"
    duty.table.at(minutes=10)
    assert duty.read(entry(1), entry(2)) == 2
    assert duty.read(entry(1), entry(2)) == 0
    duty.table.at(minutes=10)
    assert duty.read(entry(2, key="a" * 64)) == 0, "the same address under another name"
    assert duty.read(entry(9, title=entry(2).title)) == 0, "the same title of these days"
    assert {task.account_id for task in duty.tasks()} == {duty.table.account(one).id for one in ("fake-a", "fake-b")}
    assert [(fact.count, fact.role, fact.first) for fact in duty.told] == [(2, Role.OFFICER, entry(2).title)]
    duty.table.at(days=4)
    assert duty.read(entry(10, title=entry(2).title)) == 2, "the same title a week later is another matter"


def test_the_deadline_counts_from_publication_but_not_from_before_the_last_reading(duty: Duty) -> None:
    duty.read()
    read = duty.table.clock.now()
    now = duty.table.at(hours=3)
    duty.read(entry(1, now - timedelta(hours=1)), entry(2, now - timedelta(hours=9)), entry(3))
    due = {task.source_key[-1]: task.due_at for task in duty.tasks()}
    day = timedelta(hours=24)
    assert due == {"1": now - timedelta(hours=1) + day, "2": read + day, "3": now + day}


def test_the_limit_is_the_offices_rule_unless_the_feed_has_its_own(timetable: Timetable, listeners: Listeners) -> None:
    own = Duty(timetable, listeners, hours=8)
    own.read()
    own.read(entry(1))
    assert own.tasks()[0].due_at == timetable.clock.now() + timedelta(hours=8)
    with timetable.works.write() as work:
        set_rule(work, "reposts.hours", timetable.office.bureau.id, 12)
        work.session.get_one(WatchedFeed, own.feed_id).hours = None
    own.read(entry(2))
    assert own.tasks()[-1].due_at == timetable.clock.now() + timedelta(hours=12)


def test_what_goes_live_closes_the_task_of_that_account_only(duty: Duty) -> None:
    duty.read()
    duty.read(entry(1))
    office = duty.table.office
    with office.working("author") as (work, who):
        column = work.session.get_one(Column, office.columns["notices"].id)
        made = import_entry(
            work, who, column, feeds.entry_of(work.session.scalars(select(FeedItem)).one()), {}, office.blobs
        )
        tasks.took_draft(work, who, work.session.scalars(select(RepostTask)).first(), made.piece_id)  # type: ignore[arg-type]
    steps = steps_now(duty)
    assert steps == ["current", "ahead", "ahead", "ahead", "ahead"]
    piece_id = duty.tasks()[0].piece_id
    assert piece_id == made.piece_id == duty.tasks()[1].piece_id
    targets = [target(duty.table, "fake-a")]
    release = office.submit(piece_id, targets=targets)
    assert steps_now(duty)[:2] == ["done", "current"]
    office.sign_off(release.id)
    duty.table.book(piece_id)
    assert steps_now(duty)[3] == "current"
    duty.table.run()
    first, second = duty.tasks()
    assert (first.state, second.state) == ("done", "open")
    assert first.done_at == duty.table.clock.now()
    assert first.decided_by is None
    assert steps_now(duty) == ["done"] * 5
    with pytest.raises(WrongState):
        duty.act(tasks.reopen, first)


def test_a_piece_written_by_hand_closes_the_task_by_its_source(duty: Duty) -> None:
    duty.read()
    duty.read(entry(1), entry(2))
    release = duty.table.release(source_url=LINK.format(n=2))
    duty.table.book(release.piece_id)
    duty.table.run()
    assert [task.state for task in duty.tasks()] == ["open", "open", "done", "open"]


def test_what_shows_already_needs_no_task(duty: Duty) -> None:
    duty.read()
    release = duty.table.release(source_url=LINK.format(n=1))
    duty.table.book(release.piece_id)
    duty.table.run()
    assert duty.read(entry(1)) == 1, "only the other account still has to"
    assert [task.state for task in duty.tasks()] == ["done", "open"]


def test_people_close_a_task_with_a_link_or_a_reason_and_take_it_back(duty: Duty) -> None:
    duty.read()
    duty.read(entry(1))
    first, second = duty.tasks()
    with pytest.raises(Invalid, match="链接"):
        duty.act(tasks.done_by_hand, first, "javascript:alert(1)")
    with pytest.raises(Invalid, match="原因"):
        duty.act(tasks.excuse, second, "  ")
    duty.table.at(hours=25)
    duty.act(tasks.done_by_hand, first, "https://weibo.example/1")
    duty.act(tasks.excuse, second, "与本市无关")
    with pytest.raises(WrongState, match="不适用"):
        duty.act(tasks.excuse, second, "再次")
    office = duty.table.office
    first, second = duty.tasks()
    assert (first.decided_by, second.reason) == (office.person("officer").id, "与本市无关")
    now = duty.table.clock.now()
    with duty.table.works.read() as work:
        count = reposts.kept(work.session, {office.bureau.id}, now - timedelta(days=2), now, now)
    assert (count.on_time, count.late, count.missed, count.excused) == (0, 1, 0, 1)
    duty.act(tasks.reopen, second)
    with duty.table.works.read() as work:
        rows = reposts.by_account(work.session, {office.bureau.id}, now - timedelta(days=2), now, now)
        none = reposts.by_account(work.session, {office.other.id}, now - timedelta(days=2), now, now)
    assert [(name, found.late, found.missed, found.share) for _id, name, _channel, found in rows] == [
        ("fake-b", 0, 1, 0.0),
        ("fake-a", 1, 0, 0.0),
    ]
    assert none == []


def test_words_narrow_what_must_be_carried_and_a_person_may_add(timetable: Timetable, listeners: Listeners) -> None:
    duty = Duty(timetable, listeners, words="督查，第2项")
    duty.read()
    assert duty.read(entry(1), entry(2)) == 2
    with timetable.office.working("officer") as (work, who):
        left = work.session.scalars(select(FeedItem).where(FeedItem.no_task == "words")).one()
        assert feeds.open_by_hand(work, who, left) == 2
        with pytest.raises(Invalid):
            feeds.open_by_hand(work, who, left)


def test_a_flood_is_held_back_and_said(duty: Duty) -> None:
    duty.read()
    assert duty.read(*(entry(n) for n in range(1, 71))) == 2 * MOST_AT_ONCE
    feed = duty.one(WatchedFeed)
    assert "还有 20 条" in feed.fault
    assert feed.broken_since is None
    assert duty.read(*(entry(n) for n in range(1, 71))) == 2 * 20
    assert duty.one(WatchedFeed).fault == ""


def test_a_feed_that_breaks_says_since_when_until_it_is_read_again(duty: Duty) -> None:
    duty.read()
    since = duty.table.at(minutes=10)
    for _ in range(2):
        with duty.table.works.write() as work:
            feeds.failed(work, duty.feed_id, "对方返回 500")
        duty.table.at(minutes=10)
    feed = duty.one(WatchedFeed)
    assert (feed.broken_since, feed.fault) == (since, "对方返回 500")
    duty.read(entry(1))
    assert duty.one(WatchedFeed).broken_since is None
    assert duty.tasks()[0].due_at == duty.table.clock.now() + timedelta(hours=24)


def test_only_one_claims_a_feed(duty: Duty) -> None:
    with duty.table.works.write() as work:
        assert feeds.claim_next(work) == (duty.feed_id, ADDRESS)
    with duty.table.works.write() as work:
        assert feeds.claim_next(work) is None
    duty.table.at(minutes=10)
    with duty.table.works.write() as work:
        assert feeds.claim_next(work) is not None


def test_a_feed_that_cannot_be_watched_names_the_field(duty: Duty) -> None:
    office = duty.table.office
    words = {
        "name": "网", "address": "https://b.example/rss", "column_id": office.columns["notices"].id,
        "account_ids": (duty.table.account("fake-a").id,),
    }  # fmt: skip
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("name", {"name": ""}),
        ("address", {"address": "file:///etc/passwd"}),
        ("address", {"address": ADDRESS}),
        ("column", {"column_id": 0}),
        ("hours", {"hours": 0}),
        ("role", {"role": "auditor"}),
        ("accounts", {"account_ids": ()}),
        ("accounts", {"account_ids": (999,)}),
    ]
    for field, one in wrong:
        with pytest.raises(Invalid) as refused, office.working("officer") as (work, who):
            feeds.add(work, who, office.bureau.id, Watch(**(words | one)))
        assert refused.value.field == field


def test_a_task_is_given_to_those_of_its_role_only(duty: Duty) -> None:
    duty.read()
    duty.read(entry(1))
    office, task = duty.table.office, duty.tasks()[0]
    with pytest.raises(Invalid), duty.table.works.write() as work:
        tasks.assign(work, work.session.get_one(RepostTask, task.id), office.person("stranger").id)
    with duty.table.works.write() as work:
        tasks.assign(work, work.session.get_one(RepostTask, task.id), office.person("author").id)
    with duty.table.works.read() as work:
        mine = select(RepostTask.id).where(tasks.mine(office.who("author")))
        others = select(RepostTask.id).where(tasks.mine(office.who("officer")))
        assert len(work.session.scalars(mine).all()) == 2
        assert len(work.session.scalars(others).all()) == 1


def steps_now(duty: Duty) -> list[str]:
    """How far the first task is."""
    with duty.table.works.read() as work:
        return [
            step.state for step in tasks.steps_of(work.session, work.session.get_one(RepostTask, duty.tasks()[0].id))
        ]


def target(table: Timetable, name: str) -> Any:
    """An account as a target."""
    account = table.account(name)
    return Target(account.id, account.name, "fake", "text", "publish")
