"""Documents kept beside a piece: which are taken, and the text inside them, which is checked as the piece is."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import mammoth
from openpyxl import load_workbook

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
}
MOST_TEXT = 2_000_000
PDF_SECONDS = 20.0
_UNPACKED_LIMIT = 200 * 1024 * 1024
_OFD_PAGE = re.compile(r"(?:^|/)Pages/[^/]+/Content\.xml$")


@dataclass(frozen=True)
class Attachment:
    """A document ready to be kept: its name, bytes and type, and its text as far as that could be read."""

    name: str
    data: bytes
    media_type: str
    text: str = ""


def read(name: str, data: bytes) -> Attachment:
    """Reads what was uploaded, which may take seconds: to be called while no transaction is open.

    Raises Invalid for a type that is not taken.
    """
    suffix = "." + name.rpartition(".")[2].lower()
    if suffix not in TAKEN:
        raise Invalid(field="file", why=f"附件“{name}”的类型不受支持（可用：{'、'.join(TAKEN)}）。")
    return Attachment(name, data, TAKEN[suffix], text_of(suffix, data))


def text_of(suffix: str, data: bytes) -> str:
    """The text of a document; empty where there is none to be read: a scan, a film, a broken or a locked file."""
    try:
        return _read(suffix, data)[:MOST_TEXT]
    except Exception:  # noqa: BLE001  # The readers raise whatever they like on a broken file; it is kept all the same.
        return ""


def _read(suffix: str, data: bytes) -> str:
    if suffix == ".txt":
        return data.decode("utf-8", errors="replace")
    if suffix == ".pdf":
        return _pdf(data)
    if suffix not in (".docx", ".xlsx", ".ofd") or not _small_when_unpacked(data):
        return ""
    if suffix == ".docx":
        return str(mammoth.extract_raw_text(io.BytesIO(data)).value)
    return _xlsx(data) if suffix == ".xlsx" else "\n".join(_ofd(data))


def _xlsx(data: bytes) -> str:
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    rows = (row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))
    return "\n".join(" ".join(str(cell) for cell in row if cell is not None) for row in rows)


def _ofd(data: bytes) -> Iterator[str]:
    """The words of every page of an OFD document (GB/T 33190), as they are drawn."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in sorted((name for name in archive.namelist() if _OFD_PAGE.search(name)), key=_natural):
            page = archive.read(name)
            if b"<!DOCTYPE" in page or b"<!ENTITY" in page:
                continue
            root = ElementTree.fromstring(page)  # noqa: S314  # Entities were refused above.
            yield from ("".join(part.itertext()) for part in root.iter() if part.tag.endswith("}TextCode"))


def _natural(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]


def _pdf(data: bytes) -> str:
    """Read by a process of its own, which may not take more time or memory than it is given: a PDF is a program."""
    command = [sys.executable, "-m", "content.pdf_text"]
    done = subprocess.run(command, input=data, capture_output=True, timeout=PDF_SECONDS, check=True)  # noqa: S603  # Our own.
    return done.stdout.decode("utf-8", errors="replace")


def _small_when_unpacked(data: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(member.file_size for member in archive.infolist()) <= _UNPACKED_LIMIT
