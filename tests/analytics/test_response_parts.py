"""The parts of the response times, counted by the database, against the same counted one conversation at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from random import Random
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import select

from analytics.response_parts import Part, parts
from bot.models import Conversation
from bot.team import classes
from kernel.people import Person, viewer
from kernel.work import Works
from kernel.workdays import Workdays
from tests.analytics.conftest import Published

# Half an hour beside the hours of UTC: what the database counts by must fit any zone.
ZONE = ZoneInfo("Asia/Kolkata")
WORKDAYS = Workdays(ZONE)
SINCE = datetime(2026, 3, 2, tzinfo=ZONE)
UNTIL = SINCE + timedelta(days=14)


def test_parts_are_what_counting_each_conversation_gives(published: Published) -> None:
    works, unit = published.works, published.office.bureau.id
    rows = _talked(works, unit)
    with works.read() as work:
        boss = work.session.scalars(select(Person).where(Person.login == "manager")).one()
        who = viewer(work.session, boss, work.now)
        found = parts(work.session, who, lambda _unit: WORKDAYS, SINCE, UNTIL, ZONE)
        paths = classes.paths(work.session)
    handed = [row for row in rows if row.handed_off_at is not None]

    def levels(row: Conversation) -> list[str]:
        path = paths[row.class_id] if row.class_id is not None else ()
        return [" / ".join(path[:depth]) for depth in range(1, len(path) + 1)]

    assert found.channels == _counted(rows, lambda row: [row.channel])
    assert found.hours == _counted(rows, lambda row: [f"{row.opened_at.astimezone(ZONE):%H}:00"])
    assert found.reasons == _counted(handed, lambda row: [row.handoff_reason])
    assert found.classes == _counted(rows, levels)
    assert found.agents == _counted([row for row in handed if row.agent_id], lambda _row: [boss.name])


def _talked(works: Works, unit: int) -> Sequence[Conversation]:
    """Sixty conversations that went every way there is, and one before the period."""
    chance = Random(7)  # noqa: S311  # Invented, and the same every time.
    with works.write() as work:
        boss = work.session.scalars(select(Person).where(Person.login == "manager")).one()
        top = classes.add(work, unit, "住房", None)
        leaf = classes.add(work, unit, "公积金", top.id)
        rows = []
        for number in range(60):
            opened = SINCE + timedelta(minutes=chance.randrange(14 * 24 * 60))
            steps = [opened + timedelta(minutes=minutes) for minutes in sorted(chance.sample(range(1, 3000), 4))]
            names = ("handed_off_at", "taken_at", "first_reply_at", "closed_at")
            times = {name: at for name, at in zip(names, steps, strict=True) if chance.random() < 0.7}
            if "handed_off_at" not in times:
                times = {name: at for name, at in times.items() if name == "closed_at"}
            rows.append(
                Conversation(
                    unit_id=unit, channel=chance.choice(("portal", "wechat")), sender=f"s{number}", state="closed",
                    engine_session=f"e{number}", opened_at=opened, heard_at=opened,
                    agent_id=boss.id if "taken_at" in times else None,
                    handoff_reason=chance.choice(("asked", "failures")) if "handed_off_at" in times else "",
                    class_id=chance.choice((None, top.id, leaf.id)), **times,
                )
            )  # fmt: skip
        early = SINCE - timedelta(seconds=1)
        before = Conversation(
            unit_id=unit, channel="weibo", sender="s", state="bot", engine_session="e", opened_at=early, heard_at=early
        )
        work.session.add_all([*rows, before])
    return rows


def _counted(rows: Sequence[Conversation], keys: Callable[[Conversation], Sequence[str]]) -> list[Part]:
    found = {key for row in rows for key in keys(row)}
    return [_part(key, [row for row in rows if key in keys(row)]) for key in sorted(found)]


def _part(key: str, rows: Sequence[Conversation]) -> Part:
    def middle(name: str) -> timedelta | None:
        spans = [(row.handed_off_at, getattr(row, name)) for row in rows]
        times = [WORKDAYS.working_time(start, end) for start, end in spans if start is not None and end is not None]
        return timedelta(seconds=median(time.total_seconds() for time in times)) if times else None

    ended = [row for row in rows if row.closed_at is not None]
    return Part(
        key=key,
        conversations=len(rows),
        handed_off=sum(row.handed_off_at is not None for row in rows),
        answered=sum(row.handed_off_at is not None and row.first_reply_at is not None for row in rows),
        waited=middle("taken_at"),
        first_response=middle("first_reply_at"),
        resolution=middle("closed_at"),
        bot_share=sum(row.handed_off_at is None for row in ended) / len(ended) if ended else None,
    )
