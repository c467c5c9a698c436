"""Secrets encrypted at rest with the installation's own key."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from kernel.errors import XuandaError


class UnreadableSecret(XuandaError):
    """A stored secret cannot be read: the installation's key has changed. Put the old key file back, or enter the
    secret again."""

    zh = "已保存的密钥无法读取：安装密钥已变更。请恢复原密钥文件，或重新录入该账号的密钥。"


class Seal:
    """Closes and opens secrets with one key (32 bytes, urlsafe base64)."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)
        self._key = key

    def fingerprint(self, text: str) -> str:
        """A text only this installation can make (64 hexadecimal digits), the same each time."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def close(self, secret: str) -> str:
        """The secret as text that is safe to store."""
        return self._fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        """The secret again; raises UnreadableSecret when it was closed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise UnreadableSecret from None


def load_key(path: Path) -> bytes:
    """The installation's key from a file only its owner may read; made on first use."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_bytes().strip()
        with os.fdopen(handle, "wb") as file:
            file.write(Fernet.generate_key())
    return path.read_bytes().strip()
