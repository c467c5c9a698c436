"""What survives of hostile and of pasted text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content.sanitise import clean_layout, clean_text, describe_pictures, plain

NAME = "ab" * 32


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<a href="javascript:alert(1)">点</a>',
        '<a href=" java\tscript:alert(1)">点</a>',
        '<a href="data:text/html,<script>alert(1)</script>">点</a>',
        '<iframe src="https://evil.example"></iframe>',
        "<svg><script>alert(1)</script></svg>",
        '<math><mtext><table><mglyph><style><img src=x onerror="alert(1)">',
        '<form action="https://evil.example"><input name=a></form>',
        '<meta http-equiv="refresh" content="0;url=https://evil.example">',
        '<p style="background:url(javascript:alert(1))">字</p>',
        '<video src="javascript:alert(1)" onplay="alert(1)"></video>',
        '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
        '<base href="https://evil.example/">',
        '<object data="evil.swf"></object><embed src="evil.swf">',
    ],
)
@pytest.mark.parametrize("clean", [clean_text, clean_layout])
def test_nothing_that_acts_survives(clean: object, html: str) -> None:
    cleaned = clean(html).lower()  # type: ignore[operator]  # one of the two functions above
    for word in ("<script", "onerror", "onplay", "javascript:", "data:", "<iframe", "<form", "<meta", "<base", "<svg"):
        assert word not in cleaned, cleaned


def test_our_own_text_keeps_structure_and_loses_styles() -> None:
    html = (
        '<h2 style="color:red" class="big note">一、目标</h2><p class="indent MsoNormal">正文<strong>加粗</strong></p>'
        '<table><tbody><tr><th scope="row" style="x">项</th><td colspan="2">值</td></tr></tbody></table>'
    )
    cleaned = clean_text(html)
    assert '<h2 class="note">' in cleaned
    assert '<p class="indent">' in cleaned
    assert '<td colspan="2">' in cleaned
    assert "style" not in cleaned
    assert "MsoNormal" not in cleaned


def test_a_pasted_wechat_layout_keeps_its_looks() -> None:
    html = (
        '<section style="margin:10px;background-color:#f2f6fb;position:fixed;background-image:url(//evil/x)" '
        'data-tools="135编辑器" powered-by="135editor.com" class="_135editor">'
        '<p style="color:#17498c;font-size:17px;line-height:1.75">供热</p>'
        f'<img src="/media/{NAME}.jpg" style="width:100%" data-src="https://mmbiz.example/x" onload="x()"></section>'
    )
    cleaned = clean_layout(html)
    assert "background-color:#f2f6fb" in cleaned
    assert "color:#17498c" in cleaned
    assert 'style="width:100%"' in cleaned
    for gone in ("position", "url(", "135editor", "data-src", "onload", "class"):
        assert gone not in cleaned


@given(st.text(max_size=300))
def test_cleaning_twice_changes_nothing_more(html: str) -> None:
    assert clean_text(clean_text(html)) == clean_text(html)
    assert clean_layout(clean_layout(html)) == clean_layout(html)


def test_plain_gives_a_line_per_block() -> None:
    html = "<h2>标题</h2><p>第一段<strong>重点</strong></p><ul><li>甲</li><li>乙</li></ul><p>A&amp;B&nbsp;</p>"
    assert plain(html) == "标题\n第一段重点\n甲\n乙\nA&B"
    assert plain("<table><tr><td>一</td><td>二</td></tr></table>") == "一 二"
    assert plain("") == ""


def test_pictures_get_the_description_that_is_kept_with_them() -> None:
    address = f"/media/{NAME}.jpg"
    other = f'<img src="/media/{"c" * 64}.jpg" alt="别图">'
    html = f'<p><img alt="旧" src="/media/{NAME}.png" class="align-center" width="9">{other}</p>'
    kept = {NAME: (address, '引号" 与 <尖括号>', 800, 600)}
    described = describe_pictures(html, kept)
    assert f'src="{address}"' in described
    assert 'alt="引号&quot; 与 &lt;尖括号&gt;" width="800" height="600"' in described
    assert 'class="align-center"' in described
    assert "旧" not in described
    assert 'alt="别图"' in described
    assert describe_pictures(described, kept) == described


def test_a_picture_without_size_gets_none() -> None:
    address = f"/media/{NAME}.png"
    kept = {NAME: (address, "", 0, 0)}
    assert describe_pictures(f'<img src="{address}">', kept) == f'<img src="{address}" alt="">'
