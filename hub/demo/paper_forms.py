"""Application forms of the invented city as Word files, blank and filled in, made while the demo is filled."""

from __future__ import annotations

import io
import zipfile
from html import escape

from hub.demo.corpus import GuideRow, Material

# What every application asks, and what an example says: the masked parts are left to whoever fills it in.
_LINES = (
    ("申请人姓名", "云小江（示例）"),
    ("公民身份号码", "请填写本人 18 位号码"),
    ("联系电话", "请填写能接通的手机号码"),
    ("住址", "云江市临江区示例路1号"),
    ("申请事项", "{name}"),
    ("申请理由", "符合办理条件，现提出申请。"),
    ("申请人签名", "云小江（示例，须本人手写）"),
    ("申请日期", "填写递交当天的日期"),
)
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_FORMS = ("申请表", "申领表", "登记表", "申请书")
# The files' own time: the same form has the same bytes.
_MADE = (2026, 1, 1, 0, 0, 0)


def has_form(material: Material) -> bool:
    """Whether a paper is a form that the office gives out."""
    return material.name.endswith(_FORMS)


def names(material: Material) -> tuple[str, str]:
    """What the blank form and the example are called."""
    return f"{material.name}（空表）.docx", f"{material.name}（样表）.docx"


def blank(row: GuideRow, material: Material) -> bytes:
    """The form as it is handed out; only the matter itself stands in it."""
    return _document(material.name, [(label, row.name if label == "申请事项" else "") for label, _example in _LINES])


def sample(row: GuideRow, material: Material) -> bytes:
    """The same form filled in by nobody."""
    lines = [(label, example.format(name=row.name)) for label, example in _LINES]
    return _document(f"{material.name}（填写示例）", lines)


def _document(title: str, lines: list[tuple[str, str]]) -> bytes:
    rows = "".join(f"<w:tr>{_cell(label, 2400)}{_cell(value, 6600)}</w:tr>" for label, value in lines)
    borders = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:color="000000"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    table = f"<w:tbl><w:tblPr><w:tblBorders>{borders}</w:tblBorders></w:tblPr>{rows}</w:tbl>"
    body = f"{_paragraph(title, size=36)}{table}{_paragraph('本表由云江市（虚构）提供，仅供演示。')}"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_MAIN}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{_WORD}"><w:body>{body}</w:body></w:document>',
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in parts.items():
            head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
            file.writestr(zipfile.ZipInfo(name, _MADE), head + text)
    return packed.getvalue()


def _cell(text: str, width: int) -> str:
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{_paragraph(text)}</w:tc>'


def _paragraph(text: str, size: int = 24) -> str:
    return f'<w:p><w:r><w:rPr><w:sz w:val="{size}"/></w:rPr><w:t>{escape(text)}</w:t></w:r></w:p>'
