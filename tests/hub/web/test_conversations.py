"""会话记录: every conversation in reach is found, whoever has it, on the page as by the API, and nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from bot import gateway
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage, Rating
from bot.states import ConversationState
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Role
from tests.bot.citizens import ToldEngine, wechat_account
from tests.hub.office import Browser, Office
from tests.hub.web.test_desk import LiveDesk

PAGE = "/console/conversations"
S = ConversationState


@pytest.fixture
def kept(office: Office) -> Office:
    """An office with an agent in the north and one in the south."""
    for login in ("agent", "other"):
        office.hire(login, "north", Role.AGENT)
    office.hire("officer", "north", Role.OFFICER)
    office.hire("south", "south", Role.AGENT)
    return office


def talk(
    office: Office, said: str, unit: str = "north", *, days: int = 0, channel: str = "wechat", agent: str = "",
    outcome: str = "answer", score: int = 0, **columns: Any,
) -> int:  # fmt: skip
    """A conversation that began so many days ago, in which the citizen wrote this; returns its number."""
    agent_id = office.person(agent).id if agent else None
    with office.hub.works.write() as work:
        made = gateway.begin(
            work, unit_id=office.unit(unit).id, account_id=None, channel=channel, sender=f"visitor-{said[:4]}"
        )
        heard = gateway.store(work, made, Arrival(gateway.CHAT, f"k{made.id}", made.sender, "text", said, work.now))
        message = work.session.get_one(InboundMessage, heard.inbound_id)
        message.received_at = made.opened_at = made.heard_at = work.now - timedelta(days=days)
        message.outcome, message.handled_at = outcome, work.now
        made.agent_id = agent_id
        for name, value in columns.items():
            setattr(made, name, value)
        if score:
            work.session.add(Rating(unit_id=made.unit_id, conversation_id=made.id, score=score, at=work.now))
        return made.id


def on_page(browser: Browser, **asked: str) -> list[int]:
    """The conversations that the page lists, in its order."""
    answer = browser.get(f"{PAGE}?{urlencode(asked)}")
    assert answer.status_code == 200
    return [int(one) for one in re.findall(r'class="table__title" href="/console/desk/(\d+)"', answer.text)]


def program(office: Office, login: str) -> Any:
    """Asks the list of the API as that person's program."""
    with office.hub.works.write() as work:
        _token, text = tokens.create(work, office.person(login), "probe")
    browser, head = office.browser(), {"Authorization": f"Bearer {text}"}
    return lambda **asked: browser.get(f"/api/v1/conversations?{urlencode(asked)}", headers=head)


def test_the_bots_alone_and_closed_ones_are_found_with_personal_data_masked(kept: Office) -> None:
    alone = talk(kept, "居住证怎么办，电话13812345678")
    over = talk(kept, "公积金怎么提取", days=3, state=S.CLOSED, agent="other")
    page = kept.desk_of("agent").get(PAGE).text
    assert on_page(kept.desk_of("agent")) == [alone, over]
    assert "138****5678" in page
    assert "13812345678" not in page
    assert "other某" in page
    assert "机器人接待" in page
    assert f'href="{PAGE}"' in kept.desk_of("agent").get("/console/desk").text


def test_page_and_api_narrow_it_by_the_same_filters(kept: Office) -> None:
    now = kept.hub.clock.now()
    named = {
        "bot": talk(kept, "路灯坏了三天"),
        "weibo": talk(kept, "学校几点放学", channel="weibo", days=2),
        "asked": talk(kept, "有没有 50% 的补贴", outcome="refuse", days=5),
        "danger": talk(kept, "楼下着火了", state=S.OPEN, agent="other", urgent_at=now, urgent_word="着火"),
        "low": talk(kept, "白跑一趟", state=S.CLOSED, agent="agent", score=4, days=8),
        "content": talk(kept, "谢谢", state=S.CLOSED, agent="agent", score=1, days=9),
        "old": talk(kept, "路灯又坏了", state=S.CLOSED, days=60),
    }
    agent, ask = kept.desk_of("agent"), program(kept, "agent")
    people = {name: str(kept.person(name).id) for name in ("agent", "other")}
    lately = set(named) - {"old"}
    for page, api, wanted in (
        ({}, {"days": "30"}, lately),
        ({"days": "all"}, {}, set(named)),
        ({"days": "7"}, {"days": "7"}, {"bot", "weibo", "asked", "danger"}),
        ({"state": "bot"}, {"state": "bot", "days": "30"}, {"bot", "weibo", "asked"}),
        ({"state": "closed"}, {"state": "closed", "days": "30"}, {"low", "content"}),
        ({"channel": "weibo"}, {"channel": "weibo"}, {"weibo"}),
        ({"agent": people["other"]}, {"agent": people["other"]}, {"danger"}),
        ({"agent": "mine"}, {"agent": people["agent"]}, {"low", "content"}),
        ({"agent": "nobody"}, {"agent": "0", "days": "30"}, {"bot", "weibo", "asked"}),
        ({"show": "danger"}, {"show": "danger"}, {"danger"}),
        ({"show": "unanswered"}, {"show": "unanswered"}, {"asked"}),
        ({"show": "low"}, {"show": "low"}, {"low"}),
        ({"q": "路灯"}, {"q": "路灯", "days": "30"}, {"bot"}),
        ({"q": "路灯", "days": "90"}, {"q": "路灯"}, {"bot", "old"}),
        ({"q": "0%"}, {"q": "0%"}, {"asked"}),
        ({"q": "%"}, {"q": "_"}, None),
        ({"q": "路灯", "state": "closed"}, {"q": "路灯", "state": "closed", "days": "30"}, set()),
        ({"unit": str(kept.unit("south").id)}, {"unit": str(kept.unit("south").id)}, set()),
        ({"state": "nonsense", "days": "x", "agent": "²", "show": "?"}, {"days": "30"}, lately),
    ):  # fmt: skip
        found = {one["id"] for one in ask(**api).json()["conversations"]}
        if wanted is None:  # A sign that means anything elsewhere means itself here.
            assert (on_page(agent, **page), found) == ([named["asked"]], set())
            continue
        assert set(on_page(agent, **page)) == {named[name] for name in wanted}, page
        assert found == {named[name] for name in wanted}, api


def test_words_are_looked_for_so_far_back_only(kept: Office) -> None:
    talk(kept, "路灯坏了", days=100)
    agent = kept.desk_of("agent")
    assert len(on_page(agent, days="all")) == 1
    assert on_page(agent, days="all", q="路灯") == []
    assert "只看近 90 天" in agent.get(f"{PAGE}?days=all&q=路灯").text
    assert program(kept, "agent")(q="路灯").json()["total"] == 0


def test_how_somebody_is_called_is_found_too(kept: Office) -> None:
    number = talk(kept, "办证", channel="phone", state=S.OPEN, agent="agent", name="王女士")
    assert on_page(kept.desk_of("agent"), q="王女士") == [number]


def test_another_units_are_absent_and_another_role_is_refused(kept: Office) -> None:
    here, there, below = (talk(kept, "路灯坏了", unit) for unit in ("north", "south", "north-desk"))
    assert on_page(kept.desk_of("agent"), days="all", q="路灯") == [here]
    assert on_page(kept.desk_of("agent"), unit=str(kept.unit("south").id)) == []
    assert on_page(kept.desk_of("south")) == [there]
    assert [one["id"] for one in program(kept, "south")().json()["conversations"]] == [there]
    assert kept.desk_of("officer").get(PAGE).status_code == 403
    for number in (there, below):
        assert kept.desk_of("agent").get(f"/console/desk/{number}").status_code == 404
        assert kept.desk_of("agent").send_form(f"/console/desk/{number}/take").status_code == 404


def test_order_and_page_stand_in_the_address(kept: Office) -> None:
    made = [talk(kept, f"问题{number}", days=number % 20) for number in range(25)]
    agent = kept.desk_of("agent")
    newest = on_page(agent)
    assert len(newest) == 20
    assert sorted(newest + on_page(agent, page="2")) == made
    oldest = on_page(agent, sort="opened")
    assert oldest[0] == made[19]
    assert newest[0] in (made[0], made[20])
    narrowed = agent.get(f"{PAGE}?q=问题&sort=opened").text
    assert "q=%E9%97%AE%E9%A2%98&amp;sort=opened&amp;page=2" in narrowed
    assert on_page(agent, sort="sender", page="x") == on_page(agent, sort="sender")


def test_what_the_api_does_not_know_is_refused_by_name(kept: Office) -> None:
    ask = program(kept, "agent")
    for name, value in (
        ("state", "?"),
        ("show", "?"),
        ("days", "0"),
        ("agent", "-1"),
        ("unit", "0"),
        ("q", "长" * 201),
    ):
        answer = ask(**{name: value})
        assert (answer.status_code, answer.json()["field"]) == (422, name)


def test_an_agent_takes_over_from_the_bot(kept: Office, clock: StillClock) -> None:
    hub, engine = kept.hub, ToldEngine()
    hub.incoming.engine = hub.incoming.answering.engine = engine
    with hub.works.write() as work:
        account = wechat_account(work, hub.seal, kept.unit("north").id)
    live = LiveDesk(kept, clock, engine, account.id)
    number = live.hears("居住证怎么办")
    assert on_page(live.agent, state="bot") == [number]
    assert f'action="/console/desk/{number}/take"' in live.agent.get(f"/console/desk/{number}").text
    assert kept.desk_of("south").send_form(f"/console/desk/{number}/take").status_code == 404
    assert live.agent.send_form(f"/console/desk/{number}/take").status_code == 303
    assert kept.desk_of("other").send_form(f"/console/desk/{number}/take").status_code == 409
    assert "为您服务" in live.replies(number, "bot")[-1].text
    before = len(live.replies(number, "bot"))
    live.hears("要带什么材料")
    assert len(live.replies(number, "bot")) == before
    with hub.works.read() as work:
        taken = work.session.get_one(Conversation, number)
    assert (taken.state, taken.agent_id, taken.handoff_reason) == (S.OPEN, kept.person("agent").id, "taken")
    assert on_page(live.agent, agent="mine") == [number]
