"""Menus, tags, service notices and taking over, through our adapter, against the rehearsal platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from channels.abilities.menus import Button, every, problems
from channels.abilities.service_notices import ServiceNotice
from channels.adapters.wechat import WeChatChannel
from channels.adapters.wechat.menu import written
from channels.errors import OutcomeUnknown, Refused
from tests.channels.harness import host_of, make_account, make_tools
from tests.channels.rehearsal.served import (
    APPID,
    SECRET,
    SERVICE_APPID,
    SERVICE_CITIZENS,
    SERVICE_SECRET,
    CallbackAddress,
    Rehearsal,
    WeChat,
)

TEXT_BY_HAND = {"type": "text", "name": "咨询", "value": "请拨打 12345"}
NEWS = {"list": [{"title": "办事指南", "content_url": "https://mp.example/s/1"}]}


@pytest.fixture
def channel(rehearsed: Rehearsal) -> Iterator[WeChatChannel]:
    """The subscription account's adapter."""
    yield from made(rehearsed, APPID, SECRET)


@pytest.fixture
def service(rehearsed: Rehearsal) -> Iterator[WeChatChannel]:
    """The service account's adapter."""
    yield from made(rehearsed, SERVICE_APPID, SERVICE_SECRET)


def made(rehearsed: Rehearsal, appid: str, secret: str) -> Iterator[WeChatChannel]:
    tools = make_tools(host_of(rehearsed))
    account = make_account(
        "wechat", f"{rehearsed.url}/wechat", credentials={"appid": appid, "secret": secret}, settings={}
    )
    yield WeChatChannel(account, tools)
    tools.http.close()


def click(name: str = "办事", key: str = "k") -> Button:
    return Button(name, "click", key=key)


# --- the menu ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("button", "fits"),
    [
        (click("五" * 5 + "a"), True),
        (click("五" * 5 + "ab"), False),
        (click(key="k" * 128), True),
        (click(key="k" * 129), False),
        (Button("网", "view", url="https://a.cn/" + "u" * 1011), True),
        (Button("网", "view", url="https://a.cn/" + "u" * 1012), False),
        (Button("多", below=(click(),) * 5), True),
        (Button("多", below=(click(),) * 6), False),
        (Button("多", below=(click("二" * 20),)), True),
        (Button("多", below=(click("二" * 20 + "a"),)), False),
        (Button("多", below=(click(key="k" * 129),)), False),
        (Button("多", below=(Button("网", "view", url="https://a.cn/" + "u" * 1012),)), False),
        (Button(""), False),
        (Button("程序", "miniprogram", url="https://a.cn/", appid="wx1", page="pages/a"), True),
        (Button("程序", "miniprogram", url="https://a.cn/", appid="wx1"), False),
    ],
)
def test_every_limit_is_ours_and_the_platforms(
    channel: WeChatChannel, rehearsed: Rehearsal, button: Button, fits: bool
) -> None:
    """What we let through the platform takes, and what we keep back it would have refused."""
    assert (problems(channel.menu_limits, [button]) == []) is fits
    assert (rehearsed.wechat().code("menu/create", button=[written(button)]) == 0) is fits


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (3, True), (4, False)])
def test_a_menu_has_one_to_three_buttons(channel: WeChatChannel, rehearsed: Rehearsal, count: int, fits: bool) -> None:
    assert (problems(channel.menu_limits, [click()] * count) == []) is fits
    assert (rehearsed.wechat().code("menu/create", button=[written(click())] * count) == 0) is fits


def test_what_was_published_is_read_back_as_it_was(channel: WeChatChannel) -> None:
    menu = (
        Button("查", below=(click("办事进度", "progress"), Button("网上办", "view", url="https://zwfw.example/"))),
        Button("拍", "pic_sysphoto", key="photo"),
        Button("码", "miniprogram", url="https://a.example/", appid="wx9", page="pages/index"),
    )
    channel.publish_menu(menu)
    now = channel.menu()
    assert (now.buttons, now.made, now.by_hand, now.lost) == (menu, True, False, ())
    assert [place for place, _button, _inner in every(now.buttons)] == ["1", "1.1", "1.2", "2", "3"]


def test_a_menu_that_does_not_fit_is_never_sent(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    with pytest.raises(Refused) as refused:
        channel.publish_menu([click("五" * 6)])
    assert refused.value.field == "1.name"
    assert rehearsed.ledger("menu") == []


def test_a_lost_answer_is_unknown_and_the_menu_can_be_looked_at(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    rehearsed.control("faults", kind="cut_after", platform="wechat", path="cgi-bin/menu/create")
    with pytest.raises(OutcomeUnknown):
        channel.publish_menu([click()])
    assert channel.menu().buttons == (click(),)


def test_a_button_survives_its_row() -> None:
    button = Button("查", below=(replace(click(), does={"act": "say", "text": "您好"}), Button("码", "miniprogram")))
    assert Button.of(button.stored()) == button
    assert button.shown().below[0].does == {}


# --- taking over ------------------------------------------------------------------------------------


def test_what_was_made_by_hand_becomes_ours(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    menu = [
        {"name": "服务", "sub_button": [{"type": "news", "name": "指南", "news_info": NEWS}, TEXT_BY_HAND]},
        {"type": "img", "name": "海报", "value": "media-1"},
        {"type": "view", "name": "门户", "url": "https://www.example/"},
    ]
    rehearsed.control(f"wechat/{APPID}/settings", selfmenu=menu)
    found = channel.present_menu()
    assert (found.made, found.by_hand) == (True, True)
    guide, question = found.buttons[0].below
    assert guide.does["text"] == "办事指南 https://mp.example/s/1"
    assert (question.kind, question.does["text"]) == ("click", "请拨打 12345")
    assert found.lost == ("按钮“海报”回复的图片",)
    assert found.buttons[2] == Button("门户", "view", url="https://www.example/")
    assert problems(channel.menu_limits, found.buttons) == []


def test_the_replies_made_by_hand_are_read(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    rule = {
        "rule_name": "供热",
        "reply_mode": "random_one",
        "keyword_list_info": [
            {"type": "text", "match_mode": "contain", "content": "暖气"},
            {"type": "text", "match_mode": "equal", "content": "供热"},
        ],
        "reply_list_info": [
            {"type": "text", "content": "供热到 4 月 7 日。"},
            {"type": "news", "news_info": NEWS},
            {"type": "voice", "content": "media-2"},
        ],
    }
    hello = {"type": "text", "content": "欢迎关注"}
    rehearsed.control(f"wechat/{APPID}/settings", autoreply_rules=[rule], follow_reply=hello)
    found = channel.present_replies()
    follow, heating = found.replies
    assert (found.follow_on, found.keywords_on) == (True, True)
    assert (follow.trigger, follow.answers) == ("follow", ("欢迎关注",))
    assert heating.words == (("暖气", "contains"), ("供热", "exact"))
    assert (heating.several, heating.lost) == ("one", ("语音",))
    assert heating.answers == ("供热到 4 月 7 日。", "办事指南 https://mp.example/s/1")


def test_the_callback_switches_off_what_was_made_by_hand(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    rehearsed.control(
        f"wechat/{APPID}/settings", selfmenu=[TEXT_BY_HAND], default_reply={"type": "text", "content": "?"}
    )
    address = CallbackAddress()
    rehearsed.control(f"wechat/{APPID}/callback", url=address.url, token="t")
    try:
        assert channel.present_menu().made is False
        assert channel.present_menu().buttons[0].name == "咨询"
        assert channel.present_replies().keywords_on is False
    finally:
        rehearsed.http.delete(f"/control/wechat/{APPID}/callback")
        address.close()


def test_the_address_is_learned_from_the_refusal(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    rehearsed.control(f"wechat/{APPID}/settings", ip_whitelist=["203.0.113.9"])
    standing = channel.standing()
    assert (standing.reachable, standing.code, standing.address) == (False, "40164", "127.0.0.1")
    assert "127.0.0.1 不在公众号的白名单" in standing.reason


@pytest.mark.parametrize("certified", [True, False])
def test_certified_or_not(channel: WeChatChannel, rehearsed: Rehearsal, certified: bool) -> None:
    rehearsed.control(f"wechat/{APPID}/settings", certified=certified)
    standing = channel.standing()
    assert (standing.reachable, standing.certified) == (True, certified)


def test_a_wrong_secret_is_told_in_words(rehearsed: Rehearsal) -> None:
    (channel,) = list(made(rehearsed, APPID, "wrong"))
    tools = make_tools(host_of(rehearsed))
    standing = WeChatChannel(channel.account, tools).standing()
    tools.http.close()
    assert (standing.reachable, standing.reason) == (False, "AppSecret 不对")


# --- tags -------------------------------------------------------------------------------------------


def test_tags_are_made_named_given_and_taken_away(channel: WeChatChannel, rehearsed: Rehearsal) -> None:
    tag = channel.create_tag("低保户")
    channel.tag_people(tag.id, ["oSub_rehearsal_citizen_00001"])
    channel.rename_tag(tag.id, "救助对象")
    assert [(one.name, one.people) for one in channel.tags()] == [("救助对象", 1)]
    channel.delete_tag(tag.id)
    assert channel.tags() == []


@pytest.mark.parametrize(("name", "fits"), [("签" * 10, True), ("签" * 10 + "a", False), ("", False)])
def test_a_tag_name_has_thirty_bytes(channel: WeChatChannel, rehearsed: Rehearsal, name: str, fits: bool) -> None:
    assert (rehearsed.wechat().code("tags/create", tag={"name": name}) == 0) is fits
    if fits:
        return
    with pytest.raises(Refused) as refused:
        channel.create_tag(name)
    assert refused.value.field == "name"


def test_the_platforms_own_refusals_are_told_in_words(
    channel: WeChatChannel, rehearsed: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = channel.create_tag("一")
    with pytest.raises(Refused) as twice:
        channel.create_tag("一")
    with pytest.raises(Refused) as own:
        channel.delete_tag(2)
    channel.tag_people(tag.id, SUBSCRIBERS)
    monkeypatch.setattr(rehearsed.app.world.config.wechat_rules, "people_of_a_deletable_tag", 2)
    with pytest.raises(Refused) as many:
        channel.delete_tag(tag.id)
    for n in range(99):
        channel.create_tag(f"第{n}个")
    with pytest.raises(Refused) as full:
        channel.create_tag("再一个")
    codes = [error.value.platform_code for error in (twice, own, many, full)]
    assert codes == ["45157", "45058", "45057", "45056"]
    assert "100 个" in full.value.reason


def test_what_a_person_is_tagged_with_is_told_and_taken_off_for_him_alone(
    channel: WeChatChannel, rehearsed: Rehearsal
) -> None:
    first, second = channel.create_tag("低保户").id, channel.create_tag("志愿者").id
    for tag in (first, second):
        channel.tag_people(tag, SUBSCRIBERS[:2])
    rehearsed.app.world.state.wechat.accounts[APPID].people[SUBSCRIBERS[0]].tags.append(2)  # Starred, the platform's.
    assert channel.tags_of(SUBSCRIBERS[0]) == [first, second]
    channel.untag_people(first, SUBSCRIBERS[:1])
    channel.untag_people(first, SUBSCRIBERS[:1])
    assert [channel.tags_of(one) for one in SUBSCRIBERS] == [[second], [first, second], []]
    with pytest.raises(Refused) as stranger:
        channel.tags_of("oNobody")
    assert stranger.value.platform_code == "40003"


def test_a_person_has_twenty_tags(channel: WeChatChannel) -> None:
    for n in range(20):
        channel.tag_people(channel.create_tag(f"标签{n}").id, SUBSCRIBERS[:1])
    with pytest.raises(Refused) as refused:
        channel.tag_people(channel.create_tag("多").id, SUBSCRIBERS[:1])
    assert refused.value.platform_code == "45059"


SUBSCRIBERS = [f"oSub_rehearsal_citizen_0000{n}" for n in (1, 2, 3)]


# --- service notices --------------------------------------------------------------------------------


def notice(**changes: Any) -> ServiceNotice:
    values = {"thing1": "路灯报修", "phrase2": "已答复", "time3": "2026-03-02 09:00"}
    made = {"to": SERVICE_CITIZENS[0], "way": "template", "template_id": "rehearsal-progress", "values": values}
    return ServiceNotice(**{**made, "key": "notice-1", "url": "https://www.example/p", **changes})


def test_a_template_message_is_the_same_under_its_key(service: WeChatChannel, rehearsed: Rehearsal) -> None:
    first = service.notify(notice())
    assert service.notify(notice()) == first
    assert first.startswith("template:")
    (line,) = rehearsed.ledger("template_message")
    assert line["data"]["data"]["phrase2"] == {"value": "已答复"}


def test_a_lost_template_message_is_unknown_and_repeating_costs_nobody_a_second_one(
    service: WeChatChannel, rehearsed: Rehearsal
) -> None:
    rehearsed.control("faults", kind="cut_after", platform="wechat", path="cgi-bin/message/template/send")
    with pytest.raises(OutcomeUnknown):
        service.notify(notice())
    service.notify(notice())
    assert len(rehearsed.ledger("template_message")) == 1


def test_the_forms_are_read_with_their_places(service: WeChatChannel, rehearsed: Rehearsal) -> None:
    (form,) = service.forms("template")
    assert (form.title, form.places) == ("办件进度通知", ("thing1", "phrase2", "time3"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"template_id": "none"}, "40037"),
        ({"to": "nobody"}, "40003"),
        ({"values": {"thing1": "缺项"}}, "47003"),
    ],
)
def test_a_notice_that_is_refused(service: WeChatChannel, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        service.notify(notice(**changes))
    assert refused.value.platform_code == code


def test_a_subscribe_notice_reaches_only_who_agreed(service: WeChatChannel, rehearsed: Rehearsal) -> None:
    templates = [{"template_id": "sub-1", "title": "答复通知", "fields": ["thing1"], "kind": "subscribe"}]
    rehearsed.control(f"wechat/{SERVICE_APPID}/settings", templates=templates)
    wanted = notice(way="subscribe", template_id="sub-1", values={"thing1": "路灯"})
    assert service.forms("subscribe")[0].places == ("thing1",)
    with pytest.raises(Refused) as refused:
        service.notify(wanted)
    assert (refused.value.platform_code, "没有订阅" in refused.value.reason) == ("43101", True)
    rehearsed.control(f"wechat/{SERVICE_APPID}/people", openid=SERVICE_CITIZENS[0], allows={"sub-1": 1})
    assert service.notify(wanted) == ""
    with pytest.raises(Refused):
        service.notify(wanted)


def test_a_follower_agrees_on_the_platform_which_tells_us_and_of_each_messages_end(
    service: WeChatChannel, rehearsed: Rehearsal
) -> None:
    common = {"title": "答复通知", "fields": ["thing1"], "kind": "subscribe"}
    templates = [{"template_id": f"sub-{n}", "lasting": n == 2, **common} for n in (1, 2)]
    rehearsed.control(f"wechat/{SERVICE_APPID}/settings", templates=templates)
    assert [form.lasting for form in service.forms("subscribe")] == [False, True]
    door, openid = f"wechat/{SERVICE_APPID}/agreements", SERVICE_CITIZENS[0]
    rehearsed.control(door, openid=openid, templates=["sub-1", "sub-2"])
    (told,) = rehearsed.wait_for("event")
    assert told["data"]["event"] == "subscribe_msg_popup_event"
    listed = told["data"]["details"]["SubscribeMsgPopupEvent"]["List"]
    assert [(one["TemplateId"], one["SubscribeStatusString"]) for one in listed] == [
        ("sub-1", "accept"), ("sub-2", "accept"),
    ]  # fmt: skip
    once, lasting = (notice(way="subscribe", template_id=f"sub-{n}", values={"thing1": "路灯"}) for n in (1, 2))
    for one in (once, lasting, lasting):
        service.notify(one)
    with pytest.raises(Refused):
        service.notify(once)
    rehearsed.control(door, openid=openid, templates=["sub-2"], how="change")
    with pytest.raises(Refused):
        service.notify(lasting)
    lines = rehearsed.wait_for("event", 5)
    sent = [line["data"]["details"] for line in lines if line["data"]["event"] == "subscribe_msg_sent_event"]
    assert [one["SubscribeMsgSentEvent"]["List"]["TemplateId"] for one in sent] == ["sub-1", "sub-2", "sub-2"]
    assert "subscribe_msg_change_event" in [line["data"]["event"] for line in lines]


def test_wechatpy_meets_the_same_refusals(rehearsed: Rehearsal) -> None:
    caller: WeChat = rehearsed.wechat(SERVICE_APPID, SERVICE_SECRET)
    body = {"touser": SERVICE_CITIZENS[0], "template_id": "x", "data": {}}
    assert caller.code("message/subscribe/bizsend", **body) == 40037
    assert caller.code("message/template/send", **body) == 40037
