"""An agent's browser is closed in the middle and opened again: what both sides said is there once each, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bot.models import InboundMessage, OutboundReply
from bot.team import presence
from bot.team.models import Presence, QuickReply
from kernel.clock import SystemClock
from kernel.people import Grant, Role, Unit
from tests.journeys.editorial import House, axe, running
from tests.journeys.test_citizen import WITHIN, asks, chat_of, open_to_citizens

pytestmark = pytest.mark.browser


@pytest.fixture
def house(browser: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The product with an open desk and one quick reply of the unit."""
    with running(browser, sqlite_url, tmp_path, SystemClock()) as house:
        open_to_citizens(house)
        with house.newsroom.hub.works.write() as work:
            unit = house.newsroom.office.bureau.id
            row = QuickReply(unit_id=unit, title="核实", code="hs", text="正在核实，请稍等。", made_at=work.now)
            row.approved_at = work.now
            work.session.add(row)
        yield house


def closed_in_the_middle(citizen: Page, agent: Page, anew: Callable[[], Page]) -> Page:
    """The agent's browser is closed while an answer is just leaving and the citizen goes on writing.

    `anew` opens the desk in another one, where a person looks and says what is not there; returns its page.
    """
    window, address = citizen.get_by_role("dialog", name="智能问答"), agent.url
    before = window.locator(".chat__line--citizen").count()
    agent.locator("#answer").fill("路灯今晚修。")
    agent.keyboard.press("Control+Enter")
    agent.context.close()
    for more, text in enumerate(("几点？", "还在吗"), start=1):
        asks(citizen, text)
        expect(window.locator(".chat__line--citizen")).to_have_count(before + more)
    again = anew()
    again.goto(address)
    log = again.locator(".desk__log")
    expect(log).to_contain_text("还在吗")
    if "路灯今晚修。" not in log.inner_text():  # It had not left: it is not there, and is said now.
        again.locator("#answer").fill("路灯今晚修。")
        again.keyboard.press("Control+Enter")
    expect(window).to_contain_text("路灯今晚修。", timeout=WITHIN)
    return again


def test_closed_in_the_middle_nothing_is_lost_and_nothing_said_twice(house: House) -> None:
    citizen = house.page()
    window = chat_of(citizen, house.address)
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")

    agent = house.desk_of("officer")
    agent.goto(f"{house.address}/console/desk")
    expect(agent).to_have_title("(1) 在线接待 · 宣达")
    agent.keyboard.press("Alt+j")
    agent.wait_for_url("**/console/desk/*")
    address = agent.url
    agent.keyboard.press("Alt+r")
    agent.keyboard.type("/h")
    expect(agent.get_by_role("option", name="核实")).to_be_visible()
    assert axe(agent) == []
    agent.keyboard.press("Enter")
    expect(agent.locator("#answer")).to_have_value("正在核实，请稍等。")
    agent.keyboard.press("Control+Enter")
    expect(window.locator(".chat__line--agent")).to_have_count(1, timeout=WITHIN)

    again = closed_in_the_middle(citizen, agent, lambda: house.desk_of("officer"))
    # Half an answer is there on the next machine, and gone once it was sent.
    again.locator("#answer").fill("八")
    expect(again.locator("[data-autosave-state]")).to_contain_text("已自动保存", timeout=WITHIN)
    again.context.close()
    again = house.desk_of("officer")
    again.goto(address)
    expect(again.locator("#answer")).to_have_value("八")
    expect(again.locator("[data-autosave-state]")).to_contain_text("未发送的草稿")
    again.locator("#answer").fill("八点。")
    again.keyboard.press("Control+Enter")
    expect(window).to_contain_text("八点。", timeout=WITHIN)
    expect(again.locator("#answer")).to_have_value("")
    again.reload()
    expect(again.locator("#answer")).to_have_value("")
    log = again.locator(".desk__log")

    with house.newsroom.hub.works.read() as work:
        heard = work.session.scalars(select(InboundMessage.text).order_by(InboundMessage.number)).all()
        replies = select(OutboundReply.text).where(OutboundReply.side == "agent").order_by(OutboundReply.number)
        said = work.session.scalars(replies).all()
    assert heard == ["人工", "几点？", "还在吗"]
    assert said == ["正在核实，请稍等。", "路灯今晚修。", "八点。"]
    for side, texts in (("citizen", heard), ("agent", said)):
        for page, lines in ((window, f".chat__line--{side}"), (log, f".talk__line--{side} .talk__text")):
            shown = page.locator(lines)
            expect(shown).to_have_count(3)
            assert all(text in shown.nth(place).inner_text() for place, text in enumerate(texts))
    assert house.complaints == []


HEARD = """
window.rung = 0;
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () { window.rung += 1; return make.call(this); };
"""


def test_whoever_wants_it_hears_and_reads_in_the_title_that_somebody_waits_or_writes(house: House) -> None:
    citizen = house.page()
    window = chat_of(citizen, house.address)
    agent = house.desk_of("officer")
    agent.add_init_script(HEARD)
    agent.goto(f"{house.address}/console/desk")
    expect(agent).to_have_title("在线接待 · 宣达")
    agent.locator("#desk-prefs summary").click()
    agent.get_by_label("响铃").check()
    assert agent.evaluate("rung") == 1  # So that he knows what it is like.
    asks(citizen, "人工")
    expect(agent).to_have_title("(1) 在线接待 · 宣达", timeout=WITHIN)
    assert agent.evaluate("rung") == 2

    # Kept for this browser, on the page of a conversation too; what he has on his screen rings when it is written on.
    agent.locator(".queue__list a").click()
    agent.wait_for_url("**/console/desk/*")
    agent.get_by_role("button", name="接入").click()
    expect(window).to_contain_text("人工客服正在为您服务")
    expect(agent.get_by_label("响铃")).to_be_checked()
    asks(citizen, "你好")
    expect(agent.locator(".desk__log")).to_contain_text("你好", timeout=WITHIN)
    expect(agent).to_have_title("(1) 在线接待 · 宣达", timeout=WITHIN)
    agent.wait_for_function("rung === 1")

    agent.locator("#desk-prefs summary").click()
    agent.get_by_label("响铃").uncheck()
    agent.get_by_label("标题显示").uncheck()
    expect(agent).to_have_title("在线接待 · 宣达")
    asks(citizen, "在吗")
    expect(agent.locator(".desk__log")).to_contain_text("在吗", timeout=WITHIN)
    expect(agent).to_have_title("在线接待 · 宣达")
    assert agent.evaluate("rung") == 1
    assert house.complaints == []


def test_what_the_agent_looks_for_is_found_and_put_into_the_answer(house: House) -> None:
    citizen = house.page()
    window = chat_of(citizen, house.address)
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")
    agent = house.desk_of("officer")
    agent.goto(f"{house.address}/console/desk")
    agent.keyboard.press("Alt+j")
    agent.wait_for_url("**/console/desk/*")
    agent.keyboard.press("Alt+q")
    # Where the machine is slow, htmx says only now that the page is there.
    agent.evaluate("htmx.trigger(document.body, 'htmx:load')")
    agent.keyboard.type("居住证")
    agent.keyboard.press("Enter")
    hint = agent.locator("#suggestions .hint", has_text="居住证怎么办理")
    hint.get_by_role("button", name="插入").click()
    expect(agent.locator("#answer")).to_have_value(re.compile("到居住地社区办理。"))
    # What he looked for stays there, whatever the citizen writes meanwhile.
    with agent.expect_response("**/suggestions?*") as refreshed:
        asks(citizen, "路灯坏了谁来修")
    assert refreshed.value.ok
    expect(agent.locator(".desk__log")).to_contain_text("路灯坏了谁来修")
    expect(hint).to_be_visible()
    # An address may open a fold by its name.
    agent.goto(f"{agent.url}#make-ticket")
    expect(agent.locator("#ticket-text")).to_be_visible()
    assert house.complaints == []


def test_a_conversation_is_handed_to_the_desk_of_another_unit(house: House) -> None:
    office = house.newsroom.office
    stranger = office.person("stranger")
    with house.newsroom.hub.works.write() as work:
        work.session.add(Grant(person_id=stranger.id, role=Role.AGENT.value, unit_id=stranger.unit_id))
        work.session.add(
            Presence(unit_id=stranger.unit_id, person_id=stranger.id, state=presence.ON, began_at=work.now)
        )
        name = work.session.get_one(Unit, stranger.unit_id).name
    citizen = house.page()
    window = chat_of(citizen, house.address)
    asks(citizen, "公积金怎么提取")
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")
    agent, other = house.desk_of("officer"), house.desk_of("stranger")
    other.goto(f"{house.address}/console/desk")
    expect(other.locator(".queue__list a")).to_have_count(0)
    agent.goto(f"{house.address}/console/desk")
    agent.locator(".queue__list a").click()
    agent.wait_for_url("**/console/desk/*")
    address = agent.url
    agent.get_by_role("button", name="接入").click()
    expect(window).to_contain_text("人工客服正在为您服务")
    beside = house.desk_of("officer")
    beside.goto(address)
    beside.locator("#answer").fill("请您稍等")
    expect(beside.locator("[data-autosave-state]")).to_contain_text("已自动保存", timeout=WITHIN)
    agent.locator("#pass-on summary").click()
    agent.locator("#forward-to").select_option(label=f"{name}（1 人在岗，0 位在等）")
    agent.locator("#forward-note").fill("问提取，已核对身份")
    assert axe(agent) == []
    agent.get_by_role("button", name="转出", exact=True).locator("visible=true").click()
    agent.wait_for_url("**/console/desk")
    expect(agent.locator(".queue__list a")).to_have_count(0)
    expect(window).to_contain_text(f"您的事项已转由{name}的人工坐席接着办理，排在最前", timeout=WITHIN)
    expect(window).to_contain_text("正在等待人工接入")
    other.locator(".queue__list a").click(timeout=WITHIN)
    other.wait_for_url("**/console/desk/*")
    expect(other.locator(".desk__log")).to_contain_text("公积金怎么提取")
    expect(other.locator(".desk__log")).to_contain_text("问提取，已核对身份")
    other.locator("#answer").fill("您好，我来办。")
    other.locator("#answer").press("Control+Enter")
    expect(window.locator(".chat__line--agent")).to_contain_text("我来办", timeout=WITHIN)
    # Whoever still had it open reads why it is gone; his words stay, and nothing is asked for again and again.
    expect(beside.locator("[data-gone]")).to_contain_text("已不在您的接待范围", timeout=WITHIN)
    expect(beside.locator("#answer")).to_have_value("请您稍等")
    expect(beside.get_by_role("button", name="发送")).to_be_hidden()
    expect(beside.locator(".desk__side")).to_be_hidden()
    expect(beside.locator(".toast--bad")).to_have_count(0)
    assert axe(beside) == []
    answer = agent.goto(address)
    assert answer is not None
    assert answer.status == 404
    assert house.complaints == []
