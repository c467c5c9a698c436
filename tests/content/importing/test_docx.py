"""Word documents of offices become our text with nothing lost in silence; hostile and broken ones are refused."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import pytest
from docx.document import Document as Word

from content.importing import package
from content.importing.docx import read_docx
from content.importing.errors import (
    BrokenDocument,
    CannotImport,
    EncryptedDocument,
    NotADocument,
    TooLargeToImport,
)
from tests.content.importing.word import CENTER, RIGHT, build, line, notice, part, picture, raw, rewritten
from tests.factories import picture_bytes

OLE = bytes.fromhex("d0cf11e0a1b11ae1")


def html(*steps: Any) -> str:
    return read_docx(build(*steps)).html


def test_a_notice_keeps_its_shape() -> None:
    document = read_docx(notice())
    assert document.title == "关于进一步加强城区供热管理工作的通知"
    assert document.remarks == ()
    assert document.html == (
        "<h2>总体要求</h2><p>市区供热延长。</p><h3>工作安排</h3>"
        '<p><img src="/import/0" alt="供热站外景"></p>'
        '<table><tbody><tr><td colspan="2"><p>区域</p></td><td></td></tr>'
        '<tr><td><p>城东</p></td><td></td><td rowspan="2"><p>4月7日</p></td></tr>'
        "<tr><td></td><td></td></tr></tbody></table>"
        '<p><img src="/import/1" alt="检修现场"></p>'
        '<p class="signature align-right">云州市住房和城乡建设局</p>'
        '<p class="signature align-right">2026年3月2日</p>'
    )
    assert [(one.data, one.name) for one in document.pictures] == [
        (picture_bytes("red"), "1.png"),
        (picture_bytes("blue", kind="JPEG"), "2.jpeg"),
    ]


def test_letters_keep_their_weight() -> None:
    def step(document: Word) -> None:
        paragraph = document.add_paragraph("普通")
        for text, name in (("粗", "bold"), ("斜", "italic"), ("下", "underline")):
            setattr(paragraph.add_run(text), name, True)
        paragraph.add_run("删").font.strike = True
        paragraph.add_run("2").font.superscript = True

    assert html(step) == "<p>普通<strong>粗</strong><em>斜</em><u>下</u><s>删</s><sup>2</sup></p>"


def test_sides_are_kept_in_the_text_and_in_tables() -> None:
    def table(document: Word) -> None:
        document.add_table(1, 1).cell(0, 0).paragraphs[0].alignment = RIGHT
        document.tables[0].cell(0, 0).paragraphs[0].add_run("右")

    found = html(line("正文。"), line("第一章", CENTER), line("右侧。", RIGHT), table)
    assert '<p class="align-center">第一章</p><p class="align-right">右侧。</p>' in found
    assert '<td><p class="align-right">右</p></td>' in found


# --- title -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "title", "rest"),
    [
        ([line("公告", style="Title"), line("文")], "公告", "<p>文</p>"),
        ([line("一个标题", CENTER), line("文")], "一个标题", "<p>文</p>"),
        ([lambda word: word.add_heading("题", 1), line("文")], "题", "<p>文</p>"),
        ([line("正文第一段。"), line("居左")], "", "<p>正文第一段。</p><p>居左</p>"),
        (
            [
                line("云州市水务局文件", CENTER, 36),
                line("云水〔2026〕3号", CENTER),
                line("关于停水的通知", CENTER, 22),
                line("文"),
            ],
            "关于停水的通知",
            '<p class="align-center">云州市水务局文件</p><p class="align-center">云水〔2026〕3号</p><p>文</p>',
        ),
        (
            [line("云州市节水办法", CENTER, 22), line("（2026年3月1日公布）", CENTER), line("第一章 总则", CENTER)],
            "云州市节水办法",
            '<p class="align-center">（2026年3月1日公布）</p><p class="align-center">第一章 总则</p>',
        ),
    ],
)  # fmt: skip
def test_the_title_is_found(steps: list[Any], title: str, rest: str) -> None:
    document = read_docx(build(*steps))
    assert (document.title, document.html) == (title, rest)


def test_two_headings_are_no_title() -> None:
    document = read_docx(build(lambda word: word.add_heading("一", 1), lambda word: word.add_heading("二", 1)))
    assert (document.title, document.html) == ("", "<h2>一</h2><h2>二</h2>")


# --- signature -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2026年3月2日", "二〇二六年三月二日", "2026 年 3 月 2 日"])
def test_a_signature_is_known_by_its_day(day: str) -> None:
    found = html(line("正文。"), line("云州市水务局"), line(day), line("附件：清单"))
    assert found == (
        '<p>正文。</p><p class="signature align-right">云州市水务局</p>'
        f'<p class="signature align-right">{day}</p><p>附件：清单</p>'
    )


def test_a_signature_stands_right_by_spaces_or_indent() -> None:
    indented = raw('<w:pPr><w:ind w:left="4800"/></w:pPr><w:r><w:t>赵某</w:t></w:r>')
    spaced = line("　　　　　　　　钱某")
    for step in (indented, spaced):
        assert html(line("正文。"), step, line("2026年3月2日")).count("signature") == 2


def test_a_sentence_above_a_day_is_no_signature() -> None:
    assert html(line("请各单位遵照执行。"), line("2026年3月2日")).count("signature") == 1
    assert "signature" not in html(line("自2026年3月2日起施行。"))


# --- what is not taken over is told ----------------------------------------------------------------------------

CHART = (
    '<w:r><w:drawing><wp:inline><wp:docPr id="1" name="c"/><a:graphic><a:graphicData uri="chart">'
    '<c:chart r:id="rId99"/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
)
SMARTART = CHART.replace("c:chart r:id", "dgm:relIds r:dm")
FORMULA = "<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>"
BOX = (
    "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:anchor><a:graphic><a:graphicData uri='wps'>"
    "<wps:wsp><wps:txbx><w:txbxContent><w:p><w:r><w:t>框内文字</w:t></w:r></w:p></w:txbxContent></wps:txbx></wps:wsp>"
    "</a:graphicData></a:graphic></wp:anchor></w:drawing></mc:Choice>{fallback}</mc:AlternateContent></w:r>"
)
OLD_BOX = (
    "<mc:Fallback><w:pict><v:shape><v:textbox><w:txbxContent><w:p><w:r><w:t>框内文字</w:t></w:r></w:p>"
    "</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback>"
)


@pytest.mark.parametrize(
    ("markup", "words"), [(CHART, "图表 1 个"), (SMARTART, "SmartArt 图形 1 个"), (FORMULA, "公式 1 处")]
)
def test_what_cannot_be_shown_leaves_a_red_placeholder_in_its_place(markup: str, words: str) -> None:
    document = read_docx(build(line("前。"), raw(f"<w:r><w:t>此处</w:t></w:r>{markup}"), line("后。")))
    assert document.html.startswith('<p>前。</p><p>此处<img class="unread-picture" data-unread="1" alt="')
    assert document.html.endswith("<p>后。</p>")
    assert [remark for remark in document.remarks if remark.startswith(words)] == list(document.remarks)


@pytest.mark.parametrize("fallback", [OLD_BOX, "<mc:Fallback/>", ""])
def test_the_words_of_a_text_box_follow_their_paragraph_once(fallback: str) -> None:
    document = read_docx(build(raw(f"<w:r><w:t>段落。</w:t></w:r>{BOX.format(fallback=fallback)}"), line("后。")))
    assert document.html == "<p>段落。</p><p>框内文字</p><p>后。</p>"
    assert document.remarks == ("文本框 1 个：其中的文字已移到所在段落之后，请核对位置。",)


def test_tracked_changes_count_as_accepted() -> None:
    markup = (
        '<w:r><w:t>供热</w:t></w:r><w:ins w:id="1" w:author="a"><w:r><w:t>延长</w:t></w:r></w:ins>'
        '<w:del w:id="2" w:author="a"><w:r><w:delText>缩短</w:delText></w:r></w:del>'
        '<w:moveTo w:id="3"><w:r><w:t>至四月</w:t></w:r></w:moveTo>'
        '<w:moveFrom w:id="4"><w:r><w:t>旧处</w:t></w:r></w:moveFrom>'
    )
    document = read_docx(build(raw(markup)))
    assert document.html == "<p>供热延长至四月</p>"
    assert document.remarks == ("文档带有修订痕迹，已按接受全部修订处理，请核对。",)


def test_comments_and_headers_stay_behind_and_are_told() -> None:
    def step(word: Word) -> None:
        paragraph = word.add_paragraph("正文。")
        word.add_comment(paragraph.runs, text="改这里", author="李", initials="L")
        word.sections[0].header.paragraphs[0].text = "内部文件头"

    document = read_docx(build(step))
    assert document.html == "<p>正文。</p>"
    assert document.remarks == ("批注 1 条没有带入。", "页眉或页脚的文字没有带入。")


def test_footnotes_go_to_the_end() -> None:
    markup = '<w:r><w:t>正文↑</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r>'
    footnotes = (
        '<w:footnotes xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:footnote w:id="2">'
        "<w:p><w:r><w:t>见附表。</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    document = read_docx(rewritten(build(raw(markup)), {"word/footnotes.xml": footnotes.encode()}))
    assert document.html == "<p>正文↑<sup>[1]</sup></p><ol><li><p>见附表。</p></li></ol>"
    assert document.remarks == ("脚注 1 条已移到文末。",)


def test_a_table_of_contents_is_left_out() -> None:
    def step(word: Word) -> None:
        word.styles.add_style("toc 1", 1)
        word.add_paragraph("第一章……3", style="toc 1")

    document = read_docx(build(step, line("正文。")))
    assert (document.html, document.remarks) == ("<p>正文。</p>", ("目录已略去，网页上会自动适应。",))


# --- pictures --------------------------------------------------------------------------------------------------


def external(data: bytes, address: str) -> bytes:
    """The document with its first picture lying elsewhere."""
    rels = part(data, "word/_rels/document.xml.rels")
    at = rels.index(b"media/image1.png")
    rels = rels[:at] + address.encode() + b'" TargetMode="External' + rels[at + len(b"media/image1.png") :]
    text = part(data, "word/document.xml").replace(b"r:embed=", b"r:link=", 1)
    return rewritten(data, {"word/_rels/document.xml.rels": rels, "word/document.xml": text})


@pytest.mark.parametrize("address", ["http://169.254.169.254/meta", "http://img.example/a.png", "file:///etc/hostname"])
def test_a_picture_outside_the_file_is_never_fetched(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: object, **_more: object) -> None:
        raise AssertionError("something was opened")

    data = external(build(line("前。"), picture("red"), picture("blue")), address)
    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setattr("mammoth.docx.files.urlopen", refuse)
    document = read_docx(data)
    assert document.html.startswith('<p>前。</p><p><img class="unread-picture" data-unread="1"')
    assert document.html.endswith('<p><img src="/import/0" alt=""></p>')
    assert document.remarks == ("图片 1 张在文档之外，没有读取，已用红框标出，请上传原图。",)
    assert [one.data for one in document.pictures] == [picture_bytes("blue")]


def test_an_old_picture_that_lies_elsewhere_leaves_a_placeholder() -> None:
    markup = '<w:r><w:pict><v:shape><v:imagedata r:href="rId77" o:title="图"/></v:shape></w:pict></w:r>'
    document = read_docx(build(raw(markup), line("后。")))
    assert document.html.count("data-unread") == 1
    assert document.remarks[0].startswith("图片 1 张在文档之外")


def test_the_same_picture_twice_is_kept_once() -> None:
    document = read_docx(build(picture("red"), picture("red"), picture("red", alt="供热站")))
    assert document.html.count("/import/0") == 2
    assert [one.alt for one in document.pictures] == ["", "供热站"]


def test_pictures_in_a_group_come_out_of_it() -> None:
    data = build(picture("red"), picture("blue"))
    text = part(data, "word/document.xml").decode()
    start = text.index("<pic:pic")
    first, second = (found.partition("</pic:pic>")[0] + "</pic:pic>" for found in text.split("<pic:pic")[1:])
    group = '<wpg:wgp xmlns:wpg="http://schemas.microsoft.com/office/word/2010/wordprocessingGroup">'
    pair = f"{group}<pic:pic{first}<pic:pic{second}</wpg:wgp>"
    grouped = text[:start] + pair + text[start + len(f"<pic:pic{first}") :]
    document = read_docx(rewritten(data, {"word/document.xml": grouped.encode()}))
    assert document.html.count("<img") == 3
    assert len(document.pictures) == 2


def test_an_embedded_object_keeps_its_preview() -> None:
    data = build(picture("red"))
    rel = part(data, "word/document.xml").decode().partition('r:embed="')[2].partition('"')[0]
    markup = f'<w:r><w:object><v:shape><v:imagedata r:id="{rel}"/></v:shape><o:OLEObject/></w:object></w:r>'
    document = read_docx(build(picture("red"), raw(markup)))
    assert document.html.count("/import/0") == 2
    assert document.remarks == ("嵌入对象 1 个（表格、公式等）只保留了预览图，请核对。",)


def test_a_link_that_leads_nowhere_does_not_stop_the_rest() -> None:
    markup = '<w:hyperlink r:id="rId404"><w:r><w:t>链接</w:t></w:r></w:hyperlink>'
    assert html(raw(markup), line("后。")) == "<p>链接</p><p>后。</p>"


# --- refusals --------------------------------------------------------------------------------------------------


def bomb() -> bytes:
    """A document whose text unfolds to more than may be read."""
    return rewritten(notice(), {"word/document.xml": b"<w:document>" + b" " * (package.LONGEST_XML + 1)})


def many_parts() -> bytes:
    return rewritten(notice(), {f"word/media/{n}.bin": b"" for n in range(package.MOST_PARTS)})


def entities() -> bytes:
    doctype = b'<!DOCTYPE w:document [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    text = part(notice(), "word/document.xml")
    head, mark, rest = text.partition(b"?>")
    return rewritten(notice(), {"word/document.xml": head + mark + doctype + rest})


def deep() -> bytes:
    inner = b"<w:sdt><w:sdtContent>" * 3000 + b"</w:sdtContent></w:sdt>" * 3000
    text = part(notice(), "word/document.xml").replace(b"<w:body>", b"<w:body>" + inner, 1)
    return rewritten(notice(), {"word/document.xml": text})


def locked() -> bytes:
    """A document whose archive says that a member is encrypted."""
    data = bytearray(notice())
    at = data.index(b"PK\x01\x02")
    flags = struct.unpack_from("<H", data, at + 8)[0]
    struct.pack_into("<H", data, at + 8, flags | 1)
    return bytes(data)


def spreadsheet() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (OLE + b"\x00" * 600, NotADocument, "旧版 Word（.doc）"),
        (OLE + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"), EncryptedDocument, "密码"),
        (b"{\\rtf1 text}", NotADocument, "RTF"),
        (b"%PDF-1.7", NotADocument, "PDF"),
        (b"<html><body>Word page</body></html>", NotADocument, "网页"),
        (b"", NotADocument, "无法识别的文件"),
        (b"text", NotADocument, "无法识别的文件"),
        (spreadsheet(), NotADocument, "Excel"),
        (notice()[:3000], BrokenDocument, "压缩包无法解开"),
        (rewritten(notice(), {"word/document.xml": b"<w:document"}), BrokenDocument, "内容不完整"),
        (rewritten(notice(), {"word/document.xml": None}), BrokenDocument, "缺少正文"),
        (entities(), BrokenDocument, "文档类型声明"),
        (deep(), BrokenDocument, "嵌套过深"),
        (locked(), EncryptedDocument, "密码"),
        (bomb(), TooLargeToImport, "文档正文"),
        (many_parts(), TooLargeToImport, "解压后"),
    ],
)
def test_what_is_no_sound_document_is_refused_with_its_reason(
    data: bytes, error: type[CannotImport], words: str
) -> None:
    with pytest.raises(error) as refused:
        read_docx(data)
    assert words in refused.value.message("zh")


def test_a_bomb_of_many_parts_is_measured_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = rewritten(notice(), {f"word/media/{n}.bin": bytes(1024 * 1024) for n in range(8)})
    monkeypatch.setattr(package, "LONGEST_ALL", 4 * 1024 * 1024)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_given: pytest.fail("unpacked before it was measured"))
    with pytest.raises(TooLargeToImport):
        read_docx(data)


def test_a_member_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(rewritten(notice(), {"word/media/x.bin": bytes(200_000)}))
    name = data.rindex(b"word/media/x.bin")
    struct.pack_into("<I", data, name - 46 + 24, 100)
    with pytest.raises(BrokenDocument):
        read_docx(bytes(data))
