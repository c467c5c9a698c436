"""What each figure is meant to reach, printed beside it; nothing fails where it is missed."""

from __future__ import annotations

from fnmatch import fnmatch

# The first that fits a figure's name; a bare number is of the ratio, one with a unit of the value.
AIMS: tuple[tuple[str, str], ...] = (
    ("dispatch.due1000.*.lateness_p99", "<=2s"),
    ("dispatch.tick.ratio_100k", "<=1.3"),
    ("dispatch.rate.vs_procrastinate", ">=1"),
    ("dispatch.rate.vs_wagtail", ">1"),
    ("portal.publish.ratio_*", "<=1.2"),
    ("portal.rebuild.vs_pelican", ">=3"),
    ("search.recall_at_*", ">1"),
    ("bot.chat.vs_inserts", ">=0.5"),
    ("bot.chat.vs_rasa", ">=0.6"),
    ("desk.list.p95", "<=300ms"),
    ("desk.records.p95", "<=300ms"),
    ("desk.report.p95", "<=300ms"),
    ("desk.sse.held", ">=1"),
    ("desk.sse.last", "<=1s"),
    ("push.fanout.vs_pywebpush", ">=5"),
)


def aim_of(name: str) -> str:
    """What a figure is meant to reach; '' where nothing was set."""
    return next((aim for pattern, aim in AIMS if fnmatch(name, pattern)), "")
