"""The folder of the site: one process writes at a time, a page is never seen half written, nothing is written twice."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from channels.errors import Retryable

# Beside a page: its address answers 410.
GONE = ".gone"
# Beside a page: its address answers 301, to the address inside.
MOVED = ".moved"


class Folder:
    """The site's root; every `path` is an address of the site, beginning with a slash."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process draws at a time, also over several machines that mount the folder."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with (self.root / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as failure:
            raise Retryable(f"网站目录写入失败：{failure.strerror or failure}") from failure

    def has(self, path: str) -> bool:
        """Whether a page was written there."""
        return self._file(path).exists()

    def shows(self, path: str) -> bool:
        """Whether a page is there, neither withdrawn nor moved; only such a page may be linked."""
        return self.has(path) and not self.has(path + GONE) and not self.has(path + MOVED)

    def text(self, path: str) -> str:
        """What stands there; '' where nothing does."""
        return self._file(path).read_text("utf-8") if self.has(path) else ""

    def write(self, path: str, text: str) -> None:
        """Puts a page in place in one step."""
        self.write_bytes(path, text.encode())

    def write_bytes(self, path: str, data: bytes) -> None:
        """Puts a file in place in one step."""
        target = self._file(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def keep(self, path: str) -> bool:
        """Whether a file is there; if so it counts as written now, since it still belongs to the site."""
        try:
            os.utime(self._file(path))
        except FileNotFoundError:
            return False
        return True

    def moment(self, path: str) -> int:
        """When a file was written, in the file system's own time (nanoseconds); 0 where nothing stands."""
        return self._file(path).stat().st_mtime_ns if self.has(path) else 0

    def older_than(self, moment: int) -> Iterator[str]:
        """The addresses of the files that were written before a moment."""
        for file in self.root.rglob("*"):
            if file.is_file() and file.stat().st_mtime_ns < moment:
                yield f"/{file.relative_to(self.root).as_posix()}"

    def sweep(self) -> None:
        """Takes away the folders in which nothing is left."""
        for folder in sorted((one for one in self.root.rglob("*") if one.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()

    def remove(self, path: str) -> None:
        """Takes a file away, if it is there."""
        self._file(path).unlink(missing_ok=True)

    def _file(self, path: str) -> Path:
        return self.root / path.lstrip("/")
