"""The phones page in a real browser: what people received, and what they do there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from channels.rehearsal.config import Callback, RehearsalConfig
from channels.rehearsal.wechat import xml
from tests.channels.rehearsal.served import (
    APPID,
    CITIZEN,
    SERVICE_APPID,
    SERVICE_CITIZENS,
    CallbackAddress,
    Received,
    Rehearsal,
    serving,
)

CHROMIUM = Path("/usr/bin/chromium")
EVERYBODY: dict[str, Any] = {"filter": {"is_to_all": True}, "msgtype": "mpnews"}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed"),
]


@pytest.fixture
def answered(config: RehearsalConfig, callback: CallbackAddress) -> Iterator[Rehearsal]:
    """A rehearsal whose subscription account answers texts, badly when asked to."""

    def answer(received: Received) -> bytes:
        fields = xml.parse(received.body.decode())
        if fields["MsgType"] != "text":
            return b"success"
        if "坏" in fields["Content"]:
            return b"{}"
        reply = {"ToUserName": fields["FromUserName"], "FromUserName": fields["ToUserName"], "CreateTime": 1}
        return xml.build(reply | {"MsgType": "text", "Content": f"您问的是：{fields['Content']}"}).encode()

    callback.answer = answer
    config.wechat[0].callback = Callback(url=callback.url, token="t")
    with serving(config) as rehearsal:
        yield rehearsal


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all of them."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[1440, 390])
def page(browser: Browser, answered: Rehearsal, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page on a wide and on a narrow screen; anything the browser complains of fails the test."""
    complaints: list[str] = []
    page = browser.new_page(viewport={"width": request.param, "height": 844})
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(answered.url)
    yield page
    page.close()
    assert complaints == []


def sends_a_file(rehearsal: Rehearsal) -> None:
    """Leaves one file in a site's folder."""
    opened = rehearsal.control("accounts/sftp", user="site-2", password="p", name="云河网站")
    host, _, port = opened["settings"]["server"].partition(":")
    with paramiko.Transport((host, int(port))) as transport:
        transport.connect(username="site-2", password="p")
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        with client.open("/.第1号.part", "w") as file:
            file.write("供热")
        client.rename("/.第1号.part", "/第1号.html")


def test_what_arrives_is_shown_without_reloading(answered: Rehearsal, page: Page) -> None:
    phone = page.get_by_role("region", name="云河发布，微信订阅号")
    expect(phone).to_contain_text("还没有收到内容")
    wechat = answered.wechat()
    wechat("message/mass/sendall", **EVERYBODY, mpnews={"media_id": wechat.draft()})
    expect(phone).to_contain_text("群发：3 人收到")
    wechat("freepublish/submit", media_id=wechat.draft(wechat.article(title="只在主页")))
    expect(phone).to_contain_text("只发布：未通知粉丝，仅在主页可见")
    article = answered.wait_for("publish")[0]["data"]["article_id"]
    wechat("freepublish/delete", article_id=article)
    expect(phone).to_contain_text("删除发布：只在主页")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_article_is_read_and_shared(answered: Rehearsal, page: Page) -> None:
    wechat = answered.wechat()
    wechat("message/mass/sendall", **EVERYBODY, mpnews={"media_id": wechat.draft()})
    page.get_by_role("button", name="关于防汛的通知").first.click()
    expect(page.frame_locator("#reader-page").locator("body")).to_contain_text("请注意安全")
    page.get_by_role("button", name="分享").click()
    answered.wait_for("share")
    page.get_by_role("button", name="返回").click()
    assert [line["data"]["reader"] for line in answered.ledger("read,share")] == [CITIZEN, CITIZEN]


def test_a_citizen_writes_and_reads_the_answer(answered: Rehearsal, page: Page) -> None:
    phone = page.get_by_role("region", name="云河发布，微信订阅号")
    phone.get_by_label("以王女士的身份发消息").fill("<b>社保卡</b>")
    phone.get_by_role("button", name="发送").click()
    expect(phone).to_contain_text("您问的是：<b>社保卡</b>")
    phone.get_by_label("以王女士的身份发消息").fill("坏")
    phone.get_by_role("button", name="发送").click()
    expect(phone).to_contain_text("该公众号提供的服务出现故障，请稍后再试")
    phone.get_by_role("button", name="取消关注").click()
    expect(phone.get_by_role("button", name="关注", exact=True)).to_be_visible()


def test_a_tap_on_the_menu_sends_its_click(answered: Rehearsal, page: Page) -> None:
    guide, portal = (
        {"type": "click", "name": "指南", "key": "guide-1"},
        {"type": "view", "name": "门户", "url": "https://a.example/"},
    )
    menu = [{"name": "服务", "sub_button": [guide, portal]}, {"type": "click", "name": "人工", "key": "person"}]
    assert answered.wechat().code("menu/create", button=menu) == 0
    page.reload()
    phone = page.get_by_role("region", name="云河发布，微信订阅号")
    phone.get_by_text("服务", exact=True).click()
    phone.get_by_role("button", name="指南").click()
    expect(phone).to_contain_text("点了菜单 guide-1")
    expect(phone.get_by_role("button", name="门户")).to_be_visible()
    phone.get_by_role("button", name="人工").click()
    expect(phone).to_contain_text("点了菜单 person")
    taps = [line["data"]["fields"] for line in answered.ledger("inbound")]
    assert [(tap["Event"], tap["EventKey"]) for tap in taps] == [("CLICK", "guide-1"), ("CLICK", "person")]


def test_a_follower_agrees_refuses_and_takes_back_what_he_agreed_to(
    answered: Rehearsal, callback: CallbackAddress, page: Page
) -> None:
    service = answered.app.world.state.wechat.accounts[SERVICE_APPID]
    service.account.callback = Callback(url=callback.url, token="t")
    phone = page.get_by_role("region", name="云河政务服务，微信服务号")
    phone.get_by_role("button", name="订阅通知").click()
    window = page.get_by_role("dialog", name="云河政务服务 申请发送以下订阅通知")
    window.get_by_label("停水停电提醒").uncheck()
    window.get_by_role("button", name="允许").click()
    expect(phone).to_contain_text("同意接收：答复通知；拒绝接收：停水停电提醒")
    phone.get_by_role("button", name="订阅通知").click()
    window.get_by_label("总是保持以上选择，不再询问").check()
    window.get_by_role("button", name="允许").click()
    expect(phone).to_contain_text("同意接收：答复通知、停水停电提醒（总是保持）")
    phone.get_by_role("button", name="订阅通知").click()
    expect(phone.get_by_text("同意接收：答复通知、停水停电提醒", exact=False)).to_have_count(2)
    expect(window).to_have_count(0)
    phone.get_by_role("button", name="通知管理").click()
    managed = page.get_by_role("dialog", name="通知管理")
    expect(managed).to_contain_text("还可收 3 条，总是允许")
    managed.get_by_role("button", name="拒收停水停电提醒").click()
    expect(phone).to_contain_text("在通知管理里拒收：停水停电提醒")
    told = [xml.parse(one.body.decode()) for one in callback.received if b"subscribe_msg" in one.body]
    assert [one["Event"] for one in told] == ["subscribe_msg_popup_event"] * 3 + ["subscribe_msg_change_event"]
    assert service.people[SERVICE_CITIZENS[0]].allows == {"rehearsal-answer": 3, "rehearsal-alert": 0}


def test_the_administrator_confirms_on_the_page(answered: Rehearsal, page: Page) -> None:
    wechat = answered.wechat()
    answered.app.world.state.wechat.accounts[APPID].account.confirm_mass_send = True
    wechat("message/mass/sendall", **EVERYBODY, mpnews={"media_id": wechat.draft()})
    page.get_by_role("button", name="确认群发").click()
    answered.wait_for("mass_send")
    expect(page.get_by_text("管理员已确认群发")).to_be_visible()


def test_the_other_platforms_have_their_phones(answered: Rehearsal, page: Page) -> None:
    post = {"access_token": "2.00rehearsalWeiboToken", "status": "提醒 http://localhost/1", "rip": "203.0.113.7"}
    answered.http.post("/weibo/2/statuses/share.json", data=post)
    push = {"platform": ["ios"], "audience": "all", "notification": {"alert": "今晚有雨"}}
    answered.http.post("/jpush/v3/push", json=push, auth=("rehearsal000000000000app", "rehearsal000000000master"))
    answered.control("accounts/webpush", name="张先生的浏览器")
    answered.control("accounts/cms", site="site-1", token="k", name="云河网站")
    answered.http.post("/cms/site-1/articles", json={"title": "<i>供热</i>"}, headers={"Authorization": "Bearer k"})
    site = page.get_by_role("region", name="云河网站，集约化平台", exact=True)
    expect(site.get_by_role("link", name="<i>供热</i>")).to_be_visible()
    answered.http.delete("/cms/site-1/articles/100001", headers={"Authorization": "Bearer k"})
    expect(site).to_contain_text("已撤下")
    sends_a_file(answered)
    folder = page.get_by_role("region", name="云河网站，集约化平台收件目录（SFTP）")
    expect(folder.get_by_role("link", name="/第1号.html")).to_be_visible()
    expect(page.get_by_role("region", name="云河发布，微博")).to_contain_text("提醒 http://localhost/1")
    expect(page.get_by_role("region", name="李先生的手机，极光推送，苹果")).to_contain_text("今晚有雨")
    expect(page.get_by_role("region", name="王女士的手机，极光推送，安卓")).to_contain_text("还没有收到内容")
    expect(page.get_by_role("region", name="张先生的浏览器，网页推送")).to_be_visible()


def test_clock_and_faults_are_seen_and_everything_is_cleared(answered: Rehearsal, page: Page) -> None:
    answered.control("faults", kind="http_5xx", platform="weibo", path="2/*", count=0)
    expect(page.get_by_text("注入的故障：weibo 2/* http_5xx")).to_be_visible()
    page.get_by_role("button", name="快进一天").click()
    page.get_by_role("button", name="恢复真实时间").click()
    answered.control(f"wechat/{APPID}/push", openid=CITIZEN, content="清空之前")
    expect(page.get_by_text("清空之前", exact=True)).to_be_visible()
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="全部清空").click()
    expect(page.get_by_text("清空之前", exact=True)).to_have_count(0)
    assert answered.http.get("/control/clock").json()["offset"] == 0
