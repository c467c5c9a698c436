"""Reads what the platform counted: datacube/getarticletotaldetail, one call per day of publication, and its sends.

The answer's figures are sums since publication, 30 days at most, up to yesterday; the older statistics calls have
been given up by the platform (developers.weixin.qq.com, wedata/news).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from channels.abilities.sent_to import SentTo
from channels.adapters.calling import PLATFORM_ZONE
from channels.adapters.wechat.sending import Sending
from channels.base import Placed, Reading

DETAIL = "https://api.weixin.qq.com/datacube/getarticletotaldetail"
DAYS_COUNTED = 30
# The platform's name -> ours; where both spellings are known the first found counts.
FIGURES: Sequence[tuple[str, str]] = (
    ("read_user", "readers"),
    ("int_page_read_user", "readers"),
    ("read_count", "reads"),
    ("int_page_read_count", "reads"),
    ("share_user", "shares"),
    ("zaikan_user", "recommends"),
    ("like_user", "likes"),
    ("collection_user", "favourites"),
    ("add_to_fav_user", "favourites"),
    ("comment_count", "comments"),
)


def read(sending: Sending, placed: Sequence[Placed]) -> list[Reading]:
    """The newest sums of these placements; what the platform does not list has no reading."""
    now = sending.tools.clock.now()
    yesterday = now.astimezone(PLATFORM_ZONE).date() - timedelta(days=1)
    by_day: dict[date, list[Placed]] = {}
    for one in placed:
        day = _day(one)
        if day and yesterday - timedelta(days=DAYS_COUNTED) <= day <= yesterday:
            by_day.setdefault(day, []).append(one)
    readings = [Reading(one.piece_id, reached, now) for one in placed if (reached := _reached(one))]
    for day, there in sorted(by_day.items()):
        with sending.harmlessly():
            span = {"begin_date": day.isoformat(), "end_date": day.isoformat()}
            answer = sending.client.post(DETAIL, data=span)
        readings += _matched(answer.get("list") or [], there, now)
    return readings


def _reached(placed: Placed) -> dict[str, int]:
    """What the end of a mass message told of its readers; nothing for what was not sent as one."""
    told = SentTo.of(placed.data)
    return {"sent": told.fit, "delivered": told.sent} if told else {}


def _day(placed: Placed) -> date | None:
    said = placed.data.get("live_at")
    return datetime.fromisoformat(str(said)).astimezone(PLATFORM_ZONE).date() if said else None


def _matched(listed: Iterable[Mapping[str, Any]], placed: Sequence[Placed], now: datetime) -> list[Reading]:
    by_number = {f"{one.data.get('msg_data_id')}_{one.data.get('idx')}": one for one in placed}
    # After a lost answer the message's number is unknown; the address tells which article it is.
    by_address = {one.url: one for one in placed if one.url}
    readings = []
    for entry in listed:
        one = by_number.get(str(entry.get("msgid"))) or by_address.get(str(entry.get("content_url")))
        details = sorted(entry.get("detail_list") or [], key=lambda detail: str(detail.get("stat_date")))
        if one and details:
            readings.append(Reading(one.piece_id, {**_reached(one), **figures_of(details[-1])}, now))
    return readings


def figures_of(detail: Mapping[str, Any]) -> dict[str, int]:
    """The platform's figures by our names."""
    figures: dict[str, int] = {}
    for theirs, ours in FIGURES:
        if detail.get(theirs) is not None:
            figures.setdefault(ours, int(detail[theirs]))
    return figures
