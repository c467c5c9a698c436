"""Files kept by the SHA-256 of their bytes, so that the same picture is kept once and nothing is overwritten."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BlobRef:
    """A kept file: its SHA-256 in hexadecimal and its size in bytes."""

    sha256: str
    size: int


class Blobs:
    """A folder of files; all machines of an installation mount the same one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes) -> BlobRef:
        """Keeps the bytes and returns their reference; a second time does nothing.

        The file appears under its name only when it is whole and on disk.
        """
        ref = BlobRef(hashlib.sha256(data).hexdigest(), len(data))
        path = self.path(ref.sha256)
        if path.exists():
            return ref
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return ref

    def remove(self, sha256: str) -> None:
        """Takes the bytes off the disk; whether anybody else needs them is for the caller to know."""
        self.path(sha256).unlink(missing_ok=True)

    def get(self, sha256: str) -> bytes:
        """The bytes; raises FileNotFoundError when they are not kept."""
        return self.path(sha256).read_bytes()

    def path(self, sha256: str) -> Path:
        """Where the bytes are or would be; raises ValueError for what is no SHA-256."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256: {sha256[:80]!r}")
        return self.root / sha256[:2] / sha256

    def all(self) -> list[str]:
        """The names of all kept files."""
        return sorted(path.name for path in self.root.glob("??/*") if not path.name.startswith("."))

    def damaged(self) -> list[str]:
        """The names of kept files whose bytes no longer match."""
        return [name for name in self.all() if hashlib.sha256(self.get(name)).hexdigest() != name]
