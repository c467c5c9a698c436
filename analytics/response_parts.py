"""The figures of people's answers in parts: by channel, agent, hour of the day, reason of the handoff and class."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models import Conversation
from bot.team import classes
from kernel.people import Permission, Person, Viewer
from kernel.workdays import Workdays


class Talk(NamedTuple):
    """What is counted of one conversation."""

    channel: str
    agent_id: int | None
    opened_at: datetime
    handed_off_at: datetime | None
    taken_at: datetime | None
    first_reply_at: datetime | None
    closed_at: datetime | None
    handoff_reason: str
    class_id: int | None


@dataclass(frozen=True)
class Part:
    """The figures of one part; `key` is the channel, the agent's name, the hour, the reason or the class."""

    key: str
    conversations: int
    handed_off: int
    answered: int
    waited: timedelta | None
    first_response: timedelta | None
    resolution: timedelta | None
    bot_share: float | None


@dataclass(frozen=True)
class Parts:
    """Every table of the page; `classes` are counted at each level, a class with what is below it."""

    channels: Sequence[Part]
    agents: Sequence[Part]
    hours: Sequence[Part]
    reasons: Sequence[Part]
    classes: Sequence[Part]


def parts(session: Session, who: Viewer, workdays: Workdays, since: datetime, until: datetime, zone: tzinfo) -> Parts:
    """The parts of the conversations opened in a period, in the units whose reports this person reads."""
    talks = _talks(session, who, since, until)
    handed = [talk for talk in talks if talk.handed_off_at is not None]
    names = {row.id: row.name for row in session.execute(select(Person.id, Person.name))}
    paths = classes.paths(session)

    def at_each_level(talk: Talk) -> list[str]:
        path = paths.get(talk.class_id, ()) if talk.class_id is not None else ()
        return [classes.BETWEEN.join(path[: depth + 1]) for depth in range(len(path))]

    def of(rows: Iterable[Talk], keys: Callable[[Talk], Sequence[str]]) -> list[Part]:
        found: dict[str, list[Talk]] = {}
        for talk in rows:
            for key in keys(talk):
                found.setdefault(key, []).append(talk)
        return [_part(key, found[key], workdays) for key in sorted(found)]

    taken = [talk for talk in handed if talk.agent_id is not None]
    return Parts(
        channels=of(talks, lambda talk: [talk.channel]),
        agents=of(taken, lambda talk: [names.get(talk.agent_id or 0, "")]),
        hours=of(talks, lambda talk: [f"{talk.opened_at.astimezone(zone):%H}:00"]),
        reasons=of(handed, lambda talk: [talk.handoff_reason]),
        classes=of(talks, at_each_level),
    )


def _talks(session: Session, who: Viewer, since: datetime, until: datetime) -> list[Talk]:
    columns = [getattr(Conversation, name) for name in Talk._fields]
    query = select(*columns).where(
        Conversation.unit_id.in_(who.units(Permission.REPORT_READ)),
        Conversation.opened_at >= since,
        Conversation.opened_at < until,
    )
    return [Talk(*row) for row in session.execute(query)]


def _part(key: str, talks: Sequence[Talk], workdays: Workdays) -> Part:
    first = durations(workdays, [(talk.handed_off_at, talk.first_reply_at) for talk in talks])
    ended = [talk for talk in talks if talk.closed_at is not None]
    return Part(
        key=key,
        conversations=len(talks),
        handed_off=sum(1 for talk in talks if talk.handed_off_at is not None),
        answered=len(first),
        waited=median(durations(workdays, [(talk.handed_off_at, talk.taken_at) for talk in talks])),
        first_response=median(first),
        resolution=median(durations(workdays, [(talk.handed_off_at, talk.closed_at) for talk in talks])),
        bot_share=share(sum(1 for talk in ended if talk.handed_off_at is None), len(ended)),
    )


def durations(workdays: Workdays, spans: Sequence[tuple[datetime | None, datetime | None]]) -> list[timedelta]:
    """The working time of each span that has both ends, the shortest first."""
    return sorted(workdays.working_time(start, end) for start, end in spans if start is not None and end is not None)


def median(values: Sequence[timedelta]) -> timedelta | None:
    """The middle value; None of none."""
    return timedelta(seconds=statistics.median(value.total_seconds() for value in values)) if values else None


def share(part: int, whole: int) -> float | None:
    """The part of the whole; None of nothing."""
    return part / whole if whole else None
