"""Inside: the portal's folder sent to the outer side, by the digests of its files and only what changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, select

from hub.outer.log import PacketLog, is_paired
from hub.outer.models import OuterFile, OuterLink
from kernel.work import Work

PART = 512 * 1024
BATCH = 4 * 1024 * 1024
MOST_FILES = 400
# So much of the site may be on its way at a time: what citizens and agents say must not wait behind more.
WINDOW = 8 * 1024 * 1024
KINDS = ("file", "site")


@dataclass(frozen=True)
class Seen:
    """A file as the folder shows it."""

    path: str
    size: int
    changed: int


@dataclass
class SiteSender:
    """Compares the folder with what the outer side has, and sends the difference in batches that each fit together."""

    log: PacketLog
    folder: Path
    # The pairing and the folder as they were when there was nothing left to send.
    _settled: int = 0

    def round(self) -> int:
        """Sends what changed, as far as the window allows; returns how many files were sent or dropped."""
        total = 0
        while sent := self._batch():
            total += sent
        return total

    def _batch(self) -> int:
        with self.log.works.read() as work:
            if not is_paired(work.session) or self.log.waiting_bytes(work.session, *KINDS) > WINDOW:
                return 0
            pairing = work.session.scalar(select(OuterLink.log))
        present = {seen.path: seen for seen in files_in(self.folder)}
        as_it_is = hash((pairing, frozenset(present.values())))
        if as_it_is == self._settled:
            return 0
        with self.log.works.read() as work:
            known = {row.path: row for row in work.session.scalars(select(OuterFile))}
        changed = [seen for seen in present.values() if _differs(seen, known.get(seen.path))]
        gone = sorted(known.keys() - present.keys())
        if not changed and not gone:
            self._settled = as_it_is
            return 0
        with self.log.works.write() as work:
            put = self._put(work, _in_order(changed), known)
            # What is no longer there goes last, once everything that replaces it is there.
            drop = gone[:MOST_FILES] if len(put) == len(changed) else []
            work.session.execute(delete(OuterFile).where(OuterFile.path.in_(drop)))
            sent = [entry for entry in put if entry is not None]
            if sent or drop:
                self.log.put(work, "site", {"put": sent, "drop": drop})
        return len(put) + len(drop)

    def _put(self, work: Work, changed: Sequence[Seen], known: dict[str, OuterFile]) -> list[list[object] | None]:
        """What was looked at: an entry for each file that was sent, None for one that is the same as before."""
        looked: list[list[object] | None] = []
        room = BATCH
        for seen in changed[:MOST_FILES]:
            if looked and seen.size > room:
                break
            try:
                data = (self.folder / seen.path).read_bytes()
            except FileNotFoundError:
                looked.append(None)
                continue
            room -= len(data)
            digest = hashlib.sha256(data).hexdigest()
            row = known.get(seen.path)
            same = row is not None and row.sha256 == digest
            looked.append(None if same else [seen.path, digest, self._send(work, digest, data)])
            work.session.merge(OuterFile(path=seen.path, sha256=digest, size=seen.size, changed=seen.changed))
        return looked

    def _send(self, work: Work, digest: str, data: bytes) -> int:
        """Sends the bytes in parts; returns how many."""
        starts = range(0, max(1, len(data)), PART)
        for number, start in enumerate(starts):
            self.log.put(work, "file", {"sha256": digest, "part": number}, data[start : start + PART])
        return len(starts)


def files_in(folder: Path) -> Iterator[Seen]:
    """Every file of the site; what the portal is only about to write stands under a hidden name and is left out."""
    waiting = [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except FileNotFoundError:
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                told = entry.stat(follow_symlinks=False)
                yield Seen(Path(entry.path).relative_to(folder).as_posix(), told.st_size, told.st_mtime_ns)


def _differs(seen: Seen, known: OuterFile | None) -> bool:
    return known is None or known.size != seen.size or known.changed != seen.changed


def _in_order(changed: Sequence[Seen]) -> list[Seen]:
    """Media before pages, pages before the lists and the front that lead to them, as they were written."""
    return sorted(changed, key=lambda seen: (_rank(seen.path), seen.changed, seen.path))


def _rank(path: str) -> int:
    if not path.endswith((".html", ".xml", ".json", ".csv", ".css")):
        return 0
    return 2 if path.endswith(("index.html", ".xml", ".json", ".csv")) else 1
