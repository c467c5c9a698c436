"""The folder of the site: one process writes at a time, a page is never seen half written, nothing is written twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import IO

from channels.errors import Retryable

# Beside a page: its address answers 410.
GONE = ".gone"
# Beside a page: its address answers 301, to the address inside.
MOVED = ".moved"
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Folder:
    """The site's root; every `path` is an address of the site, beginning with a slash."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._root = str(root)

    @contextmanager
    def lock(self) -> Iterator[IO[str]]:
        """The lock's file, open and not locked: processes forked with it share one lock, which ends with the last."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            yield lock

    @contextmanager
    def locked(self, lock: IO[str] | None = None) -> Iterator[None]:
        """One act draws at a time, also over several machines that mount the folder."""
        try:
            if lock is None:
                with self.lock() as own:
                    fcntl.flock(own, fcntl.LOCK_EX)
                    yield
                return
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(lock, fcntl.LOCK_UN)
        except OSError as failure:
            raise Retryable(f"网站目录写入失败：{failure.strerror or failure}") from failure

    def has(self, path: str) -> bool:
        """Whether a page was written there."""
        return os.access(self._at(path), os.F_OK)

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
        target = self._at(path)
        beside = target.rpartition("/")[0]
        new = f"{beside}/.new-{token_hex(8)}"
        try:
            number = os.open(new, NEW, 0o644)
        except FileNotFoundError:
            Path(beside).mkdir(parents=True, exist_ok=True)
            number = os.open(new, NEW, 0o644)
        try:
            with os.fdopen(number, "wb") as file:
                os.fchmod(number, 0o644)
                file.write(data)
            os.replace(new, target)  # noqa: PTH105
        except BaseException:
            _unlink(new)
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
        for folder, _folders, names in os.walk(self._root):
            beside = folder.removeprefix(self._root)
            for name in names:
                file = f"{folder}/{name}"
                if os.path.isfile(file) and os.stat(file).st_mtime_ns < moment:  # noqa: PTH113, PTH116
                    yield f"{beside}/{name}"

    def sweep(self) -> None:
        """Takes away the folders in which nothing is left."""
        for folder, _folders, names in os.walk(self._root, topdown=False):
            # What was beneath it may have been taken away just now.
            if not names and folder != self._root and not os.listdir(folder):  # noqa: PTH208
                Path(folder).rmdir()

    def remove(self, path: str) -> None:
        """Takes a file away, if it is there."""
        _unlink(self._at(path))

    def remove_folder(self, path: str) -> bool:
        """Takes a folder away if nothing is in it; False while something is."""
        try:
            self._file(path).rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def _file(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _at(self, path: str) -> str:
        """The same as text: what a site does by the thousand costs more as a Path than in the file system."""
        return f"{self._root}/{path.lstrip('/')}"


def _unlink(file: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(file)  # noqa: PTH108
