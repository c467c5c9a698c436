"""The desks of a WeChat account that is lived in, through the web and against the rehearsal platform."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import consents, gateway, prepared, tickets
from bot.models import Conversation, TicketNotice
from bot.notices import Teller
from channels.abilities.audience import Addressed
from channels.accounts import menus, tags, takeover
from channels.accounts import store as accounts
from channels.accounts.models import Account, NoticeForm
from channels.adapters.wechat import WeChatChannel
from channels.adapters.wechat.fit import tags_of
from channels.base import Consent
from channels.rehearsal.config import RehearsalConfig
from hub import editorial
from hub.editorial import Choice
from hub.web.approval import audience_words
from kernel.clock import SystemClock
from kernel.errors import Invalid
from kernel.people import Role
from tests.channels.harness import host_of
from tests.channels.rehearsal.served import SERVICE_APPID, SERVICE_CITIZENS, SERVICE_SECRET, Rehearsal, serving
from tests.hub.web.going_out import Desk, open_desk
from tests.templates.browser import screen

PARTS = ("takeover", "menu", "replies", "tags", "notices")


@pytest.fixture
def rehearsed() -> Iterator[Rehearsal]:
    """Rehearsal platforms of this test's own."""
    with serving(RehearsalConfig.demo()) as running:
        yield running


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, rehearsed: Rehearsal) -> Iterator[Desk]:
    """The office with a WeChat service account on the rehearsal platform; the manager signs."""
    with open_desk(sqlite_url, tmp_path, SystemClock(), allowed_private=host_of(rehearsed)) as desk:
        with desk.hub.works.write() as work:
            accounts.add(
                work,
                desk.hub.seal,
                unit_id=desk.city.bureau.id,
                channel="wechat",
                name="云州政务服务",
                code="wx",
                base_url=f"{rehearsed.url}/wechat",
                settings={"type": "service"},
                credentials={"appid": SERVICE_APPID, "secret": SERVICE_SECRET},
            )
        desk.city.grant("manager", Role.SIGNER)
        yield desk


def path(desk: Desk, *parts: object) -> str:
    """An address below the account."""
    return "/".join(("/console/accounts", str(desk.account("wx").id), *map(str, parts)))


def save_menu(desk: Desk, by: str = "officer", **form: Any) -> Any:
    """Saves a menu as the editor's form does, over the draft there is."""
    with desk.hub.works.read() as work:
        draft = menus.draft_of(work.session, desk.account("wx").id)
    seen = f"{draft.id} {draft.made_at.isoformat()}" if draft else ""
    return desk.browser(by).send_form(path(desk, "menu"), **{"seen": seen, **form})


MENU = {
    "1.name": "服务",
    "1.1.name": "热线",
    "1.1.act": "say",
    "1.1.value": "请拨打 12345",
    "1.2.name": "门户",
    "1.2.act": "view",
    "1.2.value": "https://www.yunzhou.example/",
    "3.name": "人工",
    "3.act": "person",
}


def test_a_menu_is_written_by_one_and_published_by_another(desk: Desk, rehearsed: Rehearsal) -> None:
    assert save_menu(desk, **MENU).status_code == 303
    own = desk.browser("manager").send_form(path(desk, "menu/publish"))
    assert own.status_code == 303
    (line,) = rehearsed.ledger("menu")
    service, person = line["data"]["button"]
    assert [one["name"] for one in service["sub_button"]] == ["热线", "门户"]
    assert person["type"] == "click"
    page = desk.browser().get(path(desk, "menu")).text
    assert "使用中" in page
    assert 'value="https://www.yunzhou.example/"' in page or "https://www.yunzhou.example/" in page


def test_a_key_stays_the_same_when_the_answer_changes(desk: Desk, rehearsed: Rehearsal) -> None:
    save_menu(desk, **MENU)
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    save_menu(desk, **{**MENU, "1.1.was": "1.1", "3.was": "2", "1.1.value": "请拨打 12333"})
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    keys = [line["data"]["button"][0]["sub_button"][0]["key"] for line in rehearsed.ledger("menu")]
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"1.1.name": "二" * 21}, "1.1.name"),
        ({"1.1.value": ""}, "1.1.value"),
        ({"1.1.value": "请联系 13800138000"}, "1.1.value"),
        ({"1.2.value": "javascript:alert(1)"}, "1.2.value"),
        ({"1.1.act": ""}, "1.1.act"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_nothing_typed_is_lost(
    desk: Desk, form: dict[str, str], field: str
) -> None:
    answer = save_menu(desk, **{**MENU, **form})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "https://www.yunzhou.example/" in answer.text or "javascript" in answer.text


def test_who_saves_over_a_colleague_is_told(desk: Desk) -> None:
    save_menu(desk, **MENU)
    answer = desk.browser().send_form(path(desk, "menu"), **MENU, seen="")
    assert answer.status_code == 409
    assert "请拨打 12345" in answer.text


def test_the_platforms_refusal_is_told_and_kept(desk: Desk, rehearsed: Rehearsal) -> None:
    rehearsed.control("faults", kind="errcode", code=48001, platform="wechat", path="cgi-bin/menu/create")
    save_menu(desk, **MENU)
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    page = desk.browser("manager").get(path(desk, "menu")).text
    assert "上次没有发布成功" in page
    assert "没有此接口的权限" in page


REPLY = {"trigger": "keyword", "name": "供热", "contains": "暖气\n供热", "act": "say", "answer.1": "到 4 月 7 日"}


def test_a_reply_is_written_approved_changed_and_stopped(desk: Desk) -> None:
    assert desk.browser().send_form(path(desk, "replies"), **REPLY).status_code == 303
    with desk.hub.works.read() as work:
        (row,) = prepared.of_account(work.session, desk.account("wx").id)
    assert row.words == [["暖气", "contains"], ["供热", "contains"]]
    one = path(desk, "replies", row.id)
    own = desk.browser().send_form(f"{one}/approve")
    assert own.status_code == 403
    assert desk.browser("manager").send_form(f"{one}/approve").status_code == 303
    assert "生效" in desk.browser().get(path(desk, "replies")).text
    assert desk.browser().send_form(one, **{**REPLY, "answer.1": "到 4 月 10 日"}).status_code == 303
    assert "待核准" in desk.browser().get(path(desk, "replies")).text
    desk.browser("manager").send_form(f"{one}/approve")
    desk.browser().send_form(f"{one}/stop")
    desk.browser().send_form(f"{one}/remove")
    assert desk.browser().get(one).status_code == 404


def test_a_refused_reply_keeps_what_was_typed(desk: Desk) -> None:
    answer = desk.browser().send_form(path(desk, "replies"), **{**REPLY, "answer.1": "请联系 13800138000"})
    assert answer.status_code == 422
    assert 'id="answer.1-error"' in answer.text
    assert "暖气" in answer.text


def test_a_channel_without_a_menu_has_no_such_desk(desk: Desk) -> None:
    for part in PARTS:
        assert desk.browser().get(f"/console/accounts/{desk.account('a').id}/{part}").status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_desks_are_drawn_in_both_languages(desk: Desk, language: str) -> None:
    save_menu(desk, **MENU)
    desk.browser().send_form(path(desk, "replies"), **REPLY)
    browser = desk.browser()
    browser.send_form("/console/language", language=language)
    words = "Prepared replies" if language == "en" else "自动回复"
    for part in PARTS:
        answer = browser.get(path(desk, part))
        assert answer.status_code == 200
        assert words in answer.text


# --- taking over ----------------------------------------------------------------------------------------------------

BY_HAND = [
    {"name": "服务", "sub_button": [{"type": "text", "name": "热线", "value": "请拨打 12345"}]},
    {"type": "img", "name": "海报", "value": "media-1"},
]
RULES = [
    {
        "rule_name": "供热",
        "reply_mode": "reply_all",
        "keyword_list_info": [{"type": "text", "match_mode": "contain", "content": "暖气"}],
        "reply_list_info": [{"type": "text", "content": "到 4 月 7 日"}, {"type": "voice", "content": "m"}],
    }
]


def keep(desk: Desk, act: str) -> Any:
    """The account's keeper takes a step."""
    return desk.browser("system_admin").send_form(path(desk, "takeover", act))


def test_an_account_in_use_comes_over_step_by_step(desk: Desk, rehearsed: Rehearsal) -> None:
    hello = {"type": "text", "content": "欢迎关注"}
    rehearsed.control(f"wechat/{SERVICE_APPID}/settings", selfmenu=BY_HAND, autoreply_rules=RULES, follow_reply=hello)
    keep(desk, "check")
    assert "已认证" in desk.browser("system_admin").get(path(desk, "takeover")).text
    keep(desk, "read")
    page = desk.browser("system_admin").get(path(desk, "takeover")).text
    assert "目前没有系统接管消息推送" in page
    assert "按钮“海报”回复的图片" in page
    assert keep(desk, "import").status_code == 303
    keep(desk, "import")
    with desk.hub.works.read() as work:
        account_id = desk.account("wx").id
        draft = menus.draft_of(work.session, account_id)
        rows = list(prepared.of_account(work.session, account_id))
    assert draft is not None
    assert (draft.origin, "海报" in draft.reason) == ("imported", True)
    assert [(row.trigger, row.note) for row in rows] == [("follow", ""), ("keyword", "未能搬入：语音")]
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    assert "海报" in desk.browser("manager").get(path(desk, "menu")).text
    for row in rows:
        assert desk.browser("manager").send_form(path(desk, "replies", row.id, "approve")).status_code == 303
    keep(desk, "finish")
    assert "完成" in desk.browser("system_admin").get(path(desk, "takeover")).text


def test_a_refused_address_is_learned_and_shown(desk: Desk, rehearsed: Rehearsal) -> None:
    rehearsed.control(f"wechat/{SERVICE_APPID}/settings", ip_whitelist=["203.0.113.9"])
    keep(desk, "check")
    page = desk.browser("system_admin").get(path(desk, "takeover")).text
    assert "本机 IP 127.0.0.1 不在公众号的白名单内" in page
    rehearsed.control(f"wechat/{SERVICE_APPID}/settings", ip_whitelist=[])
    keep(desk, "check")
    page = desk.browser("system_admin").get(path(desk, "takeover")).text
    assert "可以接入" in page
    assert "127.0.0.1" in page


def test_nothing_is_imported_before_it_was_read(desk: Desk) -> None:
    keep(desk, "import")
    with desk.hub.works.read() as work:
        row = takeover.of_account(work.session, desk.account("wx").id)
        assert row is None or row.imported_at is None


def test_only_the_keeper_takes_steps(desk: Desk) -> None:
    for act in ("check", "read", "import", "finish", "leave"):
        assert desk.browser().send_form(path(desk, "takeover", act)).status_code == 403
    assert desk.browser().get(path(desk, "takeover")).status_code == 200


def test_the_platforms_check_of_our_address_is_a_step(desk: Desk) -> None:
    keep(desk, "check")
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account("wx").id)
        accounts.set_credentials(work, desk.hub.seal, account, {"token": "t"})
    stamp = str(int(desk.hub.clock.now().timestamp()))
    signature = hashlib.sha1("".join(sorted(["t", stamp, "1"])).encode()).hexdigest()  # noqa: S324  # The protocol's.
    query = {"signature": signature, "timestamp": stamp, "nonce": "1", "echostr": "hello"}
    answer = desk.browser().get("/callbacks/wechat/wx", params=query)
    assert answer.text == "hello"
    with desk.hub.works.read() as work:
        row = takeover.of_account(work.session, desk.account("wx").id)
    assert row is not None
    assert row.greeted_at is not None


# --- tags -----------------------------------------------------------------------------------------------------------


def test_tags_are_made_renamed_and_taken_away(desk: Desk) -> None:
    browser = desk.browser()
    assert browser.send_form(path(desk, "tags"), name="低保户").status_code == 303
    again = browser.send_form(path(desk, "tags"), name="低保户")
    assert again.status_code == 502
    assert "同名标签" in again.text
    assert browser.send_form(path(desk, "tags"), name="长" * 11).status_code == 422
    with desk.hub.works.read() as work:
        (tag,) = tags.of_account(work.session, desk.account("wx").id)
    browser.send_form(path(desk, "tags", tag.id, "rename"), name="救助对象")
    assert "救助对象" in browser.get(path(desk, "tags")).text
    with desk.hub.works.read() as work:
        (tag,) = tags.of_account(work.session, desk.account("wx").id)
    browser.send_form(path(desk, "tags", tag.id, "delete"))
    assert "还没有标签" in browser.get(path(desk, "tags")).text


def test_a_message_to_all_may_be_narrowed_to_a_tag_and_no_tag_widened(desk: Desk) -> None:
    desk.browser().send_form(path(desk, "tags"), name="低保户")
    desk.browser().send_form(path(desk, "tags"), name="志愿者")
    account = desk.account("wx")
    with desk.hub.works.read() as work:
        one, other = (
            tags.audience_of(work.session, account.id, str(tag.remote_id))
            for tag in tags.of_account(work.session, account.id)
        )
        number = str(tags.of_account(work.session, account.id)[0].remote_id)
    assert Addressed.audience_inside(one, {})
    assert Addressed.audience_inside(one, one)
    assert not Addressed.audience_inside(other, one)
    assert tags_of(one) == [int(number)]
    assert tags_of({"tag_id": [int(number)]}) == [int(number)]
    with desk.hub.works.read() as work:
        choice = Choice(account.id, "mass_send", {"tag_id": number})
        (target,) = editorial.read_targets(work.session, desk.city.bureau.id, [choice])
        assert target.audience == one
        (silent,) = editorial.read_targets(
            work.session, desk.city.bureau.id, [Choice(account.id, "publish", {"tag_id": number})]
        )
        assert silent.audience == {}
        with pytest.raises(Invalid):
            editorial.read_targets(
                work.session, desk.city.bureau.id, [Choice(account.id, "mass_send", {"tag_id": "9"})]
            )
    assert audience_words([{"name": "云州政务服务", "audience": one}]) == "云州政务服务：低保户"


def test_a_booking_sends_to_one_tag_of_the_followers_that_were_signed(desk: Desk, monkeypatch: Any) -> None:
    monkeypatch.setattr(WeChatChannel, "check", classmethod(lambda _cls, _settings, _post: []))
    desk.browser().send_form(path(desk, "tags"), name="低保户")
    account = desk.account("wx")
    with desk.hub.works.read() as work:
        (tag,) = tags.of_account(work.session, account.id)
    release = desk.release("wx", action="mass_send")
    page = desk.browser().get("/console/bookings/new", params={"piece": release.piece_id}).text
    assert f'name="tag.{account.id}"' in page
    answer = desk.book(release, "wx", **{f"tag.{account.id}": str(tag.remote_id)})
    assert answer.status_code == 303, answer.text
    assert desk.deliveries()[-1].audience == {"tag_id": [{"id": tag.remote_id, "name": "低保户"}]}


# --- service notices ------------------------------------------------------------------------------------------------

NOTICE = {
    "way": "template",
    "template_id": "rehearsal-progress",
    "title": "办件进度通知",
    "places": "thing1：事由\nphrase2：=已答复\ntime3：答复时间",
    "active": "1",
}


def a_ticket(desk: Desk) -> tuple[int, int]:
    """A ticket from a citizen whose last message is three days old."""
    with desk.hub.works.write() as work:
        conversation = gateway.begin(
            work,
            unit_id=desk.city.bureau.id,
            account_id=desk.account("wx").id,
            channel="wechat",
            sender=SERVICE_CITIZENS[0],
        )
        conversation.window_until = work.now - timedelta(days=1)
        made = tickets.make(
            work,
            unit_id=desk.city.bureau.id,
            kind="求助",
            text="人民路第 3 盏路灯已经坏了整整一个星期没有人来修",
            zone=desk.hub.settings.office_zone,
            conversation_id=conversation.id,
        )
        return made.id, conversation.id


def test_a_late_answer_goes_as_a_service_notice(desk: Desk, rehearsed: Rehearsal) -> None:
    desk.city.grant("officer", Role.AGENT)
    keeper = desk.browser("system_admin")
    assert "办件进度通知" in keeper.send_form(path(desk, "notices/forms")).text
    assert keeper.send_form(path(desk, "notices"), **NOTICE).status_code == 303
    ticket, _conversation = a_ticket(desk)
    desk.browser().send_form(f"/console/tickets/{ticket}/answer", text="今天已修好。")
    assert desk.browser("manager").send_form(f"/console/tickets/{ticket}/sign").status_code == 303
    Teller(desk.hub.works, desk.hub.seal, desk.hub.incoming.make).send_due()
    (line,) = rehearsed.ledger("template_message")
    assert line["data"]["openid"] == SERVICE_CITIZENS[0]
    assert line["data"]["data"]["thing1"]["value"] == "人民路第 3 盏路灯已经坏了整整一个星…"
    assert len(line["data"]["data"]["thing1"]["value"]) == 20
    page = desk.browser().get(f"/console/tickets/{ticket}").text
    assert "平台已受理" in page


def test_a_subscribe_notice_goes_to_who_agreed_and_the_handler_is_told_where_nobody_did(
    desk: Desk, rehearsed: Rehearsal
) -> None:
    desk.city.grant("officer", Role.AGENT)
    keeper = desk.browser("system_admin")
    templates = [
        {
            "template_id": f"sub-{n}",
            "title": f"答复通知{n}",
            "fields": ["thing1"],
            "kind": "subscribe",
            "lasting": n == 2,
        }
        for n in (1, 2)
    ]
    rehearsed.control(f"wechat/{SERVICE_APPID}/settings", templates=templates)
    read = keeper.send_form(path(desk, "notices/forms")).text
    assert (
        read.index("答复通知1")
        < read.index("订阅通知（一次性")
        < read.index("答复通知2")
        < read.index("订阅通知（长期")
    )
    form = {**NOTICE, "way": "subscribe", "template_id": "sub-1", "places": "thing1：事由"}
    assert keeper.send_form(path(desk, "notices"), **form).status_code == 303
    page = keeper.get(path(desk, "notices")).text
    assert "现有 0 人可发" in page
    assert "wx-open-subscribe" in page

    def answer() -> str:
        ticket, conversation = a_ticket(desk)
        desk.browser().send_form(f"/console/tickets/{ticket}/answer", text="今天已修好。")
        with desk.hub.works.write() as work:
            work.session.get_one(Conversation, conversation).state = "closed"
        signed = desk.browser("manager").send_form(f"/console/tickets/{ticket}/sign")
        Teller(desk.hub.works, desk.hub.seal, desk.hub.incoming.make).send_due()
        return str(desk.browser("manager").get(signed.headers["location"]).text)

    assert "本人没有同意订阅通知" in answer()
    assert rehearsed.ledger("template_message") == []
    rehearsed.control(f"wechat/{SERVICE_APPID}/agreements", openid=SERVICE_CITIZENS[0], templates=["sub-1"])
    with desk.hub.works.write() as work:
        agreed = Consent("k", SERVICE_CITIZENS[0], "sub-1", True, work.now)
        consents.heard(work, desk.account("wx").id, agreed)
    assert "现有 1 人可发" in keeper.get(path(desk, "notices")).text
    assert "改发服务通知" in answer()
    (line,) = rehearsed.ledger("template_message")
    assert line["data"]["template_id"] == "sub-1"
    assert "本人没有同意订阅通知" in answer()


def test_without_a_form_nothing_is_sent(desk: Desk) -> None:
    desk.city.grant("officer", Role.AGENT)
    ticket, _conversation = a_ticket(desk)
    desk.browser().send_form(f"/console/tickets/{ticket}/answer", text="今天已修好。")
    assert desk.browser("manager").send_form(f"/console/tickets/{ticket}/sign").status_code == 303
    with desk.hub.works.read() as work:
        assert work.session.scalars(select(TicketNotice)).all() == []


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"template_id": ""}, "template_id"),
        ({"way": "pigeon"}, "way"),
        ({"places": ""}, "places"),
        ({"places": "thing1：天气"}, "places"),
        ({"places": "位置：事由"}, "places"),
        ({"places": "thing1：=请联系 13800138000"}, "places"),
    ],
)
def test_a_form_that_cannot_be_is_refused_at_its_field(desk: Desk, form: dict[str, str], field: str) -> None:
    answer = desk.browser("system_admin").send_form(path(desk, "notices"), **{**NOTICE, **form})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text


def test_a_subscription_account_is_told_that_it_has_no_service_notices(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account("wx").id)
        account.settings = {**account.settings, "type": "subscription"}
    keeper = desk.browser("system_admin")
    page = keeper.get(path(desk, "notices")).text
    assert "只向认证的服务号开放" in page
    assert 'name="template_id"' not in page
    assert keeper.send_form(path(desk, "notices"), **NOTICE).status_code == 422
    with desk.hub.works.read() as work:
        assert work.session.scalars(select(NoticeForm)).all() == []


@pytest.mark.browser
def test_the_desks_are_accessible_and_fit_a_phone(desk: Desk) -> None:
    save_menu(desk, **MENU)
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    save_menu(desk, **MENU)
    desk.browser().send_form(path(desk, "replies"), **REPLY)
    desk.browser().send_form(path(desk, "tags"), name="低保户")
    desk.browser("system_admin").send_form(path(desk, "notices"), **{**NOTICE, "way": "subscribe"})
    for act in ("check", "read", "import"):
        keep(desk, act)
    with screen() as shown:
        for part in PARTS:
            writer = "system_admin" if part in ("takeover", "notices") else "officer"
            html = desk.browser(writer).get(path(desk, part)).text
            for width in (1280, 375):
                shown.show(html, width)
                assert shown.axe() == [], (part, width)
                assert shown.overflow() <= 0, (part, width)
            assert shown.complaints == []
