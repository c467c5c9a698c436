"""A citizen on the portal and on WeChat: asks, gets the office's words, reaches a person, is asked how it was."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from bot.models import Conversation, Rating, Ticket
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.rehearsal.config import RehearsalConfig
from content.models import PublicPiece, Release
from hub.product import Hub
from kernel.clock import SystemClock
from kernel.office_rules import set_rule
from kernel.people import Role
from scheduler.models import Placement
from tests.bot.citizens import AES_KEY, GUIDE, TOKEN, ToldEngine, published
from tests.channels.rehearsal.served import SERVICE_APPID, SERVICE_CITIZENS, SERVICE_SECRET, Rehearsal, serving
from tests.journeys.editorial import House, axe, running

pytestmark = pytest.mark.browser

WORDINGS = (
    "身份证掉了",
    "身份证遗失补办",
    "身份证不见了",
    "补办身份证",
    "身份证被偷了",
    "挂失身份证",
    "丢身份证",
    "身份证丢失",
)
OTHERS = (
    "居住证怎么办",
    "办居住证要什么",
    "居住证在哪办",
    "外地人办居住证",
    "居住证申请",
    "居住证材料",
    "居住证条件",
    "领居住证",
)
CODE = "counter"
WITHIN = 2500
"""Milliseconds in which the other side must see what was written: less than the three seconds after which a stream
looks by itself, so that it was told. On a machine that does nothing else it takes half a second; that it is within one
by the clock is measured without a browser (`tests/hub/web/test_desk.py`, `tests/hub/test_relays.py`)."""


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The product with what citizens ask about; its desk is open whenever this test runs."""
    with running(browser, sqlite_url, tmp_path, SystemClock(), allowed_private="127.0.0.1") as house:
        open_to_citizens(house)
        yield house


def stand_on_portal(house: House) -> None:
    """Every public piece has its page, so that the bot may name it."""
    with house.newsroom.hub.works.write() as work:
        account = work.session.scalars(select(Account).where(Account.channel == "portal")).one()
        for row in work.session.scalars(select(PublicPiece)):
            release = work.session.get_one(Release, row.release_id)
            work.session.add(
                Placement(
                    unit_id=release.unit_id, piece_id=row.piece_id, account_id=account.id, release_id=release.id,
                    revision_id=release.revision_id, state="live", live_at=work.now, changed_at=work.now,
                )
            )  # fmt: skip


def open_to_citizens(house: House) -> None:
    office, hub = house.newsroom.office, house.newsroom.hub
    office.grant("officer", Role.AGENT)
    with hub.works.write() as work:
        account = work.session.scalars(select(Account).where(Account.channel == "portal")).one()
        account.settings = {"chat_href": "/chat", "hotline": "12345", "id_code": "3700009999"}
        for name, value in (("opens", "00:00"), ("closes", "00:00"), ("every_day", True), ("unit", "bureau")):
            set_rule(work, f"desk.{name}", office.city.id, value)
    guide = published(office, "guide", "居民身份证补领", **GUIDE)
    published(
        office, "faq", "身份证丢了怎么补办", "本人到派出所补领，工本费40元。", wordings=list(WORDINGS), guide=guide
    )
    published(office, "faq", "居住证怎么办理", "到居住地社区办理。", wordings=list(OTHERS))
    stand_on_portal(house)
    hub.incoming.engine.prepare()


def chat_of(page: Page, address: str) -> Locator:
    """The chat's window on the office's page, opened by the keyboard."""
    page.goto(f"{address}/feedback")
    page.get_by_role("button", name="智能问答").press("Enter")
    return page.get_by_role("dialog", name="智能问答")


def asks(page: Page, text: str) -> None:
    page.locator("#chat-input").fill(text)
    page.locator("#chat-input").press("Enter")


@pytest.mark.parametrize("width", [1280, 390])
def test_from_the_question_to_the_rating(house: House, width: int) -> None:
    citizen = house.page(width, 844)
    window = chat_of(citizen, house.address)
    expect(window).to_contain_text("智能问答机器人，可以回答")
    expect(citizen.locator("#chat-input")).to_be_focused()

    asks(citizen, "身份证掉了怎么办")
    expect(window).to_contain_text("工本费40元")
    source = window.get_by_role("link", name="居民身份证补领")
    expect(source).to_have_attribute("href", re.compile(r"^/guide/\d+\.html$"))
    assert axe(citizen) == []
    assert citizen.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0

    agent = house.desk_of("officer")
    agent.goto(f"{house.address}/console/desk")
    expect(agent.get_by_text("现在没有市民在等待")).to_be_visible()
    agent.evaluate("window.neverReloaded = true")
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")
    waiting = agent.locator(".line", has_text="网站访客")
    expect(waiting).to_be_visible(timeout=WITHIN)
    assert agent.evaluate("window.neverReloaded")
    assert axe(agent) == []

    waiting.click()
    agent.wait_for_url("**/console/desk/*")
    expect(agent.locator(".desk__log")).to_contain_text("工本费40元")
    expect(agent.locator("#suggestions")).to_contain_text("身份证丢了怎么补办")
    agent.evaluate("window.neverReloaded = true")
    agent.locator("#answer").fill("您好，请问您在哪个区？")
    agent.locator("#answer").press("Control+Enter")
    expect(window.locator(".chat__line--agent")).to_contain_text("请问您在哪个区", timeout=WITHIN)
    expect(window).to_contain_text("人工客服正在为您服务")
    expect(agent.locator("#answer")).to_have_value("")

    agent.locator("#answer").fill("写到一半")
    asks(citizen, "临江区")
    expect(agent.locator(".desk__log")).to_contain_text("临江区", timeout=WITHIN)
    expect(agent.locator("#heard")).to_have_text("临江区")
    expect(agent.locator("#answer")).to_have_value("写到一半")
    assert agent.evaluate("window.neverReloaded")
    assert axe(agent) == []

    agent.locator("summary", has_text="结束会话").click()
    agent.locator("#summary").fill("已告知补领办法")
    agent.locator("form[action$='/close'] button").click()
    agent.wait_for_url("**/console/desk")
    levels = window.get_by_role("radio")
    expect(levels).to_have_count(5)
    assert not any(levels.nth(place).is_checked() for place in range(5))  # No default (国办发〔2019〕51号).
    assert axe(citizen) == []
    window.get_by_label("非常满意", exact=True).check()
    window.get_by_role("button", name="提交评价").click()
    expect(window).to_contain_text("谢谢您的评价")
    with house.newsroom.hub.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [1]
    assert house.complaints == []


def test_a_reload_keeps_the_conversation_and_escape_gives_the_focus_back(house: House) -> None:
    citizen = house.page()
    citizen.goto(f"{house.address}/feedback")
    citizen.get_by_role("button", name="智能问答").click()
    asks(citizen, "身份证掉了怎么办")
    expect(citizen.locator(".chat__line--bot")).to_have_count(2)
    citizen.reload()
    citizen.get_by_role("button", name="智能问答").click()
    expect(citizen.locator(".chat__line--bot")).to_have_count(2)
    citizen.keyboard.press("Escape")
    expect(citizen.get_by_role("button", name="智能问答")).to_be_focused()
    with house.newsroom.hub.works.read() as work:
        assert len(work.session.scalars(select(Conversation)).all()) == 1
    assert citizen.context.cookies() == []


def waits_with_a_question(house: House) -> tuple[Page, Locator]:
    """A citizen who asked something and waits for a person: his page and the chat's window."""
    citizen = house.page()
    window = chat_of(citizen, house.address)
    asks(citizen, "小区门口路灯坏了")
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")
    return citizen, window


def test_whoever_would_end_while_he_waits_is_asked_first(house: House) -> None:
    citizen, window = waits_with_a_question(house)
    choosing = window.get_by_role("group", name="您正在等待人工")
    expect(choosing).to_be_hidden()
    window.get_by_role("button", name="结束并评价").click()
    expect(choosing).to_be_focused()
    assert axe(citizen) == []
    window.get_by_role("button", name="继续等待").click()
    expect(choosing).to_be_hidden()
    expect(citizen.locator("#chat-input")).to_be_focused()
    assert held(house) == ("waiting", [])

    window.get_by_role("button", name="结束并评价").click()
    window.get_by_label("补充情况").fill("东门那盏，电话 13800001111")
    window.get_by_role("button", name="留言", exact=True).click()
    expect(window).to_contain_text("会话已结束")
    expect(choosing).to_be_hidden()
    state, [ticket] = held(house)
    expect(window).to_contain_text(ticket.number)
    assert (state, ticket.contact) == ("closed", "13800001111")
    assert ticket.text == "小区门口路灯坏了\n东门那盏，电话 13800001111"

    # Whoever is sure ends at once, and whoever somebody has meanwhile is asked nothing.
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")
    window.get_by_role("button", name="结束并评价").click()
    agent = house.desk_of("officer")
    agent.goto(f"{house.address}/console/desk")
    agent.locator(".line", has_text="网站访客").click()
    agent.get_by_role("button", name="接入").click()
    expect(choosing).to_be_hidden(timeout=WITHIN)
    window.get_by_role("button", name="结束并评价").click()
    expect(window.get_by_role("radio")).to_have_count(5)
    assert [one.kind for one in held(house)[1]] == ["咨询"]
    assert house.complaints == []


def test_whoever_is_sure_ends_without_a_ticket(house: House) -> None:
    _citizen, window = waits_with_a_question(house)
    window.get_by_role("button", name="结束并评价").click()
    window.get_by_role("button", name="不留言，直接结束").click()
    expect(window.get_by_role("radio")).to_have_count(5)
    assert held(house) == ("closed", [])


def held(house: House) -> tuple[str, list[Ticket]]:
    """How the citizen's last conversation stands, and the tickets there are."""
    with house.newsroom.hub.works.read() as work:
        state = work.session.scalars(select(Conversation.state).order_by(Conversation.id.desc()).limit(1)).one()
        return state, list(work.session.scalars(select(Ticket)))


def test_a_choice_is_a_button_with_a_figure(house: House) -> None:
    citizen = house.page()
    citizen.goto(f"{house.address}/feedback")
    citizen.get_by_role("button", name="智能问答").click()
    house.newsroom.hub.incoming.answering.engine = _unsure(house)
    asks(citizen, "证件")
    citizen.get_by_role("button", name=re.compile(r"^2\. ")).click()
    expect(citizen.locator(".chat__line--bot").last).to_contain_text("到居住地社区办理", timeout=WITHIN)


def _unsure(house: House) -> ToldEngine:
    with house.newsroom.hub.works.read() as work:
        pieces = {row.title: row.piece_id for row in work.session.scalars(select(PublicPiece))}
    engine = ToldEngine()
    engine.suggests(pieces["身份证丢了怎么补办"], pieces["居住证怎么办理"])
    return engine


def test_a_form_tells_its_number_and_looks_right(house: House) -> None:
    page = house.page(390, 844)
    page.goto(f"{house.address}/feedback?kind=投诉")
    page.fill("#text", "路灯坏了三天没人修")
    page.fill("#contact", "13800001234")
    assert axe(page) == []
    page.get_by_role("button", name="提交", exact=True).click()
    expect(page.get_by_text("已收到，谢谢")).to_be_visible()
    expect(page.locator(".sheet__number")).to_have_text(re.compile(r"^\d{8}-[2-9A-Z]{6}$"))
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


# --- WeChat ---------------------------------------------------------------------------------------------


@pytest.fixture
def wechat() -> Iterator[Rehearsal]:
    """The rehearsal platform."""
    with serving(RehearsalConfig.demo()) as rehearsal:
        yield rehearsal


def connect(house: House, rehearsal: Rehearsal) -> None:
    """The office's account on the rehearsal platform."""
    connect_unit(house.newsroom.hub, house.newsroom.office.bureau.id, house.address, rehearsal)


def connect_unit(hub: Hub, unit_id: int, address: str, rehearsal: Rehearsal) -> None:
    """A unit's account on the rehearsal platform, in secure mode, with our address entered at its console."""
    with hub.works.write() as work:
        accounts.add(
            work,
            hub.seal,
            unit_id=unit_id,
            channel="wechat",
            name="云州政务服务",
            code=CODE,
            base_url=f"{rehearsal.url}/wechat",
            settings={"type": "service"},
            credentials={
                "appid": SERVICE_APPID,
                "secret": SERVICE_SECRET,
                "token": TOKEN,
                "aes_key": AES_KEY,
                "mode": "secure",
            },
        )
    callback = {
        "url": f"{address}/callbacks/wechat/{CODE}",
        "token": TOKEN,
        "aes_key": AES_KEY,
        "mode": "secure",
    }
    assert rehearsal.control(f"wechat/{SERVICE_APPID}/callback", **callback) == {"verified": True}


def says(rehearsal: Rehearsal, text: str, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = rehearsal.control(
        f"wechat/{SERVICE_APPID}/push", openid=SERVICE_CITIZENS[0], content=text, **more
    )
    return found


def test_on_wechat_a_question_a_person_and_a_rating(house: House, wechat: Rehearsal) -> None:
    connect(house, wechat)
    answered = says(wechat, "身份证掉了怎么办", msg_id=77)
    assert "工本费40元" in answered["reply"]["Content"]
    assert "依据：《居民身份证补领》" in answered["reply"]["Content"]
    assert answered["seconds"] < 5
    repeated = says(wechat, "身份证掉了怎么办", msg_id=77)
    assert repeated["reply"] == answered["reply"]
    assert "转接人工客服" in says(wechat, "人工")["reply"]["Content"]

    agent = house.desk_of("officer")
    agent.goto(f"{house.address}/console/desk")
    agent.locator(".line").first.click()
    expect(agent.locator(".desk__window")).to_contain_text("还可发 5 条消息")
    agent.locator("#answer").fill("请带户口簿到派出所。")
    agent.locator("#answer").press("Control+Enter")
    sent = told(wechat, "请带户口簿到派出所。")
    assert sent["openid"] == SERVICE_CITIZENS[0]
    expect(agent.locator(".desk__window")).to_contain_text("还可发 4 条消息", timeout=2 * WITHIN)
    assert says(wechat, "好的")["reply"] == {}

    agent.reload()
    agent.locator("summary", has_text="结束会话").click()
    agent.locator("#summary").fill("已告知")
    agent.locator("form[action$='/close'] button").click()
    told(wechat, "请您评价")
    assert "谢谢您的评价" in says(wechat, "1")["reply"]["Content"]
    with house.newsroom.hub.works.read() as work:
        assert work.session.scalars(select(Rating.score)).all() == [1]
    assert house.complaints == []


def told(rehearsal: Rehearsal, words: str) -> dict[str, Any]:
    """The customer-service message with these words, once it has arrived."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        for entry in rehearsal.ledger("custom_message"):
            if words in str(entry):
                data: dict[str, Any] = entry.get("data", entry)
                return data
        time.sleep(0.05)
    raise AssertionError(f"nobody was told: {words}")
