"""How soon the bot answers in the portal's chat, and how many messages it takes beside writing the rows alone."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.callers import Call, Seen, call
from bench.figures import Figure, measure, percentile
from bench.offices import BenchOffice, bench_office, ended, wait_for
from bench.rasa_peer import rasa_of
from content.compose import Draft
from hub.demo.corpus import FaqRow, load_faqs
from hub.drill.stage import free_port

CLIENTS, MESSAGES, ROUNDS = 32, 20, 5
FAQ_COLUMN = "wenda"


@measure("bot.chat")
def chat() -> Iterator[Figure]:
    """32 clients with the bot, in rounds that take turns with the bare route, so that both see the same machine."""
    yield from measured(CLIENTS, MESSAGES, ROUNDS)
    yield from against_rasa(CLIENTS, MESSAGES, ROUNDS)


def measured(clients: int, messages: int, rounds: int) -> Iterator[Figure]:
    """The figures of the chat, of any size."""
    with bench_office() as office:
        faqs = publish_faqs(office)
        # Every client comes from an address of its own, as citizens do, through a proxy that is trusted.
        port, bare = free_port(), free_port()
        with ended(office.serve(port, trusted_proxies="127.0.0.1")), _bare(office, bare, faqs):
            ours, theirs = [], []
            rounds_of(port, sessions(port, clients, 2, 0), faqs)  # The first messages wait for the classifier.
            for number in range(1, rounds + 1):
                ours.append(rounds_of(port, sessions(port, clients, messages, number), faqs))
                rows = [Session(number * clients + place, "", messages) for place in range(clients)]
                theirs.append(rounds_of(bare, rows, faqs))
    times = [one for seen in ours for one in seen.times]
    ratios = [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]
    against = f"{statistics.median(seen.rate for seen in theirs):.0f}/s bare, {min(ratios):.2f}-{max(ratios):.2f}"
    ratio = round(statistics.median(ratios), 3)
    yield Figure("bot.chat.p95", round(percentile(times, 0.95) * 1000, 1), "ms", f"{clients} clients")
    yield Figure("bot.chat.vs_inserts", round(statistics.median(seen.rate for seen in ours), 1), "1/s", against, ratio)


def against_rasa(clients: int, messages: int, rounds: int) -> Iterator[Figure]:
    """The same door with Rasa behind it, in rounds that take turns with the REST channel of the very same Rasa."""
    with bench_office() as office:
        faqs, port = publish_faqs(office), free_port()
        with rasa_of(office) as rasa, ended(office.serve(port, trusted_proxies="127.0.0.1", **rasa.settings)):
            ours, theirs = [], []
            rounds_of(port, sessions(port, clients, 2, 0), faqs)
            for number in range(1, rounds + 1):
                ours.append(rounds_of(port, sessions(port, clients, messages, number), faqs))
                names = [f"{number}-{place}" for place in range(clients)]
                theirs.append(rasa.asked(names, messages, faqs))
    ratios = [our.rate / their.rate for our, their in zip(ours, theirs, strict=True)]
    against = f"{statistics.median(seen.rate for seen in theirs):.0f}/s bare Rasa, aim 0.6"
    rate, ratio = statistics.median(seen.rate for seen in ours), statistics.median(ratios)
    yield Figure("bot.chat.vs_rasa", round(rate, 1), "1/s", against, round(ratio, 3))


@dataclass(frozen=True)
class Session:
    """One citizen's conversation, or a number to write rows under."""

    id: int
    token: str
    messages: int


def publish_faqs(office: BenchOffice) -> Sequence[FaqRow]:
    """The demo's questions, live on the portal, so that the bot knows them."""
    office.add_accounts("portal", 1)
    column = office.add_column(FAQ_COLUMN, "常见问题", "faq")
    faqs = load_faqs()
    pieces = []
    for row in faqs:
        fields = {"theme": row.group, "wordings": list(row.wordings)}
        draft = Draft(title=row.question, body=f"<p>{row.answer}</p>", fields=fields)
        pieces.append(office.signed(row.question, office.accounts, draft=draft, column=column))
    office.book(pieces, office.accounts, office.hub.clock.now())
    office.dispatcher().run_lane(office.accounts[0].id)
    return faqs


@contextmanager
def _bare(office: BenchOffice, port: int, faqs: Sequence[FaqRow]) -> Iterator[None]:
    longest = sorted((row.answer for row in faqs), key=len)[len(faqs) // 2]
    database = f"sqlite:///{office.folder / 'bare.db'}"
    command = [sys.executable, "-m", "bench.inserts", database, str(port), longest]
    with ended(subprocess.Popen(command)) as process:  # Our own module with fixed arguments.
        wait_for(f"http://127.0.0.1:{port}/openapi.json", process)
        yield


def sessions(port: int, clients: int, messages: int, round_: int) -> list[Session]:
    """So many conversations begun, each from an address of its own."""
    made = []
    for place in range(clients):
        headers = {"X-Forwarded-For": f"10.0.{round_}.{place}"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/chat/start", b"", headers)
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # Our own process.
            said = json.load(answer)
        made.append(Session(said["id"], said["token"], messages))
    return made


def rounds_of(port: int, sessions: Sequence[Session], faqs: Sequence[FaqRow]) -> Seen:
    """All sessions ask their questions at the same time."""
    return call(port, [_calls(session, place, faqs) for place, session in enumerate(sessions)])


def _calls(session: Session, place: int, faqs: Sequence[FaqRow]) -> list[Call]:
    """A citizen's questions, in the wordings that the office foresaw; each asks for what was said since the last."""
    calls = []
    for number in range(session.messages):
        row = faqs[(place * 7 + number) % len(faqs)]
        text = row.wordings[(place + number) % len(row.wordings)]
        body: dict[str, object] = {"key": f"k{number}", "text": text, "after": 1 + 2 * number}
        headers = {"authorization": f"Bearer {session.token}"}
        calls.append(Call(f"/chat/{session.id}/messages", body, headers))
    return calls
