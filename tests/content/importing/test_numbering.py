"""Word's automatic numbers: what a reader of the document sees stands in the text."""

from __future__ import annotations

import pytest

from content.importing.docx import read_docx
from content.importing.numbering import chinese, figure
from tests.content.importing.word import NAMESPACES, build, line, raw, rewritten

LEVELS = {
    "chapters": [("chineseCountingThousand", "%1、"), ("chineseCountingThousand", "（%2）"), ("decimal", "%3.")],
    "articles": [("chineseCounting", "第%1条")],
    "plain": [("decimal", "%1.")],
    "legal": [("decimal", "%1"), ("decimal", "%1.%2")],
    "bullets": [("bullet", "•")],
}
IDS = {name: number for number, name in enumerate(LEVELS, 1)}


def numbering(extra: str = "") -> bytes:
    """The lists above, each with an identifier of its own."""
    abstract = "".join(
        f'<w:abstractNum w:abstractNumId="{IDS[name]}">'
        + "".join(
            f'<w:lvl w:ilvl="{n}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
            for n, (form, text) in enumerate(levels)
        )
        + "</w:abstractNum>"
        for name, levels in LEVELS.items()
    )
    nums = "".join(f'<w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>' for n in IDS.values())
    return f"<w:numbering {NAMESPACES}>{abstract}{nums}{extra}</w:numbering>".encode()


def item(text: str, name: str | int, level: int = 0, style: str = "") -> object:
    number = IDS[name] if isinstance(name, str) else name
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    own = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    return raw(f"<w:pPr>{styled}{own}</w:pPr><w:r><w:t>{text}</w:t></w:r>")


def html(*steps: object, extra: str = "") -> str:
    data = build(*steps)  # type: ignore[arg-type]  # Steps of `word`.
    return read_docx(rewritten(data, {"word/numbering.xml": numbering(extra)})).html


def test_chinese_numbers_are_written_out_and_count_on_over_other_paragraphs() -> None:
    assert html(
        item("总则", "chapters", style="Heading1"),
        item("甲", "chapters", 1),
        item("乙", "chapters", 1),
        line("说明。"),
        item("附则", "chapters", style="Heading1"),
        item("丙", "chapters", 1),
    ) == (
        "<h2>一、总则</h2><p>（一）甲</p><p>（二）乙</p><p>说明。</p><h2>二、附则</h2><p>（一）丙</p>"
    )  # fmt: skip


def test_articles_and_nested_numbers() -> None:
    assert html(item("甲", "articles"), item("乙", "articles")) == "<p>第一条甲</p><p>第二条乙</p>"
    assert (
        html(item("a", "legal"), item("b", "legal", 1), item("c", "legal", 1)) == "<p>1 a</p><p>1.1 b</p><p>1.2 c</p>"
    )


def test_a_plain_list_that_stands_together_stays_a_list() -> None:
    assert html(line("前"), item("甲", "plain"), item("乙", "plain"), line("后")) == (
        "<p>前</p><ol><li>甲</li><li>乙</li></ol><p>后</p>"
    )
    assert html(item("甲", "bullets"), item("乙", "bullets")) == "<ul><li>甲</li><li>乙</li></ul>"


def test_a_list_that_is_interrupted_keeps_its_numbers() -> None:
    assert html(item("甲", "plain"), line("说明。"), item("乙", "plain")) == "<p>1. 甲</p><p>说明。</p><p>2. 乙</p>"


def test_two_lists_of_one_definition_count_on_unless_one_says_where_it_starts() -> None:
    on = '<w:num w:numId="50"><w:abstractNumId w:val="2"/></w:num>'
    anew = (
        '<w:num w:numId="50"><w:abstractNumId w:val="2"/>'
        '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/></w:lvlOverride></w:num>'
    )
    steps = (item("甲", "articles"), item("乙", 50))
    assert html(*steps, extra=on) == "<p>第一条甲</p><p>第二条乙</p>"
    assert html(*steps, extra=anew) == "<p>第一条甲</p><p>第五条乙</p>"


def test_a_number_that_hangs_on_the_style_is_written_out_and_can_be_switched_off() -> None:
    def step(document: object) -> None:
        from docx.oxml import parse_xml  # noqa: PLC0415  # Only this step builds a style.

        style = document.styles["Heading 1"].element  # type: ignore[attr-defined]  # A document of python-docx.
        properties = style.get_or_add_pPr()
        properties.append(parse_xml(f'<w:numPr {NAMESPACES}><w:numId w:val="{IDS["chapters"]}"/></w:numPr>'))

    heads = [lambda document, text=text: document.add_heading(text, 1) for text in ("甲", "乙")]
    off = item("丙", 0, style="Heading1")
    assert html(step, *heads, off) == "<h2>一、甲</h2><h2>二、乙</h2><h2>丙</h2>"


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (101, "一百零一"), (110, "一百一十"), (1001, "一千零一")],
)
def test_counting_in_chinese(number: int, text: str) -> None:
    assert chinese(number) == text


@pytest.mark.parametrize(
    ("style", "number", "text"),
    [
        ("lowerLetter", 28, "bb"),
        ("upperRoman", 14, "XIV"),
        ("decimalEnclosedCircleChinese", 3, "③"),
        ("decimalEnclosedCircle", 21, "21"),
        ("ideographTraditional", 2, "乙"),
        ("chineseLegalSimplified", 12, "拾贰"),
        ("decimalZero", 7, "07"),
        ("none", 3, ""),
        ("unheardOf", 3, "3"),
        ("chineseCounting", 123456, "123456"),
        ("lowerLetter", 0, "0"),
    ],
)
def test_figures(style: str, number: int, text: str) -> None:
    assert figure(number, style) == text
