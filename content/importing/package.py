"""The file around a Word document: told apart from what only looks like one, and opened without being hurt."""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.parsers import expat

from content.importing.errors import BrokenDocument, EncryptedDocument, NotADocument, TooLargeToImport

MOST_PARTS = 5000
LONGEST_XML = 12 * 1024 * 1024
LONGEST_ALL = 250 * 1024 * 1024
DEEPEST = 400

_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
# How other files begin, for a refusal that says what it is.
_BEGINNINGS = (
    (b"{\\rtf", "RTF 文档"),
    (b"%PDF", "PDF 文件"),
    (b"\x89PNG", "图片"),
    (b"\xff\xd8\xff", "图片"),
    (b"\xef\xbb\xbf<", "网页"),
    (b"<", "网页"),
    (b"Rar!", "压缩包"),
    (b"7z\xbc\xaf", "压缩包"),
)
_INSIDE = (
    ("xl/", "Excel 表格"),
    ("ppt/", "PowerPoint 演示文稿"),
    ("OFD.xml", "OFD 版式文件"),
    ("content.xml", "OpenDocument 文档"),
)


@dataclass
class Package:
    """The parts of a document by name; `main` names the text itself."""

    parts: dict[str, bytes]
    main: str

    def tree(self, name: str) -> ET.Element | None:
        """A part as XML; None when there is no such part. Raises BrokenDocument."""
        data = self.parts.get(name)
        return None if data is None else parse(data)

    def write(self) -> bytes:
        """The document as a file again, unpacked."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, data in self.parts.items():
                archive.writestr(name, data)
        return buffer.getvalue()

    def beside(self, name: str) -> str:
        """The name of a part that stands beside the main one, as `footnotes.xml`."""
        return posixpath.join(posixpath.dirname(self.main), name)

    def relations(self, name: str) -> dict[str, tuple[str, bool]]:
        """What a part points to: target and whether that is outside the file, by id."""
        folder, file = posixpath.split(name)
        tree = self.tree(posixpath.join(folder, "_rels", f"{file}.rels"))
        found = {}
        for one in tree if tree is not None else ():
            found[one.get("Id", "")] = (one.get("Target", ""), one.get("TargetMode", "") == "External")
        return found


def open_package(data: bytes) -> Package:
    """Reads the parts of a .docx; raises one of the errors of importing for everything else."""
    if data.startswith(_OLE):
        raise EncryptedDocument if _ENCRYPTED in data else NotADocument(what="旧版 Word（.doc）或 WPS（.wps）文件")
    if not data.startswith(b"PK"):
        head = data[:64].lstrip()
        raise NotADocument(what=next((what for start, what in _BEGINNINGS if head.startswith(start)), "无法识别的文件"))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = _parts(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError) as error:
        raise BrokenDocument(why="压缩包无法解开") from error
    return Package(parts, _main(parts))


def parse(data: bytes) -> ET.Element:
    """A part as XML. Word writes no document type and nests nothing deeply; what does either is an attack."""
    depth = 0

    def enter(*_given: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise BrokenDocument(why="嵌套过深")

    def leave(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_given: object) -> None:
        raise BrokenDocument(why="含有文档类型声明")

    checker = expat.ParserCreate()
    checker.StartElementHandler, checker.EndElementHandler, checker.StartDoctypeDeclHandler = enter, leave, refuse
    try:
        checker.Parse(data, True)
        return ET.fromstring(data)  # noqa: S314  # Checked above: no document type, no entities, not deep.
    except (expat.ExpatError, ET.ParseError, ValueError, LookupError) as error:
        raise BrokenDocument(why="内容不完整") from error


def _parts(archive: zipfile.ZipFile) -> dict[str, bytes]:
    members = [member for member in archive.infolist() if not member.is_dir()]
    if len(members) > MOST_PARTS or sum(member.file_size for member in members) > LONGEST_ALL:
        raise TooLargeToImport(what="文档解压后的内容", limit=f"{LONGEST_ALL // 1024 // 1024} MB")
    parts = {}
    for member in members:
        if member.flag_bits & 1:
            raise EncryptedDocument
        if member.filename.endswith((".xml", ".rels")) and member.file_size > LONGEST_XML:
            raise TooLargeToImport(what="文档正文", limit=f"{LONGEST_XML // 1024 // 1024} MB")
        # Only so many bytes are read as the directory names, whatever the packed data would unfold to.
        parts[member.filename.replace("\\", "/")] = archive.read(member)
    return parts


def _main(parts: dict[str, bytes]) -> str:
    rels = Package(parts, "").tree("_rels/.rels")
    for one in rels if rels is not None else ():
        if one.get("Type", "").endswith("/officeDocument"):
            target = one.get("Target", "").lstrip("/")
            kind = _content_type(parts, target)
            if target in parts and "wordprocessingml" in kind:
                return target
    what = next((what for start, what in _INSIDE if any(name.startswith(start) for name in parts)), "压缩包")
    if what == "压缩包" and "word/document.xml" in parts:
        return "word/document.xml"
    if what == "压缩包" and any(name.startswith("word/") for name in parts):
        raise BrokenDocument(why="缺少正文")
    raise NotADocument(what=what)


def _content_type(parts: dict[str, bytes], name: str) -> str:
    types = Package(parts, "").tree("[Content_Types].xml")
    for one in types if types is not None else ():
        if one.get("PartName", "").lstrip("/") == name:
            return one.get("ContentType", "")
    return ""
