"""Outside: files of the portal put in place as they arrive, a whole batch or none of it, and never half a file."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hub.outer.errors import BadParcel
from hub.outer.packets import Packet
from kernel.work import Work

LONGEST_PATH = 500


@dataclass(frozen=True)
class SiteTaker:
    """`waiting` holds parts of files until the batch they belong to is put in place in `folder`."""

    folder: Path
    waiting: Path

    def take_part(self, _work: Work, packet: Packet) -> None:
        """Keeps a part; a repeat writes the same bytes again."""
        target = self.waiting / f"{_digest_in(packet.values)}.{int(packet.values['part'])}"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(packet.data)

    def put_in_place(self, work: Work, packet: Packet) -> None:
        """Puts a batch in place: first every file is made whole and compared, then all are renamed, then some go."""
        whole = [self._made_whole(entry) for entry in packet.values["put"]]
        drop = [self._target(path) for path in packet.values["drop"]]
        os.sync()
        for fresh, target in whole:
            if fresh is not None:
                fresh.replace(target)
        for target in drop:
            target.unlink(missing_ok=True)
        # Kept until the commit: one that is lost on the way is done once more.
        work.after_commit(lambda: self._forget([str(entry[1]) for entry in packet.values["put"]]))

    def _made_whole(self, entry: list[object]) -> tuple[Path | None, Path]:
        path, digest, parts = str(entry[0]), str(entry[1]), int(str(entry[2]))
        target = self._target(path)
        if target.is_file() and _digest_of(target) == digest:
            return None, target
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".new-{digest[:16]}-{target.name}"[:200])
        with fresh.open("wb") as file:
            for number in range(parts):
                with (self.waiting / f"{digest}.{number}").open("rb") as part:
                    shutil.copyfileobj(part, file)
        if _digest_of(fresh) != digest:
            fresh.unlink()
            raise BadParcel(why=f"文件 {path} 与校验值不符。")
        return fresh, target

    def _target(self, path: object) -> Path:
        told = PurePosixPath(str(path))
        parts = told.parts
        unfit = not parts or told.is_absolute() or any(part == ".." or part.startswith(".") for part in parts)
        if unfit or "\\" in str(path) or "\0" in str(path) or len(str(path)) > LONGEST_PATH:
            raise BadParcel(why="文件路径不合规。")
        return self.folder.joinpath(*parts)

    def _forget(self, digests: list[str]) -> None:
        for digest in digests:
            for part in self.waiting.glob(f"{digest}.*"):
                part.unlink(missing_ok=True)


def _digest_in(values: Mapping[str, object]) -> str:
    digest = str(values["sha256"])
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise BadParcel(why="文件校验值不合规。")
    return digest


def _digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
