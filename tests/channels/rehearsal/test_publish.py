"""Publishing without notice: asynchronous, certified only, and without any key against doing it twice."""

from __future__ import annotations

from typing import Any

import pytest

from channels.rehearsal.config import Callback, RehearsalConfig, WeChatRules
from channels.rehearsal.wechat import xml
from tests.channels.rehearsal.served import CallbackAddress, Rehearsal, WeChat, serving


def published(rehearsal: Rehearsal, wechat: WeChat, *articles: dict[str, Any]) -> dict[str, Any]:
    """Publish and return what the poll then says."""
    before = len(rehearsal.ledger("publish"))
    submitted = wechat("freepublish/submit", media_id=wechat.draft(*articles))
    rehearsal.wait_for("publish", before + 1)
    return wechat("freepublish/get", publish_id=submitted["publish_id"])


def test_the_result_comes_later_and_the_draft_leaves_the_box(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(publish_seconds=60)
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        media = wechat.draft()
        submitted = wechat("freepublish/submit", media_id=media)
        assert (submitted["errcode"], set(submitted)) == (0, {"errcode", "errmsg", "publish_id", "msg_data_id"})
        waiting = wechat("freepublish/get", publish_id=submitted["publish_id"])
        assert (waiting["publish_status"], "article_id" in waiting) == (1, False)
        assert wechat.code("draft/get", media_id=media) == 0
        rehearsal.step(60)
        done = wechat("freepublish/get", publish_id=submitted["publish_id"])
        assert (done["publish_status"], done["article_detail"]["count"]) == (0, 1)
        assert wechat.code("draft/get", media_id=media) == 40007
        assert wechat.code("freepublish/submit", media_id=media) == 40007
        page = rehearsal.http.get(done["article_detail"]["item"][0]["article_url"])
        assert "请注意安全" in page.text


def test_two_submissions_of_one_draft_publish_it_twice_or_are_refused(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(publish_seconds=60)
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        media = wechat.draft()
        assert wechat.code("freepublish/submit", media_id=media) == 0
        assert wechat.code("freepublish/submit", media_id=media) == 0
        rehearsal.step(60)
        assert len(rehearsal.ledger("publish")) == 2
        rehearsal.app.world.config.wechat_rules.second_submit = "refuse"
        media = wechat.draft()
        assert wechat.code("freepublish/submit", media_id=media) == 0
        assert wechat.code("freepublish/submit", media_id=media) == 53501


@pytest.mark.parametrize("status", [2, 3, 4])
def test_a_failed_publication_keeps_the_draft(config: RehearsalConfig, status: Any) -> None:
    config.wechat[0].publish_result = status
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        media = wechat.draft()
        submitted = wechat("freepublish/submit", media_id=media)
        rehearsal.wait_for("publish_failed")
        answer = wechat("freepublish/get", publish_id=submitted["publish_id"])
        assert (answer["publish_status"], answer["fail_idx"]) == (status, [1] if status in (2, 4) else [])
        assert wechat.code("draft/get", media_id=media) == 0


def test_wrong_numbers_are_refused(wechat: WeChat) -> None:
    assert wechat.code("freepublish/submit", media_id="") == 41006
    assert wechat.code("freepublish/submit", media_id="unknown") == 40007
    assert wechat.code("freepublish/get", publish_id="1") == 53502
    assert wechat.code("freepublish/getarticle", article_id="1") == 53600
    assert wechat.code("freepublish/delete", article_id="1") == 53600


def test_deleting_takes_one_or_all_pages_away_for_good(rehearsal: Rehearsal, wechat: WeChat) -> None:
    done = published(rehearsal, wechat, wechat.article(), wechat.article(title="第二条"))
    article_id = done["article_id"]
    urls = [item["article_url"] for item in done["article_detail"]["item"]]
    assert wechat.code("freepublish/delete", article_id=article_id, index=3) == 40114
    assert wechat.code("freepublish/delete", article_id=article_id, index=2) == 0
    items = wechat("freepublish/getarticle", article_id=article_id)["news_item"]
    assert [item["is_deleted"] for item in items] == [False, True]
    assert "已被发布者删除" in rehearsal.http.get(urls[1]).text
    assert "请注意安全" in rehearsal.http.get(urls[0]).text
    assert wechat.code("freepublish/delete", article_id=article_id) == 0
    assert wechat("freepublish/get", publish_id=done["publish_id"])["publish_status"] == 5
    assert wechat.code("freepublish/delete", article_id=article_id) == 53600
    assert wechat("freepublish/batchget", offset=0, count=20)["total_count"] == 0


def test_the_list_is_newest_first_with_titles_to_settle_a_lost_answer(rehearsal: Rehearsal, wechat: WeChat) -> None:
    published(rehearsal, wechat, wechat.article(title="先发"))
    rehearsal.step(5)
    published(rehearsal, wechat, wechat.article(title="后发"))
    listed = wechat("freepublish/batchget", offset=0, count=20, no_content=1)
    titles = [item["content"]["news_item"][0]["title"] for item in listed["item"]]
    assert (listed["total_count"], titles) == (2, ["后发", "先发"])
    assert wechat.code("freepublish/batchget", offset=0, count=0) == 40097
    second = wechat("freepublish/batchget", offset=1, count=1)["item"]
    assert second[0]["content"]["news_item"][0]["url"].startswith(rehearsal.url)


def test_the_finish_event_tells_the_addresses(config: RehearsalConfig, callback: CallbackAddress) -> None:
    config.wechat[0].callback = Callback(url=callback.url, token="t")
    with serving(config) as rehearsal:
        done = published(rehearsal, rehearsal.wechat())
        rehearsal.wait_for("event")
        fields = xml.parse(callback.posts[0].body.decode())
        assert (fields["Event"], fields["MsgType"]) == ("PUBLISHJOBFINISH", "event")
        told = fields["PublishEventInfo"]
        assert (told["publish_id"], told["publish_status"]) == (done["publish_id"], "0")
        assert told["article_detail"]["item"]["article_url"] == done["article_detail"]["item"][0]["article_url"]


@pytest.mark.parametrize(("rule", "pushes"), [("doubled_events", 2), ("silent_events", 0)])
def test_finish_events_may_come_twice_or_not_at_all(
    config: RehearsalConfig, callback: CallbackAddress, rule: str, pushes: int
) -> None:
    config.wechat[0].callback = Callback(url=callback.url, token="t")
    config.wechat_rules = WeChatRules(publish_seconds=0, **{rule: True})
    with serving(config) as rehearsal:
        published(rehearsal, rehearsal.wechat())
        rehearsal.wait_for("event", pushes)
        assert len(callback.posts) == pushes


def test_publishing_reaches_no_follower_and_costs_no_mass_quota(rehearsal: Rehearsal, wechat: WeChat) -> None:
    published(rehearsal, wechat)
    assert rehearsal.ledger("mass_send") == []
    everyone: dict[str, Any] = {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": "好"}}
    assert wechat.code("message/mass/sendall", **everyone) == 0
