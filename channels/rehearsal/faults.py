"""Faults a drill injects: a broken answer for the next N calls whose platform and path match."""

from __future__ import annotations

import itertools
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict

FaultKind = Literal[
    "http_5xx",
    "timeout",
    "cut_before",
    "cut_after",
    "throttle",
    "token_expire_now",
    "errcode",
    "delay",
    "late_answer",
]


class Fault(BaseModel):
    """One injected fault.

    `path` is a shell pattern over the path below the platform (`cgi-bin/draft/*`), `count` how many calls it hits
    (0 is until removed), `skip` how many matching calls pass first, `seconds` the wait of `delay` (before acting), of
    `late_answer` (after acting) and of `timeout`, and the Retry-After of `throttle`, `code` the HTTP status of
    `http_5xx` or the platform's own code of `errcode`.
    """

    model_config = ConfigDict(extra="forbid")

    id: int = 0
    kind: FaultKind
    platform: Literal["wechat", "weibo", "jpush", "webpush", "cms", "sftp", "sms", "hotline", "*"] = "*"
    path: str = "*"
    account: str = ""
    count: int = 1
    skip: int = 0
    seconds: float = 5.0
    code: int = 0
    hits: int = 0


class Faults:
    """The faults in force, in the order they were injected; the first match acts."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        """Put `fault` in force; it gets its number."""
        added = fault.model_copy(update={"id": next(self._numbers), "hits": 0})
        self._faults.append(added)
        return added

    def all(self) -> list[Fault]:
        """Those in force and those used up."""
        return list(self._faults)

    def remove(self, number: int) -> bool:
        """Take one away; False when there was none."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.id != number]
        return len(self._faults) < before

    def clear(self) -> None:
        """Take all away."""
        self._faults.clear()

    def take(self, platform: str, path: str, account: str) -> Fault | None:
        """The fault that hits this call, counted as used once, or None."""
        for fault in self._faults:
            if not _matches(fault, platform, path, account):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.count and fault.hits >= fault.count:
                continue
            fault.hits += 1
            return fault
        return None


def _matches(fault: Fault, platform: str, path: str, account: str) -> bool:
    return (
        fault.platform in ("*", platform)
        and fnmatchcase(path, fault.path)
        and (not fault.account or fault.account == account)
    )
