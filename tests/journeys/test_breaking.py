"""The database is away for ten seconds while a citizen, a follower and an agent write, and lines break.

What anybody said is there once, in order, and everybody sees it without doing anything but sending again.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from bot.models import Conversation, InboundMessage, OutboundReply
from channels.rehearsal.config import RehearsalConfig
from hub.db import open_database
from hub.tables import metadata
from kernel.clock import SystemClock
from kernel.people import Role
from scheduler.queue import create_tables
from tests.channels.rehearsal.served import Rehearsal, serving
from tests.faults.databases import Database, SqliteFile, database
from tests.journeys.editorial import House, axe, running
from tests.journeys.test_citizen import asks, chat_of, connect, open_to_citizens, says, told

pytestmark = pytest.mark.browser

AWAY = 10.0
BACK = 30_000
"""Milliseconds from its going away within which everybody has found his way back."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def base(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind with every table, which can be away."""
    with database(request.param, tmp_path) as base:
        if request.param == "sqlite":
            file = SqliteFile(tmp_path / "xuanda.db")
            file.url = request.getfixturevalue("sqlite_url")
            yield file
            return
        engine = open_database(base.url)
        metadata.create_all(engine)
        with engine.begin() as connection:
            create_tables(connection)
        engine.dispose()
        yield base


@pytest.fixture
def house(browser: Browser, base: Database, tmp_path: Path) -> Iterator[House]:
    """The product with an open desk, its agent and the supervisor."""
    with running(browser, base.url, tmp_path, SystemClock(), allowed_private="127.0.0.1") as house:
        open_to_citizens(house)
        house.newsroom.office.grant("manager", Role.SUPERVISOR)
        yield house


@pytest.fixture
def wechat(house: House) -> Iterator[Rehearsal]:
    """The rehearsal platform, on which the office has an account."""
    with serving(RehearsalConfig.demo()) as wechat:
        connect(house, wechat)
        yield wechat


def test_with_the_database_away_nothing_is_lost_or_said_twice(house: House, base: Database, wechat: Rehearsal) -> None:
    citizen = house.page(390, 844)
    window = chat_of(citizen, house.address)
    asks(citizen, "人工")
    expect(window).to_contain_text("正在等待人工接入")
    board = house.desk_of("manager")
    board.goto(f"{house.address}/console/board")
    expect(board.locator(".stat", has_text="等待接入")).to_contain_text("1")
    agent = house.desk_of("officer")
    agent.goto(f"{house.address}/console/desk")
    agent.locator(".line").first.click()
    agent.wait_for_url("**/console/desk/*")
    answers(agent, "请讲。")
    expect(window.locator(".chat__line--agent")).to_have_count(1)
    expect(board.locator(".stat", has_text="等待接入")).to_contain_text("0")
    before = len(house.complaints)

    gone = threading.Thread(target=base.away, args=(AWAY,))
    gone.start()
    time.sleep(1)
    asks(citizen, "路灯坏了")
    answers(agent, "在哪条路？")
    answered: list[str] = []
    pushed = threading.Thread(target=lambda: answered.extend(said_to(wechat, "身份证掉了怎么办")))
    pushed.start()
    expect(citizen.locator(".chat__problem")).to_contain_text("正在重新", timeout=BACK)
    expect(citizen.locator("#chat-input")).to_have_value("路灯坏了")
    assert axe(citizen) == []
    gone.join()
    pushed.join()

    expect(window.locator(".chat__line--citizen", has_text="路灯坏了")).to_have_count(1, timeout=BACK)
    expect(citizen.locator("#chat-input")).to_have_value("")
    expect(citizen.locator(".chat__problem")).to_be_hidden(timeout=BACK)
    # The agent was told, his words are there; he sends them again, and once more by mistake.
    if agent.locator("#answer").input_value():
        assert agent.locator(".toast__text").all_inner_texts() == [AGAIN_LATER]
        agent.locator("#answer").press("Control+Enter")
    expect(window.locator(".chat__line--agent", has_text="在哪条路？")).to_have_count(1, timeout=BACK)
    expect(agent.locator("#answer")).to_have_value("")
    expect(agent.locator(".desk__log")).to_contain_text("路灯坏了", timeout=BACK)
    asks(citizen, "人民路")
    expect(agent.locator(".desk__log")).to_contain_text("人民路", timeout=BACK)
    assert answered or told(wechat, "工本费40元")
    asked_on = says(wechat, "人工")
    assert "转接人工客服" in asked_on["reply"]["Content"]
    expect(board.locator(".stat", has_text="等待接入")).to_contain_text("1", timeout=BACK)

    with house.newsroom.hub.works.read() as work:
        rows = select(InboundMessage.text).join(Conversation).order_by(InboundMessage.number)
        heard = {
            channel: work.session.scalars(rows.where(Conversation.channel == channel)).all()
            for channel in ("portal", "wechat")
        }
        replies = select(OutboundReply.text).where(OutboundReply.side == "agent").order_by(OutboundReply.number)
        said = work.session.scalars(replies).all()
    assert heard == {"portal": ["人工", "路灯坏了", "人民路"], "wechat": ["身份证掉了怎么办", "人工"]}
    assert said == ["请讲。", "在哪条路？"]
    shown = [text.split("\n")[-1] for text in window.locator(".chat__line--citizen").all_inner_texts()]
    assert shown == heard["portal"]
    assert [one for one in house.complaints[before:] if "503" not in one and "INCOMPLETE" not in one] == []


@pytest.fixture
def whole(browser: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[House]:
    """The product with an open desk and a database that stays."""
    with running(browser, sqlite_url, tmp_path, SystemClock()) as house:
        open_to_citizens(house)
        yield house


def lost_once(page: Page, where: str, instead: int = 0) -> None:
    """The next request to such an address is taken, but nobody hears of it: he hears nothing, or something else."""

    def lose(route: Route) -> None:
        route.fetch()
        if instead:
            route.fulfill(status=instead, body="{}")
        else:
            route.abort()

    page.route(re.compile(where), lose, times=1)


def test_what_arrived_but_nobody_heard_of_is_not_said_twice(whole: House) -> None:
    citizen = whole.page()
    window = chat_of(citizen, whole.address)
    lost_once(citizen, r"/chat/\d+/messages$")
    asks(citizen, "人工")
    expect(window.locator(".chat__line--citizen")).to_have_count(1, timeout=BACK)
    expect(citizen.locator("#chat-input")).to_have_value("", timeout=BACK)

    agent = whole.desk_of("officer")
    agent.goto(f"{whole.address}/console/desk")
    agent.locator(".line").first.click()
    agent.wait_for_url("**/console/desk/*")
    lost_once(agent, r"/console/desk/\d+/answer$")
    answers(agent, "请讲。")
    expect(window.locator(".chat__line--agent")).to_have_count(1, timeout=BACK)
    expect(agent.locator(".toast__text")).to_have_count(1)
    expect(agent.locator("#answer")).to_have_value("请讲。")
    agent.locator("#answer").press("Control+Enter")
    expect(agent.locator("#answer")).to_have_value("")
    # The same words once more are meant: they were heard to have arrived.
    answers(agent, "请讲。")
    expect(window.locator(".chat__line--agent")).to_have_count(2, timeout=BACK)
    lost_once(citizen, r"/chat/\d+/messages$", instead=429)  # What the page does not send again by itself.
    asks(citizen, "人工")
    expect(citizen.locator(".chat__problem")).to_be_visible()
    citizen.locator("#chat-input").press("Enter")
    expect(citizen.locator("#chat-input")).to_have_value("")
    expect(window.locator(".chat__line--citizen")).to_have_count(2)
    with whole.newsroom.hub.works.read() as work:
        heard = work.session.scalars(select(InboundMessage.text)).all()
        said = work.session.scalars(select(OutboundReply.text).where(OutboundReply.side == "agent")).all()
    assert (heard, said) == (["人工", "人工"], ["请讲。", "请讲。"])


def test_what_is_written_while_an_answer_leaves_is_not_lost(whole: House) -> None:
    citizen = whole.page()
    window = chat_of(citizen, whole.address)
    asks(citizen, "人工")
    expect(window.locator(".chat__line--citizen")).to_have_count(1)
    agent = whole.desk_of("officer")
    agent.goto(f"{whole.address}/console/desk")
    agent.locator(".line").first.click()
    agent.wait_for_url("**/console/desk/*")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    agent.route(re.compile(r"/answer$"), hold, times=1)
    answers(agent, "请讲。")
    agent.wait_for_timeout(200)
    agent.locator("#answer").fill("八点")
    held[0].continue_()
    expect(window.locator(".chat__line--agent")).to_have_count(1, timeout=BACK)
    expect(agent.locator("[data-autosave-state]")).to_contain_text("已自动保存", timeout=BACK)
    expect(agent.locator("#answer")).to_have_value("八点")


def test_a_page_opened_anew_while_the_office_cannot_be_reached_finds_its_conversation(whole: House) -> None:
    citizen = whole.page()
    window = chat_of(citizen, whole.address)
    asks(citizen, "居住证怎么办")
    expect(window.locator(".chat__line--bot")).to_have_count(2)
    citizen.route(re.compile(r"/lines\?after=0$"), lambda route: route.fulfill(status=503, body="{}"), times=1)
    citizen.reload()
    citizen.get_by_role("button", name="智能问答").press("Enter")
    expect(citizen.locator(".chat__problem")).to_be_visible()
    asks(citizen, "身份证掉了怎么办")
    expect(window.locator(".chat__line--bot")).to_have_count(3)
    with whole.newsroom.hub.works.read() as work:
        assert len(work.session.scalars(select(Conversation)).all()) == 1


AGAIN_LATER = "系统暂时没有响应（数据库无法连接或正忙），操作没有完成。请稍候再试；持续如此请联系系统管理员。"


def said_to(wechat: Rehearsal, text: str) -> list[str]:
    """The words that a push is answered with, if it is; its platform hangs up after five seconds, three times."""
    reply = says(wechat, text)["reply"]
    return [reply["Content"]] if reply else []


def answers(agent: Page, text: str) -> None:
    """Writes an answer and sends it."""
    agent.locator("#answer").fill(text)
    agent.locator("#answer").press("Control+Enter")
