"""Word documents to test with, built by python-docx and, where that cannot, by hand."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.shared import Pt

from tests.factories import picture_bytes

NAMESPACES = " ".join(
    f'xmlns:{prefix}="{address}"'
    for prefix, address in {
        "w": "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
        "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
        "pic": "http://schemas.openxmlformats.org/drawingml/2006/picture",
        "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
        "dgm": "http://schemas.openxmlformats.org/drawingml/2006/diagram",
        "m": "http://schemas.openxmlformats.org/officeDocument/2006/math",
        "v": "urn:schemas-microsoft-com:vml",
        "o": "urn:schemas-microsoft-com:office:office",
        "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006",
        "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
        "wpg": "http://schemas.microsoft.com/office/word/2010/wordprocessingGroup",
    }.items()
)
CENTER, RIGHT = WD_ALIGN_PARAGRAPH.CENTER, WD_ALIGN_PARAGRAPH.RIGHT


@cache
def _plain() -> bytes:
    """The maker's own empty document without its hundred table designs: reading them takes a second."""
    document = docx.Document()
    for style in list(document.styles):
        if style.type is WD_STYLE_TYPE.TABLE and style.name not in ("Normal Table", "Table Grid"):
            style.delete()
    return saved(document)


def build(*steps: Callable[[Document], Any]) -> bytes:
    """A document made by these steps, as a file."""
    document = docx.Document(io.BytesIO(_plain()))
    for step in steps:
        step(document)
    return saved(document)


def saved(document: Document) -> bytes:
    """The document as a file."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def line(text: str, side: Any = None, size: int = 0, **more: Any) -> Callable[[Document], Any]:
    """A paragraph on this side, in letters of this size."""

    def step(document: Document) -> None:
        paragraph = document.add_paragraph(style=more.get("style"))
        run = paragraph.add_run(text)
        paragraph.alignment = side
        if size:
            run.font.size = Pt(size)

    return step


def raw(inside: str, *, block: bool = False) -> Callable[[Document], Any]:
    """A paragraph whose markup is given, or a whole block."""
    markup = inside if block else f"<w:p>{inside}</w:p>"
    element = parse_xml(f"<root {NAMESPACES}>{markup}</root>")[0]
    return lambda document: document.element.body.insert(len(document.element.body) - 1, element)


def picture(color: str = "red", kind: str = "PNG", alt: str = "") -> Callable[[Document], Any]:
    """A picture in a paragraph of its own."""

    def step(document: Document) -> None:
        shape = document.add_picture(io.BytesIO(picture_bytes(color, kind=kind)))
        shape._inline.docPr.set("descr", alt)

    return step


def rewritten(data: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """The same file with some parts replaced, added or (None) taken out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for member in given.infolist():
            if member.filename not in changes:
                new.writestr(member.filename, given.read(member))
        for name, content in changes.items():
            if content is not None:
                new.writestr(name, content)
    return buffer.getvalue()


def part(data: bytes, name: str) -> bytes:
    """One part of a file."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


@cache
def notice() -> bytes:
    """An ordinary notice: two-line title, headings, two pictures, a table with merged cells, a signature."""

    def table(document: Document) -> None:
        grid = document.add_table(3, 3)
        grid.cell(0, 0).merge(grid.cell(0, 1)).text = "区域"
        grid.cell(1, 2).merge(grid.cell(2, 2)).text = "4月7日"
        grid.cell(1, 0).text = "城东"

    return build(
        line("关于进一步加强城区供热管理", CENTER, 22),
        line("工作的通知", CENTER, 22),
        lambda document: document.add_heading("总体要求", 1),
        line("　　市区供热延长。"),
        lambda document: document.add_heading("工作安排", 2),
        picture("red", alt="供热站外景"),
        table,
        picture("blue", "JPEG", "检修现场"),
        line("云州市住房和城乡建设局", RIGHT),
        line("2026年3月2日", RIGHT),
    )
