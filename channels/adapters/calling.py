"""What a broken connection means: whether the platform may have acted depends on the call and on where it broke."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from channels.abilities.citizens_files import TooLarge
from channels.errors import ChannelError, OutcomeUnknown, Refused, Retryable
from channels.transport import PrivateAddress

# All the platforms here count their days at midnight in China, whatever the office's own zone.
PLATFORM_ZONE = ZoneInfo("Asia/Shanghai")

# A file that has not come whole by then is given up and asked for again later.
FILE_SECONDS = 60.0

# The request never left: no connection, or none free.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@contextmanager
def harmless() -> Iterator[None]:
    """A call that shows nobody anything or may be repeated freely: a broken one is simply tried again."""
    try:
        yield
    except httpx.HTTPError as failure:
        raise Retryable(words(failure)) from failure
    except PrivateAddress as refused:
        raise Refused(refused.message("zh")) from refused


@contextmanager
def acting() -> Iterator[None]:
    """A call that people will see: unless it surely never left, a broken one has an unknown outcome."""
    try:
        yield
    except _NOT_SENT as failure:
        raise Retryable(words(failure)) from failure
    except httpx.HTTPError as failure:
        raise OutcomeUnknown(words(failure)) from failure
    except PrivateAddress as refused:
        raise Refused(refused.message("zh")) from refused


@contextmanager
def leaving(progress: Callable[[], Mapping[str, Any]]) -> Iterator[None]:
    """What was done before a failure goes with it, so that the next attempt need not do it again."""
    try:
        yield
    except ChannelError as error:
        error.data = {**error.data, **progress()}
        raise


def broken(response: httpx.Response) -> httpx.HTTPStatusError:
    """An answer that is none of the platform's own, such as a gateway's 502."""
    return httpx.HTTPStatusError(f"HTTP {response.status_code}", request=response.request, response=response)


def bounded(response: httpx.Response, most: int, seconds: float = FILE_SECONDS) -> bytes:
    """The body of a streamed answer, read no further than `most` bytes and no longer than `seconds`.

    Raises TooLarge. What is packed is refused: a few bytes of it may unfold to any number.
    """
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused("平台返回了压缩的内容")
    ends, parts, size = time.monotonic() + seconds, [], 0
    for part in response.iter_raw():
        size += len(part)
        if size > most:
            raise TooLarge(f"超过 {most // 1_000_000} MB")
        if time.monotonic() > ends:
            raise httpx.ReadTimeout("the file comes too slowly", request=response.request)
        parts.append(part)
    return b"".join(parts)


def words(failure: httpx.HTTPError) -> str:
    """A network failure for a person."""
    if isinstance(failure, httpx.TimeoutException):
        return "连接平台超时"
    if isinstance(failure, httpx.ConnectError):
        return "连不上平台"
    if isinstance(failure, httpx.HTTPStatusError):
        return f"平台返回 HTTP {failure.response.status_code}"
    return f"网络中断（{type(failure).__name__}）"


def tomorrow(now: datetime) -> datetime:
    """The platforms' next midnight, when daily quotas begin anew."""
    day = now.astimezone(PLATFORM_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=1)


def today(now: datetime) -> str:
    """The platforms' calendar day, YYYY-MM-DD."""
    return now.astimezone(PLATFORM_ZONE).strftime("%Y-%m-%d")


def month_of(now: datetime) -> str:
    """The platforms' calendar month, YYYY-MM."""
    return now.astimezone(PLATFORM_ZONE).strftime("%Y-%m")


def period_of(span: str, at: datetime) -> str:
    """The platforms' day or month in which a moment lies, as counters are kept."""
    return today(at) if span == "day" else month_of(at)


def next_month(now: datetime) -> datetime:
    """The first moment of the platforms' next month."""
    first = now.astimezone(PLATFORM_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
