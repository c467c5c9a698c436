"""The shared token: whoever needs one gets the same, and one process at a time fetches."""

from __future__ import annotations

import multiprocessing
import threading
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import AccessToken
from channels.accounts.tokens import FETCH_LEASE, DatabaseTokens
from channels.adapters.wechat.client import HubWeChatClient
from channels.errors import Retryable
from hub.db import open_database
from kernel.clock import StillClock, SystemClock
from kernel.people import add_unit
from kernel.seal import Seal
from kernel.work import Works
from tests.channels.harness import make_account, make_tools
from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal

PROCESSES, CALLS = 4, 50


def an_account(works: Works, seal: Seal) -> int:
    """An account's number."""
    with works.write() as work:
        unit = add_unit(work.session, "云州市人民政府", "city")
        return accounts.add(work, seal, unit_id=unit.id, channel="wechat", name="云河发布", code="w").id


@pytest.fixture
def seal() -> Seal:
    """A key."""
    return Seal(Fernet.generate_key())


@pytest.fixture
def account_id(works: Works, seal: Seal) -> int:
    """An account on each kind of database."""
    return an_account(works, seal)


class Source:
    """Gives out numbered tokens and counts."""

    def __init__(self, seconds: int = 7200) -> None:
        self.seconds = seconds
        self.asked = 0

    def __call__(self) -> tuple[str, int]:
        self.asked += 1
        return f"token-{self.asked}", self.seconds


def test_a_token_is_fetched_once_and_kept_sealed(works: Works, seal: Seal, account_id: int) -> None:
    tokens, source = DatabaseTokens(works, seal), Source()
    assert {tokens.get(account_id, source) for _ in range(5)} == {"token-1"}
    assert source.asked == 1
    with works.read() as work:
        row = work.session.scalars(select(AccessToken)).one()
        assert "token-1" not in row.sealed
        assert row.fetching_by is None


def test_a_refused_token_is_replaced_once_by_whoever_says_so_first(works: Works, seal: Seal, account_id: int) -> None:
    tokens, source = DatabaseTokens(works, seal), Source()
    first = tokens.get(account_id, source)
    assert tokens.get(account_id, source, stale=first) == "token-2"
    assert tokens.get(account_id, source, stale=first) == "token-2"
    assert source.asked == 2


def test_a_token_in_its_last_minute_is_renewed(works: Works, seal: Seal, account_id: int, clock: StillClock) -> None:
    tokens, source = DatabaseTokens(works, seal), Source(120)
    tokens.get(account_id, source)
    clock.step(seconds=59)
    assert tokens.get(account_id, source) == "token-1"
    clock.step(seconds=2)
    assert tokens.get(account_id, source) == "token-2"


def test_a_failed_fetch_lets_the_next_one_try(works: Works, seal: Seal, account_id: int) -> None:
    tokens = DatabaseTokens(works, seal)

    def broken() -> tuple[str, int]:
        raise httpx.ConnectError("no")

    with pytest.raises(httpx.ConnectError):
        tokens.get(account_id, broken)
    assert tokens.get(account_id, Source()) == "token-1"


def test_who_waits_for_a_dead_fetcher_gives_up_and_the_next_takes_over(
    works: Works, seal: Seal, account_id: int, clock: StillClock
) -> None:
    waiting = DatabaseTokens(works, seal, pause=lambda _: None)
    with works.write() as work:
        until = work.now + FETCH_LEASE
        work.session.add(AccessToken(account_id=account_id, sealed="", fetching_by="dead", fetching_until=until))
    with pytest.raises(Retryable):
        waiting.get(account_id, Source())
    clock.step(seconds=FETCH_LEASE.total_seconds() + 1)
    assert waiting.get(account_id, Source()) == "token-1"


def test_threads_wait_for_the_one_who_fetches(sqlite_works: Works, seal: Seal) -> None:
    account_id, source, got = an_account(sqlite_works, seal), Source(), []
    tokens = DatabaseTokens(sqlite_works, seal)
    threads = [threading.Thread(target=lambda: got.append(tokens.get(account_id, source))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (set(got), len(got), source.asked) == ({"token-1"}, 8, 1)


def calls(url: str, database: str, key: bytes, account_id: int, queue: Any) -> None:
    """One process: fifty calls with the real adapter's client."""
    engine = open_database(database)
    works = Works(engine, SystemClock())
    tools = make_tools(url.removeprefix("http://"), tokens=DatabaseTokens(works, Seal(key)))
    credentials = {"appid": APPID, "secret": SECRET}
    account = make_account("wechat", f"{url}/wechat", credentials=credentials)
    client = HubWeChatClient(replace(account, id=account_id), tools)
    good = sum("total_count" in client.draft.count() for _ in range(CALLS))
    tools.http.close()
    engine.dispose()
    queue.put(good)


def test_four_processes_share_one_token_and_no_call_is_rejected(rehearsed: Rehearsal, database_url: str) -> None:
    key = Fernet.generate_key()
    engine = open_database(database_url)
    account_id = an_account(Works(engine, SystemClock()), Seal(key))
    engine.dispose()
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    arguments = (rehearsed.url, database_url, key, account_id, queue)
    workers = [context.Process(target=calls, args=arguments) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    good = [queue.get(timeout=240) for _ in workers]
    for worker in workers:
        worker.join(10)
    assert good == [CALLS] * PROCESSES
    lines = rehearsed.ledger("call")
    assert [line["data"]["path"] for line in lines if line["data"]["path"].endswith("token")] == [
        "cgi-bin/stable_token"
    ]
    assert [line for line in lines if line["data"]["errcode"]] == []
