"""How fast notices reach browsers: through the product, with a row per browser, and with a plain pywebpush loop."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pywebpush import webpush
from sqlalchemy import func, insert, select

from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office
from channels.accounts.models import PushReach, PushSubscription
from channels.adapters.web_push import new_key
from hub.drill.stage import free_port
from hub.outgoing import adapter_maker
from kernel.office_rules import set_rule
from scheduler.dispatch import Dispatcher
from scheduler.models import Delivery

SERVICE = Path(__file__).with_name("push_service.py")
BROWSERS = int(os.environ.get("BENCH_PUSH_BROWSERS", "20000"))
LOOP = 2_000
SUBJECT = "mailto:office@example.org"


@measure("push.fanout")
def fan_out() -> Iterator[Figure]:
    """One push to 20,000 browsers, each with its state written, against a pywebpush loop to the same local service."""
    private, _public = new_key()
    with _service() as address:
        plain = LOOP / _loop(address, private)
        with bench_office(allowed_private=address.partition("//")[2]) as office:
            seconds, sent = _through(office, address, private)
        assert sent == BROWSERS, f"{sent} of {BROWSERS} were written as sent"
    rate = BROWSERS / seconds
    yield Figure("push.fanout.per_second", round(rate), "1/s", f"pywebpush loop: {plain:.0f}/s", round(rate / plain, 2))
    yield Figure(
        "push.fanout.vs_pywebpush",
        round(rate / plain, 2),
        "ours/loop",
        f"pywebpush loop: {plain:.0f}/s",
        round(rate / plain, 2),
    )


def _loop(address: str, private: str) -> float:
    """Seconds for LOOP notices, one after another, as the library's own page shows it."""
    browsers = [_browser() for _ in range(50)]
    text = _text()
    began = time.perf_counter()
    for number in range(LOOP):
        p256dh, auth = browsers[number % 50]
        subscription = {"endpoint": f"{address}/{number}", "keys": {"p256dh": p256dh, "auth": auth}}
        webpush(
            subscription,
            text,
            vapid_private_key=private,
            vapid_claims={"sub": SUBJECT},
            ttl=86_400,
            headers={"Urgency": "normal"},
        )
    return time.perf_counter() - began


def _through(office: BenchOffice, address: str, private: str) -> tuple[float, int]:
    """Seconds from claim to the last row, and how many rows say `sent`."""
    office.add_accounts("web_push", 1)
    account = office.accounts[0]
    with office.hub.works.write() as work:
        row = work.session.merge(account)
        row.settings = {"subject": SUBJECT}
        row.credentials = office.hub.seal.close(f'{{"vapid_private_key": "{private}"}}')
    _subscribe(office, address)
    with office.hub.works.write() as work:
        set_rule(work, "push.quiet_until", office.unit.id, "22:00")  # Figures are taken at any hour.
    piece = office.signed("关于调整市区供热时间的通知", office.accounts)
    office.book([piece], office.accounts, office.hub.clock.now())
    hub = office.hub
    dispatcher = Dispatcher(hub.works, hub.seal, adapter_maker(hub), hub.settings.address)
    began = time.perf_counter()
    until = began + 600
    while time.perf_counter() < until:
        dispatcher.run_lane(account.id)
        with hub.works.read() as work:
            if work.session.scalar(select(Delivery.state)) == "done":
                break
    seconds = time.perf_counter() - began
    with hub.works.read() as work:
        sent = work.session.scalar(select(func.count()).select_from(PushReach).where(PushReach.state == "sent"))
    return seconds, sent or 0


def _subscribe(office: BenchOffice, address: str) -> None:
    keys = [_browser() for _ in range(200)]
    with office.hub.works.write() as work:
        rows = [
            {"account_id": office.accounts[0].id, "endpoint": f"{address}/{number}", "origin": address,
             "endpoint_hash": f"{number:064d}", "p256dh": keys[number % 200][0], "auth": keys[number % 200][1],
             "columns": False, "districts": False, "created_at": work.now}
            for number in range(BROWSERS)
        ]  # fmt: skip
        work.session.execute(insert(PushSubscription), rows)


def _browser() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _base64url(point), _base64url(os.urandom(16))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _text() -> str:
    return (
        '{"title": "关于调整市区供热时间的通知", "body": "'
        + "供热延长，请相互转告。" * 12
        + '", "url": "https://www.example.org/notices/1.html"}'
    )


@contextmanager
def _service() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, str(SERVICE), str(port)], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == b"ready"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
