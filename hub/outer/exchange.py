"""The exchange: by HTTPS opened from inside, or by files through folders; each round goes on from the log's numbers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import structlog
from sqlalchemy import select

from channels.transport import PrivateAddress
from hub.outer.errors import BadParcel
from hub.outer.folders import Folders, may_be_copying
from hub.outer.log import PacketLog, is_paired, marks_of
from hub.outer.models import OuterLink
from hub.outer.packets import LARGEST_PARCEL

log = structlog.get_logger(__name__)

PATH = "/outer/exchange"
MOST_TURNS = 50
# Files: a sign of life at the latest after so many seconds, and what is unconfirmed once more after so many.
LIFE_SECONDS = 20.0
AGAIN_SECONDS = 60.0
_NAME = re.compile(r"[0-9]{12}-(inner|outer)", re.ASCII)


@dataclass
class ByHttps:
    """Inside: asks the outer side again and again, until neither has more for the other."""

    log: PacketLog
    client: httpx.Client
    address: str

    def round(self) -> int:
        """One exchange; returns how many packets were taken. What goes wrong is kept for people, and tried again."""
        with self.log.works.read() as work:
            if not is_paired(work.session):
                return 0
        total, acked = 0, -1
        for _turn in range(MOST_TURNS):
            with self.log.works.read() as work:
                before, acked = acked, marks_of(work.session)["acked"]
            if before == acked:  # The other side does not take what it was sent; the next round asks again.
                break
            sent, taken, more = self._turn()
            total += taken
            if not more and not sent:
                break
        return total

    def _turn(self) -> tuple[bool, int, bool]:
        parcel, last, _serial = self.log.parcel()
        try:
            answer = self._ask(parcel)
        except (httpx.HTTPError, PrivateAddress) as failure:
            words = failure.message() if isinstance(failure, PrivateAddress) else type(failure).__name__
            self.log.unanswered(f"外网端没有应答（{words}）。")
            return False, 0, False
        if isinstance(answer, str):
            self.log.unanswered(answer)
            return False, 0, False
        try:
            taken = self.log.take(answer)
        except BadParcel as refused:
            self.log.refused("HTTPS", refused.message())
            return False, 0, False
        return last > 0, taken.packets, taken.more and taken.packets > 0

    def _ask(self, parcel: bytes) -> bytes | str:
        """The other side's parcel, or in words why there is none."""
        headers = {"Content-Type": "application/octet-stream"}
        with self.client.stream("POST", f"{self.address}{PATH}", content=parcel, headers=headers) as answer:
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LARGEST_PARCEL:
                    return "外网端的应答超过大小上限。"
        if answer.status_code != httpx.codes.OK:
            return f"外网端拒绝了交换（HTTP {answer.status_code}）：{body[:200].decode('utf-8', 'replace')}"
        return body


@dataclass
class ByFiles:
    """Either side: takes what arrived, then writes what is new, what stayed unconfirmed, and a sign of life."""

    log: PacketLog
    folders: Folders
    role: str
    clock: Callable[[], float] = time.monotonic
    _sent: int = 0
    _acked: int = -1
    _told: int = -1
    _wrote_at: float = -1e9
    _moved_at: float = -1e9
    _names: dict[str, tuple[int, float]] = field(default_factory=dict)
    _begun: bool = False

    def round(self) -> int:
        """One look at both folders; returns how many packets were taken."""
        with self.log.works.read() as work:
            if not is_paired(work.session):
                return 0
        taken = self._take_all()
        self._write_all()
        return taken

    def _take_all(self) -> int:
        taken = 0
        for path in self.folders.arrived():
            try:
                taken += self._take(path)
            except OSError as failure:
                # Whatever carries the files still holds it, or took it away again.
                log.warning("a parcel could not be read", name=path.name, why=str(failure))
        return taken

    def _take(self, file: Path) -> int:
        try:
            if not _NAME.fullmatch(file.stem) or file.stem.endswith(self.role):
                raise BadParcel(why="文件名不是对端的。")
            if file.stat().st_size > LARGEST_PARCEL:
                raise BadParcel(why="超过大小上限。")
            taken = self.log.take(file.read_bytes(), numbered=True)
        except BadParcel as refused:
            if not may_be_copying(file):
                self.log.refused(file.name, refused.message())
                self.folders.refuse(file)
            return 0
        file.unlink(missing_ok=True)
        return taken.packets

    def _write_all(self) -> None:
        with self.log.works.read() as work:
            marks = marks_of(work.session)
        now = self.clock()
        if not self._begun:  # Files of an earlier process: what of them is unconfirmed is written anew.
            self.folders.clear_all(self.role)
            self._begun = True
        if marks["acked"] != self._acked:
            self._acked, self._moved_at = marks["acked"], now
        done = {name for name, (last, at) in self._names.items() if last <= self._acked and now - at > AGAIN_SECONDS}
        self.folders.clear(done)
        self._names = {name: about for name, about in self._names.items() if name not in done}
        if self._sent > marks["acked"] and now - max(self._moved_at, self._wrote_at) > AGAIN_SECONDS:
            self._sent = marks["acked"]
        self._sent = max(self._sent, marks["acked"])
        for _turn in range(MOST_TURNS):
            due = marks["written"] > self._sent or marks["applied"] != self._told
            if not due and now - self._wrote_at < LIFE_SECONDS:
                return
            if self.folders.is_full():
                self.log.unanswered("待摆渡文件过多，网闸可能没有取走文件。")
                return
            if not self._write_one(now):
                return

    def _write_one(self, now: float) -> bool:
        """Writes one file; whether there is more to write."""
        with self.log.works.read() as work:
            marks = marks_of(work.session)
        parcel, last, serial = self.log.parcel(self._sent, numbered=True)
        name = f"{serial:012d}-{self.role}"
        self.folders.write(name, parcel)
        self._names[name] = (last, now)
        self._sent, self._told, self._wrote_at = max(self._sent, last), marks["applied"], now
        return marks["written"] > self._sent


def role_of(log_: PacketLog) -> str:
    """Which side this installation is; '' before it is either."""
    with log_.works.read() as work:
        return work.session.scalar(select(OuterLink.role).where(OuterLink.id == 1)) or ""
