"""What is read of the documents beside a piece, and that a hostile one gets neither time nor memory."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook

from content import attachments, document_text
from content.attachments import text_of
from kernel.errors import Invalid
from tests.factories import pdf_bytes

OFD = (
    '<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content><ofd:TextObject>'
    '<ofd:TextCode X="0" Y="1">{}</ofd:TextCode></ofd:TextObject></ofd:Content></ofd:Page>'
)


def _xlsx(*rows: list[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]  # a new book has a sheet
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _docx(text: str) -> bytes:
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="a" Type="{relation}" Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{namespace}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p>'
        "</w:body></w:document>",
    }
    return _zip(files)


def _zip(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("suffix", "data", "text"),
    [
        (".txt", "公示名单".encode(), "公示名单"),
        (".txt", b"\xff\xfe\x00", "\ufffd\ufffd\x00"),
        (".xlsx", _xlsx(["姓名", "电话"], ["张三", None], [1, 2.5]), "姓名 电话\n张三\n1 2.5"),
        (".docx", _docx("云州市公告"), "云州市公告\n\n"),
        (".docx", b"not a zip", ""),
        (".docx", _zip({"other.txt": "x"}), ""),
        (".xlsx", b"PK\x03\x04 broken", ""),
        (".xlsx", _zip({"[Content_Types].xml": "<Types"}), ""),
        (".pdf", b"%PDF-1.7", ""),
        (".pdf", pdf_bytes("关于停水的通知", "联系人 13812348000"), "关于停水的通知\n联系人 13812348000\n"),
        (".pdf", pdf_bytes(), "\n"),
        (".ofd", _zip({"Doc_0/Pages/Page_0/Content.xml": OFD.format("云州市")}), "云州市"),
        (".ofd", _zip({f"Doc_0/Pages/Page_{n}/Content.xml": OFD.format(n) for n in (10, 2)}), "2\n10"),
        (".ofd", _zip({"Doc_0/Pages/Page_0/Content.xml": "<!DOCTYPE x>" + OFD.format("&x;")}), ""),
    ],
)
def test_the_text_of_attachments(suffix: str, data: bytes, text: str) -> None:
    assert text_of(suffix, data) == text


def test_an_archive_that_unpacks_to_gigabytes_is_not_opened() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x", "w", force_zip64=True) as file,
    ):
        for _ in range(210):
            file.write(b"\0" * 1024 * 1024)
    assert len(buffer.getvalue()) < 1024 * 1024
    assert text_of(".docx", buffer.getvalue()) == ""


@pytest.mark.parametrize(
    ("suffix", "data"), [(".pdf", pdf_bytes("停水通知")), (".docx", _docx("停水通知")), (".xlsx", _xlsx(["停水通知"]))]
)
def test_a_document_that_reads_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch, suffix: str, data: bytes) -> None:
    monkeypatch.setattr(attachments, "SECONDS", 0.01)
    assert text_of(suffix, data) == ""


def test_every_document_that_is_read_apart_has_a_reader() -> None:
    assert set(attachments.READ_APART) == set(document_text.READERS)


def test_a_sheet_that_takes_any_memory_ends_its_reader_and_nothing_else() -> None:
    # 150 MB of one cell, in a file of some hundred kilobytes: below what may be unpacked, beyond what may be held.
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    book = io.BytesIO(_xlsx(["x"]))
    out = io.BytesIO()
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in old.namelist():
            if not name.endswith("sheet1.xml"):
                archive.writestr(name, old.read(name))
        with archive.open("xl/worksheets/sheet1.xml", "w") as file:
            file.write(f'<worksheet xmlns="{namespace}"><sheetData><row><c t="inlineStr"><is><t>'.encode())
            for _ in range(150):
                file.write(b"a" * 1024 * 1024)
            file.write(b"</t></is></c></row></sheetData></worksheet>")
    assert len(out.getvalue()) < 2 * 1024 * 1024
    assert len(text_of(".xlsx", out.getvalue())) <= attachments.MOST_TEXT


def test_the_reader_limits_itself(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(document_text.resource, "setrlimit", lambda what, pair: limits.update({what: pair}))
    monkeypatch.setattr(document_text.sys, "stdin", io.TextIOWrapper(io.BytesIO(pdf_bytes(*["停水通知"] * 9))))
    monkeypatch.setattr(document_text, "MOST_TEXT", 6)
    monkeypatch.setattr(document_text.logging, "disable", lambda: None)
    assert document_text.main(".pdf") == 0
    assert len(capfdbinary.readouterr().out.decode().strip()) <= 7
    assert set(limits) == {document_text.resource.RLIMIT_CPU, document_text.resource.RLIMIT_AS}


def test_a_type_that_is_not_taken_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match=r"\.ofd"):
        attachments.read("病毒.exe", b"MZ")
