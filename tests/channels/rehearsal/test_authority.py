"""The authority's feed is one that our own reader takes whole, and its items have the age they were given."""

from __future__ import annotations

from datetime import timedelta

from channels.rehearsal.config import Authority, AuthorityItem
from content.importing.feeds import read_feed
from tests.channels.rehearsal.served import Rehearsal


def test_the_feed_is_read_with_its_times_and_pages(rehearsal: Rehearsal) -> None:
    items = [
        AuthorityItem(title="旧 <闻> & 要闻", hours_ago=30, text="第一段\n第二段 <b>"),
        AuthorityItem(title="新闻", hours_ago=0.5, text="正文"),
    ]
    rehearsal.app.world.config.authority = Authority(name="云省 & 政府", items=items)
    answer = rehearsal.http.get("/authority/rss.xml")
    feed = read_feed(answer.content, answer.headers["content-type"], str(answer.url))
    assert feed.title == "云省 & 政府"
    assert feed.remarks == ()
    newest, oldest = feed.entries
    assert (newest.title, oldest.title) == ("新闻", "旧 <闻> & 要闻")
    assert oldest.html == "<p>第一段</p><p>第二段 &lt;b&gt;</p>"
    assert newest.published is not None
    assert oldest.published is not None
    assert newest.published - oldest.published == timedelta(hours=29.5)
    page = rehearsal.http.get(oldest.link)
    assert "第二段 &lt;b&gt;" in page.text
    assert rehearsal.http.get("/authority/9.html").status_code == 404
