"""The fan-out: at most fifty on their way, none called twice after a kill, no slow service in the others' way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import create_engine, text

from channels.accounts.fan_outs import LONGEST_REST, PROVEN
from channels.accounts.models import Account, PushSubscription
from channels.adapters.web_push import encrypt
from channels.adapters.web_push.encryption import from_base64url, point_of, to_base64url
from channels.adapters.web_push.fan_out import Round
from channels.base import Called, Subscription
from channels.posting import KeptConnections, Posted, Volley
from channels.transport import Guard
from hub.db import open_database
from kernel.clock import SystemClock
from kernel.people import add_unit
from kernel.work import Works
from tests.channels.calling import InThreads
from tests.channels.harness import MemorySubscriptions, MemoryWalk, MovingClock
from tests.channels.test_posting import Server, says

ROOT = Path(__file__).parents[3]


def browsers(**services: int) -> MemorySubscriptions:
    """So many browsers at each service."""
    made = MemorySubscriptions(MovingClock())
    for name, number in services.items():
        for one in range(number):
            made.add(f"https://{name}.example/{one}", "k", "a")
    return made


def test_at_most_fifty_are_on_their_way() -> None:
    known = browsers(a=120, b=80)
    finished = Round(MemoryWalk(known, "d"), InThreads(lambda _one: Called("sent"))).run(20)
    assert finished
    assert known.counts("d") == {"sent": 200}
    assert known.most_flying <= 50


def test_a_service_that_hangs_holds_up_nobody_else() -> None:
    known = browsers(good=300, slow=300)
    free, good_done = threading.Event(), threading.Event()
    sent = []

    def call(one: Subscription) -> Called:
        if "slow" in one.origin:
            free.wait(30)
        else:
            sent.append(one.id)
            if len(sent) == 300:
                good_done.set()
        return Called("sent")

    thread = threading.Thread(target=lambda: Round(MemoryWalk(known, "d"), InThreads(call)).run(60))
    thread.start()
    assert good_done.wait(20), "the good service waits for the slow one"
    free.set()
    thread.join(30)
    assert known.counts("d") == {"sent": 600}


def test_services_with_nobody_left_do_not_end_the_round_for_the_others() -> None:
    known = browsers(**{f"s{number:02}": 1 for number in range(12)}, z=100)
    walk = MemoryWalk(known, "d")
    Round(walk, InThreads(lambda _one: Called("sent")), in_flight=3).run(0.0)
    for _ in range(2):
        Round(MemoryWalk(known, "d"), InThreads(lambda _one: Called("sent")), in_flight=3).run(20)
    assert known.counts("d") == {"sent": 112}


def test_a_service_that_asks_to_wait_is_left_alone_for_this_round() -> None:
    known = browsers(busy=40, good=40)
    asked = []

    def call(one: Subscription) -> Called:
        if "busy" in one.origin:
            asked.append(one.id)
            return Called("waiting", "429", known.clock.now())
        return Called("sent")

    Round(MemoryWalk(known, "d"), InThreads(call)).run(20)
    assert known.counts("d")["sent"] == 40
    assert len(asked) <= 5


def test_a_fault_on_one_browser_leaves_it_unknown_and_goes_on_with_the_others() -> None:
    class Faulty(InThreads):
        def begin(self, one: Subscription, patience: float | None = None) -> None:
            if one.id == 2:
                raise RuntimeError("a fault of our own")
            super().begin(one, patience)

    known = browsers(a=5)
    assert Round(MemoryWalk(known, "d"), Faulty(lambda _one: Called("sent"))).run(10)
    assert known.counts("d") == {"sent": 4, "unknown": 1}


def test_a_refusal_of_our_key_is_the_browsers_own_once_another_took_it() -> None:
    known = browsers(a=6)
    no = Called("refused", "403", unwelcome=True)
    calls = Round(MemoryWalk(known, "d"), InThreads(lambda one: no if one.id < 4 else Called("sent")))
    calls.run(10)
    assert known.counts("d") == {"refused": 3, "sent": 3}
    assert calls.refused == []


@pytest.mark.parametrize("size", [0, 1, 300, 3993])
def test_what_is_encrypted_is_read_by_another_hand(size: int) -> None:
    key, secret = ec.generate_private_key(ec.SECP256R1()), os.urandom(16)
    one = Subscription(1, "", to_base64url(point_of(key.public_key())), to_base64url(secret))
    sealed = {encrypt(b"x" * size, one) for _ in range(3)}
    assert len(sealed) == 3, "each message has a key and a salt of its own"
    for body in sealed:
        assert http_ece.decrypt(body, private_key=key, auth_secret=secret, version="aes128gcm") == b"x" * size
        assert len(body) == 16 + 4 + 1 + 65 + size + 1 + 16
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the library says of a point off the curve.
        encrypt(b"x", Subscription(1, "", to_base64url(b"\x04" + b"\x01" * 64), one.auth))


# The example of RFC 8291, section 5 and appendix A: the receiver's keys.
RFC_AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
RFC_PUBLIC = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
RFC_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"


def test_the_keys_of_the_rfc_read_it() -> None:
    number = int.from_bytes(from_base64url(RFC_PRIVATE), "big")
    key = ec.derive_private_key(number, ec.SECP256R1())
    words = b"When I grow up, I want to be a watermelon"
    body = encrypt(words, Subscription(1, "", RFC_PUBLIC, RFC_AUTH))
    secret = from_base64url(RFC_AUTH)
    assert http_ece.decrypt(body, private_key=key, auth_secret=secret, version="aes128gcm") == words


# --- a process that is killed ---------------------------------------------------------------------------------

CHILD = """
import sys, time, pathlib
from channels.accounts.fan_outs import DatabaseSubscriptions
from channels.adapters.web_push.fan_out import Round
from channels.base import Called
from hub.db import open_database
from kernel.clock import SystemClock
from kernel.work import Works
from tests.channels.calling import InThreads

url, account, log = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
lines = log.open("a", buffering=1)

def call(one):
    lines.write(f"{one.id}\\n")
    time.sleep(0.004)
    return Called("sent")

walk = DatabaseSubscriptions(Works(open_database(url), SystemClock())).walk(account, "delivery", {})
print("begun", flush=True)
Round(walk, InThreads(call)).run(60)
print("ended", flush=True)
"""


def test_after_a_kill_it_goes_on_and_only_what_was_on_its_way_is_unknown(sqlite_url: str, tmp_path: Path) -> None:
    account = _office(sqlite_url, 1200)
    log = tmp_path / "called.txt"
    command = [sys.executable, "-c", CHILD, sqlite_url, str(account), str(log)]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert first.stdout is not None
    assert first.stdout.readline().strip() == b"begun"
    until = time.monotonic() + 30
    while time.monotonic() < until and (not log.exists() or log.read_text().count("\n") < 300):
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait(10)
    first.stdout.close()
    called_before = set(map(int, log.read_text().split()))
    left = _states(sqlite_url)
    assert 0 < left.get("unknown", 0) <= 50
    assert len(called_before) < 1200
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True, timeout=60)
    every = list(map(int, log.read_text().split()))
    assert len(every) == len(set(every)), "nobody is called a second time"
    after = _states(sqlite_url)
    assert after["unknown"] == left["unknown"]
    assert after["sent"] == 1200 - left["unknown"]


def _office(url: str, number: int) -> int:
    engine = open_database(url)
    with Works(engine, SystemClock()).write() as work:
        unit = add_unit(work.session, "云州市人民政府", "city")
        account = Account(unit_id=unit.id, channel="web_push", name="浏览器通知", code="p")
        work.session.add(account)
        work.session.flush()
        work.session.add_all(
            PushSubscription(
                account_id=account.id,
                endpoint=f"https://p.example/{one}",
                origin="https://p.example",
                endpoint_hash=f"{one:064d}",
                p256dh="k",
                auth="a",
                created_at=work.now,
            )
            for one in range(number)
        )
        made = account.id
    engine.dispose()
    return made


def _states(url: str) -> Mapping[str, int]:
    engine = create_engine(url)
    with engine.connect() as connection:
        rows: Sequence[tuple[str, int]] = connection.execute(
            text("SELECT state, count(*) FROM push_reach GROUP BY state")
        ).all()  # type: ignore[assignment]  # Rows are tuples.
    engine.dispose()
    return dict(json.loads(json.dumps([list(row) for row in rows])))


def test_a_stop_lets_only_what_is_on_its_way_end() -> None:
    known = browsers(a=9)
    known.taken["https://a.example"] = PROVEN
    walk = MemoryWalk(known, "d")

    def call(_one: Subscription) -> Called:
        walk.stopped = True
        return Called("sent")

    assert not Round(walk, InThreads(call), in_flight=3).run(20)
    assert known.counts("d") == {"sent": 3}


# --- services that fail, hang or are hostile ------------------------------------------------------------------


@pytest.mark.parametrize("taken", [0, PROVEN])
def test_a_service_that_fails_again_and_again_rests_and_its_browsers_are_not_lost(taken: int) -> None:
    known = browsers(bad=200, good=100)
    known.taken["https://bad.example"] = taken
    asked: list[int] = []

    def call(one: Subscription) -> Called:
        if "good" in one.origin:
            return Called("sent")
        asked.append(one.id)
        return Called("unknown", "500")

    walk = MemoryWalk(known, "d")
    assert Round(walk, InThreads(call)).run(20)
    assert known.counts("d")["sent"] == 100
    assert known.counts("d")["unknown"] == len(asked) <= (50 if taken else 5)
    assert walk.held_back() == 200 - len(asked)
    asked.clear()
    pauses = []
    for _ in range(7):
        began = known.clock.now()
        while not asked:
            known.clock.step(seconds=10)
            Round(MemoryWalk(known, "d"), InThreads(call)).run(20)
        pauses.append((known.clock.now() - began).total_seconds() // 10)
        assert len(asked) == 1, "one call tells whether it answers again"
        asked.clear()
    assert pauses == sorted(pauses)
    assert pauses[0] < 6 < pauses[-1] == LONGEST_REST.total_seconds() // 10
    known.clock.step(hours=1)
    Round(MemoryWalk(known, "d"), InThreads(lambda _one: Called("sent"))).run(20)
    counts = known.counts("d")
    assert counts["sent"] == 300 - counts["unknown"]


def test_what_was_answered_is_written_even_where_a_step_fails() -> None:
    class Breaks(MemoryWalk):
        steps = 0

        def step(self, done: Mapping[int, Called], room: Mapping[str, int]) -> Sequence[Subscription]:
            self.steps += 1
            if self.steps in (3, 4):
                raise RuntimeError("the database is away")
            return super().step(done, room)

    known = browsers(a=40)
    known.taken["https://a.example"] = PROVEN

    def call(one: Subscription) -> Called:
        time.sleep(0.1 if one.id % 2 else 0)
        return Called("sent")

    with pytest.raises(RuntimeError):
        Round(Breaks(known, "d"), InThreads(call), in_flight=10).run(20)
    counts = known.counts("d")
    assert counts["sent"] >= 10
    assert "unknown" not in counts


class Posting:
    """Calls by real posts to addresses on this machine; what is no answer is unknown."""

    def __init__(self, volley: Volley) -> None:
        self.volley = volley

    def begin(self, one: Subscription, patience: float | None) -> None:
        """Posts."""
        self.volley.start(one.id, one.endpoint, {}, b"x", patience)

    def ended(self, timeout: float | None) -> list[tuple[int, Called]]:
        """What came."""
        ended = self.volley.ended(timeout)
        return [(tag, Called("sent" if isinstance(what, Posted) else "unknown")) for tag, what in ended]


@pytest.mark.parametrize("proven", [True, False])
def test_a_hundred_services_that_hang_delay_no_honest_one(proven: bool) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    # The machine lets everybody in, and nobody ever answers.
    hostile = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(100 if proven else 20)]
    known = MemorySubscriptions(MovingClock())
    for door in hostile:
        for number in range(20):
            known.add(f"http://127.0.0.1:{door.getsockname()[1]}/{number}", "k", "a")
    for number in range(300):
        known.add(f"http://{server.address}/{number}", "k", "a")
    known.taken[f"http://{server.address}"] = PROVEN if proven else 0
    client = KeptConnections(Guard(["127.0.0.1"]), timeout=20)
    rounds = 0
    while known.counts("d")["sent"] < 300 and rounds < 5:
        rounds += 1
        with client.volley() as volley:
            Round(MemoryWalk(known, "d"), Posting(volley), tried_seconds=0.2).run(1.0)
    client.close()
    for door in hostile:
        door.close()
    server.close()
    counts = known.counts("d")
    assert rounds == 1
    assert counts["sent"] == 300
    assert counts["unknown"] <= 50, "each of them cost one notice, and not its whole list"


def test_services_that_refuse_our_key_keep_nobody_from_one_that_takes_it() -> None:
    known = browsers(**{f"bad{number}": 3 for number in range(60)}, good=100)
    known.taken["https://good.example"] = PROVEN

    def call(one: Subscription) -> Called:
        if "good" in one.origin:
            time.sleep(0.02)
            return Called("sent")
        return Called("refused", "403", unwelcome=True)

    calls = Round(MemoryWalk(known, "d"), InThreads(call))
    assert calls.run(20)
    assert known.counts("d") == {"sent": 100, "refused": 180}
    assert calls.refused == []


def test_where_all_refuse_our_key_the_round_ends() -> None:
    known = browsers(a=90, b=90)
    calls = Round(MemoryWalk(known, "d"), InThreads(lambda _one: Called("refused", "403", unwelcome=True)))
    assert not calls.run(20)
    assert len(calls.refused) == 50
