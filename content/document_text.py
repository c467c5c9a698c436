"""The text of a document, as a process of its own: the document on standard input, its text on standard output.

It limits itself before it reads, because a hostile document can ask for any time and any memory. Its one argument is
the ending of the document's name, and only the library for that is loaded: each takes as long as a short document.
"""

from __future__ import annotations

import io
import logging
import re
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from xml.etree import ElementTree

SECONDS = 15
MEMORY = 768 * 1024 * 1024
MOST_PAGES = 500
MOST_TEXT = 2_000_000
UNPACKED = 200 * 1024 * 1024
_OFD_PAGE = re.compile(r"(?:^|/)Pages/[^/]+/Content\.xml$")


def main(suffix: str) -> int:
    """Writes the text; 1 for a document that cannot be opened, also because it has a password."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    logging.disable()
    room = MOST_TEXT
    for part in READERS[suffix](sys.stdin.buffer.read()):
        text = part[:room]
        room -= len(text)
        sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
        sys.stdout.buffer.flush()
        if room <= 0:
            break
    return 0


def _pdf(data: bytes) -> Iterator[str]:
    from pypdf import PdfReader  # noqa: PLC0415  # Only what this document needs.

    for page in PdfReader(io.BytesIO(data)).pages[:MOST_PAGES]:
        yield page.extract_text()
        yield "\n"


def _docx(data: bytes) -> Iterator[str]:
    import mammoth  # noqa: PLC0415  # Only what this document needs.

    _must_be_small(data)
    yield str(mammoth.extract_raw_text(io.BytesIO(data)).value)


def _xlsx(data: bytes) -> Iterator[str]:
    from openpyxl import load_workbook  # noqa: PLC0415  # Only what this document needs.

    _must_be_small(data)
    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for number, row in enumerate(row for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)):
        yield ("\n" if number else "") + " ".join(str(cell) for cell in row if cell is not None)


def _ofd(data: bytes) -> Iterator[str]:
    """The words of every page of an OFD document (GB/T 33190), as they are drawn."""
    _must_be_small(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        drawn = False
        for name in sorted((name for name in archive.namelist() if _OFD_PAGE.search(name)), key=_natural):
            page = archive.read(name)
            if b"<!DOCTYPE" in page or b"<!ENTITY" in page:
                continue
            root = ElementTree.fromstring(page)  # noqa: S314  # Entities were refused above.
            for part in root.iter():
                if part.tag.endswith("}TextCode"):
                    yield ("\n" if drawn else "") + "".join(part.itertext())
                    drawn = True


def _natural(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", name)]


def _must_be_small(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(member.file_size for member in archive.infolist()) > UNPACKED:
            raise ValueError(UNPACKED)


READERS: Mapping[str, Callable[[bytes], Iterator[str]]] = {
    ".pdf": _pdf,
    ".docx": _docx,
    ".xlsx": _xlsx,
    ".ofd": _ofd,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
