"""Word documents read into our own text: headings, lists, tables, pictures in their places, the signature."""

from __future__ import annotations

import hashlib
import io
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mammoth
from mammoth import documents, html

from content.importing import numbering
from content.importing.errors import BrokenDocument, TooLargeToImport
from content.importing.markup import marked, placeholder, rewrite
from content.importing.mend import EXTERNAL, Mended, mend
from content.importing.package import open_package
from kernel.typed import number_in, tidy

LONGEST_FILE = 100 * 1024 * 1024
MOST_PICTURES = 200
LONGEST_TITLE = 120
# Signature lines stand on the right by indenting when they are not aligned: a third of a page's width, in twips.
FAR_RIGHT = 3000

_STYLES = """
p[style-name='Title'] => h2:fresh
p[style-name='Subtitle'] => p.align-center:fresh
p[style-name='heading 1'] => h2:fresh
p[style-name='heading 2'] => h3:fresh
p[style-name='heading 3'] => h4:fresh
p[style-name='heading 4'] => h4:fresh
p[style-name='heading 5'] => h4:fresh
p[style-name='heading 6'] => h4:fresh
p[style-name='Quote'] => blockquote > p:fresh
p[style-name='xuanda center'] => p.align-center:fresh
p[style-name='xuanda right'] => p.align-right:fresh
p[style-name='xuanda signature'] => p.signature.align-right:fresh
u => u
strike => s
"""
_ALIGNED = {"center": "xuanda center", "right": "xuanda right", "end": "xuanda right"}
_TITLES = {"title", "标题", "文章标题", "公文标题", "大标题"}
_NUMBER = re.compile(r"^\S{1,15}[〔\[（(]\d{4}[〕\]）)]\s*(?:第?\s*\d+\s*号)?$")
_NAMED = re.compile(
    r"(?:^关于|(?:通知|公告|通告|公示|意见|办法|方案|报告|函|决定|批复|规定|细则|纪要|规划|要点|通报|解读)$)"
)
_DAY = re.compile(
    r"^(?:\d{4}|[〇○零一二三四五六七八九]{4})年(?:\d{1,2}|[一二三四五六七八九十]{1,3})月(?:\d{1,2}|[一二三四五六七八九十]{1,3})日$"
)
_OFFICE = re.compile(r"(?:局|委|府|办|厅|部|处|院|中心|会|科|队|站|所|馆|公司|组|室|协会)$")
_CHAPTER = re.compile(r"^第[一二三四五六七八九十\d]+[章节编条]")
_BACK = re.compile(r' ?<a href="#(?:footnote|endnote)-ref-[^"]*">↑</a>')

_REMARKS = (
    ("change", "文档带有修订痕迹，已按接受全部修订处理，请核对。"),
    ("comment", "批注 {n} 条没有带入。"),
    ("textbox", "文本框 {n} 个：其中的文字已移到所在段落之后，请核对位置。"),
    ("chart", "图表 {n} 个没能转换，已用红框标出，请上传截图。"),
    ("smartart", "SmartArt 图形 {n} 个没能转换，已用红框标出，请上传截图。"),
    ("formula", "公式 {n} 处没能转换，已用红框标出，请上传截图或改写。"),
    ("external", "图片 {n} 张在文档之外，没有读取，已用红框标出，请上传原图。"),
    ("object", "嵌入对象 {n} 个（表格、公式等）只保留了预览图，请核对。"),
    ("chunk", "有 {n} 处引用其他文档的内容没有带入。"),
    ("header", "页眉或页脚的文字没有带入。"),
    ("footnote", "脚注 {n} 条已移到文末。"),
    ("contents", "目录已略去，网页上会自动适应。"),
)  # fmt: skip


@dataclass(frozen=True)
class Embedded:
    """A picture inside a document: its bytes, its file name, and what its author wrote to describe it."""

    data: bytes
    name: str
    alt: str = ""


@dataclass(frozen=True)
class Document:
    """A document as our text; `html` has its pictures as numbers (see `markup`), `key` is the file's SHA-256.

    `remarks` say in Chinese what was not taken over, and what to look at again.
    """

    title: str
    html: str
    pictures: tuple[Embedded, ...]
    remarks: tuple[str, ...]
    key: str


def read_docx(data: bytes) -> Document:
    """Reads a Word document. Nothing outside the file is opened or fetched.

    Raises NotADocument, EncryptedDocument, BrokenDocument or TooLargeToImport.
    """
    if len(data) > LONGEST_FILE:
        raise TooLargeToImport(what="文档", limit=f"{LONGEST_FILE // 1024 // 1024} MB")
    package = open_package(data)
    mended = mend(package)
    numbering.write_out(package)
    reading = _Reading(mended)
    try:
        result = mammoth.convert_to_html(
            io.BytesIO(package.write()),
            style_map=_STYLES,
            transform_document=reading.arrange,
            convert_image=reading.picture,
            include_embedded_style_map=False,
            external_file_access=False,
        )
    except Exception as error:  # The converter raises whatever it likes at what Word would never write.
        raise BrokenDocument(why="内容无法转换") from error
    text = rewrite(_placed(_BACK.sub("", tidy(result.value)), mended.marks), _as_written)
    return Document(
        title=reading.title,
        html=text,
        pictures=tuple(reading.pictures),
        remarks=tuple(_remarks(mended.counts)),
        key=hashlib.sha256(data).hexdigest(),
    )


def _placed(text: str, marks: Mapping[str, str]) -> str:
    for mark, why in marks.items():
        text = text.replace(mark, placeholder(why))
    return text


def _as_written(attributes: Mapping[str, str]) -> str:
    """The converter's own picture tags: a number in our text, or a placeholder."""
    if attributes.get("data-unread"):
        return placeholder(attributes.get("alt", ""))
    number = attributes.get("src", "").rpartition("/")[2]
    return "" if (found := number_in(number)) is None else marked(found, attributes.get("alt", ""))


def _remarks(counts: Counter[str]) -> list[str]:
    return [text.format(n=counts[name]) for name, text in _REMARKS if counts[name]]


@dataclass
class _Reading:
    """One document on its way through the converter: its pictures as they come, the title once it is found."""

    mended: Mended
    pictures: list[Embedded] = field(default_factory=list)
    title: str = ""
    _numbers: dict[tuple[str, str], int] = field(default_factory=dict)

    def picture(self, image: Any) -> list[Any]:
        """The tag in a picture's place; its bytes are kept aside."""
        try:
            with image.open() as file:
                data = file.read()
        except (ValueError, KeyError, OSError, zipfile.BadZipFile):
            # It lies elsewhere, on somebody's disk or server. Nothing of that is ever opened.
            return self._unread(EXTERNAL, "external")
        if len(self.pictures) >= MOST_PICTURES:
            raise TooLargeToImport(what="文档中的图片", limit=f"{MOST_PICTURES} 张")
        alt = " ".join(tidy(image.alt_text or "").split())[:300]
        key = (hashlib.sha256(data).hexdigest(), alt)
        if key not in self._numbers:
            self._numbers[key] = len(self.pictures)
            suffix = posixpath.basename(str(image.content_type or "picture")).partition("+")[0]
            self.pictures.append(Embedded(data, f"{len(self.pictures) + 1}.{suffix}", alt))
        return [html.element("img", {"src": f"/import/{self._numbers[key]}", "alt": alt})]

    def _unread(self, why: str, count: str) -> list[Any]:
        self.mended.counts[count] += 1
        return [html.element("img", {"class": "unread-picture", "data-unread": "1", "alt": why})]

    def arrange(self, document: Any) -> Any:
        """The document without its title and contents, with the side on which paragraphs stand as their style."""
        children = [child for child in document.children if not self._is_contents(child)]
        children = self._take_title(children)
        signed = _signature(children)
        arranged = [
            _styled(child, "xuanda signature") if place in signed else _align(child)
            for place, child in enumerate(children)
        ]
        self.mended.counts["footnote"] = sum(
            isinstance(one, documents.NoteReference) for child in arranged for one in _inside(child)
        )
        return document.copy(children=arranged)

    def _is_contents(self, child: Any) -> bool:
        name = (child.style_name or "").lower() if isinstance(child, documents.Paragraph) else ""
        if not name.startswith(("toc ", "toc heading")):
            return False
        self.mended.counts["contents"] = 1
        return True

    def _take_title(self, children: list[Any]) -> list[Any]:
        lines = _title_lines(children)
        self.title = "".join(_words(children[place]) for place in lines)[:300]
        return [child for place, child in enumerate(children) if place not in lines]


def _title_lines(children: Sequence[Any]) -> list[int]:
    """Which paragraphs at the head are the document's title; none when nothing looks like one."""
    head = _head(children)
    styled = [place for place in head if (children[place].style_name or "").lower() in _TITLES]
    if styled:
        return styled[:1]
    groups = _centred(children, head)
    named = [group for group in groups if _NAMED.search("".join(_words(children[place]) for place in group))]
    if named or groups:
        return (named or groups)[0]
    headings = [place for place, child in enumerate(children) if _heading(child) == "heading 1"]
    return headings if len(headings) == 1 and headings[0] in head[:1] else []


def _head(children: Sequence[Any]) -> list[int]:
    """The first written paragraphs, as far as the first sentence."""
    head: list[int] = []
    for place, child in enumerate(children[:24]):
        words = _words(child)
        if words.endswith(("。", "；", "：")) or len(head) == 8:
            break
        if words:
            head.append(place)
    return head


def _centred(children: Sequence[Any], head: Sequence[int]) -> list[list[int]]:
    """Neighbouring centred lines in letters of one size, without what is centred at the head but is no title."""
    groups: list[list[int]] = []
    for place in head:
        if children[place].alignment != "center" or _no_title(_words(children[place])):
            continue
        if groups and _goes_on(children, groups[-1], place):
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _no_title(text: str) -> bool:
    """The office's own head, a document's number, a day, a note in brackets, a chapter."""
    return bool(
        text.endswith("文件")
        or text.startswith(("（", "("))
        or len(text) > 60
        or _NUMBER.match(text)
        or _DAY.match(text.replace(" ", ""))
        or _CHAPTER.match(text)
    )


def _goes_on(children: Sequence[Any], lines: Sequence[int], place: int) -> bool:
    """Whether a line is the next one of a title."""
    whole = "".join(_words(children[one]) for one in (*lines, place))
    same = _look(children[lines[-1]]) == _look(children[place])
    return same and place == lines[-1] + 1 and len(whole) <= LONGEST_TITLE


def _signature(children: Sequence[Any]) -> set[int]:
    """The closing lines: a day that stands alone, and who signed in the short lines above it."""
    found: set[int] = set()
    for place, child in enumerate(children):
        if not _DAY.match(_words(child).replace(" ", "")):
            continue
        found.add(place)
        for above in range(place - 1, max(-1, place - 4), -1):
            words = _words(children[above])
            if not words:
                continue
            if (
                len(words) > 40
                or words[-1] in "。；：，、！？"
                or not (_far_right(children[above]) or _OFFICE.search(words))
            ):
                break
            found.add(above)
    return found


def _far_right(paragraph: Any) -> bool:
    indent = paragraph.indent.start or ""
    raw = _raw(paragraph)
    return (
        paragraph.alignment in ("right", "end")
        or (number_in(indent) or 0) >= FAR_RIGHT
        or len(raw) - len(raw.lstrip()) >= 6
    )


def _align(child: Any) -> Any:
    """The paragraph, or all those in a table, with the side it stands on as its style."""
    if isinstance(child, documents.Paragraph):
        style = _ALIGNED.get(child.alignment or "")
        plain = not _heading(child) and child.numbering is None
        return _styled(child, style) if style and plain else child
    if isinstance(child, (documents.HasChildren, documents.TableCellUnmerged)):
        return child.copy(children=[_align(one) for one in child.children])
    return child


def _styled(paragraph: Any, name: str) -> Any:
    return paragraph.copy(style_id=None, style_name=name)


def _heading(child: Any) -> str:
    name = (child.style_name or "").lower() if isinstance(child, documents.Paragraph) else ""
    return name if name.startswith("heading ") else ""


def _words(child: Any) -> str:
    return " ".join(_raw(child).split()) if isinstance(child, documents.Paragraph) else ""


def _raw(child: Any) -> str:
    return "".join(one.value if isinstance(one, documents.Text) else "\t" for one in _inside(child) if _is_text(one))


def _is_text(one: Any) -> bool:
    return isinstance(one, (documents.Text, documents.Tab))


def _look(paragraph: Any) -> tuple[object, ...]:
    runs = [one for one in _inside(paragraph) if isinstance(one, documents.Run) and one.children]
    return (runs[0].font_size, runs[0].is_bold) if runs else ()


def _inside(element: Any) -> list[Any]:
    """Everything inside an element, itself first, in order."""
    found, waiting = [], [element]
    while waiting:
        one = waiting.pop()
        found.append(one)
        if isinstance(one, (documents.HasChildren, documents.TableCellUnmerged)):
            waiting.extend(reversed(one.children))
    return found
