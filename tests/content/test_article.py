"""A piece as one article: no element of its kind is lost on a site that draws no kinds, nor in a WeChat layout."""

from __future__ import annotations

from typing import Any

import pytest

from content import snapshot
from content.article import article, mark_of, marked, relabelled, remarked, restated
from content.models import Variant
from content.sanitise import clean_text, plain
from templates.engine import Engine
from tests.factories import PORTAL

FILE = {"name": '表"一".docx', "sha256": "a" * 64, "size": 3, "href": f'/files/{"a" * 64}/表"一".docx'}
FIELDS: dict[str, dict[str, Any]] = {
    "guide": {
        "responsible": "市公安局",
        "conditions": ["在本市居住半年以上"],
        "materials": [{"name": "居住证申领表", "copies": 1}],
        "steps": [{"name": "受理", "text": "窗口收件"}, {"name": "送达"}],
        "statutory": 20,
        "statutory_unit": "workdays",
        "phone": "0530-8811001",
        "mail": False,
    },
    "video": {"transcript": "第一句<b>\n第二句"},
    "audio": {"transcript": "第一句<b>\n第二句"},
    "feature": {"standfirst": "导语", "collected": [{"section": "政策", "piece": 7}, {"section": "新闻", "piece": 8}]},
    "policy": {"document_number": "云政〔2026〕1号", "validity": "in_force"},
    "interpretation": {"policy_number": "国办发〔2026〕9号"},
    "faq": {"wordings": ["怎么办居住证"], "theme": "户籍"},
    "news": {},
}
LINKS = {"feature": {"collected.7": {"piece": 7, "title": "供热办法", "path": "/policies/7.html"}}}


def common(kind: str, fields: dict[str, Any] | None = None, **words: Any) -> dict[str, Any]:
    """What is common to all channels of a piece of this kind without a text."""
    return {
        "piece": 1, "revision": 1, "revision_number": 1, "kind": kind, "unit": "市政府", "path": "/x/1.html",
        "column": {"slug": "x", "name": "栏目", "kind": kind, "description": "", "keywords": ""}, "title": "题",
        "summary": "摘要", "body": "", "fields": FIELDS[kind] if fields is None else fields,
        "links": LINKS.get(kind, {}), "cover": "", "cover_path": "", "cover_alt": "", "source_name": "",
        "editor": "陈信", "keywords": "", "expires_at": None, "attachments": [], **words,
    }  # fmt: skip


def shown(style: snapshot.Style, content: dict[str, Any], own: Variant | None = None, channel: str = "wechat") -> str:
    """The HTML of one channel's variant, or its words where it takes plain ones."""
    variant = snapshot.variant_of(Engine(), content, own, channel, style, "云州发布", PORTAL)
    return variant["text"] if style == "text" else variant["html"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("guide", ["市公安局", "在本市居住半年以上", "居住证申领表", "窗口收件", "20个工作日", "0530-8811001", "否"]),
        ("video", ["文字稿", "第一句<b>", "第二句"]),
        ("audio", ["第二句"]),
        ("feature", ["导语", "政策", "供热办法"]),
        ("policy", ["云政〔2026〕1号", "有效"]),
        ("interpretation", ["国办发〔2026〕9号"]),
        ("faq", ["户籍"]),
    ],
)
def test_the_elements_of_a_kind_leave_with_it(kind: str, words: list[str]) -> None:
    html = shown("article", common(kind), channel="site_push")
    told = plain(html)
    assert [one for one in words if one not in told] == []
    assert clean_text(html) == html


def test_a_unit_that_is_printed_with_its_number_is_not_printed_again() -> None:
    assert "法定时限单位" not in shown("article", common("guide"))


def test_wordings_for_the_bot_stay_here() -> None:
    assert "怎么办居住证" not in shown("article", common("faq", body="<p>答</p>"))


def test_a_piece_that_nobody_signed_is_not_listed() -> None:
    html = shown("article", common("feature"))
    assert 'href="/policies/7.html"' in html
    assert "新闻" not in html


def test_the_text_follows_and_an_own_text_takes_its_place() -> None:
    content = common("policy", body="<p>正文</p>")
    assert shown("article", content).endswith("</table><p>正文</p>")
    assert shown("article", content, Variant(body="<p>另文</p>")).endswith("</table><p>另文</p>")
    assert article(common("news"), "<p>只有正文</p>") == "<p>只有正文</p>"


def test_attachments_are_listed_under_their_names() -> None:
    html = article(common("news", attachments=[FILE]), "<p>正文</p>")
    assert html.startswith("<p>正文</p><h2>附件</h2>")
    assert f'href="/files/{"a" * 64}/表&quot;一&quot;.docx"' in html


def test_the_portal_which_draws_kinds_itself_is_given_the_text_alone() -> None:
    assert shown("page", common("policy", body="<p>正文</p>"), channel="portal") == "<p>正文</p>"


@pytest.mark.parametrize("kind", ["guide", "video", "audio", "feature"])
def test_a_wechat_article_of_a_kind_without_text_shows_its_elements(kind: str) -> None:
    html = shown("layout", common(kind))
    wanted = {"guide": "居住证申领表", "feature": "供热办法"}.get(kind, "第二句")
    assert wanted in html


@pytest.mark.parametrize("kind", ["news", "notice", "video", "audio", "feature", "gallery", "guide"])
@pytest.mark.parametrize("style", ["layout", "article"])
def test_what_shows_nothing_but_its_ending_is_empty(kind: str, style: snapshot.Style) -> None:
    assert shown(style, common(kind, {}, attachments=[FILE])) == ""
    with_picture = common(kind, {}, body=f'<p><img src="/media/{"b" * 64}.png" alt=""></p>')
    assert "<img" in shown(style, with_picture)


def test_a_layout_that_prints_no_label_begins_with_todays() -> None:
    assert relabelled("<p>正文</p>", "有效", "废止").startswith("<p style=")
    assert "有效性：废止</p><p>正文</p>" in relabelled("<p>正文</p>", "有效", "废止")
    assert relabelled("<p>正文</p>", "有效", "有效") == "<p>正文</p>"
    assert relabelled("", "有效", "废止") == ""


def test_what_was_drawn_otherwise_when_it_was_signed_keeps_its_words_beneath_todays_elements() -> None:
    signed, now = (common("policy", {"validity": validity}) for validity in ("in_force", "repealed"))
    drawn = article(signed, "<p>正文</p>")
    assert restated(signed, now, drawn) == article(now, "<p>正文</p>")
    assert restated(signed, signed, drawn) == drawn
    old = restated(signed, now, "<p>早先的排法</p>")
    assert "<td>废止</td>" in old
    assert old.endswith("<p>早先的排法</p>")


@pytest.mark.parametrize(("validity", "mark"), [("in_force", ""), ("repealed", "已废止"), ("lapsed", "已失效")])
def test_a_short_text_says_only_that_a_policy_is_not_in_force(validity: str, mark: str) -> None:
    policy = common("policy", fields={**FIELDS["policy"], "validity": validity})
    assert mark_of(policy) == mark
    text = shown("text", policy, channel="weibo")
    head = f"【{mark}】" if mark else ""
    assert text.startswith(f"{head}【{policy['title']}】")
    own = Variant(channel="weibo", body="微博正文")
    assert shown("text", policy, channel="weibo", own=own) == f"{head}微博正文"
    assert mark_of(common("guide")) == ""


def test_a_mark_stands_once_and_that_of_today_takes_the_place_of_the_signed_one() -> None:
    assert marked("【已废止】正文", "已废止") == "【已废止】正文"
    assert marked("旧办法已废止", "已废止") == "【已废止】旧办法已废止"
    assert remarked("正文", "", "已废止") == "【已废止】正文"
    assert remarked("【已废止】正文", "已废止", "") == "正文"
    assert remarked("【已失效】正文", "已失效", "已废止") == "【已废止】正文"
    assert remarked("正文", "", "") == "正文"
