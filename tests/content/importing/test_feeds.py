"""Feeds in every encoding and shape that offices publish, and those made to hurt."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from content.importing.errors import NotAFeed, TooLargeToImport, UnsafeFeed
from content.importing.feeds import LONGEST_FEED, MOST_ENTRIES, Feed, decode, read_feed

RSS = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0"><channel><title>云州市住建局</title><link>https://zjj.yunzhou.example/</link>{items}</channel></rss>"""
ITEM = """<item><title>关于调整供热时间的通知</title><link>/tz/1.html</link><guid isPermaLink="false">1</guid>
<author>供热科</author><pubDate>Sat, 28 Feb 2026 10:00:00 +0800</pubDate>
<description><![CDATA[<p>　　市区供热延长至4月7日。</p><img src="../p/1.jpg" alt="供热站">]]></description></item>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh">
<title>云州发布</title><link href="https://fb.yunzhou.example/"/><id>urn:feed</id>
<entry><title type="html">第&lt;b&gt;一&lt;/b&gt;条</title><id>urn:1</id><link href="a/1"/>
<updated>2026-02-28T02:00:00Z</updated><summary>提要</summary>
<content type="html">&lt;h1&gt;总则&lt;/h1&gt;&lt;h2&gt;细则&lt;/h2&gt;&lt;p&gt;正文&lt;/p&gt;</content>
<source><title>新华社</title></source></entry></feed>"""


def rss(*items: str, encoding: str = "utf-8") -> str:
    return RSS.format(encoding=encoding, items="".join(items or (ITEM,)))


def one(data: str | bytes, content_type: str = "", address: str = "") -> Feed:
    feed = read_feed(data.encode() if isinstance(data, str) else data, content_type, address)
    assert len(feed.entries) == 1
    return feed


def item(body: str, **more: str) -> str:
    extra = "".join(f"<{name}>{text}</{name}>" for name, text in more.items())
    return f"<item><title>题</title><link>https://a.example/1</link>{extra}<description><![CDATA[{body}]]></description></item>"


def test_an_entry_of_rss_is_read_whole() -> None:
    feed = one(rss())
    entry = feed.entries[0]
    assert (feed.title, feed.link, feed.remarks) == ("云州市住建局", "https://zjj.yunzhou.example/", ())
    assert entry.title == "关于调整供热时间的通知"
    assert entry.link == "https://zjj.yunzhou.example/tz/1.html"
    assert (entry.guid, entry.author, entry.source) == ("1", "供热科", "云州市住建局")
    assert entry.published == datetime(2026, 2, 28, 2, 0, tzinfo=UTC)
    assert entry.html == '<p>市区供热延长至4月7日。</p><img src="/import/0" alt="供热站">'
    assert [picture.address for picture in entry.pictures] == ["https://zjj.yunzhou.example/p/1.jpg"]


def test_an_entry_of_atom_is_read_whole() -> None:
    entry = one(ATOM).entries[0]
    assert (entry.title, entry.summary, entry.source) == ("第一条", "提要", "新华社")
    assert entry.link == "https://fb.yunzhou.example/a/1"
    assert entry.html == "<h2>总则</h2><h3>细则</h3><p>正文</p>"
    assert entry.published == datetime(2026, 2, 28, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "utf-8", "application/rss+xml"),
        ("utf-8", "gb2312", "text/xml"),
        ("utf-8-sig", "gb2312", "text/xml; charset=gb2312"),
        ("gb2312", "gb2312", "text/xml"),
        ("gb18030", "gb2312", "text/xml"),
        ("gb18030", "gb18030", ""),
        ("gb18030", "utf-8", "text/xml; charset=utf-8"),
        ("gb18030", "x-unknown", "text/xml; charset=GBK"),
        ("gb2312", "iso-8859-1", "text/xml; charset=ISO-8859-1"),
        ("utf-16", "utf-16", "text/xml"),
        ("big5", "big5", "text/xml"),
    ],
)
def test_the_encoding_is_that_which_fits_the_bytes(encoding: str, declared: str, content_type: str) -> None:
    text = rss(encoding=declared)
    if encoding == "big5":
        text = text.replace("云州市住建局", "雲州市住建局").replace("关于调整供热时间的通知", "關於調整供熱時間的通知")
        data = text.encode("big5", errors="ignore")
        assert one(data, content_type).entries[0].title == "關於調整供熱時間的通知"
        return
    assert one(text.encode(encoding), content_type).entries[0].title == "关于调整供热时间的通知"


def test_a_rare_character_of_gb18030_survives_a_header_that_says_gb2312() -> None:
    text = rss(ITEM.replace("供热科", "𠮷科"), encoding="gb2312")
    assert one(text.encode("gb18030"), "text/xml; charset=gb2312").entries[0].author == "𠮷科"


def test_a_character_cut_in_the_middle_loses_only_itself() -> None:
    data = rss(encoding="gb2312").encode("gb2312").replace("至4月7日".encode("gb2312"), b"\xd6 4")
    feed = one(data, "text/xml")
    assert feed.entries[0].title == "关于调整供热时间的通知"
    assert "市区供热延长" in feed.entries[0].html


def test_latin_text_is_read_as_declared_when_nothing_else_fits() -> None:
    assert (
        decode("Caf\u00e9 du \u00ab soir \u00bb".encode("latin-1"), "text/xml; charset=iso-8859-1")
        == "Café du « soir »"
    )


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2026-02-28 10:00:00", 2),
        ("2026/2/28 10:00", 2),
        ("2026年2月28日 10时", 2),
        ("2026年02月28日 10:00", 2),
        ("2026-02-28T10:00:00+00:00", 10),
        ("Sat, 28 Feb 2026 02:00:00 GMT", 2),
    ],
)
def test_a_time_without_a_zone_is_local(written: str, hour: int) -> None:
    published = one(rss(item("文", pubDate=written))).entries[0].published
    assert published == datetime(2026, 2, 28, hour, 0, tzinfo=UTC)


@pytest.mark.parametrize("written", ["2026-02-31 10:00", "99999-01-01", "昨天", "20260228", "0001-01-01 00:00"])
def test_a_time_that_cannot_be_is_left_out(written: str) -> None:
    assert one(rss(item("文", pubDate=written))).entries[0].published is None


def test_what_is_not_text_does_not_come_in() -> None:
    body = (
        "<script>alert(1)</script><p onclick='x()' style='color:red'>文<a href='javascript:x'>链</a></p>"
        "<iframe src='https://v.example/1'></iframe><img src='https://t.example/p.gif' width=1 height=1>"
        "<a href='#top'>顶</a><a href='/b'>全文</a><video src='/v.mp4'></video>"
    )
    entry = one(rss(item(body))).entries[0]
    assert entry.html == (
        '<p>文链</p>顶<a href="https://a.example/b">全文</a>'
        '<a href="https://a.example/v.mp4">https://a.example/v.mp4</a>'
    )
    assert entry.pictures == ()
    assert entry.remarks == ("有 1 处嵌入内容（视频、表单等）没有带入。",)


def test_pictures_are_found_wherever_they_hang() -> None:
    late = '<p>a<img src="blank.gif" data-src="//img.example/1.png"></p><p align="center">中</p>'
    entry = one(rss(item(late))).entries[0]
    assert [found.address for found in entry.pictures] == ["https://img.example/1.png"]
    assert '<p class="align-center">中</p>' in entry.html
    hanging = rss(item("文").replace("<desc", '<enclosure url="/e.jpg" type="image/jpeg" length="9"/><desc'))
    entry = one(hanging).entries[0]
    assert entry.html == '<p><img src="/import/0" alt=""></p><p>文</p>'
    assert entry.pictures[0].address == "https://a.example/e.jpg"
    sound = rss(item("文").replace("<desc", '<enclosure url="/e.mp3" type="audio/mpeg" length="9"/><desc'))
    assert one(sound).entries[0].pictures == ()


def test_plain_text_becomes_paragraphs() -> None:
    entry = one(rss(item("第一段 &lt;5 度\n\n第二段"))).entries[0]
    assert entry.html == "<p>第一段 &lt;5 度</p><p>第二段</p>"


def test_an_entry_is_recognised_by_guid_and_else_by_link() -> None:
    key = one(rss()).entries[0].key
    assert key == one(rss(ITEM.replace("通知", "通告"))).entries[0].key
    assert key != one(rss(ITEM.replace(">1<", ">2<"))).entries[0].key
    # “1” in another feed is another text; an address is the same text everywhere.
    assert key != one(rss().replace("zjj.", "swj.")).entries[0].key
    assert one(ATOM).entries[0].key == one(ATOM.replace("云州发布", "转载")).entries[0].key
    assert len(key) == 64


def test_a_changed_text_has_another_digest_and_new_markup_has_not() -> None:
    digest = one(rss(item("<p>供热延长</p>"))).entries[0].digest
    assert digest == one(rss(item("<p class='x'><b>供热</b>延长</p>"))).entries[0].digest
    assert digest != one(rss(item("<p>供热缩短</p>"))).entries[0].digest


def test_an_entry_without_title_takes_its_first_words_and_an_empty_one_is_told() -> None:
    feed = read_feed(rss(item("<p>无题正文</p>").replace("<title>题</title>", ""), "<item></item>").encode())
    assert [entry.title for entry in feed.entries] == ["无题正文"]
    assert feed.remarks == ("有 1 条既无标题也无正文，已略过。",)


@pytest.mark.parametrize("wrong", ["AT&T 公司", "一&nbsp;二&ldquo;三&rdquo;", "控\x0b制"])
def test_the_usual_faults_are_put_right(wrong: str) -> None:
    feed = one(rss(item("文").replace("<title>题", f"<title>{wrong}")))
    assert feed.remarks == ()
    assert feed.entries[0].title[0] == wrong[0]


def test_a_feed_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    feed = read_feed(rss(ITEM, item("二"))[:-40].encode())
    assert feed.entries[0].title == "关于调整供热时间的通知"
    assert feed.remarks == ("信息源不是规范的 XML，已尽量读取，请核对内容是否完整。",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "内容为空"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "文件不完整或格式不对"),
        (b'{"entries": []}', "文件不完整或格式不对"),
        (b"<html><body>404</body></html>", "这是一个网页"),
    ],
)
def test_what_is_no_feed_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(NotAFeed, match=why):
        read_feed(data)


def test_a_page_names_the_feed_it_links_to() -> None:
    page = b'<html><head><link rel="alternate" type="application/rss+xml" href="/rss.xml"></head></html>'
    with pytest.raises(NotAFeed, match=r"https://zjj\.yunzhou\.example/rss\.xml"):
        read_feed(page, "text/html", "https://zjj.yunzhou.example/news/")


BOMB = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
FILE = '<!DOCTYPE rss [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("attack", [BOMB, FILE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("broken", ["", "<unclosed>"])
def test_entities_of_its_own_are_refused(attack: str, encoding: str, broken: str) -> None:
    text = attack + '<rss version="2.0"><channel><title>&a;</title>' + broken + item("文") + "</channel></rss>"
    with pytest.raises(UnsafeFeed):
        read_feed(text.encode(encoding))


def test_an_old_feed_may_name_its_document_type() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://x.example/rss-0.91.dtd">'
    assert one(doctype + rss().partition("?>")[2].strip()).entries[0].author == "供热科"


@pytest.mark.parametrize(
    "attack",
    ["<rss>" + "<a>" * 300_000, "<a " * 600_000, "<!" * 700_000, "<![CDATA[" * 300_000, "<rss><x>" + "&" * 2_000_000],
)
def test_what_is_made_to_take_long_is_refused_soon(attack: str) -> None:
    begun = time.monotonic()
    with pytest.raises((NotAFeed, UnsafeFeed)):
        read_feed(attack.encode())
    assert time.monotonic() - begun < 5


def test_a_huge_feed_is_cut_and_told_or_refused() -> None:
    many = rss(*(item("文").replace("a.example/1", f"a.example/{n}") for n in range(MOST_ENTRIES + 30)))
    feed = read_feed(many.encode())
    assert len(feed.entries) == MOST_ENTRIES
    assert feed.remarks == (f"信息源共 {MOST_ENTRIES + 30} 条，只读取前 {MOST_ENTRIES} 条。",)
    with pytest.raises(TooLargeToImport):
        read_feed(b"<rss>" + b" " * LONGEST_FEED)
