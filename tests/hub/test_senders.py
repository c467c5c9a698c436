"""The ways out: what an answer says, and what a lost answer leaves open."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import ClassVar

import httpx
import pytest
from pydantic import SecretStr

from hub.notifier import Message, NotSent, Unanswered
from hub.senders import GatewaySender, SmtpSender, senders
from hub.settings import Settings

MESSAGE = Message(
    7, "wang@example.gov.cn", "稿件被退回\n请看", "二审意见：请修改。", "https://console.example/console/me"
)


class Server(socketserver.ThreadingTCPServer):
    """A mail server for one conversation: `script` maps a command's first word to a reply; None hangs up."""

    allow_reuse_address = True
    daemon_threads = True
    script: ClassVar[dict[str, str | None]] = {}
    letters: ClassVar[list[bytes]] = []


class Talk(socketserver.StreamRequestHandler):
    """Speaks just enough SMTP."""

    def handle(self) -> None:
        script: dict[str, str | None] = {"": "220 ready", "EHLO": "250 here", "MAIL": "250 ok", "RCPT": "250 ok"}
        script |= {"DATA": "354 go on", ".": "250 kept", "QUIT": "221 bye"}
        script |= self.server.script  # type: ignore[attr-defined]  # Server, above.
        if not self.say(script[""]):
            return
        for line in self.rfile:
            word = line.split()[0].decode().upper() if line.split() else ""
            if not self.say(script.get(word, "502 unknown")):
                return
            if word == "DATA" and str(script["DATA"]).startswith("354"):
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.letters.append(letter)  # type: ignore[attr-defined]  # Server, above.
                if not self.say(script["."]):
                    return

    def say(self, reply: str | None) -> bool:
        if reply is None:
            return False
        self.wfile.write(f"{reply}\r\n".encode())
        return True


@contextmanager
def mail_server(**script: str | None) -> Iterator[tuple[SmtpSender, list[bytes]]]:
    """A sender connected to a server that answers by the script."""
    named = {word.replace("dot", ".").replace("greeting", ""): reply for word, reply in script.items()}
    kind = type("Scripted", (Server,), {"script": named, "letters": []})
    with kind(("127.0.0.1", 0), Talk) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            url = f"smtp://127.0.0.1:{server.server_address[1]}"
            yield SmtpSender(url, "xuanda@example.gov.cn", 5), server.letters
        finally:
            server.shutdown()
            thread.join()


def test_a_letter_arrives_whole() -> None:
    with mail_server() as (sender, letters):
        sender.send(MESSAGE)
    letter = message_from_bytes(letters[0])
    assert str(make_header(decode_header(letter["Subject"]))) == "稿件被退回 请看"
    assert letter["To"] == "wang@example.gov.cn"
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "二审意见：请修改。" in body.decode()
    assert "https://console.example/console/me" in body.decode()


@pytest.mark.parametrize(
    ("script", "lasting"),
    [
        ({"greeting": "554 go away"}, False),
        ({"MAIL": "451 later"}, False),
        ({"RCPT": "550 nobody here"}, True),
        ({"DATA": "451 later"}, False),
        ({"DATA": "554 never"}, True),
        ({"dot": "452 full"}, False),
        ({"dot": "554 spam"}, True),
    ],
)
def test_what_the_server_refused_was_surely_not_sent(script: dict[str, str], lasting: bool) -> None:
    with mail_server(**script) as (sender, _letters), pytest.raises(NotSent) as refusal:
        sender.send(MESSAGE)
    assert refusal.value.lasting is lasting


@pytest.mark.parametrize("word", ["greeting", "EHLO", "MAIL", "RCPT"])
def test_a_line_that_breaks_before_the_text_left_nothing_out(word: str) -> None:
    with mail_server(**{word: None}) as (sender, letters), pytest.raises(NotSent) as refusal:
        sender.send(MESSAGE)
    assert not refusal.value.lasting
    assert letters == []


def test_a_line_that_breaks_after_the_text_leaves_it_open() -> None:
    with mail_server(dot=None) as (sender, letters), pytest.raises(Unanswered):
        sender.send(MESSAGE)
    assert len(letters) == 1


def test_no_server_at_all() -> None:
    with mail_server() as (sender, _letters):
        pass
    with pytest.raises(NotSent):
        sender.send(MESSAGE)


def gateway(answer: Callable[[httpx.Request], httpx.Response]) -> GatewaySender:
    """A gateway that answers as told."""
    return GatewaySender("https://sms.example/send", "t0ken", 5, httpx.MockTransport(answer))


def test_the_gateway_gets_json_with_token_and_number() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202)

    gateway(answer).send(MESSAGE)
    assert seen[0].headers["authorization"] == "Bearer t0ken"
    assert seen[0].headers["idempotency-key"] == "xuanda-notice-7"
    assert b'"to":"wang@example.gov.cn"' in seen[0].content


@pytest.mark.parametrize(
    ("status", "expected", "lasting"),
    [
        (429, NotSent, False),
        (503, NotSent, False),
        (400, NotSent, True),
        (401, NotSent, True),
        (302, NotSent, True),
        (500, Unanswered, None),
        (502, Unanswered, None),
        (504, Unanswered, None),
    ],
)
def test_what_a_status_says(status: int, expected: type[Exception], lasting: bool | None) -> None:
    with pytest.raises(expected) as refusal:
        gateway(lambda _request: httpx.Response(status)).send(MESSAGE)
    assert getattr(refusal.value, "lasting", None) is lasting


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (httpx.ConnectError("no"), NotSent),
        (httpx.ConnectTimeout("no"), NotSent),
        (httpx.ReadTimeout("lost"), Unanswered),
        (httpx.ReadError("lost"), Unanswered),
        (httpx.RemoteProtocolError("lost"), Unanswered),
        (httpx.WriteError("lost"), Unanswered),
    ],
)
def test_what_a_broken_line_says(failure: Exception, expected: type[Exception]) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        raise failure

    with pytest.raises(expected):
        gateway(answer).send(MESSAGE)


def test_only_what_is_set_up_is_used() -> None:
    assert senders(Settings()) == {}
    both = Settings(
        smtp_url="smtps://mail:s%40cret@mail.example", notice_gateway_url="https://sms.example", smtp_sender="x@y"
    )
    assert set(senders(both)) == {"smtp", "gateway"}
    assert "s3cret" not in repr(Settings(notice_gateway_token=SecretStr("s3cret")))
