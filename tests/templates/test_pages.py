"""Every template renders from sample values; pages are whole, safe under the content policy and carry their marks."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from jinja2 import nodes
from jinja2.meta import find_referenced_templates

from templates.engine import FOLDER, Engine
from templates.views import PortalColumn
from tests.templates.markup import check_balance, elements, text_in
from tests.templates.samples import CONSOLE, FEEDS, NOW, PORTAL, SAMPLES, Sample, entries, home, notice, site

MANY = [(name, values) for name, many in SAMPLES.items() for values in many]
PAGES = [(name, values) for name, many in {**CONSOLE, **PORTAL}.items() for values in many]
LANGUAGES = ("zh", "en")
# Pages of a desk live in pages/<desk>/ and are rendered through their routes, with the rows behind them.
DESK = re.compile(r"^pages/[^/]+/")


def _ids(pairs: list[tuple[str, Sample]]) -> list[str]:
    return [f"{name}-{number}" for number, (name, _) in enumerate(pairs)]


def _templates() -> set[str]:
    found = (path for path in FOLDER.rglob("*") if path.suffix in {".html", ".txt", ".xml", ".json"})
    names = {path.relative_to(FOLDER).as_posix() for path in found}
    return {name for name in names if not name.startswith(("static/", "partials/")) and not DESK.match(name)}


def _references(renderer: Engine, name: str) -> set[str]:
    tree = renderer._environments["zh"].parse((FOLDER / name).read_text("utf-8"))
    near = {found for found in find_referenced_templates(tree) if found}
    return near.union(*(_references(renderer, found) for found in near)) if near else near


def test_every_template_has_a_sample(renderer: Engine) -> None:
    shown = set(SAMPLES)
    for name in SAMPLES:
        shown |= _references(renderer, name)
    assert _templates() - shown == set()


def test_the_style_page_shows_every_component(renderer: Engine) -> None:
    environment = renderer._environments["zh"]
    used: set[str] = set()
    for name in ("pages/patterns.html", "pages/base.html", "pages/approval_form.html"):
        tree = environment.parse((FOLDER / name).read_text("utf-8"))
        used |= {node.attr for node in tree.find_all(nodes.Getattr) if getattr(node.node, "name", "") == "ui"}
    # Drawn inside page_head, table, the previews and the signer's facts.
    used |= {"breadcrumb", "paging", "phone", "origin"}
    assert set(dir(environment.globals["ui"])) - used == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "values"), MANY, ids=_ids(MANY))
def test_it_renders(renderer: Engine, name: str, values: Sample, language: str) -> None:
    text = renderer.render(name, language, **values)
    assert text.strip()
    assert "None" not in text
    assert "Undefined" not in text


@pytest.mark.parametrize(("name", "values"), PAGES, ids=_ids(PAGES))
def test_a_page_is_whole_and_safe(renderer: Engine, name: str, values: Sample) -> None:
    html = renderer.render(name, **values)
    check_balance(html)
    assert html.lstrip().startswith("<!doctype html>")
    assert text_in(html, "title").strip(" ·")
    assert text_in(html, "script") == text_in(html, "style") == ""
    found = elements(html)
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in found:
        assert tag != "style"
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
        assert not attributes.get("href", "").startswith("javascript:")
        if tag in {"script", "link"} and "src" in attributes:
            assert attributes["src"].startswith("/static/")


def test_every_static_file_named_is_there(renderer: Engine) -> None:
    for name, values in PAGES:
        for _, attributes in elements(renderer.render(name, **values)):
            for key in ("src", "href"):
                address = attributes.get(key, "").split("?")[0].split("#")[0]
                if address.startswith("/static/") and address != "/static/chat.js":
                    assert (FOLDER / address[1:]).is_file(), f"{name} names {address}"


def test_every_icon_named_is_drawn(renderer: Engine) -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (FOLDER / "static" / "icons.svg").read_text("utf-8")))
    for name, values in PAGES:
        used = {
            attributes["href"].split("#")[1]
            for tag, attributes in elements(renderer.render(name, **values))
            if tag == "use"
        }
        assert used <= drawn, name


@pytest.mark.parametrize(("name", "values"), [(n, v) for n, v in PAGES if n.startswith("outbound/portal/")])
def test_every_portal_page_names_its_site(renderer: Engine, name: str, values: Sample) -> None:
    html = renderer.render(name, **values)
    tags = {
        attributes["name"]: attributes["content"]
        for tag, attributes in elements(html)
        if tag == "meta" and "name" in attributes
    }
    assert tags["SiteName"] == "云州市人民政府"
    assert tags["SiteDomain"] == "www.yunzhou.example"
    assert tags["SiteIDCode"] == "3700009999"
    for mark in (
        "主办单位",
        "网站标识码",
        "云ICP备",
        "云公网安备",
        "党政机关网站标志",
        "我为政府网站找错",
        "网站地图",
        "长辈版",
    ):
        assert mark in html
    assert "您访问的链接即将离开&#34;云州市人民政府&#34;门户网站，是否继续？" in html


def test_who_leaves_is_told_of_a_portal_once(renderer: Engine) -> None:
    """A name may end with the words that the national wording puts after it."""
    html = renderer.render("outbound/portal/notice.html", site=site(name="云州市人民政府门户网站"), item=notice())
    assert "您访问的链接即将离开&#34;云州市人民政府&#34;门户网站，是否继续？" in html


def test_an_article_carries_every_tag_inspectors_read(renderer: Engine) -> None:
    html = renderer.render("outbound/portal/notice.html", site=site(), item=notice(author="张蕾"))
    tags = {
        attributes["name"]: attributes["content"]
        for tag, attributes in elements(html)
        if "content" in attributes and "name" in attributes
    }
    assert (
        tags.items()
        >= {
            "ColumnName": "通知公告",
            "ColumnType": "通知公告",
            "ArticleTitle": "关于调整市区供热结束时间的通知",
            "PubDate": "2026-03-16 10:30",
            "ContentSource": "云州市住房和城乡建设局",
            "Keywords": "供热,延长",
            "Author": "张蕾",
            "Url": "https://www.yunzhou.example/notices/42.html",
        }.items()
    )
    assert {"ColumnDescription", "ColumnKeywords", "Description"} <= set(tags)
    assert "Image" not in tags  # It has no picture, and no tag is empty.


def test_an_empty_column_is_not_shown_on_the_home_page(renderer: Engine) -> None:
    html = renderer.render(
        "outbound/portal/home.html", site=site(), home=home(policies=[], notices=[], legal=[], faqs=[])
    )
    titles = text_in(html, "h2") + text_in(html, "h3")
    assert "政策解读" in titles
    assert "政策文件" not in titles
    assert "通知公告" not in titles
    assert "法人办事" not in titles


def test_the_lead_is_not_repeated_below_itself(renderer: Engine) -> None:
    news = entries(3, "/news/")
    html = renderer.render("outbound/portal/home.html", site=site(), home=home(lead=news[0], news=news, pictures=[]))
    assert [attributes.get("href") for _, attributes in elements(html)].count(news[0].href) == 1


@pytest.mark.parametrize(("parents", "current"), [([], "/notices/"), (["/open/"], "/notices/")])
def test_the_menu_marks_one_column(renderer: Engine, parents: list[str], current: str) -> None:
    column = PortalColumn("通知公告", "/notices/", "", "", "通知公告")
    html = renderer.render("outbound/portal/notice.html", site=site(), item=notice(column=column))
    marked = [a["href"] for tag, a in elements(html) if a.get("class") == "nav__link" and "aria-current" in a]
    assert marked == [current]


def test_a_title_cannot_break_out_of_the_page(renderer: Engine) -> None:
    html = renderer.render("outbound/portal/notice.html", site=site(), item=notice(title='"><script>x()</script>'))
    assert text_in(html, "script") == ""


def test_an_expired_notice_says_so(renderer: Engine) -> None:
    html = renderer.render("outbound/portal/notice.html", site=site(), item=notice(expires_at=NOW.replace(year=2025)))
    assert "本内容已过有效期" in html
    later = renderer.render("outbound/portal/notice.html", site=site(), item=notice(expires_at=NOW.replace(year=2027)))
    assert "本内容已过有效期" not in later


@pytest.mark.parametrize(("name", "values"), [(n, v) for n, many in FEEDS.items() for v in many])
def test_feeds_are_well_formed(renderer: Engine, name: str, values: Sample) -> None:
    text = renderer.render(name, **values)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>')
    ElementTree.fromstring(text)  # noqa: S314  # Our own words.


def test_a_feed_holds_whole_addresses_and_dates(renderer: Engine) -> None:
    text = renderer.render("outbound/portal/rss.xml", **FEEDS["outbound/portal/rss.xml"][0])
    item = ElementTree.fromstring(text.strip()).find("channel/item")  # noqa: S314  # Our own words.
    assert item is not None
    assert item.findtext("link") == "https://www.yunzhou.example/notices/200.html"
    assert item.findtext("pubDate") == "Sun, 15 Mar 2026 23:30:00 +0000"
    assert item.findtext("description") == "A & B"


def test_the_labels_of_a_page_have_english_words_for_the_english_skin(renderer: Engine) -> None:
    html = renderer.render("outbound/portal/policy.html", **PORTAL["outbound/portal/policy.html"][0])
    labels = [a.get("data-en") for tag, a in elements(html) if tag == "dt"]
    assert {"Index no.", "Document no.", "Issued by", "Signed on", "In force"} <= set(labels)
