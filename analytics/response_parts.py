"""The figures of people's answers in parts: by channel, agent, hour of the day, reason of the handoff and class.

The database counts; only what was handed to people is read one by one, because a median needs each working time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Integer, cast, extract, func
from sqlalchemy.orm import Session

from analytics.open_hours import DesksHours, HoursOf, Moments, moments
from analytics.response import SHOWN, conversations, known, median, share
from bot.models import Conversation
from bot.team import classes
from kernel.people import Viewer, named

QUARTER = 900  # Seconds: an hour of any zone begins with one.

Keys = Callable[[Any], Sequence[str]]


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


class Count(NamedTuple):
    """How many conversations, how many of them are over, and how many of those never reached a person."""

    conversations: int = 0
    ended: int = 0
    by_bot: int = 0

    def and_(self, more: Count) -> Count:
        """Both together."""
        return Count(*map(sum, zip(self, more, strict=True)))


class Talk(NamedTuple):
    """What is read of a conversation that was handed to people."""

    unit_id: int
    channel: str
    agent_id: int | None
    opened_at: datetime
    handed_off_at: datetime
    taken_at: datetime | None
    first_reply_at: datetime | None
    closed_at: datetime | None
    handoff_reason: str
    class_id: int | None


@dataclass(frozen=True)
class Handed:
    """What was handed to people, and the working seconds until it was taken, answered and over (NaN: never was)."""

    talks: Sequence[Talk]
    waited: Moments
    first: Moments
    whole: Moments


def parts(session: Session, who: Viewer, hours_of: HoursOf, since: datetime, until: datetime, zone: tzinfo) -> Parts:
    """The parts of the conversations opened in a period, in the units whose reports this person reads."""
    handed = _handed(session, who, hours_of, since, until)
    names = _names(session, handed.talks)
    paths = classes.paths(session)

    def at_each_level(class_id: int | None) -> list[str]:
        path = paths.get(class_id, ()) if class_id is not None else ()
        return [classes.BETWEEN.join(path[: depth + 1]) for depth in range(len(path))]

    def hour(second: float) -> list[str]:
        return [f"{datetime.fromtimestamp(int(second), zone):%H}:00"]

    def of_all(column: ColumnElement[Any], keys: Keys, of_talk: Callable[[Talk], Any]) -> list[Part]:
        counts = _counted(session, who, since, until, column)
        return _of(handed, _by_key(counts, keys), lambda talk: keys(of_talk(talk)))

    def of_handed(keys: Callable[[Talk], Sequence[str]]) -> list[Part]:
        counts = ((talk, Count(1, int(talk.closed_at is not None))) for talk in handed.talks)
        return _of(handed, _by_key(counts, keys), keys)

    return Parts(
        channels=of_all(Conversation.channel.expression, lambda channel: [channel], lambda talk: talk.channel),
        agents=of_handed(lambda talk: [names.get(talk.agent_id, "")] if talk.agent_id is not None else []),
        hours=of_all(_quarter(), hour, lambda talk: talk.opened_at.timestamp()),
        reasons=of_handed(lambda talk: [talk.handoff_reason]),
        classes=of_all(Conversation.class_id.expression, at_each_level, lambda talk: talk.class_id),
    )


def _handed(session: Session, who: Viewer, hours_of: HoursOf, since: datetime, until: datetime) -> Handed:
    columns = [getattr(Conversation, name) for name in Talk._fields]
    query = conversations(who, since, until, "handed").with_only_columns(*columns)
    talks = [Talk(*row) for row in session.execute(query)]
    at, *ends = (
        moments([getattr(talk, name) for talk in talks])
        for name in ("handed_off_at", "taken_at", "first_reply_at", "closed_at")
    )
    last = max((float(np.nanmax(some)) for some in (at, *ends) if not np.isnan(some).all()), default=since.timestamp())
    hours = DesksHours(hours_of, [talk.unit_id for talk in talks], since, datetime.fromtimestamp(last, UTC))
    waited, first, whole = (hours.between(at, end) for end in ends)
    return Handed(talks, waited, first, whole)


def _names(session: Session, talks: Sequence[Talk]) -> Mapping[int, str]:
    return dict(named(session, {talk.agent_id for talk in talks if talk.agent_id is not None}))


def _quarter() -> ColumnElement[int]:
    """The quarter of an hour in which a conversation began, in seconds since 1970."""
    second = extract("epoch", Conversation.opened_at)
    return cast(second - second % QUARTER, Integer)


def _counted(
    session: Session, who: Viewer, since: datetime, until: datetime, column: ColumnElement[Any]
) -> list[tuple[Any, Count]]:
    """All conversations of the period, counted for each value of a column."""
    query = conversations(who, since, until).with_only_columns(
        column.label("part"),
        func.count(),
        func.count(Conversation.closed_at),
        func.count(Conversation.closed_at).filter(*SHOWN["bot"]),
    )
    return [(part, Count(*counts)) for part, *counts in session.execute(query.group_by("part"))]


def _by_key(counts: Iterable[tuple[Any, Count]], keys: Keys) -> Mapping[str, Count]:
    found: dict[str, Count] = defaultdict(Count)
    for value, count in counts:
        for key in keys(value):
            found[key] = found[key].and_(count)
    return found


def _of(handed: Handed, counts: Mapping[str, Count], keys: Callable[[Talk], Sequence[str]]) -> list[Part]:
    """A part for each key; the working times are of those conversations that `keys` puts there."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, talk in enumerate(handed.talks):
        for key in keys(talk):
            places[key].append(place)
    return [_part(key, counts[key], handed, places[key]) for key in sorted(counts)]


def _part(key: str, count: Count, handed: Handed, places: Sequence[int]) -> Part:
    chosen = np.array(places, dtype=np.intp)
    first = known(handed.first[chosen])
    return Part(
        key=key,
        conversations=count.conversations,
        handed_off=len(places),
        answered=len(first),
        waited=median(known(handed.waited[chosen])),
        first_response=median(first),
        resolution=median(known(handed.whole[chosen])),
        bot_share=share(count.by_bot, count.ended),
    )
