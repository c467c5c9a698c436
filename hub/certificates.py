"""Reads from the portal's own address until when its TLS certificate holds, so that nobody has to type the date."""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from sqlalchemy import select

from channels.accounts.models import Account
from hub.product import Hub
from kernel.duties import Duty
from scheduler.elsewhere import PORTAL

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=24)
SECONDS = 10.0


def connect(hub: Hub) -> None:
    """Adds the duty; a site without https has nothing to read."""
    if urlsplit(hub.settings.address).scheme == "https":
        hub.duties.append(Duty("accounts.certificates", EVERY, lambda: read_certificate(hub)))


def read_certificate(hub: Hub) -> int:
    """Writes the end of the certificate down on the portal's accounts; returns on how many it changed.

    A site that does not answer says nothing: the date that was known stays.
    """
    site = urlsplit(hub.settings.address)
    try:
        until = valid_until(site.hostname or "", site.port or 443)
    except (OSError, ValueError) as failure:
        log.warning("certificate not read", host=site.hostname, why=type(failure).__name__)
        return 0
    day = until.astimezone(hub.settings.office_zone).date()
    with hub.works.write() as work:
        query = select(Account).where(
            Account.channel == PORTAL, Account.active, Account.rehearsal.is_(False), Account.stands_for.is_(None)
        )
        changed = [one for one in work.session.scalars(query.with_for_update()) if one.tls_until != day]
        for account in changed:
            account.tls_until = day
            work.audit("account.certificate", account, until=day.isoformat())
    return len(changed)


def valid_until(host: str, port: int) -> datetime:
    """When the certificate that is shown there ends; raises OSError where none is.

    It is read and not trusted: one that has ended, or that a private authority made, has a date too.
    """
    reading = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    reading.check_hostname, reading.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=SECONDS) as plain,
        reading.wrap_socket(plain, server_hostname=host) as greeted,
    ):
        shown = greeted.getpeercert(binary_form=True)
    if not shown:
        raise OSError("no certificate was shown")
    return x509.load_der_x509_certificate(shown).not_valid_after_utc
