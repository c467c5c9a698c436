"""Uploaded bytes by the beginning of their SHA-256, in memory or in a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

KEY_LENGTH = 32


class Blobs:
    """Keeps what was uploaded; the same bytes have the same key."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """Keep `content`; returns its key."""
        key = hashlib.sha256(content).hexdigest()[:KEY_LENGTH]
        if self._folder:
            (self._folder / key).write_bytes(content)
        else:
            self._memory[key] = content
        return key

    def get(self, key: str) -> bytes | None:
        """The bytes, or None for a key that was never given out."""
        if not self._folder:
            return self._memory.get(key)
        path = self._folder / key
        return path.read_bytes() if key.isalnum() and path.exists() else None
