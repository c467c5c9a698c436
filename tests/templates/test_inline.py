"""A body for WeChat: every element carries its style, nothing the platform drops is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates.inline import STYLES, wechat_html
from tests.templates.markup import check_balance, elements


def test_a_paragraph_carries_readable_text() -> None:
    html = wechat_html("<p class='x' id='y' onclick='z()'>市区<strong>供热</strong></p>")
    assert html == f'<p style="{STYLES["p"]}">市区<strong style="font-weight:700">供热</strong></p>'
    assert "font-size:17px" in STYLES["p"]
    assert "line-height:1.75" in STYLES["p"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ("<script>alert(1)</script>好", "好"),
        ("<style>p{color:red}</style>好", "好"),
        ("<iframe src='https://x.example'></iframe>好", "好"),
        ("<form><input name='a'>里面</form>好", "好"),
        ("<svg><path d='M0'/></svg>好", "好"),
        ("<font color='red'>好</font>", "好"),
        ("<span class='a' style='color:red'>好</span>", "<span>好</span>"),
        ("a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("<br/>", "<br>"),
    ],
)
def test_what_the_platform_drops_is_gone(body: str, left: str) -> None:
    assert wechat_html(body) == left


def test_only_links_to_wechat_articles_stay() -> None:
    assert wechat_html("<a href='https://www.gov.cn/x'>中国政府网</a>") == "中国政府网"
    kept = wechat_html("<a href='https://mp.weixin.qq.com/s/abc?x=1&amp;y=2'>往期</a>")
    assert kept.startswith('<a href="https://mp.weixin.qq.com/s/abc?x=1&amp;y=2" style=')
    assert wechat_html("<a href='https://mp.weixin.qq.com.evil.example/'>假</a>") == "假"


def test_pictures_keep_their_source_and_words() -> None:
    html = wechat_html('<img src="/media/ab.jpg" alt="供&quot;热&quot;" width="9" onerror="x()">')
    assert html == f'<img src="/media/ab.jpg" alt="供&quot;热&quot;" style="{STYLES["img"]}">'


def test_blocks_never_stand_inside_a_paragraph() -> None:
    assert "<p" not in wechat_html("<div><table><tr><td>1</td></tr></table></div>").split("<table")[1]
    assert wechat_html("<p>一<p>二").count("</p>") == 2


def test_an_unclosed_element_is_closed() -> None:
    check_balance(wechat_html("<ul><li><strong>一<li>二"))


@given(st.text(alphabet="<>/pabdivulsctryle= '\"x中&;!-", max_size=80))
def test_no_text_breaks_out(body: str) -> None:
    html = wechat_html(body)
    check_balance(html)
    for tag, attributes in elements(html):
        assert tag in {
            *STYLES,
            "a",
            "br",
            "em",
            "i",
            "u",
            "s",
            "sub",
            "sup",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "caption",
            "span",
        }
        assert set(attributes) <= {"style", "src", "alt", "href", "colspan", "rowspan"}
