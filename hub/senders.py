"""The ways a notice leaves the house: mail by SMTP, and an HTTP gateway for text messages."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import make_msgid
from urllib.parse import unquote, urlsplit

import httpx

from channels.transport import tls
from hub.notifier import BY_PHONE, Message, NotSent, Sender, Unanswered
from hub.settings import Settings
from kernel.people import Person

# What an HTTP answer says about a message; every other answer leaves it open whether it went out.
GATEWAY_TRY_AGAIN = (425, 429, 503)


class SmtpSender:
    """Mail through one server: `smtp://user:password@host:port`, `smtps://` for TLS from the first byte."""

    def __init__(self, url: str, sender: str, timeout: float) -> None:
        parts = urlsplit(url)
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (465 if self._tls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._timeout = timeout

    def address_of(self, person: Person) -> str:
        """The person's mail address."""
        return person.email

    def send(self, message: Message) -> None:
        """Sends one mail; an answer lost after the text went over the wire raises Unanswered."""
        with self._connected() as server:
            try:
                _expect(server.mail(self._sender))
                _expect(server.rcpt(message.to))
            except (OSError, smtplib.SMTPException) as failure:
                raise NotSent(type(failure).__name__) from failure
            try:
                _expect(server.data(self._letter(message).as_bytes()))
            except smtplib.SMTPDataError as refusal:  # Raised before a byte of the text has left.
                raise NotSent(f"{refusal.smtp_code}", lasting=refusal.smtp_code >= 500) from refusal
            except (OSError, smtplib.SMTPException) as lost:
                raise Unanswered(type(lost).__name__) from lost

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        try:
            server = self._open()
        except (OSError, smtplib.SMTPException) as failure:
            raise NotSent(type(failure).__name__) from failure
        try:
            yield server
        finally:
            server.close()

    def _open(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if self._tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout, context=context)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            server.ehlo()
            if not self._tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["From"], letter["To"] = self._sender, message.to
        letter["Subject"] = message.title.replace("\n", " ").replace("\r", " ")
        letter["Message-ID"] = make_msgid(f"xuanda-{message.id}", domain=self._sender.rpartition("@")[2] or "localhost")
        letter.set_content("\n\n".join(part for part in (message.text, message.link) if part) or message.title)
        return letter


class GatewaySender:
    """An office's own gateway (text messages): JSON by POST with a bearer token."""

    def __init__(self, url: str, token: str, timeout: float, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url
        self._client = httpx.Client(
            timeout=timeout, headers=headers, transport=transport, verify=tls(), trust_env=False
        )

    def address_of(self, person: Person) -> str:
        """The person's telephone number."""
        return person.phone

    def send(self, message: Message) -> None:
        """Posts one notice; the row's number goes along as Idempotency-Key."""
        body = {
            "id": message.id,
            "to": message.to,
            "title": message.title,
            "text": message.text,
            "link": message.link,
        }
        try:
            answer = self._client.post(
                self._url, json=body, headers={"Idempotency-Key": f"xuanda-{message.key}-{message.id}"}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as failure:
            raise NotSent(type(failure).__name__) from failure
        except httpx.HTTPError as lost:
            raise Unanswered(type(lost).__name__) from lost
        if answer.is_success:
            return
        if answer.status_code in GATEWAY_TRY_AGAIN:
            raise NotSent(f"HTTP {answer.status_code}")
        if answer.is_client_error or answer.is_redirect:
            raise NotSent(f"HTTP {answer.status_code}", lasting=True)
        raise Unanswered(f"HTTP {answer.status_code}")


def senders(settings: Settings) -> dict[str, Sender]:
    """The ways out that are set up, by channel name."""
    ways: dict[str, Sender] = {}
    if settings.smtp_url:
        ways["smtp"] = SmtpSender(settings.smtp_url, settings.smtp_sender, settings.send_timeout)
    if settings.notice_gateway_url:
        token = settings.notice_gateway_token.get_secret_value()
        ways[BY_PHONE] = GatewaySender(settings.notice_gateway_url, token, settings.send_timeout)
    return ways


def _expect(reply: tuple[int, bytes]) -> None:
    code = reply[0]
    if not 200 <= code < 300:
        raise NotSent(f"SMTP {code}", lasting=code >= 500)
