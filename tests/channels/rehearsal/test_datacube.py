"""Statistics grow from what readers did, never from thin air."""

from __future__ import annotations

from typing import Any

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import APPID, CITIZEN, Rehearsal, serving

DAY = 24 * 3600


def ask(rehearsal: Rehearsal, name: str, begin: str = "2030-03-04", end: str = "") -> dict[str, Any]:
    return rehearsal.wechat().raw(f"datacube/{name}", {"begin_date": begin, "end_date": end or begin})


@pytest.fixture
def read(rehearsal: Rehearsal) -> Rehearsal:
    """An article mass-sent on Monday, 4 March 2030, read on that day and on the next; now it is Wednesday at nine."""
    rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
    wechat = rehearsal.wechat()
    body: dict[str, Any] = {"filter": {"is_to_all": True}, "msgtype": "mpnews"}
    draft = wechat.draft(wechat.article(need_open_comment=1))
    wechat("message/mass/sendall", **body, mpnews={"media_id": draft})
    page = rehearsal.wait_for("mass_send")[0]["data"]["articles"][0]["path"].rsplit("/", 1)[-1]

    def act(act: str, reader: str) -> None:
        rehearsal.control(f"wechat/{APPID}/pages/{page}", act=act, reader=reader)

    for reader in ("a", "a", "b"):
        act("read", reader)
    act("share", "a")
    act("like", "b")
    rehearsal.control(f"wechat/{APPID}/pages/{page}/comments", openid=CITIZEN, content="收到")
    rehearsal.step(DAY)
    for what, reader in (("read", "a"), ("read", "c"), ("zaikan", "c"), ("favourite", "c")):
        act(what, reader)
    rehearsal.step(DAY)
    return rehearsal


def msgid(rehearsal: Rehearsal) -> str:
    return f"{rehearsal.ledger('mass_send')[0]['data']['msg_data_id']}_1"


def test_readers_and_shares_of_a_day(read: Rehearsal) -> None:
    monday, tuesday = (ask(read, "getarticleread", day) for day in ("2030-03-04", "2030-03-05"))
    assert monday["is_delay"] is False
    line = monday["list"][0]
    assert (line["ref_date"], line["msgid"], line["detail"]["read_user"]) == ("2030-03-04", msgid(read), 2)
    assert {"scene_desc": "公众号消息", "user_count": 2} in line["detail"]["read_user_source"]
    assert tuesday["list"][0]["detail"]["read_user"] == 2
    assert ask(read, "getarticleshare")["list"][0]["detail"] == {"share_user": 1}
    assert ask(read, "getarticleshare", "2030-03-05")["list"] == []


def test_the_summary_of_a_day(read: Rehearsal) -> None:
    detail = ask(read, "getbizsummary")["list"][0]["detail"]
    expected = {"read_user": 2, "share_user": 1, "like_user": 1, "zaikan_user": 0, "comment_count": 1}
    assert {name: detail[name] for name in expected} == expected
    assert detail["send_page_count"] == 1


def test_an_articles_sums_since_publication(read: Rehearsal) -> None:
    line = ask(read, "getarticletotaldetail")["list"][0]
    assert (line["msgid"], line["publish_type"], line["title"]) == (msgid(read), 0, "关于防汛的通知")
    days = [(one["stat_date"], one["read_user"], one["collection_user"]) for one in line["detail_list"]]
    assert days == [("2030-03-04", 2, 0), ("2030-03-05", 3, 1)]
    read.step(60 * DAY)
    assert len(ask(read, "getarticletotaldetail")["list"][0]["detail_list"]) == 30
    assert ask(read, "getarticletotaldetail", "2030-03-05")["list"] == []


def test_a_published_article_is_marked_as_not_notified(read: Rehearsal) -> None:
    wechat = read.wechat()
    wechat("freepublish/submit", media_id=wechat.draft())
    read.wait_for("publish")
    read.step(DAY)
    assert ask(read, "getarticletotaldetail", "2030-03-06")["list"][0]["publish_type"] == 1


def test_yesterday_is_delayed_before_eight(read: Rehearsal) -> None:
    read.control("clock", to="2030-03-07T07:59:00+08:00")
    assert ask(read, "getarticleread", "2030-03-06")["is_delay"] is True
    assert ask(read, "getarticleread", "2030-03-05")["is_delay"] is False
    read.control("clock", to="2030-03-07T08:00:00+08:00")
    assert ask(read, "getarticleread", "2030-03-06")["is_delay"] is False


@pytest.mark.parametrize(
    ("name", "begin", "end", "code"),
    [
        ("getarticleread", "2030-03-05", "2030-03-05", 0),
        ("getarticleread", "2030-03-04", "2030-03-05", 61501),
        ("getarticleread", "2030-03-06", "2030-03-06", 61501),
        ("getarticleread", "2030-3-x", "2030-03-05", 61500),
        ("getusersummary", "2030-02-27", "2030-03-05", 0),
        ("getusersummary", "2030-02-26", "2030-03-05", 61501),
        ("getusersummary", "2030-03-05", "2030-03-04", 61501),
        ("getuserread", "2030-03-05", "2030-03-05", 48001),
    ],
)
def test_spans(rehearsal: Rehearsal, name: str, begin: str, end: str, code: int) -> None:
    rehearsal.control("clock", to="2030-03-06T09:00:00+08:00")
    assert ask(rehearsal, name, begin, end).get("errcode", 0) == code


def test_spans_and_small_numbers_are_settings(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(publish_seconds=0, datacube_days={"getarticleread": 30}, datacube_ignores_below=2)
    with serving(config) as rehearsal:
        rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
        wechat = rehearsal.wechat()
        wechat("freepublish/submit", media_id=wechat.draft())
        path = rehearsal.wait_for("publish")[0]["data"]["articles"][0]["path"]
        for reader in ("a", "b"):
            rehearsal.http.get(path, params={"reader": reader})
        rehearsal.step(DAY)
        assert ask(rehearsal, "getarticleread", "2030-02-10", "2030-03-04")["list"] == []
        rehearsal.step(-DAY)
        rehearsal.http.get(path, params={"reader": "c"})
        rehearsal.step(DAY)
        assert len(ask(rehearsal, "getarticleread", "2030-02-10", "2030-03-04")["list"]) == 1


def test_followers_come_and_go(rehearsal: Rehearsal) -> None:
    rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
    for number in range(3):
        rehearsal.control(f"wechat/{APPID}/push", openid=f"oNew{number}", kind="subscribe")
    rehearsal.control(f"wechat/{APPID}/push", openid="oNew0", kind="unsubscribe")
    rehearsal.control(f"wechat/{APPID}/push", openid="oNew1", content="一")
    rehearsal.control(f"wechat/{APPID}/push", openid="oNew1", content="二")
    rehearsal.step(DAY)
    lines = ask(rehearsal, "getusersummary")["list"]
    assert len(lines) == 2
    assert (sum(line["new_user"] for line in lines), sum(line["cancel_user"] for line in lines)) == (3, 1)
    assert ask(rehearsal, "getusercumulate")["list"][0]["cumulate_user"] == 5
    sent = ask(rehearsal, "getupstreammsg")["list"]
    assert sent == [{"ref_date": "2030-03-04", "msg_type": 1, "msg_user": 1, "msg_count": 2}]


def test_quota(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(calls_per_day_by_path={"cgi-bin/draft/count": 2})
    with serving(config) as rehearsal:
        rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
        wechat = rehearsal.wechat()

        def count() -> int:
            return int(wechat.raw("cgi-bin/draft/count").get("errcode", 0))

        assert [count(), count(), count()] == [0, 0, 45009]
        asked = wechat("openapi/quota/get", cgi_path="/cgi-bin/draft/count")["quota"]
        assert asked == {"daily_limit": 2, "used": 3, "remain": 0}
        assert wechat.code("openapi/quota/get", cgi_path="/cgi-bin/nothing") == 76021
        assert wechat.code("clear_quota", appid="wx-other") == 40013
        assert wechat.code("clear_quota", appid=APPID) == 0
        assert count() == 0
        by_secret = {"appid": APPID, "appsecret": "rehearsal-secret-of-the-subscription-account"}
        codes = [wechat.raw("cgi-bin/clear_quota/v2", by_secret).get("errcode") for _ in range(10)]
        assert codes == [0] * 9 + [48006]
        assert wechat.raw("cgi-bin/clear_quota/v2", by_secret | {"appsecret": "x"})["errcode"] == 40125
