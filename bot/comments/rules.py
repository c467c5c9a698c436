"""Rules of the office for comments: how soon they are answered, how long and how often they are asked for."""

from __future__ import annotations

from datetime import timedelta

from kernel.office_rules import Rule, declare, number_between

DAYS = declare(Rule("comment.days", 3, "评论答复期限（工作日）", number_between(1, 60)))
FOLLOW = declare(Rule("comment.follow_days", 30, "发布后多少天内收集评论", number_between(1, 365)))

# How often a thread is asked for, by its age: people write beneath what is new.
PACE: tuple[tuple[timedelta, timedelta], ...] = (
    (timedelta(hours=6), timedelta(minutes=15)),
    (timedelta(days=2), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=4)),
)
LATER = timedelta(hours=12)


def pause(age: timedelta) -> timedelta:
    """How long to wait before a thread of this age is asked for again."""
    return next((every for young, every in PACE if age < young), LATER)
