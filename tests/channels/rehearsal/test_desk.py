"""Comments, menus, people, tags and template messages."""

from __future__ import annotations

from typing import Any

import pytest

from channels.rehearsal.config import Callback, RehearsalConfig
from channels.rehearsal.wechat import xml
from tests.channels.rehearsal.served import (
    APPID,
    CITIZEN,
    SERVICE_APPID,
    SERVICE_CITIZENS,
    SERVICE_SECRET,
    CallbackAddress,
    Rehearsal,
    WeChat,
    serving,
)


@pytest.fixture
def commented(rehearsal: Rehearsal, wechat: WeChat) -> dict[str, Any]:
    """A published article with three comments; the fields that name it."""
    draft = wechat.draft(wechat.article(need_open_comment=1), wechat.article(title="不开评论"))
    wechat("freepublish/submit", media_id=draft)
    line = rehearsal.wait_for("publish")[0]["data"]
    pages = [article["path"].rsplit("/", 1)[-1] for article in line["articles"]]
    for text in ("一", "二", "三"):
        rehearsal.control(f"wechat/{APPID}/pages/{pages[0]}/comments", openid=CITIZEN, content=text)
    door = f"/control/wechat/{APPID}/pages/{pages[1]}/comments"
    assert rehearsal.http.post(door, json={"openid": CITIZEN, "content": "x"}).status_code == 409
    return {"msg_data_id": line["msg_data_id"], "index": 0}


def test_comments_are_listed_from_index_zero(wechat: WeChat, commented: dict[str, Any]) -> None:
    listed = wechat("comment/list", **commented, begin=0, count=2, type=0)
    assert (listed["total"], [one["content"] for one in listed["comment"]]) == (3, ["三", "二"])
    assert wechat("comment/list", **commented | {"index": 1}, begin=0, count=2, type=0)["total"] == 0
    assert wechat.code("comment/list", **commented | {"index": 2}, begin=0, count=2) == 88001
    assert wechat.code("comment/list", msg_data_id=1, index=0, begin=0, count=2) == 88001


@pytest.mark.parametrize(("count", "code"), [(49, 0), (50, 88010), (0, 88010)])
def test_a_list_of_comments_is_under_fifty(wechat: WeChat, commented: dict[str, Any], count: int, code: int) -> None:
    assert wechat.code("comment/list", **commented, begin=0, count=count) == code


def test_comments_are_chosen_answered_and_deleted(wechat: WeChat, commented: dict[str, Any]) -> None:
    first = wechat("comment/list", **commented, begin=2, count=1)["comment"][0]["user_comment_id"]
    one = commented | {"user_comment_id": first}
    assert wechat.code("comment/markelect", **one) == 0
    chosen = wechat("comment/list", **commented, begin=0, count=9, type=2)
    assert [comment["user_comment_id"] for comment in chosen["comment"]] == [first]
    assert wechat.code("comment/unmarkelect", **one) == 0
    assert wechat("comment/list", **commented, begin=0, count=9, type=1)["total"] == 3
    assert wechat.code("comment/reply/delete", **one) == 88009
    assert wechat.code("comment/reply/add", **one, content="") == 88007
    assert wechat.code("comment/reply/add", **one, content="已转办") == 0
    assert wechat.code("comment/reply/add", **one, content="再答") == 88005
    assert wechat("comment/list", **commented, begin=2, count=1)["comment"][0]["reply"]["content"] == "已转办"
    assert wechat.code("comment/reply/delete", **one) == 0
    assert wechat.code("comment/delete", **one) == 0
    assert wechat.code("comment/delete", **one) == 88008
    assert wechat("comment/list", **commented, begin=0, count=9)["total"] == 2


def test_comments_are_opened_and_closed(rehearsal: Rehearsal, wechat: WeChat, commented: dict[str, Any]) -> None:
    page = rehearsal.ledger("publish")[0]["data"]["articles"][1]["path"].rsplit("/", 1)[-1]
    door, words = f"/control/wechat/{APPID}/pages/{page}/comments", {"openid": CITIZEN, "content": "好"}
    assert wechat.code("comment/open", **commented | {"index": 1}) == 0
    assert rehearsal.http.post(door, json=words).status_code == 200
    assert wechat.code("comment/close", **commented | {"index": 1}) == 0
    assert rehearsal.http.post(door, json=words).status_code == 409


def test_comments_need_the_privilege(config: RehearsalConfig) -> None:
    config.wechat[0].comment_privilege = False
    with serving(config) as rehearsal:
        assert rehearsal.wechat().code("comment/list", msg_data_id=1, index=0, begin=0, count=2) == 88000


CLICK = {"type": "click", "name": "办事", "key": "guide"}


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([CLICK] * 3, 0),
        ([CLICK] * 4, 40016),
        ([], 40016),
        ([CLICK | {"name": "办" * 5 + "a"}], 0),
        ([CLICK | {"name": "办" * 5 + "ab"}], 40018),
        ([CLICK | {"key": "k" * 128}], 0),
        ([CLICK | {"key": "k" * 129}], 40019),
        ([{"type": "view", "name": "网", "url": "https://a.cn/" + "u" * 1011}], 0),
        ([{"type": "view", "name": "网", "url": "https://a.cn/" + "u" * 1012}], 40020),
        ([CLICK | {"type": "jump"}], 40017),
        ([{"name": "更多", "sub_button": [CLICK] * 5}], 0),
        ([{"name": "更多", "sub_button": [CLICK] * 6}], 40023),
        ([{"name": "更多", "sub_button": [CLICK | {"name": "办" * 20}]}], 0),
        ([{"name": "更多", "sub_button": [CLICK | {"name": "办" * 20 + "a"}]}], 40025),
    ],
)
def test_menus(wechat: WeChat, buttons: list[dict[str, Any]], code: int) -> None:
    assert wechat.code("menu/create", button=buttons) == code
    assert wechat.raw("cgi-bin/menu/get").get("errcode", 0) == (46003 if code else 0)
    assert wechat.raw("cgi-bin/menu/delete")["errcode"] == 0
    assert wechat.raw("cgi-bin/menu/get")["errcode"] == 46003


def test_what_was_made_by_hand_ends_with_the_message_interface(config: RehearsalConfig) -> None:
    config.wechat[0].selfmenu = [{"type": "view", "name": "门户", "url": "https://a.cn/"}]
    config.wechat[0].autoreply_rules = [{"rule_name": "社保"}]
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        menu, rules = (wechat.raw(f"cgi-bin/get_current_{name}_info") for name in ("selfmenu", "autoreply"))
        assert (menu["is_menu_open"], rules["is_autoreply_open"]) == (1, 1)
        assert menu["selfmenu_info"]["button"][0]["name"] == "门户"
        rehearsal.app.world.state.wechat.accounts[APPID].account.callback = Callback(
            url="http://127.0.0.1:9/", token="t"
        )
        menu, rules = (wechat.raw(f"cgi-bin/get_current_{name}_info") for name in ("selfmenu", "autoreply"))
        assert (menu["is_menu_open"], rules["is_autoreply_open"]) == (0, 0)
        assert wechat.code("menu/create", button=[CLICK]) == 0
        assert wechat.raw("cgi-bin/get_current_selfmenu_info")["is_menu_open"] == 1


def test_people_carry_no_names(rehearsal: Rehearsal, wechat: WeChat) -> None:
    everybody = wechat.raw("cgi-bin/user/get")
    assert (everybody["total"], everybody["data"]["openid"][0]) == (3, CITIZEN)
    after = wechat.raw("cgi-bin/user/get", params={"next_openid": everybody["next_openid"]})
    assert (after["count"], "data" in after) == (0, False)
    assert wechat.raw("cgi-bin/user/get", params={"next_openid": "unknown"})["errcode"] == 40003
    one = wechat.raw("cgi-bin/user/info", params={"openid": CITIZEN})
    assert (one["subscribe"], one["nickname"], one["headimgurl"]) == (1, "", "")
    assert wechat.raw("cgi-bin/user/info", params={"openid": "unknown"})["errcode"] == 40003
    assert wechat.code("user/info/updateremark", openid=CITIZEN, remark="网格员") == 0
    rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, kind="unsubscribe")
    assert wechat.raw("cgi-bin/user/info", params={"openid": CITIZEN}) == {"subscribe": 0, "openid": CITIZEN}
    asked = [{"openid": CITIZEN}]
    assert wechat("user/info/batchget", user_list=asked)["user_info_list"][0]["subscribe"] == 0
    assert wechat.code("user/info/batchget", user_list=asked * 100) == 0
    assert wechat.code("user/info/batchget", user_list=asked * 101) == 40032


def test_tags_and_sending_to_one(rehearsal: Rehearsal, wechat: WeChat) -> None:
    tag = wechat("tags/create", tag={"name": "网格员"})["tag"]["id"]
    assert wechat.code("tags/members/batchtagging", tagid=tag, openid_list=[CITIZEN]) == 0
    assert wechat("user/tag/get", tagid=tag)["data"]["openid"] == [CITIZEN]
    assert wechat("tags/getidlist", openid=CITIZEN)["tagid_list"] == [tag]
    assert wechat.raw("cgi-bin/tags/get")["tags"] == [{"id": tag, "name": "网格员", "count": 1}]
    wish: dict[str, Any] = {"filter": {"is_to_all": False, "tag_id": tag}, "msgtype": "text", "text": {"content": "好"}}
    assert wechat.code("message/mass/sendall", **wish) == 0
    assert rehearsal.wait_for("mass_send")[0]["data"]["recipients"] == [CITIZEN]
    assert wechat.code("tags/update", tag={"id": tag, "name": "楼长"}) == 0
    assert wechat.code("tags/members/batchuntagging", tagid=tag, openid_list=[CITIZEN]) == 0
    assert wechat.raw("cgi-bin/tags/get")["tags"][0] == {"id": tag, "name": "楼长", "count": 0}
    assert wechat.code("tags/delete", tag={"id": tag}) == 0
    assert wechat.code("tags/delete", tag={"id": tag}) == 45159


def test_limits_of_tags(wechat: WeChat) -> None:
    def create(name: str) -> int:
        return wechat.code("tags/create", tag={"name": name})

    assert (create("标" * 10), create("标" * 10 + "a")) == (0, 45158)
    assert (create("标" * 10), create(" ")) == (45157, 45157)
    assert [create(f"t{number}") for number in range(100)] == [0] * 99 + [45056]
    assert wechat.code("tags/update", tag={"id": 2, "name": "星标"}) == 45058
    people = [CITIZEN] * 50
    assert wechat.code("tags/members/batchtagging", tagid=100, openid_list=people) == 0
    assert wechat.code("tags/members/batchtagging", tagid=100, openid_list=[*people, CITIZEN]) == 40032
    codes = [wechat.code("tags/members/batchtagging", tagid=100 + n, openid_list=[CITIZEN]) for n in range(21)]
    assert codes == [0] * 20 + [45059]


@pytest.fixture
def service(rehearsal: Rehearsal) -> WeChat:
    """A caller on the service account."""
    return rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)


FIELDS = {name: {"value": "已受理"} for name in ("thing1", "phrase2", "time3")}


def notify(wechat: WeChat, **changes: Any) -> dict[str, Any]:
    body = {"touser": SERVICE_CITIZENS[0], "template_id": "rehearsal-progress", "data": FIELDS}
    return wechat("message/template/send", **body | changes)


def test_a_template_message_under_one_id_is_sent_once_in_ten_minutes(rehearsal: Rehearsal, service: WeChat) -> None:
    first = notify(service, client_msg_id="m1")
    assert notify(service, client_msg_id="m1")["msgid"] == first["msgid"]
    assert notify(service, client_msg_id="m1", touser=SERVICE_CITIZENS[1])["msgid"] != first["msgid"]
    rehearsal.step(600)
    assert notify(service, client_msg_id="m1")["msgid"] != first["msgid"]
    assert notify(service)["msgid"] != notify(service)["msgid"]
    assert len(rehearsal.ledger("template_message")) == 5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"template_id": "unknown"}, 40037),
        ({"touser": "unknown"}, 40003),
        ({"data": {"thing1": {"value": "x"}}}, 47003),
        ({"data": FIELDS | {"time3": {"value": ""}}}, 47003),
    ],
)
def test_wrong_template_messages(service: WeChat, changes: dict[str, Any], code: int) -> None:
    assert notify(service, **changes)["errcode"] == code


def test_templates_are_for_followers_of_service_accounts(rehearsal: Rehearsal, wechat: WeChat, service: WeChat) -> None:
    assert notify(wechat)["errcode"] == 48001
    assert service.raw("cgi-bin/template/get_all_private_template")["template_list"][0]["title"] == "办件进度通知"
    rehearsal.control(f"wechat/{SERVICE_APPID}/push", openid=SERVICE_CITIZENS[0], kind="unsubscribe")
    assert notify(service)["errcode"] == 43004


def test_the_account_hears_what_became_of_a_template_message(
    config: RehearsalConfig, callback: CallbackAddress
) -> None:
    config.wechat[1].callback = Callback(url=callback.url, token="t")
    with serving(config) as rehearsal:
        service = rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)
        sent = notify(service)["msgid"]
        rehearsal.control(f"wechat/{SERVICE_APPID}/people", openid=SERVICE_CITIZENS[1], blocked=True)
        notify(service, touser=SERVICE_CITIZENS[1])
        rehearsal.wait_for("event", 2)
        told = [xml.parse(push.body.decode()) for push in callback.posts]
        assert sorted(one["Status"] for one in told) == ["failed:user block", "success"]
        assert str(sent) in {one["MsgID"] for one in told}
        assert len(rehearsal.ledger("template_message")) == 1
