"""演练: the platforms push to an account's double, which takes results and answers whoever writes to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from bot.models import Conversation, InboundMessage
from channels.accounts import doubles, store
from channels.accounts.models import Account
from channels.rehearsal.config import RehearsalConfig, WeChatRules
from hub import rehearsals
from hub.settings import Settings
from hub.web.callbacks import REHEARSED
from kernel.clock import SystemClock
from kernel.office_rules import set_rule
from kernel.work import SYSTEM
from scheduler import booking
from scheduler.models import Delivery, Placement
from scheduler.states import DeliveryState as S
from scheduler.windows import ENDS, STARTS
from tests.channels.rehearsal.served import Rehearsal, serving
from tests.factories import target_of
from tests.hub.serving import served
from tests.hub.web.going_out import Desk, open_desk
from tests.postgres import free_port

MODES = ("plain", "compat", "secure")
EVERYWHERE = "0.0.0.0"  # noqa: S104 - what a setting may say; nothing listens there.


@pytest.fixture(scope="module")
def platforms() -> Iterator[Rehearsal]:
    """Rehearsal platforms that know no account yet."""
    with serving(RehearsalConfig(wechat_rules=WeChatRules(publish_seconds=0.1, mass_seconds=0.1))) as running:
        yield running


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, platforms: Rehearsal) -> Iterator[Desk]:
    """An office that the platforms reach."""
    port = free_port()
    callback = f"http://127.0.0.1:{port}"
    with open_desk(
        sqlite_url, tmp_path, SystemClock(), rehearsal_url=platforms.url, rehearsal_callback=callback
    ) as desk, served(desk.office.app, port):  # fmt: skip
        with desk.hub.works.write() as work:
            # At whatever hour the test runs.
            set_rule(work, ENDS.name, desk.city.city.id, STARTS.default)
        yield desk


def add(desk: Desk, channel: str, action: str, **settings: Any) -> None:
    with desk.hub.works.write() as work:
        store.add(
            work, desk.hub.seal, unit_id=desk.city.bureau.id, channel=channel, name="住建账号", code="c", action=action,
            base_url="https://api.real.example", settings=settings, credentials={"appid": "real", "secret": "real"},
        )  # fmt: skip


def enter(desk: Desk) -> Account:
    """Switches the account to rehearsal and gives its double."""
    switched = rehearsals.enter(desk.hub, SYSTEM, [desk.account("c").id])
    assert (switched.accounts, list(switched.deaf)) == (1, [])
    return double(desk)


def double(desk: Desk) -> Account:
    with desk.hub.works.read() as work:
        found = doubles.double_of(work.session, desk.account("c").id)
    assert found is not None
    return found


def appid_of(platforms: Rehearsal, account: Account) -> str:
    """The number of a double on its platform: the last one opened under its name."""
    return platforms.http.get("/control/accounts").json()["wechat"][-1]["appid"]


def booked(desk: Desk, action: str) -> Delivery:
    """A signed piece on its way to the account."""
    piece = desk.city.piece(by="author")
    desk.city.save(piece.id, cover_id=desk.city.picture(piece.id).id)
    desk.city.sign_off(desk.city.submit(piece.id, targets=[target_of(desk.account("c"))]).id)
    with desk.city.working("officer") as (work, who):
        order = booking.Order([piece.id], desk.account("c").id, action)
        return booking.book(work, who, order, "https://www.yunzhou.example")


def stored(desk: Desk) -> int:
    with desk.hub.works.read() as work:
        kinds = (Conversation, InboundMessage)
        return sum(work.session.scalar(select(func.count()).select_from(kind)) or 0 for kind in kinds)


@pytest.mark.parametrize(("mode", "action"), [("plain", "publish"), ("compat", "mass_send"), ("secure", "mass_send")])
def test_a_double_hears_of_its_result_without_asking(desk: Desk, platforms: Rehearsal, mode: str, action: str) -> None:
    add(desk, "wechat", action, type="subscription", mode=mode)
    enter(desk)
    appid = appid_of(platforms, double(desk))
    delivery = booked(desk, action)
    desk.run()
    end = time.monotonic() + 20
    while desk.now(delivery).state != S.DONE and time.monotonic() < end:
        time.sleep(0.1)  # Nothing of ours runs meanwhile: only the platform's push can end it.
    assert desk.now(delivery).state == S.DONE
    told = platforms.ledger("event", account=appid)
    assert [one["data"]["answered"] for one in told] == [True]
    with desk.hub.works.read() as work:
        assert work.session.scalar(select(func.count()).select_from(Placement)) == 0


@pytest.mark.parametrize("mode", MODES)
def test_whoever_writes_to_a_double_is_told_that_nobody_reads_it(desk: Desk, platforms: Rehearsal, mode: str) -> None:
    add(desk, "wechat", "publish", type="service", mode=mode)
    enter(desk)
    appid = appid_of(platforms, double(desk))
    desk.hub.incoming.engine.prepare()  # A bot that could answer at once.
    heard = platforms.control(f"wechat/{appid}/push", openid="o_writer", content="几点上班？")
    assert (heard["fault"], heard["reply"]["Content"]) == ("", REHEARSED)
    followed = platforms.control(f"wechat/{appid}/push", openid="o_follower", kind="subscribe")
    assert followed["reply"]["Content"] == REHEARSED
    assert platforms.control(f"wechat/{appid}/push", openid="o_writer", kind="VIEW")["reply"] == {}
    assert stored(desk) == 0


def test_a_fan_of_a_double_is_told_the_same(desk: Desk, platforms: Rehearsal) -> None:
    add(desk, "weibo", "publish", uid="1", rip="203.0.113.7", safe_domains=["www.yunzhou.example"])
    uid = enter(desk).settings["uid"]
    told = platforms.control(f"weibo/{uid}/push", sender_id="9000000001", text="几点上班？")
    assert told["reply"]["data"] == {"text": REHEARSED}
    assert stored(desk) == 0


def test_a_double_stays_within_reach_after_the_rehearsal_and_takes_nothing_unsigned(
    desk: Desk, platforms: Rehearsal
) -> None:
    add(desk, "wechat", "publish", type="service")
    path = f"/callbacks/wechat/{enter(desk).code}"
    rehearsals.leave(desk.hub, SYSTEM, [desk.account("c").id])
    appid = appid_of(platforms, double(desk))
    late = platforms.control(f"wechat/{appid}/push", openid="o_late", content="还在吗")
    assert late["reply"]["Content"] == REHEARSED
    forged = httpx.post(f"{desk.hub.settings.rehearsal_calls_back}{path}", content=b"<xml/>", trust_env=False)
    assert forged.status_code == 403
    real = httpx.post(f"{desk.hub.settings.rehearsal_calls_back}/callbacks/wechat/c", content=b"", trust_env=False)
    assert real.status_code == 403


def test_platforms_that_do_not_reach_us_are_named_and_the_rehearsal_goes_on(
    sqlite_url: str, tmp_path: Path, platforms: Rehearsal
) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with open_desk(sqlite_url, tmp_path, SystemClock(), rehearsal_url=platforms.url, rehearsal_callback=nobody) as desk:
        add(desk, "wechat", "publish", type="service")
        admin = desk.browser("system_admin")
        answer = admin.send_form("/console/rehearsal/on", accounts=[str(desk.account("c").id)])
        page = admin.get(answer.headers["location"]).text
        assert "演练平台连不上本系统的回调地址（住建账号（演练））" in page
        assert "XUANDA_REHEARSAL_CALLBACK" in page
        assert desk.account("c").rehearsal
        appid = appid_of(platforms, double(desk))
        shown = platforms.http.get("/control/accounts").json()["wechat"][-1]
        assert (shown["appid"], shown["callback"]) == (appid, None)


@pytest.mark.parametrize(
    ("host", "callback", "address"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:8123"),
        (EVERYWHERE, "", "http://127.0.0.1:8123"),
        ("10.0.0.4", "", "http://10.0.0.4:8123"),
        ("::1", "", "http://[::1]:8123"),
        (EVERYWHERE, "https://hub.example/", "https://hub.example"),
    ],
)
def test_where_the_platforms_call_back(
    host: str, callback: str, address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = Settings(data=tmp_path, host=host, port=8123, rehearsal_callback=callback)
    assert made.rehearsal_calls_back == address
