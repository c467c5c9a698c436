"""The portal's certificate: its date is read from a real TLS server, and a silent one changes nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from channels.accounts.models import Account
from hub import certificates
from kernel.audit import AuditLine
from kernel.clock import StillClock
from scheduler.elsewhere import PORTAL
from tests.hub.web.going_out import Desk, open_desk

# Long ago: a certificate that has ended has a date too.
UNTIL = datetime(2026, 1, 31, 17, 0, tzinfo=UTC)


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


@pytest.fixture
def site(tmp_path: Path) -> Iterator[int]:
    """The port of a server with a certificate of its own making."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "www.example")])
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, UNTIL - timedelta(days=90), UNTIL)
    parts = (
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
    )
    (tmp_path / "site.pem").write_bytes(b"".join(parts))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "site.pem")
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_greet, args=(door, serving), daemon=True).start()
        yield door.getsockname()[1]


def _greet(door: socket.socket, serving: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = door.accept()
        except OSError:
            return
        with plain, serving.wrap_socket(plain, server_side=True) as greeted:
            greeted.recv(1)


def at(desk: Desk, address: str) -> None:
    desk.hub.settings = desk.hub.settings.model_copy(update={"public_url": address})


def dates(desk: Desk) -> dict[str, str]:
    with desk.hub.works.read() as work:
        return {one.channel: str(one.tls_until) for one in work.session.scalars(select(Account)) if one.tls_until}


def test_the_date_is_read_and_written_down_once(desk: Desk, site: int) -> None:
    at(desk, f"https://127.0.0.1:{site}/portal")
    assert [certificates.read_certificate(desk.hub) for _ in range(2)] == [1, 0]
    assert dates(desk) == {PORTAL: "2026-02-01"}  # In the office's zone.
    with desk.hub.works.read() as work:
        lines = work.session.scalars(select(AuditLine).where(AuditLine.act == "account.certificate")).all()
        assert len(lines) == 1


def test_a_site_that_does_not_answer_changes_nothing(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with desk.hub.works.write() as work:
        work.session.scalars(select(Account).where(Account.channel == PORTAL)).one().tls_until = UNTIL.date()
    at(desk, f"https://127.0.0.1:{port}")
    assert certificates.read_certificate(desk.hub) == 0
    assert dates(desk) == {PORTAL: "2026-01-31"}


def test_only_a_site_with_https_has_the_duty(desk: Desk) -> None:
    duties = {duty.name for duty in desk.hub.duties}
    assert "accounts.certificates" not in duties
    at(desk, "https://www.example")
    certificates.connect(desk.hub)
    assert "accounts.certificates" in {duty.name for duty in desk.hub.duties}
