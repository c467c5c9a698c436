"""What an official account really shows: the list of published articles, and the counted ones for what was mass-sent.

Mass-sent articles stand in no list (freepublish/batchget has only published ones); the statistics name each article of
a day, with its address and whether followers were told.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from channels.abilities.inventory import Found, Inventory
from channels.adapters.calling import PLATFORM_ZONE
from channels.adapters.wechat import codes
from channels.adapters.wechat.drafts import PER_PAGE
from channels.adapters.wechat.figures import DAYS_COUNTED
from channels.adapters.wechat.fit import MARK
from channels.adapters.wechat.sending import Sending
from channels.adapters.wechat.statistics import WeChatStatistics
from channels.base import Placed
from channels.errors import Refused

MOST_PAGES = 100
DELETED = "公众号上已删除这篇文章。"


class WeChatInventory(WeChatStatistics, Inventory):
    """The comparison's part of the adapter."""

    looks_back: ClassVar[int] = DAYS_COUNTED

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def inventory(self, since: date) -> Sequence[Found]:
        """Published articles from their list, all others from the statistics; one found in both is one."""
        by_address = {found.url: found for found in _published(self.sending, since)}
        day, until = since, self.counted_until(self.sending.tools.clock.now())
        while day <= until:
            for article in self.article_sums(day).what:
                message, _, idx = article.number.rpartition("_")
                data = {"msg_data_id": int(message), "idx": int(idx)} if message.isdigit() and idx.isdigit() else {}
                listed = by_address.get(article.url)
                if listed:
                    by_address[article.url] = replace(listed, notified=article.notified, data={**data, **listed.data})
                else:
                    at = datetime.combine(day, time(), PLATFORM_ZONE)
                    by_address[article.url] = Found(
                        article.number, article.title, article.url, at, notified=article.notified, data=data
                    )
            day += timedelta(days=1)
        return list(by_address.values())

    def gone(self, placed: Sequence[Placed]) -> Mapping[int, str]:
        """Asked article by article (freepublish/getarticle), or message by message (message/mass/get)."""
        found = {}
        for one in placed:
            article_id, idx = one.data.get("article_id"), int(one.data.get("idx") or 0)
            if article_id and _article_gone(self.sending, str(article_id), idx):
                found[one.piece_id] = DELETED
            elif not article_id and one.data.get("msg_id") and _message_gone(self.sending, int(one.data["msg_id"])):
                found[one.piece_id] = "这条群发已在公众号上被整条删除。"
        return found


def _published(sending: Sending, since: date) -> Iterator[Found]:
    for page in range(MOST_PAGES):
        with sending.harmlessly():
            answer = sending.client.freepublish.batchget(page * PER_PAGE, PER_PAGE, 0)
        items = answer.get("item") or []
        for entry in items:
            content = entry["content"]
            at = datetime.fromtimestamp(int(content.get("create_time") or entry["update_time"]), PLATFORM_ZONE)
            for idx, article in enumerate(content["news_item"], start=1):
                if at.date() >= since and not article.get("is_deleted"):
                    yield Found(
                        f"{entry['article_id']}_{idx}",
                        str(article.get("title", "")),
                        str(article.get("url", "")),
                        at,
                        str(article.get("content", "")),
                        str(article.get("author", "")),
                        str(article.get("digest", "")),
                        str(article.get("content_source_url", "")).partition(MARK)[2],
                        data={"article_id": str(entry["article_id"]), "idx": idx},
                    )
        # Ordered by their last change, so that an old one may stand early, but a page of old ones ends it.
        old = all(datetime.fromtimestamp(int(entry["update_time"]), PLATFORM_ZONE).date() < since for entry in items)
        if old or (page + 1) * PER_PAGE >= int(answer.get("total_count") or 0):
            return


def _article_gone(sending: Sending, article_id: str, idx: int) -> bool:
    try:
        with sending.harmlessly():
            news = sending.client.post("freepublish/getarticle", data={"article_id": article_id})["news_item"]
    except Refused as refused:
        if refused.platform_code == str(codes.BAD_ARTICLE_ID):
            return True
        raise
    return len(news) < idx or bool(news[idx - 1].get("is_deleted"))


def _message_gone(sending: Sending, msg_id: int) -> bool:
    with sending.harmlessly():
        return bool(sending.client.message.get_mass(msg_id).get("msg_status") == "DELETE")
