"""The draft box: every limit at it and one beyond, the way answers are sent, and what escaped JSON does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import Rehearsal, WeChat, serving


def add(wechat: WeChat, **changes: Any) -> int:
    return wechat.code("draft/add", articles=[wechat.article(**changes)])


@pytest.mark.parametrize(
    ("field", "fits", "beyond", "code"),
    [
        ("title", "汛" * 32, "汛" * 33, 45003),
        ("title", "a" * 64, "a" * 65, 45003),
        ("title", "汛" * 31 + "ab", "汛" * 31 + "abc", 45003),
        ("author", "云" * 8, "云" * 9, 45110),
        ("author", "a" * 16, "a" * 17, 45110),
        ("digest", "摘" * 120, "摘" * 121, 45004),
        ("digest", "a" * 240, "a" * 241, 45004),
        ("content", "文" * 19_999, "文" * 20_000, 45002),
        ("content_source_url", "https://a.cn/" + "b" * 1011, "https://a.cn/" + "b" * 1012, 45005),
        ("content_source_url", "http://a.cn", "a.cn", 41039),
        ("title", "x", "", 45003),
        ("content", "x", "  ", 44004),
        ("pic_crop_235_1", "0_0_1_0.5", "0_0_1.1_0.5", 53402),
        ("pic_crop_1_1", "0.1_0.1_0.9_0.9", "0.9_0.1_0.1_0.9", 53402),
        ("pic_crop_1_1", "", "left", 53402),
        ("article_type", "news", "story", 40097),
        ("need_open_comment", 1, 2, 47001),
    ],
)
def test_a_field_at_its_limit_and_one_beyond(wechat: WeChat, field: str, fits: Any, beyond: Any, code: int) -> None:
    assert add(wechat, **{field: fits}) == 0
    assert add(wechat, **{field: beyond}) == code


def test_the_content_is_measured_in_bytes_too(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(content_bytes=301)
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        assert (add(wechat, content="文" * 100), add(wechat, content="文" * 100 + "a")) == (0, 45002)


def test_a_draft_holds_at_most_eight_articles(wechat: WeChat) -> None:
    article = wechat.article()
    assert wechat.code("draft/add", articles=[article] * 8) == 0
    assert wechat.code("draft/add", articles=[article] * 9) == 45008
    assert wechat.code("draft/add", articles=[]) == 44003


def test_a_cover_is_permanent_material(wechat: WeChat) -> None:
    assert add(wechat, thumb_media_id="unknown") == 40007


def test_escaped_characters_are_kept_as_they_stand(wechat: WeChat) -> None:
    short = {"articles": [wechat.article(title="通知", content="<p>水位</p>")]}
    media = wechat.raw("cgi-bin/draft/add", json.dumps(short).encode())["media_id"]
    kept = wechat("draft/get", media_id=media)["news_item"][0]
    assert (kept["title"], kept["content"]) == (r"\u901a\u77e5", r"<p>\u6c34\u4f4d</p>")
    long = {"articles": [wechat.article(title="关于做好防汛工作的通知")]}
    assert "media_id" in wechat("draft/add", **long)
    assert wechat.raw("cgi-bin/draft/add", json.dumps(long).encode())["errcode"] == 45003


def test_an_escaped_backslash_before_u_is_no_escape(wechat: WeChat) -> None:
    media = wechat.draft(wechat.article(title=r"C:\user"))
    assert wechat("draft/get", media_id=media)["news_item"][0]["title"] == r"C:\user"


@pytest.mark.parametrize(("body", "code"), [(b"", 44002), (b"{", 47001), (b"[]", 47001), (b"\xff", 47001)])
def test_a_body_that_is_no_json_object(wechat: WeChat, body: bytes, code: int) -> None:
    assert wechat.raw("cgi-bin/draft/add", body)["errcode"] == code


def test_answers_are_text_plain_without_a_charset(rehearsal: Rehearsal, wechat: WeChat) -> None:
    media = wechat.draft()
    answer = rehearsal.http.post(
        "/wechat/cgi-bin/draft/get",
        params={"access_token": wechat.token},
        content=json.dumps({"media_id": media}),
    )
    assert answer.headers["content-type"] == "text/plain"
    assert "关于防汛的通知".encode() in answer.content
    other = rehearsal.http.get("/wechat/cgi-bin/material/get_materialcount", params={"access_token": wechat.token})
    assert other.headers["content-type"].startswith("application/json")


def test_successes_carry_no_errcode_where_the_platform_sends_none(wechat: WeChat) -> None:
    added = wechat("draft/add", articles=[wechat.article()])
    assert list(added) == ["media_id"]
    assert len(added["media_id"]) <= 128
    assert "errcode" not in wechat("draft/get", media_id=added["media_id"])


def test_a_digest_left_out_is_the_beginning_of_the_body(wechat: WeChat) -> None:
    body = "<p>" + "水" * 60 + "</p>"
    single = wechat("draft/get", media_id=wechat.draft(wechat.article(content=body)))["news_item"][0]
    assert single["digest"] == "水" * 54
    article = wechat.article(digest="摘要")
    several = wechat("draft/get", media_id=wechat.draft(article, article))["news_item"]
    assert [item["digest"] for item in several] == ["", ""]


def test_a_draft_is_changed_listed_and_deleted(rehearsal: Rehearsal, wechat: WeChat) -> None:
    media = wechat.draft(wechat.article(), wechat.article(title="第二条"))
    other = wechat.draft()
    rehearsal.step(1)
    changed = wechat.article(title="改过的第二条")
    assert wechat.code("draft/update", media_id=media, index=1, articles=changed) == 0
    assert wechat.code("draft/update", media_id=media, index=2, articles=changed) == 40114
    assert wechat.code("draft/update", media_id=media, index=-1, articles=changed) == 40114
    assert wechat.code("draft/update", media_id=media, index=0, articles=[changed]) == 47001
    assert wechat("draft/get", media_id=media)["news_item"][1]["title"] == "改过的第二条"
    assert wechat.raw("cgi-bin/draft/count") == {"total_count": 2}
    listed = wechat("draft/batchget", offset=0, count=20, no_content=1)
    assert [item["media_id"] for item in listed["item"]] == [media, other]
    assert "content" not in listed["item"][0]["content"]["news_item"][0]
    assert wechat.code("draft/batchget", offset=0, count=21) == 40097
    assert wechat.code("draft/delete", media_id=other) == 0
    assert wechat.code("draft/get", media_id=other) == 40007
    assert wechat.code("draft/delete", media_id="") == 41006


def test_the_temporary_address_shows_the_draft_and_runs_no_script(rehearsal: Rehearsal, wechat: WeChat) -> None:
    media = wechat.draft()
    page = rehearsal.http.get(wechat("draft/get", media_id=media)["news_item"][0]["url"])
    assert "草稿预览" in page.text
    assert "请注意安全" in page.text
    assert "script-src 'none'" in page.headers["content-security-policy"]


def test_comments_need_the_privilege(config: RehearsalConfig) -> None:
    config.wechat[0].comment_privilege = False
    with serving(config) as rehearsal:
        assert add(rehearsal.wechat(), need_open_comment=1) == 88000


def test_picture_messages_carry_one_to_twenty_pictures(wechat: WeChat) -> None:
    picture = {"image_media_id": wechat.thumb()}

    def code(pictures: list[dict[str, str]]) -> int:
        article = {"article_type": "newspic", "title": "图", "content": "说明", "image_info": {"image_list": pictures}}
        return wechat.code("draft/add", articles=[article])

    assert (code([picture] * 20), code([picture] * 21), code([])) == (0, 40097, 40097)
    assert code([{"image_media_id": "unknown"}]) == 40007


def test_an_uncertified_account_may_draft_but_not_publish(config: RehearsalConfig) -> None:
    config.wechat[0].certified = False
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        media = wechat.draft()
        assert wechat.code("freepublish/submit", media_id=media) == 48001
        everyone: dict[str, Any] = {"filter": {"is_to_all": True}, "msgtype": "mpnews", "mpnews": {"media_id": media}}
        assert wechat.code("message/mass/sendall", **everyone) == 48001


def test_the_verb_is_checked_and_unknown_addresses_are_not_found(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert wechat.raw("cgi-bin/draft/add")["errcode"] == 43002
    assert wechat.raw("cgi-bin/media/get", {"media_id": "x"})["errcode"] == 43001
    assert rehearsal.http.get("/wechat/cgi-bin/nothing").status_code == 404
