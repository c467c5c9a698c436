"""No call of any of wechatpy's interface classes leaves the account's own address."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import MagicMock

import httpx
import pytest
import requests
from wechatpy.client.api.base import BaseWeChatAPI

from channels.adapters.wechat.client import HubWeChatClient
from channels.base import AccountInfo
from channels.errors import Unsupported
from tests.channels.harness import MemoryTokens, make_account, make_tools

BASE = "http://127.0.0.1:8001/wechat"


def classes(client: HubWeChatClient) -> Iterator[tuple[str, Any]]:
    """Every interface object of the client, also those inside others."""
    for name, api in inspect.getmembers(client, lambda one: isinstance(one, BaseWeChatAPI)):
        yield name, api
        for inner, nested in inspect.getmembers(api, lambda one: isinstance(one, BaseWeChatAPI)):
            yield f"{name}.{inner}", nested


@pytest.fixture
def called() -> list[str]:
    """The addresses that were called."""
    return []


@pytest.fixture
def client(called: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[HubWeChatClient]:
    """A client whose transport only writes down; the library's own transport is an error."""

    def answer(request: httpx.Request) -> httpx.Response:
        called.append(str(request.url))
        return httpx.Response(200, json={"access_token": "t", "expires_in": 7200, "list": [], "kf_list": []})

    def outside(*args: Any, **kwargs: Any) -> None:
        called.append(f"outside {args} {kwargs}")

    monkeypatch.setattr(requests.Session, "request", outside)
    monkeypatch.setattr(requests, "get", outside)
    monkeypatch.setattr(requests, "post", outside)
    account = make_account("wechat", BASE, credentials={"appid": "wx1", "secret": "s"})
    tools = make_tools(tokens=MemoryTokens(), http=httpx.Client(transport=httpx.MockTransport(answer)))
    yield HubWeChatClient(account, tools)
    tools.http.close()


def arguments(function: Callable[..., Any]) -> list[Any]:
    """Something for each argument that must be given."""
    needed = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    return [{} if one.name in ("data", "msg", "menu_data") else "2026-03-02" for one in needed]


def test_no_method_of_any_class_leaves_the_base_address(client: HubWeChatClient, called: list[str]) -> None:
    tried = 0
    for _name, api in classes(client):
        for method, function in inspect.getmembers(api, inspect.ismethod):
            if method.startswith("_"):
                continue
            tried += 1
            try:
                found = function(*arguments(function))
                if inspect.isgenerator(found):
                    next(found, None)
            except Exception:  # noqa: BLE001, S112 - invented arguments upset the library; where it calls is what counts.
                continue
    assert tried > 250
    assert len(called) > 200
    assert [url for url in called if not url.startswith(BASE + "/")] == []


def test_the_token_is_fetched_from_the_base_address_once(client: HubWeChatClient, called: list[str]) -> None:
    for _ in range(3):
        client.draft.count()
        client.datacube.get_user_summary("2026-03-01", "2026-03-01")
        client.customservice.get_accounts()
    assert [url for url in called if "token" in url and "access_token" not in url] == [f"{BASE}/cgi-bin/stable_token"]
    assert {url.split("?")[0] for url in called} == {
        f"{BASE}/cgi-bin/stable_token",
        f"{BASE}/cgi-bin/draft/count",
        f"{BASE}/datacube/getusersummary",
        f"{BASE}/customservice/getkflist",
    }


def test_nobody_fetches_a_token_past_the_store(client: HubWeChatClient) -> None:
    with pytest.raises(Unsupported):
        client.fetch_access_token()


def test_addresses_that_would_carry_the_token_away_are_not_made(client: HubWeChatClient) -> None:
    with pytest.raises(Unsupported):
        client.media.get_url("m")


def stale_then_good(code: int) -> Callable[[httpx.Request], httpx.Response]:
    """A platform that calls the first token no good, also when the normal mode gives it again."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("stable_token"):
            token = "second" if b'"force_refresh": true' in request.content else "first"
            return httpx.Response(200, json={"access_token": token, "expires_in": 7200})
        good = request.url.params["access_token"] == "second"
        return httpx.Response(200, json={"total_count": 3} if good else {"errcode": code, "errmsg": "no"})

    return answer


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_token_refused_is_replaced_by_force_and_the_call_repeated_once(code: int) -> None:
    account: AccountInfo = make_account("wechat", BASE, credentials={"appid": "wx1", "secret": "s"})
    http = httpx.Client(transport=httpx.MockTransport(stale_then_good(code)))
    client = HubWeChatClient(account, make_tools(tokens=MemoryTokens(), http=http))
    assert client.draft.count() == {"total_count": 3}
    http.close()


def test_an_upload_can_be_sent_twice(called: list[str]) -> None:
    bodies = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("uploadimg"):
            bodies.append(request.content.split(b"\r\n\r\n", 1)[1][:7])
        return stale_then_good(40001)(request) if len(bodies) < 2 else httpx.Response(200, json={"url": "u"})

    account = make_account("wechat", BASE, credentials={"appid": "wx1", "secret": "s"})
    http = httpx.Client(transport=httpx.MockTransport(answer))
    client = HubWeChatClient(account, make_tools(tokens=MemoryTokens(), http=http))
    file = MagicMock(read=MagicMock(side_effect=[b"picture", b""]))
    assert client.media.upload_image(("a.png", file, "image/png")) == "u"
    assert bodies == [b"picture", b"picture"]
    http.close()
