"""What a unit owes by a deadline: re-posting tasks with their feed, and cases of public opinion."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from content import rebuttals
from content.rebuttals import Rumour
from kernel.people import Role, Unit
from kernel.work import Work
from scheduler.opinion.models import OpinionCase, OpinionResponse
from scheduler.reposting.models import FeedAccount, FeedItem, RepostTask, TaskState, WatchedFeed
from tests.house.editorial_objects import a_colleague, column_of, portal, write
from tests.house.target import Target


def a_feed(work: Work, unit: Unit) -> Target:
    """A watched feed with an item that opened no task; its address is refused before anything is called."""
    column, account, address = column_of(work, unit), portal(work, unit), f"http://127.0.0.1:9/{secrets.token_hex(4)}"
    feed = WatchedFeed(
        unit_id=unit.id, name="省政府网", address=address, column_id=column.id, role=Role.OFFICER, next_at=work.now,
        created_at=work.now,
    )  # fmt: skip
    work.session.add(feed)
    work.session.flush()
    item = FeedItem(
        feed_id=feed.id, unit_id=unit.id, key=secrets.token_hex(32), title="要闻", seen_at=work.now,
        counts_from=work.now, entry=ENTRY, no_task="before",
    )  # fmt: skip
    work.session.add_all([item, FeedAccount(feed_id=feed.id, account_id=account.id)])
    work.session.flush()
    form = {
        "name": "省政府网", "address": address, "column": str(column.id), "role": "officer", "active": "1",
        "accounts": str(account.id),
    }  # fmt: skip
    return Target({"feed_id": feed.id, "item_id": item.id}, form=form)


def a_task(work: Work, unit: Unit, *, closed: bool = False) -> Target:
    """A task of the unit, with a form for every act on it."""
    made = a_feed(work, unit)
    item = work.session.get_one(FeedItem, made.params["item_id"])
    feed = work.session.get_one(WatchedFeed, item.feed_id)
    task = RepostTask(
        unit_id=unit.id, item_id=item.id, account_id=int(made.form["accounts"]), source_key=item.key,
        role=Role.OFFICER, opened_at=work.now, due_at=work.now + timedelta(hours=8), state=TaskState.OPEN,
    )  # fmt: skip
    if closed:
        task.state, task.done_at = TaskState.EXCUSED, work.now
        task.decided_by = a_colleague(work, unit, Role.OFFICER).person_id
    work.session.add(task)
    work.session.flush()
    form = {"column": str(feed.column_id), "url": "https://weibo.example/1", "reason": "不适用"}
    json = {"column": feed.column_id, "person": None, "url": form["url"], "reason": form["reason"]}
    return Target({"task_id": task.id}, form=form, json=json)


def a_closed_task(work: Work, unit: Unit) -> Target:
    """A task that a person set aside."""
    return a_task(work, unit, closed=True)


ENTRY = {"guid": "", "author": "", "summary": "", "html": "<p>全文</p>", "pictures": [], "source": "", "digest": "0"}
BASE = "/console/reposts"
OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    f"{BASE}/feeds/{{feed_id}}": a_feed,
    f"{BASE}/feeds/{{feed_id}}/look": a_feed,
    f"{BASE}/feeds/{{feed_id}}/items/{{item_id}}/open": a_feed,
    f"{BASE}/{{task_id}}": a_task,
    f"{BASE}/{{task_id}}/draft": a_task,
    f"{BASE}/{{task_id}}/assign": a_task,
    f"{BASE}/{{task_id}}/done": a_task,
    f"{BASE}/{{task_id}}/excuse": a_task,
    f"{BASE}/{{task_id}}/reopen": a_closed_task,
}


def a_case(work: Work, unit: Unit, state: str = "answered") -> Target:
    """A matter of public opinion of the unit with a response that rebuts, and a form for every act on it."""
    author, piece = write(work, unit)
    case = OpinionCase(
        unit_id=unit.id, title="网传停水三天", source="论坛", words="听说", found_at=work.now, state=state,
        reply_due=work.now + timedelta(hours=48), created_at=work.now,
    )  # fmt: skip
    work.session.add(case)
    work.session.flush()
    work.session.add(OpinionResponse(case_id=case.id, piece_id=piece.id, made_at=work.now))
    row = rebuttals.rebut(work, author, piece, Rumour("网传停水三天"))
    _author, other = write(work, unit)
    form = {
        "grade": "IV", "responds": "yes", "column": str(column_of(work, unit).id), "piece": str(other.id),
        "words": "采访", "text": "进展", "result": "平息", "rebuts": str(piece.id), "claim": "网传停水三天",
    }  # fmt: skip
    json = {**form, "responds": True, "column": column_of(work, unit).id, "piece": other.id}
    return Target({"case_id": case.id, "rebuttal_id": row.id}, form=form, json=json)


def a_case_with_a_rumour(work: Work, unit: Unit) -> Target:
    """The same, with the response that rebuts it."""
    made = a_case(work, unit)
    return replace(made, json={**made.json, "piece": int(made.form["rebuts"])})


CASE = "/console/opinion/{case_id}"
OF_A_UNIT |= {
    CASE: a_case,
    **{f"{CASE}/{act}": a_case for act in ("judge", "draft", "link", "said", "rebut", "remark", "close")},
    f"{CASE}/rebuttals/{{rebuttal_id}}/end": a_case,
}
API_REPOST, API_CASE = "/api/v1/reposts/{task_id}", "/api/v1/opinion/{case_id}"
OF_A_UNIT |= {
    API_REPOST: a_task,
    **{f"{API_REPOST}/{act}": a_task for act in ("draft", "assign", "done", "excuse")},
    f"{API_REPOST}/reopen": a_closed_task,
    API_CASE: a_case,
    **{f"{API_CASE}/{act}": a_case for act in ("judge", "draft", "link", "said", "remark", "close")},
    f"{API_CASE}/rebut": a_case_with_a_rumour,
    f"{API_CASE}/rebuttals/{{rebuttal_id}}/end": a_case,
}
