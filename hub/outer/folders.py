"""Exchange through folders (网闸): parcels as numbered files, written whole under their name, taken from an inbox.

Something else carries the files across. It may bring them late, twice, in another order or broken, or lose some: what
is unconfirmed is written again, and what cannot be taken is put apart with its reason.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".parcel"
REFUSED = "refused"
# A file that cannot be read yet may still be being copied; after so many seconds it is taken to be broken.
COPYING_SECONDS = 20.0
MOST_REFUSED = 50
MOST_WAITING = 500


@dataclass(frozen=True)
class Folders:
    """Where the other side's files arrive, and where ours are fetched from."""

    inbox: Path
    outbox: Path

    def write(self, name: str, parcel: bytes) -> Path:
        """Puts a parcel into the outbox; nobody ever sees half of it under its name."""
        self.outbox.mkdir(parents=True, exist_ok=True)
        target = self.outbox / f"{name}{SUFFIX}"
        fresh = self.outbox / f".{name}.new"
        with fresh.open("wb") as file:
            file.write(parcel)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
        return target

    def is_full(self) -> bool:
        """Whether so much waits in the outbox that nobody seems to fetch it."""
        return sum(1 for _ in self.outbox.glob(f"*{SUFFIX}")) >= MOST_WAITING

    def clear_all(self, role: str) -> None:
        """Removes every file of this side from the outbox."""
        self.clear([path.stem for path in self.outbox.glob(f"*-{role}{SUFFIX}")])

    def clear(self, names: Iterable[str]) -> None:
        """Removes files of ours that are confirmed, where whatever carries them has left them."""
        for name in names:
            (self.outbox / f"{name}{SUFFIX}").unlink(missing_ok=True)

    def arrived(self) -> Iterator[Path]:
        """The files in the inbox, in the order of their names."""
        if not self.inbox.exists():
            return
        yield from sorted(path for path in self.inbox.glob(f"*{SUFFIX}") if path.is_file() and not path.is_symlink())

    def refuse(self, path: Path) -> None:
        """Puts a file apart, so that it is looked at once; only the newest are kept."""
        folder = self.inbox / REFUSED
        folder.mkdir(exist_ok=True)
        path.replace(folder / path.name)
        kept = sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime)
        for old in kept[:-MOST_REFUSED]:
            old.unlink(missing_ok=True)


def may_be_copying(path: Path) -> bool:
    """Whether a file is so new that it may not be whole yet."""
    return time.time() - path.stat().st_mtime < COPYING_SECONDS
