"""The sample channel, installed by its entry point alone: signed, booked, dispatched, told by receipt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels import registry
from channels.accounts import store
from channels.registry import channels
from kernel.clock import SystemClock
from scheduler import booking
from scheduler.states import DeliveryState as S
from tests.channels.door import PLUGIN, SECRET, Receiver, plugged_in
from tests.factories import TITLE, target_of
from tests.hub.web.going_out import Desk, open_desk

LISTING = "from channels.registry import channels; print(channels()['webhook'].__module__, channels()['webhook'].label)"


def test_a_package_on_the_path_is_a_channel_and_without_it_there_is_none() -> None:
    environment = {**os.environ, "PYTHONPATH": str(PLUGIN), "PYTHONIOENCODING": "utf-8"}
    found = subprocess.run([sys.executable, "-c", LISTING], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["xuanda_webhook", "签名推送"]
    bare = subprocess.run([sys.executable, "-c", LISTING], capture_output=True, text=True, check=False)
    assert "KeyError" in bare.stderr
    assert "webhook" not in channels()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def desk(database_url: str, tmp_path: Path, receiver: Receiver) -> Iterator[Desk]:
    allowed = receiver.url.removeprefix("http://")
    with plugged_in(), open_desk(database_url, tmp_path, SystemClock(), allowed_private=allowed) as desk:
        with desk.hub.works.write() as work:
            store.add(
                work,
                desk.hub.seal,
                unit_id=desk.city.bureau.id,
                channel="webhook",
                name="融媒体平台",
                code="hook",
                base_url=receiver.url,
                credentials={"secret": SECRET},
            )
        yield desk


def send(desk: Desk, action: str = "publish", piece_id: int = 0) -> int:
    if not piece_id:
        piece = desk.city.piece(by="author")
        piece_id = desk.city.sign_off(desk.city.submit(piece.id, targets=[target_of(desk.account("hook"))]).id).piece_id
    order = booking.Order([piece_id], desk.account("hook").id, action)
    with desk.city.working("officer") as (work, who):
        if action == "publish":
            booking.book(work, who, order, "https://www.yunzhou.example")
        else:
            booking.book_act(work, who, order)
    desk.run()
    return piece_id


def test_it_is_booked_dispatched_corrected_and_withdrawn_like_any_other(desk: Desk, receiver: Receiver) -> None:
    piece_id = send(desk)
    assert desk.deliveries()[-1].state == S.DONE
    assert [row.remote_id for row in desk.placements(piece_id)] == ["p1"]
    (sent,) = receiver.order[0]["items"]
    # Drawn by the package's own template, as every channel's words are when they are submitted.
    assert sent["text"].startswith(f"{desk.city.bureau.name}｜{TITLE}\n因近期气温偏低")
    send(desk, "refresh", piece_id)
    send(desk, "withdraw", piece_id)
    assert [act["act"] for act in receiver.order] == ["publish", "refresh", "withdraw"]
    assert {act["id"] for act in receiver.order} == {"p1"}
    assert [row.state for row in desk.placements(piece_id)] == ["withdrawn"]
    assert "融媒体平台" in desk.browser().get("/console/placements").text


def test_a_receipt_at_the_callback_address_ends_it_and_a_forged_one_does_not(desk: Desk, receiver: Receiver) -> None:
    receiver.later = True
    piece_id = send(desk)
    delivery = desk.deliveries()[-1]
    assert (delivery.state, delivery.reason) == (S.ACCEPTED, "等待接收方回执")
    told = receiver.receipt(delivery.key)
    citizen = desk.office.browser()
    headers = dict(told.headers)
    forged = told.body.replace(b'"p1"', b'"p9"')
    assert citizen.post("/callbacks/webhook/hook", content=forged, headers=headers).status_code == 403
    assert citizen.post("/callbacks/wechat/hook", content=told.body, headers=headers).status_code == 404
    old = {**headers, "X-Timestamp": str(int(time.time()) - 86_400)}
    assert citizen.post("/callbacks/webhook/hook", content=told.body, headers=old).status_code == 403
    assert desk.now(delivery).state == S.ACCEPTED
    for _ in range(2):
        assert citizen.post("/callbacks/webhook/hook", content=told.body, headers=headers).status_code == 200
    assert desk.now(delivery).state == S.DONE
    assert [row.url for row in desk.placements(piece_id)] == [json.loads(told.body)["url"]]


def test_its_account_is_registered_through_the_console_with_its_own_secret(desk: Desk) -> None:
    admin = desk.browser("system_admin")
    assert "签名推送" in admin.get("/console/accounts/new").text
    made = admin.send_form(
        "/console/accounts", channel="webhook", unit=str(desk.city.bureau.id), name="二号接收方", code="hook-2"
    )
    assert made.status_code == 303
    assert "共享密钥" in admin.get(made.headers["location"]).text


def test_a_channel_whose_templates_are_not_there_is_told_when_it_is_found(tmp_path: Path) -> None:
    with plugged_in():
        lost = channels()["webhook"]
        kept, lost.outbound = lost.outbound, tmp_path / "nowhere"
        registry.channels.cache_clear()
        try:
            with pytest.raises(TypeError, match="nowhere"):
                channels()
        finally:
            lost.outbound = kept
