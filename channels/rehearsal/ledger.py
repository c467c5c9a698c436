"""Everything the platforms received and did, numbered, in memory and optionally in an append-only file."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from channels.rehearsal.clock import Clock


class Entry(BaseModel):
    """One line: what happened (`kind`) on which account of which platform, with its details."""

    seq: int
    at: float
    time: str
    platform: str
    account: str
    kind: str
    data: dict[str, Any]


class Ledger:
    """An append-only list whose numbers only rise, also across a restart when it has a file."""

    def __init__(self, clock: Clock, path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self._entries: list[Entry] = list(_lines(path)) if path else []
        self._last = self._entries[-1].seq if self._entries else 0
        self.cleared = 0

    @property
    def last(self) -> int:
        """The highest number given so far; 0 when nothing was written."""
        return self._last

    def add(self, platform: str, account: str, kind: str, **data: Any) -> Entry:
        """Write a line, to the file before it can be read."""
        now = self._clock.now()
        moment = self._clock.moment(now).isoformat(timespec="milliseconds")
        entry = Entry(seq=self._last + 1, at=now, time=moment, platform=platform, account=account, kind=kind, data=data)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(entry.model_dump_json() + "\n")
        self._entries.append(entry)
        self._last = entry.seq
        return entry

    def find(
        self, platform: str = "", account: str = "", kind: str = "", since: int = 0, limit: int = 0
    ) -> list[Entry]:
        """Lines numbered above `since`, oldest first; `kind` may be several joined by commas, `limit` 0 is all."""
        kinds = set(kind.split(",")) if kind else set()
        start = bisect_right(self._entries, since, key=lambda entry: entry.seq)
        found = [
            entry
            for entry in self._entries[start:]
            if (not platform or entry.platform == platform)
            and (not account or entry.account == account)
            and (not kinds or entry.kind in kinds)
        ]
        return found[:limit] if limit else found

    def clear(self) -> None:
        """Forget all lines; the numbers go on, so that a reader who polls misses nothing."""
        self._entries.clear()
        self.cleared = self._last
        if self._path:
            self._path.write_text("", encoding="utf-8")


def _lines(path: Path) -> Iterable[Entry]:
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        # A process killed while writing leaves half a last line, which nobody was told about.
        if line.endswith("}"):
            yield Entry.model_validate_json(line)
