"""What leaves for other channels keeps to their rules: WeChat's inline styles, Weibo's length, honest replies."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from content.kinds import kind_of
from templates import filters
from templates.engine import Engine
from templates.inline import STYLES
from templates.views import PortalFile
from tests.templates.markup import check_balance, elements
from tests.templates.samples import (
    ACCOUNT,
    CORRECTIONS,
    PORTAL,
    POST,
    TEXTS,
    WECHAT,
    Sample,
    feature,
    guide,
    notice,
    policy,
    site,
)

ARTICLES = [(name, values) for name, many in WECHAT.items() for values in many]
IDS = [f"{name.rsplit('/', 1)[-1]}-{number}" for number, (name, _) in enumerate(ARTICLES)]
SMALLEST, AIRIEST = 17, 1.75


@pytest.mark.parametrize(("name", "values"), ARTICLES, ids=IDS)
def test_an_article_holds_only_what_wechat_keeps(renderer: Engine, name: str, values: Sample) -> None:
    html = renderer.render(name, **values)
    check_balance(html)
    for tag, attributes in elements(html):
        assert tag not in {"style", "script", "link", "iframe", "form", "input", "svg", "video", "html", "body"}
        assert not set(attributes) & {"class", "id"}
        assert not [key for key in attributes if key.startswith("on")]
    assert "<!--" not in html


@pytest.mark.parametrize(("name", "values"), ARTICLES, ids=IDS)
def test_an_articles_text_is_large_and_airy(renderer: Engine, name: str, values: Sample) -> None:
    everything = "".join(f"<{tag}>文</{tag}>" for tag in STYLES if tag not in {"img", "hr"})
    item = replace(values["item"], body_html=f"{values['item'].body_html}{everything}")
    html = renderer.render(name, **{**values, "item": item})
    for tag, attributes in elements(html):
        style = attributes.get("style") or ""
        sizes = re.findall(r"font-size:\s*([^;]+)", style)
        heights = re.findall(r"line-height:\s*([^;]+)", style)
        assert all(one.endswith("px") and float(one[:-2]) >= SMALLEST for one in sizes), style
        assert all(float(one) >= AIRIEST for one in heights), style
        if tag in {"p", "li"}:
            assert sizes, style
            assert heights, style


@pytest.mark.parametrize(("name", "values"), ARTICLES, ids=IDS)
def test_an_article_does_not_change_with_the_hour(renderer: Engine, name: str, values: Sample) -> None:
    item = values["item"]
    later = replace(item, published_at=item.published_at.replace(year=2031))
    assert renderer.render(name, **{**values, "item": later}) == renderer.render(name, **values)


def test_what_a_guide_is_asked_for_most_is_told(renderer: Engine) -> None:
    html = renderer.render("outbound/wechat/guide.html", item=guide(), account=ACCOUNT)
    for words in (
        "受理条件",
        "申请材料",
        "居住证申领表",
        "办理流程",
        "5 个工作日",
        "不收费",
        "江滨路66号",
        "0530-8811001",
        "0530-12345",
    ):
        assert words in html


def test_a_policy_names_its_number_and_validity(renderer: Engine) -> None:
    html = renderer.render("outbound/wechat/policy.html", item=policy(), account=ACCOUNT)
    assert "云政办发〔2026〕7号" in html
    assert "有效" in html


@pytest.mark.parametrize(("kind", "verb"), [("video", "观看视频"), ("audio", "收听音频")])
def test_a_recording_is_read_and_says_where_it_plays(renderer: Engine, kind: str, verb: str) -> None:
    item = notice(video="/files/1/a", transcript_html="<p>各位市民，大家好。</p>")
    html = renderer.render(f"outbound/wechat/{kind}.html", item=item, account=ACCOUNT)
    assert "各位市民，大家好。" in html
    assert f"{verb}请点击文末“阅读原文”" in html
    assert verb not in renderer.render(f"outbound/wechat/{kind}.html", item=replace(item, video=""), account=ACCOUNT)


def test_a_feature_lists_its_pieces_by_section(renderer: Engine) -> None:
    item = feature()
    html = renderer.render("outbound/wechat/feature.html", item=item, account=ACCOUNT)
    places = [
        html.index(words)
        for one in item.sections[:1]
        for words in (one.label, one.entries[0].title, one.entries[2].title)
    ]
    assert places == sorted(places)
    assert item.standfirst in html


@pytest.mark.parametrize("channel", ["portal", "wechat"])
def test_a_document_that_is_not_on_this_site_is_named_without_a_link(renderer: Engine, channel: str) -> None:
    base = {
        name: getattr(notice(), name) for name in ("id", "title", "href", "column", "published_at", "unit", "source")
    }
    item = kind_of("interpretation").view(base, {"policy_number": "国办发〔2026〕9号"})
    values = {"account": ACCOUNT} if channel == "wechat" else {"site": site()}
    html = renderer.render(f"outbound/{channel}/interpretation.html", item=item, **values)
    assert "国办发〔2026〕9号" in html
    assert 'href=""' not in html


def test_attachments_are_named_with_the_way_to_them(renderer: Engine) -> None:
    html = renderer.render("outbound/wechat/notice.html", item=notice(), account=ACCOUNT)
    assert "供热服务网点一览表.docx" in html
    assert "阅读原文" in html
    assert "阅读原文" not in renderer.render("outbound/wechat/notice.html", item=notice(files=[]), account=ACCOUNT)


@pytest.mark.parametrize(
    ("title", "text"),
    [(POST.title, POST.text), ("长" * 200, "文" * 400), ("短", "a" * 600), ("话题", "#供热#延长"), ("标题", "")],
)
def test_a_weibo_fits_and_has_one_address(renderer: Engine, title: str, text: str) -> None:
    words = renderer.render("outbound/weibo/default.txt", post=replace(POST, title=title, text=text)).strip()
    assert filters.width(words) <= 140
    assert words.count("https://") == 1
    assert words.endswith(POST.href)
    assert "#" not in words
    assert words.startswith(f"【{title[:2]}")


def test_a_weibo_with_a_very_long_address_keeps_the_address(renderer: Engine) -> None:
    post = replace(POST, href="https://www.yunzhou.example/" + "a" * 240)
    words = renderer.render("outbound/weibo/default.txt", post=post).strip()
    assert words.endswith(post.href)
    assert filters.width(words) <= 140


@pytest.mark.parametrize("channel", ["jpush", "web_push"])
def test_a_notification_is_one_short_line(renderer: Engine, channel: str) -> None:
    words = renderer.render(f"outbound/{channel}/default.txt", post=replace(POST, text="供热\n" * 100)).strip()
    assert filters.width(words) <= 60
    assert "\n" not in words


@pytest.mark.parametrize("channel", ["weibo", "jpush", "web_push", ""])
def test_a_short_text_begins_with_the_mark_of_what_is_not_in_force_and_stays_within_its_limit(
    renderer: Engine, channel: str
) -> None:
    name = f"outbound/{channel}/default.txt" if channel else "outbound/text.txt"
    post = replace(POST, title="长" * 200, text="文" * 400)
    assert "【已" not in renderer.render(name, post=post)
    words = renderer.render(name, post=replace(post, mark="已废止")).strip()
    assert words.startswith("【已废止】")
    most = {"weibo": 140, "jpush": 60, "web_push": 60}.get(channel)
    assert most is None or filters.width(words) <= most


def test_text_for_a_channel_is_not_escaped(renderer: Engine) -> None:
    words = renderer.render("outbound/text.txt", post=replace(POST, title="A&B", text="<供热>"))
    assert words.strip() == f"【A&B】<供热> {POST.href}"


def test_the_bot_says_that_it_is_a_bot_and_how_to_reach_a_person(renderer: Engine) -> None:
    words = renderer.render("replies/greeting.txt", **TEXTS["replies/greeting.txt"][0])
    assert "机器人" in words
    assert "人工" in words
    assert "12345" in words
    english = renderer.render("replies/greeting.txt", "en", **TEXTS["replies/greeting.txt"][0])
    assert "bot" in english


@pytest.mark.parametrize("name", ["handoff", "bot_down", "out_of_hours", "no_answer", "unsure"])
def test_every_dead_end_leads_to_a_person(renderer: Engine, name: str) -> None:
    for values in TEXTS[f"replies/{name}.txt"]:
        words = renderer.render(f"replies/{name}.txt", **values)
        assert "人工" in words or "12345" in words


def test_a_rating_has_five_levels_and_no_default(renderer: Engine) -> None:
    lines = renderer.render("replies/rating.txt", service="").splitlines()
    assert lines[1:] == ["1. 非常满意", "2. 满意", "3. 基本满意", "4. 不满意", "5. 非常不满意"]


def test_a_ticket_names_its_deadline_only_when_there_is_one(renderer: Engine) -> None:
    with_due, without = (renderer.render("replies/ticket.txt", **values) for values in TEXTS["replies/ticket.txt"])
    assert "2026-03-16" in with_due
    assert "答复期限" not in without


def test_a_feature_on_the_portal_names_its_source_and_gives_its_attachments(renderer: Engine) -> None:
    files = [PortalFile("活动方案.docx", f"/files/{'a' * 64}/plan.docx", 20_480)]
    item = replace(feature(), source="新华社", original=False, files=files, corrections=CORRECTIONS)
    html = renderer.render("outbound/portal/feature.html", site=site(), item=item)
    assert re.search(r"来源</span>：新华社", html)
    assert "转载自：新华社" in html
    assert f'href="{files[0].href}" download' in html
    assert "更正</span>：标题、正文" in html
    bare = renderer.render("outbound/portal/feature.html", site=site(), item=replace(item, files=[], corrections=()))
    assert ('class="files"' in bare, 'class="note"' in bare) == (False, False)


EMPTY_TAG = re.compile(r'<meta name="[^"]*" content="\s*">')


@pytest.mark.parametrize("name", [name for name in PORTAL if name.endswith(".html")])
def test_no_tag_of_a_page_is_empty_where_an_office_wrote_nothing(renderer: Engine, name: str) -> None:
    for values in PORTAL[name]:
        shown = dict(values)
        shown["site"] = site(description="", keywords="", id_code="")
        if "column" in shown:
            shown["column"] = replace(shown["column"], description="", keywords="")
        if "index" in shown:
            shown["index"] = replace(shown["index"], column=replace(shown["index"].column, description="", keywords=""))
        if "item" in shown:
            bare = replace(shown["item"].column, description="", keywords="")
            shown["item"] = replace(shown["item"], column=bare, keywords="", summary="", picture=None)
        html = renderer.render(name, **shown)
        assert EMPTY_TAG.findall(html) == []
        assert "网站标识码" not in html
        if "column" in shown:
            assert f'name="ColumnDescription" content="{site().name}“{shown["column"].name}”栏目"' in html
