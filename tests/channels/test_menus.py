"""Versions of a menu on the rehearsal platform: published, read back, settled after a lost answer, brought back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.fernet import Fernet

from channels.abilities.menus import Button
from channels.accounts import doubles, menus
from channels.accounts import store as accounts
from channels.accounts.approval import OwnWords
from channels.accounts.menus import Publisher
from channels.accounts.models import Account, MenuVersion
from channels.adapters.wechat import WeChatChannel
from channels.errors import Refused
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.people import Person, Viewer, add_unit, viewer
from kernel.seal import Seal
from kernel.work import Actor, Works
from tests.channels.harness import host_of, make_tools
from tests.channels.rehearsal.served import APPID, SECRET, SERVICE_APPID, SERVICE_SECRET, Rehearsal

SAY = Button("热线", "click", key="k-1", does={"act": "say", "text": "12345"})
OTHER = Button("门户", "view", url="https://www.example/")


@dataclass
class Desk:
    """An account with a writer and a signer."""

    works: Works
    clock: StillClock
    rehearsal: Rehearsal
    publisher: Publisher
    account_id: int
    writer: Viewer
    signer: Viewer

    def write(self, *buttons: Button) -> MenuVersion:
        """The writer saves a draft."""
        with self.works.write(Actor("w", self.writer.person_id)) as work:
            return menus.write(work, work.session.get_one(Account, self.account_id), WeChatChannel, buttons)

    def publish(self, who: Viewer | None = None) -> MenuVersion:
        """The signer, or another, publishes it."""
        chosen = who or self.signer
        return self.publisher.publish(Actor("s", chosen.person_id), chosen, self.account_id)

    def states(self) -> list[str]:
        """The states of all versions, the newest first."""
        with self.works.read() as work:
            return [version.state for version in menus.versions(work.session, self.account_id)]

    def break_next(self, kind: str, path: str = "cgi-bin/menu/create", **more: Any) -> None:
        self.rehearsal.control("faults", kind=kind, platform="wechat", path=path, **more)


@pytest.fixture
def desk(works: Works, clock: StillClock, rehearsed: Rehearsal) -> Iterator[Desk]:
    seal = Seal(Fernet.generate_key())
    tools = make_tools(host_of(rehearsed))
    with works.write() as work:
        unit = add_unit(work.session, "云州市人民政府", "city")
        people = [Person(unit_id=unit.id, name=name, login=name) for name in ("writer", "signer")]
        work.session.add_all(people)
        work.session.flush()
        writer, signer = (viewer(work.session, person, work.now) for person in people)
        account = accounts.add(
            work,
            seal,
            unit_id=unit.id,
            channel="wechat",
            name="云河发布",
            code="w",
            base_url=f"{rehearsed.url}/wechat",
            credentials={"appid": APPID, "secret": SECRET},
        )
    publisher = Publisher(works, seal, lambda about: WeChatChannel(about, tools))
    yield Desk(works, clock, rehearsed, publisher, account.id, writer, signer)
    tools.http.close()


def test_a_draft_is_published_read_back_and_replaced_by_the_next(desk: Desk) -> None:
    desk.write(SAY)
    desk.write(SAY, OTHER)
    first = desk.publish()
    assert (first.number, first.state, first.reason) == (1, "live", "")
    desk.write(OTHER)
    assert desk.states() == ["draft", "live"]
    assert desk.publish().number == 2
    assert desk.states() == ["live", "replaced"]
    assert desk.rehearsal.ledger("menu")[-1]["data"]["button"][0]["name"] == "门户"


def test_an_earlier_version_is_brought_back(desk: Desk) -> None:
    first = desk.write(SAY)
    desk.publish()
    desk.write(OTHER)
    desk.publish()
    with desk.works.write(Actor("w", desk.writer.person_id)) as work:
        menus.restore(work, work.session.get_one(Account, desk.account_id), first.id)
    third = desk.publish()
    assert (third.number, third.origin, menus.buttons_of(third)) == (3, "restored", (SAY,))
    with desk.works.read() as work:
        assert menus.pressed(work.session, desk.account_id, "k-1") == SAY


def test_nobody_publishes_his_own_menu_and_without_a_draft_there_is_nothing(desk: Desk) -> None:
    with pytest.raises(WrongState):
        desk.publish()
    desk.write(SAY)
    with pytest.raises(OwnWords):
        desk.publish(desk.writer)
    assert desk.states() == ["draft"]


def test_a_menu_is_rehearsed_on_the_double_and_real_followers_see_nothing(desk: Desk) -> None:
    desk.write(SAY)
    seal = desk.publisher.seal
    with desk.works.write() as work:
        account = work.session.get_one(Account, desk.account_id)
        secrets = {"appid": SERVICE_APPID, "secret": SERVICE_SECRET}
        doubles.enter(work, seal, account, account.base_url, {"type": "service"}, secrets)
    with pytest.raises(OwnWords):
        desk.publish(desk.writer)
    version = desk.publish()
    assert (version.state, version.reason) == ("draft", menus.REHEARSED)
    assert [line["account"] for line in desk.rehearsal.ledger("menu")] == [SERVICE_APPID]
    assert desk.states() == ["draft"]
    with desk.works.write() as work:
        doubles.leave(work, work.session.get_one(Account, desk.account_id))
    assert desk.publish().state == "live"
    assert [line["account"] for line in desk.rehearsal.ledger("menu")] == [SERVICE_APPID, APPID]


def test_what_does_not_fit_is_not_kept(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.write(replace(SAY, name="五个字多了一点"))
    assert refused.value.field == "1.name"
    assert desk.states() == []


def test_a_refusal_stays_with_the_version(desk: Desk) -> None:
    desk.write(SAY)
    desk.break_next("errcode", code=48001)
    with pytest.raises(Refused):
        desk.publish()
    with desk.works.read() as work:
        draft = menus.draft_of(work.session, desk.account_id)
    assert draft is not None
    assert (draft.state, "没有此接口的权限" in draft.reason) == ("failed", True)
    assert desk.publish().state == "live"


def test_a_lost_answer_is_settled_by_looking(desk: Desk) -> None:
    desk.write(SAY)
    desk.break_next("cut_after")
    assert desk.publish().state == "sending"
    desk.clock.step(seconds=1)
    assert desk.publisher.settle() == 1
    assert desk.states() == ["live"]
    assert desk.publisher.settle() == 0


def test_a_menu_that_never_arrived_is_said_to_have_failed(desk: Desk) -> None:
    desk.write(SAY)
    desk.break_next("http_5xx")
    assert desk.publish().state == "sending"
    with pytest.raises(WrongState):
        desk.publish()
    desk.clock.step(seconds=60)
    assert desk.publisher.settle() == 1
    assert desk.states() == ["failed"]


@pytest.mark.parametrize("moved", [{"seconds": 60}, {"hours": -2}], ids=["time passes", "the clock is set back"])
def test_a_process_that_dies_in_the_middle_leaves_a_version_that_is_found(desk: Desk, moved: dict[str, int]) -> None:
    desk.write(SAY)
    desk.publisher.make = lambda _about: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        desk.publish()
    tools = make_tools(host_of(desk.rehearsal))
    desk.publisher.make = lambda about: WeChatChannel(about, tools)
    assert desk.publisher.settle() == 0
    desk.clock.step(**moved)
    assert desk.publisher.settle() == 1
    assert desk.states() == ["failed"]
    tools.http.close()


def test_a_menu_changed_by_somebody_else_is_noticed_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = WeChatChannel.publish_menu

    def published(self: WeChatChannel, buttons: Any) -> None:
        real(self, buttons)
        desk.rehearsal.wechat()("menu/create", button=[{"type": "click", "name": "别人", "key": "x"}])

    monkeypatch.setattr(WeChatChannel, "publish_menu", published)
    desk.write(SAY)
    version = desk.publish()
    assert (version.state, "不一致" in version.reason) == ("live", True)


def test_a_refused_menu_is_a_refusal_of_the_platform(desk: Desk) -> None:
    desk.write(SAY)
    desk.break_next("errcode", code=40018)
    with pytest.raises(Refused):
        desk.publish()
