"""Documents kept beside a piece: which are taken, and the text inside them, which is checked as the piece is."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from content import captions
from kernel.errors import Invalid

TAKEN = {
    ".pdf": "application/pdf",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
    ".txt": "text/plain",
    ".ofd": "application/ofd",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    **dict.fromkeys(captions.ENDINGS, captions.MEDIA_TYPE),
}
READ_APART = (".pdf", ".docx", ".xlsx", ".ofd")
MOST_TEXT = 2_000_000
SECONDS = 20.0


@dataclass(frozen=True)
class Attachment:
    """A document ready to be kept: its name, bytes and type, and its text as far as that could be read."""

    name: str
    data: bytes
    media_type: str
    text: str = ""


def read(name: str, data: bytes) -> Attachment:
    """Reads what was uploaded, which may take seconds: to be called while no transaction is open.

    Raises Invalid for a type that is not taken, and for captions that cannot be shown.
    """
    suffix = _suffix(name)
    if suffix not in TAKEN:
        raise Invalid(field="file", why=f"附件“{name}”的类型不受支持（可用：{'、'.join(TAKEN)}）。")
    if suffix in captions.ENDINGS:
        found = captions.read(data, suffix)
        return Attachment(captions.kept_name(name), found.data, captions.MEDIA_TYPE, found.text)
    return Attachment(name, data, TAKEN[suffix], text_of(suffix, data))


def type_of(name: str) -> str:
    """The type of a file that is kept."""
    return TAKEN.get(_suffix(name), "application/octet-stream")


def _suffix(name: str) -> str:
    return "." + name.rpartition(".")[2].lower()


def text_of(suffix: str, data: bytes) -> str:
    """The text of a document; empty where there is none to be read: a scan, a film, a broken or a locked file."""
    try:
        return _read(suffix, data)[:MOST_TEXT]
    except Exception:  # noqa: BLE001  # The readers raise whatever they like on a broken file; it is kept all the same.
        return ""


def _read(suffix: str, data: bytes) -> str:
    if suffix == ".txt":
        return data.decode("utf-8", errors="replace")
    if suffix not in READ_APART:
        return ""
    # By a process of its own, which may not take more time or memory than it is given: a document can be a bomb.
    command = [sys.executable, "-m", "content.document_text", suffix]
    done = subprocess.run(command, input=data, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603  # Our own.
    return done.stdout.decode("utf-8", errors="replace")
