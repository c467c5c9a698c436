"""The day's calls of one account: a hundred for everything, so that reading must leave some for posting.

The platform counts all calls of an authorised user and app together (open.weibo.com/wiki/Rate-limiting).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from channels.adapters.calling import PLATFORM_ZONE, acting, harmless, today, tomorrow
from channels.adapters.weibo.codes import MEANINGS, Answered, error_of
from channels.adapters.weibo.options import WeiboOptions
from channels.base import AccountInfo, Quota, Tools
from channels.errors import OutcomeUnknown, Throttled

REQUESTS, READS = "requests", "reads"
# What of the day's requests reading never touches: posts, corrections, withdrawals and answers live on it.
KEPT_FOR_POSTS = 40
# So many reads may be made at any hour; the others become free as the day goes on.
READS_AT_ONCE = 10
READ_PAUSE = timedelta(minutes=30)


def per_day(settings: Mapping[str, Any]) -> int:
    """How many requests the platform grants the account's app."""
    return int(WeiboOptions.of(settings).requests_per_day)


def quotas(settings: Mapping[str, Any]) -> tuple[Quota, ...]:
    """The day's requests."""
    return ((REQUESTS, "day", per_day(settings)),)


class Calls:
    """Counts each call before it is made, and turns the platform's noes into errors."""

    def __init__(self, account: AccountInfo, tools: Tools) -> None:
        self.account = account
        self.tools = tools

    @contextmanager
    def asking(self, *, visible: bool = False) -> Iterator[None]:
        """One call; a `visible` one that is cut off may have taken effect."""
        self._take()
        try:
            with acting() if visible else harmless():
                yield
        except Answered as answer:
            now = self.tools.clock.now()
            if visible and answer.code in MEANINGS and MEANINGS[answer.code].kind == "busy":
                raise OutcomeUnknown(MEANINGS[answer.code].reason, code=str(answer.code)) from answer
            raise error_of(answer, now, self._rate_ends(now)) from answer

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One call that can wait: raises Throttled, without a call, when it would cost a post its own."""
        self._take_read()
        with self.asking():
            yield

    def left(self) -> int:
        """What is left of the day's requests."""
        return self.tools.quotas.left(
            self.account.id, REQUESTS, today(self.tools.clock.now()), per_day(self.account.settings)
        )

    def _take(self) -> None:
        now = self.tools.clock.now()
        if not self.tools.quotas.take(self.account.id, REQUESTS, today(now), per_day(self.account.settings)):
            raise Throttled("今天的微博接口调用次数已用完", tomorrow(now), code="10023")

    def _take_read(self) -> None:
        now = self.tools.clock.now()
        if self.left() <= KEPT_FOR_POSTS:
            raise Throttled("今天剩余的微博接口调用次数留给发布", tomorrow(now))
        if not self.tools.quotas.take(self.account.id, READS, today(now), self._reads_by(now)):
            raise Throttled("微博接口调用次数有限，读取须均匀分布在全天", min(now + READ_PAUSE, tomorrow(now)))

    def _reads_by(self, now: datetime) -> int:
        """How many reads may have been made by this hour of the platform's day."""
        whole = max(0, per_day(self.account.settings) - KEPT_FOR_POSTS)
        local = now.astimezone(PLATFORM_ZONE)
        passed = (local - local.replace(hour=0, minute=0, second=0, microsecond=0)) / timedelta(days=1)
        return min(whole, READS_AT_ONCE + int(max(0, whole - READS_AT_ONCE) * passed))

    def _rate_ends(self, now: datetime) -> datetime:
        # By our own count there is something left: then it is the hour that is full.
        return tomorrow(now) if self.left() < 1 else now + timedelta(hours=1)
