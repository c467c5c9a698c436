"""Whole deliveries: booked, drawn by the product's templates, sent by the dispatcher, settled, recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.accounts.quotas import DatabaseQuotas
from channels.accounts.tokens import DatabaseTokens
from channels.base import AccountInfo, Channel, JobResult, Pushed
from channels.registry import channel
from content import public
from content.models import Release
from content.snapshot import Target
from hub.db import open_database
from kernel.blobs import Blobs
from kernel.events import Listeners
from kernel.seal import Seal
from kernel.work import Works
from scheduler import booking, receipts
from scheduler.booking import Order
from scheduler.dispatch import Dispatcher
from scheduler.events import WentLive
from scheduler.models import Attempt, Delivery, Placement
from scheduler.sweep import recover
from templates.engine import Engine
from tests.channels.harness import MovingClock, host_of, make_tools, shifted
from tests.channels.rehearsal.served import APPID, SECRET, CallbackAddress, Rehearsal
from tests.channels.sides import AES_KEY, TOKEN, UID
from tests.factories import PORTAL, Office, make_office


@dataclass
class Product:
    """An office with accounts on the rehearsal platforms and a dispatcher."""

    office: Office
    platforms: Rehearsal
    clock: MovingClock
    works: Works
    seal: Seal
    dispatcher: Dispatcher

    def account(self, code: str) -> Account:
        """An account by its code."""
        with self.works.read() as work:
            return work.session.scalars(select(Account).where(Account.code == code)).one()

    def release(self, code: str, style: str, action: str, **words: Any) -> Release:
        """A signed release with a cover and a picture in its body."""
        account = self.account(code)
        piece = self.office.piece()
        picture = self.office.picture(piece.id)
        body = f'<p>供热结束时间延长至4月7日。</p><img src="/media/{picture.sha256}.png" alt="供热站">'
        self.office.save(piece.id, body=body, cover_id=picture.id, **words)
        target = Target(account.id, account.name, account.channel, style, action)  # type: ignore[arg-type]  # A style.
        return self.office.sign_off(self.office.submit(piece.id, targets=[target]).id)

    def book(self, release: Release, code: str, action: str, **more: Any) -> int:
        """A delivery for now."""
        with self.office.working("officer") as (work, who):
            order = Order([release.piece_id], self.account(code).id, action, **more)
            if action in ("publish", "mass_send", "push"):
                return booking.book(work, who, order, PORTAL).id
            return booking.book_act(work, who, order).id

    def run(self, rounds: int = 40) -> None:
        """Runs what is due, moving on to the next moment in between."""
        for _ in range(rounds):
            for lane in self.dispatcher.due_lanes():
                self.dispatcher.run_lane(lane)
            with self.works.read() as work:
                lanes = work.session.scalars(select(Account.id)).all()
            due = min(self.dispatcher.next_moments(lanes).values(), default=None)
            if due is None:
                return
            shifted(self.platforms, self.clock)(max(0.1, (due - self.clock.now()).total_seconds() + 0.1))

    def now(self, delivery_id: int) -> Delivery:
        """The delivery as it stands."""
        with self.works.read() as work:
            return work.session.get_one(Delivery, delivery_id)

    def attempts(self, delivery_id: int) -> list[tuple[str, str]]:
        """Acts and outcomes in order."""
        with self.works.read() as work:
            rows = work.session.scalars(select(Attempt).filter_by(delivery_id=delivery_id).order_by(Attempt.id))
            return [(row.act, row.outcome) for row in rows]

    def placement(self, release: Release) -> Placement:
        """Where the piece shows."""
        with self.works.read() as work:
            return work.session.scalars(select(Placement).filter_by(piece_id=release.piece_id)).one()


@pytest.fixture
def product(rehearsed: Rehearsal, sqlite_url: str, tmp_path: Path) -> Iterator[Product]:
    """The office on the rehearsal platforms."""
    clock, listeners = MovingClock(), Listeners()
    engine = open_database(sqlite_url)
    works = Works(engine, clock, listeners)
    blobs, seal = Blobs(tmp_path / "files"), Seal(Fernet.generate_key())
    office = make_office(works, blobs, Engine())
    url = rehearsed.url
    wechat = {"appid": APPID, "secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
    weibo = {"access_token": "2.00rehearsalWeiboToken", "app_secret": "rehearsal-secret-of-the-weibo-app"}
    with works.write() as work:
        unit = office.bureau.id
        accounts.add(work, seal, unit_id=unit, channel="wechat", name="云河发布", code="w", base_url=f"{url}/wechat",
                     credentials=wechat)  # fmt: skip
        accounts.add(work, seal, unit_id=unit, channel="weibo", name="云河发布", code="b", base_url=f"{url}/weibo",
                     settings={"uid": UID, "rip": "203.0.113.7", "safe_domains": ["yunzhou.example"]},
                     credentials=weibo)  # fmt: skip
        accounts.add(work, seal, unit_id=unit, channel="manual", name="今日头条", code="m")
    tools = make_tools(host_of(rehearsed), clock=clock, timeout=2)
    tools = replace(tools, files=blobs, tokens=DatabaseTokens(works, seal), quotas=DatabaseQuotas(works))

    def make(account: AccountInfo) -> Channel:
        return channel(account.channel)(account, tools)

    listeners.in_work(WentLive, lambda work, fact: public.went_live(work, fact.release_id, fact.at))
    yield Product(office, rehearsed, clock, works, seal, Dispatcher(works, seal, make, PORTAL))
    tools.http.close()
    engine.dispose()


def test_a_mass_send_whose_answer_was_lost_is_done_once_and_taken_back(product: Product) -> None:
    release = product.release("w", "layout", "mass_send")
    path = "cgi-bin/message/mass/sendall"
    product.platforms.control("faults", kind="cut_after", platform="wechat", path=path)
    delivery = product.book(release, "w", "mass_send")
    product.run()
    assert product.now(delivery).state == "done", product.now(delivery).reason
    assert product.attempts(delivery)[0] == ("send", "unknown")
    assert len(product.platforms.ledger("mass_send")) == 1
    (shown,) = product.platforms.ledger("mass_send")[0]["data"]["articles"]
    assert shown["removed"] == []
    assert "/wechat/mmbiz/" in shown["content"]
    placement = product.placement(release)
    assert (placement.state, placement.data["idx"]) == ("live", 1)
    taken = product.book(release, "w", "withdraw", phrase="该内容已撤下。")
    product.run()
    assert product.now(taken).state == "done"
    assert "卡片" in product.now(taken).remark
    assert product.placement(release).state == "withdrawn"
    assert len(product.platforms.ledger("mass_deleted")) == 1


def test_the_event_ends_a_publication_with_its_address(product: Product) -> None:
    pushed: list[Pushed] = []
    address = CallbackAddress()
    address.answer = lambda received: (
        received.query["echostr"].encode()
        if received.method == "GET"
        else pushed.append(Pushed("POST", received.query, received.body)) or b"success"
    )
    product.platforms.control(f"wechat/{APPID}/callback", url=address.url, token=TOKEN, aes_key=AES_KEY, mode="secure")
    release = product.release("w", "layout", "mass_send")
    delivery = product.book(release, "w", "publish")
    product.dispatcher.run_lane(product.account("w").id)
    assert product.now(delivery).state == "accepted"
    shifted(product.platforms, product.clock)(2.5)
    product.platforms.wait_for("event")
    with product.works.read() as work:
        account = work.session.get_one(Account, product.account("w").id)
        adapter = product.dispatcher.make(accounts.info(work.session, product.seal, account))
    for push in pushed:
        (result,) = adapter.read_inbound(push)
        assert isinstance(result, JobResult)
        with product.works.write() as work:
            assert receipts.settle_job(work, account.id, result, adapter.settle, PORTAL)
            assert receipts.settle_job(work, account.id, result, adapter.settle, PORTAL)
    address.close()
    assert product.now(delivery).state == "done"
    placement = product.placement(release)
    assert placement.url == product.platforms.ledger("publish")[0]["data"]["articles"][0]["url"]
    assert placement.data["msg_data_id"]


def test_a_task_whose_worker_died_before_it_was_written_is_a_task_at_the_first_question(product: Product) -> None:
    with product.works.write() as work:
        accounts.add(
            work,
            product.seal,
            unit_id=product.office.bureau.id,
            channel="manual",
            name="云河电视台",
            code="tv",
            settings={"platform": "云河电视台"},
        )
    delivery = product.book(product.release("tv", "article", "publish"), "tv", "publish")
    assert product.dispatcher.claim([product.account("tv").id]).jobs
    shifted(product.platforms, product.clock)(60)
    assert recover(product.works) == 1
    product.run(1)
    row = product.now(delivery)
    assert (row.state, row.next_at) == ("manual", None)
    assert "云河电视台" in row.reason
    assert product.attempts(delivery) == [("send", "lost"), ("ask", "by_hand")]


def test_a_correction_as_chosen_leaves_a_task_or_a_new_article(product: Product) -> None:
    release = product.release("w", "layout", "mass_send")
    product.book(release, "w", "publish")
    product.run()
    old = product.placement(release)
    task = product.book(release, "w", "correct", note={"correction": "by_hand"})
    product.run(1)
    assert (product.now(task).state, product.placement(release).correction) == ("manual", "by_hand")
    with product.office.working("officer") as (work, who):
        booking.cancel(work, who, work.session.get_one(Delivery, task), "改为删除后重发")
    again = product.book(release, "w", "correct", note={"correction": "republish"})
    product.run()
    assert product.now(again).state == "done", product.now(again).reason
    new = product.placement(release)
    assert (new.correction, new.url != old.url) == ("corrected", True)


def test_weibo_and_work_by_hand(product: Product) -> None:
    account = product.platforms.app.world.config.weibo[0].model_copy(update={"safe_domains": ["yunzhou.example"]})
    product.platforms.control("accounts/weibo", **account.model_dump())
    weibo = product.release("b", "text", "publish")
    manual = product.release("m", "page", "publish")
    deliveries = [product.book(weibo, "b", "publish"), product.book(manual, "m", "publish")]
    product.run()
    assert [product.now(one).state for one in deliveries] == ["done", "manual"], product.now(deliveries[0]).reason
    assert "今日头条" in product.now(deliveries[1]).reason
    (post,) = product.platforms.ledger("post")
    assert weibo.content["path"] in post["data"]["text"]
    assert product.placement(weibo).remote_id == str(post["data"]["id"])
