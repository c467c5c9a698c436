"""WeChat's figures (datacube): the four calls that are kept up, and the followers.

A day is asked for once it is over and counted, after 08:00 in China. Longest spans of the four calls are not published;
one day is asked at a time (developers.weixin.qq.com, wedata/news and wedata/user).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from channels.abilities.statistics import ArticleDay, ArticleSums, Figures, Statistics, Told
from channels.adapters.calling import PLATFORM_ZONE, today, tomorrow
from channels.adapters.wechat.figures import DAYS_COUNTED, figures_of
from channels.adapters.wechat.sending import Sending
from channels.errors import Throttled

DATACUBE = "https://api.weixin.qq.com/datacube/"
READY_HOUR = 8
QUOTA = "datacube"


class WeChatStatistics(Statistics):
    """The figures of one account."""

    days_back: ClassVar[int] = DAYS_COUNTED
    followers_span: ClassVar[int] = 7

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def counted_until(self, now: datetime) -> date:
        """Yesterday, and before 08:00 the day before that."""
        here = now.astimezone(PLATFORM_ZONE)
        return here.date() - timedelta(days=1 if here.hour >= READY_HOUR else 2)

    def article_sums(self, published_on: date) -> Told[Sequence[ArticleSums]]:
        """getarticletotaldetail."""
        answer = self._figures("getarticletotaldetail", published_on)
        found = [
            ArticleSums(
                str(entry.get("msgid", "")),
                str(entry.get("content_url", "")),
                str(entry.get("title", "")),
                published_on,
                int(entry.get("publish_type") or 0) == 0,
                {date.fromisoformat(str(one["stat_date"])): figures_of(one) for one in entry.get("detail_list") or []},
            )
            for entry in answer.get("list") or []
        ]
        return Told(found, _delayed(answer))

    def article_days(self, day: date) -> Told[Sequence[ArticleDay]]:
        """getarticleread and getarticleshare, joined by article."""
        by_number: dict[str, dict[str, int]] = {}
        delayed = False
        for name in ("getarticleread", "getarticleshare"):
            answer = self._figures(name, day)
            delayed = delayed or _delayed(answer)
            for entry in answer.get("list") or []:
                by_number.setdefault(str(entry.get("msgid", "")), {}).update(figures_of(entry.get("detail") or {}))
        return Told([ArticleDay(number, figures) for number, figures in by_number.items()], delayed)

    def account_day(self, day: date) -> Told[Figures]:
        """getbizsummary."""
        answer = self._figures("getbizsummary", day)
        figures: dict[str, int] = {}
        for entry in answer.get("list") or []:
            if str(entry.get("ref_date")) == day.isoformat():
                detail = entry.get("detail") or {}
                figures = figures_of(detail)
                if detail.get("send_page_count") is not None:
                    figures["articles"] = int(detail["send_page_count"])
        return Told(figures, _delayed(answer))

    def followers(self, first: date, last: date) -> Mapping[date, Figures]:
        """getusersummary, whose sources are added up, and getusercumulate."""
        days: dict[date, dict[str, int]] = {}
        for entry in self._figures("getusersummary", first, last).get("list") or []:
            of_day = days.setdefault(date.fromisoformat(str(entry["ref_date"])), {"joined": 0, "left": 0})
            of_day["joined"] += int(entry.get("new_user") or 0)
            of_day["left"] += int(entry.get("cancel_user") or 0)
        for entry in self._figures("getusercumulate", first, last).get("list") or []:
            day = date.fromisoformat(str(entry["ref_date"]))
            days.setdefault(day, {})["followers"] = int(entry.get("cumulate_user") or 0)
        return days

    def _figures(self, name: str, first: date, last: date | None = None) -> Mapping[str, Any]:
        sending = self.sending
        now = sending.tools.clock.now()
        most = sending.options.datacube_per_day
        if not sending.tools.quotas.take(sending.account.id, QUOTA, today(now), most):
            raise Throttled(f"今天的数据接口次数（{most} 次）已用完", tomorrow(now), code="45009")
        span = {"begin_date": first.isoformat(), "end_date": (last or first).isoformat()}
        with sending.harmlessly():
            answer: Mapping[str, Any] = sending.client.post(f"{DATACUBE}{name}", data=span)
        return answer


def _delayed(answer: Mapping[str, Any]) -> bool:
    # What has no list at all told nothing, and is asked for again.
    return "list" not in answer or answer.get("is_delay") in (True, 1, "1", "true")
