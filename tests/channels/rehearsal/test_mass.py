"""Mass sending: quotas at their limit and beyond, the key against repetition, the administrator who must confirm."""

from __future__ import annotations

from typing import Any

import pytest

from channels.rehearsal.config import Callback, RehearsalConfig, WeChatRules
from channels.rehearsal.wechat import xml
from tests.channels.rehearsal.served import (
    CITIZEN,
    SERVICE_APPID,
    SERVICE_CITIZENS,
    SERVICE_SECRET,
    CallbackAddress,
    Rehearsal,
    WeChat,
    png,
    serving,
)

MONDAY = "2030-03-04T09:00:00+08:00"


def to_all(wechat: WeChat, words: str = "", /, key: str = "", **changes: Any) -> dict[str, Any]:
    """Send a text, or a fresh draft when there is none, to everybody."""
    body: dict[str, Any] = {"filter": {"is_to_all": True}, "send_ignore_reprint": 0}
    if words:
        body |= {"msgtype": "text", "text": {"content": words}}
    else:
        body |= {"msgtype": "mpnews", "mpnews": {"media_id": wechat.draft()}}
    if key:
        body["clientmsgid"] = key
    return wechat("message/mass/sendall", **body | changes)


@pytest.fixture
def service(rehearsal: Rehearsal) -> WeChat:
    """A caller on the service account."""
    return rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)


def test_everybody_receives_and_the_draft_leaves_the_box(rehearsal: Rehearsal, wechat: WeChat) -> None:
    media = wechat.draft(wechat.article(), wechat.article(title="次条"))
    sent = to_all(wechat, mpnews={"media_id": media})
    assert (sent["errcode"], sent["errmsg"]) == (0, "send job submission success")
    assert {"msg_id", "msg_data_id"} <= set(sent)
    line = rehearsal.wait_for("mass_send")[0]["data"]
    assert (len(line["recipients"]), [a["title"] for a in line["articles"]]) == (3, ["关于防汛的通知", "次条"])
    assert wechat.code("draft/get", media_id=media) == 40007
    assert wechat("message/mass/get", msg_id=sent["msg_id"])["msg_status"] == "SEND_SUCCESS"
    assert "请注意安全" in rehearsal.http.get(line["articles"][0]["path"]).text


def test_a_text_has_no_msg_data_id(wechat: WeChat) -> None:
    assert "msg_data_id" not in to_all(wechat, "今晚有雨")


def test_a_subscription_account_sends_once_a_day(rehearsal: Rehearsal) -> None:
    rehearsal.control("clock", to=MONDAY)
    wechat = rehearsal.wechat()
    assert to_all(wechat, "一")["errcode"] == 0
    assert to_all(wechat, "二")["errcode"] == 45028
    rehearsal.control("clock", to="2030-03-05T00:00:01+08:00")
    assert to_all(rehearsal.wechat(), "二")["errcode"] == 0


def test_a_service_account_sends_to_all_once_a_day_and_four_times_a_month_to_a_person(rehearsal: Rehearsal) -> None:
    for day in range(4, 9):
        rehearsal.control("clock", to=f"2030-03-0{day}T09:00:00+08:00")
        service = rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)
        assert to_all(service, f"第{day}天")["errcode"] == 0
        rehearsal.wait_for("mass_send", day - 3)
    assert to_all(service, "同一天")["errcode"] == 45028
    received = [len(line["data"]["recipients"]) for line in rehearsal.ledger("mass_send")]
    assert received == [3, 3, 3, 3, 0]
    rehearsal.control("clock", to="2030-04-01T09:00:00+08:00")
    assert to_all(rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET), "四月")["errcode"] == 0
    assert len(rehearsal.wait_for("mass_send", 6)[-1]["data"]["recipients"]) == 3


def test_calls_are_limited_by_the_minute_and_for_service_accounts_by_the_day(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(mass_calls_per_minute=2, mass_calls_per_day=3)
    with serving(config) as rehearsal:
        rehearsal.control("clock", to=MONDAY)
        service = rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)

        def send(text: str) -> int:
            content = {"content": text}
            return service.code("message/mass/send", touser=SERVICE_CITIZENS, msgtype="text", text=content)

        assert [send(text) for text in "一二三"] == [0, 0, 45011]
        rehearsal.step(61)
        assert [send(text) for text in "四五"] == [0, 45028]


def test_the_same_key_is_refused_for_a_day_with_the_first_msg_id(rehearsal: Rehearsal) -> None:
    rehearsal.control("clock", to=MONDAY)
    wechat = rehearsal.wechat()
    first = to_all(wechat, key="delivery-7")["msg_id"]
    assert to_all(wechat, key="delivery-7")["errcode"] == 45066
    rehearsal.step(60)
    again = to_all(wechat, key="delivery-7")
    assert (again["errcode"], again["msg_id"]) == (45065, first)
    assert "msg_data_id" not in again
    rehearsal.step(24 * 3600 - 62)
    assert to_all(rehearsal.wechat(), key="delivery-7")["errcode"] == 45065
    rehearsal.step(3)
    assert to_all(rehearsal.wechat(), key="delivery-7")["errcode"] == 0
    assert len(rehearsal.wait_for("mass_send", 2)) == 2


def test_45065_may_come_at_once(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(retry_too_fast_first=False)
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        first = to_all(wechat, "一", key="k")
        assert to_all(wechat, "一", key="k") | {"errmsg": ""} == {
            "errcode": 45065,
            "errmsg": "",
            "msg_id": first["msg_id"],
        }


def test_a_key_has_at_most_64_bytes(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert to_all(wechat, "一", key="k" * 65)["errcode"] == 45067
    assert to_all(wechat, "一", key="k" * 64)["errcode"] == 0


def test_without_a_key_the_same_content_is_the_key(config: RehearsalConfig) -> None:
    config.wechat[0].mass_per_day = 10
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        article = wechat.article()
        assert to_all(wechat, mpnews={"media_id": wechat.draft(article)})["errcode"] == 0
        rehearsal.step(61)
        assert to_all(wechat, mpnews={"media_id": wechat.draft(article)})["errcode"] == 45065
        assert to_all(wechat, mpnews={"media_id": wechat.draft(article | {"title": "改了"})})["errcode"] == 0


def test_a_refused_call_uses_up_neither_key_nor_quota(wechat: WeChat) -> None:
    assert to_all(wechat, mpnews={"media_id": "unknown"}, key="k")["errcode"] == 40007
    assert to_all(wechat, key="k")["errcode"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"filter": None}, 40097),
        ({"filter": {"is_to_all": False, "tag_id": 77}}, 40097),
        ({"msgtype": "poem"}, 40008),
        ({"text": "今晚有雨"}, 47003),
        ({"text": {"content": " "}}, 44004),
        ({"msgtype": "image", "image": {"media_id": "unknown"}}, 40007),
    ],
)
def test_wrong_mass_messages(wechat: WeChat, changes: dict[str, Any], code: int) -> None:
    assert to_all(wechat, "今晚有雨", **changes)["errcode"] == code


def test_pictures_are_sent_from_the_library(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert to_all(wechat, msgtype="image", image={"media_id": wechat.thumb()})["errcode"] == 0
    path = rehearsal.wait_for("mass_send")[0]["data"]["content"]["paths"][0]
    assert rehearsal.http.get(path).content == png()


def test_sending_to_named_people_is_for_service_accounts(wechat: WeChat, service: WeChat) -> None:
    text = {"msgtype": "text", "text": {"content": "好"}}

    def code(caller: WeChat, people: list[str]) -> int:
        return caller.code("message/mass/send", touser=people, **text)

    assert code(wechat, [CITIZEN, CITIZEN]) == 48001
    assert code(service, SERVICE_CITIZENS[:1]) == 40130
    assert code(service, ["unknown-1", "unknown-2"]) == 40003
    assert code(service, [f"o{n}" for n in range(10_001)]) == 40032
    assert code(service, SERVICE_CITIZENS[:1] + [f"o{n}" for n in range(9_999)]) == 0


def test_those_who_left_receive_nothing(rehearsal: Rehearsal, service: WeChat) -> None:
    rehearsal.control(f"wechat/{SERVICE_APPID}/push", openid=SERVICE_CITIZENS[0], kind="unsubscribe")
    assert to_all(service, "好")["errcode"] == 0
    assert rehearsal.wait_for("mass_send")[0]["data"]["recipients"] == SERVICE_CITIZENS[1:]


def test_a_preview_goes_to_one_follower_and_keeps_the_draft(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(previews_per_day=2)
    with serving(config) as rehearsal:
        rehearsal.control("clock", to=MONDAY)
        wechat = rehearsal.wechat()
        media = wechat.draft()
        news: dict[str, Any] = {"msgtype": "mpnews", "mpnews": {"media_id": media}}
        assert wechat("message/mass/preview", touser=CITIZEN, **news)["errmsg"] == "preview success"
        assert wechat.code("message/mass/preview", touser="unknown", **news) == 40003
        assert wechat.code("message/mass/preview", towxname="无名氏", **news) == 40132
        assert wechat.code("message/mass/preview", towxname="王女士", **news) == 0
        assert wechat.code("message/mass/preview", touser=CITIZEN, **news) == 45009
        shown = rehearsal.ledger("preview")[0]["data"]
        assert (shown["openid"], shown["content"]["articles"][0]["title"]) == (CITIZEN, "关于防汛的通知")
        assert wechat.code("draft/get", media_id=media) == 0


def test_deleting_takes_the_page_and_leaves_the_card(rehearsal: Rehearsal, wechat: WeChat) -> None:
    sent = to_all(wechat, mpnews={"media_id": wechat.draft(wechat.article(), wechat.article(title="次条"))})
    line = rehearsal.wait_for("mass_send")[0]["data"]
    first, second = (article["path"] for article in line["articles"])
    assert wechat.code("message/mass/delete", msg_id=sent["msg_id"], article_idx=3) == 40114
    assert wechat.code("message/mass/delete", msg_id=sent["msg_id"], article_idx=2) == 0
    assert "已被发布者删除" in rehearsal.http.get(second).text
    assert "请注意安全" in rehearsal.http.get(first).text
    assert wechat("message/mass/get", msg_id=sent["msg_id"])["msg_status"] == "SEND_SUCCESS"
    assert wechat.code("message/mass/delete", msg_id=sent["msg_id"]) == 0
    assert wechat("message/mass/get", msg_id=sent["msg_id"])["msg_status"] == "DELETE"
    assert len(rehearsal.ledger("mass_send")) == 1


def test_a_text_cannot_be_deleted_and_unknown_messages_have_no_state(rehearsal: Rehearsal, wechat: WeChat) -> None:
    sent = to_all(wechat, "好")
    rehearsal.wait_for("mass_send")
    assert wechat.code("message/mass/delete", msg_id=sent["msg_id"]) == 40008
    assert wechat.code("message/mass/delete", msg_id=1) == 40059
    assert wechat.code("message/mass/get", msg_id=1) == 40059


@pytest.fixture
def guarded(config: RehearsalConfig, callback: CallbackAddress) -> RehearsalConfig:
    """A subscription account whose administrator confirms every send to all."""
    config.wechat[0].confirm_mass_send = True
    config.wechat[0].callback = Callback(url=callback.url, token="t")
    return config


def finished(rehearsal: Rehearsal, callback: CallbackAddress) -> dict[str, Any]:
    rehearsal.wait_for("event")
    return xml.parse(callback.posts[-1].body.decode())


def test_a_guarded_message_waits_for_the_administrator(guarded: RehearsalConfig, callback: CallbackAddress) -> None:
    with serving(guarded) as rehearsal:
        wechat = rehearsal.wechat()
        sent = to_all(wechat)
        rehearsal.step(1790)
        assert rehearsal.ledger("mass_send") == []
        assert wechat("message/mass/get", msg_id=sent["msg_id"])["msg_status"] == "SENDING"
        accounts = rehearsal.http.get("/control/accounts").json()["wechat"]
        assert accounts[0]["waiting"] == [sent["msg_id"]]
        rehearsal.control(f"wechat/{wechat.appid}/mass/{sent['msg_id']}", decision="confirm")
        line = rehearsal.wait_for("mass_send")[0]["data"]
        fields = finished(rehearsal, callback)
        assert (fields["Event"], fields["Status"]) == ("MASSSENDJOBFINISH", "send success")
        assert [fields[name] for name in ("TotalCount", "FilterCount", "SentCount", "ErrorCount")] == [
            "3",
            "3",
            "3",
            "0",
        ]
        told = fields["ArticleUrlResult"]["ResultList"]["item"]
        assert (told["ArticleIdx"], told["ArticleUrl"]) == ("1", line["articles"][0]["url"])


@pytest.mark.parametrize(("decision", "status"), [("refuse", "err(40001)"), ("lapse", "err(40002)")])
def test_a_guarded_message_that_is_not_confirmed(
    guarded: RehearsalConfig, callback: CallbackAddress, decision: str, status: str
) -> None:
    with serving(guarded) as rehearsal:
        wechat = rehearsal.wechat()
        sent = to_all(wechat)
        if decision == "refuse":
            rehearsal.control(f"wechat/{wechat.appid}/mass/{sent['msg_id']}", decision=decision)
        else:
            rehearsal.step(1800)
        assert finished(rehearsal, callback)["Status"] == status
        assert rehearsal.ledger("mass_send") == []
        assert wechat("message/mass/get", msg_id=sent["msg_id"])["msg_status"] == "SEND_FAIL"
        late = rehearsal.http.post(
            f"/control/wechat/{wechat.appid}/mass/{sent['msg_id']}", json={"decision": "confirm"}
        )
        assert late.status_code == 409


@pytest.mark.parametrize(("costs", "code"), [(True, 45028), (False, 0)])
def test_a_refused_message_costs_the_days_quota_or_not(guarded: RehearsalConfig, costs: bool, code: int) -> None:
    guarded.wechat_rules.refused_mass_send_costs_quota = costs
    with serving(guarded) as rehearsal:
        rehearsal.control("clock", to=MONDAY)
        wechat = rehearsal.wechat()
        sent = to_all(wechat, "一")
        rehearsal.control(f"wechat/{wechat.appid}/mass/{sent['msg_id']}", decision="refuse")
        assert to_all(wechat, "二")["errcode"] == code


def test_the_platform_may_find_the_content_unfit(config: RehearsalConfig) -> None:
    config.wechat[0].mass_result = "err(20001)"
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        media = wechat.draft()
        sent = to_all(wechat, mpnews={"media_id": media})
        assert rehearsal.wait_for("mass_failed")[0]["data"]["status"] == "err(20001)"
        assert wechat("message/mass/get", msg_id=sent["msg_id"])["msg_status"] == "SEND_FAIL"
        assert wechat.code("draft/get", media_id=media) == 0
