"""粉丝标签 at the live desk: seen, put on and taken off at the platform, by whoever may answer the citizen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot import gateway
from bot.models import Conversation
from channels.accounts import store
from channels.accounts.models import Account, AccountTag
from channels.rehearsal.config import RehearsalConfig
from channels.rehearsal.wechat.state import Tag
from kernel.audit import AuditLine
from kernel.clock import SystemClock
from kernel.people import Role
from tests.channels.rehearsal.served import APPID, CITIZEN, SECRET, Rehearsal, serving
from tests.hub.office import Browser, Office, open_office
from tests.templates.browser import screen


@pytest.fixture(scope="module")
def platforms() -> Iterator[Rehearsal]:
    with serving(RehearsalConfig.demo()) as running:
        yield running


@dataclass
class Talk:
    """An agent with a follower, and the platform's side of it."""

    office: Office
    platforms: Rehearsal
    conversation: int

    @property
    def base(self) -> str:
        """The address of his tags."""
        return f"/console/desk/{self.conversation}/tags"

    @property
    def agent(self) -> Browser:
        """The agent's browser."""
        return self.office.desk_of("agent")

    @property
    def his(self) -> list[int]:
        """What the platform has him tagged with."""
        return list(self.platforms.app.world.state.wechat.accounts[APPID].people[CITIZEN].tags)

    def tags(self, *names: str, wears: int = 0) -> list[int]:
        """The account's tags at the platform, the first so many of them his."""
        state = self.platforms.app.world.state.wechat.accounts[APPID]
        state.tags = {100 + n: Tag(id=100 + n, name=name) for n, name in enumerate(names)}
        state.people[CITIZEN].tags = list(state.tags)[:wears]
        return list(state.tags)


@pytest.fixture
def talk(sqlite_url: str, tmp_path: Path, platforms: Rehearsal) -> Iterator[Talk]:
    platforms.control("reset")
    with open_office(sqlite_url, tmp_path, SystemClock(), rehearsal_url=platforms.url) as office:
        office.hire("agent", "north", Role.AGENT)
        office.hire("neighbour", "south", Role.AGENT)
        office.hire("reader", "north", Role.OFFICER)
        with office.hub.works.write() as work:
            account = store.add(
                work, office.hub.seal, unit_id=office.unit("north").id, channel="wechat", name="云州发布", code="wx",
                base_url=f"{platforms.url}/wechat", credentials={"appid": APPID, "secret": SECRET},
            )  # fmt: skip
            found = gateway.begin(
                work, unit_id=account.unit_id, account_id=account.id, channel="wechat", sender=CITIZEN
            )
            number = found.id
        yield Talk(office, platforms, number)


def acts(talk: Talk) -> list[tuple[str, str]]:
    """What the audit log has of it."""
    with talk.office.hub.works.read() as work:
        query = select(AuditLine).where(AuditLine.act.like("conversation.%tagged")).order_by(AuditLine.seq)
        return [(line.act, json.loads(line.details)["tag"]) for line in work.session.scalars(query)]


def test_the_desk_offers_his_tags_and_asks_the_platform_only_when_they_are_opened(talk: Talk) -> None:
    talk.tags("低保户", "志愿者", wears=1)
    calls = len(talk.platforms.ledger())
    page = talk.agent.get(f"/console/desk/{talk.conversation}").text
    assert f'hx-get="{talk.base}" hx-trigger="toggle once"' in page
    assert "低保户" not in page
    assert len(talk.platforms.ledger()) == calls
    part = talk.agent.get(talk.base, headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert part.index("低保户") < part.index("志愿者")
    assert '<option value="101">志愿者</option>' in part
    assert "每人最多 20 个" in part
    assert "<html" in talk.agent.get(talk.base).text


def test_a_tag_is_put_on_and_taken_off_and_both_are_noted(talk: Talk) -> None:
    first, second = talk.tags("低保户", "志愿者", wears=1)
    talk.agent.get(talk.base)
    answer = talk.agent.send_form(talk.base, tag=str(second))
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/desk/{talk.conversation}")
    assert talk.his == [first, second]
    assert talk.agent.send_form(f"{talk.base}/remove", tag=str(first)).status_code == 303
    assert talk.his == [second]
    assert acts(talk) == [("conversation.tagged", "志愿者"), ("conversation.untagged", "低保户")]
    with talk.office.hub.works.read() as work:
        assert work.session.scalar(select(func.count(AccountTag.id))) == 2


def test_what_the_platform_refuses_stands_beside_the_field(talk: Talk) -> None:
    numbers = talk.tags(*(f"标签{n}" for n in range(21)), wears=20)
    talk.agent.get(talk.base)
    full = talk.agent.send_form(talk.base, tag=str(numbers[20]))
    assert full.status_code == 422
    assert 'id="follower-tag-error"' in full.text
    assert "标签已满 20 个" in full.text
    talk.tags("低保户", "志愿者")
    gone = talk.agent.send_form(talk.base, tag=str(numbers[5]))
    assert "微信上已没有这个标签" in gone.text
    unknown = talk.agent.send_form(talk.base, tag="7")
    assert "请从列表中选择标签" in unknown.text
    assert (talk.his, acts(talk)) == ([], [])


def test_a_platform_that_is_away_is_said_and_nothing_else_is_lost(talk: Talk) -> None:
    talk.tags("低保户")
    talk.platforms.control("faults", kind="errcode", platform="wechat", path="cgi-bin/tags/get", code=48001)
    page = talk.agent.get(talk.base)
    assert page.status_code == 200
    assert "没有此接口的权限" in page.text
    talk.agent.get(talk.base)
    path = "cgi-bin/tags/members/batchtagging"
    talk.platforms.control("faults", kind="errcode", platform="wechat", path=path, code=48001, count=2)
    answer = talk.agent.send_form(talk.base, tag="100")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/console/desk/{talk.conversation}")
    part = talk.agent.post(talk.base, data={"tag": "100", "csrf": talk.agent.csrf}, headers={"hx-request": "true"})
    assert (part.status_code, "没有此接口的权限" in part.text) == (200, True)
    assert (talk.his, acts(talk)) == ([], [])


def test_only_whoever_may_answer_here_sees_and_changes_them(talk: Talk) -> None:
    (tag,) = talk.tags("低保户")
    for login, status in (("neighbour", 404), ("reader", 403)):
        browser = talk.office.desk_of(login)
        assert browser.get(talk.base).status_code == status, login
        assert browser.send_form(talk.base, tag=str(tag)).status_code == status
        assert browser.send_form(f"{talk.base}/remove", tag=str(tag)).status_code == status
    assert talk.his == []


def test_a_channel_without_tags_has_none_here_and_a_real_follower_keeps_his_in_a_rehearsal(talk: Talk) -> None:
    (tag,) = talk.tags("低保户")
    talk.agent.get(talk.base)
    with talk.office.hub.works.write() as work:
        account = work.session.scalars(select(Account).where(Account.code == "wx")).one()
        account.rehearsal = True
        chat = gateway.begin(work, unit_id=account.unit_id, account_id=None, channel="portal", sender="browser")
        other = chat.id
    refused = talk.agent.send_form(talk.base, tag=str(tag))
    assert (refused.status_code, "结束演练后再改" in refused.text, talk.his) == (422, True, [])
    assert talk.agent.get(f"/console/desk/{other}/tags").status_code == 404
    assert "粉丝标签" not in talk.agent.get(f"/console/desk/{other}").text
    with talk.office.hub.works.write() as work:
        work.session.get_one(Conversation, talk.conversation).forgotten_at = work.now
    assert talk.agent.get(talk.base).status_code == 404


@pytest.mark.browser
def test_his_tags_are_accessible_and_fit_a_phone(talk: Talk) -> None:
    talk.tags("低保户", "志愿者", wears=1)
    page = talk.agent.get(talk.base).text
    refused = talk.agent.send_form(talk.base, tag="7").text
    with screen() as shown:
        for html in (page, refused):
            for width in (1280, 375):
                shown.show(html, width)
                assert shown.axe() == [], width
                assert shown.overflow() <= 0, width
