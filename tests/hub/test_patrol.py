"""What an address's answer means, that a person who submits does not wait long, and the daily round."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import select

from channels.transport import PrivateAddress
from content.links import Answer
from content.models import LinkCheck
from hub.patrol import Patrol
from tests.hub.office import Office

HERE = "https://a.example/x"


def patrol(office: Office, handler: Callable[[httpx.Request], httpx.Response]) -> Patrol:
    return Patrol(office.hub.works, httpx.Client(transport=httpx.MockTransport(handler)))


@pytest.mark.parametrize(
    ("status", "state"),
    [(200, "alive"), (206, "alive"), (404, "dead"), (410, "dead"), (403, "alive"), (429, "alive"), (500, "unsure")],
)
def test_what_a_status_means(office: Office, status: int, state: str) -> None:
    assert patrol(office, lambda _request: httpx.Response(status)).ask(HERE).state == state


@pytest.mark.parametrize(
    ("failure", "state", "why"),
    [
        (httpx.ConnectTimeout("slow"), "unsure", "连接超时"),
        (httpx.ConnectError("no such host"), "unsure", "连接不上"),
        (PrivateAddress(host="a.example"), "dead", "内网"),
    ],
)
def test_what_a_failure_means(office: Office, failure: Exception, state: str, why: str) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise failure

    answer = patrol(office, fail).ask(HERE)
    assert answer.state == state
    assert why in answer.reason


def test_redirects_are_followed_but_not_for_ever(office: Office) -> None:
    def moved(request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "/y"}) if request.url.path == "/x" else httpx.Response(404)

    assert patrol(office, moved).ask(HERE) == Answer(HERE, "dead", "对方返回 404，页面不存在")
    endless = patrol(office, lambda _request: httpx.Response(301, headers={"location": HERE}))
    assert endless.ask(HERE).state == "unsure"
    elsewhere = patrol(office, lambda _request: httpx.Response(301, headers={"location": "ftp://a.example"}))
    assert elsewhere.ask(HERE).state == "unsure"


def test_a_slow_server_does_not_hold_the_person_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        time.sleep(0.5 if request.url.host == "slow.example" else 0)
        return httpx.Response(404)

    watch = patrol(office, slow)
    monkeypatch.setattr(watch, "_to_ask", lambda _piece: ["https://slow.example/", HERE])
    watch.settle(1, seconds=0.2)
    with office.hub.works.read() as work:
        assert list(work.session.scalars(select(LinkCheck.address))) == [HERE]


def test_nothing_is_asked_where_it_is_switched_off(office: Office) -> None:
    asked: list[str] = []

    def count(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200)

    watch = patrol(office, count)
    watch.enabled = False
    watch.settle(1)
    watch.soon(1)
    assert watch.round() == 0
    assert asked == []
